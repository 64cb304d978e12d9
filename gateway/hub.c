/* SPDX-License-Identifier: MIT */
#include "gateway/hub.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "common/table.h"
#include "gateway/frame.h"
#include "gateway/members.h"
#include "gateway/proto.h"
#include "gateway/shelf.h"
#include "gateway/stats.h"

/* Entries read for a snapshot: the newest may be one that no client may see. */
#define NEWEST_MAX 4

struct hub_topic {
    UT_hash_handle hh;
    struct members members;
    struct sequence sequence;
    struct frame *snapshot;        /* made on demand, */
    struct frame *snapshot_source; /* from this one */
    struct hub_topic *prev_idle;
    struct hub_topic *next_idle;
    uint64_t idle_since_ms;
    struct shelf_place place;
    struct hub_topic *prev_unread;
    struct hub_topic *next_unread;
    uint64_t ticket; /* of the history that is being read; 0 if none is */
    bool live;
    bool fed;          /* with messages that have no id */
    bool lost;         /* its channel was, and it is not yet whole again */
    bool is_unread;    /* in the list of histories to read */
    bool reads_tail;   /* what is being read is all that replays may need, */
    bool reads_repair; /* and all that a repair needs */
    bool wants_tail;
    uint32_t len;
    char name[];
};

struct hub {
    struct hub_config config;
    const struct hub_ops *ops;
    void *arg;
    struct stats *stats;
    const uint64_t *wall_us;
    uint64_t now_ms; /* at the last tick */
    struct hub_topic *topics;
    struct hub_topic *idle; /* nobody holds them; the longest so comes first */
    struct hub_topic *unread;
    size_t idle_count;
    struct shelf shelf;
    size_t lost_count;
    size_t subscriptions;
    uint64_t tickets;
    bool fanning_out;
};

struct hub *hub_create(const struct hub_config *config, const struct hub_ops *ops,
                       void *arg, struct stats *stats, const uint64_t *wall_us)
{
    struct hub *hub = calloc(1, sizeof(*hub));
    if (hub != NULL) {
        hub->config = *config;
        hub->ops = ops;
        hub->arg = arg;
        hub->stats = stats;
        hub->wall_us = wall_us;
        hub->shelf = (struct shelf){.max_bytes = config->replay_total_bytes,
                                    .keep_ms = config->replay_keep_ms};
    }
    return hub;
}

static struct hub_topic *find_topic(const struct hub *hub, const char *name, size_t len)
{
    struct hub_topic *topic;
    HASH_FIND(hh, hub->topics, name, len, topic);
    return topic;
}

/* ---- topics -------------------------------------------------------------------------
 */

static void set_lost(struct hub *hub, struct hub_topic *topic, bool lost)
{
    hub->lost_count += lost;
    hub->lost_count -= topic->lost;
    topic->lost = lost;
}

static void leave_unread(struct hub *hub, struct hub_topic *topic)
{
    if (topic->is_unread) {
        DL_DELETE2(hub->unread, topic, prev_unread, next_unread);
        topic->is_unread = false;
    }
}

static void set_idle(struct hub *hub, struct hub_topic *topic, bool idle)
{
    if (idle) {
        topic->idle_since_ms = hub->now_ms;
        DL_APPEND2(hub->idle, topic, prev_idle, next_idle);
        hub->idle_count++;
    } else {
        DL_DELETE2(hub->idle, topic, prev_idle, next_idle);
        hub->idle_count--;
    }
}

static void drop_snapshot(struct hub_topic *topic)
{
    frame_unref(topic->snapshot);
    frame_unref(topic->snapshot_source);
    topic->snapshot = NULL;
    topic->snapshot_source = NULL;
}

static void free_topic(struct hub *hub, struct hub_topic *topic)
{
    set_lost(hub, topic, false);
    leave_unread(hub, topic);
    shelf_clear(&hub->shelf, &topic->place);
    sequence_finish(&topic->sequence);
    drop_snapshot(topic);
    members_free(&topic->members);
    free(topic);
}

void hub_destroy(struct hub *hub)
{
    if (hub == NULL) {
        return;
    }
    struct hub_topic *topic = hub->topics;
    HASH_CLEAR(hh, hub->topics);
    while (topic != NULL) {
        struct hub_topic *next = topic->hh.next;
        free_topic(hub, topic);
        topic = next;
    }
    free(hub);
}

static struct hub_topic *open_topic(struct hub *hub, const char *name, size_t len)
{
    struct hub_topic *topic = calloc(1, sizeof(*topic) + len);
    if (topic == NULL) {
        return NULL;
    }
    topic->len = (uint32_t)len;
    memcpy(topic->name, name, len);
    topic->place.sequence = &topic->sequence;
    if (!hub->ops->open_channel(hub->arg, name, len)) {
        free(topic);
        return NULL;
    }
    HASH_ADD_KEYPTR(hh, hub->topics, topic->name, topic->len, topic);
    if (!TABLE_HAS(topic)) {
        hub->ops->close_channel(hub->arg, name, len);
        free(topic);
        return NULL;
    }
    set_idle(hub, topic, true);
    return topic;
}

static void close_topic(struct hub *hub, struct hub_topic *topic)
{
    set_idle(hub, topic, false);
    assert(hub->topics != NULL);
    HASH_DEL(hub->topics, topic);
    hub->ops->close_channel(hub->arg, topic->name, topic->len);
    free_topic(hub, topic);
}

void hub_tick(struct hub *hub, uint64_t now_ms)
{
    hub->now_ms = now_ms;
    while (hub->idle != NULL &&
           (hub->idle->idle_since_ms + hub->config.linger_ms <= now_ms)) {
        close_topic(hub, hub->idle);
    }
    shelf_tick(&hub->shelf, now_ms);
}

/* ---- subscriptions ------------------------------------------------------------------
 */

static struct hub_topic *topic_of(struct members *members)
{
    return (struct hub_topic *)((char *)members - offsetof(struct hub_topic, members));
}

static void let_go(struct hub *hub, struct hub_client *client, uint32_t place)
{
    struct hub_topic *topic = topic_of(client->held[place].topic);
    members_remove(client, place);
    hub->subscriptions--;
    if (topic->members.count == 0) {
        set_idle(hub, topic, true);
    }
}

/* Returns the place of a new topic, or NULL with the reason in *out_result. */
static struct hub_topic *add_topic(struct hub *hub, const char *name, size_t len,
                                   enum hub_result *out_result)
{
    if (HASH_COUNT(hub->topics) >= hub->config.max_topics && hub->idle != NULL) {
        close_topic(hub, hub->idle);
    }
    if (HASH_COUNT(hub->topics) >= hub->config.max_topics) {
        *out_result = HUB_FULL;
        return NULL;
    }
    *out_result = HUB_NO_MEMORY;
    return open_topic(hub, name, len);
}

enum hub_result hub_subscribe(struct hub *hub, struct hub_client *client,
                              const char *name, size_t len, enum hub_begin begin,
                              size_t max_topics)
{
    assert(!hub->fanning_out);
    struct hub_topic *topic = find_topic(hub, name, len);
    struct member *member = topic == NULL ? NULL : members_find(&topic->members, client);
    if (member != NULL) {
        return member->active ? HUB_HELD : HUB_WAITING;
    }
    if (client->held_count >= max_topics) {
        return HUB_LIMIT;
    }
    if (topic == NULL) {
        enum hub_result result;
        topic = add_topic(hub, name, len, &result);
        if (topic == NULL) {
            return result;
        }
    }
    member = members_add(&topic->members, client);
    if (member == NULL) {
        return HUB_NO_MEMORY;
    }
    if (topic->members.count == 1) {
        set_idle(hub, topic, false);
    }
    member->begin = (uint8_t)begin;
    hub->subscriptions++;
    return HUB_WAITING;
}

bool hub_unsubscribe(struct hub *hub, struct hub_client *client, const char *name,
                     size_t len)
{
    assert(!hub->fanning_out);
    const struct hub_topic *topic = find_topic(hub, name, len);
    const struct member *member =
        topic == NULL ? NULL : members_find(&topic->members, client);
    if (member == NULL) {
        return false;
    }
    let_go(hub, client, member->place);
    return true;
}

void hub_leave(struct hub *hub, struct hub_client *client)
{
    assert(!hub->fanning_out);
    while (client->held_count > 0) {
        let_go(hub, client, client->held_count - 1);
    }
    members_free_client(client);
}

const char *hub_held_topic(const struct hub_client *client, size_t index, size_t *out_len)
{
    assert(index < client->held_count);
    const struct hub_topic *topic = topic_of(client->held[index].topic);
    *out_len = topic->len;
    return topic->name;
}

/* ---- fan-out ------------------------------------------------------------------------
 */

/* `mark` as in the deliver callback. */
static void fan_out(struct hub *hub, const struct hub_topic *topic, struct frame *frame,
                    const void *mark)
{
    hub->fanning_out = true;
    for (uint32_t i = 0; i < topic->members.count; i++) {
        if (topic->members.all[i].active) {
            hub->ops->deliver(topic->members.all[i].client->owner, frame, mark);
        }
    }
    hub->fanning_out = false;
}

/* The newest message as a snapshot; NULL if there is none. */
static struct frame *snapshot_of(struct hub *hub, struct hub_topic *topic)
{
    struct frame *newest = topic->sequence.newest;
    if (newest == NULL) {
        return NULL;
    }
    if (topic->snapshot_source != newest) {
        drop_snapshot(topic);
        topic->snapshot = proto_snapshot(newest, *hub->wall_us);
        topic->snapshot_source = frame_ref(newest);
    }
    return topic->snapshot;
}

/* A topic's sequence speaks to its subscribers. */
struct outlet {
    struct hub *hub;
    struct hub_topic *topic;
};

static void on_deliver(void *arg, struct frame *frame)
{
    const struct outlet *outlet = arg;
    if (outlet->topic->snapshot != NULL) {
        drop_snapshot(outlet->topic); /* it is old */
    }
    fan_out(outlet->hub, outlet->topic, frame, outlet->topic);
}

static void on_gap(void *arg, struct feed_id after)
{
    const struct outlet *outlet = arg;
    struct hub *hub = outlet->hub;
    hub->stats->gaps_total++;
    const struct proto_topic name = {outlet->topic->name, outlet->topic->len};
    struct frame *gap = proto_gap(name, after, *hub->wall_us);
    if (gap != NULL) {
        fan_out(hub, outlet->topic, gap, NULL);
        frame_unref(gap);
    }
    const bool goes_on = feed_id_compare(outlet->topic->sequence.last, after) > 0;
    struct frame *snapshot = goes_on ? snapshot_of(hub, outlet->topic) : NULL;
    if (snapshot != NULL) {
        fan_out(hub, outlet->topic, snapshot, outlet->topic);
    }
}

static void on_unlinked(void *arg)
{
    const struct outlet *outlet = arg;
    outlet->hub->stats->payloads_rejected_total++;
}

static struct sequence_sink sink_of(struct outlet *outlet)
{
    return (struct sequence_sink){
        .deliver = on_deliver, .gap = on_gap, .unlinked = on_unlinked, .arg = outlet};
}

static struct sequence_limits limits_of(const struct hub *hub)
{
    return (struct sequence_limits){.items = hub->config.replay_max,
                                    .bytes = hub->config.replay_bytes};
}

/* ---- reading the history ------------------------------------------------------------
 */

static void ask_for_history(struct hub *hub, struct hub_topic *topic)
{
    if (topic->live && topic->ticket == 0 && !topic->is_unread) {
        DL_APPEND2(hub->unread, topic, prev_unread, next_unread);
        topic->is_unread = true;
    }
}

bool hub_next_read(struct hub *hub, struct hub_read *out)
{
    struct hub_topic *topic = hub->unread;
    if (topic == NULL) {
        return false;
    }
    leave_unread(hub, topic);
    *out =
        (struct hub_read){.ticket = ++hub->tickets, .len = topic->len, .max = NEWEST_MAX};
    if (topic->wants_tail || topic->sequence.broken) {
        out->max = hub->config.replay_max + 1; /* with the one that they begin behind */
    }
    memcpy(out->topic, topic->name, topic->len);
    if (topic->wants_tail) {
        shelf_use(&hub->shelf, &topic->place);
    } else if (topic->sequence.broken) {
        out->from = sequence_repair_from(&topic->sequence);
    }
    topic->ticket = out->ticket;
    topic->place.busy = true;
    topic->reads_tail = topic->wants_tail;
    topic->reads_repair = topic->sequence.broken;
    const struct feed_id nothing = {0};
    out->asks_whole =
        topic->reads_repair &&
        feed_id_compare(sequence_repair_from(&topic->sequence), nothing) == 0;
    topic->wants_tail = false;
    hub->stats->history_reads_total++;
    return true;
}

/* Returns the topic that waits for this answer; NULL if none does any more. */
static struct hub_topic *take_answer(struct hub *hub, const struct hub_read *read)
{
    struct hub_topic *topic = find_topic(hub, read->topic, read->len);
    if (topic == NULL || topic->ticket != read->ticket) {
        return NULL;
    }
    topic->ticket = 0;
    topic->place.busy = false;
    return topic;
}

/* Whoever waits may be able to begin. `ready` may subscribe and unsubscribe, this topic
 * too. From the end downwards, whoever moves into a freed place has been told already,
 * and whoever joins finds the topic as it is. */
static void tell_waiting(struct hub *hub, const char *name, size_t len)
{
    const struct hub_topic *topic = find_topic(hub, name, len);
    for (uint32_t i = topic->members.count; topic != NULL && i-- > 0;) {
        if (i < topic->members.count && !topic->members.all[i].active) {
            hub->ops->ready(topic->members.all[i].client->owner);
            topic = find_topic(hub, name, len);
        }
    }
}

/* The topic is whole, or has to be asked about again. */
static void go_on(struct hub *hub, struct hub_topic *topic, const struct hub_read *read)
{
    shelf_count_held(&hub->shelf, &topic->place);
    if (topic->sequence.broken || topic->wants_tail) {
        ask_for_history(hub, topic);
    }
    if (!topic->sequence.broken) {
        set_lost(hub, topic, false);
    }
    if (topic->reads_tail) {
        shelf_use(&hub->shelf, &topic->place);
        shelf_bound_tails(&hub->shelf, &topic->place);
    }
    tell_waiting(hub, read->topic, read->len);
}

static void ask_again(struct hub *hub, struct hub_topic *topic)
{
    topic->wants_tail = topic->wants_tail || topic->reads_tail;
    ask_for_history(hub, topic);
}

void hub_read_lost(struct hub *hub, const struct hub_read *read)
{
    struct hub_topic *topic = take_answer(hub, read);
    if (topic != NULL) {
        ask_again(hub, topic);
    }
}

void hub_history(struct hub *hub, const struct hub_read *read,
                 const struct sequence_item items[], size_t count)
{
    struct hub_topic *topic = take_answer(hub, read);
    if (topic == NULL) {
        return;
    }
    if (topic->sequence.broken && !topic->reads_repair) {
        ask_again(hub, topic); /* it may be from before what is missing */
        return;
    }
    const bool was_broken = topic->sequence.broken;
    const struct sequence_history history = {.items = items,
                                             .count = count,
                                             .is_all = topic->reads_tail,
                                             .is_whole = read->is_whole};
    struct outlet outlet = {.hub = hub, .topic = topic};
    const struct sequence_sink sink = sink_of(&outlet);
    const struct sequence_limits limits = limits_of(hub);
    const size_t delivered = sequence_read(&topic->sequence, &history, &limits, &sink);
    if (was_broken) {
        hub->stats->repairs_total++;
        hub->stats->repaired_messages_total += delivered;
    }
    go_on(hub, topic, read);
}

void hub_no_history(struct hub *hub, const struct hub_read *read)
{
    struct hub_topic *topic = take_answer(hub, read);
    if (topic == NULL) {
        return;
    }
    struct outlet outlet = {.hub = hub, .topic = topic};
    const struct sequence_sink sink = sink_of(&outlet);
    const struct sequence_limits limits = limits_of(hub);
    sequence_no_history(&topic->sequence, &limits, &sink);
    if (topic->reads_tail) {
        topic->sequence.tail_is_all = true; /* and so replays reach back no further */
    }
    go_on(hub, topic, read);
}

/* ---- messages -----------------------------------------------------------------------
 */

bool hub_wants(const struct hub *hub, const char *name, size_t len)
{
    return find_topic(hub, name, len) != NULL;
}

void hub_publish(struct hub *hub, const char *name, size_t len, struct frame *frame)
{
    struct hub_topic *topic = find_topic(hub, name, len);
    if (topic != NULL && topic->live) {
        topic->fed = true;
        fan_out(hub, topic, frame, topic);
    }
}

void hub_message(struct hub *hub, const char *name, size_t len,
                 const struct sequence_item *item)
{
    struct hub_topic *topic = find_topic(hub, name, len);
    if (topic == NULL || !topic->live) {
        return; /* it is from before an UNSUBSCRIBE */
    }
    struct outlet outlet = {.hub = hub, .topic = topic};
    const struct sequence_sink sink = sink_of(&outlet);
    const struct sequence_limits limits = limits_of(hub);
    if (!sequence_message(&topic->sequence, item, &limits, &sink)) {
        hub->stats->messages_repeated_total++;
    }
    if (topic->sequence.broken) {
        shelf_bound_held(&hub->shelf, &topic->place);
        ask_for_history(hub, topic);
    }
    shelf_bound_tails(&hub->shelf, &topic->place);
}

/* ---- how a subscription begins ------------------------------------------------------
 */

static struct member *find_member(const struct hub *hub, const struct hub_client *client,
                                  const char *name, size_t len,
                                  struct hub_topic **out_topic)
{
    *out_topic = find_topic(hub, name, len);
    assert(*out_topic != NULL);
    struct member *member = members_find(&(*out_topic)->members, client);
    assert(member != NULL);
    return member;
}

static size_t replay_bytes(const struct sequence *sequence, uint32_t first)
{
    size_t bytes = 0;
    for (uint32_t i = first; i < sequence->tail.count; i++) {
        const struct frame *frame = sequence_tail_item(sequence, i)->frame;
        bytes += frame == NULL ? 0 : frame->len;
    }
    return bytes;
}

/* Another gateway may be some messages ahead of this one: then the history has what the
 * client saw. It is asked once for each subscription. */
static bool may_be_ahead(const struct hub_topic *topic, const struct member *member,
                         struct feed_id since)
{
    const bool is_answered = member->asked && topic->ticket == 0 && !topic->is_unread;
    return feed_id_compare(since, topic->sequence.last) > 0 && !is_answered;
}

static struct hub_join try_join(const struct hub_topic *topic,
                                const struct member *member, enum hub_begin begin,
                                struct feed_id since)
{
    struct hub_join join = {0};
    const struct sequence *sequence = &topic->sequence;
    if (!topic->live || !sequence->known) {
        return join;
    }
    if (begin != HUB_BEGIN_SINCE) {
        join.ready = begin == HUB_BEGIN_NOTHING || !sequence->broken;
    } else if (!sequence->broken) {
        join.replays = sequence_find(sequence, since, &join.first);
        join.bytes = join.replays ? replay_bytes(sequence, join.first) : 0;
        join.ready = join.replays ||
                     (sequence->tail_is_all && !may_be_ahead(topic, member, since));
    }
    return join;
}

static void pause_member(struct member *member, enum hub_begin begin)
{
    member->active = false;
    member->begin = (uint8_t)begin;
}

struct hub_join hub_join(struct hub *hub, const struct hub_client *client,
                         const char *name, size_t len, enum hub_begin begin,
                         struct feed_id since)
{
    struct hub_topic *topic;
    struct member *member = find_member(hub, client, name, len, &topic);
    struct hub_join join = try_join(topic, member, begin, since);
    if (!join.ready) {
        join.is_costly = begin == HUB_BEGIN_SINCE && topic->live && !member->asked &&
                         topic->sequence.tail_is_all;
        pause_member(member, begin);
        member->asked = member->asked || topic->live;
        topic->wants_tail = topic->wants_tail || begin == HUB_BEGIN_SINCE;
        ask_for_history(hub, topic);
    }
    return join;
}

void hub_wait(struct hub *hub, const struct hub_client *client, const char *name,
              size_t len, enum hub_begin begin)
{
    struct hub_topic *topic;
    pause_member(find_member(hub, client, name, len, &topic), begin);
}

void hub_start(struct hub *hub, const struct hub_client *client, const char *name,
               size_t len, enum hub_begin begin, const struct hub_join *join)
{
    struct hub_topic *topic;
    struct member *member = find_member(hub, client, name, len, &topic);
    if (join->replays) {
        shelf_use(&hub->shelf, &topic->place);
        for (uint32_t i = join->first; i < topic->sequence.tail.count; i++) {
            struct frame *frame = sequence_tail_item(&topic->sequence, i)->frame;
            if (frame != NULL) {
                hub->ops->deliver(client->owner, frame, NULL);
            }
        }
    } else if (begin != HUB_BEGIN_NOTHING) {
        struct frame *snapshot = snapshot_of(hub, topic);
        if (snapshot != NULL) {
            hub->ops->deliver(client->owner, snapshot, topic);
        }
    }
    member->active = true;
    member->asked = false;
}

/* ---- the channels -------------------------------------------------------------------
 */

void hub_channel_is_open(struct hub *hub, const char *name, size_t len)
{
    struct hub_topic *topic = find_topic(hub, name, len);
    if (topic == NULL || topic->live) {
        return;
    }
    topic->live = true;
    for (uint32_t i = 0; i < topic->members.count; i++) {
        const struct member *member = &topic->members.all[i];
        if (!member->active) {
            topic->wants_tail = topic->wants_tail || member->begin == HUB_BEGIN_SINCE;
            ask_for_history(hub, topic);
        }
    }
    if (topic->sequence.broken) {
        ask_for_history(hub, topic);
    } else {
        set_lost(hub, topic, false);
    }
    tell_waiting(hub, name, len);
}

void hub_all_channels_lost(struct hub *hub)
{
    while (hub->idle != NULL) {
        close_topic(hub, hub->idle);
    }
    struct hub_topic *topic;
    struct hub_topic *next;
    HASH_ITER(hh, hub->topics, topic, next)
    {
        leave_unread(hub, topic);
        topic->ticket = 0;
        topic->place.busy = false;
        if (topic->live) {
            topic->live = false;
            sequence_break(&topic->sequence);
            shelf_count_held(&hub->shelf, &topic->place);
            set_lost(hub, topic, true);
        }
    }
}

bool hub_is_whole(const struct hub *hub)
{
    return hub->lost_count == 0;
}

void hub_each_fed(const struct hub *hub,
                  void (*fn)(void *arg, const char *topic, size_t len), void *arg)
{
    for (const struct hub_topic *at = hub->topics; at != NULL; at = at->hh.next) {
        if (at->fed || at->sequence.newest != NULL) {
            fn(arg, at->name, at->len);
        }
    }
}

size_t hub_topics(const struct hub *hub)
{
    return HASH_COUNT(hub->topics) - hub->idle_count;
}

size_t hub_lingering(const struct hub *hub)
{
    return hub->idle_count;
}

size_t hub_subscriptions(const struct hub *hub)
{
    return hub->subscriptions;
}
