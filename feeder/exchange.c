/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feeder/address.h"
#include "feeder/calendar.h"
#include "feeder/roster.h"
#include "feeder/source.h"
#include "feeder/venue.h"

/* The public trades of an exchange, live (venue.h), over as many connections as it takes.
 *
 *             due                 open              all lost, cut or given up
 *     AWAY ─────────▶ CONNECTING ──────▶ TALKING ────────┐
 *       ▲                 └─────────────────────────────▶│
 *       └──── pause: 1 s, doubled each time, jittered ───┘
 *
 * The source's clock is the wall clock; while a connection is away it lags behind, so
 * that what is filled in a moment later is not late. */

#define DISORDER_US (2 * CALENDAR_SECOND_US) /* what trades take to come, at most */
#define AWAY_LAG_US (10 * CALENDAR_SECOND_US)
#define FUTURE_US                                                         \
    (60 * CALENDAR_SECOND_US) /* a trade from later than that is nonsense \
                               */

#define PAUSE_MIN_MS   1000  /* the first pause, unless venue-backoff-ms is less */
#define STAGGER_MS     300   /* between the first tries of two connections */
#define STEADY_MS      60000 /* a connection that lasted so long was a good one */
#define QUIET_MS       60000 /* a symbol without a trade for so long is spoken of */
#define LOSSES_MS      10000 /* between two reports of missed trades; */
#define LOSSES_SOON_MS 1000  /* the first waits for what else is missed */
#define LOSSES_LINES   10
#define TALK_MAX       10 /* notices about what the venue says, in */
#define TALK_MS        10000
#define GARBAGE_MAX    100 /* on one connection */
#define DETAIL_MAX     400
#define SHOWN          200 /* bytes of the venue's text in a notice */

enum strand_state { STRAND_AWAY, STRAND_CONNECTING, STRAND_TALKING };

/* One connection and its share of the symbols. */
struct strand {
    struct exchange *exchange;
    struct roster_part part;
    enum strand_state state;
    struct source_wire *wire; /* NULL when AWAY */
    uint64_t due_ms;          /* when AWAY: the next try */
    unsigned failures;        /* since it last was a good one */

    /* When TALKING: */
    uint64_t opened_ms;
    uint64_t heard_ms;
    uint64_t send_ms; /* the next message may go out */
    bool pinged;      /* since it was heard */
    bool subscribed;  /* to all that is not refused, and said so */
    bool quiet_told;
    unsigned garbage;
};

struct exchange {
    struct source base;
    const struct venue *venue;
    const struct source_world *world;
    const char *url;
    const char *ca_file;
    uint64_t silence_ms;
    uint64_t backoff_ms;
    struct roster *roster;
    struct venue_reader *reader;
    int64_t batch; /* the last one, over all connections */
    uint64_t random;
    char status[32]; /* of the venue's market, as it last said */

    size_t losses;      /* symbols with missed trades that were not reported */
    uint64_t losses_ms; /* report them then */
    uint64_t talk_ms;   /* when this span of notices began */
    unsigned talk;
    unsigned untold;

    size_t strand_count;
    struct strand strands[];
};

/* ---- saying -------------------------------------------------------------------------
 */

__attribute__((format(printf, 4, 5))) static void
notice(struct exchange *exchange, bool bad, const char *what, const char *format, ...)
{
    char detail[DETAIL_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    exchange->base.sink->on_notice(exchange->base.arg, bad, what, detail);
}

/* Whether one more notice may be made of what the venue sends, which may be anything. */
static bool may_talk(struct exchange *exchange, uint64_t now_ms)
{
    if (now_ms - exchange->talk_ms >= TALK_MS) {
        exchange->talk_ms = now_ms;
        exchange->talk = 0;
        if (exchange->untold > 0) {
            notice(exchange, true, "notices left out", "%u about what the venue sent",
                   exchange->untold);
            exchange->untold = 0;
        }
    }
    if (exchange->talk < TALK_MAX) {
        exchange->talk++;
        return true;
    }
    exchange->untold++;
    return false;
}

static void report_losses(struct exchange *exchange, uint64_t now_ms)
{
    if (exchange->losses == 0 || now_ms < exchange->losses_ms) {
        return;
    }
    unsigned lines = 0;
    uint64_t symbols = 0;
    uint64_t trades = 0;
    for (size_t i = 0; i < roster_count(exchange->roster); i++) {
        struct roster_symbol *symbol = roster_at(exchange->roster, i);
        if (symbol->missed == 0) {
            continue;
        }
        if (lines++ < LOSSES_LINES) {
            notice(exchange, true, "trades missed", "%s: %llu between ids %llu and %llu",
                   symbol->text, (unsigned long long)symbol->missed,
                   (unsigned long long)symbol->missed_from,
                   (unsigned long long)symbol->missed_to);
        } else {
            symbols++;
            trades += symbol->missed;
        }
        symbol->missed = 0;
    }
    if (symbols > 0) {
        notice(exchange, true, "trades missed", "%llu of %llu further symbols",
               (unsigned long long)trades, (unsigned long long)symbols);
    }
    exchange->losses = 0;
    exchange->losses_ms = now_ms + LOSSES_MS;
}

/* Binance takes a symbol it does not have without a word. */
static void report_quiet(struct strand *strand)
{
    struct exchange *exchange = strand->exchange;
    char names[SHOWN] = "";
    size_t used = 0;
    size_t count = 0;
    for (size_t i = strand->part.begin; i < strand->part.end; i++) {
        struct roster_symbol *symbol = roster_at(exchange->roster, i);
        if (symbol->last_id != 0 || symbol->reported) {
            continue;
        }
        symbol->reported = true;
        count++;
        if (used + symbol->len + 3 < sizeof(names)) {
            used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
                                     used == 0 ? "" : ", ", symbol->text);
        }
    }
    if (count > 0) {
        notice(exchange, true, "no trade yet", "of %zu symbols: %s; does %s have them?",
               count, names, exchange->venue->name);
    }
}

/* ---- coming and going ---------------------------------------------------------------
 */

/* SplitMix64, as in walk.c. */
static uint64_t next_random(struct exchange *exchange)
{
    exchange->random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t bits = exchange->random;
    bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
    return bits ^ (bits >> 31);
}

/* Between half of the full pause and all of it. */
static uint64_t pause_ms(struct exchange *exchange, unsigned failures)
{
    uint64_t full = PAUSE_MIN_MS;
    for (; failures > 0 && full < exchange->backoff_ms; failures--) {
        full *= 2;
    }
    full = full < exchange->backoff_ms ? full : exchange->backoff_ms;
    return full - next_random(exchange) % (full / 2 + 1);
}

static void go_away(struct strand *strand, uint64_t now_ms, uint64_t pause,
                    const char *why)
{
    struct exchange *exchange = strand->exchange;
    exchange->world->close(strand->wire);
    strand->wire = NULL;
    strand->state = STRAND_AWAY;
    strand->due_ms = now_ms + pause;
    roster_restart(exchange->roster, strand->part);
    notice(exchange, true, "venue away", "%s: %s, retrying in %llu ms",
           exchange->venue->name, why, (unsigned long long)pause);
}

/* The connection is no more, or of no more use. */
static void lose(struct strand *strand, const char *why)
{
    struct exchange *exchange = strand->exchange;
    const uint64_t now_ms = exchange->world->now(exchange->world->arg).mono_ms;
    if (strand->state == STRAND_TALKING && now_ms - strand->opened_ms >= STEADY_MS) {
        strand->failures = 0;
    }
    const uint64_t pause = pause_ms(exchange, strand->failures);
    strand->failures += strand->failures < 32;
    go_away(strand, now_ms, pause, why);
}

static void on_open(void *arg)
{
    struct strand *strand = arg;
    struct exchange *exchange = strand->exchange;
    const uint64_t now_ms = exchange->world->now(exchange->world->arg).mono_ms;
    strand->state = STRAND_TALKING;
    strand->opened_ms = now_ms;
    strand->heard_ms = now_ms;
    strand->send_ms = now_ms;
    strand->pinged = false;
    strand->subscribed = false;
    strand->garbage = 0;
}

static void on_over(void *arg, const char *why)
{
    struct strand *strand = arg;
    strand->wire = NULL;
    lose(strand, why);
}

static void on_pong(void *arg)
{
    struct strand *strand = arg;
    struct exchange *exchange = strand->exchange;
    strand->heard_ms = exchange->world->now(exchange->world->arg).mono_ms;
    strand->pinged = false;
}

static void on_text(void *arg, const char *text, size_t len);

static const struct source_wire_ops wire_ops = {
    .on_open = on_open, .on_text = on_text, .on_pong = on_pong, .on_over = on_over};

static void connect_to(struct strand *strand)
{
    struct exchange *exchange = strand->exchange;
    strand->state = STRAND_CONNECTING;
    strand->wire =
        exchange->world->open(exchange->world->arg, exchange->url, &wire_ops, strand);
    if (strand->wire == NULL) {
        lose(strand, "out of memory");
    }
}

/* ---- listening ----------------------------------------------------------------------
 */

static void on_trade(void *arg, const struct venue_trade *trade)
{
    struct exchange *exchange = arg;
    const struct source_now now = exchange->world->now(exchange->world->arg);
    struct roster_symbol *symbol =
        roster_find(exchange->roster, trade->symbol, trade->symbol_len);
    if (symbol == NULL) {
        return;
    }
    if (trade->time_us > now.wall_us + FUTURE_US) {
        if (may_talk(exchange, now.mono_ms)) {
            notice(exchange, true, "trade from the future",
                   "%s: left out; is this machine's clock right?", symbol->text);
        }
        return;
    }
    if (roster_trade(symbol, trade->id) && exchange->losses++ == 0 &&
        exchange->losses_ms < now.mono_ms + LOSSES_SOON_MS) {
        exchange->losses_ms = now.mono_ms + LOSSES_SOON_MS;
    }
    const struct tick tick = {.type = TOPIC_CRYPTO,
                              .symbol = symbol->text,
                              .symbol_len = symbol->len,
                              .market = exchange->venue->market,
                              .market_len = strlen(exchange->venue->market),
                              .price = trade->price,
                              .size = trade->size,
                              .time_us = trade->time_us,
                              .id = trade->id,
                              .sequential = true};
    exchange->base.sink->on_tick(exchange->base.arg, &tick);
}

static void on_subscribed(struct strand *strand, const struct venue_event *event)
{
    struct roster *roster = strand->exchange->roster;
    struct roster_symbol *symbol = roster_find(roster, event->symbol, event->symbol_len);
    if (symbol != NULL) {
        symbol->state = ROSTER_LIVE;
    } else if (event->symbol_len == 0) {
        roster_accept(roster, strand->part, event->batch);
    }
}

static void on_refused(struct strand *strand, const struct venue_event *event,
                       uint64_t now_ms)
{
    struct exchange *exchange = strand->exchange;
    struct roster_symbol *symbol =
        roster_find(exchange->roster, event->symbol, event->symbol_len);
    if (symbol != NULL) {
        roster_refuse_one(exchange->roster, strand->part, symbol,
                          exchange->venue->all_or_nothing);
    } else {
        symbol = roster_refuse(exchange->roster, strand->part, event->batch);
    }
    if (symbol != NULL && !symbol->reported && may_talk(exchange, now_ms)) {
        symbol->reported = true;
        notice(exchange, true, "symbol refused", "%s by %s: %.*s", symbol->text,
               exchange->venue->name, SHOWN, event->text);
    }
}

static void on_status(struct exchange *exchange, const char *status, uint64_t now_ms)
{
    const bool online = strcmp(status, "online") == 0;
    const bool known =
        strncmp(exchange->status, status, sizeof(exchange->status) - 1) == 0;
    if (!known && may_talk(exchange, now_ms)) {
        snprintf(exchange->status, sizeof(exchange->status), "%s", status);
        notice(exchange, !online, "venue's market", "%s: %.*s", exchange->venue->name,
               SHOWN, status);
    }
}

static void on_garbage(struct strand *strand, uint64_t now_ms)
{
    struct exchange *exchange = strand->exchange;
    if (may_talk(exchange, now_ms)) {
        notice(exchange, true, "message not understood", "from %s",
               exchange->venue->name);
    }
    if (++strand->garbage >= GARBAGE_MAX) {
        lose(strand, "too many messages that make no sense");
    }
}

static void on_event(struct strand *strand, const struct venue_event *event,
                     uint64_t now_ms)
{
    char why[SHOWN + 32];
    switch (event->kind) {
    case VENUE_TRADES:
        if (event->bad > 0) {
            on_garbage(strand, now_ms);
        }
        break;
    case VENUE_ALIVE:
    case VENUE_UNKNOWN:
        break;
    case VENUE_SUBSCRIBED:
        on_subscribed(strand, event);
        break;
    case VENUE_REFUSED:
        on_refused(strand, event, now_ms);
        break;
    case VENUE_STATUS:
        on_status(strand->exchange, event->text, now_ms);
        break;
    case VENUE_LEAVING:
        lose(strand, "the venue's server is about to shut down");
        break;
    case VENUE_TROUBLE:
        snprintf(why, sizeof(why), "it complains: %.*s", SHOWN, event->text);
        lose(strand, why);
        break;
    case VENUE_GARBAGE:
        on_garbage(strand, now_ms);
        break;
    }
}

static void on_text(void *arg, const char *text, size_t len)
{
    struct strand *strand = arg;
    struct exchange *exchange = strand->exchange;
    const uint64_t now_ms = exchange->world->now(exchange->world->arg).mono_ms;
    struct venue_event event;
    strand->heard_ms = now_ms;
    strand->pinged = false;
    venue_read(exchange->reader, text, len, on_trade, exchange, &event);
    on_event(strand, &event, now_ms);
}

/* ---- going on -----------------------------------------------------------------------
 */

/* Asks for the next batch, if it is time. */
static void ask(struct strand *strand, uint64_t now_ms)
{
    struct exchange *exchange = strand->exchange;
    const struct venue *venue = exchange->venue;
    const char *symbols[VENUE_BATCH_MAX];
    char text[VENUE_MESSAGE_MAX];
    if (now_ms < strand->send_ms) {
        return;
    }
    const size_t count = roster_ask(exchange->roster, strand->part, exchange->batch + 1,
                                    venue->batch_max, symbols);
    if (count == 0) {
        return;
    }
    exchange->batch++;
    const size_t len = venue_subscribe(venue, exchange->batch, symbols, count, text);
    strand->send_ms = now_ms + venue->message_ms;
    if (!exchange->world->send(strand->wire, text, len)) {
        lose(strand, "it takes nothing we send");
    }
}

/* What answers has come to; a connection that all symbols were refused on is no use. */
static void take_stock(struct strand *strand, uint64_t now_ms)
{
    struct exchange *exchange = strand->exchange;
    const struct roster_part part = strand->part;
    const size_t all = part.end - part.begin;
    const size_t live = roster_tally(exchange->roster, part, ROSTER_LIVE);
    const size_t refused = roster_tally(exchange->roster, part, ROSTER_REFUSED);
    if (refused == all) {
        go_away(strand, now_ms, exchange->backoff_ms, "no symbol is left");
        return;
    }
    if (!strand->subscribed && live + refused == all) {
        strand->subscribed = true;
        notice(exchange, false, "venue subscribed", "%s: %zu of %zu symbols",
               exchange->venue->name, live, all);
    }
    if (!strand->subscribed && live + refused < all &&
        now_ms >= strand->send_ms + exchange->silence_ms) {
        lose(strand, "it does not answer what we ask for");
        return;
    }
    if (!strand->quiet_told && now_ms - strand->opened_ms >= QUIET_MS) {
        strand->quiet_told = true;
        report_quiet(strand);
    }
}

static void talk(struct strand *strand, uint64_t now_ms)
{
    struct exchange *exchange = strand->exchange;
    const uint64_t silence = now_ms - strand->heard_ms;
    if (silence >= exchange->silence_ms) {
        char why[64];
        snprintf(why, sizeof(why), "silent for %llu ms", (unsigned long long)silence);
        lose(strand, why);
        return;
    }
    if (!exchange->venue->chatty && !strand->pinged &&
        silence >= exchange->silence_ms / 2) {
        strand->pinged = true;
        exchange->world->ping(strand->wire);
    }
    ask(strand, now_ms);
    if (strand->state == STRAND_TALKING) {
        take_stock(strand, now_ms);
    }
}

static bool all_subscribed(const struct exchange *exchange)
{
    for (size_t i = 0; i < exchange->strand_count; i++) {
        const struct strand *strand = &exchange->strands[i];
        if (strand->state != STRAND_TALKING || !strand->subscribed) {
            return false;
        }
    }
    return true;
}

static struct source_next exchange_advance(struct source *source, struct source_now now,
                                           size_t max)
{
    (void)max; /* trades are handed over as they come */
    struct exchange *exchange = (struct exchange *)source;
    if (exchange->random == 0) {
        exchange->random = (uint64_t)now.wall_us;
        for (size_t i = 0; i < exchange->strand_count; i++) {
            exchange->strands[i].due_ms = now.mono_ms + i * STAGGER_MS;
        }
    }
    uint64_t due_ms = now.mono_ms + PAUSE_MIN_MS;
    for (size_t i = 0; i < exchange->strand_count; i++) {
        struct strand *strand = &exchange->strands[i];
        if (strand->state == STRAND_AWAY && now.mono_ms >= strand->due_ms) {
            connect_to(strand);
        } else if (strand->state == STRAND_TALKING) {
            talk(strand, now.mono_ms);
        }
        if (strand->state == STRAND_AWAY && strand->due_ms < due_ms) {
            due_ms = strand->due_ms;
        }
    }
    report_losses(exchange, now.mono_ms);
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
    exchange->world = world;
    return world->prepare(world->arg, exchange->ca_file, error);
}

static void exchange_destroy(struct source *source)
{
    struct exchange *exchange = (struct exchange *)source;
    for (size_t i = 0; i < exchange->strand_count; i++) {
        if (exchange->strands[i].wire != NULL) {
            exchange->world->close(exchange->strands[i].wire);
        }
    }
    roster_destroy(exchange->roster);
    venue_reader_destroy(exchange->reader);
    free(exchange);
}

static void share_out(struct exchange *exchange)
{
    const size_t symbols = roster_count(exchange->roster);
    for (size_t i = 0; i < exchange->strand_count; i++) {
        exchange->strands[i].exchange = exchange;
        exchange->strands[i].part.begin = symbols * i / exchange->strand_count;
        exchange->strands[i].part.end = symbols * (i + 1) / exchange->strand_count;
    }
}

static void claim(const struct exchange *exchange)
{
    for (size_t i = 0; i < roster_count(exchange->roster); i++) {
        const struct roster_symbol *symbol = roster_at(exchange->roster, i);
        const struct tick tick = {.type = TOPIC_CRYPTO,
                                  .symbol = symbol->text,
                                  .symbol_len = symbol->len,
                                  .market = exchange->venue->market,
                                  .market_len = strlen(exchange->venue->market)};
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
                                     .disorder_us = DISORDER_US};
    exchange->venue = venue;
    exchange->url = config->venue_url[0] == '\0' ? venue->url : config->venue_url;
    exchange->ca_file = config->ca_file;
    exchange->silence_ms = (uint64_t)config->venue_silence_ms;
    exchange->backoff_ms = (uint64_t)config->venue_backoff_ms;
    exchange->roster = roster;
    exchange->reader = reader;
    exchange->strand_count = count;
    snprintf(exchange->status, sizeof(exchange->status), "online");
    share_out(exchange);
    claim(exchange);
    return &exchange->base;
}

const struct source_kind exchange_source = {.name = "exchange",
                                            .check = exchange_check,
                                            .create = exchange_create,
                                            .equip = exchange_equip,
                                            .destroy = exchange_destroy,
                                            .advance = exchange_advance};
