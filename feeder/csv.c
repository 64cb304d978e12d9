/* SPDX-License-Identifier: MIT */
#include "feeder/csv.h"

#include <string.h>
#include <strings.h>

#include "feeder/calendar.h"

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

static enum csv_column column_of(const struct field *field)
{
    static const struct {
        const char *name;
        enum csv_column column;
    } names[] = {
        {"symbol", CSV_SYMBOL}, {"date", CSV_TIME},   {"time", CSV_TIME},
        {"price", CSV_CLOSE},   {"close", CSV_CLOSE}, {"open", CSV_OPEN},
        {"high", CSV_HIGH},     {"low", CSV_LOW},     {"size", CSV_SIZE},
        {"volume", CSV_SIZE},   {"type", CSV_TYPE},   {"market", CSV_MARKET},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i].name) == field->len &&
            strncasecmp(names[i].name, field->text, field->len) == 0) {
            return names[i].column;
        }
    }
    return CSV_COLUMNS;
}

const char *csv_parse_header(char *line, size_t len, struct csv_header *out)
{
    struct field fields[CSV_COLUMNS_MAX];
    const char *why = split(line, len, fields, &out->count);
    if (why != NULL) {
        return why;
    }
    bool seen[CSV_COLUMNS + 1] = {false};
    for (size_t i = 0; i < out->count; i++) {
        const enum csv_column column = column_of(&fields[i]);
        if (column != CSV_COLUMNS && seen[column]) {
            return "two columns of the same meaning";
        }
        seen[column] = true;
        out->columns[i] = column;
    }
    if (!seen[CSV_SYMBOL] || !seen[CSV_TIME] || !seen[CSV_CLOSE]) {
        return "the header needs the columns symbol, date or time, and price or close";
    }
    out->bars = seen[CSV_OPEN];
    if (seen[CSV_HIGH] != out->bars || seen[CSV_LOW] != out->bars) {
        return "open, high and low belong together";
    }
    return NULL;
}

static const char *take_number(const struct field *field, struct decimal *out)
{
    return decimal_parse(field->text, field->len, out) ? NULL : "not a number";
}

/* Takes one field into the row. Returns NULL or what is wrong. */
static const char *take_field(enum csv_column column, const struct field *field,
                              struct csv_row *row)
{
    struct tick *tick = &row->tick;
    switch (column) {
    case CSV_SYMBOL:
        tick->symbol = field->text;
        tick->symbol_len = field->len;
        return topic_is_symbol(field->text, field->len) ? NULL : "no valid symbol";
    case CSV_TIME:
        return calendar_parse(field->text, field->len, &tick->time_us) ? NULL
                                                                       : "no valid date";
    case CSV_CLOSE:
        return take_number(field, &tick->price);
    case CSV_OPEN:
        return take_number(field, &row->open);
    case CSV_HIGH:
        return take_number(field, &row->high);
    case CSV_LOW:
        return take_number(field, &row->low);
    case CSV_SIZE:
        return field->len == 0 ? NULL : take_number(field, &tick->size);
    case CSV_TYPE:
        if (field->len == 0) {
            return NULL;
        }
        return topic_type_parse(field->text, field->len, &tick->type) &&
                       tick->type != TOPIC_MARKET
                   ? NULL
                   : "no valid type";
    case CSV_MARKET:
        tick->market = field->text;
        tick->market_len = field->len;
        return field->len == 0 || topic_is_symbol(field->text, field->len)
                   ? NULL
                   : "no valid market";
    case CSV_COLUMNS:
        return NULL;
    }
    return NULL;
}

const char *csv_parse_row(const struct csv_header *header, char *line, size_t len,
                          struct csv_row *out)
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
    *out = (struct csv_row){.tick = {.type = TOPIC_STOCK, .market = ""}};
    for (size_t i = 0; i < count; i++) {
        why = take_field(header->columns[i], &fields[i], out);
        if (why != NULL) {
            return why;
        }
    }
    if (out->tick.size.mantissa < 0) {
        return "a size below zero";
    }
    if (header->bars && (decimal_compare(out->low, out->open) > 0 ||
                         decimal_compare(out->low, out->tick.price) > 0 ||
                         decimal_compare(out->high, out->open) < 0 ||
                         decimal_compare(out->high, out->tick.price) < 0)) {
        return "open or close is not between low and high";
    }
    return NULL;
}
