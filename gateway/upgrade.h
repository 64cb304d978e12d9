/* upgrade — may this HTTP request become a WebSocket, and of which client.
 *
 * SPDX-License-Identifier: MIT
 *
 * libwebsockets parses the request but forgives much of what RFC 6455 section 4.2.1
 * demands, so all of that is checked here, before anything is upgraded.
 */
#ifndef GATEWAY_UPGRADE_H
#define GATEWAY_UPGRADE_H

#include <stddef.h>

#include "gateway/proto.h"
#include "gateway/stats.h"

struct lws;

struct upgrade {
    char client_id[PROTO_CLIENT_ID_MAX + 1];
    size_t client_id_len;
};

/* What is wrong with a request: everything its answer needs. */
struct upgrade_refusal {
    enum stats_refusal reason;
    unsigned status;           /* of HTTP */
    const char *error_code;    /* of the JSON body */
    const char *error_message; /* the same */
    const char *headers;       /* complete lines for the answer; "" for none */
};

/* Looks at the request's headers; `allowed_origins` as in the settings. Returns NULL and
 * fills *out, or what is wrong (a constant). */
const struct upgrade_refusal *upgrade_check(struct lws *wsi, const char *allowed_origins,
                                            struct upgrade *out);

/* Reads the client_id of a request that upgrade_check() let through. */
void upgrade_read_client_id(struct lws *wsi, struct upgrade *out);

/* The refusals that do not depend on the request. */
extern const struct upgrade_refusal upgrade_refused_full;
extern const struct upgrade_refusal upgrade_refused_address;
extern const struct upgrade_refusal upgrade_refused_no_redis;
extern const struct upgrade_refusal upgrade_refused_draining;

/* A request to the API that is no upgrade at all. */
const struct upgrade_refusal *upgrade_check_plain(struct lws *wsi);

#endif
