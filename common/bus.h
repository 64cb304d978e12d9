/* bus — the Redis link of a program: what it publishes, asks and subscribes to.
 *
 * SPDX-License-Identifier: MIT
 *
 * Two connections at most: one for commands, and one for subscriptions if the program
 * wants messages. Both keep themselves up: a lost connection comes back after a growing,
 * jittered pause, and every channel is subscribed again, many to a command. The bus is
 * CONNECTED while all its connections are.
 *
 * Callbacks run from the loop and never from within a call of the functions below. A
 * callback may call any of them except bus_destroy().
 */
#ifndef COMMON_BUS_H
#define COMMON_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/redis_url.h"

struct loop;
struct bus;
struct bus_reply; /* what Redis answered; lives during the callback only */

enum bus_state { BUS_CLOSED, BUS_CONNECTING, BUS_CONNECTED };

struct bus_config {
    struct redis_url url;
    const char *client_name; /* of the command connection: CLIENT SETNAME, no spaces */
    const char *subscriber_name; /* of the one for messages; NULL if there is none */
    int64_t connect_timeout_ms;
    int64_t command_timeout_ms;
    int64_t max_pending; /* commands under way; one more is refused */
};

struct bus_ops {
    /* The state changed; `why` says in a few words what was lost, NULL when CONNECTED. */
    void (*on_state)(void *arg, enum bus_state state, const char *why);

    /* Redis confirmed the subscription: from now on nothing published is missed until
     * on_lost. Comes again after each reconnect. */
    void (*on_subscribed)(void *arg, const char *channel, size_t len);

    /* The connection for messages is gone, and with it every confirmation. */
    void (*on_lost)(void *arg);

    /* NULL if the program wants no messages: then there is no second connection, and the
     * two above never come. */
    void (*on_message)(void *arg, const char *channel, size_t channel_len,
                       const char *payload, size_t len);
};

/* Begins to connect at once. NULL when out of memory. `ops` must outlive the bus. */
struct bus *bus_create(struct loop *loop, const struct bus_config *config,
                       const struct bus_ops *ops, void *arg);

/* Pending commands get their callback with NULL. NULL is fine. */
void bus_destroy(struct bus *bus);

enum bus_state bus_state(const struct bus *bus);

/* Drops the connections, which are known to be dead, and begins again. May not be called
 * from within a callback of the bus. */
void bus_reset(struct bus *bus, const char *why);

/* How often a lost bus has become CONNECTED again. */
uint64_t bus_reconnects(const struct bus *bus);

/* Adds the channel to the set, or takes it out. What one turn of the loop adds goes to
 * Redis in few commands. Returns false when out of memory. Adding twice is once. */
bool bus_subscribe(struct bus *bus, const char *name, size_t len);
void bus_unsubscribe(struct bus *bus, const char *name, size_t len);

/* `reply` is NULL if the connection was lost before the answer: the command may have been
 * carried out or not. */
typedef void (*bus_reply_fn)(void *arg, const struct bus_reply *reply);

/* Sends a command, pipelined behind those under way. Returns false, and will not call
 * `fn`, if the command connection is down or max_pending are under way. `fn` may be NULL.
 */
bool bus_command(struct bus *bus, size_t argc, const char *argv[], const size_t lens[],
                 bus_reply_fn fn, void *arg);

/* How long commands have been waiting without any being answered. hiredis counts its
 * time-out from the last byte that was read or written, so whoever goes on sending never
 * sees it. */
uint64_t bus_silence_ms(const struct bus *bus);

enum bus_reply_kind {
    BUS_REPLY_NIL,
    BUS_REPLY_TEXT,
    BUS_REPLY_INTEGER,
    BUS_REPLY_LIST,
    BUS_REPLY_ERROR /* bus_reply_text() has Redis's words */
};

enum bus_reply_kind bus_reply_kind(const struct bus_reply *reply);

/* The bytes of a TEXT or an ERROR, followed by a zero byte that is not counted. */
const char *bus_reply_text(const struct bus_reply *reply, size_t *out_len);
int64_t bus_reply_integer(const struct bus_reply *reply);

/* The number of items of a LIST, and one of them. */
size_t bus_reply_count(const struct bus_reply *reply);
const struct bus_reply *bus_reply_item(const struct bus_reply *reply, size_t index);

#endif
