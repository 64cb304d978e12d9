/* relay — between the Redis link and the hub.
 *
 * SPDX-License-Identifier: MIT
 *
 * Opens a channel for each topic somebody holds, and turns each message that comes over
 * one into a frame for the hub: taken apart, checked and encoded once per gateway,
 * whatever the number of clients. What is no message by the feed contract is counted, and
 * logged a few times a minute. Reads the histories that the hub asks for, probes the way
 * through Redis, and knows whether clients can rely on what they see.
 */
#ifndef GATEWAY_RELAY_H
#define GATEWAY_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bus.h"
#include "gateway/hub.h"
#include "gateway/probe.h"

struct loop;
struct relay;
struct session_env;

struct relay_config {
    const char *channel_prefix; /* of FEED_PREFIX_MAX bytes at most */
    int64_t max_payload_bytes;
    int64_t history_bytes; /* of one history that is read */
    struct probe_config probe;
};

/* The callbacks that main hands to bus and hub; `arg` is the relay. */
extern const struct bus_ops relay_bus_ops;
bool relay_open_channel(void *arg, const char *topic, size_t len);
void relay_close_channel(void *arg, const char *topic, size_t len);

/* NULL when out of memory. `config` is copied, its text is not. Sets env->degraded from
 * now on. */
struct relay *relay_create(struct loop *loop, const struct relay_config *config,
                           struct session_env *env);

/* The bus its channels are opened on; must be given before the loop runs. Returns false
 * when out of memory. */
bool relay_set_bus(struct relay *relay, struct bus *bus);

/* After the bus. NULL is fine. */
void relay_destroy(struct relay *relay);

/* Returns true once Redis has been reached for the first time. */
bool relay_was_connected(const struct relay *relay);

/* Milliseconds since a message last came from Redis: the probe, if no other. */
uint64_t relay_probe_age_ms(const struct relay *relay);

#endif
