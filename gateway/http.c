/* SPDX-License-Identifier: MIT */
#include "gateway/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libwebsockets.h>

#define HEADERS_MAX 1024

static const char *phrase(unsigned status)
{
    switch (status) {
    case 200:
        return "OK";
    case 302:
        return "Found";
    case 304:
        return "Not Modified";
    case 400:
        return "Bad Request";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 426:
        return "Upgrade Required";
    case 429:
        return "Too Many Requests";
    case 503:
        return "Service Unavailable";
    default:
        return "Error";
    }
}

bool http_send(struct lws *wsi, const struct http_answer *answer)
{
    const size_t body_len = answer->head_only ? 0 : answer->len;
    unsigned char *buffer = malloc(LWS_PRE + HEADERS_MAX + body_len);
    if (buffer == NULL) {
        return false;
    }
    unsigned char *start = buffer + LWS_PRE;
    const int headers_len =
        snprintf((char *)start, HEADERS_MAX,
                 "HTTP/1.1 %u %s\r\n"
                 "Content-Type: %s\r\n"
                 "Content-Length: %zu\r\n"
                 "X-Content-Type-Options: nosniff\r\n"
                 "Connection: close\r\n"
                 "%s\r\n",
                 answer->status, phrase(answer->status), answer->content_type,
                 answer->len, answer->extra_headers);
    bool sent = false;
    if (headers_len > 0 && headers_len < HEADERS_MAX) {
        const size_t total = (size_t)headers_len + body_len;
        if (body_len > 0) {
            memcpy(start + headers_len, answer->body, body_len);
        }
        sent = lws_write(wsi, start, total, LWS_WRITE_HTTP_FINAL) == (int)total;
    }
    free(buffer);
    return sent;
}
