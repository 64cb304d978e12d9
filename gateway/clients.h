/* clients — the sessions on their sockets: every established WebSocket of the process.
 *
 * SPDX-License-Identifier: MIT
 *
 * After the handshake libwebsockets only writes; the bytes that come in are read here,
 * for its own reader forgives what RFC 6455 forbids and spins on half-closed sockets.
 * What became due for a client during a turn leaves at the turn's end in one write.
 */
#ifndef GATEWAY_CLIENTS_H
#define GATEWAY_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/session.h"

struct address;
struct addresses;
struct client; /* libwebsockets keeps it as its per-session data */
struct clients;
struct loop;
struct lws;

extern const size_t client_size;

/* NULL when out of memory. `env->wake` is set here. `addresses` counts the clients of
 * each address and is NULL when there is no such limit. */
struct clients *clients_create(struct loop *loop, struct session_env *env,
                               struct addresses *addresses);

/* All connections must be gone. NULL is fine. */
void clients_destroy(struct clients *clients);

/* The handshake is done. Returns false when out of memory. */
bool clients_add(struct clients *clients, struct client *client, struct lws *wsi,
                 const char *client_id, size_t len);

/* libwebsockets has closed the connection. */
void clients_remove(struct clients *clients, struct client *client);

/* The socket can take more, or has bytes to read. */
void clients_writable(struct clients *clients, struct client *client);
void clients_readable(struct clients *clients, struct client *client);

/* Returns true between clients_add() and clients_remove(). */
bool client_is_established(const struct client *client);

/* Ends every session; those that do not answer are cut after the close timeout. */
void clients_end_all(struct clients *clients, enum stats_end reason);

/* Cuts every connection at the end of this turn. */
void clients_cut_all(struct clients *clients);

size_t clients_count(const struct clients *clients);
size_t clients_queue_bytes(const struct clients *clients);

#endif
