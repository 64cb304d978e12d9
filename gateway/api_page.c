/* SPDX-License-Identifier: MIT */
#include "gateway/api_page.h"

#include <stdio.h>

#include "gateway/origins.h"
#include "gateway/visitor.h"

static const struct visitor_refusal refused_method = {
    405, "Allow: GET, HEAD\r\n", "method_not_allowed",
    "only GET and HEAD are answered here"};
static const struct visitor_refusal refused_origin = {
    403, "", "origin_not_allowed", "pages of this origin may not read this"};
const struct visitor_refusal api_page_refused_memory = {
    503, "Retry-After: 5\r\n", "not_ready", "this gateway is out of memory"};

static const struct visitor_refusal *find_refusal(const struct request *request,
                                                  const char *allowed_origins)
{
    if (!request_text_is(request->method, "GET") &&
        !request_text_is(request->method, "HEAD")) {
        return &refused_method;
    }
    return origins_allow(request, allowed_origins) ? NULL : &refused_origin;
}

bool api_page_admit(struct visitor *visitor, const struct request *request,
                    const char *allowed_origins, struct api_page *out)
{
    if (origins_headers(request, allowed_origins, out->origins, sizeof(out->origins)) ==
        0) {
        out->origins[0] = '\0';
    }
    const struct visitor_refusal *refusal = find_refusal(request, allowed_origins);
    if (refusal != NULL) {
        api_page_refuse(out, visitor, refusal);
    }
    return refusal == NULL;
}

void api_page_refuse(const struct api_page *page, struct visitor *visitor,
                     const struct visitor_refusal *refusal)
{
    char headers[API_PAGE_HEADERS_MAX + 128];
    snprintf(headers, sizeof(headers), "Cache-Control: no-store\r\n%s%s",
             refusal->headers, page->origins);
    struct visitor_refusal readable = *refusal;
    readable.headers = headers;
    visitor_refuse(visitor, &readable);
}

void api_page_answer(const struct api_page *page, struct visitor *visitor,
                     unsigned max_age_s, const char *body, size_t len)
{
    char keep[32] = "no-store";
    if (max_age_s > 0) {
        snprintf(keep, sizeof(keep), "max-age=%u", max_age_s);
    }
    char headers[API_PAGE_HEADERS_MAX + sizeof("Cache-Control: \r\n") + sizeof(keep)];
    snprintf(headers, sizeof(headers), "Cache-Control: %s\r\n%s", keep, page->origins);
    const struct visitor_answer answer = {.status = 200,
                                          .content_type =
                                              "application/json; charset=utf-8",
                                          .headers = headers,
                                          .body = body,
                                          .len = len};
    visitor_answer(visitor, &answer);
}
