/* SPDX-License-Identifier: MIT
 *
 * The source plays against a stand-in for the wires; time is what the test says.
 */
#include "feeder/source.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feeder/calendar.h"
#include "feeder/venue.h"

#define WIRES_MAX 64
#define SAID_MAX  65536
#define SENT_MAX  8192
#define WALL_US   INT64_C(1758518162800339)

struct source_wire {
    const struct source_wire_ops *ops;
    void *arg;
    char url[128];
    char sent[SENT_MAX]; /* the last message */
    unsigned messages;
    unsigned pings;
    bool closed;
};

static struct source_wire wires[WIRES_MAX];
static size_t wire_count;
static bool no_memory;
static uint64_t now_ms;
static struct feeder_config config;
static struct source *source;
static char said[SAID_MAX];
static char ca_file[64];
static unsigned claims;

/* ---- the world ----------------------------------------------------------------------
 */

static bool world_prepare(void *arg, const char *file, char error[SOURCE_ERROR_MAX])
{
    (void)arg;
    snprintf(ca_file, sizeof(ca_file), "%s", file);
    snprintf(error, SOURCE_ERROR_MAX, "bad file");
    return strcmp(file, "bad") != 0;
}

static struct source_wire *world_open(void *arg, const char *url,
                                      const struct source_wire_ops *ops, void *ops_arg)
{
    (void)arg;
    if (no_memory) {
        return NULL;
    }
    ck_assert_uint_lt(wire_count, WIRES_MAX);
    struct source_wire *wire = &wires[wire_count++];
    *wire = (struct source_wire){.ops = ops, .arg = ops_arg};
    snprintf(wire->url, sizeof(wire->url), "%s", url);
    return wire;
}

static bool world_send(struct source_wire *wire, const char *text, size_t len)
{
    ck_assert(!wire->closed);
    ck_assert_uint_eq(strlen(text), len);
    snprintf(wire->sent, sizeof(wire->sent), "%s", text);
    wire->messages++;
    return true;
}

static void world_ping(struct source_wire *wire)
{
    ck_assert(!wire->closed);
    wire->pings++;
}

static void world_close(struct source_wire *wire)
{
    if (wire != NULL) {
        ck_assert(!wire->closed);
        wire->closed = true;
    }
}

static struct source_now world_now(void *arg)
{
    (void)arg;
    return (struct source_now){.mono_ms = now_ms,
                               .wall_us = WALL_US + (int64_t)now_ms * 1000};
}

static const struct source_world world = {.prepare = world_prepare,
                                          .open = world_open,
                                          .send = world_send,
                                          .ping = world_ping,
                                          .close = world_close,
                                          .now = world_now};

/* ---- the sink -----------------------------------------------------------------------
 */

static void say(const char *text)
{
    const size_t used = strlen(said);
    snprintf(said + used, SAID_MAX - used, "%s\n", text);
}

static void on_claim(void *arg, const struct tick *tick)
{
    (void)arg;
    ck_assert_int_eq(tick->type, TOPIC_CRYPTO);
    claims++;
}

static void on_tick(void *arg, const struct tick *tick)
{
    (void)arg;
    char price[DECIMAL_TEXT_MAX + 1];
    char text[200];
    ck_assert(tick->sequential);
    ck_assert_int_eq(tick->type, TOPIC_CRYPTO);
    decimal_format(price, tick->price);
    snprintf(text, sizeof(text), "tick %.*s@%.*s %llu %s", (int)tick->symbol_len,
             tick->symbol, (int)tick->market_len, tick->market,
             (unsigned long long)tick->id, price);
    say(text);
}

static void on_notice(void *arg, bool bad, const char *what, const char *detail)
{
    (void)arg;
    char text[1000];
    snprintf(text, sizeof(text), "%s %s: %s", bad ? "bad" : "good", what, detail);
    say(text);
}

static const struct source_sink sink = {
    .on_claim = on_claim, .on_tick = on_tick, .on_notice = on_notice};

/* ---- steps --------------------------------------------------------------------------
 */

static void start(enum venue_name venue, const char *symbols)
{
    char error[SOURCE_ERROR_MAX];
    config.venue = (int)venue;
    config.symbols = symbols;
    ck_assert_ptr_null(exchange_source.check(&config));
    source = exchange_source.create(&config, &sink, NULL, error);
    ck_assert_ptr_nonnull(source);
    ck_assert(exchange_source.equip(source, &world, error));
}

static void advance(uint64_t ms)
{
    now_ms += ms;
    const struct source_now now = world_now(NULL);
    const struct source_next next = exchange_source.advance(source, now, 1000);
    ck_assert_int_eq(next.state, SOURCE_DUE);
}

static struct source_wire *newest(void)
{
    ck_assert_uint_gt(wire_count, 0);
    return &wires[wire_count - 1];
}

static void hear(struct source_wire *wire, const char *text)
{
    ck_assert(!wire->closed);
    wire->ops->on_text(wire->arg, text, strlen(text));
}

static void hear_trade(struct source_wire *wire, unsigned id)
{
    char text[300];
    snprintf(text, sizeof(text),
             "{\"e\":\"trade\",\"s\":\"BTCUSDT\",\"t\":%u,\"p\":\"1.50\",\"q\":\"1\","
             "\"T\":1758518162000}",
             id);
    hear(wire, text);
}

/* Lets the source connect, and opens the wire. */
static struct source_wire *open_wire(void)
{
    const size_t before = wire_count;
    for (int i = 0; wire_count == before && i < 100; i++) {
        advance(250);
    }
    ck_assert_uint_eq(wire_count, before + 1);
    newest()->ops->on_open(newest()->arg);
    advance(0);
    return newest();
}

static bool was_said(const char *text)
{
    return strstr(said, text) != NULL;
}

static unsigned times_said(const char *text)
{
    unsigned count = 0;
    for (const char *at = said; (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    return count;
}

static void setup(void)
{
    wire_count = 0;
    no_memory = false;
    now_ms = 5000;
    said[0] = '\0';
    claims = 0;
    config = (struct feeder_config){.venue_url = "",
                                    .ca_file = "",
                                    .max_symbols = 10000,
                                    .venue_silence_ms = 20000,
                                    .venue_backoff_ms = 8000};
    source = NULL;
}

static void teardown(void)
{
    if (source != NULL) {
        exchange_source.destroy(source);
    }
}

/* ---- tests --------------------------------------------------------------------------
 */

START_TEST(settings_are_checked_at_the_start)
{
    config.symbols = "";
    ck_assert_ptr_nonnull(strstr(exchange_source.check(&config), "--symbols"));
    config.symbols = "A B";
    ck_assert_ptr_nonnull(strstr(exchange_source.check(&config), "--symbols"));
    config.symbols = "A,B,C";
    ck_assert_ptr_null(exchange_source.check(&config));
    config.max_symbols = 2;
    ck_assert_ptr_nonnull(strstr(exchange_source.check(&config), "--max-symbols"));
    config.max_symbols = 3;
    config.venue_url = "ws://venue.example/";
    ck_assert_ptr_nonnull(strstr(exchange_source.check(&config), "--venue-url"));
    config.venue_url = "ws://localhost:8080/";
    ck_assert_ptr_null(exchange_source.check(&config));
}
END_TEST

START_TEST(certificates_that_cannot_be_read_are_an_error)
{
    char error[SOURCE_ERROR_MAX] = "";
    config.symbols = "A";
    config.ca_file = "bad";
    source = exchange_source.create(&config, &sink, NULL, error);
    ck_assert(!exchange_source.equip(source, &world, error));
    ck_assert_str_eq(error, "bad file");
}
END_TEST

START_TEST(it_connects_asks_and_hands_over_trades)
{
    start(VENUE_BINANCE, "BTCUSDT,ETHUSDT");
    ck_assert_uint_eq(claims, 2);
    ck_assert_uint_eq(wire_count, 0);
    struct source_wire *wire = open_wire();
    ck_assert_str_eq(wire->url, "wss://stream.binance.com:9443/stream");
    ck_assert_ptr_nonnull(strstr(wire->sent, "[\"btcusdt@trade\",\"ethusdt@trade\"]"));
    hear(wire, "{\"result\":null,\"id\":1}");
    hear_trade(wire, 7);
    advance(1);
    ck_assert_str_eq(said, "tick BTCUSDT@BINANCE 7 1.5\n"
                           "good venue subscribed: binance: 2 of 2 symbols\n");
}
END_TEST

START_TEST(another_address_may_be_given)
{
    config.venue_url = "wss://venue.example/x";
    start(VENUE_KRAKEN, "BTC/USD");
    ck_assert_str_eq(open_wire()->url, "wss://venue.example/x");
}
END_TEST

START_TEST(symbols_keep_the_users_spelling)
{
    start(VENUE_BINANCE, "btcusdt");
    hear_trade(open_wire(), 7);
    ck_assert(was_said("tick btcusdt@BINANCE 7"));
}
END_TEST

START_TEST(trades_of_others_and_from_the_future_are_left_out)
{
    start(VENUE_BINANCE, "BTCUSDT");
    struct source_wire *wire = open_wire();
    hear(wire, "{\"e\":\"trade\",\"s\":\"XUSDT\",\"t\":1,\"p\":\"1\",\"q\":\"1\","
               "\"T\":1758518162000}");
    hear(wire, "{\"e\":\"trade\",\"s\":\"BTCUSDT\",\"t\":1,\"p\":\"1\",\"q\":\"1\","
               "\"T\":1758518262000}");
    ck_assert(!was_said("tick"));
    ck_assert(was_said("trade from the future: BTCUSDT"));
}
END_TEST

/* As many as fit one connection and one more. */
static char *many(size_t count)
{
    static char list[20000];
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(list + used, sizeof(list) - used, "%sS%zu",
                                 i == 0 ? "" : ",", i);
    }
    return list;
}

START_TEST(batches_keep_the_venues_pace)
{
    const struct venue *venue = venue_get(VENUE_KRAKEN);
    start(VENUE_KRAKEN, many(2 * venue->batch_max + 1));
    struct source_wire *wire = open_wire();
    ck_assert_uint_eq(wire->messages, 1);
    advance(venue->message_ms - 1);
    ck_assert_uint_eq(wire->messages, 1);
    advance(1);
    ck_assert_uint_eq(wire->messages, 2);
    advance(venue->message_ms);
    ck_assert_uint_eq(wire->messages, 3);
    advance(venue->message_ms);
    ck_assert_uint_eq(wire->messages, 3);
}
END_TEST

START_TEST(many_symbols_take_several_connections)
{
    const struct venue *venue = venue_get(VENUE_COINBASE);
    start(VENUE_COINBASE, many(venue->connection_max + 1));
    advance(0);
    ck_assert_uint_eq(wire_count, 1);
    advance(300);
    ck_assert_uint_eq(wire_count, 2);
    advance(10000);
    ck_assert_uint_eq(wire_count, 2);
}
END_TEST

START_TEST(a_lost_connection_is_made_anew_with_growing_pauses)
{
    start(VENUE_BINANCE, "BTCUSDT");
    uint64_t full = 1000;
    for (int i = 0; i < 6; i++) {
        const size_t before = wire_count;
        open_wire();
        const uint64_t lost_ms = now_ms;
        newest()->ops->on_over(newest()->arg, "gone");
        while (wire_count == before + 1) {
            advance(10);
        }
        ck_assert_uint_ge(now_ms - lost_ms, full / 2);
        ck_assert_uint_le(now_ms - lost_ms, full + 10);
        newest()->ops->on_over(newest()->arg, "refused");
        full = full * 4 < 8000 ? full * 4 : 8000;
    }
    ck_assert(was_said("bad venue away: binance: gone, retrying in "));
    ck_assert(was_said("bad venue away: binance: refused, retrying in "));
}
END_TEST

START_TEST(a_connection_that_lasted_is_followed_by_a_short_pause)
{
    start(VENUE_BINANCE, "BTCUSDT");
    for (int i = 0; i < 5; i++) {
        open_wire();
        newest()->ops->on_over(newest()->arg, "gone");
    }
    struct source_wire *wire = open_wire();
    for (int i = 0; i < 70; i++) {
        advance(1000);
        hear_trade(wire, 7);
    }
    wire->ops->on_over(wire->arg, "closed by the venue: 1001");
    advance(1000);
    ck_assert_ptr_ne(newest(), wire);
}
END_TEST

START_TEST(all_is_asked_for_again_on_a_new_connection)
{
    start(VENUE_BINANCE, "BTCUSDT");
    struct source_wire *wire = open_wire();
    hear(wire, "{\"result\":null,\"id\":1}");
    wire->ops->on_over(wire->arg, "gone");
    wire = open_wire();
    ck_assert_uint_eq(wire->messages, 1);
    ck_assert_ptr_nonnull(strstr(wire->sent, "btcusdt@trade"));
}
END_TEST

START_TEST(silence_is_noticed)
{
    start(VENUE_KRAKEN, "BTC/USD");
    struct source_wire *wire = open_wire();
    hear(wire, "{\"method\":\"subscribe\",\"success\":true,"
               "\"result\":{\"symbol\":\"BTC/USD\"}}");
    advance(19999);
    hear(wire, "{\"channel\":\"heartbeat\"}");
    advance(19999);
    ck_assert(!wire->closed);
    ck_assert_uint_eq(wire->pings, 0);
    advance(1);
    ck_assert(wire->closed);
    ck_assert(was_said("silent for 20000 ms, retrying"));
}
END_TEST

START_TEST(a_venue_that_may_be_quiet_is_pinged)
{
    start(VENUE_BINANCE, "BTCUSDT");
    struct source_wire *wire = open_wire();
    hear(wire, "{\"result\":null,\"id\":1}");
    advance(9999);
    ck_assert_uint_eq(wire->pings, 0);
    advance(1);
    advance(250);
    ck_assert_uint_eq(wire->pings, 1);
    wire->ops->on_pong(wire->arg);
    advance(19000);
    ck_assert_uint_eq(wire->pings, 2);
    ck_assert(!wire->closed);
    advance(1000);
    ck_assert(wire->closed);
}
END_TEST

START_TEST(no_answer_to_a_subscription_is_trouble)
{
    start(VENUE_COINBASE, "BTC-USD");
    struct source_wire *wire = open_wire();
    for (int i = 0; i < 21 && !wire->closed; i++) {
        advance(1000);
        if (!wire->closed) {
            hear(wire, "{\"type\":\"heartbeat\"}");
        }
    }
    ck_assert(wire->closed);
    ck_assert(was_said("it does not answer"));
}
END_TEST

START_TEST(a_refused_symbol_is_told_once_and_the_others_go_on)
{
    start(VENUE_COINBASE, "BTC-USD,FOO-USD,ETH-USD");
    for (int i = 0; i < 2; i++) {
        struct source_wire *wire = open_wire();
        hear(wire, "{\"type\":\"error\",\"message\":\"Failed to subscribe\","
                   "\"reason\":\"FOO-USD is not a valid product\"}");
        advance(250);
        ck_assert_uint_eq(wire->messages, 2);
        ck_assert_ptr_nonnull(strstr(wire->sent, "[\"BTC-USD\",\"ETH-USD\"]"));
        hear(wire, "{\"type\":\"subscriptions\",\"channels\":[]}");
        advance(250);
        wire->ops->on_over(wire->arg, "gone");
    }
    ck_assert_uint_eq(times_said("bad symbol refused: FOO-USD by coinbase: Failed to"),
                      1);
    ck_assert_uint_eq(times_said("good venue subscribed: coinbase: 2 of 3 symbols"), 2);
}
END_TEST

START_TEST(a_venue_that_does_not_name_the_bad_symbol_is_asked_one_by_one)
{
    start(VENUE_BINANCE, "A,B");
    struct source_wire *wire = open_wire();
    hear(wire, "{\"error\":{\"code\":2,\"msg\":\"Invalid request\"},\"id\":1}");
    advance(400);
    ck_assert_ptr_nonnull(strstr(wire->sent, "[\"a@trade\"],\"id\":2"));
    advance(400);
    ck_assert_ptr_nonnull(strstr(wire->sent, "[\"b@trade\"],\"id\":3"));
    hear(wire, "{\"error\":{\"code\":2,\"msg\":\"Invalid request\"},\"id\":2}");
    hear(wire, "{\"result\":null,\"id\":3}");
    advance(400);
    ck_assert(was_said("symbol refused: A by binance: Invalid request"));
    ck_assert(was_said("1 of 2 symbols"));
}
END_TEST

START_TEST(with_no_symbol_left_it_waits_long_and_tries_again)
{
    start(VENUE_KRAKEN, "FOO/BAR");
    struct source_wire *wire = open_wire();
    hear(wire, "{\"method\":\"subscribe\",\"success\":false,\"symbol\":\"FOO/BAR\","
               "\"error\":\"Currency pair not supported FOO/BAR\"}");
    advance(1);
    ck_assert(wire->closed);
    ck_assert(was_said("no symbol is left, retrying in 8000 ms"));
    advance(7999);
    ck_assert_ptr_eq(newest(), wire);
    advance(1);
    ck_assert_ptr_ne(newest(), wire);
}
END_TEST

START_TEST(a_venue_that_complains_or_shuts_down_is_left)
{
    start(VENUE_BINANCE, "BTCUSDT");
    struct source_wire *wire = open_wire();
    hear(wire, "{\"code\":3,\"msg\":\"Too many requests\"}");
    ck_assert(wire->closed);
    ck_assert(was_said("it complains: Too many requests, retrying"));
    wire = open_wire();
    hear(wire, "{\"e\":\"serverShutdown\",\"E\":1770123456789}");
    ck_assert(wire->closed);
    ck_assert(was_said("about to shut down, retrying"));
}
END_TEST

START_TEST(the_state_of_the_market_is_told_when_it_changes)
{
    static const char format[] =
        "{\"channel\":\"status\",\"data\":[{\"system\":\"%s\"}],\"type\":\"update\"}";
    static const char *const states[] = {"online", "maintenance", "maintenance",
                                         "online"};
    start(VENUE_KRAKEN, "BTC/USD");
    struct source_wire *wire = open_wire();
    for (size_t i = 0; i < 4; i++) {
        char text[200];
        snprintf(text, sizeof(text), format, states[i]);
        hear(wire, text);
    }
    ck_assert_str_eq(said, "bad venue's market: kraken: maintenance\n"
                           "good venue's market: kraken: online\n");
}
END_TEST

START_TEST(missed_trades_are_told_once_for_a_gap)
{
    start(VENUE_BINANCE, "BTCUSDT");
    struct source_wire *wire = open_wire();
    hear_trade(wire, 100);
    wire->ops->on_over(wire->arg, "gone");
    wire = open_wire();
    hear_trade(wire, 105);
    hear_trade(wire, 106);
    advance(999);
    ck_assert(!was_said("missed"));
    advance(1);
    ck_assert(was_said("bad trades missed: BTCUSDT: 4 between ids 100 and 105"));
    hear_trade(wire, 105); /* again, which is no gap */
    advance(20000);
    ck_assert_uint_eq(times_said("missed"), 1);
}
END_TEST

START_TEST(reports_of_missed_trades_are_rare)
{
    start(VENUE_BINANCE, "BTCUSDT");
    struct source_wire *wire = open_wire();
    for (unsigned i = 1; i <= 200; i++) {
        hear_trade(wire, 2 * i);
        advance(100); /* 20 s in all */
    }
    ck_assert_uint_ge(times_said("trades missed"), 2);
    ck_assert_uint_le(times_said("trades missed"), 3);
}
END_TEST

START_TEST(what_the_venue_sends_cannot_flood_the_log)
{
    start(VENUE_BINANCE, "BTCUSDT");
    struct source_wire *wire = open_wire();
    for (int i = 0; i < 100; i++) {
        hear(wire, "hello");
    }
    ck_assert(wire->closed);
    ck_assert_uint_eq(times_said("message not understood"), 10);
    ck_assert(was_said("too many messages that make no sense"));
    wire = open_wire();
    advance(10000);
    hear(wire, "hello");
    ck_assert(was_said("notices left out: 90"));
}
END_TEST

START_TEST(a_silent_symbol_is_spoken_of_once)
{
    start(VENUE_BINANCE, "BTCUSDT,TYPOUSDT");
    struct source_wire *wire = open_wire();
    hear(wire, "{\"result\":null,\"id\":1}");
    for (int i = 0; i < 130; i++) {
        hear_trade(wire, (unsigned)i + 1);
        advance(1000);
    }
    ck_assert_uint_eq(times_said("no trade yet: of 1 symbols: TYPOUSDT"), 1);
}
END_TEST

START_TEST(its_clock_is_the_wall_clock_and_waits_for_who_is_away)
{
    start(VENUE_BINANCE, "BTCUSDT");
    struct source_wire *wire = open_wire();
    int64_t wall_us = WALL_US + (int64_t)now_ms * 1000;
    ck_assert_int_eq(source->clock_us, wall_us - 10 * CALENDAR_SECOND_US);
    hear(wire, "{\"result\":null,\"id\":1}");
    advance(0);
    advance(0);
    ck_assert_int_eq(source->clock_us, wall_us);
    wire->ops->on_over(wire->arg, "gone"); /* it never goes back */
    advance(100);
    ck_assert_int_eq(source->clock_us, wall_us);
    advance(20000);
    wall_us = WALL_US + (int64_t)now_ms * 1000;
    ck_assert_int_eq(source->clock_us, wall_us - 10 * CALENDAR_SECOND_US);
}
END_TEST

START_TEST(a_wall_clock_that_goes_back_is_told_once)
{
    start(VENUE_BINANCE, "BTCUSDT");
    advance(0);
    const int64_t clock_us = source->clock_us;
    const struct source_now now = {.mono_ms = now_ms,
                                   .wall_us = WALL_US - 3600 * CALENDAR_SECOND_US};
    source->kind->advance(source, now, 100);
    source->kind->advance(source, now, 100);
    ck_assert_int_eq(source->clock_us, clock_us);
    ck_assert_uint_eq(times_said("this machine's clock went back"), 1);
}
END_TEST

START_TEST(a_wire_that_cannot_be_had_is_tried_again)
{
    no_memory = true;
    start(VENUE_BINANCE, "BTCUSDT");
    advance(1);
    ck_assert(was_said("out of memory, retrying"));
    no_memory = false;
    open_wire();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("exchange");
    TCase *tcase = tcase_create("exchange");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, settings_are_checked_at_the_start);
    tcase_add_test(tcase, certificates_that_cannot_be_read_are_an_error);
    tcase_add_test(tcase, it_connects_asks_and_hands_over_trades);
    tcase_add_test(tcase, another_address_may_be_given);
    tcase_add_test(tcase, symbols_keep_the_users_spelling);
    tcase_add_test(tcase, trades_of_others_and_from_the_future_are_left_out);
    tcase_add_test(tcase, batches_keep_the_venues_pace);
    tcase_add_test(tcase, many_symbols_take_several_connections);
    tcase_add_test(tcase, a_lost_connection_is_made_anew_with_growing_pauses);
    tcase_add_test(tcase, a_connection_that_lasted_is_followed_by_a_short_pause);
    tcase_add_test(tcase, all_is_asked_for_again_on_a_new_connection);
    tcase_add_test(tcase, silence_is_noticed);
    tcase_add_test(tcase, a_venue_that_may_be_quiet_is_pinged);
    tcase_add_test(tcase, no_answer_to_a_subscription_is_trouble);
    tcase_add_test(tcase, a_refused_symbol_is_told_once_and_the_others_go_on);
    tcase_add_test(tcase, a_venue_that_does_not_name_the_bad_symbol_is_asked_one_by_one);
    tcase_add_test(tcase, with_no_symbol_left_it_waits_long_and_tries_again);
    tcase_add_test(tcase, a_venue_that_complains_or_shuts_down_is_left);
    tcase_add_test(tcase, the_state_of_the_market_is_told_when_it_changes);
    tcase_add_test(tcase, missed_trades_are_told_once_for_a_gap);
    tcase_add_test(tcase, reports_of_missed_trades_are_rare);
    tcase_add_test(tcase, what_the_venue_sends_cannot_flood_the_log);
    tcase_add_test(tcase, a_silent_symbol_is_spoken_of_once);
    tcase_add_test(tcase, its_clock_is_the_wall_clock_and_waits_for_who_is_away);
    tcase_add_test(tcase, a_wall_clock_that_goes_back_is_told_once);
    tcase_add_test(tcase, a_wire_that_cannot_be_had_is_tried_again);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
