/* SPDX-License-Identifier: MIT
 *
 * Runs a fuzz target over every file of the directories given, for builds without
 * libFuzzer: run_seeds DIRECTORY... An empty directory is a failure.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's word */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Gives the target the file's bytes in memory of exactly their size, so that the address
 * sanitizer sees a read beyond them. */
static bool run_file(int dir, const char *name)
{
    struct stat status;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && fstat(fd, &status) == 0;
    if (good) {
        size_t size = (size_t)status.st_size;
        uint8_t *data = malloc(size > 0 ? size : 1);
        good = data != NULL && read(fd, data, size) == (ssize_t)size;
        if (good) {
            LLVMFuzzerTestOneInput(data, size);
        }
        free(data);
    }
    if (fd >= 0) {
        close(fd);
    }
    return good;
}

static bool run_directory(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        fprintf(stderr, "run_seeds: %s: %s\n", path, strerror(errno));
        return false;
    }
    size_t count = 0;
    bool good = true;
    for (struct dirent *entry; good && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] != '.') {
            good = run_file(dirfd(dir), entry->d_name);
            count++;
            if (!good) {
                fprintf(stderr, "run_seeds: %s/%s cannot be read\n", path, entry->d_name);
            }
        }
    }
    closedir(dir);
    printf("run_seeds: %s: %zu files\n", path, count);
    return good && count > 0;
}

int main(int argc, char *argv[])
{
    bool good = argc > 1;
    for (int i = 1; i < argc; i++) {
        good = run_directory(argv[i]) && good;
    }
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
