/* SPDX-License-Identifier: MIT */
#include "feeder/columns.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    enum column column;
} own[] = {
    {"symbol", COLUMN_SYMBOL}, {"time", COLUMN_TIME},   {"date", COLUMN_TIME},
    {"price", COLUMN_PRICE},   {"close", COLUMN_PRICE}, {"open", COLUMN_OPEN},
    {"high", COLUMN_HIGH},     {"low", COLUMN_LOW},     {"size", COLUMN_SIZE},
    {"volume", COLUMN_SIZE},   {"type", COLUMN_TYPE},   {"market", COLUMN_MARKET},
    {"id", COLUMN_ID},         {"trade_id", COLUMN_ID},
};

static enum column find_own(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (strlen(own[i].name) == len && strncasecmp(own[i].name, name, len) == 0) {
            return own[i].column;
        }
    }
    return COLUMNS;
}

static enum column find_given(const struct columns *columns, const char *name, size_t len)
{
    for (enum column i = 0; i < COLUMNS; i++) {
        if (columns->given[i].text != NULL && columns->given[i].len == len &&
            memcmp(columns->given[i].text, name, len) == 0) {
            return i;
        }
    }
    return COLUMNS;
}

/* Takes one pair, as in "time=Date". Returns NULL or what is wrong with it. */
static const char *take_pair(struct columns *columns, const char *pair, size_t len)
{
    const char *const equals = memchr(pair, '=', len);
    if (equals == NULL || equals == pair || equals + 1 == pair + len) {
        return "is not of the form time=Date";
    }
    const enum column column = find_own(pair, (size_t)(equals - pair));
    const size_t name_len = (size_t)(pair + len - (equals + 1));
    if (column == COLUMNS) {
        return "does not begin with symbol, time, price, open, high, low, size, type, "
               "market or id";
    }
    if (columns->given[column].text != NULL) {
        return "gives a second name";
    }
    if (find_given(columns, equals + 1, name_len) != COLUMNS) {
        return "gives a name a second meaning";
    }
    columns->given[column].text = equals + 1;
    columns->given[column].len = name_len;
    return NULL;
}

bool columns_parse(const char *text, struct columns *out, char error[COLUMNS_ERROR_MAX])
{
    *out = (struct columns){.given = {{.text = NULL}}};
    if (text[0] == '\0') {
        return true;
    }
    for (const char *at = text;; at++) {
        const size_t len = strcspn(at, ",");
        const char *why = take_pair(out, at, len);
        if (why != NULL) {
            snprintf(error, COLUMNS_ERROR_MAX, "--columns: \"%.*s\" %s",
                     (int)(len < 40 ? len : 40), at, why);
            return false;
        }
        at += len;
        if (*at == '\0') {
            return true;
        }
    }
}

enum column columns_find(const struct columns *columns, const char *name, size_t len)
{
    const enum column given = find_given(columns, name, len);
    if (given != COLUMNS) {
        return given;
    }
    const enum column column = find_own(name, len);
    return column != COLUMNS && columns->given[column].text != NULL ? COLUMNS : column;
}
