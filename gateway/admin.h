/* admin — what the admin listener answers: /healthz, /readyz, /metrics, /debug/clients.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef GATEWAY_ADMIN_H
#define GATEWAY_ADMIN_H

#include <stddef.h>

#include "gateway/request.h"
#include "gateway/stats.h"

struct client_list;

struct admin_view {
    const struct stats *stats;
    struct stats_gauges gauges;
    struct client_list *clients; /* NULL unless the page is about them */
};

struct admin_page {
    unsigned status; /* of HTTP */
    const char *content_type;
    char *body; /* the caller frees it; NULL when out of memory */
    size_t len;
};

/* How many clients the page that is asked for shows; 0 if it shows none. */
size_t admin_clients_wanted(const struct request *request);

/* Answers. Any other path is a 404 that names those there are. */
struct admin_page admin_answer(const struct request *request,
                               const struct admin_view *view);

#endif
