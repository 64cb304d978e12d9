/* SPDX-License-Identifier: MIT */
#include "gateway/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bus.h"
#include "common/feed.h"
#include "common/log.h"
#include "gateway/clock.h"
#include "gateway/frame.h"
#include "gateway/hub.h"
#include "gateway/proto.h"
#include "gateway/session.h"
#include "gateway/stream_read.h"

#define READS_MAX    64  /* under way */
#define ITEMS_FIRST  16  /* room for entries, doubled when it is full */
#define PAUSE_MS     100 /* after Redis said it can't answer just now */
#define LOG_EVERY_MS 10000

struct history {
    struct history_config config;
    struct session_env *env;
    struct bus *bus;
    size_t under_way;
    uint64_t paused_until_ms;
    uint64_t logged_ms; /* when a refusal was */
};

/* One topic's history on its way, the newest entry first. */
struct pull {
    struct history *history;
    struct hub_read read;
    struct sequence_item *items;
    size_t count;
    size_t capacity;
    bool is_cut; /* there may be more than was read */
};

static void free_pull(struct pull *pull)
{
    for (size_t i = 0; i < pull->count; i++) {
        frame_unref(pull->items[i].frame);
    }
    pull->history->under_way--;
    free(pull->items);
    free(pull);
}

/* ---- entries ------------------------------------------------------------------------
 */

/* NULL for what no client may see. */
static struct frame *encode(const struct pull *pull, struct feed_id id,
                            const char *payload, size_t len)
{
    const struct history *history = pull->history;
    if (payload == NULL || len > history->config.max_payload_bytes ||
        !feed_is_payload(payload, len)) {
        history->env->stats->payloads_rejected_total++;
        return NULL;
    }
    const struct feed_message message = {
        .sequenced = true, .id = id, .payload = payload, .payload_len = len};
    const struct proto_topic topic = {.text = pull->read.topic, .len = pull->read.len};
    return proto_data(topic, &message, history->env->wall_us);
}

static bool reserve_one(struct pull *pull)
{
    if (pull->count < pull->capacity) {
        return true;
    }
    const size_t capacity = pull->capacity == 0 ? ITEMS_FIRST : 2 * pull->capacity;
    struct sequence_item *items = realloc(pull->items, capacity * sizeof(*items));
    if (items == NULL) {
        return false;
    }
    pull->items = items;
    pull->capacity = capacity;
    return true;
}

static bool on_entry(void *arg, struct feed_id id, const char *payload, size_t len)
{
    struct pull *pull = arg;
    if (!reserve_one(pull)) {
        return false;
    }
    clock_read(pull->history->env);
    const struct sequence_item item = {.id = id, .frame = encode(pull, id, payload, len)};
    pull->items[pull->count++] = item;
    return true;
}

/* ---- reads --------------------------------------------------------------------------
 */

static bool ask_for_entries(struct pull *pull);
static bool ask_for_lengths(struct pull *pull);
static bool ask_for_newest(struct pull *pull);

static size_t key_of(const struct pull *pull, char out[FEED_KEY_MAX + 1])
{
    char channel[FEED_CHANNEL_MAX];
    const size_t len = feed_channel(channel, pull->history->config.channel_prefix,
                                    pull->read.topic, pull->read.len);
    return feed_history_key(out, FEED_KEY_MAX + 1, channel, len);
}

static void reverse(struct sequence_item items[], size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        const struct sequence_item item = items[i];
        items[i] = items[count - 1 - i];
        items[count - 1 - i] = item;
    }
}

static void finish(struct pull *pull)
{
    if (pull->count == 0 && ask_for_newest(pull)) {
        return;
    }
    if (pull->read.asks_whole && pull->count > 0) {
        pull->read.asks_whole = false;
        if (ask_for_lengths(pull)) {
            return;
        }
    }
    reverse(pull->items, pull->count);
    hub_history(pull->history->env->hub, &pull->read, pull->items, pull->count);
    free_pull(pull);
}

static void lose(struct pull *pull)
{
    hub_read_lost(pull->history->env->hub, &pull->read);
    free_pull(pull);
}

/* The field of a flat list [name, value, …]; -1 if there is none. */
static int64_t number_of(const struct bus_reply *fields, const char *name)
{
    for (size_t i = 0; i + 1 < bus_reply_count(fields); i += 2) {
        size_t len;
        const struct bus_reply *value = bus_reply_item(fields, i + 1);
        const char *text = bus_reply_text(bus_reply_item(fields, i), &len);
        if (len == strlen(name) && memcmp(text, name, len) == 0 &&
            bus_reply_kind(value) == BUS_REPLY_INTEGER) {
            return bus_reply_integer(value);
        }
    }
    return -1;
}

/* https://redis.io/docs/latest/commands/xinfo-stream/ */
static void on_lengths(void *arg, const struct bus_reply *reply)
{
    struct pull *pull = arg;
    clock_read(pull->history->env);
    if (reply == NULL) {
        lose(pull);
        return;
    }
    if (bus_reply_kind(reply) == BUS_REPLY_LIST) {
        const int64_t added = number_of(reply, "entries-added");
        pull->read.is_whole = added >= 0 && added == number_of(reply, "length");
    }
    finish(pull);
}

static bool ask_for_lengths(struct pull *pull)
{
    char key[FEED_KEY_MAX + 1];
    const char *words[] = {"XINFO", "STREAM", key};
    const size_t lens[] = {5, 6, key_of(pull, key)};
    return !pull->is_cut &&
           bus_command(pull->history->bus, 3, words, lens, on_lengths, pull);
}

/* There is nothing from where it was to be read: is there anything? */
static bool ask_for_newest(struct pull *pull)
{
    const struct feed_id beginning = {0};
    if (feed_id_compare(pull->read.from, beginning) == 0) {
        return false;
    }
    pull->read.from = beginning;
    pull->read.max = 1;
    return ask_for_entries(pull);
}

/* Returns true if Redis may answer the same question soon. */
static bool is_passing(const char *error)
{
    static const char *const codes[] = {"LOADING", "BUSY", "TRYAGAIN", "MASTERDOWN",
                                        "CLUSTERDOWN"};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (strncmp(error, codes[i], strlen(codes[i])) == 0) {
            return true;
        }
    }
    return false;
}

static void refuse(struct pull *pull, const char *error)
{
    struct history *history = pull->history;
    const uint64_t now_ms = history->env->now_ms;
    if (is_passing(error)) {
        history->paused_until_ms = now_ms + PAUSE_MS;
        lose(pull);
        return;
    }
    if (history->logged_ms == 0 || now_ms - history->logged_ms > LOG_EVERY_MS) {
        history->logged_ms = now_ms;
        log_error("a history can't be read",
                  log_text("topic", pull->read.topic, pull->read.len),
                  log_str("why", error));
    }
    hub_no_history(history->env->hub, &pull->read);
    free_pull(pull);
}

static void on_over(void *arg, enum stream_read_end end, const char *why)
{
    struct pull *pull = arg;
    clock_read(pull->history->env);
    pull->is_cut = end == STREAM_READ_CUT;
    switch (end) {
    case STREAM_READ_WHOLE:
    case STREAM_READ_CUT:
        finish(pull);
        break;
    case STREAM_READ_LOST:
        lose(pull);
        break;
    case STREAM_READ_REFUSED:
        refuse(pull, why);
        break;
    }
}

static bool ask_for_entries(struct pull *pull)
{
    static const struct stream_read_ops ops = {.on_entry = on_entry, .on_over = on_over};
    const struct stream_read_range range = {.from = pull->read.from,
                                            .max_entries = pull->read.max,
                                            .max_bytes = pull->history->config.max_bytes};
    char key[FEED_KEY_MAX + 1];
    return stream_read_begin(pull->history->bus, key, key_of(pull, key), &range, &ops,
                             pull);
}

void history_pump(struct history *history)
{
    struct hub *hub = history->env->hub;
    struct hub_read read;
    while (history->under_way < READS_MAX && bus_state(history->bus) == BUS_CONNECTED &&
           history->env->now_ms >= history->paused_until_ms &&
           hub_next_read(hub, &read)) {
        struct pull *pull = calloc(1, sizeof(*pull));
        if (pull == NULL) {
            hub_read_lost(hub, &read);
            return;
        }
        pull->history = history;
        pull->read = read;
        history->under_way++;
        if (!ask_for_entries(pull)) {
            lose(pull);
            return;
        }
    }
}

struct history *history_create(const struct history_config *config,
                               struct session_env *env, struct bus *bus)
{
    struct history *history = calloc(1, sizeof(*history));
    if (history != NULL) {
        history->config = *config;
        history->env = env;
        history->bus = bus;
    }
    return history;
}

void history_destroy(struct history *history)
{
    free(history);
}
