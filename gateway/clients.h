/* clients — the sessions on their sockets: every established WebSocket of the process.
 *
 * SPDX-License-Identifier: MIT
 *
 * Owns libwebsockets' context. libwebsockets answers the handshake, and keeps and sends
 * what a socket does not take at once; the bytes that come in are read here, for its own
 * reader forgives what RFC 6455 forbids and spins on half-closed sockets. What became due
 * for a client during a turn leaves at the turn's end in one write.
 */
#ifndef GATEWAY_CLIENTS_H
#define GATEWAY_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/session.h"

struct addresses;
struct client_list;
struct clients;
struct host;
struct loop;
struct upgrade;

struct clients_config {
    int64_t backlog_total_bytes; /* beyond it those with the most waiting are closed */
    int64_t socket_buffer_bytes; /* SO_SNDBUF; 0 leaves it to the system */
    int64_t flush_interval_ms;   /* between two writes; 0 writes at each turn's end */
    bool flush_rest;             /* with 0, rest after writes that carried little */
};

/* Returns NULL after logging why. Sets `env->wake`. `addresses` counts the clients of
 * each address, and is NULL when there is no such limit. `config` is copied. */
struct clients *clients_create(struct loop *loop, const struct clients_config *config,
                               struct session_env *env, struct addresses *addresses);

/* Cuts what is left. NULL is fine. */
void clients_destroy(struct clients *clients);

/* Answers a handshake that was found good, and makes its connection a client of `host`.
 * Owns `fd` from now on, whatever the result. `rest` is what the client has sent behind
 * the handshake already. Returns false if the connection could not be kept. */
bool clients_add(struct clients *clients, int fd, const struct upgrade *upgrade,
                 const struct host *host, const unsigned char *rest, size_t rest_len);

/* Sends clients away until no more than `may_stay` are left: each is asked to reconnect,
 * here or elsewhere, after a time of its own up to `spread_ms`, and is cut after the
 * close timeout if it does not answer. */
void clients_send_away(struct clients *clients, size_t may_stay, uint64_t spread_ms);

/* Offers all clients to the list. Costs about as much as one of the ticks, of which there
 * are four in a second. */
void clients_list(struct clients *clients, struct client_list *out);

size_t clients_count(const struct clients *clients);

#endif
