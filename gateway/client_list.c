/* SPDX-License-Identifier: MIT */
#include "gateway/client_list.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "gateway/proto.h"

struct client_list {
    size_t max;
    size_t count;
    size_t offered;
    struct client_entry heap[]; /* none is worse than the two that it is the parent of */
};

struct client_list *client_list_create(size_t max)
{
    assert(max > 0 && max <= CLIENT_LIST_MAX);
    struct client_list *list = calloc(1, sizeof(*list) + max * sizeof(list->heap[0]));
    if (list != NULL) {
        list->max = max;
    }
    return list;
}

void client_list_destroy(struct client_list *list)
{
    free(list);
}

/* ---- the heap -----------------------------------------------------------------------
 */

static bool is_worse(const struct client_entry *one, const struct client_entry *other)
{
    const struct session *a = one->session;
    const struct session *b = other->session;
    if (a->queue.bytes != b->queue.bytes) {
        return a->queue.bytes > b->queue.bytes;
    }
    if (a->blocked_since_ms != b->blocked_since_ms) {
        /* 0 is not blocked, and so comes after all times: it wraps to the highest */
        return a->blocked_since_ms - 1 < b->blocked_since_ms - 1;
    }
    return one->connected_ms < other->connected_ms;
}

static void swap(struct client_entry *one, struct client_entry *other)
{
    const struct client_entry kept = *one;
    *one = *other;
    *other = kept;
}

static void rise(struct client_entry heap[], size_t at)
{
    while (at > 0 && is_worse(&heap[(at - 1) / 2], &heap[at])) {
        swap(&heap[(at - 1) / 2], &heap[at]);
        at = (at - 1) / 2;
    }
}

static void sink(struct client_entry heap[], size_t count, size_t at)
{
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++) {
            if (is_worse(&heap[least], &heap[child])) {
                least = child;
            }
        }
        if (least == at) {
            return;
        }
        swap(&heap[least], &heap[at]);
        at = least;
    }
}

void client_list_offer(struct client_list *list, const struct client_entry *entry)
{
    list->offered++;
    if (list->count < list->max) {
        list->heap[list->count] = *entry;
        rise(list->heap, list->count++);
    } else if (is_worse(entry, &list->heap[0])) {
        list->heap[0] = *entry;
        sink(list->heap, list->count, 0);
    }
}

static int compare(const void *one, const void *other)
{
    return (int)is_worse(other, one) - (int)is_worse(one, other);
}

/* ---- JSON ---------------------------------------------------------------------------
 */

/* Since when the oldest message waits, if any does. */
static uint64_t oldest_ms(const struct session *session)
{
    const uint64_t made_us = outq_oldest_us(&session->queue);
    const uint64_t now_us = session->env->wall_us;
    return made_us == 0 || made_us > now_us ? 0 : (now_us - made_us) / 1000;
}

static void write_entry(const struct client_entry *entry, FILE *file)
{
    const struct session *session = entry->session;
    const uint64_t now_ms = session->env->now_ms;
    char address[HOST_TEXT_MAX];
    char id[JSON_QUOTED_MAX(PROTO_CLIENT_ID_MAX)];
    host_format(address, entry->host);
    const size_t id_len = json_quote(id, session->client_id,
                                     strnlen(session->client_id, PROTO_CLIENT_ID_MAX));
    const uint64_t blocked_ms =
        session->blocked_since_ms == 0 ? 0 : now_ms - session->blocked_since_ms;
    fprintf(file, "{\"address\":\"%s\",\"client_id\":%.*s,\"state\":\"%s\"", address,
            (int)id_len, id, session->state == SESSION_OPEN ? "open" : "closing");
    fprintf(file, ",\"age_s\":%" PRIu64 ",\"queue_bytes\":%zu,\"queue_frames\":%" PRIu32,
            (now_ms - entry->connected_ms) / 1000, session->queue.bytes,
            session->queue.count);
    fprintf(file, ",\"oldest_ms\":%" PRIu64 ",\"blocked_ms\":%" PRIu64,
            oldest_ms(session), blocked_ms);
    fprintf(file,
            ",\"topics\":%" PRIu32 ",\"sent\":%" PRIu64 ",\"conflated\":%" PRIu64 "}",
            session->client.held_count, entry->sent, session->left_out);
}

void client_list_write(struct client_list *list, FILE *file)
{
    qsort(list->heap, list->count, sizeof(list->heap[0]), compare);
    fprintf(file, "{\"total\":%zu,\"clients\":[", list->offered);
    for (size_t i = 0; i < list->count; i++) {
        fputs(i == 0 ? "\n" : ",\n", file);
        write_entry(&list->heap[i], file);
    }
    fputs("]}\n", file);
}
