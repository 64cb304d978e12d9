/* SPDX-License-Identifier: MIT */
#include "gateway/topic_site.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/catalog.h"
#include "gateway/origins.h"
#include "gateway/topic_page.h"
#include "gateway/visitor.h"

#define HEADERS_MAX 1024
#define KEEP        "Cache-Control: max-age=5\r\n"
#define KEEP_NOT    "Cache-Control: no-store\r\n"

static const struct visitor_refusal refused_method = {
    405, "Allow: GET, HEAD\r\n", "method_not_allowed",
    "only GET and HEAD are answered here"};
static const struct visitor_refusal refused_origin = {
    403, "", "origin_not_allowed", "pages of this origin may not read this"};
static const struct visitor_refusal refused_parameter = {
    400, "", "invalid_parameter",
    "limit is a number from 1 to 1000; prefix and after have 128 bytes at most"};
static const struct visitor_refusal refused_nothing = {
    503, "Retry-After: 5\r\n", "not_ready", "no topic is known, and Redis is away"};
static const struct visitor_refusal refused_memory = {
    503, "Retry-After: 5\r\n", "not_ready", "this gateway is out of memory"};

/* A page that may read the answer may read a refusal, too. */
static void refuse(struct visitor *visitor, const struct request *request,
                   const struct visitor_refusal *refusal, const char *origins)
{
    char headers[HEADERS_MAX + sizeof(KEEP_NOT) + 64];
    snprintf(headers, sizeof(headers), KEEP_NOT "%s%s", refusal->headers, origins);
    struct visitor_refusal readable = *refusal;
    readable.headers = headers;
    visitor_refuse(visitor, request, &readable);
}

static void answer(struct visitor *visitor, const struct request *request,
                   const struct topic_page_state *state, const char *origins,
                   const char *body, size_t len)
{
    char headers[HEADERS_MAX + sizeof(KEEP)];
    snprintf(headers, sizeof(headers), "%s%s",
             state->is_complete && !state->is_stale ? KEEP : KEEP_NOT, origins);
    const struct visitor_answer page = {.status = 200,
                                        .content_type = "application/json; charset=utf-8",
                                        .headers = headers,
                                        .body = body,
                                        .len = len};
    visitor_answer(visitor, request, &page);
}

static const struct visitor_refusal *find_refusal(const struct request *request,
                                                  const char *allowed_origins,
                                                  struct topic_page_query *out)
{
    if (!request_text_is(request->method, "GET") &&
        !request_text_is(request->method, "HEAD")) {
        return &refused_method;
    }
    if (!origins_allow(request, allowed_origins)) {
        return &refused_origin;
    }
    return topic_page_read(request, out) ? NULL : &refused_parameter;
}

void topic_site_answer(struct catalog *catalog, const char *allowed_origins,
                       struct visitor *visitor, const struct request *request)
{
    char origins[HEADERS_MAX];
    if (origins_headers(request, allowed_origins, origins, sizeof(origins)) == 0) {
        origins[0] = '\0';
    }
    struct topic_page_query query;
    const struct visitor_refusal *refusal =
        find_refusal(request, allowed_origins, &query);
    if (refusal != NULL) {
        refuse(visitor, request, refusal, origins);
        return;
    }
    struct topic_page_state state;
    const struct topic_list *list = catalog_look(catalog, &state);
    if (list == NULL) {
        refuse(visitor, request, &refused_nothing, origins);
        return;
    }
    size_t len = 0;
    char *body = topic_page_write(list, &query, &state, &len);
    if (body != NULL) {
        answer(visitor, request, &state, origins, body, len);
    } else {
        refuse(visitor, request, &refused_memory, origins);
    }
    free(body);
}
