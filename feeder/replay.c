/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feeder/calendar.h"
#include "feeder/csv.h"
#include "feeder/source.h"

/* Real prices from a CSV file (csv.h), at their own pace, faster, or as fast as possible.
 *
 * The file is read and put in the order of time once, at the start. A row that is a bar
 * becomes four ticks within its time: open, then low and high (high and low if the bar
 * fell), then close, its volume shared among them, so that the bar comes out again as it
 * went in. The source's clock runs through the data's own time; at the end it stands
 * where the last row's time is over. */

struct symbol {
    enum topic_type type;
    char text[TOPIC_SYMBOL_MAX];
    size_t len;
    char market[TOPIC_SYMBOL_MAX];
    size_t market_len;
};

struct price {
    int64_t time_us;
    size_t order;  /* so that equal times stay in the file's order */
    size_t symbol; /* its place */
    struct decimal price;
    struct decimal size;
};

struct replay {
    struct source base;
    double speed; /* 0: as fast as possible */
    bool loop;
    enum topic_interval row_interval;

    struct symbol *symbols;
    size_t symbol_count;
    size_t symbol_room;
    struct price *prices;
    size_t count;
    size_t room;
    int64_t end_us; /* when the last row is over */

    size_t next;
    bool started;
    uint64_t start_ms; /* when this pass began */
    int64_t shift_us;  /* what this pass adds to the file's times */
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

/* Sets *out to the place of the tick's symbol. Returns false when out of memory. */
static bool find_symbol(struct replay *replay, const struct tick *tick, size_t *out)
{
    /* Newest first: a file has either few symbols or one after the other. */
    for (size_t i = replay->symbol_count; i-- > 0;) {
        const struct symbol *symbol = &replay->symbols[i];
        if (symbol->type == tick->type && symbol->len == tick->symbol_len &&
            memcmp(symbol->text, tick->symbol, tick->symbol_len) == 0) {
            *out = i;
            return true;
        }
    }
    struct symbol *symbols = grow(replay->symbols, replay->symbol_count,
                                  &replay->symbol_room, sizeof(*symbols));
    if (symbols == NULL) {
        return false;
    }
    replay->symbols = symbols;
    struct symbol *symbol = &symbols[replay->symbol_count];
    *symbol = (struct symbol){
        .type = tick->type, .len = tick->symbol_len, .market_len = tick->market_len};
    memcpy(symbol->text, tick->symbol, tick->symbol_len);
    memcpy(symbol->market, tick->market, tick->market_len);
    *out = replay->symbol_count++;
    replay->base.sink->on_claim(replay->base.arg, tick);
    return true;
}

static bool add_price(struct replay *replay, const struct price *price)
{
    struct price *prices =
        grow(replay->prices, replay->count, &replay->room, sizeof(*prices));
    if (prices == NULL) {
        return false;
    }
    replay->prices = prices;
    prices[replay->count] = *price;
    prices[replay->count].order = replay->count;
    replay->count++;
    return true;
}

/* The four ticks of a bar; the last is its last microsecond's. */
static bool add_bar(struct replay *replay, const struct csv_row *row, struct price *price,
                    int64_t end_us)
{
    const bool rose = decimal_compare(row->tick.price, row->open) >= 0;
    const struct decimal prices[4] = {row->open, rose ? row->low : row->high,
                                      rose ? row->high : row->low, row->tick.price};
    const int64_t start_us = row->tick.time_us;
    const int64_t volume = row->tick.size.mantissa;
    for (int i = 0; i < 4; i++) {
        price->time_us = i == 3 ? end_us - 1 : start_us + (end_us - start_us) / 3 * i;
        price->price = prices[i];
        price->size.mantissa = i == 3 ? volume - volume / 4 * 3 : volume / 4;
        if (!add_price(replay, price)) {
            return false;
        }
    }
    return true;
}

static bool add_row(struct replay *replay, const struct csv_header *header,
                    const struct csv_row *row)
{
    struct price price = {
        .time_us = row->tick.time_us, .price = row->tick.price, .size = row->tick.size};
    if (!find_symbol(replay, &row->tick, &price.symbol)) {
        return false;
    }
    int64_t end_us = price.time_us;
    if (header->bars) {
        const int64_t start_us = calendar_bar_start(replay->row_interval, price.time_us);
        end_us =
            price.time_us - start_us + calendar_bar_end(replay->row_interval, start_us);
    }
    if (end_us > CALENDAR_MAX_US) {
        end_us = CALENDAR_MAX_US;
    }
    if (replay->end_us < end_us) {
        replay->end_us = end_us;
    }
    return header->bars ? add_bar(replay, row, &price, end_us)
                        : add_price(replay, &price);
}

/* Reads the lines of `text`. Returns NULL or what makes the file useless. */
static const char *read_lines(struct replay *replay, char *text, size_t len)
{
    struct csv_header header = {.count = 0};
    const char *const end = text + len;
    for (size_t line = 1; text != end; line++) {
        char *stop = memchr(text, '\n', (size_t)(end - text));
        char *const next = stop == NULL ? text + (end - text) : stop + 1;
        size_t length = (size_t)((stop == NULL ? next : stop) - text);
        if (length > 0 && text[length - 1] == '\r') {
            length--;
        }
        if (line == 1) {
            const char *why = csv_parse_header(text, length, &header);
            if (why != NULL) {
                return why;
            }
        } else if (length > 0) {
            struct csv_row row;
            const char *why = csv_parse_row(&header, text, length, &row);
            if (why != NULL) {
                replay->base.sink->on_bad_line(replay->base.arg, line, why);
            } else if (!add_row(replay, &header, &row)) {
                return "out of memory";
            }
        }
        text = next;
    }
    return replay->count == 0 ? "no usable rows" : NULL;
}

/* The file's bytes, to be freed. Returns NULL and sets *why if they can't be had. */
static char *read_file(const char *path, size_t max, size_t *out_len, const char **why)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        *why = strerror(errno);
        return NULL;
    }
    char *text = NULL;
    size_t len = 0;
    size_t room = 0;
    *why = NULL;
    while (*why == NULL && !feof(file)) {
        char *grown = grow(text, len, &room, 1);
        if (grown == NULL) {
            *why = "out of memory";
            break;
        }
        text = grown;
        len += fread(text + len, 1, room - len, file);
        if (ferror(file)) {
            *why = strerror(errno);
        } else if (len > max) {
            *why = "longer than --max-file-bytes allows";
        }
    }
    fclose(file);
    if (*why != NULL) {
        free(text);
        return NULL;
    }
    *out_len = len;
    return text;
}

static int compare_prices(const void *a, const void *b)
{
    const struct price *left = a;
    const struct price *right = b;
    if (left->time_us != right->time_us) {
        return left->time_us < right->time_us ? -1 : 1;
    }
    return (left->order > right->order) - (left->order < right->order);
}

static const char *load(struct replay *replay, const struct feeder_config *config)
{
    const char *why;
    size_t len;
    char *text = read_file(config->file, (size_t)config->max_file_bytes, &len, &why);
    if (text == NULL) {
        return why;
    }
    why = read_lines(replay, text, len);
    free(text);
    if (why == NULL) {
        qsort(replay->prices, replay->count, sizeof(*replay->prices), compare_prices);
    }
    return why;
}

/* Begins the next pass, whole weeks later so that weekdays stay what they are. Returns
 * false if that would leave the calendar. */
static bool begin_again(struct replay *replay, uint64_t now_ms)
{
    const int64_t week_us = 7 * CALENDAR_DAY_US;
    const int64_t span_us = replay->end_us - replay->prices[0].time_us;
    const int64_t shift_us = replay->shift_us + (span_us / week_us + 1) * week_us;
    if (shift_us > CALENDAR_MAX_US - replay->end_us) {
        return false;
    }
    replay->shift_us = shift_us;
    replay->next = 0;
    replay->start_ms = now_ms;
    return true;
}

static void hand_over(const struct replay *replay, const struct price *price)
{
    const struct symbol *symbol = &replay->symbols[price->symbol];
    const struct tick tick = {.type = symbol->type,
                              .symbol = symbol->text,
                              .symbol_len = symbol->len,
                              .market = symbol->market,
                              .market_len = symbol->market_len,
                              .price = price->price,
                              .size = price->size,
                              .time_us = price->time_us + replay->shift_us};
    replay->base.sink->on_tick(replay->base.arg, &tick);
}

static void set_clock(struct replay *replay, int64_t file_time_us)
{
    if (replay->base.clock_us < file_time_us + replay->shift_us) {
        replay->base.clock_us = file_time_us + replay->shift_us;
    }
}

/* How far into the file's times this pass has come. */
static int64_t position_us(const struct replay *replay, uint64_t now_ms)
{
    const int64_t first_us = replay->prices[0].time_us;
    const double passed_us = (double)(now_ms - replay->start_ms) * 1000 * replay->speed;
    if (replay->speed == 0 || passed_us >= (double)(replay->end_us - first_us)) {
        return replay->end_us;
    }
    return first_us + (int64_t)passed_us;
}

/* When this pass will have come to a time of the file. */
static uint64_t due_ms(const struct replay *replay, int64_t file_time_us)
{
    if (replay->speed == 0) {
        return replay->start_ms;
    }
    const double wait_us = (double)(file_time_us - replay->prices[0].time_us);
    const double wait_ms = wait_us / 1000 / replay->speed;
    return replay->start_ms +
           (wait_ms < 1e15 ? (uint64_t)wait_ms + 1 : UINT64_C(1) << 50);
}

static struct source_next replay_advance(struct source *source, struct source_now now,
                                         size_t max)
{
    struct replay *replay = (struct replay *)source;
    if (!replay->started) {
        replay->started = true;
        replay->start_ms = now.mono_ms;
    }
    const int64_t position = position_us(replay, now.mono_ms);
    for (; max > 0 && replay->next < replay->count; max--) {
        const struct price *price = &replay->prices[replay->next];
        if (price->time_us > position) {
            break;
        }
        set_clock(replay, price->time_us);
        hand_over(replay, price);
        replay->next++;
    }
    if (replay->next < replay->count) {
        const int64_t next_us = replay->prices[replay->next].time_us;
        if (next_us > position) {
            set_clock(replay, position);
        }
        return (struct source_next){.state = SOURCE_DUE,
                                    .due_ms = due_ms(replay, next_us)};
    }
    set_clock(replay, position);
    if (position < replay->end_us) {
        return (struct source_next){.state = SOURCE_DUE,
                                    .due_ms = due_ms(replay, replay->end_us)};
    }
    if (!replay->loop || !begin_again(replay, now.mono_ms)) {
        return (struct source_next){.state = SOURCE_ENDED};
    }
    return (struct source_next){.state = SOURCE_DUE, .due_ms = now.mono_ms};
}

static const char *replay_check(const struct feeder_config *config)
{
    return config->file[0] == '\0' ? "needs --file, a CSV file of prices" : NULL;
}

static void replay_destroy(struct source *source)
{
    struct replay *replay = (struct replay *)source;
    free(replay->symbols);
    free(replay->prices);
    free(replay);
}

static struct source *replay_create(const struct feeder_config *config,
                                    const struct source_sink *sink, void *arg,
                                    char error[SOURCE_ERROR_MAX])
{
    struct replay *replay = calloc(1, sizeof(*replay));
    if (replay == NULL) {
        snprintf(error, SOURCE_ERROR_MAX, "out of memory");
        return NULL;
    }
    replay->base = (struct source){.kind = &replay_source,
                                   .sink = sink,
                                   .arg = arg,
                                   .clock_us = SOURCE_NO_CLOCK,
                                   .patient = true};
    replay->speed = config->speed;
    replay->loop = config->loop;
    replay->row_interval = (enum topic_interval)config->row_interval;
    replay->end_us = CALENDAR_MIN_US;
    const char *why = load(replay, config);
    if (why != NULL) {
        snprintf(error, SOURCE_ERROR_MAX, "--file %.128s: %s", config->file, why);
        replay_destroy(&replay->base);
        return NULL;
    }
    return &replay->base;
}

const struct source_kind replay_source = {.name = "replay",
                                          .check = replay_check,
                                          .create = replay_create,
                                          .destroy = replay_destroy,
                                          .advance = replay_advance};
