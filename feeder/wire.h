/* wire — WebSocket connections to venues, over TLS: what a source does to the world.
 *
 * SPDX-License-Identifier: MIT
 *
 * Owns libwebsockets' context and all connections. Whole text messages come out, up to
 * WIRE_MESSAGE_MAX bytes; a longer one ends its connection. The server's certificate must
 * be trusted and be the host's; there is no way around that but ws:// to this machine.
 * Pings are answered.
 *
 * Every end has a deadline of ours: connecting, over all of the host's addresses, and
 * closing, whatever the other side does. A connection that falls silent is the source's
 * to notice. Nothing here makes the loop wait; names are resolved by resolver.h.
 */
#ifndef FEEDER_WIRE_H
#define FEEDER_WIRE_H

#include "feeder/source.h"

#define WIRE_MESSAGE_MAX ((size_t)1024 * 1024)

struct loop;
struct wires;

/* NULL when out of memory. Costs next to nothing until the world's prepare() is called.
 */
struct wires *wires_create(struct loop *loop);

/* Every wire must have been closed or be over. NULL is fine. */
void wires_destroy(struct wires *wires);

/* Lives as long as the wires. */
const struct source_world *wires_world(const struct wires *wires);

#endif
