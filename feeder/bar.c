/* SPDX-License-Identifier: MIT */
#include "feeder/bar.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "feeder/calendar.h"

struct number {
    char text[DECIMAL_TEXT_MAX + 1];
};

static struct number number(struct decimal value)
{
    struct number number;
    decimal_format(number.text, value);
    return number;
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
        ",\"change\":%s,\"change_percent\":%s,\"closed\":%s,\"timestamp\":\"%s\"}",
        (int)bar->topic.symbol_len, bar->topic.symbol,
        topic_interval_name(bar->topic.interval), start, number(bar->open).text,
        number(bar->high).text, number(bar->low).text, close.text, close.text,
        number(bar->volume).text, bar->trades, number(bar->change).text,
        number(bar->change_percent).text, bar->closed ? "true" : "false", time);
    assert(len > 0 && len <= BAR_TEXT_MAX);
    return (size_t)len;
}
