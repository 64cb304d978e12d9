/* SPDX-License-Identifier: MIT */
#include "feeder/source.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define TYPES (TOPIC_MARKET)

/* What a walk said. */
struct listener {
    size_t claims;
    size_t ticks;
    bool claimed[TYPES];
    bool named_600519;
    bool strayed;
    bool went_back;
    uint64_t digest; /* of everything but the times */
    int64_t time_us; /* of the last tick */
};

static void digest(struct listener *to, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        to->digest = (to->digest ^ ((const unsigned char *)bytes)[i]) * 1099511628211U;
    }
}

static void on_claim(void *arg, const struct tick *tick)
{
    struct listener *to = arg;
    ck_assert(topic_is_symbol(tick->symbol, tick->symbol_len));
    ck_assert(topic_is_symbol(tick->market, tick->market_len));
    ck_assert_int_lt(tick->type, TOPIC_MARKET);
    to->claimed[tick->type] = true;
    to->named_600519 |= strcmp(tick->symbol, "600519.SH") == 0;
    to->claims++;
}

static void on_tick(void *arg, const struct tick *tick)
{
    struct listener *to = arg;
    /* A walk does not run away: it stays within a third of where it began. */
    const int64_t begin = tick->previous_close.mantissa;
    to->strayed |= tick->price.mantissa <= 0 || tick->size.mantissa <= 0 ||
                   llabs(tick->price.mantissa - begin) > begin / 3 + 2;
    to->went_back |= tick->time_us < to->time_us;
    to->time_us = tick->time_us;
    to->ticks++;
    digest(to, tick->symbol, tick->symbol_len);
    digest(to, &tick->price.mantissa, sizeof(tick->price.mantissa));
    digest(to, &tick->size.mantissa, sizeof(tick->size.mantissa));
}

static const struct source_sink sink = {.on_claim = on_claim, .on_tick = on_tick};

static struct source *create(int64_t seed, int64_t rate, struct listener *listener)
{
    static struct feeder_config config;
    char error[SOURCE_ERROR_MAX];
    *listener = (struct listener){.digest = 1469598103934665603U};
    config = (struct feeder_config){.seed = seed, .rate_per_s = rate};
    struct source *source = walk_source.create(&config, &sink, listener, error);
    ck_assert_ptr_nonnull(source);
    return source;
}

static struct source_next advance(struct source *source, uint64_t now_ms)
{
    const struct source_now now = {
        .mono_ms = now_ms, .wall_us = INT64_C(1000000000) + (int64_t)now_ms * 1000};
    return walk_source.advance(source, now, SIZE_MAX);
}

START_TEST(a_walk_claims_some_forty_symbols_of_all_types)
{
    struct listener listener;
    struct source *source = create(1, 100, &listener);
    ck_assert_uint_ge(listener.claims, 40);
    ck_assert(listener.named_600519);
    for (size_t i = 0; i < TYPES; i++) {
        ck_assert(listener.claimed[i]);
    }
    walk_source.destroy(source);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_walk_however_often_it_is_asked)
{
    struct listener often;
    struct listener seldom;
    struct source *one = create(7, 1000, &often);
    struct source *other = create(7, 1000, &seldom);
    advance(other, 0);
    for (uint64_t ms = 0; ms <= 3000; ms++) {
        advance(one, ms);
        if (ms % 500 == 0) {
            advance(other, ms);
        }
    }
    ck_assert_uint_eq(often.ticks, 3000);
    ck_assert_uint_eq(seldom.ticks, 3000);
    ck_assert_uint_eq(often.digest, seldom.digest);
    walk_source.destroy(one);
    walk_source.destroy(other);
}
END_TEST

START_TEST(another_seed_gives_another_walk)
{
    struct listener listeners[2];
    for (int i = 0; i < 2; i++) {
        struct source *source = create(i, 1000, &listeners[i]);
        advance(source, 0);
        advance(source, 1000);
        walk_source.destroy(source);
    }
    ck_assert_uint_ne(listeners[0].digest, listeners[1].digest);
}
END_TEST

START_TEST(ticks_come_at_the_rate)
{
    struct listener listener;
    struct source *source = create(1, 3, &listener);
    struct source_next next = advance(source, 1000);
    ck_assert_uint_eq(listener.ticks, 0);
    ck_assert_int_eq(next.state, SOURCE_DUE);
    ck_assert_uint_eq(next.due_ms, 1334);
    advance(source, 1333);
    ck_assert_uint_eq(listener.ticks, 0);
    next = advance(source, 1334);
    ck_assert_uint_eq(listener.ticks, 1);
    ck_assert_uint_eq(next.due_ms, 1667);
    advance(source, 2000);
    ck_assert_uint_eq(listener.ticks, 3);
    walk_source.destroy(source);
}
END_TEST

START_TEST(a_walk_that_slept_does_not_catch_up)
{
    struct listener listener;
    struct source *source = create(1, 1000, &listener);
    advance(source, 0);
    advance(source, 100);
    ck_assert_uint_eq(listener.ticks, 100);
    advance(source, 60000);
    ck_assert_uint_eq(listener.ticks, 100);
    advance(source, 60100);
    ck_assert_uint_eq(listener.ticks, 200);
    walk_source.destroy(source);
}
END_TEST

START_TEST(its_clock_never_goes_back)
{
    struct listener listener;
    struct source *source = create(1, 10, &listener);
    const struct source_now late = {.mono_ms = 0, .wall_us = 5000000};
    const struct source_now early = {.mono_ms = 500, .wall_us = 1000000};
    walk_source.advance(source, late, SIZE_MAX);
    walk_source.advance(source, early, SIZE_MAX);
    ck_assert_int_eq(source->clock_us, 5000000);
    ck_assert(!listener.went_back);
    ck_assert_int_eq(listener.time_us, 5000000);
    walk_source.destroy(source);
}
END_TEST

START_TEST(a_long_walk_stays_near_where_it_began)
{
    struct listener listener;
    struct source *source = create(99, 1000000, &listener);
    for (uint64_t ms = 0; ms <= 1000; ms += 100) {
        advance(source, ms);
    }
    ck_assert_uint_eq(listener.ticks, 1000000);
    ck_assert(!listener.strayed);
    walk_source.destroy(source);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("walk");
    TCase *tcase = tcase_create("walk");
    tcase_add_test(tcase, a_walk_claims_some_forty_symbols_of_all_types);
    tcase_add_test(tcase, the_same_seed_gives_the_same_walk_however_often_it_is_asked);
    tcase_add_test(tcase, another_seed_gives_another_walk);
    tcase_add_test(tcase, ticks_come_at_the_rate);
    tcase_add_test(tcase, a_walk_that_slept_does_not_catch_up);
    tcase_add_test(tcase, its_clock_never_goes_back);
    tcase_add_test(tcase, a_long_walk_stays_near_where_it_began);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
