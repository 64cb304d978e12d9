/* strand — one connection to a venue and its share of the symbols: connects, asks,
 * listens, and begins anew when it is lost.
 *
 * SPDX-License-Identifier: MIT
 *
 *             due                 open              all lost, cut or given up
 *     AWAY ─────────▶ CONNECTING ──────▶ TALKING ────────┐
 *       ▲                 └─────────────────────────────▶│
 *       └──── pause: 1 s, doubled each time, jittered ───┘
 */
#ifndef FEEDER_STRAND_H
#define FEEDER_STRAND_H

#include <stdbool.h>
#include <stdint.h>

#include "feeder/herald.h"
#include "feeder/roster.h"
#include "feeder/source.h"
#include "feeder/venue.h"

/* What the strands of a source share; theirs to use, the source's to make and free. */
struct strand_env {
    const struct venue *venue;
    const struct source_world *world;
    const char *url;
    uint64_t silence_ms;
    uint64_t backoff_ms;
    struct roster *roster;
    struct venue_reader *reader;
    struct herald *herald;
    venue_trade_fn on_trade;
    void *arg;       /* of on_trade */
    int64_t batch;   /* the last one, over all connections */
    uint64_t random; /* to be seeded */
    char status[32]; /* of the venue's market, as it last said */
};

enum strand_state { STRAND_AWAY, STRAND_CONNECTING, STRAND_TALKING };

struct strand {
    struct strand_env *env;
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

/* The first try to connect is at `due_ms`. */
void strand_init(struct strand *strand, struct strand_env *env, struct roster_part part,
                 uint64_t due_ms);
void strand_finish(struct strand *strand);

/* Does what is due. Returns when it is to be asked again at the latest. */
uint64_t strand_advance(struct strand *strand, uint64_t now_ms);

/* Whether it is connected and all that the venue does not refuse is subscribed to. */
bool strand_is_subscribed(const struct strand *strand);

#endif
