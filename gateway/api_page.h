/* api_page — answers in JSON that web pages may read, those of the origins allowed.
 *
 * SPDX-License-Identifier: MIT
 *
 * What the lists under /api/v1/ have in common: GET and HEAD only, the origin checked,
 * and the headers that let a page read the answer, or why there is none.
 * https://fetch.spec.whatwg.org/#http-cors-protocol
 */
#ifndef GATEWAY_API_PAGE_H
#define GATEWAY_API_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#define API_PAGE_HEADERS_MAX 1024

struct request;
struct visitor;
struct visitor_refusal;

/* What has to be known of a request for answering it later. */
struct api_page {
    char origins[API_PAGE_HEADERS_MAX]; /* header lines */
};

/* Returns false if the request was refused here. `allowed_origins` as in the settings. */
bool api_page_admit(struct visitor *visitor, const struct request *request,
                    const char *allowed_origins, struct api_page *out);

void api_page_refuse(const struct api_page *page, struct visitor *visitor,
                     const struct visitor_refusal *refusal);

/* Answers with 200 and the body, which may be kept for `max_age_s` seconds, 0: not at
 * all.
 */
void api_page_answer(const struct api_page *page, struct visitor *visitor,
                     unsigned max_age_s, const char *body, size_t len);

extern const struct visitor_refusal api_page_refused_memory;

#endif
