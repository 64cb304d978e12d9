/* dialect — how the servers under test want to be spoken to, as texts.
 * SPDX-License-Identifier: MIT
 *
 * json: the gateway's own protocol, also spoken by our `ws` and uWebSockets.js servers.
 * socketio: Engine.IO 4 and Socket.IO 5 over WebSocket text messages.
 * raw: the topics are in the path and every message is a payload (nchan, and the
 * ceiling).
 */
#ifndef BENCH_DIALECT_H
#define BENCH_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIALECT_TEXT_MAX 4096

enum dialect { DIALECT_JSON, DIALECT_SOCKETIO, DIALECT_RAW };

/* Who holds which topics: client i the topics i, i + step, i + 2 step …, so that each
 * topic is held equally often. */
struct plan {
    uint32_t topics;
    uint32_t per_client;
    uint32_t step; /* topics / per_client, without a rest */
};

/* Where a topic stands among those of a client whose first one is `first`; -1 if it is
 * none of them. */
int plan_slot(const struct plan *plan, uint32_t first, uint32_t topic);

enum dialect_event {
    DIALECT_GREETED, /* to be answered with dialect_hello() */
    DIALECT_OPEN,    /* to be answered with dialect_subscribe() */
    DIALECT_ACK,
    DIALECT_PING, /* to be answered with dialect_pong() */
    DIALECT_ERROR,
    DIALECT_OTHER,
};

/* Returns whether there is a dialect of that name. */
bool dialect_find(const char *name, enum dialect *out);

/* The HTTP request of a client. Returns its length. */
size_t dialect_request(enum dialect dialect, const struct plan *plan, uint32_t client,
                       char out[DIALECT_TEXT_MAX]);

/* The answer to dialect_request() must have this line: the key is RFC 6455's example. */
#define DIALECT_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

/* Subscribes to all topics of a client in one message. Returns its length. */
size_t dialect_subscribe(enum dialect dialect, const struct plan *plan, uint32_t client,
                         char out[DIALECT_TEXT_MAX]);

const char *dialect_hello(void);
const char *dialect_pong(void);

/* How many DIALECT_ACK answer it. */
uint32_t dialect_acks(enum dialect dialect, const struct plan *plan);

/* Where the payload begins in a message that carries one; NULL if it carries none. */
const char *dialect_payload(const char *text, size_t len);

/* What a message without a payload is. */
enum dialect_event dialect_read(enum dialect dialect, const char *text, size_t len);

#endif
