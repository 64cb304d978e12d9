/* SPDX-License-Identifier: MIT */
#include "tape_scene.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state;

void scene_seed(uint64_t seed)
{
    state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

/* xorshift64* (Vigna). */
uint64_t scene_random(uint64_t below)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return ((state * UINT64_C(2685821657736338717)) >> 11) % below;
}

static int64_t step_us(void)
{
    switch (scene_random(50)) {
    case 0:
        return (int64_t)scene_random(40) * 3600 * SCENE_SECOND_US;
    case 1:
    case 2:
        return (int64_t)scene_random(3600) * SCENE_SECOND_US;
    default:
        return (int64_t)scene_random(12 * SCENE_SECOND_US) /
               (int64_t)(1 + scene_random(99));
    }
}

void scene_trades(struct trade *out, size_t count, int64_t start_us, int64_t disorder_us)
{
    static const char *const symbols[] = {"AAPL", "BRK.B", "IBM"};
    static const char *const markets[] = {"US", "OTHER", "US"};
    int64_t cents[3] = {15000, 31050, 20000};
    uint64_t ids[3] = {0, 1000, 0};
    int64_t now_us = start_us;
    for (size_t i = 0; i < count; i++) {
        if (i > 10 && scene_random(20) == 0) {
            out[i] = out[i - 1 - scene_random(9)];
            continue;
        }
        const size_t symbol = scene_random(3);
        now_us += step_us();
        cents[symbol] += (int64_t)scene_random(41) - 20;
        out[i] = (struct trade){.symbol = symbols[symbol],
                                .market = markets[symbol],
                                .time_us = now_us,
                                .price = {.mantissa = cents[symbol], .scale = 2},
                                .size = {.mantissa = (int64_t)scene_random(9999),
                                         .scale = (int)scene_random(4)},
                                .id = ++ids[symbol]};
        if (disorder_us > 0 && scene_random(3) == 0) {
            out[i].time_us -= (int64_t)scene_random((uint64_t)disorder_us);
        }
    }
}

static void on_message(void *arg, const char *topic, size_t topic_len,
                       const char *payload, size_t len)
{
    struct script *script = arg;
    if (script->count == script->room) {
        script->room = 2 * script->room + 1024;
        script->said = realloc(script->said, script->room * sizeof(*script->said));
        ck_assert_ptr_nonnull(script->said);
    }
    struct message *message = &script->said[script->count++];
    ck_assert_uint_eq(strlen(topic), topic_len);
    memcpy(message->topic, topic, topic_len + 1);
    message->payload = strndup(payload, len);
    ck_assert_ptr_nonnull(message->payload);
}

void script_clear(struct script *script)
{
    for (size_t i = 0; i < script->count; i++) {
        free(script->said[i].payload);
    }
    free(script->said);
    *script = (struct script){0};
}

struct tape *scene_tape(const struct tape_rules *rules, struct script *script)
{
    struct tape *tape = tape_create(rules, on_message, script);
    ck_assert_ptr_nonnull(tape);
    return tape;
}

enum bars_result scene_feed(struct tape *tape, const struct trade *trade)
{
    const struct tick tick = {.type = TOPIC_STOCK,
                              .symbol = trade->symbol,
                              .symbol_len = strlen(trade->symbol),
                              .market = trade->market,
                              .market_len = strlen(trade->market),
                              .price = trade->price,
                              .size = trade->size,
                              .time_us = trade->time_us,
                              .id = trade->id,
                              .sequential = true};
    uint64_t before[BARS_RESULTS];
    for (unsigned i = 0; i < BARS_RESULTS; i++) {
        before[i] = tape_ticks(tape, i);
    }
    tape_tick(tape, 0, &tick);
    for (unsigned i = 0; i < BARS_RESULTS; i++) {
        if (tape_ticks(tape, i) != before[i]) {
            return i;
        }
    }
    return BARS_RESULTS;
}

void scene_end(struct tape *tape)
{
    tape_end(tape, 0);
    tape_flush(tape);
}
