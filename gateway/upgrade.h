/* upgrade — may this HTTP request become a WebSocket, and of which client.
 *
 * SPDX-License-Identifier: MIT
 *
 * Checks all that RFC 6455 section 4.2.1 demands of a handshake, and our own rules: the
 * path, the client_id, the origin.
 */
#ifndef GATEWAY_UPGRADE_H
#define GATEWAY_UPGRADE_H

#include "gateway/proto.h"
#include "gateway/request.h"
#include "gateway/stats.h"

struct upgrade {
    char client_id[PROTO_CLIENT_ID_MAX];
    size_t client_id_len;
    bool wants_all;          /* ?delivery=all; the default is latest */
    struct request_text key; /* Sec-WebSocket-Key; points into the request's bytes */
};

/* What is wrong with a request: everything its answer needs. */
struct upgrade_refusal {
    enum stats_refusal reason;
    unsigned status;           /* of HTTP */
    const char *error_code;    /* of the JSON body */
    const char *error_message; /* the same */
    const char *headers;       /* complete lines for the answer; "" for none */
};

/* Returns NULL and fills *out, or what is wrong (a constant). `allowed_origins` as in the
 * settings. A subprotocol that is offered is not selected, as the RFC allows. */
const struct upgrade_refusal *upgrade_check(const struct request *request,
                                            const char *allowed_origins,
                                            struct upgrade *out);

/* The refusals that do not depend on the request. */
extern const struct upgrade_refusal upgrade_refused_full;
extern const struct upgrade_refusal upgrade_refused_address;
extern const struct upgrade_refusal upgrade_refused_no_redis;
extern const struct upgrade_refusal upgrade_refused_draining;

#endif
