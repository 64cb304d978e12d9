/* SPDX-License-Identifier: MIT */
#include "gateway/relay.h"

#include <stdlib.h>
#include <string.h>

#include "common/feed.h"
#include "common/log.h"
#include "common/loop.h"
#include "gateway/clock.h"
#include "gateway/frame.h"
#include "gateway/history.h"
#include "gateway/proto.h"
#include "gateway/session.h"

#define LOG_EVERY_MS 10000 /* one line about bad payloads in this time */
#define TICK_MS      200

struct relay {
    struct loop *loop;
    struct relay_config config;
    size_t prefix_len;
    struct session_env *env;
    struct bus *bus;
    struct history *history;
    struct probe *probe;
    struct loop_timer *tick;
    bool was_connected;
    uint64_t logged_ms; /* when the last bad payload was logged */
};

/* ---- towards Redis ------------------------------------------------------------------
 */

bool relay_open_channel(void *arg, const char *topic, size_t len)
{
    const struct relay *relay = arg;
    char channel[FEED_CHANNEL_MAX];
    return bus_subscribe(relay->bus, channel,
                         feed_channel(channel, relay->config.channel_prefix, topic, len));
}

void relay_close_channel(void *arg, const char *topic, size_t len)
{
    const struct relay *relay = arg;
    char channel[FEED_CHANNEL_MAX];
    bus_unsubscribe(relay->bus, channel,
                    feed_channel(channel, relay->config.channel_prefix, topic, len));
}

/* Clients are told what this says when it changes. */
static void update_status(const struct relay *relay)
{
    struct session_env *env = relay->env;
    const bool degraded =
        relay->was_connected &&
        (bus_state(relay->bus) != BUS_CONNECTED || !hub_is_whole(env->hub));
    if (degraded != env->degraded) {
        env->degraded = degraded;
        log_info(degraded ? "degraded" : "live",
                 log_str("data", degraded ? "may be old" : "is whole again"));
    }
}

static void on_turn_end(void *arg)
{
    const struct relay *relay = arg;
    history_pump(relay->history);
    update_status(relay);
}

static void on_tick(void *arg)
{
    const struct relay *relay = arg;
    clock_read(relay->env);
    hub_tick(relay->env->hub, relay->env->now_ms);
    loop_timer_start(relay->tick, TICK_MS);
}

/* ---- from Redis ---------------------------------------------------------------------
 */

static void on_state(void *arg, enum bus_state state, const char *why)
{
    (void)why; /* the link has logged it */
    struct relay *relay = arg;
    if (state == BUS_CONNECTED) {
        relay->was_connected = true;
        probe_restart(relay->probe);
    }
}

static void on_lost(void *arg)
{
    const struct relay *relay = arg;
    hub_all_channels_lost(relay->env->hub);
}

static void on_subscribed(void *arg, const char *channel, size_t len)
{
    const struct relay *relay = arg;
    clock_read(relay->env);
    if (len > relay->prefix_len) {
        hub_channel_is_open(relay->env->hub, channel + relay->prefix_len,
                            len - relay->prefix_len);
    }
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
    if (probe_take(relay->probe, channel, channel_len)) {
        return;
    }
    clock_read(env);
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
    if (message.sequenced) {
        const struct sequence_item item = {
            .id = message.id, .prev = message.prev, .frame = frame};
        hub_message(env->hub, topic.text, topic.len, &item);
        stats_published(env->stats, message.id.ms);
    } else {
        hub_publish(env->hub, topic.text, topic.len, frame);
    }
    frame_unref(frame);
}

const struct bus_ops relay_bus_ops = {.on_state = on_state,
                                      .on_subscribed = on_subscribed,
                                      .on_lost = on_lost,
                                      .on_message = on_message};

/* ---- life ---------------------------------------------------------------------------
 */

struct relay *relay_create(struct loop *loop, const struct relay_config *config,
                           struct session_env *env)
{
    struct relay *relay = calloc(1, sizeof(*relay));
    if (relay == NULL) {
        return NULL;
    }
    relay->loop = loop;
    relay->config = *config;
    relay->prefix_len = strnlen(config->channel_prefix, FEED_PREFIX_MAX);
    relay->env = env;
    return relay;
}

bool relay_set_bus(struct relay *relay, struct bus *bus)
{
    const struct history_config history = {
        .channel_prefix = relay->config.channel_prefix,
        .max_payload_bytes = (size_t)relay->config.max_payload_bytes,
        .max_bytes = (size_t)relay->config.history_bytes,
    };
    relay->bus = bus;
    relay->history = history_create(&history, relay->env, bus);
    relay->probe = probe_create(relay->loop, bus, &relay->config.probe);
    relay->tick = loop_timer_create(relay->loop, on_tick, relay);
    if (relay->history == NULL || relay->probe == NULL || relay->tick == NULL) {
        return false;
    }
    loop_timer_start(relay->tick, TICK_MS);
    loop_at_turn_end(relay->loop, on_turn_end, relay);
    return true;
}

void relay_destroy(struct relay *relay)
{
    if (relay != NULL) {
        loop_timer_destroy(relay->tick);
        probe_destroy(relay->probe);
        history_destroy(relay->history);
        free(relay);
    }
}

uint64_t relay_probe_age_ms(const struct relay *relay)
{
    return probe_age_ms(relay->probe);
}

bool relay_was_connected(const struct relay *relay)
{
    return relay->was_connected;
}
