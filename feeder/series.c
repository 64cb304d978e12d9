/* SPDX-License-Identifier: MIT */
#include "feeder/series.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "feeder/calendar.h"

struct series *series_create(const struct tick *tick)
{
    struct series *series = calloc(1, sizeof(*series));
    if (series == NULL) {
        return NULL;
    }
    series->key[0] = (char)tick->type;
    memcpy(series->key + 1, tick->symbol, tick->symbol_len);
    series->symbol_len = tick->symbol_len;
    series->next_end_us = INT64_MAX;
    series->remembered_us = INT64_MIN;
    for (unsigned i = 0; i < TOPIC_INTERVALS; i++) {
        series->lanes[i].series = series;
        series->lanes[i].closed_until_us = CALENDAR_MIN_US;
        series->lanes[i].said_until_us = CALENDAR_MIN_US;
    }
    return series;
}

void series_destroy(struct series *series)
{
    if (series == NULL) {
        return;
    }
    for (unsigned i = 0; i < TOPIC_INTERVALS; i++) {
        while (series->lanes[i].newest != NULL) {
            struct series_bar *bar = series->lanes[i].newest;
            series->lanes[i].newest = bar->older;
            free(bar);
        }
    }
    free(series);
}

/* The bar that holds the instant; NULL if there is none. */
static struct series_bar *find(const struct series_lane *lane, int64_t at_us)
{
    for (struct series_bar *bar = lane->newest; bar != NULL; bar = bar->older) {
        if (at_us >= bar->bar.start_us) {
            return at_us < bar->end_us ? bar : NULL;
        }
    }
    return NULL;
}

static void insert(struct series_lane *lane, struct series_bar *bar)
{
    struct series_bar **at = &lane->newest;
    while (*at != NULL && (*at)->bar.start_us > bar->bar.start_us) {
        at = &(*at)->older;
    }
    bar->older = *at;
    *at = bar;
}

/* A bar without ticks, not in its lane yet. */
static struct series_bar *bar_create(struct series *series, enum topic_interval interval,
                                     int64_t start_us, int64_t end_us)
{
    struct series_bar *bar = calloc(1, sizeof(*bar));
    if (bar != NULL) {
        bar->end_us = end_us;
        bar->bar = (struct bar){.topic = {.type = (enum topic_type)series->key[0],
                                          .interval = interval,
                                          .symbol = series->key + 1,
                                          .symbol_len = series->symbol_len},
                                .market = series->market,
                                .start_us = start_us};
    }
    return bar;
}

/* Where the trade goes into a bar that the lane has. */
static enum series_fit plan_bar(struct series_bar *bar, enum topic_interval interval,
                                struct series_plan *plan)
{
    const struct tick *tick = plan->tick;
    if (tick->id != 0 && tick->id <= bar->known_id) {
        return SERIES_KNOWN;
    }
    plan->bars[interval] = bar;
    return decimal_add(bar->bar.volume, tick->size, &plan->volumes[interval])
               ? SERIES_FITS
               : SERIES_TOO_BIG;
}

static enum series_fit plan_lane(struct series *series, enum topic_interval interval,
                                 int64_t over_us, struct series_plan *plan)
{
    const struct series_lane *lane = &series->lanes[interval];
    const struct tick *tick = plan->tick;
    struct series_bar *bar = find(lane, tick->time_us);
    plan->volumes[interval] = tick->size;
    if (bar != NULL) {
        return bar->end_us <= over_us ? SERIES_LATE : plan_bar(bar, interval, plan);
    }
    const int64_t start_us = calendar_bar_start(interval, tick->time_us);
    const int64_t end_us = calendar_bar_end(interval, start_us);
    if (end_us <= over_us) {
        return SERIES_LATE;
    }
    if (tick->time_us < lane->closed_until_us) {
        /* Closed before a restart, and by the clock it was in time for that. */
        return tick->id != 0 ? SERIES_KNOWN : SERIES_LATE;
    }
    plan->bars[interval] = bar_create(series, interval, start_us, end_us);
    plan->fresh[interval] = plan->bars[interval] != NULL;
    return plan->fresh[interval] ? SERIES_FITS : SERIES_NO_MEMORY;
}

/* The close that the tick's trading day is measured against. */
static void plan_previous(const struct series *series, struct series_plan *plan)
{
    const struct tick *tick = plan->tick;
    const struct series_lane *days = &series->lanes[TOPIC_1D];
    const struct series_bar *day = find(days, tick->time_us);
    if (day != NULL) {
        plan->has_previous = day->bar.has_previous;
        plan->previous = day->bar.previous_close;
        return;
    }
    for (day = days->newest; day != NULL; day = day->older) {
        if (day->end_us <= tick->time_us) {
            plan->has_previous = true;
            plan->previous = day->bar.close;
            return;
        }
    }
    if (!series->has_day) {
        plan->has_previous = tick->has_previous_close;
        plan->previous = tick->previous_close;
    } else if (tick->time_us >= series->day_end_us) {
        plan->has_previous = true;
        plan->previous = series->day.close;
    } else {
        plan->has_previous = series->day.has_previous;
        plan->previous = series->day.previous_close;
    }
}

static bool get_change(struct decimal price, struct decimal previous,
                       struct decimal *amount, struct decimal *percent)
{
    *percent = (struct decimal){0};
    return decimal_subtract(price, previous, amount) &&
           (previous.mantissa == 0 || decimal_percent(*amount, previous, percent));
}

static void drop_plan(struct series_plan *plan)
{
    for (unsigned i = 0; i < TOPIC_INTERVALS; i++) {
        if (plan->fresh[i]) {
            free(plan->bars[i]);
        }
    }
}

enum series_fit series_plan(struct series *series, const struct tick *tick,
                            int64_t over_us, struct series_plan *out)
{
    *out = (struct series_plan){.tick = tick};
    enum series_fit fit = SERIES_KNOWN;
    for (unsigned i = 0; i < TOPIC_INTERVALS; i++) {
        const enum series_fit lane = plan_lane(series, i, over_us, out);
        if (lane != SERIES_KNOWN) {
            fit = lane;
        }
        if (fit != SERIES_KNOWN && fit != SERIES_FITS) {
            break;
        }
    }
    if (fit == SERIES_FITS) {
        struct decimal amount;
        struct decimal percent;
        plan_previous(series, out);
        if (out->has_previous &&
            !get_change(tick->price, out->previous, &amount, &percent)) {
            fit = SERIES_TOO_BIG;
        }
    }
    if (fit != SERIES_FITS) {
        drop_plan(out);
    }
    return fit;
}

static bool is_before(int64_t at_us, uint64_t id, int64_t other_us, uint64_t other_id)
{
    return at_us < other_us ||
           (at_us == other_us && id != 0 && other_id != 0 && id < other_id);
}

static void count_tick(struct series_bar *bar, const struct series_plan *plan,
                       enum topic_interval interval)
{
    const struct tick *tick = plan->tick;
    struct bar *to = &bar->bar;
    const bool first = to->trades == 0;
    if (first || decimal_compare(tick->price, to->high) > 0) {
        to->high = tick->price;
    }
    if (first || decimal_compare(tick->price, to->low) < 0) {
        to->low = tick->price;
    }
    if (first || is_before(tick->time_us, tick->id, bar->open_us, bar->open_id)) {
        to->open = tick->price;
        bar->open_us = tick->time_us;
        bar->open_id = tick->id;
    }
    if (first || !is_before(tick->time_us, tick->id, bar->close_us, bar->close_id)) {
        to->close = tick->price;
        to->time_us = tick->time_us;
        to->has_previous = plan->has_previous;
        to->previous_close = plan->previous;
        bar->close_us = tick->time_us;
        bar->close_id = tick->id;
    }
    if (to->last_id < tick->id) {
        to->last_id = tick->id;
    }
    to->volume = plan->volumes[interval];
    to->trades++;
    bar->news = true;
}

/* A day's close is what the next day is measured against. */
static void correct_next_day(struct series *series, const struct series_bar *day)
{
    for (struct series_bar *next = series->lanes[TOPIC_1D].newest; next != NULL;
         next = next->older) {
        if (next->older == day) {
            next->bar.has_previous = true;
            next->bar.previous_close = day->bar.close;
            next->news = true;
        }
    }
}

/* Of all trades that a bar counted before a restart, the first with its opening price
 * opened it. */
static void hear_again(const struct series_lane *lane, const struct tick *tick)
{
    struct series_bar *bar = find(lane, tick->time_us);
    if (bar == NULL || tick->id == 0 || tick->id > bar->known_id ||
        decimal_compare(tick->price, bar->bar.open) != 0) {
        return;
    }
    if (bar->open_unknown ||
        is_before(tick->time_us, tick->id, bar->open_us, bar->open_id)) {
        bar->open_unknown = false;
        bar->open_us = tick->time_us;
        bar->open_id = tick->id;
    }
}

void series_forget_ids(struct series *series)
{
    series->ids = (struct trade_ids){.newest = 0};
    for (unsigned i = 0; i < TOPIC_INTERVALS; i++) {
        for (struct series_bar *bar = series->lanes[i].newest; bar != NULL;
             bar = bar->older) {
            bar->bar.last_id = 0;
            bar->known_id = 0;
            bar->open_id = 0;
            bar->close_id = 0;
        }
    }
}

void series_hear_again(struct series *series, const struct tick *tick)
{
    for (unsigned i = 0; i < TOPIC_INTERVALS; i++) {
        hear_again(&series->lanes[i], tick);
    }
}

void series_carry_out(struct series *series, const struct series_plan *plan,
                      int64_t late_from_us)
{
    const struct tick *tick = plan->tick;
    for (unsigned i = 0; i < TOPIC_INTERVALS; i++) {
        struct series_bar *bar = plan->bars[i];
        if (bar == NULL) {
            hear_again(&series->lanes[i], tick);
            continue;
        }
        if (plan->fresh[i]) {
            insert(&series->lanes[i], bar);
        }
        bar->bar.correction |= bar->end_us <= late_from_us;
        count_tick(bar, plan, i);
    }
    if (plan->bars[TOPIC_1D] != NULL) {
        correct_next_day(series, plan->bars[TOPIC_1D]);
    }
    if (!series->traded || tick->time_us >= series->last_us) {
        series->traded = true;
        series->last = tick->price;
        series->last_us = tick->time_us;
    }
}

struct series_bar *series_oldest(const struct series_lane *lane)
{
    struct series_bar *bar = lane->newest;
    while (bar != NULL && bar->older != NULL) {
        bar = bar->older;
    }
    return bar;
}

/* Of a closed day: what the days after it need. */
static void keep_day(struct series *series, const struct bar *day, int64_t end_us)
{
    if (series->has_day && series->day_end_us >= end_us) {
        return;
    }
    series->has_day = true;
    series->day_end_us = end_us;
    series->day = *day;
    series->day.topic.symbol = series->key + 1;
    series->day.market = series->market;
}

struct series_bar *series_close(struct series_lane *lane)
{
    struct series_bar **at = &lane->newest;
    assert(*at != NULL);
    while ((*at)->older != NULL) {
        at = &(*at)->older;
    }
    struct series_bar *bar = *at;
    *at = NULL;
    bar->bar.closed = true;
    bar->bar.correction = false;
    bar->bar.time_us = bar->end_us;
    lane->closed_until_us = bar->end_us;
    if (bar->bar.topic.interval == TOPIC_1D) {
        keep_day(lane->series, &bar->bar, bar->end_us);
    }
    return bar;
}

int64_t series_next_end(const struct series *series)
{
    int64_t next_us = INT64_MAX;
    for (unsigned i = 0; i < TOPIC_INTERVALS; i++) {
        const struct series_bar *oldest = series_oldest(&series->lanes[i]);
        if (oldest != NULL && oldest->end_us < next_us) {
            next_us = oldest->end_us;
        }
    }
    return next_us;
}

void series_set_change(struct bar *bar)
{
    if (!bar->has_previous || !get_change(bar->close, bar->previous_close, &bar->change,
                                          &bar->change_percent)) {
        bar->change = (struct decimal){0};
        bar->change_percent = (struct decimal){0};
    }
}

/* Without memory the bar begins anew. */
static void remember_open(struct series *series, const struct bar *bar, int64_t end_us,
                          bool first)
{
    struct series_lane *lane = &series->lanes[bar->topic.interval];
    if (bar->start_us < lane->closed_until_us || find(lane, bar->start_us) != NULL) {
        return;
    }
    struct series_bar *held =
        bar_create(series, bar->topic.interval, bar->start_us, end_us);
    if (held == NULL) {
        return;
    }
    const struct topic topic = held->bar.topic;
    held->bar = *bar;
    held->bar.topic = topic;
    held->bar.market = series->market;
    held->open_us = bar->start_us; /* nothing is before that */
    held->open_unknown = true;
    held->close_us = bar->time_us;
    held->close_id = bar->last_id;
    held->known_id = bar->last_id;
    insert(lane, held);
    held->news = lane->newest == held && !first; /* the last message was not about it */
}

static void remember_price(struct series *series, const struct bar *bar)
{
    if (!series->traded || bar->time_us > series->last_us) {
        series->traded = true;
        series->last = bar->close;
        series->last_us = bar->time_us;
        series->remembered_us = bar->time_us;
    }
}

/* A lane speaks in groups: one closed bar; or, from some bar on, all up to the newest,
 * after which every trade so far has been said. A feeder that was killed may have left
 * its last group unfinished, and what is older than a whole group's bar is said before
 * it. So the bars that may still be open have all been given with the first message of a
 * whole group whose bar has none of them before it. */
bool series_remember(struct series *series, const struct bar *bar, int64_t lateness_us)
{
    struct series_lane *lane = &series->lanes[bar->topic.interval];
    const int64_t end_us = calendar_bar_end(bar->topic.interval, bar->start_us);
    const bool first = lane->said_until_us == CALENDAR_MIN_US;
    remember_price(series, bar);
    if (lane->said_until_us < bar->time_us) {
        lane->said_until_us = bar->time_us;
    }
    lane->whole |= lateness_us == 0 || (!first && bar->start_us >= lane->given_us);
    lane->given_us = bar->start_us;
    if (lane->known_id < bar->last_id) {
        lane->known_id = bar->last_id;
    }
    if (lane->whole && (lateness_us == 0 || !bar->closed) &&
        lane->whole_id < bar->last_id) {
        lane->whole_id = bar->last_id;
    }
    if (bar->closed) {
        lane->whole = true; /* from the one before it on */
        if (lane->closed_until_us < end_us) {
            lane->closed_until_us = end_us;
        }
        if (bar->topic.interval == TOPIC_1D) {
            keep_day(series, bar, end_us);
        }
        return lateness_us > 0;
    }
    remember_open(series, bar, end_us, first);
    return !lane->whole || (bar->start_us > lane->closed_until_us &&
                            bar->start_us > lane->said_until_us - lateness_us);
}

void series_begin(struct series *series, int64_t lateness_us)
{
    uint64_t all = UINT64_MAX;
    uint64_t some = 0;
    for (unsigned i = 0; i < TOPIC_INTERVALS; i++) {
        struct series_lane *lane = &series->lanes[i];
        const int64_t over_us = lane->said_until_us - lateness_us;
        if (over_us > CALENDAR_MIN_US) {
            const int64_t start_us = calendar_bar_start(i, over_us);
            if (lane->closed_until_us < start_us) {
                lane->closed_until_us = start_us;
            }
        }
        all = lane->whole_id < all ? lane->whole_id : all;
        some = lane->known_id > some ? lane->known_id : some;
    }
    trade_ids_begin(&series->ids, all, some);
}
