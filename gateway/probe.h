/* probe — does what is published still arrive here?
 *
 * SPDX-License-Identifier: MIT
 *
 * TCP can be silent for many minutes about a peer that is gone, and a Redis that stands
 * still keeps its connections. So the gateway publishes to a channel of its own now and
 * then, over the command connection, and expects the message back over the other one.
 * When none came for too long, both connections are dropped and made anew. So they are
 * when commands are not answered, though messages come.
 */
#ifndef GATEWAY_PROBE_H
#define GATEWAY_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bus;
struct loop;
struct probe;

struct probe_config {
    int64_t interval_ms;
    int64_t timeout_ms;
    int64_t answer_ms; /* that commands may take */
};

/* Subscribes to its channel. NULL when out of memory. `config` is copied. */
struct probe *probe_create(struct loop *loop, struct bus *bus,
                           const struct probe_config *config);

/* NULL is fine. */
void probe_destroy(struct probe *probe);

/* The bus is connected again: the time counts from now. */
void probe_restart(struct probe *probe);

/* A message came, which is a sign of life whatever it says: behind a backlog the probe's
 * own may be late. Returns true if it was the probe's. */
bool probe_take(struct probe *probe, const char *channel, size_t len);

/* Milliseconds since a message came last, or since the bus was connected. */
uint64_t probe_age_ms(const struct probe *probe);

#endif
