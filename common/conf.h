/* conf — a table of settings: from defaults, environment and argv into a struct.
 *
 * SPDX-License-Identifier: MIT
 *
 * A program describes each setting in one row; --help, the checks, --print-config and
 * the README's table all come from those rows. An argument beats the environment, which
 * beats the default. `--name VALUE` and `--name=VALUE` are the same; the environment
 * variable of `--log-level` is PREFIX + LOG_LEVEL. Nothing is read from files, and conf
 * keeps nothing.
 *
 * An environment variable set to nothing counts as not set. One with the prefix that
 * names no setting is an error, so that a typing mistake does not pass in silence; but
 * what looks like a service link is left alone, because Kubernetes sets such variables
 * for a service named like the program: CHRONOGATE_PORT=tcp://…, CHRONOGATE_SERVICE_HOST.
 *
 * Every program has besides its rows: -h/--help, --version, --print-config (secrets in
 * URLs masked), and -n (check the configuration and exit).
 */
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include "common/conf_row.h"

#include <stddef.h>
#include <stdio.h>

struct conf_program {
    const char *name;       /* "chronogate" */
    const char *env_prefix; /* "CHRONOGATE_" */
    const char *version;
    const char *summary; /* the first lines of --help */
    const struct conf_setting *settings;
    size_t count;
};

enum conf_result {
    CONF_RUN,     /* go on with *out */
    CONF_CHECKED, /* -n was given and all is well */
    CONF_SHOWN,   /* --help, --version or --print-config was written to `shown` */
    CONF_BAD,     /* one clear line is in `error` */
};

#define CONF_ERROR_MAX 512

/* Fills the struct at `out` from argv and envp, both of which end with NULL. Strings
 * point into argv, envp or the table and live as long as those. Whatever --help and its
 * like show goes to `shown`; --print-config writes a line `name=value` for each row,
 * which is an option again with two dashes before it. Passwords in URLs are masked there
 * and in errors. With CONF_BAD, `error` holds one line that says what to do, and *out is
 * unspecified. A fallback that is no value for its row is an assertion. */
enum conf_result conf_load(const struct conf_program *program, char *const argv[],
                           char *const envp[], void *out, FILE *shown,
                           char error[CONF_ERROR_MAX]);

/* Writes the rows as a Markdown table: setting, default, range, meaning. */
void conf_print_markdown(const struct conf_program *program, FILE *file);

#endif
