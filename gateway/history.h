/* history — reads from Redis what the hub wants to know of topics' pasts.
 *
 * SPDX-License-Identifier: MIT
 *
 * A topic's history is the stream `history:{CHANNEL}` (feed.h).
 */
#ifndef GATEWAY_HISTORY_H
#define GATEWAY_HISTORY_H

#include <stddef.h>

struct bus;
struct history;
struct session_env;

struct history_config {
    const char *channel_prefix;
    size_t max_payload_bytes;
    size_t max_bytes; /* of one read; what is beyond is as if it was trimmed */
};

/* NULL when out of memory. `config` is copied, its text is not. */
struct history *history_create(const struct history_config *config,
                               struct session_env *env, struct bus *bus);

/* The bus must have been destroyed. NULL is fine. */
void history_destroy(struct history *history);

/* Asks for what the hub wants read. To be called at the end of each turn. */
void history_pump(struct history *history);

#endif
