/* SPDX-License-Identifier: MIT */
#include "common/conf_row.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns the place after the number, or NULL if there is none or it is too large. */
static const char *parse_integer(const char *text, int64_t *out)
{
    const char *digits = *text == '-' ? text + 1 : text;
    if (!isdigit((unsigned char)*digits)) {
        return NULL;
    }
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 ? end : NULL;
}

/* Of CONF_BYTES a k, m or g may follow the number. */
static bool parse_int(const struct conf_setting *row, const char *text, int64_t *out)
{
    static const char suffixes[] = "kmg";
    const char *end = parse_integer(text, out);
    if (end != NULL && *end != '\0' && row->type == CONF_BYTES) {
        const char *suffix = strchr(suffixes, *end | 0x20);
        int step = suffix != NULL ? (int)(suffix - suffixes) + 1 : 0;
        if (step == 0 || __builtin_mul_overflow(*out, INT64_C(1) << (10 * step), out)) {
            return false;
        }
        end++;
    }
    return end != NULL && *end == '\0' && *out >= row->min && *out <= row->max;
}

static bool parse_number(const struct conf_setting *row, const char *text, double *out)
{
    if (*text == '\0' || text[strspn(text, "0123456789+-.eE")] != '\0') {
        return false; /* strtod() also takes hexadecimal, infinities and spaces */
    }
    char *end;
    *out = strtod(text, &end);
    return *end == '\0' && *out >= (double)row->min && *out <= (double)row->max;
}

static bool parse_bool(const char *text, bool *out)
{
    static const char *const words[] = {"0",  "1",   "false", "true",
                                        "no", "yes", "off",   "on"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *out = i % 2 == 1;
            return true;
        }
    }
    return false;
}

static bool parse_choice(const char *choices, const char *text, int *out)
{
    size_t len = strlen(text);
    for (int i = 0;; i++) {
        size_t word = strcspn(choices, "|");
        if (word == len && memcmp(choices, text, len) == 0) {
            *out = i;
            return true;
        }
        if (choices[word] == '\0') {
            return false;
        }
        choices += word + 1;
    }
}

bool conf_split_address(const char *text, char host[CONF_HOST_BYTES], uint16_t *out_port)
{
    bool bracket = *text == '[';
    const char *start = bracket ? text + 1 : text;
    const char *end = strchr(start, bracket ? ']' : ':');
    if (end == NULL || end - start >= CONF_HOST_BYTES) {
        return false;
    }
    const char *colon = bracket ? end + 1 : end;
    char copy[CONF_HOST_BYTES] = "";
    struct in6_addr address;
    memcpy(copy, start, (size_t)(end - start));
    if (*colon != ':' || inet_pton(bracket ? AF_INET6 : AF_INET, copy, &address) != 1) {
        return false;
    }
    int64_t port;
    end = parse_integer(colon + 1, &port);
    if (end == NULL || *end != '\0' || port < 0 || port > UINT16_MAX) {
        return false;
    }
    memcpy(host, copy, sizeof(copy));
    *out_port = (uint16_t)port;
    return true;
}

/* Returns true for what can be printed on a line of its own. */
static bool is_line(const char *text)
{
    while (*text != '\0' && !iscntrl((unsigned char)*text)) {
        text++;
    }
    return *text == '\0';
}

static bool is_address(const char *text)
{
    char host[CONF_HOST_BYTES];
    uint16_t port;
    return strcmp(text, "off") == 0 || conf_split_address(text, host, &port);
}

/* A URL may be empty where none is the default. */
static bool is_url(const struct conf_setting *row, const char *text)
{
    const char *colon = strstr(text, "://");
    return (*text == '\0' && *row->fallback == '\0') ||
           (is_line(text) && colon != NULL && colon != text && colon[3] != '\0');
}

bool conf_row_parse(const struct conf_setting *row, const char *text, void *out)
{
    void *field = (char *)out + row->offset;
    bool good = false;
    switch (row->type) {
    case CONF_INT:
    case CONF_BYTES:
        return parse_int(row, text, field);
    case CONF_NUMBER:
        return parse_number(row, text, field);
    case CONF_BOOL:
        return parse_bool(text, field);
    case CONF_CHOICE:
        return parse_choice(row->choices, text, field);
    case CONF_STRING:
        good = is_line(text);
        break;
    case CONF_URL:
        good = is_url(row, text);
        break;
    case CONF_ADDRESS:
        good = is_address(text);
        break;
    }
    memcpy(field, &text, sizeof(text));
    return good;
}

size_t conf_row_secret(const char *text, const char **out_start)
{
    const char *scheme = strstr(text, "://");
    const char *login = scheme != NULL ? scheme + 3 : text;
    const char *end = strrchr(login, '@');
    const char *colon = end != NULL ? memchr(login, ':', (size_t)(end - login)) : NULL;
    if (end == NULL || (colon == NULL && scheme == NULL)) {
        return 0;
    }
    *out_start = colon != NULL ? colon + 1 : login;
    return (size_t)(end - *out_start);
}

void conf_row_echo(char out[CONF_ECHO_BYTES], const char *text)
{
    char masked[CONF_ECHO_MAX + 8];
    const char *secret = text;
    size_t secret_len = conf_row_secret(text, &secret);
    if (secret_len > 0) {
        snprintf(masked, sizeof(masked), "%.*s***%s", (int)(secret - text), text,
                 secret + secret_len);
        text = masked;
    }
    size_t len = json_cut(text, strlen(text), CONF_ECHO_MAX);
    out[json_quote(out, text, len)] = '\0';
}

static void format_bytes(char out[CONF_VALUE_BYTES], int64_t bytes)
{
    int step = 0;
    while (step < 3 && bytes != 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        step++;
    }
    static const char *const suffixes[] = {"", "k", "m", "g"};
    snprintf(out, CONF_VALUE_BYTES, "%" PRId64 "%s", bytes, suffixes[step]);
}

/* The shortest text that reads back as the same number. */
static void format_number(char out[CONF_VALUE_BYTES], double number)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, CONF_VALUE_BYTES, "%.*g", digits, number);
        if (strtod(out, NULL) == number) {
            return;
        }
    }
}

static void format_choice(char out[CONF_VALUE_BYTES], const char *choices, int place)
{
    while (place-- > 0) {
        choices += strcspn(choices, "|") + 1;
    }
    snprintf(out, CONF_VALUE_BYTES, "%.*s", (int)strcspn(choices, "|"), choices);
}

void conf_row_range(char out[CONF_RANGE_BYTES], const struct conf_setting *row)
{
    char min[CONF_VALUE_BYTES];
    char max[CONF_VALUE_BYTES];
    const char *unit = row->unit != NULL ? row->unit : "";
    out[0] = '\0';
    if (row->type == CONF_INT || row->type == CONF_NUMBER) {
        snprintf(out, CONF_RANGE_BYTES, "%" PRId64 " to %" PRId64 "%s%s", row->min,
                 row->max, *unit != '\0' ? " " : "", unit);
    } else if (row->type == CONF_BYTES) {
        format_bytes(min, row->min);
        format_bytes(max, row->max);
        snprintf(out, CONF_RANGE_BYTES, "%s to %s", min, max);
    } else if (row->type == CONF_CHOICE) {
        size_t len = 0;
        for (const char *word = row->choices; *word != '\0' && len < CONF_RANGE_BYTES;) {
            size_t word_len = strcspn(word, "|");
            len += (size_t)snprintf(out + len, CONF_RANGE_BYTES - len, "%s%.*s",
                                    len > 0 ? ", " : "", (int)word_len, word);
            word += word_len + (word[word_len] == '|' ? 1 : 0);
        }
    }
}

const char *conf_row_kind(const struct conf_setting *row)
{
    static const char *const kinds[] = {
        [CONF_STRING] = "text without control characters",
        [CONF_URL] = "a URL",
        [CONF_ADDRESS] = "HOST:PORT with a numeric host, nor off",
        [CONF_INT] = "a whole number from ",
        [CONF_BYTES] = "a size from ",
        [CONF_NUMBER] = "a number from ",
        [CONF_BOOL] = "true or false",
        [CONF_CHOICE] = "one of ",
    };
    return kinds[row->type];
}

const char *conf_row_format(char buffer[CONF_VALUE_BYTES], const struct conf_setting *row,
                            const void *out)
{
    const void *field = (const char *)out + row->offset;
    switch (row->type) {
    case CONF_INT:
        snprintf(buffer, CONF_VALUE_BYTES, "%" PRId64, *(const int64_t *)field);
        return buffer;
    case CONF_BYTES:
        format_bytes(buffer, *(const int64_t *)field);
        return buffer;
    case CONF_NUMBER:
        format_number(buffer, *(const double *)field);
        return buffer;
    case CONF_BOOL:
        return *(const bool *)field ? "true" : "false";
    case CONF_CHOICE:
        format_choice(buffer, row->choices, *(const int *)field);
        return buffer;
    case CONF_STRING:
    case CONF_URL:
    case CONF_ADDRESS:
        break;
    }
    return *(const char *const *)field;
}
