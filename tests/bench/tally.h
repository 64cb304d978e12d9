/* tally — what was received in one window of time, and whether it is what was sent.
 * SPDX-License-Identifier: MIT
 *
 * A window has two edges and a later end. `received` counts what arrives between the
 * edges: CPU time is divided by it. `delivered` and the latencies count what was due
 * between the edges, whenever it arrives before the end: compared with what the publisher
 * sent, it tells what was lost.
 */
#ifndef BENCH_TALLY_H
#define BENCH_TALLY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "histogram.h"
#include "payload.h"

/* What a client has last seen of one of its topics. */
struct seen {
    uint32_t n;  /* 0: nothing in this window */
    uint64_t id; /* 0: nothing */
};

struct tally {
    uint64_t from_ns;
    uint64_t to_ns;
    uint64_t end_ns; /* 0: no window */

    uint64_t opened; /* handshakes, and subscriptions confirmed, between the edges */
    uint64_t received;
    uint64_t bytes;
    uint64_t delivered;
    uint64_t lost;       /* numbers left out */
    uint64_t disordered; /* numbers, or ids, not larger than the one before */
    uint64_t corrupt;    /* not a payload as it was written, or of a topic not held */
    struct histogram latency;

    pid_t watched;
    uint64_t
        cpu_from_ns; /* CPU time of `watched` and the time, at both edges; 0: not yet */
    uint64_t cpu_to_ns;
    uint64_t at_from_ns;
    uint64_t at_to_ns;
};

void tally_begin(struct tally *tally, uint64_t from_ns, uint64_t to_ns, uint64_t end_ns);

/* To be called often. Reads the watched process's CPU time at the edges. Returns true
 * once the window has ended. */
bool tally_tick(struct tally *tally, uint64_t now_ns);

/* The next time at which tally_tick() has something to do; UINT64_MAX if there is none.
 */
uint64_t tally_next_ns(const struct tally *tally);

/* A payload has arrived whole. `id` is 0 where there is none. */
void tally_message(struct tally *tally, struct seen *seen, const struct payload *payload,
                   uint64_t id, uint64_t now_ns);

/* Bytes have arrived. */
void tally_bytes(struct tally *tally, uint64_t count);

/* A client is ready. */
void tally_opened(struct tally *tally);

/* One line of JSON; `clients` are the connections that are still there. */
void tally_print(const struct tally *tally, uint64_t clients, uint64_t failed);

#endif
