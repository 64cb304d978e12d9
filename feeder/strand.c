/* SPDX-License-Identifier: MIT */
#include "feeder/strand.h"

#include <stdio.h>
#include <string.h>

#define PAUSE_MIN_MS 1000  /* the first pause, unless venue-backoff-ms is less */
#define STEADY_MS    60000 /* a connection that lasted so long was a good one */
#define QUIET_MS     60000 /* a symbol without a trade for so long is spoken of */
#define LOOK_MS      1000  /* between two looks at what may be due */
#define GARBAGE_MAX  100   /* on one connection */

/* ---- coming and going ---------------------------------------------------------------
 */

/* SplitMix64, as in walk.c. */
static uint64_t next_random(struct strand_env *env)
{
    env->random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t bits = env->random;
    bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
    return bits ^ (bits >> 31);
}

/* Between half of the full pause and all of it. */
static uint64_t pause_ms(struct strand_env *env, unsigned failures)
{
    uint64_t full = PAUSE_MIN_MS;
    for (; failures > 0 && full < env->backoff_ms; failures--) {
        full *= 2;
    }
    full = full < env->backoff_ms ? full : env->backoff_ms;
    return full - next_random(env) % (full / 2 + 1);
}

static void go_away(struct strand *strand, uint64_t now_ms, uint64_t pause,
                    const char *why)
{
    struct strand_env *env = strand->env;
    env->world->close(strand->wire);
    strand->wire = NULL;
    strand->state = STRAND_AWAY;
    strand->due_ms = now_ms + pause;
    roster_restart(env->roster, strand->part);
    herald_say(env->herald, true, "venue away", "%s: %s, retrying in %llu ms",
               env->venue->name, why, (unsigned long long)pause);
}

/* The connection is no more, or of no more use. */
static void lose(struct strand *strand, const char *why)
{
    struct strand_env *env = strand->env;
    const uint64_t now_ms = env->world->now(env->world->arg).mono_ms;
    if (strand->state == STRAND_TALKING && now_ms - strand->opened_ms >= STEADY_MS) {
        strand->failures = 0;
    }
    const uint64_t pause = pause_ms(env, strand->failures);
    strand->failures += strand->failures < 32;
    go_away(strand, now_ms, pause, why);
}

static void on_open(void *arg)
{
    struct strand *strand = arg;
    struct strand_env *env = strand->env;
    const uint64_t now_ms = env->world->now(env->world->arg).mono_ms;
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
    struct strand_env *env = strand->env;
    strand->heard_ms = env->world->now(env->world->arg).mono_ms;
    strand->pinged = false;
}

static void on_text(void *arg, const char *text, size_t len);

static const struct source_wire_ops wire_ops = {
    .on_open = on_open, .on_text = on_text, .on_pong = on_pong, .on_over = on_over};

static void connect_to(struct strand *strand)
{
    struct strand_env *env = strand->env;
    strand->state = STRAND_CONNECTING;
    strand->wire = env->world->open(env->world->arg, env->url, &wire_ops, strand);
    if (strand->wire == NULL) {
        lose(strand, "out of memory");
    }
}

/* ---- listening ----------------------------------------------------------------------
 */

static void on_subscribed(struct strand *strand, const struct venue_event *event)
{
    struct roster *roster = strand->env->roster;
    struct roster_symbol *symbol = roster_find(roster, event->symbol, event->symbol_len);
    if (symbol != NULL) {
        symbol->state = ROSTER_LIVE;
    } else if (event->symbol_len == 0) {
        roster_accept(roster, strand->part, event->batch);
    }
}

static void on_refused(struct strand *strand, const struct venue_event *event)
{
    struct strand_env *env = strand->env;
    struct roster_symbol *symbol =
        roster_find(env->roster, event->symbol, event->symbol_len);
    if (symbol != NULL) {
        roster_refuse_one(env->roster, strand->part, symbol, env->venue->all_or_nothing);
    } else {
        symbol = roster_refuse(env->roster, strand->part, event->batch);
    }
    if (symbol != NULL && !symbol->reported) {
        symbol->reported = true; /* once for each, which is bound enough */
        herald_say(env->herald, true, "symbol refused", "%s by %s: %.*s", symbol->text,
                   env->venue->name, HERALD_SHOWN, event->text);
    }
}

static void on_status(struct strand_env *env, const char *status, uint64_t now_ms)
{
    const bool online = strcmp(status, "online") == 0;
    const bool known = strncmp(env->status, status, sizeof(env->status) - 1) == 0;
    if (!known && herald_may_say(env->herald, now_ms)) {
        snprintf(env->status, sizeof(env->status), "%s", status);
        herald_say(env->herald, !online, "venue's market", "%s: %.*s", env->venue->name,
                   HERALD_SHOWN, status);
    }
}

static void on_garbage(struct strand *strand, uint64_t now_ms)
{
    struct strand_env *env = strand->env;
    if (herald_may_say(env->herald, now_ms)) {
        herald_say(env->herald, true, "message not understood", "from %s",
                   env->venue->name);
    }
    if (++strand->garbage >= GARBAGE_MAX) {
        lose(strand, "too many messages that make no sense");
    }
}

static void on_event(struct strand *strand, const struct venue_event *event,
                     uint64_t now_ms)
{
    char why[HERALD_SHOWN + 32];
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
        on_refused(strand, event);
        break;
    case VENUE_STATUS:
        on_status(strand->env, event->text, now_ms);
        break;
    case VENUE_LEAVING:
        lose(strand, "the venue's server is about to shut down");
        break;
    case VENUE_TROUBLE:
        snprintf(why, sizeof(why), "it complains: %.*s", HERALD_SHOWN, event->text);
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
    struct strand_env *env = strand->env;
    const uint64_t now_ms = env->world->now(env->world->arg).mono_ms;
    struct venue_event event;
    strand->heard_ms = now_ms;
    strand->pinged = false;
    venue_read(env->reader, text, len, env->on_trade, env->arg, &event);
    on_event(strand, &event, now_ms);
}

/* ---- going on -----------------------------------------------------------------------
 */

/* Asks for the next batch, if it is time. */
static void ask(struct strand *strand, uint64_t now_ms)
{
    struct strand_env *env = strand->env;
    const struct venue *venue = env->venue;
    const char *symbols[VENUE_BATCH_MAX];
    char text[VENUE_MESSAGE_MAX];
    if (now_ms < strand->send_ms) {
        return;
    }
    const size_t count =
        roster_ask(env->roster, strand->part, env->batch + 1, venue->batch_max, symbols);
    if (count == 0) {
        return;
    }
    env->batch++;
    const size_t len = venue_subscribe(venue, env->batch, symbols, count, text);
    strand->send_ms = now_ms + venue->message_ms;
    if (!env->world->send(strand->wire, text, len)) {
        lose(strand, "it takes nothing we send");
    }
}

/* What answers has come to; a connection that all symbols were refused on is no use. */
static void take_stock(struct strand *strand, uint64_t now_ms)
{
    struct strand_env *env = strand->env;
    const struct roster_part part = strand->part;
    const size_t all = part.end - part.begin;
    const size_t live = roster_tally(env->roster, part, ROSTER_LIVE);
    const size_t refused = roster_tally(env->roster, part, ROSTER_REFUSED);
    if (refused == all) {
        go_away(strand, now_ms, env->backoff_ms, "no symbol is left");
        return;
    }
    if (!strand->subscribed && live + refused == all) {
        strand->subscribed = true;
        herald_say(env->herald, false, "venue subscribed", "%s: %zu of %zu symbols",
                   env->venue->name, live, all);
    }
    if (!strand->subscribed && live + refused < all &&
        now_ms >= strand->send_ms + env->silence_ms) {
        lose(strand, "it does not answer what we ask for");
        return;
    }
    if (!strand->quiet_told && now_ms - strand->opened_ms >= QUIET_MS) {
        strand->quiet_told = true;
        herald_report_quiet(env->herald, env->roster, part);
    }
}

static void talk(struct strand *strand, uint64_t now_ms)
{
    struct strand_env *env = strand->env;
    const uint64_t silence = now_ms - strand->heard_ms;
    if (silence >= env->silence_ms) {
        char why[64];
        snprintf(why, sizeof(why), "silent for %llu ms", (unsigned long long)silence);
        lose(strand, why);
        return;
    }
    if (!env->venue->chatty && !strand->pinged && silence >= env->silence_ms / 2) {
        strand->pinged = true;
        env->world->ping(strand->wire);
    }
    ask(strand, now_ms);
    if (strand->state == STRAND_TALKING) {
        take_stock(strand, now_ms);
    }
}

uint64_t strand_advance(struct strand *strand, uint64_t now_ms)
{
    if (strand->state == STRAND_AWAY && now_ms >= strand->due_ms) {
        connect_to(strand);
    } else if (strand->state == STRAND_TALKING) {
        talk(strand, now_ms);
    }
    return strand->state == STRAND_AWAY ? strand->due_ms : now_ms + LOOK_MS;
}

bool strand_is_subscribed(const struct strand *strand)
{
    return strand->state == STRAND_TALKING && strand->subscribed;
}

/* ---- life ---------------------------------------------------------------------------
 */

void strand_init(struct strand *strand, struct strand_env *env, struct roster_part part,
                 uint64_t due_ms)
{
    *strand = (struct strand){.env = env, .part = part, .due_ms = due_ms};
}

void strand_finish(struct strand *strand)
{
    if (strand->wire != NULL) {
        strand->env->world->close(strand->wire);
        strand->wire = NULL;
    }
}
