/* SPDX-License-Identifier: MIT */
#include "gateway/relay.h"

#include <stdlib.h>
#include <string.h>

#include "common/feed.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/topic.h"
#include "gateway/frame.h"
#include "gateway/proto.h"
#include "gateway/session.h"

#define LOG_EVERY_MS 10000 /* one line about bad payloads in this time */

struct relay {
    struct relay_config config;
    size_t prefix_len;
    struct session_env *env;
    struct bus *bus;
    bool was_connected;
    uint64_t logged_ms; /* when the last bad payload was logged */
};

/* ---- towards Redis ------------------------------------------------------------------
 */

struct channel {
    char name[RELAY_PREFIX_MAX + TOPIC_MAX];
    size_t len;
};

static struct channel channel_of(const struct relay *relay, const char *topic, size_t len)
{
    struct channel channel = {.len = relay->prefix_len + len};
    memcpy(channel.name, relay->config.channel_prefix, relay->prefix_len);
    memcpy(channel.name + relay->prefix_len, topic, len);
    return channel;
}

bool relay_open_channel(void *arg, const char *topic, size_t len)
{
    const struct relay *relay = arg;
    const struct channel channel = channel_of(relay, topic, len);
    return bus_subscribe(relay->bus, channel.name, channel.len);
}

void relay_close_channel(void *arg, const char *topic, size_t len)
{
    const struct relay *relay = arg;
    const struct channel channel = channel_of(relay, topic, len);
    bus_unsubscribe(relay->bus, channel.name, channel.len);
}

/* ---- from Redis ---------------------------------------------------------------------
 */

static void set_clock(const struct relay *relay)
{
    relay->env->now_ms = loop_now_ms();
    relay->env->wall_us = loop_wall_us();
}

static void on_state(void *arg, enum bus_state state, const char *why)
{
    (void)why; /* the link has logged it */
    struct relay *relay = arg;
    relay->was_connected = relay->was_connected || state == BUS_CONNECTED;
}

static void on_lost(void *arg)
{
    const struct relay *relay = arg;
    hub_all_channels_lost(relay->env->hub);
}

static void on_subscribed(void *arg, const char *channel, size_t len)
{
    const struct relay *relay = arg;
    set_clock(relay);
    hub_channel_is_open(relay->env->hub, channel + relay->prefix_len,
                        len - relay->prefix_len);
}

static void reject(struct relay *relay, const char *channel, size_t len, const char *why)
{
    struct stats *stats = relay->env->stats;
    stats->payloads_rejected_total++;
    if (relay->logged_ms == 0 || relay->env->now_ms - relay->logged_ms > LOG_EVERY_MS) {
        relay->logged_ms = relay->env->now_ms;
        log_warn("payload rejected", log_text("channel", channel, len),
                 log_str("why", why),
                 log_int("rejected_so_far", (int64_t)stats->payloads_rejected_total));
    }
}

/* Returns why the message may not be passed on, or NULL with *out filled. */
static const char *examine(const struct relay *relay, const char *payload, size_t len,
                           struct feed_message *out)
{
    if (len > (size_t)relay->config.max_payload_bytes) {
        return "too long";
    }
    switch (feed_parse(payload, len, out)) {
    case FEED_OK:
        return NULL;
    case FEED_BAD_ENVELOPE:
        return "neither a JSON object nor a sequenced message";
    case FEED_BAD_PAYLOAD:
        return "not one JSON object in UTF-8";
    }
    return "unknown";
}

static void on_message(void *arg, const char *channel, size_t channel_len,
                       const char *payload, size_t payload_len)
{
    struct relay *relay = arg;
    struct session_env *env = relay->env;
    set_clock(relay);
    env->stats->redis_messages_total++;
    env->stats->redis_bytes_total += payload_len;
    const struct proto_topic topic = {.text = channel + relay->prefix_len,
                                      .len = channel_len - relay->prefix_len};
    if (!hub_wants(env->hub, topic.text, topic.len)) {
        return; /* the last holder has just left */
    }
    struct feed_message message;
    const char *fault = examine(relay, payload, payload_len, &message);
    if (fault != NULL) {
        reject(relay, channel, channel_len, fault);
        return;
    }
    struct frame *frame = proto_data(topic, &message, env->wall_us);
    if (frame == NULL) {
        reject(relay, channel, channel_len, "out of memory");
        return;
    }
    hub_publish(env->hub, topic.text, topic.len, frame);
    frame_unref(frame);
}

const struct bus_ops relay_bus_ops = {.on_state = on_state,
                                      .on_subscribed = on_subscribed,
                                      .on_lost = on_lost,
                                      .on_message = on_message};

/* ---- life ---------------------------------------------------------------------------
 */

struct relay *relay_create(const struct relay_config *config, struct session_env *env)
{
    struct relay *relay = calloc(1, sizeof(*relay));
    if (relay == NULL) {
        return NULL;
    }
    relay->config = *config;
    relay->prefix_len = strnlen(config->channel_prefix, RELAY_PREFIX_MAX);
    relay->env = env;
    return relay;
}

void relay_set_bus(struct relay *relay, struct bus *bus)
{
    relay->bus = bus;
}

void relay_destroy(struct relay *relay)
{
    free(relay);
}

bool relay_was_connected(const struct relay *relay)
{
    return relay->was_connected;
}
