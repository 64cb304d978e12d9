/* wsloop — libwebsockets' event-loop operations on our loop.
 *
 * SPDX-License-Identifier: MIT
 *
 * libwebsockets 4.3 lets a program bring its own event loop through a table of operations
 * (libwebsockets/lws-eventlib-exports.h). One persistent event per descriptor follows the
 * mask libwebsockets wants; its own timeouts run at the end of each turn. Each program
 * compiles it against the libwebsockets it links, which may be built differently.
 */
#ifndef COMMON_WSLOOP_H
#define COMMON_WSLOOP_H

#include <stdbool.h>

struct loop;
struct lws;
struct lws_context;
struct lws_context_creation_info;
struct wsloop;

/* A descriptor of libwebsockets' is readable. Returns true if the callee has dealt with
 * it and libwebsockets is not to be told. */
typedef bool (*wsloop_readable_fn)(void *arg, struct lws *wsi);

/* NULL when out of memory. Without `on_readable` libwebsockets reads everything. */
struct wsloop *wsloop_create(struct loop *loop, wsloop_readable_fn on_readable,
                             void *arg);

/* Before lws_create_context(): makes the context run on the loop. */
void wsloop_prepare(struct wsloop *wsloop, struct lws_context_creation_info *info);

/* After lws_create_context(). */
void wsloop_start(struct wsloop *wsloop, struct lws_context *context);

/* After lws_context_destroy(). NULL is fine. */
void wsloop_destroy(struct wsloop *wsloop);

#endif
