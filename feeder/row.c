/* SPDX-License-Identifier: MIT */
#include "feeder/row.h"

#include <string.h>

#include "feeder/calendar.h"

void row_begin(struct row *row)
{
    *row = (struct row){.tick = {.type = TOPIC_STOCK,
                                 .symbol = row->symbol_text,
                                 .market = row->market_text}};
}

static const char *take_number(const char *text, size_t len, struct decimal *out)
{
    return decimal_parse(text, len, out) ? NULL : "not a number";
}

static const char *take_symbol(struct row *row, const char *text, size_t len)
{
    if (!topic_is_symbol(text, len)) {
        return "no valid symbol";
    }
    memcpy(row->symbol_text, text, len);
    row->tick.symbol_len = len;
    return NULL;
}

static const char *take_market(struct row *row, const char *text, size_t len)
{
    if (!topic_is_symbol(text, len)) {
        return "no valid market";
    }
    memcpy(row->market_text, text, len);
    row->tick.market_len = len;
    return NULL;
}

static const char *take_type(struct row *row, const char *text, size_t len)
{
    return topic_type_parse(text, len, &row->tick.type) && row->tick.type != TOPIC_MARKET
               ? NULL
               : "no valid type";
}

static const char *take_id(struct row *row, const char *text, size_t len)
{
    uint64_t id = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' ||
            __builtin_mul_overflow(id, UINT64_C(10), &id) ||
            __builtin_add_overflow(id, (uint64_t)(text[i] - '0'), &id)) {
            return "no valid id";
        }
    }
    row->tick.id = id;
    return id > 0 ? NULL : "no valid id";
}

const char *row_take(struct row *row, enum column column, const char *text, size_t len)
{
    if (column == COLUMNS) {
        return NULL;
    }
    if (row->has[column]) {
        return "two values of the same meaning";
    }
    row->has[column] = true;
    switch (column) {
    case COLUMN_SYMBOL:
        return take_symbol(row, text, len);
    case COLUMN_TIME:
        return calendar_parse_stamp(text, len, &row->tick.time_us) ? NULL
                                                                   : "no valid date";
    case COLUMN_PRICE:
        return take_number(text, len, &row->tick.price);
    case COLUMN_OPEN:
        return take_number(text, len, &row->open);
    case COLUMN_HIGH:
        return take_number(text, len, &row->high);
    case COLUMN_LOW:
        return take_number(text, len, &row->low);
    case COLUMN_SIZE:
        return len == 0 ? NULL : take_number(text, len, &row->tick.size);
    case COLUMN_TYPE:
        return len == 0 ? NULL : take_type(row, text, len);
    case COLUMN_MARKET:
        return len == 0 ? NULL : take_market(row, text, len);
    case COLUMN_ID:
        return len == 0 ? NULL : take_id(row, text, len);
    case COLUMNS:
        break;
    }
    return NULL;
}

const char *row_end(struct row *row)
{
    const bool *has = row->has;
    if (!has[COLUMN_SYMBOL] || !has[COLUMN_TIME] || !has[COLUMN_PRICE]) {
        return "symbol, time or price is missing";
    }
    row->is_bar = has[COLUMN_OPEN];
    if (has[COLUMN_HIGH] != row->is_bar || has[COLUMN_LOW] != row->is_bar) {
        return "open, high and low belong together";
    }
    if (row->tick.size.mantissa < 0) {
        return "a size below zero";
    }
    if (row->is_bar && (decimal_compare(row->low, row->open) > 0 ||
                        decimal_compare(row->low, row->tick.price) > 0 ||
                        decimal_compare(row->high, row->open) < 0 ||
                        decimal_compare(row->high, row->tick.price) < 0)) {
        return "open or close is not between low and high";
    }
    return NULL;
}
