/* catalog — the topics that are being fed, as far as this gateway knows.
 *
 * SPDX-License-Identifier: MIT
 *
 * Those with a history in Redis, and those it has had messages of itself. Redis is
 * scanned only when somebody asks, and not again for a while, however many ask: an answer
 * is what is known at that moment, and what has changed since is found for the next one.
 * A scan goes in slices, between which Redis serves others.
 * https://redis.io/docs/latest/commands/scan/
 */
#ifndef GATEWAY_CATALOG_H
#define GATEWAY_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/topic_page.h"

struct bus;
struct catalog;
struct session_env;

struct catalog_config {
    const char *channel_prefix;
    size_t max_topics;
    uint64_t refresh_ms; /* the least time between two scans */
};

/* NULL when out of memory. `config` is copied, its text is not. */
struct catalog *catalog_create(const struct catalog_config *config,
                               struct session_env *env, struct bus *bus);

/* The bus must have been destroyed. NULL is fine. */
void catalog_destroy(struct catalog *catalog);

/* Returns what is known now, until the loop's next turn, and finds out more if it is
 * time; NULL if nothing is known, and Redis can't be asked. */
const struct topic_list *catalog_look(struct catalog *catalog,
                                      struct topic_page_state *out_state);

#endif
