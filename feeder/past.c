/* SPDX-License-Identifier: MIT */
#include "feeder/past.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bus.h"
#include "common/feed.h"
#include "common/log.h"
#include "common/loop.h"
#include "feeder/entry.h"
#include "feeder/refusal.h"

#define SYMBOL_TOPICS 10 /* nine bars and a summary */
#define SCAN_COUNT    "1000"
#define PAGE          "32" /* entries in one answer */
#define PAGE_ENTRIES  32
#define CURSOR_MAX    20 /* a 64-bit number */
#define KEYS_FIRST    1024

/* What Redis answered about one topic, until its turn comes. */
struct answer {
    struct feed_id id;
    char *payload; /* NULL if there is none */
    size_t len;
};

enum step { SCANNING, READING };

struct past {
    struct bus *bus;
    const char *prefix;
    const struct past_ops *ops;
    void *arg;
    size_t max;

    enum step step;
    size_t pending;    /* commands under way, without the */
    size_t stale;      /* ones whose answers nobody waits for */
    uint64_t began_ms; /* monotonic */
    char cursor[CURSOR_MAX + 1];

    char **keys;
    size_t count;
    size_t room;

    /* Of the keys, so many: done <= got <= sent <= done + PAST_PENDING_MAX. */
    size_t done;
    size_t got;
    size_t sent;
    struct answer answers[PAST_PENDING_MAX]; /* of those from `done` to `got` */

    /* The topic at `done`, while more of it is wanted. */
    bool paging;
    size_t entries;
    char before[1 + FEED_ID_TEXT_MAX + 1]; /* this id: "(1-0" */
};

static const char too_many[] = "too many commands are under way";

static bool command(struct past *past, size_t argc, const char *argv[], bus_reply_fn fn)
{
    size_t lens[8];
    assert(argc <= sizeof(lens) / sizeof(lens[0]));
    for (size_t i = 0; i < argc; i++) {
        lens[i] = strlen(argv[i]);
    }
    if (!bus_command(past->bus, argc, argv, lens, fn, past)) {
        return false;
    }
    past->pending++;
    return true;
}

/* Commands are answered in their order, so the first answers are the stale ones. Returns
 * false if nobody waits for this one. */
static bool is_awaited(struct past *past, const struct bus_reply *reply)
{
    if (past->stale > 0) {
        past->stale--;
        return false;
    }
    assert(past->pending > 0);
    past->pending--;
    return reply != NULL;
}

static void refuse(struct past *past, const char *why)
{
    past->stale += past->pending;
    past->pending = 0;
    past->ops->on_over(past->arg, why);
}

/* Returns true if Redis refused: what else is wrong with a key is no reason to wait. */
static bool is_refused(struct past *past, const struct bus_reply *reply)
{
    size_t len;
    if (bus_reply_kind(reply) != BUS_REPLY_ERROR) {
        return false;
    }
    const char *text = bus_reply_text(reply, &len);
    if (refusal_find(text) == NULL) {
        return false;
    }
    refuse(past, text);
    return true;
}

/* ---- reading ------------------------------------------------------------------------
 */

static void forget_answers(struct past *past)
{
    for (size_t i = 0; i < PAST_PENDING_MAX; i++) {
        free(past->answers[i].payload);
        past->answers[i].payload = NULL;
    }
}

static void finish(struct past *past)
{
    log_info("histories read", log_int("topics", (int64_t)past->count),
             log_int("ms", (int64_t)(loop_now_ms() - past->began_ms)));
    past_restart(past);
    past->ops->on_over(past->arg, NULL);
}

/* Returns true if the entry before it is wanted. */
static bool hand_over(struct past *past, const char *payload, size_t len)
{
    const char *key = past->keys[past->done];
    struct topic topic;
    if (!feed_history_topic(key, strlen(key), past->prefix, &topic)) {
        return false;
    }
    past->entries++;
    return past->ops->on_entry(past->arg, &topic, payload, len) &&
           past->entries < PAST_ENTRIES_MAX;
}

static void on_page(void *arg, const struct bus_reply *reply);

/* Returns false if that could not be sent. */
static bool read_page(struct past *past)
{
    const char *words[] = {
        "XREVRANGE", past->keys[past->done], past->before, "-", "COUNT", PAGE};
    past->paging = true;
    return command(past, 6, words, on_page);
}

static void set_before(struct past *past, struct feed_id id)
{
    past->before[0] = '(';
    feed_id_format(past->before + 1, id);
}

/* Hands over what has come, in its order. Returns false if a command could not be sent.
 */
static bool hand_over_all(struct past *past)
{
    while (past->done < past->got && !past->paging) {
        struct answer *answer = &past->answers[past->done % PAST_PENDING_MAX];
        past->entries = 0;
        const bool more =
            answer->payload != NULL && hand_over(past, answer->payload, answer->len);
        free(answer->payload);
        answer->payload = NULL;
        if (!more) {
            past->done++;
            continue;
        }
        set_before(past, answer->id);
        if (!read_page(past)) {
            return false;
        }
    }
    return true;
}

static void on_newest(void *arg, const struct bus_reply *reply);

static bool ask_on(struct past *past)
{
    while (past->sent < past->count && past->sent - past->done < PAST_PENDING_MAX &&
           past->pending < PAST_PENDING_MAX) {
        const char *words[] = {"XREVRANGE", past->keys[past->sent], "+", "-", "COUNT",
                               "1"};
        if (!command(past, 6, words, on_newest)) {
            return false;
        }
        past->sent++;
    }
    return true;
}

static void go_on(struct past *past)
{
    if (!hand_over_all(past) || !ask_on(past)) {
        refuse(past, too_many);
    } else if (past->done == past->count) {
        finish(past);
    }
}

/* When out of memory the topic is passed over. */
static void keep(struct past *past, const struct bus_reply *reply)
{
    struct answer *answer = &past->answers[past->got % PAST_PENDING_MAX];
    struct entry entry;
    if (bus_reply_kind(reply) == BUS_REPLY_LIST && bus_reply_count(reply) == 1 &&
        entry_read(bus_reply_item(reply, 0), &entry) && entry.payload != NULL) {
        answer->payload = malloc(entry.payload_len + 1);
        if (answer->payload != NULL) {
            memcpy(answer->payload, entry.payload, entry.payload_len + 1);
            answer->len = entry.payload_len;
            answer->id = entry.id;
        }
    }
    past->got++;
}

static void on_newest(void *arg, const struct bus_reply *reply)
{
    struct past *past = arg;
    if (!is_awaited(past, reply) || is_refused(past, reply)) {
        return;
    }
    keep(past, reply);
    go_on(past);
}

static void on_page(void *arg, const struct bus_reply *reply)
{
    struct past *past = arg;
    if (!is_awaited(past, reply) || is_refused(past, reply)) {
        return;
    }
    const size_t count =
        bus_reply_kind(reply) == BUS_REPLY_LIST ? bus_reply_count(reply) : 0;
    bool more = count > 0;
    for (size_t i = 0; i < count && more; i++) {
        struct entry entry;
        more = entry_read(bus_reply_item(reply, i), &entry);
        if (more) {
            set_before(past, entry.id);
        }
        if (more && entry.payload != NULL) {
            more = hand_over(past, entry.payload, entry.payload_len);
        }
    }
    past->paging = false;
    if (more && count == PAGE_ENTRIES) {
        if (!read_page(past)) {
            refuse(past, too_many);
        }
        return;
    }
    past->done++;
    go_on(past);
}

static void read_on(struct past *past)
{
    forget_answers(past);
    past->step = READING;
    past->got = past->done;
    past->sent = past->done;
    if (past->paging) { /* it was lost in the middle of a topic */
        past->got++;
        past->sent++;
        if (!read_page(past)) {
            refuse(past, too_many);
            return;
        }
    }
    go_on(past);
}

/* ---- looking for them ---------------------------------------------------------------
 */

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* SCAN may show a key more than once. */
static void drop_repeated(struct past *past)
{
    if (past->count == 0) {
        return;
    }
    qsort(past->keys, past->count, sizeof(past->keys[0]), compare_keys);
    size_t kept = 1;
    for (size_t i = 1; i < past->count; i++) {
        if (strcmp(past->keys[i], past->keys[kept - 1]) == 0) {
            free(past->keys[i]);
        } else {
            past->keys[kept++] = past->keys[i];
        }
    }
    past->count = kept;
}

static void forget_keys(struct past *past)
{
    for (size_t i = 0; i < past->count; i++) {
        free(past->keys[i]);
    }
    past->count = 0;
}

static bool make_room(struct past *past)
{
    if (past->count < past->room) {
        return true;
    }
    const size_t room = past->room == 0 ? KEYS_FIRST : past->room * 2;
    char **keys = realloc(past->keys, room * sizeof(keys[0]));
    if (keys == NULL) {
        return false;
    }
    past->keys = keys;
    past->room = room;
    return true;
}

/* Returns false if there are too many. */
static bool add_key(struct past *past, const char *text, size_t len)
{
    struct topic topic;
    if (strlen(text) != len || !feed_history_topic(text, len, past->prefix, &topic)) {
        return true;
    }
    if (past->count == past->max) {
        drop_repeated(past);
    }
    if (past->count == past->max || !make_room(past)) {
        return false;
    }
    past->keys[past->count] = strdup(text);
    if (past->keys[past->count] == NULL) {
        return false;
    }
    past->count++;
    return true;
}

static void scan(struct past *past);

static void begin_to_read(struct past *past)
{
    drop_repeated(past);
    past->done = 0;
    past->paging = false;
    read_on(past);
}

static void on_scanned(void *arg, const struct bus_reply *reply)
{
    struct past *past = arg;
    if (!is_awaited(past, reply) || is_refused(past, reply)) {
        return;
    }
    size_t len = 0;
    const char *cursor = "0";
    bool full = false;
    if (bus_reply_kind(reply) == BUS_REPLY_LIST && bus_reply_count(reply) == 2 &&
        bus_reply_kind(bus_reply_item(reply, 0)) == BUS_REPLY_TEXT &&
        bus_reply_kind(bus_reply_item(reply, 1)) == BUS_REPLY_LIST) {
        cursor = bus_reply_text(bus_reply_item(reply, 0), &len);
        const struct bus_reply *keys = bus_reply_item(reply, 1);
        for (size_t i = 0; i < bus_reply_count(keys) && !full; i++) {
            const struct bus_reply *key = bus_reply_item(keys, i);
            const char *text = bus_reply_text(key, &len);
            full = !add_key(past, text, len);
        }
    }
    if (full) {
        log_warn("too many histories, the others are not read",
                 log_int("max", (int64_t)past->max));
    }
    if (full || strcmp(cursor, "0") == 0) {
        begin_to_read(past);
    } else {
        snprintf(past->cursor, sizeof(past->cursor), "%s", cursor);
        scan(past);
    }
}

static void scan(struct past *past)
{
    char pattern[FEED_PATTERN_MAX + 1];
    feed_history_pattern(pattern, past->prefix);
    const char *words[] = {"SCAN",  past->cursor, "MATCH", pattern,
                           "COUNT", SCAN_COUNT,   "TYPE",  "stream"};
    if (!command(past, 8, words, on_scanned)) {
        refuse(past, too_many);
    }
}

/* ---- life ---------------------------------------------------------------------------
 */

struct past *past_create(struct bus *bus, const struct feeder_config *config,
                         const struct past_ops *ops, void *arg)
{
    struct past *past = calloc(1, sizeof(*past));
    if (past != NULL) {
        past->bus = bus;
        past->prefix = config->channel_prefix;
        past->max = (size_t)config->max_symbols * SYMBOL_TOPICS;
        past->ops = ops;
        past->arg = arg;
    }
    return past;
}

void past_restart(struct past *past)
{
    forget_keys(past);
    forget_answers(past);
    past->step = SCANNING;
}

void past_destroy(struct past *past)
{
    if (past != NULL) {
        past_restart(past);
        free(past->keys);
        free(past);
    }
}

void past_read(struct past *past)
{
    past->stale += past->pending;
    past->pending = 0;
    if (past->step == READING) {
        read_on(past);
        return;
    }
    past_restart(past);
    past->began_ms = loop_now_ms();
    memcpy(past->cursor, "0", sizeof("0"));
    scan(past);
}
