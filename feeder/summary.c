/* SPDX-License-Identifier: MIT */
#include "feeder/summary.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feeder/calendar.h"
#include "feeder/payload.h"
#include "feeder/weights.h"

#define RATIO_DECIMALS 9

struct member {
    size_t market; /* its place in the markets plus one; 0 if it has none */
    struct decimal weight;
    int64_t day_us; /* the beginning of the trading day that the rest is about */
    struct decimal last;
    struct decimal reference; /* the previous close, or the open if there is none */
    struct decimal volume;
};

struct market {
    char name[TOPIC_SYMBOL_MAX];
    size_t name_len;
    unsigned owner;
    struct decimal base; /* the index before its day began */
    int64_t day_us;      /* CALENDAR_MIN_US before the first */
    bool is_past; /* all that is known of that day was published before this start: */
    struct decimal past;   /* the index by then */
    uint64_t past_members; /* and how many made it up */
    bool changed;
    int64_t due_us;  /* no report before */
    int64_t time_us; /* of the newest bar */
};

struct summary {
    const char *weights;
    summary_report_fn on_report;
    void *arg;
    struct member *members; /* by the number of their series */
    size_t member_room;
    struct market *markets;
    size_t market_count;
};

struct summary *summary_create(const char *weights, summary_report_fn on_report,
                               void *arg)
{
    struct summary *summary = calloc(1, sizeof(*summary));
    if (summary != NULL) {
        summary->weights = weights;
        summary->on_report = on_report;
        summary->arg = arg;
    }
    return summary;
}

void summary_destroy(struct summary *summary)
{
    if (summary != NULL) {
        free(summary->members);
        free(summary->markets);
        free(summary);
    }
}

static struct member *find_member(struct summary *summary, uint32_t series)
{
    if (series >= summary->member_room) {
        const size_t room = 2 * ((size_t)series + 16);
        struct member *members = realloc(summary->members, room * sizeof(*members));
        if (members == NULL) {
            return NULL;
        }
        memset(members + summary->member_room, 0,
               (room - summary->member_room) * sizeof(*members));
        summary->members = members;
        summary->member_room = room;
    }
    return &summary->members[series];
}

/* Returns the market's place plus one, or 0 when out of memory. */
static size_t find_market(struct summary *summary, const char *name, size_t name_len)
{
    for (size_t i = 0; i < summary->market_count; i++) {
        const struct market *market = &summary->markets[i];
        if (market->name_len == name_len && memcmp(market->name, name, name_len) == 0) {
            return i + 1;
        }
    }
    struct market *markets = realloc(summary->markets, (summary->market_count + 1) *
                                                           sizeof(*summary->markets));
    if (markets == NULL) {
        return 0;
    }
    summary->markets = markets;
    struct market *market = &markets[summary->market_count++];
    *market = (struct market){.name_len = name_len,
                              .owner = UINT_MAX,
                              .base = {.mantissa = 1000},
                              .day_us = CALENDAR_MIN_US,
                              .due_us = CALENDAR_MIN_US,
                              .time_us = CALENDAR_MIN_US};
    memcpy(market->name, name, name_len);
    return summary->market_count;
}

struct state {
    struct decimal weighed; /* the sum of ratios times weights */
    struct decimal weight;  /* the sum of their weights */
    struct decimal volume;
    uint32_t advancers;
    uint32_t decliners;
    uint32_t unchanged;
};

static const struct decimal one = {.mantissa = 1};

/* Its price over the reference, times its weight. */
static bool weigh(const struct member *member, bool stands, struct decimal *out)
{
    struct decimal ratio = one;
    return (stands ||
            (member->reference.mantissa > 0 &&
             decimal_divide(member->last, member->reference, RATIO_DECIMALS, &ratio))) &&
           decimal_multiply(ratio, member->weight, out);
}

/* A sum that would not fit leaves the member out: of the index, or of the volume. */
static void count_member(struct state *state, const struct member *member, int64_t day_us)
{
    const bool stands = member->day_us < day_us;
    struct decimal weighed;
    struct decimal weight;
    if (weigh(member, stands, &weighed) &&
        decimal_add(state->weighed, weighed, &weighed) &&
        decimal_add(state->weight, member->weight, &weight)) {
        state->weighed = weighed;
        state->weight = weight;
    }
    struct decimal volume;
    if (!stands && decimal_add(state->volume, member->volume, &volume)) {
        state->volume = volume;
    }
    const int moved = stands ? 0 : decimal_compare(member->last, member->reference);
    if (moved > 0) {
        state->advancers++;
    } else if (moved < 0) {
        state->decliners++;
    } else {
        state->unchanged++;
    }
}

static struct state add_up(const struct summary *summary, const struct market *market)
{
    const size_t place = (size_t)(market - summary->markets) + 1;
    struct state state = {0};
    for (size_t i = 0; i < summary->member_room; i++) {
        if (summary->members[i].market == place) {
            count_member(&state, &summary->members[i], market->day_us);
        }
    }
    return state;
}

/* With two decimals. Where it makes no sense or does not fit, it stands still. */
static struct decimal index_value(const struct market *market, const struct state *state)
{
    struct decimal value;
    if (decimal_divide(state->weighed, state->weight, RATIO_DECIMALS, &value) &&
        decimal_multiply(value, market->base, &value) &&
        decimal_divide(value, one, 2, &value)) {
        return value;
    }
    return market->base;
}

static void report(const struct summary *summary, const struct market *market)
{
    const struct state state = add_up(summary, market);
    const struct decimal now = index_value(market, &state);
    struct decimal change = {0};
    struct decimal percent = {0};
    if (decimal_subtract(now, market->base, &change)) {
        decimal_percent(change, market->base, &percent);
    }
    char texts[4][DECIMAL_TEXT_MAX + 1];
    decimal_format(texts[0], now);
    decimal_format(texts[1], change);
    decimal_format(texts[2], percent);
    decimal_format(texts[3], state.volume);
    char day[CALENDAR_TEXT_MAX + 1];
    char time[CALENDAR_TEXT_MAX + 1];
    calendar_format_second(day, market->day_us);
    calendar_format(time, market->time_us);
    char text[SUMMARY_TEXT_MAX + 1];
    const int len = snprintf(
        text, sizeof(text),
        "{\"market\":\"%.*s\",\"start\":\"%s\",\"index_value\":%s,\"change\":%s,"
        "\"change_percent\":%s,\"volume\":%s,\"advancers\":%" PRIu32
        ",\"decliners\":%" PRIu32 ",\"unchanged\":%" PRIu32 ",\"timestamp\":\"%s\"}",
        (int)market->name_len, market->name, day, texts[0], texts[1], texts[2], texts[3],
        state.advancers, state.decliners, state.unchanged, time);
    assert(len > 0 && len <= SUMMARY_TEXT_MAX);
    const struct topic topic = {.type = TOPIC_MARKET,
                                .interval = TOPIC_SUMMARY,
                                .symbol = market->name,
                                .symbol_len = market->name_len};
    summary->on_report(summary->arg, &topic, text, (size_t)len);
}

/* Whether bars of before this start are known of all who made up the market then: some
 * may be newer than its last report. Once a member's next day began, that was the day's
 * last. */
static bool is_complete(const struct summary *summary, const struct market *market)
{
    const size_t place = (size_t)(market - summary->markets) + 1;
    uint64_t count = 0;
    for (size_t i = 0; i < summary->member_room; i++) {
        if (summary->members[i].market == place) {
            count++;
            if (summary->members[i].day_us > market->day_us) {
                return false;
            }
        }
    }
    return count == market->past_members;
}

/* The market's next day begins where this one ends, which is said before. */
static void begin_day(const struct summary *summary, struct market *market,
                      int64_t day_us)
{
    if (market->is_past && !is_complete(summary, market)) {
        market->base = market->past;
    } else if (market->day_us != CALENDAR_MIN_US) {
        const struct state state = add_up(summary, market);
        if (market->changed) {
            report(summary, market);
        }
        market->base = index_value(market, &state);
    }
    market->is_past = false;
    market->day_us = day_us;
}

/* The bar's member, made if it is new; NULL when out of memory. */
static struct member *find_or_join(struct summary *summary, const struct bar *bar)
{
    struct member *member = find_member(summary, bar->series);
    if (member == NULL || member->market != 0) {
        return member;
    }
    const size_t place = find_market(summary, bar->market, bar->market_len);
    if (place == 0) {
        return NULL;
    }
    if (summary->markets[place - 1].owner == UINT_MAX) {
        summary->markets[place - 1].owner = bar->owner;
    }
    *member = (struct member){
        .market = place,
        .weight = weights_get(summary->weights, bar->topic.symbol, bar->topic.symbol_len),
        .day_us = CALENDAR_MIN_US};
    return member;
}

static void update(struct member *member, const struct bar *bar)
{
    if (member->day_us <= bar->start_us) {
        member->day_us = bar->start_us;
        member->last = bar->close;
        member->reference = bar->has_previous ? bar->previous_close : bar->open;
        member->volume = bar->volume;
    }
}

static bool counts(const struct bar *bar)
{
    return bar->topic.interval == TOPIC_1D && bar->market_len > 0;
}

/* The very first report waits for other members' bars. */
static void expect_report(struct market *market, int64_t now_us)
{
    market->changed = true;
    if (market->due_us == CALENDAR_MIN_US) {
        market->due_us = now_us + SUMMARY_PAUSE_US;
    } else if (market->due_us < now_us) {
        market->due_us = now_us;
    }
}

static void hear(const struct summary *summary, struct market *market,
                 struct member *member, const struct bar *bar)
{
    if (market->day_us < bar->start_us) {
        begin_day(summary, market, bar->start_us);
    }
    update(member, bar);
    if (!market->changed) {
        expect_report(market, bar->time_us);
    }
    if (market->time_us < bar->time_us) {
        market->time_us = bar->time_us;
    }
}

/* A bar of before this start is news only if the market's last report is older. */
static bool take_in(struct summary *summary, const struct bar *bar, bool is_past)
{
    if (!counts(bar)) {
        return true;
    }
    struct member *member = find_or_join(summary, bar);
    if (member == NULL) {
        return false;
    }
    struct market *market = &summary->markets[member->market - 1];
    if (!is_past || bar->time_us > market->time_us) {
        hear(summary, market, member, bar);
    } else {
        update(member, bar);
    }
    market->is_past = market->is_past && is_past;
    return true;
}

bool summary_bar(struct summary *summary, const struct bar *bar)
{
    return take_in(summary, bar, false);
}

bool summary_join(struct summary *summary, const struct bar *bar)
{
    return take_in(summary, bar, true);
}

int64_t summary_due_us(const struct summary *summary, unsigned owner)
{
    int64_t due_us = INT64_MAX;
    for (size_t i = 0; i < summary->market_count; i++) {
        const struct market *market = &summary->markets[i];
        if (market->owner == owner && market->changed && market->due_us < due_us) {
            due_us = market->due_us;
        }
    }
    return due_us;
}

void summary_report(struct summary *summary, unsigned owner, int64_t now_us)
{
    for (size_t i = 0; i < summary->market_count; i++) {
        struct market *market = &summary->markets[i];
        if (market->owner == owner && market->changed && market->due_us <= now_us) {
            market->changed = false;
            market->due_us = now_us + SUMMARY_PAUSE_US;
            report(summary, market);
        }
    }
}

void summary_flush(struct summary *summary)
{
    for (size_t i = 0; i < summary->market_count; i++) {
        struct market *market = &summary->markets[i];
        if (market->changed) {
            market->changed = false;
            report(summary, market);
        }
    }
}

/* Reads what a report of before this start says about its market. */
static bool read_report(const struct payload *payload, struct market *out)
{
    struct decimal change;
    uint64_t advancers = 0;
    uint64_t decliners = 0;
    uint64_t unchanged = 0;
    if (!payload_decimal(payload, "index_value", &out->past) ||
        !payload_decimal(payload, "change", &change) ||
        !payload_time(payload, "start", &out->day_us) ||
        !payload_time(payload, "timestamp", &out->time_us) ||
        !decimal_subtract(out->past, change, &out->base)) {
        return false;
    }
    const bool counted = payload_count(payload, "advancers", &advancers) &&
                         payload_count(payload, "decliners", &decliners) &&
                         payload_count(payload, "unchanged", &unchanged);
    out->past_members = counted ? advancers + decliners + unchanged : 0;
    return out->past.mantissa > 0 && out->base.mantissa > 0;
}

void summary_remember(struct summary *summary, const struct topic *topic,
                      const char *payload, size_t len)
{
    struct payload *told =
        topic->type == TOPIC_MARKET ? payload_open(payload, len) : NULL;
    struct market past;
    const size_t place = told != NULL && read_report(told, &past)
                             ? find_market(summary, topic->symbol, topic->symbol_len)
                             : 0;
    if (place != 0) {
        struct market *market = &summary->markets[place - 1];
        market->base = past.base;
        market->day_us = past.day_us;
        market->time_us = past.time_us;
        market->is_past = true;
        market->past = past.past;
        market->past_members = past.past_members;
    }
    payload_close(told);
}
