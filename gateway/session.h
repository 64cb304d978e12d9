/* session — one client: what it asks, what it is told, and when it must go.
 *
 *              input, ping, pong            end, or the client's close frame
 *      OPEN ───────────────────────▶ OPEN ─────────▶ CLOSING ─────────▶ OVER
 *                                                    (close frame        (the connection
 *                                                     queued or sent)     is to be cut)
 *
 * SPDX-License-Identifier: MIT
 *
 * Owns the client's queue, its subscriptions and its place in the close handshake. It
 * knows no socket and no clock: bytes come in through session_input(), frames go out
 * through the queue, time stands in the environment.
 *
 * Answers about topics leave in the order of the requests. One that waits for Redis holds
 * back those behind it, for subscribe_timeout_ms at most; everything else is answered at
 * once.
 */
#ifndef GATEWAY_SESSION_H
#define GATEWAY_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/bucket.h"
#include "gateway/hub.h"
#include "gateway/outq.h"
#include "gateway/reader.h"
#include "gateway/stats.h"

struct proto_parser;

/* The bounds of protocol section "Limits"; each one a setting. */
struct session_limits {
    int64_t max_message_bytes;
    int64_t max_topics;
    struct bucket_limits requests;
    int64_t flood_limit; /* refused requests in a row */
    int64_t backlog_soft_bytes;
    int64_t backlog_hard_bytes;
    int64_t backlog_age_ms;
    int64_t ping_interval_ms; /* 0: no pings */
    int64_t pong_timeout_ms;
    int64_t heartbeat_interval_ms; /* 0: no heartbeats */
    int64_t subscribe_timeout_ms;
    int64_t close_timeout_ms;
};

/* What all sessions of a process share. */
struct session_env {
    struct session_limits limits;
    struct hub *hub;
    struct proto_parser *parser;
    struct stats *stats;
    size_t queued_bytes; /* of all sessions; kept by their queues */
    uint64_t now_ms;     /* monotonic; set before any call below */
    uint64_t wall_us;    /* since 1970, UTC; set before any call below */
    bool degraded;       /* Redis is away, or not everything is whole again */

    /* The session has something to send or is over: look at it before the turn ends. May
     * come from within a fan-out. */
    void (*wake)(void *arg);
};

enum session_state { SESSION_OPEN, SESSION_CLOSING, SESSION_OVER };

struct session_answer; /* an answer that waits for Redis */

struct session {
    struct session_env *env;
    void *arg; /* for wake */
    struct hub_client client;
    struct outq queue;
    struct reader reader;
    struct session_answer *first_answer;
    struct session_answer *last_answer;
    char *client_id;
    struct bucket bucket; /* of requests */
    uint64_t skipped;     /* messages left out since the client was told last */
    uint64_t left_out;    /* messages left out since the beginning */
    uint64_t heartbeat_due_ms;
    uint64_t ping_due_ms;
    uint64_t deadline_ms; /* of the pong when OPEN, of the close when CLOSING; or 0 */
    uint64_t blocked_since_ms; /* the socket takes no more since then; or 0 */
    uint32_t refused_in_row;
    uint8_t state;    /* enum session_state */
    uint8_t reason;   /* enum stats_end, when not OPEN */
    bool wants_all;   /* nothing is left out: ?delivery=all */
    bool deaf;        /* the stream is broken or over: input is thrown away */
    bool peer_closed; /* the client has sent its close frame */
};

/* Starts a session in memory of the caller's and queues its connection_ack. `client_id`
 * must be valid, and is copied; `wants_all` turns conflation off. Returns false when out
 * of memory, with nothing to finish.
 */
bool session_init(struct session *session, struct session_env *env, void *arg,
                  const char *client_id, size_t len, bool wants_all);

/* Leaves the hub and frees everything; counts why the session ended. */
void session_finish(struct session *session);

/* Bytes from the client's socket. */
void session_input(struct session *session, const unsigned char *bytes, size_t len);

/* The client's side of the connection has ended. */
void session_input_ended(struct session *session);

/* Whether the socket has taken everything it was given. */
void session_set_blocked(struct session *session, bool blocked);

/* The queue is empty and the socket has taken everything. */
void session_all_sent(struct session *session);

/* Begins to end the session with the reason's close code. An OPEN session only; later
 * calls change nothing. */
void session_end(struct session *session, enum stats_end reason);

/* Queues a frame that is the same for all clients; NULL stands for a lack of memory. */
void session_tell(struct session *session, struct frame *frame);

/* Asks the client to come back in `after_ms`, to whichever gateway, and ends the session.
 */
void session_reconnect(struct session *session, uint64_t after_ms);

/* Looks at the clock: heartbeats, pings, deadlines. To be called a few times a second. */
void session_tick(struct session *session);

/* The hub's callbacks; `owner` is a session. */
void session_deliver(void *owner, struct frame *frame, const void *topic);
void session_ready(void *owner);

#endif
