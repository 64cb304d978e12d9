/* roster — the symbols asked of a venue: which are subscribed, which were refused, and
 * which trades were missed.
 *
 * SPDX-License-Identifier: MIT
 *
 * Owns the symbols of the setting, in alphabetical order and shared out in parts, one to
 * a connection. A venue's spelling may differ from the user's in upper and lower case.
 *
 *     WANTED ──asked──▶ ASKED ──▶ LIVE          connection lost: all WANTED again
 *       ▲                 │ └───▶ REFUSED       a batch that failed for an unnamed symbol
 *       └── batch failed ─┘                     is asked for again, symbol by symbol
 *
 * A trade's id that is more than one above the symbol's last tells of a loss.
 */
#ifndef FEEDER_ROSTER_H
#define FEEDER_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/topic.h"

#define ROSTER_MAX 2000

struct roster;

enum roster_state { ROSTER_WANTED, ROSTER_ASKED, ROSTER_LIVE, ROSTER_REFUSED };

struct roster_symbol {
    char text[TOPIC_SYMBOL_MAX + 1]; /* as the user wrote it */
    size_t len;
    enum roster_state state;
    bool alone;    /* ask for it in a batch of its own */
    bool reported; /* the user knows that it was refused, or that it is silent */
    int64_t batch; /* when ASKED */

    uint64_t last_id;     /* 0 before the first trade */
    uint64_t missed;      /* trades, since whoever told of them set it to 0, between: */
    uint64_t missed_from; /* the id before them */
    uint64_t missed_to;   /* and the one behind */
};

/* Symbols from `begin` up to, but not with, `end`. */
struct roster_part {
    size_t begin;
    size_t end;
};

/* Returns NULL if the text is a list of symbols, fit for topics, with commas between
 * them and none named twice, or what is wrong with it, a constant. */
const char *roster_check(const char *list);

/* The list must have passed. NULL when out of memory. */
struct roster *roster_create(const char *list);
void roster_destroy(struct roster *roster);

size_t roster_count(const struct roster *roster);
struct roster_symbol *roster_at(struct roster *roster, size_t index);

/* NULL if the name is on nobody's list. */
struct roster_symbol *roster_find(struct roster *roster, const char *text, size_t len);

/* How many of the part are in the state. */
size_t roster_tally(const struct roster *roster, struct roster_part part,
                    enum roster_state state);

/* The part's connection is gone: all of it is wanted again. */
void roster_restart(struct roster *roster, struct roster_part part);

/* Takes up to `max` wanted symbols for the batch, which makes them ASKED. Returns how
 * many. */
size_t roster_ask(struct roster *roster, struct roster_part part, int64_t batch,
                  size_t max, const char *out[]);

/* The venue said yes, or no, to a batch; 0 is the oldest without an answer. A refused
 * batch of several will be asked for one by one; the symbol of a batch of one is REFUSED
 * and returned. */
void roster_accept(struct roster *roster, struct roster_part part, int64_t batch);
struct roster_symbol *roster_refuse(struct roster *roster, struct roster_part part,
                                    int64_t batch);

/* The venue said no to one symbol. With `spoils`, those of the same batch have to be
 * asked for again. */
void roster_refuse_one(struct roster *roster, struct roster_part part,
                       struct roster_symbol *symbol, bool spoils);

/* A trade came. Returns true if some before it did not. */
bool roster_trade(struct roster_symbol *symbol, uint64_t id);

#endif
