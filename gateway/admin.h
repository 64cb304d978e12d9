/* admin — what the admin listener answers: /healthz, /readyz and /metrics.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef GATEWAY_ADMIN_H
#define GATEWAY_ADMIN_H

#include <stddef.h>

#include "gateway/stats.h"

struct admin_view {
    const struct stats *stats;
    struct stats_gauges gauges;
};

struct admin_page {
    unsigned status; /* of HTTP */
    const char *content_type;
    char *body; /* the caller frees it; NULL when out of memory */
    size_t len;
};

/* Answers the path. Anything but the three is a 404 that names them. */
struct admin_page admin_answer(const char *path, const struct admin_view *view);

#endif
