/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feeder/address.h"
#include "feeder/calendar.h"
#include "feeder/herald.h"
#include "feeder/roster.h"
#include "feeder/source.h"
#include "feeder/strand.h"
#include "feeder/venue.h"

/* The public trades of an exchange, live (venue.h), over as many connections as it takes
 * (strand.h). Trades are handed over as they come.
 *
 * The source's clock is the wall clock; while a connection is away it lags behind, so
 * that what is filled in a moment later is not late. */

#define DISORDER_US (2 * CALENDAR_SECOND_US) /* what trades take to come, at most */
#define AWAY_LAG_US (10 * CALENDAR_SECOND_US)
#define FUTURE_US   (60 * CALENDAR_SECOND_US) /* later than that is nonsense */
#define STAGGER_MS  300  /* between the first tries of two connections */
#define LOOK_MS     1000 /* the longest without being asked */

struct exchange {
    struct source base;
    const char *ca_file;
    struct herald herald;
    struct strand_env env;
    bool started;
    bool clock_told; /* that this machine's clock went back */
    size_t strand_count;
    struct strand strands[];
};

static void on_trade(void *arg, const struct venue_trade *trade)
{
    struct exchange *exchange = arg;
    const struct source_now now = exchange->env.world->now(exchange->env.world->arg);
    struct roster_symbol *symbol =
        roster_find(exchange->env.roster, trade->symbol, trade->symbol_len);
    if (symbol == NULL) {
        return;
    }
    if (trade->time_us > now.wall_us + FUTURE_US) {
        if (herald_may_say(&exchange->herald, now.mono_ms)) {
            herald_say(&exchange->herald, true, "trade from the future",
                       "%s: left out; is this machine's clock right?", symbol->text);
        }
        return;
    }
    if (roster_trade(symbol, trade->id)) {
        herald_note_loss(&exchange->herald, now.mono_ms);
    }
    const struct tick tick = {.type = TOPIC_CRYPTO,
                              .symbol = symbol->text,
                              .symbol_len = symbol->len,
                              .market = exchange->env.venue->market,
                              .market_len = strlen(exchange->env.venue->market),
                              .price = trade->price,
                              .size = trade->size,
                              .time_us = trade->time_us,
                              .id = trade->id,
                              .sequential = true};
    exchange->base.sink->on_tick(exchange->base.arg, &tick);
}

static bool all_subscribed(const struct exchange *exchange)
{
    for (size_t i = 0; i < exchange->strand_count; i++) {
        if (!strand_is_subscribed(&exchange->strands[i])) {
            return false;
        }
    }
    return true;
}

/* Shares the symbols out, and lets the connections begin one after the other. */
static void start(struct exchange *exchange, struct source_now now)
{
    const size_t symbols = roster_count(exchange->env.roster);
    const size_t count = exchange->strand_count;
    exchange->started = true;
    exchange->env.random = (uint64_t)now.wall_us;
    for (size_t i = 0; i < count; i++) {
        const struct roster_part part = {.begin = symbols * i / count,
                                         .end = symbols * (i + 1) / count};
        strand_init(&exchange->strands[i], &exchange->env, part,
                    now.mono_ms + i * STAGGER_MS);
    }
}

/* Bars that were closed stay it, so there is nothing but to wait. */
static void look_at_clock(struct exchange *exchange, int64_t wall_us)
{
    if (exchange->base.clock_us <= wall_us + FUTURE_US) {
        exchange->clock_told = false;
    } else if (!exchange->clock_told) {
        exchange->clock_told = true;
        herald_say(&exchange->herald, true, "this machine's clock went back",
                   "trades are late until it is where it was; a restart with "
                   "--resume=false begins anew");
    }
}

static struct source_next exchange_advance(struct source *source, struct source_now now,
                                           size_t max)
{
    (void)max;
    struct exchange *exchange = (struct exchange *)source;
    if (!exchange->started) {
        start(exchange, now);
    }
    uint64_t due_ms = now.mono_ms + LOOK_MS;
    for (size_t i = 0; i < exchange->strand_count; i++) {
        const uint64_t next_ms = strand_advance(&exchange->strands[i], now.mono_ms);
        due_ms = next_ms < due_ms ? next_ms : due_ms;
    }
    herald_report_losses(&exchange->herald, exchange->env.roster, now.mono_ms);
    look_at_clock(exchange, now.wall_us);
    const int64_t clock_us = now.wall_us - (all_subscribed(exchange) ? 0 : AWAY_LAG_US);
    if (exchange->base.clock_us < clock_us) {
        exchange->base.clock_us = clock_us;
    }
    return (struct source_next){.state = SOURCE_DUE, .due_ms = due_ms};
}

/* ---- life ---------------------------------------------------------------------------
 */

static const char *exchange_check(const struct feeder_config *config)
{
    const char *why = roster_check(config->symbols);
    struct address address;
    int64_t symbols = 1;
    for (const char *at = config->symbols; *at != '\0'; at++) {
        symbols += *at == ',';
    }
    if (why == NULL && symbols > config->max_symbols) {
        why = "--symbols: more than --max-symbols";
    }
    if (why == NULL && config->venue_url[0] != '\0' &&
        address_parse(config->venue_url, &address) != NULL) {
        why = "--venue-url: not wss://host[:port]/path (ws:// only for this machine)";
    }
    return why;
}

static bool exchange_equip(struct source *source, const struct source_world *world,
                           char error[SOURCE_ERROR_MAX])
{
    struct exchange *exchange = (struct exchange *)source;
    exchange->env.world = world;
    return world->prepare(world->arg, exchange->ca_file, error);
}

static void exchange_destroy(struct source *source)
{
    struct exchange *exchange = (struct exchange *)source;
    for (size_t i = 0; exchange->started && i < exchange->strand_count; i++) {
        strand_finish(&exchange->strands[i]);
    }
    roster_destroy(exchange->env.roster);
    venue_reader_destroy(exchange->env.reader);
    free(exchange);
}

static void claim(const struct exchange *exchange)
{
    for (size_t i = 0; i < roster_count(exchange->env.roster); i++) {
        const struct roster_symbol *symbol = roster_at(exchange->env.roster, i);
        const struct tick tick = {.type = TOPIC_CRYPTO,
                                  .symbol = symbol->text,
                                  .symbol_len = symbol->len,
                                  .market = exchange->env.venue->market,
                                  .market_len = strlen(exchange->env.venue->market)};
        exchange->base.sink->on_claim(exchange->base.arg, &tick);
    }
}

static struct source *exchange_create(const struct feeder_config *config,
                                      const struct source_sink *sink, void *arg,
                                      char error[SOURCE_ERROR_MAX])
{
    const struct venue *venue = venue_get((enum venue_name)config->venue);
    struct roster *roster = roster_create(config->symbols);
    const size_t symbols = roster == NULL ? 0 : roster_count(roster);
    const size_t count = (symbols + venue->connection_max - 1) / venue->connection_max;
    struct exchange *exchange =
        calloc(1, sizeof(*exchange) + count * sizeof(exchange->strands[0]));
    struct venue_reader *reader = venue_reader_create(venue);
    if (roster == NULL || exchange == NULL || reader == NULL) {
        snprintf(error, SOURCE_ERROR_MAX, "out of memory");
        roster_destroy(roster);
        venue_reader_destroy(reader);
        free(exchange);
        return NULL;
    }
    exchange->base = (struct source){.kind = &exchange_source,
                                     .sink = sink,
                                     .arg = arg,
                                     .clock_us = SOURCE_NO_CLOCK,
                                     .disorder_us = DISORDER_US,
                                     .ids = true};
    exchange->ca_file = config->ca_file;
    exchange->herald = (struct herald){.sink = sink, .arg = arg, .venue = venue->name};
    exchange->env = (struct strand_env){
        .venue = venue,
        .url = config->venue_url[0] == '\0' ? venue->url : config->venue_url,
        .silence_ms = (uint64_t)config->venue_silence_ms,
        .backoff_ms = (uint64_t)config->venue_backoff_ms,
        .roster = roster,
        .reader = reader,
        .herald = &exchange->herald,
        .on_trade = on_trade,
        .arg = exchange,
        .status = "online"};
    exchange->strand_count = count;
    claim(exchange);
    return &exchange->base;
}

const struct source_kind exchange_source = {.name = "exchange",
                                            .check = exchange_check,
                                            .create = exchange_create,
                                            .equip = exchange_equip,
                                            .destroy = exchange_destroy,
                                            .advance = exchange_advance};
