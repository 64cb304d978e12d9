/* SPDX-License-Identifier: MIT */
#include "feeder/ndjson.h"

#include <string.h>

#include "common/json.h"
#include "feeder/object.h"

#define VALUE_MAX 64 /* no symbol, number or time needs more */

static const char *take_value(struct row *row, enum column column,
                              struct object_span value)
{
    char text[VALUE_MAX];
    switch (value.at[0]) {
    case '"':
        break;
    case 'n':
        return row_take(row, column, "", 0);
    case '{':
    case '[':
    case 't':
    case 'f':
        return "a value is neither a text nor a number";
    default:
        return row_take(row, column, value.at, value.len);
    }
    const size_t len = object_string(value, text, sizeof(text));
    if (len == 0 && value.len > 2) {
        return "a text is too long or not printable ASCII";
    }
    return row_take(row, column, text, len);
}

const char *ndjson_parse_row(const struct columns *columns, const char *line, size_t len,
                             struct row *out)
{
    if (!json_is_object(line, len)) {
        return "not one JSON object in UTF-8";
    }
    row_begin(out);
    struct object_member member;
    for (const char *at = object_begin(line); object_next(&at, &member);) {
        const enum column column =
            columns_find(columns, member.name.at + 1, member.name.len - 2);
        const char *why =
            column == COLUMNS ? NULL : take_value(out, column, member.value);
        if (why != NULL) {
            return why;
        }
    }
    return row_end(out);
}
