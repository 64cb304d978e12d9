/* SPDX-License-Identifier: MIT */
#include "feeder/summary.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feeder/calendar.h"

struct member {
    size_t market; /* its place in the markets plus one; 0 if it has none */
    struct decimal first;
    struct decimal last;
    struct decimal previous;
    struct decimal change;
    struct decimal volume;
};

struct market {
    char name[TOPIC_SYMBOL_MAX];
    size_t name_len;
    bool changed;
    bool reported; /* at `reported_ms` */
    uint64_t reported_ms;
    int64_t time_us; /* of the newest bar */
};

struct summary {
    summary_report_fn on_report;
    void *arg;
    struct member *members; /* by the number of their series */
    size_t member_room;
    struct market *markets;
    size_t market_count;
};

struct summary *summary_create(summary_report_fn on_report, void *arg)
{
    struct summary *summary = calloc(1, sizeof(*summary));
    if (summary != NULL) {
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
static size_t find_market(struct summary *summary, const struct bar *bar)
{
    for (size_t i = 0; i < summary->market_count; i++) {
        const struct market *market = &summary->markets[i];
        if (market->name_len == bar->market_len &&
            memcmp(market->name, bar->market, bar->market_len) == 0) {
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
    *market = (struct market){.name_len = bar->market_len, .time_us = CALENDAR_MIN_US};
    memcpy(market->name, bar->market, bar->market_len);
    return summary->market_count;
}

bool summary_bar(struct summary *summary, const struct bar *bar)
{
    if (bar->topic.interval != TOPIC_1D || bar->market_len == 0) {
        return true;
    }
    struct member *member = find_member(summary, bar->series);
    if (member == NULL) {
        return false;
    }
    if (member->market == 0) {
        member->market = find_market(summary, bar);
        if (member->market == 0) {
            return false;
        }
        member->first = bar->close;
    }
    member->last = bar->close;
    member->previous = bar->previous_close;
    member->change = bar->change;
    member->volume = bar->volume;
    struct market *market = &summary->markets[member->market - 1];
    market->changed = true;
    if (market->time_us < bar->time_us) {
        market->time_us = bar->time_us;
    }
    return true;
}

struct state {
    int64_t weighed; /* members that the index holds */
    struct decimal now;
    struct decimal before;
    struct decimal volume;
    uint32_t advancers;
    uint32_t decliners;
    uint32_t unchanged;
};

/* A sum that would not fit leaves the member out: of the index, or of the volume. */
static void count_member(struct state *state, const struct member *member)
{
    struct decimal now;
    struct decimal before;
    if (member->first.mantissa > 0 &&
        decimal_divide(member->last, member->first, 9, &now) &&
        decimal_divide(member->previous, member->first, 9, &before) &&
        decimal_add(state->now, now, &now) &&
        decimal_add(state->before, before, &before)) {
        state->now = now;
        state->before = before;
        state->weighed++;
    }
    struct decimal volume;
    if (decimal_add(state->volume, member->volume, &volume)) {
        state->volume = volume;
    }
    if (member->change.mantissa > 0) {
        state->advancers++;
    } else if (member->change.mantissa < 0) {
        state->decliners++;
    } else {
        state->unchanged++;
    }
}

/* 1000 * sum / count with two decimals; 0 where that makes no sense. */
static struct decimal index_value(struct decimal sum, int64_t count)
{
    const struct decimal thousandth = {.mantissa = count, .scale = 3};
    struct decimal value = {0};
    if (!decimal_divide(sum, thousandth, 2, &value)) {
        return (struct decimal){0};
    }
    return value;
}

static void report(const struct summary *summary, size_t place)
{
    struct state state = {0};
    for (size_t i = 0; i < summary->member_room; i++) {
        if (summary->members[i].market == place + 1) {
            count_member(&state, &summary->members[i]);
        }
    }
    const struct market *market = &summary->markets[place];
    const struct decimal now = index_value(state.now, state.weighed);
    const struct decimal before = index_value(state.before, state.weighed);
    struct decimal change = {0};
    struct decimal percent = {0};
    if (decimal_subtract(now, before, &change)) {
        decimal_percent(change, before, &percent);
    }
    char texts[4][DECIMAL_TEXT_MAX + 1];
    decimal_format(texts[0], now);
    decimal_format(texts[1], change);
    decimal_format(texts[2], percent);
    decimal_format(texts[3], state.volume);
    char time[CALENDAR_TEXT_MAX + 1];
    calendar_format(time, market->time_us);
    char text[SUMMARY_TEXT_MAX + 1];
    const int len = snprintf(
        text, sizeof(text),
        "{\"market\":\"%.*s\",\"index_value\":%s,\"change\":%s,"
        "\"change_percent\":%s,\"volume\":%s,\"advancers\":%" PRIu32
        ",\"decliners\":%" PRIu32 ",\"unchanged\":%" PRIu32 ",\"timestamp\":\"%s\"}",
        (int)market->name_len, market->name, texts[0], texts[1], texts[2], texts[3],
        state.advancers, state.decliners, state.unchanged, time);
    assert(len > 0 && len <= SUMMARY_TEXT_MAX);
    const struct topic topic = {.type = TOPIC_MARKET,
                                .interval = TOPIC_SUMMARY,
                                .symbol = market->name,
                                .symbol_len = market->name_len};
    summary->on_report(summary->arg, &topic, text, (size_t)len);
}

void summary_report(struct summary *summary, uint64_t now_ms)
{
    for (size_t i = 0; i < summary->market_count; i++) {
        struct market *market = &summary->markets[i];
        if (market->changed &&
            (!market->reported || now_ms - market->reported_ms >= SUMMARY_PAUSE_MS)) {
            market->changed = false;
            market->reported = true;
            market->reported_ms = now_ms;
            report(summary, i);
        }
    }
}
