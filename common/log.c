/* SPDX-License-Identifier: MIT */
#include "common/log.h"

#include "common/json.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
    enum log_level level;
    enum log_format format;
} config = {LOG_LEVEL_INFO, LOG_FORMAT_TEXT};

static const char *const level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_ERROR] = "error",
};

/* A line being built; CLOSING_MAX bytes at its end are kept for what closes it. */
struct line {
    char bytes[LOG_LINE_MAX];
    size_t len;
};

#define CLOSING_MAX 2 /* a brace and the newline */

struct log_field log_str(const char *key, const char *text)
{
    text = text != NULL ? text : "-";
    return log_text(key, text, strlen(text));
}

struct log_field log_text(const char *key, const char *text, size_t len)
{
    return (struct log_field){.key = key, .text = text, .text_len = len};
}

struct log_field log_int(const char *key, int64_t number)
{
    return (struct log_field){.key = key, .number = number};
}

void log_configure(enum log_level level, enum log_format format)
{
    config.level = level;
    config.format = format;
}

/* Returns false, and leaves the line as it was, if the bytes do not fit. */
static bool append(struct line *line, const char *bytes, size_t len)
{
    if (len > sizeof(line->bytes) - CLOSING_MAX - line->len) {
        return false;
    }
    memcpy(line->bytes + line->len, bytes, len);
    line->len += len;
    return true;
}

static bool append_str(struct line *line, const char *text)
{
    return append(line, text, strlen(text));
}

static bool append_quoted(struct line *line, const char *text, size_t len)
{
    char quoted[JSON_QUOTED_MAX(LOG_VALUE_MAX)];
    return append(line, quoted, json_quote(quoted, text, len));
}

/* Returns true if the value reads unambiguously behind `key=` without quotes. */
static bool is_bare(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c <= ' ' || c >= 0x7F || c == '"' || c == '=' || c == '\\') {
            return false;
        }
    }
    return len > 0;
}

static bool append_value(struct line *line, const struct log_field *field)
{
    if (field->text == NULL) {
        char number[24];
        snprintf(number, sizeof(number), "%" PRId64, field->number);
        return append_str(line, number);
    }
    size_t len = json_cut(field->text, field->text_len, LOG_VALUE_MAX);
    if (config.format == LOG_FORMAT_TEXT && is_bare(field->text, len)) {
        return append(line, field->text, len);
    }
    return append_quoted(line, field->text, len);
}

/* All of the field or nothing of it, so that a JSON line stays one object. */
static void append_field(struct line *line, const struct log_field *field)
{
    bool json = config.format == LOG_FORMAT_JSON;
    size_t len = line->len;
    if (!append_str(line, json ? ",\"" : " ") || !append_str(line, field->key) ||
        !append_str(line, json ? "\":" : "=") || !append_value(line, field)) {
        line->len = len;
    }
}

/* UTC, to the millisecond. */
static void append_time(struct line *line)
{
    struct timespec now;
    struct tm utc;
    char text[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    int ms = (int)(now.tv_nsec / 1000000);
    snprintf(text + len, sizeof(text) - len, ".%03dZ", ms);
    append_str(line, text);
}

static void append_head(struct line *line, enum log_level level, const char *event)
{
    bool json = config.format == LOG_FORMAT_JSON;
    append_str(line, json ? "{\"time\":\"" : "");
    append_time(line);
    append_str(line, json ? "\",\"level\":\"" : " ");
    append_str(line, level_names[level]);
    append_str(line, json ? "\",\"event\":\"" : " ");
    append_str(line, event);
    append_str(line, json ? "\"" : "");
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    assert(level <= LOG_LEVEL_ERROR);
    if (level < config.level) {
        return;
    }
    struct line line = {.len = 0};
    int saved_errno = errno;
    append_head(&line, level, event);
    for (const struct log_field *field = fields; field && field->key; field++) {
        append_field(&line, field);
    }
    if (config.format == LOG_FORMAT_JSON) {
        line.bytes[line.len++] = '}';
    }
    line.bytes[line.len++] = '\n';
    ssize_t written;
    do {
        written = write(STDERR_FILENO, line.bytes, line.len);
    } while (written < 0 && errno == EINTR);
    errno = saved_errno;
}
