/* SPDX-License-Identifier: MIT */
#include "feeder/csv.h"

#include <string.h>

struct field {
    char *text;
    size_t len;
};

/* Unescapes a quoted field that begins after its quote at `at`. Returns where the field's
 * separator has to be, or NULL if the closing quote is missing. */
static char *take_quoted(char *at, const char *end, struct field *out)
{
    *out = (struct field){.text = at};
    for (char *to = at; at != end; at++) {
        if (*at == '"') {
            at++;
            if (at == end || *at != '"') {
                out->len = (size_t)(to - out->text);
                return at;
            }
        }
        *to++ = *at;
    }
    return NULL;
}

/* Takes the line apart. Returns NULL or what is wrong. */
static const char *split(char *line, size_t len, struct field fields[CSV_COLUMNS_MAX],
                         size_t *out_count)
{
    char *at = line;
    char *const end = line + len;
    for (size_t count = 0; count < CSV_COLUMNS_MAX; count++) {
        if (at != end && *at == '"') {
            at = take_quoted(at + 1, end, &fields[count]);
            if (at == NULL) {
                return "a quote is not closed";
            }
        } else {
            fields[count].text = at;
            while (at != end && *at != ',') {
                at++;
            }
            fields[count].len = (size_t)(at - fields[count].text);
        }
        if (at == end) {
            *out_count = count + 1;
            return NULL;
        }
        if (*at++ != ',') {
            return "text after a closing quote";
        }
    }
    return "too many columns";
}

const char *csv_parse_header(const struct columns *columns, char *line, size_t len,
                             struct csv_header *out)
{
    struct field fields[CSV_COLUMNS_MAX];
    const char *why = split(line, len, fields, &out->count);
    if (why != NULL) {
        return why;
    }
    bool has[COLUMNS + 1] = {false};
    for (size_t i = 0; i < out->count; i++) {
        const enum column column = columns_find(columns, fields[i].text, fields[i].len);
        if (column != COLUMNS && has[column]) {
            return "two columns of the same meaning";
        }
        has[column] = true;
        out->columns[i] = column;
    }
    for (enum column i = 0; i < COLUMNS; i++) {
        if (columns->given[i].text != NULL && !has[i]) {
            return "a column that --columns names is not in the header";
        }
    }
    if (!has[COLUMN_SYMBOL] || !has[COLUMN_TIME] || !has[COLUMN_PRICE]) {
        return "the header needs the columns symbol, date or time, and price or close; "
               "--columns tells if they have other names";
    }
    if (has[COLUMN_HIGH] != has[COLUMN_OPEN] || has[COLUMN_LOW] != has[COLUMN_OPEN]) {
        return "open, high and low belong together";
    }
    return NULL;
}

const char *csv_parse_row(const struct csv_header *header, char *line, size_t len,
                          struct row *out)
{
    struct field fields[CSV_COLUMNS_MAX];
    size_t count;
    const char *why = split(line, len, fields, &count);
    if (why != NULL) {
        return why;
    }
    if (count != header->count) {
        return "not as many fields as the header has";
    }
    row_begin(out);
    for (size_t i = 0; i < count; i++) {
        why = row_take(out, header->columns[i], fields[i].text, fields[i].len);
        if (why != NULL) {
            return why;
        }
    }
    return row_end(out);
}
