/* SPDX-License-Identifier: MIT
 *
 * What a line is taken for can be published: a payload that is a JSON object inside the
 * line, or a tick with a valid symbol and numbers that read back as they were printed.
 */
#include "common/json.h"
#include "feeder/calendar.h"
#include "feeder/line.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's word */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_number(struct decimal value)
{
    char text[DECIMAL_TEXT_MAX + 1];
    struct decimal again;
    const size_t len = decimal_format(text, value);
    assert(decimal_parse(text, len, &again));
    assert(decimal_compare(value, again) == 0);
}

static void check_tick(const struct line *line)
{
    const struct tick *tick = &line->tick;
    assert(tick->type < TOPIC_MARKET);
    assert(topic_is_symbol(tick->symbol, tick->symbol_len));
    assert(tick->market_len == 0 || topic_is_symbol(tick->market, tick->market_len));
    check_number(tick->price);
    check_number(tick->size);
    assert(!tick->sequential);
    if (line->has_time) {
        char text[CALENDAR_TEXT_MAX + 1];
        int64_t again_us;
        assert(calendar_parse(text, calendar_format(text, tick->time_us), &again_us));
        assert(again_us == tick->time_us);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct line line;
    if (line_parse(text, size, &line) != NULL) {
        return 0;
    }
    if (line.is_tick) {
        check_tick(&line);
        return 0;
    }
    assert(line.payload >= text && line.payload + line.payload_len <= text + size);
    assert(json_is_object(line.payload, line.payload_len));
    char topic[TOPIC_MAX + 1];
    topic_format(topic, &line.topic);
    return 0;
}
