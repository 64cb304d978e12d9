/* SPDX-License-Identifier: MIT */
#include "gateway/visitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <utlist.h>

#include "common/loop.h"

#define WAIT_MS   10000 /* for the callee to find its answer */
#define ANSWER_MS 10000 /* for an answer to leave */
#define LINGER_MS 1000  /* for the peer to close first, so that it can read the answer */

enum visitor_state {
    VISITOR_ASKING,   /* the request's head is not complete */
    VISITOR_WAITING,  /* for the callee's answer */
    VISITOR_ANSWERED, /* the answer is leaving */
    VISITOR_LINGERING /* the answer has left; the peer is to close */
};

struct visitor {
    struct visitors *all;
    struct visitor *prev;
    struct visitor *next;
    struct bufferevent *socket;
    struct loop_timer *deadline;
    enum visitor_state state;
    size_t head_len; /* of the request, once it is complete */
    bool wants_no_body;
    const struct visitor_wait_ops *wait_ops; /* while it waits */
    void *wait_arg;
};

struct visitors {
    struct loop *loop;
    int64_t timeout_ms;
    const struct visitor_ops *ops;
    void *arg;
    struct visitor *first; /* in the order of their coming */
    size_t count;
    size_t max;
    uint64_t evicted;
};

static void visitor_destroy(struct visitor *visitor)
{
    if (visitor->state == VISITOR_WAITING) {
        visitor->wait_ops->on_gone(visitor->wait_arg);
    }
    DL_DELETE(visitor->all->first, visitor);
    visitor->all->count--;
    loop_timer_destroy(visitor->deadline);
    bufferevent_free(visitor->socket);
    free(visitor);
}

/* ---- answering ----------------------------------------------------------------------
 */

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
    case 408:
        return "Request Timeout";
    case 426:
        return "Upgrade Required";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 503:
        return "Service Unavailable";
    case 504:
        return "Gateway Timeout";
    default:
        return "Error";
    }
}

/* Nothing more is read until the answer has left. */
static void stop_reading(struct visitor *visitor)
{
    struct evbuffer *in = bufferevent_get_input(visitor->socket);
    bufferevent_disable(visitor->socket, EV_READ);
    evbuffer_drain(in, evbuffer_get_length(in));
}

void visitor_answer(struct visitor *visitor, const struct visitor_answer *answer)
{
    struct evbuffer *out = bufferevent_get_output(visitor->socket);
    evbuffer_add_printf(out,
                        "HTTP/1.1 %u %s\r\n"
                        "Content-Type: %s\r\n"
                        "Content-Length: %zu\r\n"
                        "X-Content-Type-Options: nosniff\r\n"
                        "Connection: close\r\n"
                        "%s\r\n",
                        answer->status, phrase(answer->status), answer->content_type,
                        answer->len, answer->headers);
    if (!visitor->wants_no_body) {
        evbuffer_add(out, answer->body, answer->len);
    }
    visitor->state = VISITOR_ANSWERED;
    stop_reading(visitor);
    loop_timer_start(visitor->deadline, ANSWER_MS);
}

void visitor_refuse(struct visitor *visitor, const struct visitor_refusal *refusal)
{
    char body[512];
    const int len =
        snprintf(body, sizeof(body), "{\"error_code\":\"%s\",\"error_message\":\"%s\"}",
                 refusal->error_code, refusal->error_message);
    const struct visitor_answer answer = {
        .status = refusal->status,
        .content_type = "application/json; charset=utf-8",
        .headers = refusal->headers,
        .body = body,
        .len = (size_t)len,
    };
    visitor_answer(visitor, &answer);
}

void visitor_wait(struct visitor *visitor, const struct visitor_wait_ops *ops, void *arg)
{
    visitor->state = VISITOR_WAITING;
    visitor->wait_ops = ops;
    visitor->wait_arg = arg;
    stop_reading(visitor);
    loop_timer_start(visitor->deadline, WAIT_MS);
}

static const struct visitor_refusal bad_request = {400, "", "bad_request",
                                                   "not an HTTP request as in RFC 9112"};
static const struct visitor_refusal too_long = {
    431, "", "too_long", "the request has too many or too long headers"};
static const struct visitor_refusal too_slow = {408, "", "too_slow",
                                                "the request did not come in time"};

/* ---- the socket's events ------------------------------------------------------------
 */

static void on_readable(struct bufferevent *socket, void *arg)
{
    struct visitor *visitor = arg;
    struct evbuffer *in = bufferevent_get_input(socket);
    const size_t len = evbuffer_get_length(in);
    if (visitor->state != VISITOR_ASKING) {
        evbuffer_drain(in, len);
        return;
    }
    const char *bytes = (const char *)evbuffer_pullup(in, -1);
    struct request request;
    switch (request_parse(bytes, len, &request, &visitor->head_len)) {
    case REQUEST_INCOMPLETE:
        break;
    case REQUEST_BAD:
        visitor_refuse(visitor, &bad_request);
        break;
    case REQUEST_TOO_LONG:
        visitor_refuse(visitor, &too_long);
        break;
    case REQUEST_OK:
        visitor->wants_no_body = request_text_is(request.method, "HEAD");
        visitor->all->ops->on_request(visitor->all->arg, visitor, &request);
        break;
    }
}

/* Everything was handed to the kernel. */
static void on_written(struct bufferevent *socket, void *arg)
{
    struct visitor *visitor = arg;
    if (visitor->state != VISITOR_ANSWERED) {
        return;
    }
    visitor->state = VISITOR_LINGERING;
    shutdown(bufferevent_getfd(socket), SHUT_WR);
    bufferevent_enable(socket, EV_READ);
    loop_timer_start(visitor->deadline, LINGER_MS);
}

/* The peer has closed, or the connection is broken. */
static void on_ended(struct bufferevent *socket, short what, void *arg)
{
    (void)socket;
    (void)what;
    visitor_destroy(arg);
}

static void on_deadline(void *arg)
{
    struct visitor *visitor = arg;
    if (visitor->state == VISITOR_ASKING &&
        evbuffer_get_length(bufferevent_get_input(visitor->socket)) > 0) {
        visitor_refuse(visitor, &too_slow);
        return;
    }
    if (visitor->state == VISITOR_WAITING) {
        visitor->wait_ops->on_late(visitor->wait_arg);
        return;
    }
    visitor_destroy(visitor);
}

/* ---- life ---------------------------------------------------------------------------
 */

/* Whoever has his answer goes first, then whoever has been asking longest. */
static void evict_one(struct visitors *visitors)
{
    struct visitor *visitor = visitors->first;
    struct visitor *at;
    DL_FOREACH(visitors->first, at)
    {
        if (at->state == VISITOR_LINGERING) {
            visitor = at;
            break;
        }
    }
    if (visitor->state != VISITOR_LINGERING) {
        visitors->evicted++;
    }
    visitor_destroy(visitor);
}

bool visitors_add(struct visitors *visitors, int fd)
{
    if (visitors->count >= visitors->max) {
        evict_one(visitors);
    }
    struct visitor *visitor = calloc(1, sizeof(*visitor));
    if (visitor == NULL) {
        close(fd);
        return false;
    }
    visitor->all = visitors;
    visitor->socket =
        bufferevent_socket_new(loop_base(visitors->loop), fd, BEV_OPT_CLOSE_ON_FREE);
    visitor->deadline = loop_timer_create(visitors->loop, on_deadline, visitor);
    if (visitor->socket == NULL || visitor->deadline == NULL) {
        if (visitor->socket != NULL) {
            bufferevent_free(visitor->socket);
        } else {
            close(fd);
        }
        loop_timer_destroy(visitor->deadline);
        free(visitor);
        return false;
    }
    DL_APPEND(visitors->first, visitor);
    visitors->count++;
    bufferevent_setcb(visitor->socket, on_readable, on_written, on_ended, visitor);
    bufferevent_setwatermark(visitor->socket, EV_READ, 0, REQUEST_MAX_BYTES);
    bufferevent_enable(visitor->socket, EV_READ);
    loop_timer_start(visitor->deadline, (uint64_t)visitors->timeout_ms);
    return true;
}

int visitor_fd(const struct visitor *visitor)
{
    return bufferevent_getfd(visitor->socket);
}

int visitor_take_over(struct visitor *visitor, unsigned char **out_rest,
                      size_t *out_rest_len)
{
    struct evbuffer *in = bufferevent_get_input(visitor->socket);
    evbuffer_drain(in, visitor->head_len);
    *out_rest_len = evbuffer_get_length(in);
    *out_rest = *out_rest_len == 0 ? NULL : malloc(*out_rest_len);
    if (*out_rest == NULL) {
        *out_rest_len = 0;
    } else {
        evbuffer_remove(in, *out_rest, *out_rest_len);
    }
    const int fd = bufferevent_getfd(visitor->socket);
    bufferevent_setfd(visitor->socket, -1);
    visitor_destroy(visitor);
    return fd;
}

bool visitors_are_due(const struct visitors *visitors)
{
    const struct visitor *at;
    DL_FOREACH(visitors->first, at)
    {
        if (at->state == VISITOR_WAITING || at->state == VISITOR_ANSWERED) {
            return true;
        }
    }
    return false;
}

uint64_t visitors_evicted(const struct visitors *visitors)
{
    return visitors->evicted;
}

struct visitors *visitors_create(struct loop *loop, size_t max, int64_t timeout_ms,
                                 const struct visitor_ops *ops, void *arg)
{
    struct visitors *visitors = calloc(1, sizeof(*visitors));
    if (visitors != NULL) {
        visitors->loop = loop;
        visitors->max = max;
        visitors->timeout_ms = timeout_ms;
        visitors->ops = ops;
        visitors->arg = arg;
    }
    return visitors;
}

void visitors_destroy(struct visitors *visitors)
{
    if (visitors == NULL) {
        return;
    }
    struct visitor *visitor;
    struct visitor *next;
    DL_FOREACH_SAFE(visitors->first, visitor, next)
    {
        visitor_destroy(visitor);
    }
    free(visitors);
}
