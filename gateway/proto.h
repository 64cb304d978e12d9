/* proto — the client's language: text into a request, events into frames.
 *
 * SPDX-License-Identifier: MIT
 *
 * PROTOCOL.md beside this file is the contract; the order of the keys there is the order
 * here. Every encoder returns one encoded WebSocket frame with a single reference, or
 * NULL when out of memory. `wall_us` is microseconds since 1970 in UTC. Texts given to an
 * encoder may hold any bytes; a topic must be a valid one.
 */
#ifndef GATEWAY_PROTO_H
#define GATEWAY_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/feed.h"
#include "gateway/frame.h"

#define PROTO_TOPICS_MAX     256 /* topics in one request */
#define PROTO_REQUEST_ID_MAX 64  /* bytes of a request_id that is a string */
#define PROTO_ECHO_MAX       128 /* bytes of a client's text in an error message */
#define PROTO_CLIENT_ID_MAX  128 /* bytes */

/* ---- requests -----------------------------------------------------------------------
 */

enum proto_request_kind {
    PROTO_SUBSCRIBE,
    PROTO_UNSUBSCRIBE,
    PROTO_PING,
    PROTO_GET_SUBSCRIPTIONS,
    PROTO_HEARTBEAT_RESPONSE,
};

/* The request_id as it is echoed: JSON text, empty if there was none. */
struct proto_request_id {
    size_t len;
    char json[6 * PROTO_REQUEST_ID_MAX + 3];
};

struct proto_topic {
    const char *text;
    size_t len;
};

/* What a subscription begins with. */
enum proto_begin {
    PROTO_BEGIN_DEFAULT,  /* nothing was said */
    PROTO_BEGIN_NOTHING,  /* "snapshot":false */
    PROTO_BEGIN_SNAPSHOT, /* "snapshot":true */
    PROTO_BEGIN_SINCE,    /* "since", whatever `snapshot` says */
};

struct proto_request {
    enum proto_request_kind kind;
    struct proto_request_id id;
    enum proto_begin begin; /* of a subscribe */
    bool no_snapshot;       /* whatever it begins with */
    struct feed_id since;   /* with PROTO_BEGIN_SINCE */
    size_t topic_count; /* 1..PROTO_TOPICS_MAX for the kinds that have topics, else 0 */
    struct proto_topic topics[PROTO_TOPICS_MAX]; /* until the next proto_parse() */
};

struct proto_parser;

struct proto_parser *proto_parser_create(void);
void proto_parser_destroy(struct proto_parser *parser);

/* Returns NULL and fills *out, or returns what is wrong with the message (a constant)
 * with only out->id set. A topic is any string here; its grammar is for the caller. */
const char *proto_parse(struct proto_parser *parser, const char *text, size_t len,
                        struct proto_request *out);

/* Returns true if the text may be a client_id: 1..128 bytes of UTF-8 without control
 * characters. */
bool proto_is_client_id(const char *text, size_t len);

/* ---- events -------------------------------------------------------------------------
 */

struct frame *proto_connection_ack(const char *client_id, uint64_t wall_us);
struct frame *proto_heartbeat(const char *client_id, uint64_t wall_us);
struct frame *proto_pong(const struct proto_request_id *id, uint64_t wall_us);

/* Whether a `since` could be met is said only where there was one. */
enum proto_recovered { PROTO_NOT_ASKED, PROTO_RECOVERED, PROTO_NOT_RECOVERED };

struct frame *proto_subscribe_ack(struct proto_topic topic,
                                  enum proto_recovered recovered,
                                  const struct proto_request_id *id, uint64_t wall_us);
struct frame *proto_unsubscribe_ack(struct proto_topic topic,
                                    const struct proto_request_id *id, uint64_t wall_us);
struct frame *proto_subscriptions_list(const struct proto_topic topics[], size_t count,
                                       const struct proto_request_id *id,
                                       uint64_t wall_us);

/* The feed's payload goes through byte for byte. */
struct frame *proto_data(struct proto_topic topic, const struct feed_message *data,
                         uint64_t wall_us);

/* The same message as a snapshot. `data` was made by proto_data(). */
struct frame *proto_snapshot(const struct frame *data, uint64_t wall_us);

/* Messages behind `after` are lost for good. */
struct frame *proto_gap(struct proto_topic topic, struct feed_id after, uint64_t wall_us);

/* The client has caught up; `dropped` messages were left out meanwhile. */
struct frame *proto_conflated(uint64_t dropped, uint64_t wall_us);

/* Whether what clients see may be old because Redis is away. */
struct frame *proto_status(bool degraded, uint64_t wall_us);

/* This gateway is about to go: come back in `after_ms`. */
struct frame *proto_reconnect(uint64_t after_ms, uint64_t wall_us);

enum proto_error {
    PROTO_INVALID_TOPIC,       /* `what` is the topic */
    PROTO_INVALID_MESSAGE,     /* `what` says what was expected */
    PROTO_SUBSCRIPTION_FAILED, /* `what` says why */
    PROTO_RATE_LIMITED,        /* `what` is left out */
};

struct frame *proto_error(enum proto_error error, const char *what, size_t what_len,
                          const struct proto_request_id *id, uint64_t wall_us);

#endif
