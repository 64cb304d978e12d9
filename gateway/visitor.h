/* visitor — a connection that speaks HTTP: one request, and one complete answer.
 *
 * SPDX-License-Identifier: MIT
 *
 * Reads a request's head within the time and size allowed and hands it to the callee, who
 * answers, now or later, or takes the socket over. Every answer has its length and ends
 * its connection; the socket is closed when the peer has had time to read it, whatever
 * else the peer has sent meanwhile. A head that is no HTTP is answered here: 400, 408 or
 * 431.
 */
#ifndef GATEWAY_VISITOR_H
#define GATEWAY_VISITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/request.h"

struct loop;
struct visitor;
struct visitors;

struct visitor_answer {
    unsigned status;
    const char *content_type;
    const char *headers; /* further complete lines that end with \r\n; "" for none */
    const char *body;
    size_t len;
};

struct visitor_ops {
    /* A request is complete. The callee calls one of visitor_answer(), visitor_refuse(),
     * visitor_wait() and visitor_take_over() before it returns. */
    void (*on_request)(void *arg, struct visitor *visitor, const struct request *request);
};

/* A set of `max` visitors at most. One more takes the place of one who has his answer, or
 * of the one who has been asking longest: those who ask nothing keep nobody out. */
struct visitors *visitors_create(struct loop *loop, size_t max, int64_t timeout_ms,
                                 const struct visitor_ops *ops, void *arg);

/* Closes all of them. NULL is fine. */
void visitors_destroy(struct visitors *visitors);

/* Owns `fd` from now on, whatever the result; false when out of memory. */
bool visitors_add(struct visitors *visitors, int fd);

/* Returns true if someone has asked and his answer has not left yet. */
bool visitors_are_due(const struct visitors *visitors);

/* How many had to go without an answer. */
uint64_t visitors_evicted(const struct visitors *visitors);

/* Answers, without the body if the request's method was HEAD. */
void visitor_answer(struct visitor *visitor, const struct visitor_answer *answer);

/* Answers with {"error_code":…,"error_message":…}, texts that need no escapes. */
struct visitor_refusal {
    unsigned status;
    const char *headers; /* as above */
    const char *error_code;
    const char *error_message;
};

void visitor_refuse(struct visitor *visitor, const struct visitor_refusal *refusal);

/* The answer comes later. The request and its texts are gone at once. */
struct visitor_wait_ops {
    /* Ten seconds are over: the callee answers now. */
    void (*on_late)(void *arg);

    /* The visitor had to go, to make room or as the program ends: nobody may answer any
     * more. */
    void (*on_gone)(void *arg);
};

/* `ops` must outlive the wait. */
void visitor_wait(struct visitor *visitor, const struct visitor_wait_ops *ops, void *arg);

/* Ends the visit and gives the socket to the caller. `*out_rest` is what came behind the
 * request's head, in memory of the caller's from now on; NULL if there was nothing. */
int visitor_take_over(struct visitor *visitor, unsigned char **out_rest,
                      size_t *out_rest_len);

/* For looking at the socket, as with getpeername(). */
int visitor_fd(const struct visitor *visitor);

#endif
