/* http — complete HTTP answers over libwebsockets.
 *
 * SPDX-License-Identifier: MIT
 *
 * Every answer has its length and ends its connection, so a plain-HTTP connection never
 * lives on after it.
 */
#ifndef GATEWAY_HTTP_H
#define GATEWAY_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct lws;

struct http_answer {
    unsigned status;
    const char *content_type;
    const char *extra_headers; /* complete lines that end with \r\n; "" for none */
    const char *body;
    size_t len;
    bool head_only; /* the request was HEAD: the body is left out */
};

/* Hands the answer to the connection. Returns false if it could not be sent. The caller
 * closes the connection when lws_partial_buffered() says that all of it has left. */
bool http_send(struct lws *wsi, const struct http_answer *answer);

#endif
