/* SPDX-License-Identifier: MIT */
#include "feeder/source.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feeder/calendar.h"

#define TYPES   (TOPIC_MARKET)
#define SYMBOLS 64
#define LOTS    2048
#define DIGEST  UINT64_C(2429181283425335429)

/* What a walk said. */
struct listener {
    size_t claims;
    size_t ticks;
    bool claimed[TYPES];
    bool named_600519;
    bool strayed;
    bool went_back;
    bool numbered;
    bool own_clock;
    uint64_t digest; /* of everything, but not of the wall clock's times */
    int64_t time_us; /* of the last tick */
    size_t hours[24];
    char notice[64];
    struct {
        const char *symbol;
        size_t ticks;
        bool ids_gapped;
        double price; /* the last, as a multiple of where it began */
        int64_t lots[LOTS];
    } of[SYMBOLS];
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
    to->of[to->claims++].symbol = tick->symbol;
}

static void on_tick(void *arg, const struct tick *tick)
{
    struct listener *to = arg;
    const double begin = (double)tick->previous_close.mantissa;
    const double distance = (double)tick->price.mantissa / begin;
    to->strayed |= distance < 0.0999 || distance > 10.001 || tick->price.mantissa < 1 ||
                   tick->size.mantissa < 1;
    to->went_back |= tick->time_us < to->time_us;
    to->time_us = tick->time_us;
    to->ticks++;
    to->hours[(uint64_t)tick->time_us / 3600000000U % 24]++;
    to->numbered |= tick->sequential && tick->id > 0;
    digest(to, tick->symbol, tick->symbol_len);
    digest(to, &tick->price.mantissa, sizeof(tick->price.mantissa));
    digest(to, &tick->size.mantissa, sizeof(tick->size.mantissa));
    digest(to, &tick->id, sizeof(tick->id));
    if (to->own_clock) {
        digest(to, &tick->time_us, sizeof(tick->time_us));
    }
    for (size_t i = 0; i < to->claims; i++) {
        if (to->of[i].symbol == tick->symbol) {
            to->of[i].ids_gapped |= to->own_clock && tick->id != to->of[i].ticks + 1;
            to->of[i].ticks++;
            to->of[i].price = distance;
            to->of[i].lots[to->of[i].ticks % LOTS] = tick->size.mantissa;
        }
    }
}

static void on_notice(void *arg, bool bad, const char *what, const char *detail)
{
    (void)detail;
    struct listener *to = arg;
    snprintf(to->notice, sizeof(to->notice), "%s%s", bad ? "bad " : "", what);
}

static const struct source_sink sink = {
    .on_claim = on_claim, .on_tick = on_tick, .on_notice = on_notice};

static struct feeder_config config;

static void setup(void)
{
    config = (struct feeder_config){
        .speed = 1, .from_us = CALENDAR_MIN_US, .to_us = CALENDAR_MAX_US};
}

static struct source *create(int64_t seed, int64_t rate, struct listener *listener)
{
    char error[SOURCE_ERROR_MAX];
    *listener = (struct listener){.digest = 1469598103934665603U,
                                  .own_clock = config.from_us != CALENDAR_MIN_US};
    config.seed = seed;
    config.rate_per_s = rate;
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
    static struct listener listener;
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
    static struct listener often;
    static struct listener seldom;
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
    static struct listener listeners[2];
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
    static struct listener listener;
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
    static struct listener listener;
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
    static struct listener listener;
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

START_TEST(some_symbols_trade_more_than_others)
{
    static struct listener listener;
    struct source *source = create(3, 100000, &listener);
    advance(source, 0);
    advance(source, 1000);
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;
    for (size_t i = 0; i < listener.claims; i++) {
        least = listener.of[i].ticks < least ? listener.of[i].ticks : least;
        most = listener.of[i].ticks > most ? listener.of[i].ticks : most;
    }
    ck_assert_uint_gt(least, 0);
    ck_assert_uint_gt(most, 10 * least);
    walk_source.destroy(source);
}
END_TEST

static int compare(const void *a, const void *b)
{
    const int64_t left = *(const int64_t *)a;
    const int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

START_TEST(sizes_are_mostly_small_and_rarely_large)
{
    static struct listener listener;
    struct source *source = create(3, 100000, &listener);
    advance(source, 0);
    advance(source, 1000);
    int64_t *lots = listener.of[0].lots; /* AAPL, whose usual trade is 40 */
    qsort(lots, LOTS, sizeof(*lots), compare);
    ck_assert_int_ge(lots[LOTS / 2], 30);
    ck_assert_int_le(lots[LOTS / 2], 55);
    ck_assert_int_le(lots[LOTS / 20], 12);
    ck_assert_int_ge(lots[LOTS - LOTS / 20], 200);
    walk_source.destroy(source);
}
END_TEST

START_TEST(a_day_moves_prices_by_their_volatility)
{
    static struct listener listener;
    config.from_us = INT64_C(1704067200000000);
    config.to_us = config.from_us + CALENDAR_DAY_US;
    config.speed = 0;
    struct source *source = create(5, 10, &listener);
    ck_assert_int_eq(advance(source, 0).state, SOURCE_ENDED);
    ck_assert_uint_ge(listener.ticks, 855000);
    ck_assert_uint_le(listener.ticks, 873000);
    /* The stocks and coins move by 1.1 to 5 %; the mean of their squares is about 5. */
    double squares = 0;
    for (size_t i = 0; i < 27; i++) {
        const double percent = (listener.of[i].price - 1) * 100;
        squares += percent * percent / 27;
    }
    ck_assert_msg(squares > 1.5 && squares < 15, "%f", squares);
    ck_assert(!listener.strayed && !listener.went_back);
    /* New York's morning is busier than Asia's dawn. */
    ck_assert_uint_gt(listener.hours[14], 3 * listener.hours[0]);
    walk_source.destroy(source);
}
END_TEST

START_TEST(a_wild_walk_stays_within_its_range)
{
    static struct listener listener;
    struct source *source = create(99, 1, &listener);
    for (uint64_t ms = 0; ms <= 600000000; ms += 1000) {
        advance(source, ms);
    }
    ck_assert_uint_eq(listener.ticks, 600000);
    ck_assert(!listener.strayed);
    walk_source.destroy(source);
}
END_TEST

START_TEST(at_the_wall_clock_ticks_have_no_numbers)
{
    static struct listener listener;
    struct source *source = create(1, 100, &listener);
    ck_assert(!source->patient);
    advance(source, 0);
    advance(source, 1000);
    ck_assert_uint_eq(listener.ticks, 100);
    ck_assert(!listener.numbered);
    walk_source.destroy(source);
}
END_TEST

START_TEST(at_the_wall_clock_it_ends_at_its_end)
{
    static struct listener listener;
    config.to_us = INT64_C(1000000000) + 1000000;
    struct source *source = create(1, 100, &listener);
    ck_assert_int_eq(advance(source, 0).state, SOURCE_DUE);
    ck_assert_int_eq(advance(source, 1000).state, SOURCE_ENDED);
    walk_source.destroy(source);
}
END_TEST

/* Prices of some symbols, as Redis may have them. */
static bool last_price(void *arg, const struct tick *symbol, struct decimal *out)
{
    (void)arg;
    *out = (struct decimal){.mantissa = 2001, .scale = 1};
    if (strcmp(symbol->symbol, "BTC") == 0) {
        *out = (struct decimal){.mantissa = 1, .scale = 9};
    }
    return strcmp(symbol->symbol, "AAPL") == 0 || strcmp(symbol->symbol, "BTC") == 0;
}

START_TEST(at_the_wall_clock_it_resumes_at_the_last_prices)
{
    static struct listener listener;
    const struct source_past past = {.until_us = SOURCE_NO_CLOCK,
                                     .last_price = last_price};
    struct source *source = create(1, 100000, &listener);
    walk_source.resume(source, &past);
    advance(source, 0);
    advance(source, 10);
    for (size_t i = 0; i < listener.claims; i++) {
        const bool moved = strcmp(listener.of[i].symbol, "AAPL") == 0;
        if (listener.of[i].ticks > 0) {
            const double expected = moved ? 200.1 / 189.1 : 1;
            ck_assert_double_eq_tol(listener.of[i].price, expected, 0.01);
        }
    }
    walk_source.destroy(source);
}
END_TEST

static void begin_at_midnight(int64_t seconds)
{
    config.from_us = INT64_C(1704067200000000);
    config.to_us =
        seconds == 0 ? CALENDAR_MAX_US : config.from_us + seconds * CALENDAR_SECOND_US;
}

START_TEST(with_a_clock_of_its_own_all_follows_from_the_seed)
{
    static struct listener listeners[2];
    begin_at_midnight(60);
    config.speed = 100;
    struct source *one = create(7, 1000, &listeners[0]);
    config.speed = 0;
    struct source *other = create(7, 1000, &listeners[1]);
    ck_assert(one->patient && other->patient);
    const struct source_now now = {.mono_ms = 12345, .wall_us = 99};
    while (walk_source.advance(other, now, 7).state != SOURCE_ENDED) {
    }
    for (uint64_t ms = 0; advance(one, ms).state != SOURCE_ENDED; ms += 3) {
        ck_assert_uint_lt(ms, 700);
    }
    ck_assert_uint_gt(listeners[0].ticks, 20000);
    ck_assert_uint_eq(listeners[0].ticks, listeners[1].ticks);
    ck_assert_uint_eq(listeners[0].digest, listeners[1].digest);
    ck_assert(!listeners[0].went_back);
    for (size_t i = 0; i < listeners[0].claims; i++) {
        ck_assert(!listeners[0].of[i].ids_gapped);
    }
    ck_assert_int_eq(one->clock_us, config.to_us);
    ck_assert_int_eq(other->clock_us, config.to_us);
    walk_source.destroy(one);
    walk_source.destroy(other);
}
END_TEST

START_TEST(its_digest_is_the_same_on_every_machine)
{
    static struct listener listener;
    begin_at_midnight(10);
    config.speed = 0;
    struct source *source = create(1, 1000, &listener);
    advance(source, 0);
    ck_assert_uint_eq(listener.digest, DIGEST);
    walk_source.destroy(source);
}
END_TEST

START_TEST(its_clock_keeps_the_speed)
{
    static struct listener listener;
    begin_at_midnight(0);
    config.speed = 60;
    struct source *source = create(1, 10, &listener);
    struct source_next next = advance(source, 5000);
    ck_assert_int_eq(source->clock_us, config.from_us);
    ck_assert_int_eq(next.state, SOURCE_DUE);
    ck_assert_uint_gt(next.due_ms, 5000);
    advance(source, 6000);
    ck_assert_int_eq(source->clock_us, config.from_us + 60 * CALENDAR_SECOND_US);
    ck_assert_uint_ge(listener.ticks, 200); /* the hour is a quiet one */
    ck_assert_uint_le(listener.ticks, 350);
    walk_source.destroy(source);
}
END_TEST

START_TEST(what_is_published_is_walked_at_once)
{
    static struct listener listeners[2];
    begin_at_midnight(600);
    const struct source_past past = {
        .until_us = config.from_us + 300 * CALENDAR_SECOND_US, .last_price = last_price};
    struct source *first = create(7, 100, &listeners[0]);
    advance(first, 0);
    advance(first, 301000);
    struct source *second = create(7, 100, &listeners[1]);
    walk_source.resume(second, &past);
    ck_assert_str_eq(listeners[1].notice, "goes on from");
    advance(second, 777);
    ck_assert_int_eq(second->clock_us, past.until_us);
    advance(second, 1777);
    ck_assert_uint_gt(listeners[1].ticks, 10000);
    ck_assert_uint_eq(listeners[0].digest, listeners[1].digest);
    walk_source.destroy(first);
    walk_source.destroy(second);
}
END_TEST

START_TEST(a_walk_that_is_published_already_is_said_to_be)
{
    static struct listener listener;
    begin_at_midnight(60);
    const struct source_past past = {.until_us = config.to_us};
    struct source *source = create(7, 100, &listener);
    walk_source.resume(source, &past);
    ck_assert_str_eq(listener.notice, "bad nothing new");
    ck_assert_int_eq(advance(source, 0).state, SOURCE_ENDED);
    walk_source.destroy(source);
}
END_TEST

START_TEST(its_progress_is_that_of_its_clock)
{
    static struct listener listener;
    uint64_t done;
    uint64_t total;
    begin_at_midnight(0);
    struct source *endless = create(1, 10, &listener);
    ck_assert(!walk_source.progress(endless, &done, &total));
    walk_source.destroy(endless);
    begin_at_midnight(60);
    struct source *source = create(1, 10, &listener);
    ck_assert(walk_source.progress(source, &done, &total));
    ck_assert_uint_eq(done, 0);
    advance(source, 0);
    advance(source, 15000);
    ck_assert(walk_source.progress(source, &done, &total));
    ck_assert_uint_eq(done * 4, total);
    walk_source.destroy(source);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("walk");
    TCase *tcase = tcase_create("walk");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, a_walk_claims_some_forty_symbols_of_all_types);
    tcase_add_test(tcase, the_same_seed_gives_the_same_walk_however_often_it_is_asked);
    tcase_add_test(tcase, another_seed_gives_another_walk);
    tcase_add_test(tcase, ticks_come_at_the_rate);
    tcase_add_test(tcase, a_walk_that_slept_does_not_catch_up);
    tcase_add_test(tcase, its_clock_never_goes_back);
    tcase_add_test(tcase, some_symbols_trade_more_than_others);
    tcase_add_test(tcase, sizes_are_mostly_small_and_rarely_large);
    tcase_add_test(tcase, a_day_moves_prices_by_their_volatility);
    tcase_add_test(tcase, a_wild_walk_stays_within_its_range);
    tcase_add_test(tcase, at_the_wall_clock_ticks_have_no_numbers);
    tcase_add_test(tcase, at_the_wall_clock_it_ends_at_its_end);
    tcase_add_test(tcase, at_the_wall_clock_it_resumes_at_the_last_prices);
    tcase_add_test(tcase, with_a_clock_of_its_own_all_follows_from_the_seed);
    tcase_add_test(tcase, its_digest_is_the_same_on_every_machine);
    tcase_add_test(tcase, its_clock_keeps_the_speed);
    tcase_add_test(tcase, what_is_published_is_walked_at_once);
    tcase_add_test(tcase, a_walk_that_is_published_already_is_said_to_be);
    tcase_add_test(tcase, its_progress_is_that_of_its_clock);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
