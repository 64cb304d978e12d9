/* SPDX-License-Identifier: MIT */
#include "feeder/prices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/table.h"
#include "feeder/calendar.h"
#include "feeder/csv.h"
#include "feeder/file.h"
#include "feeder/ndjson.h"
#include "feeder/seen.h"
#include "feeder/zone.h"

#define SYMBOLS_MAX (1U << 22) /* what a price has bits for */
#define KEY_MAX     (1 + TOPIC_SYMBOL_MAX)

_Static_assert(sizeof(struct price) == 32, "a file's prices are held in memory");

struct prices_symbol {
    enum topic_type type;
    size_t len;
    char market[TOPIC_SYMBOL_MAX];
    size_t market_len;
    uint32_t place;
    uint64_t count;   /* of its prices */
    struct seen seen; /* ids, while loading */
    UT_hash_handle hh;
    char key[KEY_MAX]; /* type and name */
};

struct loading {
    struct prices *prices;
    const struct feeder_config *config;
    const struct source_sink *sink;
    void *arg;
    struct columns columns;
    struct csv_header header;
    bool is_json;
    bool has_header;
};

/* Room for one more. Returns NULL when out of memory. */
static void *grow(void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return array;
    }
    const size_t wanted = *room == 0 ? 64 : 2 * *room;
    void *grown = realloc(array, wanted * size);
    if (grown != NULL) {
        *room = wanted;
    }
    return grown;
}

static struct prices_symbol *add_symbol(struct prices *prices, const struct tick *tick,
                                        const char *key, size_t key_len)
{
    if (prices->symbol_count == SYMBOLS_MAX) {
        return NULL;
    }
    struct prices_symbol **symbols =
        grow(prices->symbols, prices->symbol_count, &prices->symbol_room,
             sizeof(struct prices_symbol *));
    if (symbols == NULL) {
        return NULL;
    }
    prices->symbols = symbols;
    struct prices_symbol *symbol = calloc(1, sizeof(*symbol));
    if (symbol == NULL) {
        return NULL;
    }
    symbol->type = tick->type;
    symbol->len = tick->symbol_len;
    symbol->place = (uint32_t)prices->symbol_count;
    symbol->market_len = tick->market_len;
    memcpy(symbol->market, tick->market, tick->market_len);
    memcpy(symbol->key, key, key_len);
    HASH_ADD_KEYPTR(hh, prices->table, symbol->key, key_len, symbol);
    if (!TABLE_HAS(symbol)) {
        free(symbol);
        return NULL;
    }
    symbols[prices->symbol_count++] = symbol;
    return symbol;
}

/* Returns NULL when out of memory. */
static struct prices_symbol *find_symbol(struct prices *prices, const struct tick *tick)
{
    char key[KEY_MAX];
    struct prices_symbol *symbol;
    key[0] = (char)('a' + (int)tick->type);
    memcpy(key + 1, tick->symbol, tick->symbol_len);
    const size_t key_len = 1 + tick->symbol_len;
    HASH_FIND(hh, prices->table, key, key_len, symbol);
    return symbol != NULL ? symbol : add_symbol(prices, tick, key, key_len);
}

static bool add_price(struct prices *prices, struct prices_symbol *symbol,
                      const struct tick *tick)
{
    struct price *list = grow(prices->list, prices->count, &prices->room, sizeof(*list));
    if (list == NULL || prices->count == UINT32_MAX) {
        prices->list = list != NULL ? list : prices->list;
        return false;
    }
    prices->list = list;
    list[prices->count] = (struct price){.time_us = tick->time_us,
                                         .price = tick->price.mantissa,
                                         .size = tick->size.mantissa,
                                         .order = (uint32_t)prices->count,
                                         .symbol = symbol->place & (SYMBOLS_MAX - 1),
                                         .price_scale = (unsigned)tick->price.scale & 31,
                                         .size_scale = (unsigned)tick->size.scale & 31};
    prices->count++;
    symbol->count++;
    return true;
}

/* The four prices of a bar; the last is its last microsecond's. */
static bool add_bar(struct prices *prices, struct prices_symbol *symbol,
                    const struct row *row, int64_t end_us)
{
    const bool rose = decimal_compare(row->tick.price, row->open) >= 0;
    const struct decimal four[4] = {row->open, rose ? row->low : row->high,
                                    rose ? row->high : row->low, row->tick.price};
    const int64_t start_us = row->tick.time_us;
    const int64_t volume = row->tick.size.mantissa;
    struct tick tick = row->tick;
    for (int i = 0; i < 4; i++) {
        tick.time_us = i == 3 ? end_us - 1 : start_us + (end_us - start_us) / 3 * i;
        tick.price = four[i];
        tick.size.mantissa = i == 3 ? volume - volume / 4 * 3 : volume / 4;
        if (!add_price(prices, symbol, &tick)) {
            return false;
        }
    }
    return true;
}

/* A bar of a day or more that is told by its date begins when the session's day does. */
static void begin_with_day(struct row *row, enum topic_interval interval)
{
    if (row->is_bar && interval >= TOPIC_1D && row->tick.time_us % CALENDAR_DAY_US == 0) {
        row->tick.time_us =
            zone_day_start(row->tick.time_us / CALENDAR_DAY_US) * CALENDAR_SECOND_US;
    }
}

/* When a row is over. */
static int64_t end_of(const struct row *row, enum topic_interval interval)
{
    const int64_t time_us = row->tick.time_us;
    if (!row->is_bar) {
        return time_us;
    }
    const int64_t start_us = calendar_bar_start(interval, time_us);
    const int64_t end_us = time_us - start_us + calendar_bar_end(interval, start_us);
    return end_us < CALENDAR_MAX_US ? end_us : CALENDAR_MAX_US;
}

/* Returns false when out of memory. */
static bool add_row(struct loading *loading, struct row *row)
{
    const enum topic_interval interval =
        (enum topic_interval)loading->config->row_interval;
    struct prices *prices = loading->prices;
    prices->rows++;
    if (row->tick.time_us < loading->config->from_us ||
        row->tick.time_us >= loading->config->to_us) {
        return true;
    }
    struct prices_symbol *symbol = find_symbol(prices, &row->tick);
    if (symbol == NULL) {
        return false;
    }
    if (row->tick.id != 0) {
        const enum seen_result seen = seen_add(&symbol->seen, row->tick.id);
        if (seen != SEEN_NEW) {
            prices->doubles += seen == SEEN_BEFORE;
            return seen == SEEN_BEFORE;
        }
    }
    begin_with_day(row, interval);
    const int64_t end_us = end_of(row, interval);
    if (prices->end_us < end_us) {
        prices->end_us = end_us;
    }
    return row->is_bar ? add_bar(prices, symbol, row, end_us)
                       : add_price(prices, symbol, &row->tick);
}

/* Takes one line. Returns NULL or what makes the whole file useless. */
static const char *take_line(struct loading *loading, char *text, size_t len,
                             uint64_t line)
{
    if (len > 0 && text[len - 1] == '\r') {
        len--;
    }
    if (len == 0) {
        return NULL;
    }
    if (!loading->is_json && !loading->has_header) {
        loading->has_header = true;
        return csv_parse_header(&loading->columns, text, len, &loading->header);
    }
    struct row row;
    const char *why = loading->is_json
                          ? ndjson_parse_row(&loading->columns, text, len, &row)
                          : csv_parse_row(&loading->header, text, len, &row);
    if (why != NULL) {
        loading->sink->on_bad_line(loading->arg, line, why);
        return NULL;
    }
    return add_row(loading, &row) ? NULL : "out of memory";
}

static const char *take_lines(struct loading *loading, char *text, size_t len)
{
    char *const end = text + len;
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3; /* spreadsheets begin with a byte order mark */
    }
    const char *first = text;
    while (first != end && strchr(" \t\r\n", *first) != NULL && *first != '\0') {
        first++;
    }
    loading->is_json = first != end && *first == '{';
    for (uint64_t line = 1; text != end; line++) {
        char *stop = memchr(text, '\n', (size_t)(end - text));
        const size_t line_len = (size_t)((stop == NULL ? end : stop) - text);
        const char *why = take_line(loading, text, line_len, line);
        if (why != NULL) {
            return why;
        }
        text = stop == NULL ? end : stop + 1;
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    const struct price *left = a;
    const struct price *right = b;
    if (left->time_us != right->time_us) {
        return left->time_us < right->time_us ? -1 : 1;
    }
    return (left->order > right->order) - (left->order < right->order);
}

static const char *load(struct loading *loading)
{
    struct prices *prices = loading->prices;
    char *text;
    size_t len;
    const char *why = file_read(loading->config->file,
                                (size_t)loading->config->max_file_bytes, &text, &len);
    if (why != NULL) {
        return why;
    }
    why = take_lines(loading, text, len);
    free(text);
    for (size_t i = 0; i < prices->symbol_count; i++) {
        seen_finish(&prices->symbols[i]->seen);
    }
    if (why == NULL && prices->count == 0) {
        return prices->rows == 0 ? "no usable rows" : "no rows between --from and --to";
    }
    if (why == NULL) {
        qsort(prices->list, prices->count, sizeof(*prices->list), compare);
    }
    return why;
}

bool prices_load(struct prices *out, const struct feeder_config *config,
                 const struct source_sink *sink, void *arg, char error[SOURCE_ERROR_MAX])
{
    struct loading loading = {.prices = out, .config = config, .sink = sink, .arg = arg};
    *out = (struct prices){.end_us = CALENDAR_MIN_US};
    const char *columns = config->columns == NULL ? "" : config->columns;
    if (!columns_parse(columns, &loading.columns, error)) {
        return false;
    }
    const char *why = load(&loading);
    if (why != NULL) {
        snprintf(error, SOURCE_ERROR_MAX, "--file %.96s: %s", config->file, why);
    }
    return why == NULL;
}

void prices_finish(struct prices *prices)
{
    HASH_CLEAR(hh, prices->table);
    for (size_t i = 0; i < prices->symbol_count; i++) {
        free(prices->symbols[i]);
    }
    free(prices->symbols);
    free(prices->list);
    *prices = (struct prices){.list = NULL};
}

static struct tick tick_of(const struct prices_symbol *symbol)
{
    return (struct tick){.type = symbol->type,
                         .symbol = symbol->key + 1,
                         .symbol_len = symbol->len,
                         .market = symbol->market,
                         .market_len = symbol->market_len};
}

struct tick prices_tick(const struct prices *prices, const struct price *price)
{
    struct tick tick = tick_of(prices->symbols[price->symbol]);
    tick.price = (struct decimal){.mantissa = price->price, .scale = price->price_scale};
    tick.size = (struct decimal){.mantissa = price->size, .scale = price->size_scale};
    tick.time_us = price->time_us;
    return tick;
}

uint64_t prices_of_symbol(const struct prices *prices, size_t place, struct tick *out)
{
    *out = tick_of(prices->symbols[place]);
    return prices->symbols[place]->count;
}
