/* connection — one WebSocket client of the load generator.
 * SPDX-License-Identifier: MIT
 *
 *   CLOSED ──▶ UPGRADING ──▶ SUBSCRIBING ──▶ READY ──▶ CLOSED
 *
 * No buffer per client, but for the rest of a frame that has not arrived whole.
 */
#ifndef BENCH_CONNECTION_H
#define BENCH_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dialect.h"
#include "tally.h"

enum connection_state {
    CONNECTION_CLOSED,
    CONNECTION_UPGRADING,
    CONNECTION_SUBSCRIBING,
    CONNECTION_READY,
};

struct connection {
    struct seen *seen; /* one for each topic it holds */
    char *rest;        /* a frame's beginning, or NULL */
    uint32_t rest_len;
    uint32_t index;
    uint32_t first_topic; /* index modulo topics */
    uint32_t acks;        /* still to come */
    int fd;
    enum connection_state state;
};

/* What all of them share. */
struct load {
    enum dialect dialect;
    struct plan plan;
    uint16_t port;
    uint32_t sources; /* addresses to connect from */
    bool with_ids;    /* every message must have one */
    int epoll_fd;
    struct tally tally;
    uint64_t opening; /* not yet READY */
    uint64_t ready;
    uint64_t failed; /* refused, or closed by the server */
};

/* Begins to connect. Returns false, with errno, when the kernel has no place for it. */
bool connection_open(struct load *load, struct connection *connection);

/* The connection stands, or could not be made: sends the handshake. */
void connection_writable(struct load *load, struct connection *connection);

/* Reads up to `max` bytes and understands them. */
void connection_readable(struct load *load, struct connection *connection, size_t max);

/* Has the server ended it? For one that is not read from. */
bool connection_hung_up(const struct connection *connection);

void connection_close(struct load *load, struct connection *connection);

#endif
