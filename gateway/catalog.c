/* SPDX-License-Identifier: MIT */
#include "gateway/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "common/bus.h"
#include "common/feed.h"
#include "common/log.h"
#include "gateway/clock.h"
#include "gateway/hub.h"
#include "gateway/session.h"

#define SLICE      "500" /* keys that Redis looks at for one answer */
#define SLICES_MAX 10000 /* of one scan: five million keys */
#define CURSOR_MAX 20    /* digits of 64 bits */

struct catalog {
    struct catalog_config config;
    struct session_env *env;
    struct bus *bus;
    struct topic_list *known;  /* NULL before the first look */
    uint64_t known_ms;         /* when it was put together */
    bool is_complete;          /* Redis was scanned for it */
    bool has_failed;           /* the newest scan has */
    bool is_logged;            /* a refusal was, and no scan has been carried out since */
    struct topic_list *coming; /* being put together; NULL when no scan is under way */
    size_t slices;
    uint64_t tried_ms; /* when it was last time to find out more */
    char pattern[FEED_PATTERN_MAX + 1];
};

/* ---- what the gateway has seen itself -----------------------------------------------
 */

static void add_own(void *arg, const char *topic, size_t len)
{
    if (!topic_list_is_cut(arg)) {
        (void)topic_list_add(arg, topic, len);
    }
}

static struct topic_list *list_own(const struct catalog *catalog)
{
    struct topic_list *list = topic_list_create(catalog->config.max_topics);
    if (list != NULL) {
        hub_each_fed(catalog->env->hub, add_own, list);
        topic_list_settle(list);
    }
    return list;
}

/* Nothing happens if `list` is NULL, for lack of memory. */
static void publish(struct catalog *catalog, struct topic_list *list, bool is_complete)
{
    if (list != NULL) {
        topic_list_settle(list);
        topic_list_destroy(catalog->known);
        catalog->known = list;
        catalog->known_ms = catalog->env->now_ms;
        catalog->is_complete = is_complete;
    }
}

/* ---- what Redis has -----------------------------------------------------------------
 */

static bool ask_for_slice(struct catalog *catalog, const char *cursor, size_t len);

static void finish(struct catalog *catalog)
{
    struct topic_list *list = catalog->coming;
    catalog->coming = NULL;
    catalog->has_failed = false;
    catalog->is_logged = false;
    publish(catalog, list, true);
}

/* A list that was complete once is better than a part of a newer one. */
static void fail(struct catalog *catalog)
{
    struct topic_list *list = catalog->coming;
    catalog->coming = NULL;
    catalog->has_failed = true;
    if (catalog->is_complete) {
        topic_list_destroy(list);
    } else {
        publish(catalog, list, false);
    }
}

/* Returns false when the list is full. */
static bool add_keys(const struct catalog *catalog, const struct bus_reply *keys)
{
    const size_t head = sizeof("history:{") - 1 + strlen(catalog->config.channel_prefix);
    const size_t count =
        bus_reply_kind(keys) == BUS_REPLY_LIST ? bus_reply_count(keys) : 0;
    for (size_t i = 0; i < count; i++) {
        const struct bus_reply *key = bus_reply_item(keys, i);
        size_t len = 0;
        const char *text =
            bus_reply_kind(key) == BUS_REPLY_TEXT ? bus_reply_text(key, &len) : "";
        if (len > head && !topic_list_add(catalog->coming, text + head, len - head - 1)) {
            return false;
        }
    }
    return true;
}

static void refuse(struct catalog *catalog, const struct bus_reply *reply)
{
    size_t len = 0;
    const char *why = bus_reply_kind(reply) == BUS_REPLY_ERROR
                          ? bus_reply_text(reply, &len)
                          : "the answer is no slice of a scan";
    if (!catalog->is_logged) {
        log_warn("topics can't be listed from Redis", log_str("why", why),
                 log_str("instead", "those this gateway has seen"));
    }
    catalog->is_logged = true;
    fail(catalog);
}

static void on_slice(void *arg, const struct bus_reply *reply)
{
    struct catalog *catalog = arg;
    if (reply == NULL) {
        fail(catalog);
        return;
    }
    clock_read(catalog->env);
    if (bus_reply_kind(reply) != BUS_REPLY_LIST || bus_reply_count(reply) != 2 ||
        bus_reply_kind(bus_reply_item(reply, 0)) != BUS_REPLY_TEXT) {
        refuse(catalog, reply);
        return;
    }
    size_t len;
    const char *cursor = bus_reply_text(bus_reply_item(reply, 0), &len);
    const bool is_last = len == 1 && cursor[0] == '0';
    const bool has_room = add_keys(catalog, bus_reply_item(reply, 1));
    if (is_last || !has_room || catalog->slices == SLICES_MAX) {
        if (!is_last) {
            topic_list_cut(catalog->coming);
        }
        finish(catalog);
    } else if (!ask_for_slice(catalog, cursor, len)) {
        fail(catalog);
    }
}

static bool ask_for_slice(struct catalog *catalog, const char *cursor, size_t len)
{
    const char *words[] = {"SCAN",  cursor, "MATCH", catalog->pattern,
                           "COUNT", SLICE,  "TYPE",  "stream"};
    const size_t lens[] = {4, len, 5, strlen(catalog->pattern), 5, sizeof(SLICE) - 1,
                           4, 6};
    catalog->slices++;
    return len <= CURSOR_MAX &&
           bus_command(catalog->bus, 8, words, lens, on_slice, catalog);
}

static void find_out_more(struct catalog *catalog)
{
    catalog->tried_ms = catalog->env->now_ms;
    if (!catalog->is_complete) {
        publish(catalog, list_own(catalog), false);
    }
    catalog->coming = list_own(catalog);
    catalog->slices = 0;
    if (catalog->coming != NULL && !ask_for_slice(catalog, "0", 1)) {
        fail(catalog);
    }
}

/* ---- looking ------------------------------------------------------------------------
 */

const struct topic_list *catalog_look(struct catalog *catalog,
                                      struct topic_page_state *out_state)
{
    clock_read(catalog->env);
    const uint64_t now_ms = catalog->env->now_ms;
    if (catalog->coming == NULL &&
        (catalog->known == NULL ||
         now_ms - catalog->tried_ms >= catalog->config.refresh_ms)) {
        find_out_more(catalog);
    }
    const bool is_away = bus_state(catalog->bus) != BUS_CONNECTED;
    if (catalog->known == NULL ||
        (is_away && !catalog->is_complete && topic_list_count(catalog->known) == 0)) {
        return NULL;
    }
    *out_state = (struct topic_page_state){
        .is_complete = catalog->is_complete,
        .is_stale = is_away || (catalog->is_complete && catalog->has_failed),
        .age_ms = now_ms - catalog->known_ms,
    };
    return catalog->known;
}

/* ---- life ---------------------------------------------------------------------------
 */

struct catalog *catalog_create(const struct catalog_config *config,
                               struct session_env *env, struct bus *bus)
{
    struct catalog *catalog = calloc(1, sizeof(*catalog));
    if (catalog != NULL) {
        catalog->config = *config;
        catalog->env = env;
        catalog->bus = bus;
        feed_history_pattern(catalog->pattern, config->channel_prefix);
    }
    return catalog;
}

void catalog_destroy(struct catalog *catalog)
{
    if (catalog != NULL) {
        topic_list_destroy(catalog->known);
        topic_list_destroy(catalog->coming);
        free(catalog);
    }
}
