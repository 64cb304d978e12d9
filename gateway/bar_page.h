/* bar_page — a topic's closed bars as JSON, the oldest first.
 *
 * SPDX-License-Identifier: MIT
 *
 *      GET /api/v1/bars?topic=stock.AAPL.1m[&limit=300]
 *
 * Bars are added the newest first, as they are read, and each is written as it was
 * published, byte for byte.
 */
#ifndef GATEWAY_BAR_PAGE_H
#define GATEWAY_BAR_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/topic.h"
#include "gateway/request.h"

#define BAR_PAGE_PATH    "/api/v1/bars"
#define BAR_PAGE_DEFAULT 300
#define BAR_PAGE_MAX     1000

struct bar_page;

struct bar_page_query {
    size_t limit; /* of bars */
    size_t len;
    char topic[TOPIC_MAX];
};

/* Returns true if this is the path. */
bool bar_page_is_asked(const struct request *request);

/* Returns false if `topic` is none or missing, or `limit` is not what it may be. */
bool bar_page_read(const struct request *request, struct bar_page_query *out);

/* NULL when out of memory. */
struct bar_page *bar_page_create(const struct bar_page_query *query);
void bar_page_destroy(struct bar_page *page); /* NULL is fine */

/* Adds a bar older than those before, a JSON object. What is beyond `limit` is left out.
 * Returns false when out of memory. */
bool bar_page_add(struct bar_page *page, const char *payload, size_t len);

/* Returns the body, which the caller frees; NULL when out of memory. */
char *bar_page_write(const struct bar_page *page, size_t *out_len);

#endif
