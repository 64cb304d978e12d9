/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void usage(const char *program, const struct option_row *rows,
                            size_t count)
{
    fprintf(stderr, "usage: %s [--NAME VALUE]...\n", program);
    for (size_t i = 0; i < count; i++) {
        fprintf(stderr, "  --%-16s %s\n", rows[i].name, rows[i].help);
    }
    exit(2);
}

static bool set(const struct option_row *row, const char *value)
{
    if (row->text != NULL) {
        *row->text = value;
        return true;
    }
    char *end;
    errno = 0;
    *row->number = strtoll(value, &end, 10);
    return errno == 0 && end != value && *end == '\0';
}

static const struct option_row *find(const struct option_row *rows, size_t count,
                                     const char *word)
{
    for (size_t i = 0; i < count; i++) {
        if (strncmp(word, "--", 2) == 0 && strcmp(word + 2, rows[i].name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

void options_parse(int argc, char **argv, const struct option_row *rows, size_t count)
{
    for (int i = 1; i < argc; i += 2) {
        const struct option_row *row = find(rows, count, argv[i]);
        if (row == NULL || i + 1 == argc || !set(row, argv[i + 1])) {
            fprintf(stderr, "%s: cannot use %s\n", argv[0], argv[i]);
            usage(argv[0], rows, count);
        }
    }
}
