/* conf_row — one setting of a table: its type, and its value from text and to text.
 *
 * SPDX-License-Identifier: MIT
 *
 * For conf only, but for the row itself and conf_split_address(): those are the
 * programs'.
 */
#ifndef COMMON_CONF_ROW_H
#define COMMON_CONF_ROW_H

#include "common/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conf_type {
    CONF_STRING,  /* const char *; any text on one line */
    CONF_URL,     /* const char *; scheme://…, or nothing if that is the default */
    CONF_ADDRESS, /* const char *; as conf_split_address() takes it, or "off" */
    CONF_INT,     /* int64_t, min..max */
    CONF_BYTES,   /* int64_t, min..max; k, m, g after the number mean KiB, MiB, GiB */
    CONF_NUMBER,  /* double, min..max */
    CONF_BOOL,    /* bool; --name alone means true; 1/0, true/false, yes/no, on/off */
    CONF_CHOICE,  /* int; the place of the word in `choices` */
};

struct conf_setting {
    const char *name; /* as after the two dashes: "log-level" */
    enum conf_type type;
    size_t offset;        /* of the field in the program's struct */
    const char *unit;     /* "ms", "bytes", "per second"; NULL if it has none */
    int64_t min, max;     /* of CONF_INT, CONF_BYTES and CONF_NUMBER */
    const char *fallback; /* the default, as one would write it; "" for none */
    const char *choices;  /* of CONF_CHOICE: "debug|info|warn|error" */
    const char *help;     /* one sentence without the full stop */
};

#define CONF_VALUE_BYTES 32  /* for a number or a word of a choice */
#define CONF_RANGE_BYTES 160 /* for "1 to 9 ms" or the words of a choice */
#define CONF_ECHO_MAX    80  /* bytes of a value that its echo repeats */
#define CONF_ECHO_BYTES  (JSON_QUOTED_MAX(CONF_ECHO_MAX) + 1)

/* Sets the row's field in the struct at `out` and returns true if the text is a value for
 * it. If not, the field is unspecified. */
bool conf_row_parse(const struct conf_setting *row, const char *text, void *out);

/* Returns the value in the struct at `out` as text that conf_row_parse() takes: the
 * value's own text, or written to `buffer`. */
const char *conf_row_format(char buffer[CONF_VALUE_BYTES], const struct conf_setting *row,
                            const void *out);

/* What a value is, as in `"foo" is not a whole number from `; the range follows. */
const char *conf_row_kind(const struct conf_setting *row);

/* Writes "1 to 9 ms", "1k to 1m", "debug, info, warn, error"; nothing for other types. */
void conf_row_range(char out[CONF_RANGE_BYTES], const struct conf_setting *row);

/* Writes the beginning of a text in quotes, harmless to a terminal, its secret masked. */
void conf_row_echo(char out[CONF_ECHO_BYTES], const char *text);

/* Finds the password of a URL, or what may be one. Returns its length, 0 if there is
 * none; then *out_start stays untouched. */
size_t conf_row_secret(const char *text, const char **out_start);

#define CONF_HOST_BYTES 64 /* for any numeric host and its terminating zero */

/* Takes HOST:PORT apart: an IPv4 address or an IPv6 address in brackets, which `host`
 * gets without them, and a port of 0..65535. Returns false for anything else. */
bool conf_split_address(const char *text, char host[CONF_HOST_BYTES], uint16_t *out_port);

#endif
