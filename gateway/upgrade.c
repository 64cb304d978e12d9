/* SPDX-License-Identifier: MIT */
#include "gateway/upgrade.h"

#include <stdbool.h>
#include <string.h>

#include "gateway/origins.h"

#define PATH_PREFIX "/api/v1/ws/"
#define KEY_LEN     24 /* sixteen bytes in base64 */
#define RETRY_AFTER "Retry-After: 5\r\n"
#define SPEAK_13    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"

static const struct upgrade_refusal refused_path = {
    STATS_REFUSED_PATH, 404, "not_found", "connect to /api/v1/ws/{client_id}", ""};
static const struct upgrade_refusal refused_client_id = {
    STATS_REFUSED_CLIENT_ID, 400, "invalid_client_id",
    "client_id must be 1 to 128 bytes of UTF-8 without control characters", ""};
static const struct upgrade_refusal refused_delivery = {
    STATS_REFUSED_HANDSHAKE, 400, "invalid_delivery", "delivery is latest or all", ""};
static const struct upgrade_refusal refused_plain = {
    STATS_REFUSED_HANDSHAKE, 426, "upgrade_required",
    "this is a WebSocket: connect with a GET request that asks to upgrade to websocket",
    SPEAK_13};
static const struct upgrade_refusal refused_handshake = {
    STATS_REFUSED_HANDSHAKE, 400, "invalid_handshake",
    "not a WebSocket handshake as in RFC 6455 section 4.2.1", ""};
static const struct upgrade_refusal refused_version = {
    STATS_REFUSED_VERSION, 426, "unsupported_version", "Sec-WebSocket-Version must be 13",
    SPEAK_13};
static const struct upgrade_refusal refused_origin = {
    STATS_REFUSED_ORIGIN, 403, "origin_not_allowed",
    "pages of this origin may not connect here", ""};
const struct upgrade_refusal upgrade_refused_full = {
    STATS_REFUSED_FULL, 503, "full", "this gateway has no place left", RETRY_AFTER};
const struct upgrade_refusal upgrade_refused_address = {
    STATS_REFUSED_ADDRESS_LIMIT, 429, "too_many_connections",
    "too many connections from your address", RETRY_AFTER};
const struct upgrade_refusal upgrade_refused_no_redis = {
    STATS_REFUSED_NO_REDIS, 503, "not_ready", "this gateway has not reached Redis yet",
    RETRY_AFTER};
const struct upgrade_refusal upgrade_refused_draining = {
    STATS_REFUSED_DRAINING, 503, "draining", "this gateway is shutting down",
    RETRY_AFTER};

/* Sixteen bytes in base64; the bits of the last digit that say nothing may be set. */
static bool is_key(struct request_text key)
{
    static const char base64[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (key.len != KEY_LEN || memcmp(key.bytes + KEY_LEN - 2, "==", 2) != 0) {
        return false;
    }
    for (size_t i = 0; i < KEY_LEN - 2; i++) {
        if (key.bytes[i] == '\0' || strchr(base64, key.bytes[i]) == NULL) {
            return false;
        }
    }
    return true;
}

static bool is_handshake(const struct request *request, struct request_text *out_key)
{
    struct request_text host;
    return request->is_http_1_1 && request_get_header(request, "Host", &host) &&
           request_header_lists(request, "Connection", "upgrade") &&
           request_get_header(request, "Sec-WebSocket-Key", out_key) && is_key(*out_key);
}

static bool is_version_13(const struct request *request)
{
    struct request_text version;
    return request_get_header(request, "Sec-WebSocket-Version", &version) &&
           request_text_is(version, "13");
}

/* Returns what stands behind the API's path, still encoded; false if the path is another
 * one. An encoded slash does not end a segment. */
static bool find_segment(const struct request *request, struct request_text *out)
{
    const struct request_text path = request->raw_path;
    const size_t prefix = sizeof(PATH_PREFIX) - 1;
    if (path.len <= prefix || memcmp(path.bytes, PATH_PREFIX, prefix) != 0) {
        return false;
    }
    *out = (struct request_text){.bytes = path.bytes + prefix, .len = path.len - prefix};
    return memchr(out->bytes, '/', out->len) == NULL;
}

static bool read_client_id(struct request_text segment, struct upgrade *out)
{
    char decoded[REQUEST_PATH_MAX];
    size_t len;
    if (!request_decode(segment, decoded, &len) || !proto_is_client_id(decoded, len)) {
        return false;
    }
    memcpy(out->client_id, decoded, len);
    out->client_id_len = len;
    return true;
}

/* Returns false if ?delivery= has another value than it may have. */
static bool read_delivery(const struct request *request, struct upgrade *out)
{
    struct request_text delivery;
    if (!request_get_parameter(request, "delivery", &delivery)) {
        out->wants_all = false;
        return true;
    }
    out->wants_all = request_text_is(delivery, "all");
    return out->wants_all || request_text_is(delivery, "latest");
}

const struct upgrade_refusal *upgrade_check(const struct request *request,
                                            const char *allowed_origins,
                                            struct upgrade *out)
{
    struct request_text segment;
    if (!find_segment(request, &segment)) {
        return &refused_path;
    }
    if (!read_client_id(segment, out)) {
        return &refused_client_id;
    }
    if (!read_delivery(request, out)) {
        return &refused_delivery;
    }
    if (!request_text_is(request->method, "GET") ||
        !request_header_lists(request, "Upgrade", "websocket")) {
        return &refused_plain;
    }
    if (!is_version_13(request)) {
        return &refused_version;
    }
    if (!is_handshake(request, &out->key)) {
        return &refused_handshake;
    }
    return origins_allow(request, allowed_origins) ? NULL : &refused_origin;
}
