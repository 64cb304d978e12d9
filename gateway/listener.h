/* listener — one listening socket, which other processes may share.
 *
 * SPDX-License-Identifier: MIT
 *
 * A shared one has SO_REUSEPORT: several gateways on one machine share a port, and the
 * kernel spreads connections over them. When the process runs out of descriptors it stops
 * accepting for a moment instead of spinning.
 */
#ifndef GATEWAY_LISTENER_H
#define GATEWAY_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

struct listener;
struct loop;
struct sockaddr;

#define LISTENER_ADDRESS_MAX 80

/* A new connection; the callee owns `fd`, which is non-blocking and closed on exec. */
typedef void (*listener_accept_fn)(void *arg, int fd);

/* Listens on HOST:PORT, numeric. Returns NULL and sets *why (a constant or strerror's
 * text) if it cannot. */
struct listener *listener_create(struct loop *loop, const char *address, bool shared,
                                 listener_accept_fn accept_fn, void *arg,
                                 const char **why);

/* Stops listening. NULL is fine. */
void listener_destroy(struct listener *listener);

/* The address it listens on, with the port that port 0 has become. */
const char *listener_address(const struct listener *listener);

#endif
