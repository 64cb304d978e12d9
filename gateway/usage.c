/* SPDX-License-Identifier: MIT */
#include "gateway/usage.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define LINE_MAX_BYTES 512

/* Where the kernel tells of control groups' memory: version 2, and 1, which is older. */
struct tree {
    const char *line; /* in /proc/self/cgroup, in front of the group's path */
    const char *root;
    const char *limit;
    const char *used;
};

static const struct tree trees[] = {
    {"0::", "/sys/fs/cgroup", "memory.max", "memory.current"},
    {":memory:", "/sys/fs/cgroup/memory", "memory.limit_in_bytes",
     "memory.usage_in_bytes"}};

/* Reads the number that stands behind so many others. Returns false if there is none, as
 * where it says `max`. */
static bool read_number(const char *path, unsigned behind, uint64_t *out)
{
    char line[LINE_MAX_BYTES] = "";
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    const bool is_read = fgets(line, sizeof(line), file) != NULL;
    fclose(file);
    char *at = line;
    char *end = line;
    uint64_t number = 0;
    for (unsigned i = 0; i <= behind; i++) {
        at = end;
        number = strtoull(at, &end, 10);
    }
    if (!is_read || end == at) {
        return false;
    }
    *out = number;
    return true;
}

/* Reads a file of our group. In a container the root may be that group, whatever its path
 * is outside. */
static bool read_of_group(const struct tree *tree, const char *group, const char *name,
                          uint64_t *out)
{
    char path[2 * LINE_MAX_BYTES];
    snprintf(path, sizeof(path), "%s%s/%s", tree->root, group, name);
    if (read_number(path, 0, out)) {
        return true;
    }
    snprintf(path, sizeof(path), "%s/%s", tree->root, name);
    return read_number(path, 0, out);
}

static bool read_tree(const struct tree *tree, const char *group, struct usage *out)
{
    uint64_t limit;
    uint64_t used;
    if (!read_of_group(tree, group, tree->limit, &limit) ||
        limit >= out->memory_limit_bytes ||
        !read_of_group(tree, group, tree->used, &used)) {
        return false;
    }
    out->memory_limit_bytes = limit;
    out->memory_bytes = used;
    return true;
}

/* Takes the limit of our control group, if it has one below the machine's. */
static void read_group(struct usage *out)
{
    char line[LINE_MAX_BYTES];
    bool is_found = false;
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file != NULL && !is_found && fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]) && !is_found; i++) {
            const char *at = strstr(line, trees[i].line);
            is_found =
                at != NULL && read_tree(&trees[i], at + strlen(trees[i].line), out);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

static uint64_t resident_bytes(void)
{
    uint64_t pages = 0;
    (void)read_number("/proc/self/statm", 1, &pages);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t machine_bytes(void)
{
    struct sysinfo info;
    return sysinfo(&info) == 0 ? (uint64_t)info.totalram * info.mem_unit : 0;
}

static uint64_t ms_of(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * 1000 + (uint64_t)time->tv_usec / 1000;
}

void usage_read(struct usage *out)
{
    struct rusage used = {0};
    getrusage(RUSAGE_SELF, &used);
    *out = (struct usage){.resident_bytes = resident_bytes(),
                          .memory_limit_bytes = machine_bytes(),
                          .cpu_ms = ms_of(&used.ru_utime) + ms_of(&used.ru_stime)};
    out->memory_bytes = out->resident_bytes;
    read_group(out);
}
