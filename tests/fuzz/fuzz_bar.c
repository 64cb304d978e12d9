/* SPDX-License-Identifier: MIT
 *
 * Every line of the input is what a topic's history says, the newest first: of a market
 * if it begins with an M, else of the interval that its first byte names. What is read as
 * a bar is written as one that reads the same, and whatever was remembered, a tick works
 * and what is said about it is JSON.
 */
#include "common/json.h"
#include "feeder/calendar.h"
#include "feeder/tape.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's word */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_message(void *arg, const char *topic_text, size_t topic_len,
                       const char *payload, size_t len)
{
    size_t *said = arg;
    struct topic topic;
    assert(topic_parse(topic_text, topic_len, &topic));
    assert(json_is_object(payload, len));
    (*said)++;
}

static void check_bar(const struct topic *topic, const char *text, size_t len)
{
    struct bar bar;
    struct bar again;
    char written[BAR_TEXT_MAX + 1];
    if (!bar_parse(text, len, topic, &bar) || bar.time_us > CALENDAR_MAX_US) {
        return;
    }
    const size_t written_len = bar_format(written, &bar);
    assert(bar_parse(written, written_len, topic, &again));
    assert(again.start_us == bar.start_us && again.time_us == bar.time_us);
    assert(again.trades == bar.trades && again.last_id == bar.last_id);
    assert(decimal_compare(again.close, bar.close) == 0);
    assert(decimal_compare(again.volume, bar.volume) == 0);
}

static void remember(struct tape *tape, const char *line, size_t len)
{
    struct topic topic = {.symbol = "X", .symbol_len = 1};
    if (line[0] == 'M') {
        topic.type = TOPIC_MARKET;
        topic.interval = TOPIC_SUMMARY;
    } else {
        topic.interval = (enum topic_interval)((uint8_t)line[0] % TOPIC_INTERVALS);
        check_bar(&topic, line + 1, len - 1);
    }
    tape_remember(tape, &topic, line + 1, len - 1);
}

static void check_ticks(struct tape *tape)
{
    static const int64_t times_us[] = {CALENDAR_MIN_US, 0, INT64_C(1758518162800339),
                                       INT64_C(1758518222800339), CALENDAR_MAX_US};
    for (size_t i = 0; i < sizeof(times_us) / sizeof(times_us[0]); i++) {
        const struct tick tick = {.symbol = "X",
                                  .symbol_len = 1,
                                  .market = "X",
                                  .market_len = 1,
                                  .price = {.mantissa = 150},
                                  .time_us = times_us[i],
                                  .id = i * 3};
        tape_tick(tape, 0, &tick);
    }
    tape_end(tape, 0);
    tape_flush(tape);
}

/* A symbol that nothing was known of. */
static void check_stranger(struct tape *tape, const size_t *said)
{
    const size_t before = *said;
    const struct tick tick = {
        .symbol = "Y", .symbol_len = 1, .market = "", .time_us = CALENDAR_MAX_US};
    tape_tick(tape, 0, &tick);
    tape_flush(tape);
    assert(*said >= before + TOPIC_INTERVALS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct tape_rules rules = {
        .bars = {.max_symbols = 4,
                 .lateness_us = size > 0 && data[0] % 2 == 1 ? 5 * CALENDAR_SECOND_US : 0,
                 .min_update_us = 250000},
        .weights = ""};
    size_t said = 0;
    struct tape *tape = tape_create(&rules, on_message, &said);
    assert(tape != NULL);
    const char *at = (const char *)data;
    const char *const end = at + size;
    while (at != end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const char *next = stop == NULL ? end : stop + 1;
        const size_t len = (size_t)((stop == NULL ? end : stop) - at);
        if (len > 0) {
            remember(tape, at, len);
        }
        at = next;
    }
    check_ticks(tape);
    check_stranger(tape, &said);
    tape_destroy(tape);
    return 0;
}
