/* SPDX-License-Identifier: MIT */
#include "dialect.h"

#include <stdio.h>
#include <string.h>

#include "payload.h"

#define STARTS(text, len, prefix) \
    ((len) >= sizeof(prefix) - 1 && memcmp((text), (prefix), sizeof(prefix) - 1) == 0)

static uint32_t plan_topic(const struct plan *plan, uint32_t client, uint32_t k)
{
    return (client + k * plan->step) % plan->topics;
}

int plan_slot(const struct plan *plan, uint32_t first, uint32_t topic)
{
    const uint32_t ahead = topic >= first ? topic - first : topic + plan->topics - first;
    return topic < plan->topics && ahead % plan->step == 0 ? (int)(ahead / plan->step)
                                                           : -1;
}

bool dialect_find(const char *name, enum dialect *out)
{
    static const char *const names[] = {"json", "socketio", "raw"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (enum dialect)i;
            return true;
        }
    }
    return false;
}

/* The client's topics, each between two quotation marks of the caller's choice. */
static size_t list_topics(const struct plan *plan, uint32_t client, const char *quote,
                          char *out)
{
    size_t len = 0;
    for (uint32_t k = 0; k < plan->per_client; k++) {
        char name[PAYLOAD_TOPIC_NAME_MAX];
        payload_topic_name(name, plan_topic(plan, client, k));
        len += (size_t)snprintf(out + len, DIALECT_TEXT_MAX / 2 - len, "%s%s%s%s",
                                k == 0 ? "" : ",", quote, name, quote);
    }
    return len;
}

size_t dialect_request(enum dialect dialect, const struct plan *plan, uint32_t client,
                       char out[DIALECT_TEXT_MAX])
{
    char path[DIALECT_TEXT_MAX / 2] = "/socket.io/?EIO=4&transport=websocket";
    if (dialect == DIALECT_JSON) {
        snprintf(path, sizeof(path), "/api/v1/ws/bench-%u", client);
    } else if (dialect == DIALECT_RAW) {
        memcpy(path, "/sub/", 5);
        path[5 + list_topics(plan, client, "", path + 5)] = '\0';
    }
    return (size_t)snprintf(out, DIALECT_TEXT_MAX,
                            "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                            path);
}

size_t dialect_subscribe(enum dialect dialect, const struct plan *plan, uint32_t client,
                         char out[DIALECT_TEXT_MAX])
{
    char topics[DIALECT_TEXT_MAX / 2];
    list_topics(plan, client, "\"", topics);
    return (size_t)snprintf(out, DIALECT_TEXT_MAX,
                            dialect == DIALECT_SOCKETIO
                                ? "42[\"subscribe\",[%s]]"
                                : "{\"type\":\"subscribe\",\"topics\":[%s]}",
                            topics);
}

const char *dialect_hello(void)
{
    return "40";
}

const char *dialect_pong(void)
{
    return "3";
}

uint32_t dialect_acks(enum dialect dialect, const struct plan *plan)
{
    return dialect == DIALECT_RAW        ? 0
           : dialect == DIALECT_SOCKETIO ? 1
                                         : plan->per_client;
}

/* The payload is the whole message, or it begins with the first brace after the start. */
const char *dialect_payload(const char *text, size_t len)
{
    const char *at = text;
    if (!STARTS(text, len, PAYLOAD_HEAD)) {
        at = len < 2 ? NULL : memchr(text + 1, '{', len - 1);
    }
    if (at == NULL || (size_t)(text + len - at) < PAYLOAD_LEN + 1 ||
        !STARTS(at, len, PAYLOAD_HEAD)) {
        return NULL;
    }
    return at;
}

static enum dialect_event read_socketio(const char *text, size_t len)
{
    if (STARTS(text, len, "42[\"subscribe_ack\"")) {
        return DIALECT_ACK;
    }
    if (STARTS(text, len, "40")) {
        return DIALECT_OPEN;
    }
    if (STARTS(text, len, "44")) {
        return DIALECT_ERROR;
    }
    if (STARTS(text, len, "0")) {
        return DIALECT_GREETED;
    }
    return STARTS(text, len, "2") ? DIALECT_PING : DIALECT_OTHER;
}

enum dialect_event dialect_read(enum dialect dialect, const char *text, size_t len)
{
    if (dialect == DIALECT_SOCKETIO) {
        return read_socketio(text, len);
    }
    if (STARTS(text, len, "{\"type\":\"subscribe_ack\"")) {
        return DIALECT_ACK;
    }
    if (STARTS(text, len, "{\"type\":\"connection_ack\"")) {
        return DIALECT_OPEN;
    }
    return STARTS(text, len, "{\"type\":\"error\"") ? DIALECT_ERROR : DIALECT_OTHER;
}
