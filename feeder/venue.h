/* venue — the exchanges whose public trades can be had: their addresses, their limits and
 * their language.
 *
 * SPDX-License-Identifier: MIT
 *
 * A subscribe message is written for a batch of symbols, and each message of the venue is
 * read into one event. Prices and sizes are taken from the text, digit by digit. Nothing
 * is remembered from one message to the next.
 *
 *   Binance            combined streams SYMBOL@trade; a symbol it does not have is taken
 *                      without a word and stays silent
 *   Coinbase Exchange  channels `matches` and `heartbeat`; one bad product, and nothing
 *                      of the batch is subscribed
 *   Kraken             API v2, channel `trade` with a snapshot of the last trades; an
 *                      answer for each symbol
 */
#ifndef FEEDER_VENUE_H
#define FEEDER_VENUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/topic.h"
#include "feeder/decimal.h"

/* As the setting `venue` counts them. */
enum venue_name { VENUE_BINANCE, VENUE_COINBASE, VENUE_KRAKEN };

#define VENUE_BATCH_MAX   100
#define VENUE_MESSAGE_MAX 8192 /* bytes of a subscribe message */

struct venue {
    const char *name;
    const char *market; /* whose summary its symbols count in */
    const char *url;

    /* What it allows, or less. */
    size_t batch_max;      /* symbols in one message */
    size_t connection_max; /* symbols on one connection */
    unsigned message_ms;   /* between two messages on one connection */

    bool chatty;         /* sends something every few seconds even if nothing is traded */
    bool all_or_nothing; /* a bad symbol spoils its batch */
};

const struct venue *venue_get(enum venue_name name);

/* Writes the message that subscribes to the symbols, with a terminating zero, and returns
 * its length. `batch`, from 1, is what the venue's answer will name, if it names any. */
size_t venue_subscribe(const struct venue *venue, int64_t batch,
                       const char *const symbols[], size_t count,
                       char out[VENUE_MESSAGE_MAX]);

struct venue_trade {
    const char *symbol; /* as the venue writes it */
    size_t symbol_len;
    uint64_t id;          /* from 1, counting up by one within its symbol */
    struct decimal price; /* above 0 */
    struct decimal size;  /* not below 0 */
    int64_t time_us;
};

/* Lives during the call. */
typedef void (*venue_trade_fn)(void *arg, const struct venue_trade *trade);

enum venue_event_kind {
    VENUE_TRADES,     /* all were handed over, in the order of their ids */
    VENUE_ALIVE,      /* nothing but a sign of life */
    VENUE_SUBSCRIBED, /* the batch, or the symbol */
    VENUE_REFUSED,    /* the batch, or the symbol; text says why */
    VENUE_STATUS,     /* text is the state of its market; "online" is a good one */
    VENUE_LEAVING,    /* it is about to close the connection */
    VENUE_TROUBLE,    /* text is what it complains of */
    VENUE_UNKNOWN,    /* of a kind that we have no use for */
    VENUE_GARBAGE     /* no JSON object, or one that lacks what its kind needs */
};

struct venue_event {
    enum venue_event_kind kind;
    int64_t batch;      /* of SUBSCRIBED and REFUSED; 0 if not named */
    const char *symbol; /* of SUBSCRIBED and REFUSED */
    size_t symbol_len;  /* 0 if not named */
    const char *text;   /* with a terminating zero; from outside */
    size_t bad;         /* trades left out because they made no sense */
};

/* Reads messages of one venue. */
struct venue_reader;

/* NULL when out of memory. */
struct venue_reader *venue_reader_create(const struct venue *venue);
void venue_reader_destroy(struct venue_reader *reader);

/* The event's texts live until the next call. `on_trade` must not call back. */
void venue_read(struct venue_reader *reader, const char *text, size_t len,
                venue_trade_fn on_trade, void *arg, struct venue_event *out);

#endif
