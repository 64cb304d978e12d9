/* relay — between the Redis link and the hub.
 *
 * SPDX-License-Identifier: MIT
 *
 * Opens a channel for each topic somebody holds, and turns each message that comes over
 * one into a frame for the hub: taken apart, checked and encoded once per gateway,
 * whatever the number of clients. What is no message by the feed contract is counted, and
 * logged a few times a minute.
 */
#ifndef GATEWAY_RELAY_H
#define GATEWAY_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bus.h"
#include "gateway/hub.h"

#define RELAY_PREFIX_MAX 128 /* bytes of the channel prefix */

struct relay;
struct session_env;

struct relay_config {
    const char *channel_prefix;
    int64_t max_payload_bytes;
};

/* The callbacks that main hands to bus and hub; `arg` is the relay. */
extern const struct bus_ops relay_bus_ops;
bool relay_open_channel(void *arg, const char *topic, size_t len);
void relay_close_channel(void *arg, const char *topic, size_t len);

/* NULL when out of memory. `config` is copied, its text is not. */
struct relay *relay_create(const struct relay_config *config, struct session_env *env);

/* The bus its channels are opened on; must be set before the loop runs. */
void relay_set_bus(struct relay *relay, struct bus *bus);

/* NULL is fine. */
void relay_destroy(struct relay *relay);

/* Returns true once Redis has been reached for the first time. */
bool relay_was_connected(const struct relay *relay);

#endif
