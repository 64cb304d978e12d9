/* bar_site — answers GET /api/v1/bars: a topic's closed bars, for a chart to begin with.
 *
 * SPDX-License-Identifier: MIT
 *
 * They are read from `history:{CHANNEL}:bars` (feed.h) when they are asked for, so an
 * answer waits for Redis. Only so many are read in a second, for all who ask together,
 * and only so many at a time: what is beyond is told to come again.
 */
#ifndef GATEWAY_BAR_SITE_H
#define GATEWAY_BAR_SITE_H

#include <stddef.h>
#include <stdint.h>

struct bar_site;
struct bus;
struct request;
struct session_env;
struct visitor;

struct bar_site_config {
    const char *channel_prefix;
    const char *allowed_origins; /* as in the settings */
    size_t max_payload_bytes;
    int64_t rate_per_s; /* of questions; at once twice as many */
};

/* NULL when out of memory. `config` is copied, its text is not. */
struct bar_site *bar_site_create(const struct bar_site_config *config,
                                 struct session_env *env, struct bus *bus);

/* The bus, and all visitors, must have been destroyed. NULL is fine. */
void bar_site_destroy(struct bar_site *site);

/* Answers, at once or later. */
void bar_site_answer(struct bar_site *site, struct visitor *visitor,
                     const struct request *request);

#endif
