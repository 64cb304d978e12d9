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
    uint64_t sizeless;
    int64_t clocks_us[BARS_OWNERS_MAX];
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
    /* First, so that a market's last word of a day is out before the next day's bars. */
    if (!summary_bar(tape->summary, bar)) {
        tape->ticks[BARS_FULL]++;
    }
    const size_t len = bar_format(payload, bar);
    say(tape, &bar->topic, payload, len);
}

static void on_past_day(void *arg, const struct bar *bar)
{
    struct tape *tape = arg;
    if (!summary_join(tape->summary, bar)) {
        tape->ticks[BARS_FULL]++;
    }
}

static void on_report(void *arg, const struct topic *topic, const char *payload,
                      size_t len)
{
    say(arg, topic, payload, len);
}

struct tape *tape_create(const struct tape_rules *rules, tape_message_fn on_message,
                         void *arg)
{
    struct tape *tape = calloc(1, sizeof(*tape));
    if (tape == NULL) {
        return NULL;
    }
    tape->on_message = on_message;
    tape->arg = arg;
    for (unsigned i = 0; i < BARS_OWNERS_MAX; i++) {
        tape->clocks_us[i] = INT64_MIN;
    }
    tape->bars = bars_create(&rules->bars, on_bar, on_past_day, tape);
    tape->summary = summary_create(rules->weights, on_report, tape);
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

void tape_expect_disorder(struct tape *tape, unsigned owner, int64_t lateness_us)
{
    bars_expect_disorder(tape->bars, owner, lateness_us);
}

bool tape_remember(struct tape *tape, const struct topic *topic, const char *payload,
                   size_t len)
{
    struct bar bar;
    if (topic->type == TOPIC_MARKET) {
        summary_remember(tape->summary, topic, payload, len);
        return false;
    }
    return bar_parse(payload, len, topic, &bar) && bars_remember(tape->bars, &bar);
}

void tape_begin(struct tape *tape)
{
    bars_begin(tape->bars);
}

bool tape_last_price(const struct tape *tape, const struct tick *symbol,
                     struct decimal *out)
{
    return bars_last_price(tape->bars, symbol, out);
}

int64_t tape_remembered_us(const struct tape *tape, unsigned owner)
{
    return bars_remembered_us(tape->bars, owner);
}

void tape_claim(struct tape *tape, unsigned owner, const struct tick *tick)
{
    bars_claim(tape->bars, owner, tick);
}

void tape_tick(struct tape *tape, unsigned owner, const struct tick *tick)
{
    tape_clock(tape, owner, tick->time_us);
    const enum bars_result result = bars_tick(tape->bars, owner, tick);
    tape->ticks[result]++;
    tape->sizeless += result == BARS_OK && tick->size.mantissa == 0;
}

void tape_message(struct tape *tape, const struct topic *topic, const char *payload,
                  size_t len)
{
    say(tape, topic, payload, len);
}

static void move_clock(struct tape *tape, unsigned owner, int64_t to_us)
{
    if (tape->clocks_us[owner] < to_us) {
        tape->clocks_us[owner] = to_us;
    }
    bars_clock(tape->bars, owner, to_us);
}

/* What is due happens one after the other, however far the clock goes in one step. */
void tape_clock(struct tape *tape, unsigned owner, int64_t now_us)
{
    for (;;) {
        const int64_t bars_us = bars_due_us(tape->bars, owner);
        const int64_t report_us = summary_due_us(tape->summary, owner);
        if (bars_us > now_us && report_us > now_us) {
            break;
        }
        if (bars_us <= report_us) {
            move_clock(tape, owner, bars_us);
        } else {
            move_clock(tape, owner, report_us);
            summary_report(tape->summary, owner, tape->clocks_us[owner]);
        }
    }
    move_clock(tape, owner, now_us);
}

void tape_end(struct tape *tape, unsigned owner)
{
    bars_end(tape->bars, owner);
}

void tape_flush(struct tape *tape)
{
    bars_flush(tape->bars);
    summary_flush(tape->summary);
}

uint64_t tape_ticks(const struct tape *tape, enum bars_result fate)
{
    return tape->ticks[fate];
}

uint64_t tape_sizeless(const struct tape *tape)
{
    return tape->sizeless;
}

uint64_t tape_missed(const struct tape *tape)
{
    return bars_missed(tape->bars);
}
