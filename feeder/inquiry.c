/* SPDX-License-Identifier: MIT */
#include "feeder/inquiry.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bus.h"
#include "common/feed.h"
#include "common/log.h"
#include "feeder/config.h"
#include "feeder/entry.h"
#include "feeder/marks.h"
#include "feeder/peer.h"
#include "feeder/refusal.h"

#define CHANNELS_MAX 100000 /* whose last ids are kept */
#define PAGE         "32"   /* entries in one answer */
#define PAGE_ENTRIES 32

/* A connection of ours. */
struct connection {
    struct peer peer;
    struct marks *marks; /* what was published over it, and before */
};

/* What XINFO STREAM tells. */
struct about {
    struct feed_id first; /* 0-0 if no entry has ever left the history */
    struct feed_id last;
};

struct inquiry {
    struct bus *bus;
    struct outbox *outbox;
    inquiry_over_fn on_over;
    void *arg;

    struct connection met;     /* the newest one */
    struct connection trusted; /* the one that messages were sent over last */
    bool complained;

    /* Of the channel that is being asked about. */
    struct feed_id base;
    struct feed_id read; /* up to here */
    struct feed_id end;  /* the last entry when reading began; ours are not behind it */
    bool read_all;       /* up to the end */
};

static const struct feed_id nowhere = {UINT64_MAX, UINT64_MAX};
static const char no_history[] = "ERR no such key";
static const char strange[] = "not the answer that was expected";
static const char too_many[] = "too many commands are under way";

static bool command(struct inquiry *inquiry, size_t argc, const char *argv[],
                    bus_reply_fn fn)
{
    size_t lens[8];
    assert(argc <= sizeof(lens) / sizeof(lens[0]));
    for (size_t i = 0; i < argc; i++) {
        lens[i] = strlen(argv[i]);
    }
    return bus_command(inquiry->bus, argc, argv, lens, fn, inquiry);
}

/* NULL if it is no error. */
static const char *error_of(const struct bus_reply *reply)
{
    size_t len;
    return bus_reply_kind(reply) == BUS_REPLY_ERROR ? bus_reply_text(reply, &len) : NULL;
}

static void complain(struct inquiry *inquiry, const char *text)
{
    if (!inquiry->complained) {
        inquiry->complained = true;
        const struct refusal *refusal = refusal_find(text);
        const bool hint = refusal != NULL && refusal->hint != NULL;
        log_error("redis does not tell what it published, lost answers stay unknown",
                  log_str("why", hint ? refusal->hint : text), log_str("redis", text));
    }
}

static bool is_passing(const char *text)
{
    const struct refusal *refusal = refusal_find(text);
    return refusal != NULL && !refusal->lasting;
}

/* ---- meeting ------------------------------------------------------------------------
 */

static void on_client_info(void *arg, const struct bus_reply *reply)
{
    struct inquiry *inquiry = arg;
    if (reply == NULL) {
        return;
    }
    const char *error = error_of(reply);
    if (error != NULL && !is_passing(error)) {
        complain(inquiry, error);
    }
    if (bus_reply_kind(reply) != BUS_REPLY_TEXT) {
        return;
    }
    size_t len;
    (void)peer_read_info(&inquiry->met.peer, bus_reply_text(reply, &len));
}

static uint64_t read_number(const struct bus_reply *reply)
{
    size_t len;
    return bus_reply_kind(reply) == BUS_REPLY_TEXT
               ? strtoull(bus_reply_text(reply, &len), NULL, 10)
               : 0;
}

/* Seconds, and the microseconds of the second. Without it the floor is the beginning of
 * the history, where older messages with the same payload might be taken for ours. */
static void on_time(void *arg, const struct bus_reply *reply)
{
    struct inquiry *inquiry = arg;
    if (reply == NULL || bus_reply_kind(reply) != BUS_REPLY_LIST ||
        bus_reply_count(reply) != 2) {
        return;
    }
    const uint64_t ms = read_number(bus_reply_item(reply, 0)) * 1000 +
                        read_number(bus_reply_item(reply, 1)) / 1000;
    if (ms > 0) {
        marks_restart(inquiry->met.marks, (struct feed_id){ms - 1, UINT64_MAX});
    }
}

bool inquiry_meet(struct inquiry *inquiry)
{
    inquiry->met.peer.id[0] = '\0';
    marks_restart(inquiry->met.marks, (struct feed_id){0, 0});
    const char *who[] = {"CLIENT", "INFO"};
    const char *when[] = {"TIME"};
    return command(inquiry, 2, who, on_client_info) && command(inquiry, 1, when, on_time);
}

void inquiry_trust(struct inquiry *inquiry)
{
    assert(outbox_doubt(inquiry->outbox) == NULL);
    const struct connection old = inquiry->trusted;
    inquiry->trusted = inquiry->met;
    inquiry->met = old;
}

void inquiry_note(struct inquiry *inquiry, const struct outbox_message *message,
                  const char *id, size_t len)
{
    struct feed_id parsed;
    if (feed_id_parse(id, len, &parsed)) {
        marks_set(inquiry->trusted.marks, message->bytes, message->channel_len, parsed);
    }
}

/* ---- asking -------------------------------------------------------------------------
 */

static void next_channel(struct inquiry *inquiry);

static void over(struct inquiry *inquiry, const char *refusal)
{
    inquiry->on_over(inquiry->arg, refusal);
}

/* What is sent to the channel from now on will be behind what was read. */
static void judge(struct inquiry *inquiry, struct feed_id oldest)
{
    const struct outbox_message *doubt = outbox_doubt(inquiry->outbox);
    if (inquiry->end.ms > 0) {
        marks_set(inquiry->met.marks, doubt->bytes, doubt->channel_len, inquiry->end);
    }
    outbox_judge(inquiry->outbox, inquiry->base, oldest);
    next_channel(inquiry);
}

/* Redis does not tell about this channel. */
static void give_up(struct inquiry *inquiry, const char *text)
{
    if (is_passing(text)) {
        over(inquiry, text);
        return;
    }
    complain(inquiry, text);
    judge(inquiry, nowhere);
}

static const char *write_key(const struct inquiry *inquiry, char key[FEED_KEY_MAX + 1])
{
    const struct outbox_message *doubt = outbox_doubt(inquiry->outbox);
    const size_t len =
        feed_history_key(key, FEED_KEY_MAX + 1, doubt->bytes, doubt->channel_len);
    assert(len > 0);
    (void)len;
    return key;
}

static bool is_named(const struct bus_reply *reply, const char *name)
{
    size_t len;
    return bus_reply_kind(reply) == BUS_REPLY_TEXT &&
           strcmp(bus_reply_text(reply, &len), name) == 0;
}

/* Names and values in turn: https://redis.io/docs/latest/commands/xinfo-stream/ */
static bool read_about(const struct bus_reply *reply, struct about *out)
{
    int64_t length = -1;
    int64_t added = -2;
    bool complete = false;
    out->first = nowhere;
    const size_t count =
        bus_reply_kind(reply) == BUS_REPLY_LIST ? bus_reply_count(reply) : 0;
    for (size_t i = 0; i + 1 < count; i += 2) {
        const struct bus_reply *name = bus_reply_item(reply, i);
        const struct bus_reply *value = bus_reply_item(reply, i + 1);
        if (is_named(name, "length")) {
            length = bus_reply_integer(value);
        } else if (is_named(name, "entries-added")) {
            added = bus_reply_integer(value);
        } else if (is_named(name, "last-generated-id")) {
            complete = entry_read_id(value, &out->last);
        } else if (is_named(name, "first-entry")) {
            struct entry first;
            if (entry_read(value, &first)) {
                out->first = first.id;
            }
        }
    }
    if (length == added) {
        out->first = (struct feed_id){0, 0};
    }
    return complete;
}

static void ask_about(struct inquiry *inquiry);
static void on_page(void *arg, const struct bus_reply *reply);

static void read_page(struct inquiry *inquiry)
{
    char key[FEED_KEY_MAX + 1];
    char from[1 + FEED_ID_TEXT_MAX + 1] = "(";
    char to[FEED_ID_TEXT_MAX + 1];
    feed_id_format(from + 1, inquiry->read);
    feed_id_format(to, inquiry->end);
    const char *words[] = {"XRANGE", write_key(inquiry, key), from, to, "COUNT", PAGE};
    if (!command(inquiry, 6, words, on_page)) {
        over(inquiry, too_many);
    }
}

/* Returns false if this is no entry. */
static bool show(struct inquiry *inquiry, const struct bus_reply *reply)
{
    struct entry entry;
    if (!entry_read(reply, &entry)) {
        return false;
    }
    inquiry->read = entry.id;
    if (entry.payload != NULL) {
        outbox_seen(inquiry->outbox, entry.id, entry.payload, entry.payload_len);
    }
    return true;
}

static void on_page(void *arg, const struct bus_reply *reply)
{
    struct inquiry *inquiry = arg;
    if (reply == NULL) {
        return;
    }
    if (bus_reply_kind(reply) != BUS_REPLY_LIST) {
        const char *error = error_of(reply);
        give_up(inquiry, error == NULL ? strange : error);
        return;
    }
    const size_t count = bus_reply_count(reply);
    for (size_t i = 0; i < count; i++) {
        if (!show(inquiry, bus_reply_item(reply, i))) {
            give_up(inquiry, strange);
            return;
        }
    }
    if (outbox_all_seen(inquiry->outbox)) {
        judge(inquiry, inquiry->base);
    } else if (count == PAGE_ENTRIES) {
        read_page(inquiry);
    } else {
        inquiry->read_all = true;
        ask_about(inquiry);
    }
}

/* Asked twice: before reading, for the end, and after it, for what has left the history
 * meanwhile. */
static void on_about(void *arg, const struct bus_reply *reply)
{
    struct inquiry *inquiry = arg;
    if (reply == NULL) {
        return;
    }
    struct about about;
    const char *error = error_of(reply);
    if (error != NULL && strncmp(error, no_history, sizeof(no_history) - 1) == 0) {
        judge(inquiry, (struct feed_id){0, 0});
    } else if (error != NULL || !read_about(reply, &about)) {
        give_up(inquiry, error == NULL ? strange : error);
    } else if (inquiry->read_all) {
        judge(inquiry, about.first);
    } else {
        inquiry->end = about.last;
        read_page(inquiry);
    }
}

static void ask_about(struct inquiry *inquiry)
{
    char key[FEED_KEY_MAX + 1];
    const char *words[] = {"XINFO", "STREAM", write_key(inquiry, key)};
    if (!command(inquiry, 3, words, on_about)) {
        over(inquiry, too_many);
    }
}

static void next_channel(struct inquiry *inquiry)
{
    const struct outbox_message *doubt = outbox_doubt(inquiry->outbox);
    if (doubt == NULL) {
        over(inquiry, NULL);
        return;
    }
    inquiry->base = marks_get(inquiry->trusted.marks, doubt->bytes, doubt->channel_len);
    inquiry->read = inquiry->base;
    inquiry->end = (struct feed_id){0, 0};
    inquiry->read_all = false;
    ask_about(inquiry);
}

/* The lost connection cannot be closed: it may yet bring what we are asking about. */
static void give_up_all(struct inquiry *inquiry)
{
    while (outbox_doubt(inquiry->outbox) != NULL) {
        outbox_judge(inquiry->outbox, (struct feed_id){0, 0}, nowhere);
    }
    over(inquiry, NULL);
}

static void on_closed(void *arg, const struct bus_reply *reply)
{
    struct inquiry *inquiry = arg;
    if (reply == NULL) {
        return;
    }
    const char *error = error_of(reply);
    if (error == NULL) {
        next_channel(inquiry);
    } else if (is_passing(error)) {
        over(inquiry, error);
    } else {
        complain(inquiry, error);
        give_up_all(inquiry);
    }
}

void inquiry_begin(struct inquiry *inquiry)
{
    const struct peer *lost = &inquiry->trusted.peer;
    outbox_lost(inquiry->outbox); /* begin anew with a channel half seen */
    if (lost->id[0] == '\0') {
        complain(inquiry, strange);
        give_up_all(inquiry);
        return;
    }
    const char *words[] = {"CLIENT", "KILL", "ID", lost->id, "ADDR", lost->address};
    if (!command(inquiry, 6, words, on_closed)) {
        over(inquiry, too_many);
    }
}

/* ---- life ---------------------------------------------------------------------------
 */

struct inquiry *inquiry_create(struct bus *bus, struct outbox *outbox,
                               inquiry_over_fn on_over, void *arg)
{
    struct inquiry *inquiry = calloc(1, sizeof(*inquiry));
    if (inquiry == NULL) {
        return NULL;
    }
    inquiry->bus = bus;
    inquiry->outbox = outbox;
    inquiry->on_over = on_over;
    inquiry->arg = arg;
    inquiry->met.marks = marks_create(CHANNELS_MAX);
    inquiry->trusted.marks = marks_create(CHANNELS_MAX);
    if (inquiry->met.marks == NULL || inquiry->trusted.marks == NULL) {
        inquiry_destroy(inquiry);
        return NULL;
    }
    return inquiry;
}

void inquiry_destroy(struct inquiry *inquiry)
{
    if (inquiry != NULL) {
        marks_destroy(inquiry->met.marks);
        marks_destroy(inquiry->trusted.marks);
        free(inquiry);
    }
}
