/* options — `--name VALUE` on a command line into variables, from a table.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

/* Exactly one of the two targets is set; what it holds before is the default. */
struct option_row {
    const char *name;
    int64_t *number;
    const char **text;
    const char *help;
};

/* Exits with 2 and the list of options when something is wrong. */
void options_parse(int argc, char **argv, const struct option_row *rows, size_t count);

#endif
