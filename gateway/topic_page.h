/* topic_page — what is asked of the list of topics, and a page of it as JSON.
 *
 * SPDX-License-Identifier: MIT
 *
 *      GET /api/v1/topics[?prefix=stock.][&after=stock.AAPL.1m][&limit=500]
 */
#ifndef GATEWAY_TOPIC_PAGE_H
#define GATEWAY_TOPIC_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/request.h"
#include "gateway/topic_list.h"

#define TOPIC_PAGE_PATH    "/api/v1/topics"
#define TOPIC_PAGE_DEFAULT 500
#define TOPIC_PAGE_MAX     1000
#define TOPIC_PAGE_TEXT    128 /* bytes of `prefix` and of `after` */

struct topic_page_text {
    size_t len;
    char bytes[TOPIC_PAGE_TEXT];
};

struct topic_page_query {
    size_t limit;
    struct topic_page_text prefix; /* of the topics wanted */
    struct topic_page_text after;  /* the last one of the page before */
};

/* What is known of the list as a whole. */
struct topic_page_state {
    bool is_complete; /* everything there was has been looked through */
    bool is_stale;    /* it can't be looked through anew just now */
    uint64_t age_ms;
};

/* Returns true if this is the path. */
bool topic_page_is_asked(const struct request *request);

/* Returns false if a parameter is not what it may be. */
bool topic_page_read(const struct request *request, struct topic_page_query *out);

/* Returns the body, which the caller frees; NULL when out of memory. */
char *topic_page_write(const struct topic_list *list,
                       const struct topic_page_query *query,
                       const struct topic_page_state *state, size_t *out_len);

#endif
