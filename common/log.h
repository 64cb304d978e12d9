/* log — one line per event on standard error, as text or as JSON.
 *
 * SPDX-License-Identifier: MIT
 *
 *     2026-11-22T22:40:01.123Z info listening address=127.0.0.1:8000 role=api
 *     {"time":"2026-11-22T22:40:01.123Z","level":"info","event":"listening","address":…}
 *
 * The level and the format are global, as is nothing else but the key of common/table. A
 * line goes to the kernel in one write; if that fails, the line is lost. Logging never
 * fails for its caller and leaves errno alone. Values may hold bytes from outside: they
 * are cut at LOG_VALUE_MAX bytes and written as JSON strings, in text format only where
 * they would otherwise be ambiguous or could upset a terminal. A field that no longer
 * fits within LOG_LINE_MAX is left out. Events and keys are words of our own and written
 * as they are.
 *
 *     log_info("listening", log_str("address", address), log_str("role", "api"));
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_MAX  2048
#define LOG_VALUE_MAX 256

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* One key and its value; made with log_str(), log_text() or log_int(). */
struct log_field {
    const char *key; /* NULL ends a list */
    const char *text;
    size_t text_len;
    int64_t number; /* the value when text is NULL */
};

/* A value that ends with a zero byte. NULL is logged as "-". */
struct log_field log_str(const char *key, const char *text);

/* A value with a length of its own. */
struct log_field log_text(const char *key, const char *text, size_t len);

struct log_field log_int(const char *key, int64_t number);

/* Lines below `level` are left out. The default is LOG_LEVEL_INFO, LOG_FORMAT_TEXT. */
void log_configure(enum log_level level, enum log_format format);

/* Writes one event with its fields, the last of which has a NULL key; NULL for none. */
void log_write(enum log_level level, const char *event, const struct log_field *fields);

#define LOG_FIELDS(...) ((const struct log_field[]){__VA_ARGS__, {.key = NULL}})

/* NOLINTBEGIN(readability-identifier-naming): to the caller these are functions. */
#define log_debug(event, ...) log_write(LOG_LEVEL_DEBUG, event, LOG_FIELDS(__VA_ARGS__))
#define log_info(event, ...)  log_write(LOG_LEVEL_INFO, event, LOG_FIELDS(__VA_ARGS__))
#define log_warn(event, ...)  log_write(LOG_LEVEL_WARN, event, LOG_FIELDS(__VA_ARGS__))
#define log_error(event, ...) log_write(LOG_LEVEL_ERROR, event, LOG_FIELDS(__VA_ARGS__))
/* NOLINTEND(readability-identifier-naming) */

#endif
