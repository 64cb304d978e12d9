/* SPDX-License-Identifier: MIT */
#include "feeder/tape.h"

#include <stdlib.h>

#include "feeder/summary.h"

struct tape {
    struct bars *bars;
    struct summary *summary;
    tape_message_fn on_message;
    void *arg;
    uint64_t ticks[BARS_RESULTS];
};

static void say(struct tape *tape, const struct topic *topic, const char *payload,
                size_t len)
{
    char text[TOPIC_MAX + 1];
    const size_t text_len = topic_format(text, topic);
    tape->on_message(tape->arg, text, text_len, payload, len);
}

static void on_bar(void *arg, const struct bar *bar)
{
    struct tape *tape = arg;
    char payload[BAR_TEXT_MAX + 1];
    const size_t len = bar_format(payload, bar);
    say(tape, &bar->topic, payload, len);
    if (!summary_bar(tape->summary, bar)) {
        tape->ticks[BARS_FULL]++;
    }
}

static void on_report(void *arg, const struct topic *topic, const char *payload,
                      size_t len)
{
    say(arg, topic, payload, len);
}

struct tape *tape_create(size_t max_symbols, tape_message_fn on_message, void *arg)
{
    struct tape *tape = calloc(1, sizeof(*tape));
    if (tape == NULL) {
        return NULL;
    }
    tape->on_message = on_message;
    tape->arg = arg;
    tape->bars = bars_create(max_symbols, on_bar, tape);
    tape->summary = summary_create(on_report, tape);
    if (tape->bars == NULL || tape->summary == NULL) {
        tape_destroy(tape);
        return NULL;
    }
    return tape;
}

void tape_destroy(struct tape *tape)
{
    if (tape != NULL) {
        bars_destroy(tape->bars);
        summary_destroy(tape->summary);
        free(tape);
    }
}

bool tape_remember(struct tape *tape, const struct topic *topic, const char *payload,
                   size_t len)
{
    (void)tape;
    (void)topic;
    (void)payload;
    (void)len;
    return false;
}

bool tape_last_price(const struct tape *tape, const struct tick *symbol,
                     struct decimal *out)
{
    (void)tape;
    (void)symbol;
    (void)out;
    return false;
}

int64_t tape_remembered_us(const struct tape *tape, unsigned owner)
{
    (void)tape;
    (void)owner;
    return INT64_MIN;
}

void tape_claim(struct tape *tape, unsigned owner, const struct tick *tick)
{
    bars_claim(tape->bars, owner, tick);
}

void tape_tick(struct tape *tape, unsigned owner, const struct tick *tick)
{
    bars_clock(tape->bars, owner, tick->time_us);
    tape->ticks[bars_tick(tape->bars, owner, tick)]++;
}

void tape_message(struct tape *tape, const struct topic *topic, const char *payload,
                  size_t len)
{
    say(tape, topic, payload, len);
}

void tape_clock(struct tape *tape, unsigned owner, int64_t now_us)
{
    bars_clock(tape->bars, owner, now_us);
}

void tape_summaries(struct tape *tape, uint64_t now_ms)
{
    summary_report(tape->summary, now_ms);
}

uint64_t tape_ticks(const struct tape *tape, enum bars_result fate)
{
    return tape->ticks[fate];
}
