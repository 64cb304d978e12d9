/* SPDX-License-Identifier: MIT */
#include "feeder/bar.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "feeder/calendar.h"
#include "feeder/payload.h"

struct number {
    char text[DECIMAL_TEXT_MAX + 1];
};

static struct number number(struct decimal value)
{
    struct number number;
    decimal_format(number.text, value);
    return number;
}

struct member {
    char text[64]; /* a comma, a name, a value; or nothing */
};

static struct member last_trade(const struct bar *bar)
{
    struct member member = {""};
    if (bar->last_id != 0) {
        snprintf(member.text, sizeof(member.text), ",\"last_trade\":%" PRIu64,
                 bar->last_id);
    }
    return member;
}

static struct member previous_close(const struct bar *bar)
{
    struct member member = {""};
    if (bar->topic.interval == TOPIC_1D && bar->has_previous) {
        snprintf(member.text, sizeof(member.text), ",\"previous_close\":%s",
                 number(bar->previous_close).text);
    }
    return member;
}

size_t bar_format(char out[BAR_TEXT_MAX + 1], const struct bar *bar)
{
    char start[CALENDAR_TEXT_MAX + 1];
    char time[CALENDAR_TEXT_MAX + 1];
    calendar_format_second(start, bar->start_us);
    calendar_format(time, bar->time_us);
    const struct number close = number(bar->close);
    /* No byte that a symbol may have needs escaping in JSON. */
    const int len = snprintf(
        out, BAR_TEXT_MAX + 1,
        "{\"symbol\":\"%.*s\",\"interval\":\"%s\",\"start\":\"%s\",\"open\":%s,\"high\":%s,"
        "\"low\":%s,\"close\":%s,\"price\":%s,\"volume\":%s,\"trades\":%" PRIu64
        "%s%s,\"change\":%s,\"change_percent\":%s,%s\"closed\":%s,\"timestamp\":\"%s\"}",
        (int)bar->topic.symbol_len, bar->topic.symbol,
        topic_interval_name(bar->topic.interval), start, number(bar->open).text,
        number(bar->high).text, number(bar->low).text, close.text, close.text,
        number(bar->volume).text, bar->trades, last_trade(bar).text,
        previous_close(bar).text, number(bar->change).text,
        number(bar->change_percent).text, bar->correction ? "\"correction\":true," : "",
        bar->closed ? "true" : "false", time);
    assert(len > 0 && len <= BAR_TEXT_MAX);
    return (size_t)len;
}

/* Only daily bars name it; of the others a change tells. */
static void get_previous(const struct payload *payload, struct bar *bar)
{
    struct decimal change;
    if (bar->topic.interval == TOPIC_1D) {
        bar->has_previous =
            payload_decimal(payload, "previous_close", &bar->previous_close);
    } else {
        bar->has_previous = payload_decimal(payload, "change", &change) &&
                            change.mantissa != 0 &&
                            decimal_subtract(bar->close, change, &bar->previous_close);
    }
}

static bool is_possible(const struct bar *bar)
{
    const enum topic_interval interval = bar->topic.interval;
    return bar->start_us == calendar_bar_start(interval, bar->start_us) &&
           bar->time_us >= bar->start_us &&
           bar->time_us <= calendar_bar_end(interval, bar->start_us) &&
           decimal_compare(bar->low, bar->open) <= 0 &&
           decimal_compare(bar->low, bar->close) <= 0 &&
           decimal_compare(bar->high, bar->open) >= 0 &&
           decimal_compare(bar->high, bar->close) >= 0 && bar->volume.mantissa >= 0 &&
           bar->trades > 0 && bar->trades <= INT64_MAX;
}

static bool read_bar(const struct payload *payload, struct bar *bar)
{
    if (!payload_is(payload, "interval", topic_interval_name(bar->topic.interval)) ||
        !payload_time(payload, "start", &bar->start_us) ||
        !payload_time(payload, "timestamp", &bar->time_us) ||
        !payload_decimal(payload, "open", &bar->open) ||
        !payload_decimal(payload, "high", &bar->high) ||
        !payload_decimal(payload, "low", &bar->low) ||
        !payload_decimal(payload, "close", &bar->close) ||
        !payload_decimal(payload, "volume", &bar->volume) ||
        !payload_count(payload, "trades", &bar->trades) ||
        !payload_flag(payload, "closed", &bar->closed)) {
        return false;
    }
    payload_count(payload, "last_trade", &bar->last_id);
    payload_flag(payload, "correction", &bar->correction);
    get_previous(payload, bar);
    return is_possible(bar);
}

bool bar_parse(const char *text, size_t len, const struct topic *topic, struct bar *out)
{
    struct payload *payload =
        topic->interval < TOPIC_INTERVALS ? payload_open(text, len) : NULL;
    struct bar bar = {.topic = *topic};
    const bool good = payload != NULL && read_bar(payload, &bar);
    if (good) {
        *out = bar;
    }
    payload_close(payload);
    return good;
}
