/* SPDX-License-Identifier: MIT */
#include "gateway/upgrade.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <libwebsockets.h>

#define PATH_PREFIX    "/api/v1/ws/"
#define HEADER_MAX     256
#define KEY_LEN        24  /* sixteen bytes in base64 */
#define CONNECTION_MAX 126 /* libwebsockets hangs up on a longer Connection header */
#define RETRY_AFTER    "Retry-After: 5\r\n"

static const struct upgrade_refusal refused_path = {
    STATS_REFUSED_PATH, 404, "not_found", "connect to /api/v1/ws/{client_id}", ""};
static const struct upgrade_refusal refused_client_id = {
    STATS_REFUSED_CLIENT_ID, 400, "invalid_client_id",
    "client_id must be 1 to 128 bytes of UTF-8 without control characters", ""};
static const struct upgrade_refusal refused_handshake = {
    STATS_REFUSED_HANDSHAKE, 400, "invalid_handshake",
    "not a WebSocket handshake as in RFC 6455 section 4.2.1", ""};
static const struct upgrade_refusal refused_subprotocol = {
    STATS_REFUSED_HANDSHAKE, 400, "invalid_handshake",
    "no subprotocol is spoken here: leave Sec-WebSocket-Protocol out", ""};
static const struct upgrade_refusal refused_version = {
    STATS_REFUSED_VERSION, 426, "unsupported_version", "Sec-WebSocket-Version must be 13",
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"};
static const struct upgrade_refusal refused_origin = {
    STATS_REFUSED_ORIGIN, 403, "origin_not_allowed",
    "pages of this origin may not connect here", ""};
static const struct upgrade_refusal refused_plain = {
    STATS_REFUSED_HANDSHAKE, 426, "upgrade_required",
    "this is a WebSocket: connect with an Upgrade request",
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"};
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

/* Copies a header; false if it is missing or longer than fits. */
static bool copy_header(struct lws *wsi, enum lws_token_indexes token, char *out,
                        size_t size)
{
    return lws_hdr_total_length(wsi, token) > 0 &&
           lws_hdr_copy(wsi, out, (int)size, token) > 0;
}

static bool header_is(struct lws *wsi, enum lws_token_indexes token, const char *text)
{
    char value[HEADER_MAX];
    return copy_header(wsi, token, value, sizeof(value)) && strcasecmp(value, text) == 0;
}

/* Is `word` one of the words of a comma-separated list? */
static bool list_has(const char *list, const char *word)
{
    const size_t len = strlen(word);
    for (const char *at = list; *at != '\0'; at += strcspn(at, ",")) {
        at += strspn(at, ", \t");
        const size_t item = strcspn(at, ", \t");
        if (item == len && strncasecmp(at, word, len) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_key(const char *key)
{
    static const char base64[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return strlen(key) == KEY_LEN && strspn(key, base64) == KEY_LEN - 2 &&
           strcmp(key + KEY_LEN - 2, "==") == 0;
}

static bool is_handshake(struct lws *wsi)
{
    char value[HEADER_MAX];
    return lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0 &&
           header_is(wsi, WSI_TOKEN_HTTP, "HTTP/1.1") &&
           header_is(wsi, WSI_TOKEN_UPGRADE, "websocket") &&
           lws_hdr_total_length(wsi, WSI_TOKEN_HOST) > 0 &&
           copy_header(wsi, WSI_TOKEN_CONNECTION, value, CONNECTION_MAX) &&
           list_has(value, "upgrade") &&
           copy_header(wsi, WSI_TOKEN_KEY, value, sizeof(value)) && is_key(value);
}

static bool is_origin_allowed(struct lws *wsi, const char *allowed_origins)
{
    char origin[HEADER_MAX];
    if (allowed_origins[0] == '\0' || lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) == 0) {
        return true; /* only browsers have origins */
    }
    return copy_header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof(origin)) &&
           list_has(allowed_origins, origin);
}

/* Returns the path's last segment if the path is that of the API, or NULL. The path is
 * percent-decoded and without its query. */
static const char *client_segment(struct lws *wsi, size_t *out_len)
{
    char *path = NULL;
    int path_len = 0;
    if (lws_http_get_uri_and_method(wsi, &path, &path_len) < 0 || path == NULL) {
        return NULL;
    }
    const size_t len = (size_t)path_len;
    const size_t prefix = sizeof(PATH_PREFIX) - 1;
    if (len <= prefix || memcmp(path, PATH_PREFIX, prefix) != 0 ||
        memchr(path + prefix, '/', len - prefix) != NULL) {
        return NULL;
    }
    *out_len = len - prefix;
    return path + prefix;
}

const struct upgrade_refusal *upgrade_check(struct lws *wsi, const char *allowed_origins,
                                            struct upgrade *out)
{
    size_t len;
    const char *client_id = client_segment(wsi, &len);
    if (client_id == NULL) {
        return &refused_path;
    }
    if (!proto_is_client_id(client_id, len)) {
        return &refused_client_id;
    }
    if (!is_handshake(wsi)) {
        return &refused_handshake;
    }
    if (!header_is(wsi, WSI_TOKEN_VERSION, "13")) {
        return &refused_version;
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) > 0) {
        return &refused_subprotocol;
    }
    if (!is_origin_allowed(wsi, allowed_origins)) {
        return &refused_origin;
    }
    memcpy(out->client_id, client_id, len);
    out->client_id[len] = '\0';
    out->client_id_len = len;
    return NULL;
}

void upgrade_read_client_id(struct lws *wsi, struct upgrade *out)
{
    size_t len = 0;
    const char *client_id = client_segment(wsi, &len);
    out->client_id_len = len <= PROTO_CLIENT_ID_MAX ? len : PROTO_CLIENT_ID_MAX;
    memcpy(out->client_id, client_id, out->client_id_len);
    out->client_id[out->client_id_len] = '\0';
}

const struct upgrade_refusal *upgrade_check_plain(struct lws *wsi)
{
    size_t len;
    return client_segment(wsi, &len) == NULL ? &refused_path : &refused_plain;
}
