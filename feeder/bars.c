/* SPDX-License-Identifier: MIT */
#include "feeder/bars.h"

#include <stdlib.h>
#include <string.h>

#include "feeder/calendar.h"

struct series {
    enum topic_type type;
    unsigned owner;
    uint32_t number;
    char symbol[TOPIC_SYMBOL_MAX];
    size_t symbol_len;
    char market[TOPIC_SYMBOL_MAX];
    size_t market_len;

    bool traded;       /* it had a tick, so `last` is its price */
    bool has_previous; /* `previous` is the close of the day before */
    struct decimal last;
    struct decimal previous;

    int64_t closed_until_us; /* ticks before are late */
    int64_t next_end_us; /* the earliest end of an open bar; INT64_MAX if there is none */
    bool open[TOPIC_INTERVALS];
    int64_t ends_us[TOPIC_INTERVALS];
    struct bar bars[TOPIC_INTERVALS];
};

struct bars {
    bars_update_fn on_update;
    void *arg;
    size_t max;
    size_t count;
    size_t room;
    struct series **all; /* in the order of compare() */

    /* Of each owner, no open bar ends before this. */
    int64_t next_end_us[BARS_OWNERS_MAX];
};

struct bars *bars_create(size_t max_symbols, bars_update_fn on_update, void *arg)
{
    struct bars *bars = calloc(1, sizeof(*bars));
    if (bars != NULL) {
        bars->on_update = on_update;
        bars->arg = arg;
        bars->max = max_symbols;
        for (unsigned i = 0; i < BARS_OWNERS_MAX; i++) {
            bars->next_end_us[i] = INT64_MAX;
        }
    }
    return bars;
}

void bars_destroy(struct bars *bars)
{
    if (bars == NULL) {
        return;
    }
    for (size_t i = 0; i < bars->count; i++) {
        free(bars->all[i]);
    }
    free(bars->all);
    free(bars);
}

static int compare(const struct tick *tick, const struct series *series)
{
    if (tick->type != series->type) {
        return tick->type < series->type ? -1 : 1;
    }
    if (tick->symbol_len != series->symbol_len) {
        return tick->symbol_len < series->symbol_len ? -1 : 1;
    }
    return memcmp(tick->symbol, series->symbol, tick->symbol_len);
}

/* Returns where the tick's series is, or would have to be put. */
static size_t find(const struct bars *bars, const struct tick *tick, bool *out_found)
{
    size_t low = 0;
    size_t high = bars->count;
    *out_found = false;
    while (low < high && !*out_found) {
        const size_t middle = low + (high - low) / 2;
        const int order = compare(tick, bars->all[middle]);
        *out_found = order == 0;
        if (order > 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return high < low ? low : high;
}

static struct series *series_create(unsigned owner, const struct tick *tick)
{
    struct series *series = calloc(1, sizeof(*series));
    if (series == NULL) {
        return NULL;
    }
    series->type = tick->type;
    series->owner = owner;
    series->symbol_len = tick->symbol_len;
    memcpy(series->symbol, tick->symbol, tick->symbol_len);
    series->market_len = tick->market_len;
    memcpy(series->market, tick->market, tick->market_len);
    series->closed_until_us = CALENDAR_MIN_US;
    series->next_end_us = INT64_MAX;
    return series;
}

/* The tick's series, made if there is none; NULL if there is no room. */
static struct series *find_or_add(struct bars *bars, unsigned owner,
                                  const struct tick *tick)
{
    bool found;
    const size_t at = find(bars, tick, &found);
    if (found) {
        return bars->all[at];
    }
    if (bars->count == bars->max) {
        return NULL;
    }
    if (bars->count == bars->room) {
        const size_t room = bars->room == 0 ? 64 : 2 * bars->room;
        struct series **all = realloc(bars->all, room * sizeof(struct series *));
        if (all == NULL) {
            return NULL;
        }
        bars->all = all;
        bars->room = room;
    }
    struct series *series = series_create(owner, tick);
    if (series != NULL) {
        memmove(bars->all + at + 1, bars->all + at,
                (bars->count - at) * sizeof(struct series *));
        bars->all[at] = series;
        series->number = (uint32_t)bars->count++;
    }
    return series;
}

enum bars_result bars_claim(struct bars *bars, unsigned owner, const struct tick *tick)
{
    const struct series *series = find_or_add(bars, owner, tick);
    if (series == NULL) {
        return BARS_FULL;
    }
    return series->owner == owner ? BARS_OK : BARS_FOREIGN;
}

static void find_next_end(struct series *series)
{
    series->next_end_us = INT64_MAX;
    for (unsigned i = 0; i < TOPIC_INTERVALS; i++) {
        if (series->open[i] && series->ends_us[i] < series->next_end_us) {
            series->next_end_us = series->ends_us[i];
        }
    }
}

/* Closes the bars that have ended by `now_us`, the shortest interval first. */
static void close_ended(struct bars *bars, struct series *series, int64_t now_us)
{
    if (series->next_end_us > now_us) {
        return;
    }
    for (unsigned i = 0; i < TOPIC_INTERVALS; i++) {
        if (!series->open[i] || series->ends_us[i] > now_us) {
            continue;
        }
        struct bar *bar = &series->bars[i];
        series->open[i] = false;
        bar->closed = true;
        bar->time_us = series->ends_us[i];
        if (series->closed_until_us < bar->time_us) {
            series->closed_until_us = bar->time_us;
        }
        bars->on_update(bars->arg, bar);
    }
    find_next_end(series);
}

/* The first tick of a bar, before its volume is counted. */
static void open_bar(struct series *series, enum topic_interval interval,
                     const struct tick *tick)
{
    const int64_t start_us = calendar_bar_start(interval, tick->time_us);
    series->open[interval] = true;
    series->ends_us[interval] = calendar_bar_end(interval, start_us);
    series->bars[interval] = (struct bar){.topic = {.type = series->type,
                                                    .interval = interval,
                                                    .symbol = series->symbol,
                                                    .symbol_len = series->symbol_len},
                                          .market = series->market,
                                          .market_len = series->market_len,
                                          .series = series->number,
                                          .start_us = start_us,
                                          .open = tick->price,
                                          .high = tick->price,
                                          .low = tick->price};
}

/* What a tick makes of its series, worked out before anything is changed. */
struct change {
    bool has_previous;
    struct decimal previous;
    struct decimal amount;
    struct decimal percent;
    struct decimal volumes[TOPIC_INTERVALS];
};

/* A bar is `ended` if the tick will open a new one in its interval. */
static bool ended(const struct series *series, unsigned interval, const struct tick *tick)
{
    return !series->open[interval] || tick->time_us >= series->ends_us[interval];
}

static enum bars_result work_out(const struct series *series, const struct tick *tick,
                                 struct change *out)
{
    *out = (struct change){.has_previous = series->has_previous,
                           .previous = series->previous};
    if (!series->traded) {
        out->has_previous = tick->has_previous_close;
        out->previous = tick->previous_close;
    } else if (ended(series, TOPIC_1D, tick)) {
        out->has_previous = true;
        out->previous = series->last;
    }
    if (!out->has_previous) {
        out->previous = tick->price;
    }
    if (!decimal_subtract(tick->price, out->previous, &out->amount)) {
        return BARS_TOO_BIG;
    }
    if (out->previous.mantissa != 0 &&
        !decimal_percent(out->amount, out->previous, &out->percent)) {
        return BARS_TOO_BIG;
    }
    for (unsigned i = 0; i < TOPIC_INTERVALS; i++) {
        out->volumes[i] = tick->size;
        if (!ended(series, i, tick) &&
            !decimal_add(series->bars[i].volume, tick->size, &out->volumes[i])) {
            return BARS_TOO_BIG;
        }
    }
    return BARS_OK;
}

static void apply(struct bars *bars, struct series *series, const struct tick *tick,
                  const struct change *change)
{
    series->traded = true;
    series->has_previous = change->has_previous;
    series->previous = change->previous;
    series->last = tick->price;
    for (unsigned i = 0; i < TOPIC_INTERVALS; i++) {
        struct bar *bar = &series->bars[i];
        if (!series->open[i]) {
            open_bar(series, i, tick);
        }
        if (decimal_compare(tick->price, bar->high) > 0) {
            bar->high = tick->price;
        }
        if (decimal_compare(tick->price, bar->low) < 0) {
            bar->low = tick->price;
        }
        bar->close = tick->price;
        bar->volume = change->volumes[i];
        bar->trades++;
        bar->previous_close = change->previous;
        bar->change = change->amount;
        bar->change_percent = change->percent;
        bar->time_us = tick->time_us;
        bars->on_update(bars->arg, bar);
    }
    find_next_end(series);
    if (bars->next_end_us[series->owner] > series->next_end_us) {
        bars->next_end_us[series->owner] = series->next_end_us;
    }
}

enum bars_result bars_tick(struct bars *bars, unsigned owner, const struct tick *tick)
{
    if (tick->size.mantissa < 0) {
        return BARS_NEGATIVE;
    }
    struct series *series = find_or_add(bars, owner, tick);
    if (series == NULL) {
        return BARS_FULL;
    }
    if (series->owner != owner) {
        return BARS_FOREIGN;
    }
    if (tick->time_us < series->closed_until_us ||
        (series->open[TOPIC_1M] && tick->time_us < series->bars[TOPIC_1M].start_us)) {
        return BARS_LATE;
    }
    struct change change;
    const enum bars_result result = work_out(series, tick, &change);
    if (result == BARS_OK) {
        close_ended(bars, series, tick->time_us);
        apply(bars, series, tick, &change);
    }
    return result;
}

void bars_clock(struct bars *bars, unsigned owner, int64_t now_us)
{
    if (bars->next_end_us[owner] > now_us) {
        return;
    }
    int64_t next_end_us = INT64_MAX;
    for (size_t i = 0; i < bars->count; i++) {
        struct series *series = bars->all[i];
        if (series->owner != owner) {
            continue;
        }
        close_ended(bars, series, now_us);
        if (next_end_us > series->next_end_us) {
            next_end_us = series->next_end_us;
        }
    }
    bars->next_end_us[owner] = next_end_us;
}
