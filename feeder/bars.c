/* SPDX-License-Identifier: MIT */
#include "feeder/bars.h"

#include <stdlib.h>
#include <string.h>

#include "feeder/calendar.h"
#include "feeder/series.h"

#define NOBODY BARS_OWNERS_MAX

#define ODD_ENOUGH 3 /* prices out of the band, but near each other, are a new level */

/* Trades newer than all others with ids far below theirs, but in order, are numbered anew
 * by whoever numbers them. */
#define LOW_ENOUGH 32

struct owner {
    int64_t clock_us;
    int64_t lateness_us;
    int64_t next_end_us; /* no bar of its symbols ends before this */

    /* Lanes of which something was said within min_update_us, the oldest first. */
    struct series_lane *cooling;
    struct series_lane **cooling_end;
};

struct bars {
    struct bars_rules rules;
    bars_update_fn on_update;
    bars_update_fn on_past;
    void *arg;
    struct series *table;
    struct series **all; /* in the order in which they appeared */
    size_t count;
    size_t room;
    uint64_t missed;
    struct owner owners[BARS_OWNERS_MAX];
};

struct bars *bars_create(const struct bars_rules *rules, bars_update_fn on_update,
                         bars_update_fn on_past, void *arg)
{
    struct bars *bars = calloc(1, sizeof(*bars));
    if (bars == NULL) {
        return NULL;
    }
    bars->rules = *rules;
    bars->on_update = on_update;
    bars->on_past = on_past;
    bars->arg = arg;
    for (unsigned i = 0; i < BARS_OWNERS_MAX; i++) {
        bars->owners[i] = (struct owner){.clock_us = CALENDAR_MIN_US,
                                         .lateness_us = rules->lateness_us,
                                         .next_end_us = INT64_MAX};
        bars->owners[i].cooling_end = &bars->owners[i].cooling;
    }
    return bars;
}

void bars_destroy(struct bars *bars)
{
    if (bars == NULL) {
        return;
    }
    HASH_CLEAR(hh, bars->table);
    for (size_t i = 0; i < bars->count; i++) {
        series_destroy(bars->all[i]);
    }
    free(bars->all);
    free(bars);
}

void bars_expect_disorder(struct bars *bars, unsigned owner, int64_t lateness_us)
{
    struct owner *of = &bars->owners[owner];
    if (of->lateness_us < lateness_us) {
        of->lateness_us = lateness_us;
    }
}

/* ---- symbols ------------------------------------------------------------------------
 */

static struct series *find(const struct bars *bars, const struct tick *tick)
{
    char key[1 + TOPIC_SYMBOL_MAX];
    struct series *series;
    key[0] = (char)tick->type;
    memcpy(key + 1, tick->symbol, tick->symbol_len);
    HASH_FIND(hh, bars->table, key, 1 + tick->symbol_len, series);
    return series;
}

static struct series *add(struct bars *bars, const struct tick *tick)
{
    if (bars->count == bars->rules.max_symbols) {
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
    struct series *series = series_create(tick);
    if (series == NULL) {
        return NULL;
    }
    HASH_ADD_KEYPTR(hh, bars->table, series->key, 1 + series->symbol_len, series);
    if (!TABLE_HAS(series)) {
        series_destroy(series);
        return NULL;
    }
    series->owner = NOBODY;
    series->number = (uint32_t)bars->count;
    bars->all[bars->count++] = series;
    return series;
}

static struct series *find_or_make(struct bars *bars, const struct tick *tick)
{
    struct series *series = find(bars, tick);
    return series != NULL ? series : add(bars, tick);
}

static void expect_end(struct owner *owner, const struct series *series)
{
    if (owner->next_end_us > series->next_end_us) {
        owner->next_end_us = series->next_end_us;
    }
}

/* The series' bars have become others. */
static void update_end(struct bars *bars, struct series *series)
{
    series->next_end_us = series_next_end(series);
    expect_end(&bars->owners[series->owner], series);
}

/* Fills in what the bar's series does not know by itself. */
static void complete(const struct series *series, struct bar *bar)
{
    bar->market_len = series->market_len;
    bar->series = series->number;
    bar->owner = series->owner;
    series_set_change(bar);
}

/* What is remembered of the owner's symbol holds from now on. */
static void begin(struct bars *bars, struct series *series)
{
    series->begun = true;
    series_begin(series, bars->owners[series->owner].lateness_us);
    update_end(bars, series);
    struct series_bar *today = series->lanes[TOPIC_1D].newest;
    struct bar *day = today != NULL ? &today->bar : series->has_day ? &series->day : NULL;
    if (day != NULL) {
        complete(series, day);
        bars->on_past(bars->arg, day);
    }
}

static void adopt(struct bars *bars, struct series *series, unsigned owner,
                  const struct tick *tick)
{
    series->owner = owner;
    series->market_len = tick->market_len;
    memcpy(series->market, tick->market, tick->market_len);
    if (series->remembered_us != INT64_MIN) {
        begin(bars, series);
    }
}

/* The tick's symbol as its owner's, made if there is none; NULL if there is no room. */
static struct series *find_or_add(struct bars *bars, unsigned owner,
                                  const struct tick *tick)
{
    struct series *series = find_or_make(bars, tick);
    if (series != NULL && series->owner == NOBODY) {
        adopt(bars, series, owner, tick);
    }
    return series;
}

void bars_begin(struct bars *bars)
{
    for (size_t i = 0; i < bars->count; i++) {
        if (bars->all[i]->owner != NOBODY && !bars->all[i]->begun) {
            begin(bars, bars->all[i]);
        }
    }
}

bool bars_remember(struct bars *bars, const struct bar *bar)
{
    const struct tick tick = {.type = bar->topic.type,
                              .symbol = bar->topic.symbol,
                              .symbol_len = bar->topic.symbol_len};
    int64_t lateness_us = 0;
    for (unsigned i = 0; i < BARS_OWNERS_MAX; i++) {
        if (lateness_us < bars->owners[i].lateness_us) {
            lateness_us = bars->owners[i].lateness_us;
        }
    }
    struct series *series = find_or_make(bars, &tick);
    return series != NULL && !series->begun && series_remember(series, bar, lateness_us);
}

/* ---- what is said -------------------------------------------------------------------
 */

static void say(struct bars *bars, const struct series *series, struct series_bar *held)
{
    complete(series, &held->bar);
    held->news = false;
    bars->on_update(bars->arg, &held->bar);
}

/* Says what is new in the lane, the oldest bar first. */
static bool say_older_first(struct bars *bars, const struct series *series,
                            struct series_bar *held)
{
    if (held == NULL) {
        return false;
    }
    const bool older = say_older_first(bars, series, held->older);
    if (held->news || older) {
        say(bars, series, held);
        return true;
    }
    return false;
}

/* Says the lane's news and lets it cool, unless it says nothing. */
static void say_news(struct bars *bars, struct series_lane *lane)
{
    const struct series *series = lane->series;
    struct owner *owner = &bars->owners[series->owner];
    if (say_older_first(bars, series, lane->newest) && bars->rules.min_update_us > 0) {
        lane->cooling = true;
        lane->said_us = owner->clock_us;
        lane->next = NULL;
        *owner->cooling_end = lane;
        owner->cooling_end = &lane->next;
    }
}

/* What has to be said at once, unless the lane has just spoken. */
static void say_if_cool(struct bars *bars, struct series_lane *lane)
{
    if (!lane->cooling) {
        say_news(bars, lane);
    }
}

static void say_coolest(struct bars *bars, struct owner *owner)
{
    struct series_lane *lane = owner->cooling;
    owner->cooling = lane->next;
    if (owner->cooling == NULL) {
        owner->cooling_end = &owner->cooling;
    }
    lane->cooling = false;
    say_news(bars, lane);
}

/* ---- clocks -------------------------------------------------------------------------
 */

/* Closes the series' bars that ended by `over_us`, the shortest interval first. */
static void close_ended(struct bars *bars, struct series *series, int64_t over_us)
{
    for (unsigned i = 0; i < TOPIC_INTERVALS; i++) {
        struct series_lane *lane = &series->lanes[i];
        struct series_bar *oldest = series_oldest(lane);
        bool closed = false;
        while (oldest != NULL && oldest->end_us <= over_us) {
            struct series_bar *over = series_close(lane);
            say(bars, series, over);
            free(over);
            closed = true;
            oldest = series_oldest(lane);
        }
        if (closed && lane->newest != NULL) {
            lane->newest->news = true;
            say_if_cool(bars, lane);
        }
    }
    update_end(bars, series);
}

static void close_all_ended(struct bars *bars, unsigned owner, int64_t over_us)
{
    bars->owners[owner].next_end_us = INT64_MAX;
    for (size_t i = 0; i < bars->count; i++) {
        struct series *series = bars->all[i];
        if (series->owner != owner) {
            continue;
        }
        if (series->next_end_us <= over_us) {
            close_ended(bars, series, over_us);
        } else {
            expect_end(&bars->owners[owner], series);
        }
    }
}

/* INT64_MAX, which is never, stays it. */
static int64_t later(int64_t at_us, int64_t by_us)
{
    return at_us > INT64_MAX - by_us ? INT64_MAX : at_us + by_us;
}

static int64_t close_due_us(const struct owner *owner)
{
    return later(owner->next_end_us, owner->lateness_us);
}

static int64_t say_due_us(const struct bars *bars, const struct owner *owner)
{
    return owner->cooling == NULL
               ? INT64_MAX
               : later(owner->cooling->said_us, bars->rules.min_update_us);
}

int64_t bars_due_us(const struct bars *bars, unsigned owner)
{
    const int64_t close_us = close_due_us(&bars->owners[owner]);
    const int64_t say_us = say_due_us(bars, &bars->owners[owner]);
    return close_us < say_us ? close_us : say_us;
}

void bars_clock(struct bars *bars, unsigned owner, int64_t now_us)
{
    struct owner *of = &bars->owners[owner];
    for (;;) {
        const int64_t next_us = bars_due_us(bars, owner);
        if (next_us > now_us) {
            break;
        }
        if (of->clock_us < next_us) {
            of->clock_us = next_us;
        }
        if (close_due_us(of) == next_us) {
            close_all_ended(bars, owner, of->next_end_us);
        } else {
            say_coolest(bars, of);
        }
    }
    if (of->clock_us < now_us) {
        of->clock_us = now_us;
    }
}

void bars_end(struct bars *bars, unsigned owner)
{
    struct owner *of = &bars->owners[owner];
    while (of->next_end_us <= of->clock_us) {
        close_all_ended(bars, owner, of->next_end_us);
    }
}

void bars_flush(struct bars *bars)
{
    for (size_t i = 0; i < bars->count; i++) {
        struct series *series = bars->all[i];
        for (unsigned lane = 0; lane < TOPIC_INTERVALS; lane++) {
            say_older_first(bars, series, series->lanes[lane].newest);
        }
    }
}

/* ---- ticks --------------------------------------------------------------------------
 */

enum bars_result bars_claim(struct bars *bars, unsigned owner, const struct tick *tick)
{
    const struct series *series = find_or_add(bars, owner, tick);
    if (series == NULL) {
        return BARS_FULL;
    }
    return series->owner == owner ? BARS_OK : BARS_FOREIGN;
}

static bool is_near(struct decimal price, struct decimal to, int64_t percent)
{
    struct decimal distance;
    struct decimal share;
    if (!decimal_subtract(price, to, &distance)) {
        return false;
    }
    if (distance.mantissa == 0) {
        return true;
    }
    if (!decimal_percent(distance, to, &share)) {
        return false;
    }
    const struct decimal limit = {.mantissa = percent};
    share.mantissa = share.mantissa < 0 ? -share.mantissa : share.mantissa;
    return decimal_compare(share, limit) <= 0;
}

static bool is_absurd(const struct bars *bars, struct series *series,
                      const struct tick *tick)
{
    const int64_t percent = bars->rules.band_percent;
    if (percent == 0 || !series->traded || is_near(tick->price, series->last, percent)) {
        series->odd_count = 0;
        return false;
    }
    if (series->odd_count > 0 && is_near(tick->price, series->odd, percent)) {
        series->odd_count++;
    } else {
        series->odd_count = 1;
    }
    series->odd = tick->price;
    if (series->odd_count < ODD_ENOUGH) {
        return true;
    }
    series->odd_count = 0;
    return false;
}

/* Returns true if by this trade the symbol's ids have begun anew. */
static bool begins_anew(struct series *series, const struct tick *tick)
{
    if (!trade_ids_is_behind(&series->ids, tick->id)) {
        series->low_count = 0;
        return false;
    }
    if (!series->traded || tick->time_us <= series->last_us) {
        return false; /* it comes again */
    }
    series->low_count = tick->id > series->low_id ? series->low_count + 1 : 1;
    series->low_id = tick->id;
    if (series->low_count < LOW_ENOUGH) {
        return false;
    }
    series->low_count = 0;
    return true;
}

/* Returns false if the trade was seen before. */
static bool note_id(struct bars *bars, struct series *series, const struct tick *tick)
{
    if (tick->id == 0) {
        return true;
    }
    if (begins_anew(series, tick)) {
        series_forget_ids(series);
    }
    if (tick->sequential) {
        bars->missed += trade_ids_gap(&series->ids, tick->id);
    }
    return trade_ids_take(&series->ids, tick->id);
}

static enum bars_result take(struct bars *bars, struct series *series,
                             const struct tick *tick)
{
    const struct owner *owner = &bars->owners[series->owner];
    const int64_t clock_us =
        owner->clock_us > tick->time_us ? owner->clock_us : tick->time_us;
    struct series_plan plan;
    switch (series_plan(series, tick, clock_us - owner->lateness_us, &plan)) {
    case SERIES_FITS:
        break;
    case SERIES_KNOWN:
        series_hear_again(series, tick);
        return BARS_DUPLICATE;
    case SERIES_LATE:
        return BARS_LATE;
    case SERIES_TOO_BIG:
        return BARS_TOO_BIG;
    case SERIES_NO_MEMORY:
        return BARS_FULL;
    }
    /* The clock closes none of the plan's bars: they end after the tick. */
    bars_clock(bars, series->owner, tick->time_us);
    series_carry_out(series, &plan, clock_us);
    update_end(bars, series);
    for (unsigned i = 0; i < TOPIC_INTERVALS; i++) {
        say_if_cool(bars, &series->lanes[i]);
    }
    return BARS_OK;
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
    if (!series->begun) {
        begin(bars, series);
    }
    if (!note_id(bars, series, tick)) {
        series_hear_again(series, tick);
        return BARS_DUPLICATE;
    }
    if (is_absurd(bars, series, tick)) {
        return BARS_ABSURD;
    }
    return take(bars, series, tick);
}

bool bars_last_price(const struct bars *bars, const struct tick *symbol,
                     struct decimal *out)
{
    const struct series *series = find(bars, symbol);
    if (series == NULL || !series->traded) {
        return false;
    }
    *out = series->last;
    return true;
}

int64_t bars_remembered_us(const struct bars *bars, unsigned owner)
{
    int64_t newest_us = INT64_MIN;
    for (size_t i = 0; i < bars->count; i++) {
        if (bars->all[i]->owner == owner && newest_us < bars->all[i]->remembered_us) {
            newest_us = bars->all[i]->remembered_us;
        }
    }
    return newest_us;
}

uint64_t bars_missed(const struct bars *bars)
{
    return bars->missed;
}
