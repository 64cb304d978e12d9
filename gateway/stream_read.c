/* SPDX-License-Identifier: MIT */
#include "gateway/stream_read.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bus.h"

#define PAGE_FIRST 16  /* entries asked for before their size is known */
#define PAGE_MAX   128 /* entries in one answer */

struct stream_read {
    struct bus *bus;
    struct stream_read_range range;
    const struct stream_read_ops *ops;
    void *arg;
    size_t count;
    size_t bytes;
    struct feed_id last; /* the oldest so far, when there is one */
    size_t key_len;
    char key[FEED_KEY_MAX + 1];
};

static void end(struct stream_read *read, enum stream_read_end how, const char *why)
{
    read->ops->on_over(read->arg, how, why);
    free(read);
}

static bool is_full(const struct stream_read *read)
{
    return read->count >= read->range.max_entries || read->bytes >= read->range.max_bytes;
}

/* As many entries as there is room for, if the next are of the same size. */
static size_t page_of(const struct stream_read *read)
{
    size_t page = PAGE_FIRST;
    if (read->count > 0 && !is_full(read)) {
        const size_t mean = read->bytes / read->count + 1;
        const size_t fitting = (read->range.max_bytes - read->bytes) / mean + 1;
        page = fitting < PAGE_MAX ? fitting : PAGE_MAX;
    }
    const size_t left = read->range.max_entries - read->count;
    return left < page ? left : page;
}

/* Returns the payload, the value of the field `d`; NULL if the entry has none. */
static const char *payload_of(const struct bus_reply *fields, size_t *out_len)
{
    const size_t count =
        bus_reply_kind(fields) == BUS_REPLY_LIST ? bus_reply_count(fields) : 0;
    for (size_t i = 0; i + 1 < count; i += 2) {
        size_t len;
        const char *name = bus_reply_text(bus_reply_item(fields, i), &len);
        if (len == 1 && name[0] == 'd') {
            return bus_reply_text(bus_reply_item(fields, i + 1), out_len);
        }
    }
    return NULL;
}

/* An entry is [id, [field, value, …]]. Returns false if it is anything else. */
static bool read_id(const struct bus_reply *entry, struct feed_id *out)
{
    if (bus_reply_kind(entry) != BUS_REPLY_LIST || bus_reply_count(entry) != 2 ||
        bus_reply_kind(bus_reply_item(entry, 0)) != BUS_REPLY_TEXT) {
        return false;
    }
    size_t len;
    const char *text = bus_reply_text(bus_reply_item(entry, 0), &len);
    return feed_id_parse(text, len, out);
}

static bool ask_for_page(struct stream_read *read);

/* Returns false when the read is over. */
static bool take_entry(struct stream_read *read, const struct bus_reply *entry)
{
    if (!read_id(entry, &read->last)) {
        end(read, STREAM_READ_REFUSED, "it is no stream");
        return false;
    }
    size_t len = 0;
    const char *payload = payload_of(bus_reply_item(entry, 1), &len);
    read->count++;
    read->bytes += len;
    if (!read->ops->on_entry(read->arg, read->last, payload, len)) {
        end(read, STREAM_READ_LOST, NULL);
        return false;
    }
    return true;
}

static void on_page(void *arg, const struct bus_reply *reply)
{
    struct stream_read *read = arg;
    if (reply == NULL) {
        end(read, STREAM_READ_LOST, NULL);
        return;
    }
    if (bus_reply_kind(reply) == BUS_REPLY_ERROR) {
        size_t len;
        end(read, STREAM_READ_REFUSED, bus_reply_text(reply, &len));
        return;
    }
    const size_t asked = page_of(read);
    const size_t count =
        bus_reply_kind(reply) == BUS_REPLY_LIST ? bus_reply_count(reply) : 0;
    for (size_t i = 0; i < count && i < asked && !is_full(read); i++) {
        if (!take_entry(read, bus_reply_item(reply, i))) {
            return;
        }
    }
    if (is_full(read)) {
        end(read, STREAM_READ_CUT, NULL);
    } else if (count < asked) {
        end(read, STREAM_READ_WHOLE, NULL);
    } else if (!ask_for_page(read)) {
        end(read, STREAM_READ_LOST, NULL);
    }
}

static bool ask_for_page(struct stream_read *read)
{
    char newest[FEED_ID_TEXT_MAX + 2] = "+";
    char oldest[FEED_ID_TEXT_MAX + 1];
    char count[24];
    if (read->count > 0) {
        newest[0] = '('; /* what is before it */
        feed_id_format(newest + 1, read->last);
    }
    const size_t oldest_len = feed_id_format(oldest, read->range.from);
    const size_t count_len = (size_t)snprintf(count, sizeof(count), "%zu", page_of(read));
    const char *words[] = {"XREVRANGE", read->key, newest, oldest, "COUNT", count};
    const size_t lens[] = {9, read->key_len, strlen(newest), oldest_len, 5, count_len};
    return bus_command(read->bus, 6, words, lens, on_page, read);
}

bool stream_read_begin(struct bus *bus, const char *key, size_t key_len,
                       const struct stream_read_range *range,
                       const struct stream_read_ops *ops, void *arg)
{
    assert(key_len <= FEED_KEY_MAX && range->max_entries > 0 && range->max_bytes > 0);
    struct stream_read *read = calloc(1, sizeof(*read));
    if (read == NULL) {
        return false;
    }
    read->bus = bus;
    read->range = *range;
    read->ops = ops;
    read->arg = arg;
    read->key_len = key_len;
    memcpy(read->key, key, key_len);
    if (!ask_for_page(read)) {
        free(read);
        return false;
    }
    return true;
}
