/* SPDX-License-Identifier: MIT */
#include "gateway/topic_site.h"

#include <stdlib.h>

#include "gateway/api_page.h"
#include "gateway/catalog.h"
#include "gateway/topic_page.h"
#include "gateway/visitor.h"

#define MAX_AGE_S 5

static const struct visitor_refusal refused_parameter = {
    400, "", "invalid_parameter",
    "limit is a number from 1 to 1000; prefix and after have 128 bytes at most"};
static const struct visitor_refusal refused_nothing = {
    503, "Retry-After: 5\r\n", "not_ready", "no topic is known, and Redis is away"};

void topic_site_answer(struct catalog *catalog, const char *allowed_origins,
                       struct visitor *visitor, const struct request *request)
{
    struct api_page page;
    if (!api_page_admit(visitor, request, allowed_origins, &page)) {
        return;
    }
    struct topic_page_query query;
    if (!topic_page_read(request, &query)) {
        api_page_refuse(&page, visitor, &refused_parameter);
        return;
    }
    struct topic_page_state state;
    const struct topic_list *list = catalog_look(catalog, &state);
    if (list == NULL) {
        api_page_refuse(&page, visitor, &refused_nothing);
        return;
    }
    size_t len = 0;
    char *body = topic_page_write(list, &query, &state, &len);
    if (body == NULL) {
        api_page_refuse(&page, visitor, &api_page_refused_memory);
        return;
    }
    const bool may_keep = state.is_complete && !state.is_stale;
    api_page_answer(&page, visitor, may_keep ? MAX_AGE_S : 0, body, len);
    free(body);
}
