/* SPDX-License-Identifier: MIT */
#include "common/bus.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include "common/link.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/table.h"

#define BATCH_MAX 512 /* channels in one SUBSCRIBE or UNSUBSCRIBE */
#define READS_MAX 16  /* of messages in one turn; hiredis reads 16 KiB at a time */

/* A channel we want, or one whose answers from Redis are still to come. `wanted` is what
 * the program asked for last, `sent` what Redis was told last. What changed in this turn
 * is in the dirty list; while the connection is down there is none, and only wanted
 * channels are kept. */
struct channel {
    UT_hash_handle hh;
    struct channel *next_dirty;
    struct channel *next_kept;
    bool dirty;
    bool kept; /* given up and wanted again in one turn: Redis is told nothing */
    bool wanted;
    bool sent;
    unsigned subscribes_due;   /* answers to come */
    unsigned unsubscribes_due; /* answers to come */
    size_t len;
    char name[];
};

/* One command under way. */
struct call {
    struct bus *bus;
    bus_reply_fn fn;
    void *arg;
};

struct bus {
    struct loop *loop;
    const struct bus_ops *ops;
    void *arg;
    struct link *commands;
    struct link *messages; /* NULL if the program wants none */
    enum bus_state state;
    uint64_t connected_times;
    int64_t pending;
    int64_t max_pending;
    uint64_t answered_ms; /* the last command was, or the first of those pending sent */
    struct channel *channels;
    struct channel *first_dirty;
    struct channel *first_kept;
    bool got_messages; /* in this turn */
    bool dying;
};

/* ---- state --------------------------------------------------------------------------
 */

static enum bus_state joint_state(const struct bus *bus)
{
    const enum link_state one = link_state(bus->commands);
    const enum link_state other = bus->messages == NULL ? one : link_state(bus->messages);
    if (one == LINK_CONNECTED && other == LINK_CONNECTED) {
        return BUS_CONNECTED;
    }
    return one == LINK_CLOSED || other == LINK_CLOSED ? BUS_CLOSED : BUS_CONNECTING;
}

static void update_state(struct bus *bus, const char *why)
{
    const enum bus_state state = joint_state(bus);
    if (state == bus->state) {
        return;
    }
    bus->state = state;
    if (state == BUS_CONNECTED) {
        bus->connected_times++;
    }
    bus->ops->on_state(bus->arg, state, why);
}

static void on_commands_state(void *arg, enum link_state state, const char *why)
{
    (void)state;
    update_state(arg, why);
}

/* ---- the subscribe set --------------------------------------------------------------
 */

static struct channel *find_channel(const struct bus *bus, const char *name, size_t len)
{
    struct channel *channel;
    HASH_FIND(hh, bus->channels, name, len, channel);
    return channel;
}

static void drop_channel(struct bus *bus, struct channel *channel)
{
    assert(!channel->dirty);
    HASH_DEL(bus->channels, channel);
    free(channel);
}

static void mark_dirty(struct bus *bus, struct channel *channel)
{
    if (!channel->dirty && link_context(bus->messages) != NULL) {
        channel->dirty = true;
        channel->next_dirty = bus->first_dirty;
        bus->first_dirty = channel;
    }
}

static bool is_forgotten(const struct channel *channel)
{
    return !channel->wanted && !channel->sent && !channel->dirty && !channel->kept &&
           channel->subscribes_due == 0 && channel->unsubscribes_due == 0;
}

static void on_push(redisAsyncContext *context, void *answer, void *arg);

/* The words of one SUBSCRIBE or UNSUBSCRIBE. */
struct batch {
    size_t count;
    const char *words[BATCH_MAX + 1];
    size_t lens[BATCH_MAX + 1];
};

static void send_batch(struct bus *bus, struct batch *batch)
{
    if (batch->count > 1) {
        redisAsyncCommandArgv(link_context(bus->messages), on_push, bus,
                              (int)batch->count, batch->words, batch->lens);
        batch->count = 1;
    }
}

static void add_to_batch(struct bus *bus, struct batch *batch,
                         const struct channel *channel)
{
    batch->words[batch->count] = channel->name;
    batch->lens[batch->count] = channel->len;
    batch->count++;
    if (batch->count == BATCH_MAX + 1) {
        send_batch(bus, batch);
    }
}

/* Tells Redis what changed since it was told last. */
static void send_changes(struct bus *bus)
{
    struct batch joins = {.count = 1, .words = {"SUBSCRIBE"}, .lens = {9}};
    struct batch leaves = {.count = 1, .words = {"UNSUBSCRIBE"}, .lens = {11}};
    struct channel *dirty = bus->first_dirty;
    bus->first_dirty = NULL;
    for (struct channel *channel = dirty; channel != NULL;
         channel = channel->next_dirty) {
        if (channel->wanted && !channel->sent) {
            channel->subscribes_due++;
            add_to_batch(bus, &joins, channel);
        } else if (!channel->wanted && channel->sent) {
            channel->unsubscribes_due++;
            add_to_batch(bus, &leaves, channel);
        } else if (channel->wanted && !channel->kept) {
            channel->kept = true;
            channel->next_kept = bus->first_kept;
            bus->first_kept = channel;
        }
        channel->sent = channel->wanted;
    }
    send_batch(bus, &joins);
    send_batch(bus, &leaves);
    while (dirty != NULL) {
        struct channel *channel = dirty;
        dirty = channel->next_dirty;
        channel->dirty = false;
        if (is_forgotten(channel)) {
            drop_channel(bus, channel);
        }
    }
}

static bool is_confirmed(const struct channel *channel)
{
    return channel->wanted && channel->sent && channel->subscribes_due == 0;
}

/* Whoever wants a kept channel again waits for a confirmation, though it never ended. */
static void confirm_kept(struct bus *bus)
{
    while (bus->first_kept != NULL) {
        struct channel *channel = bus->first_kept;
        bus->first_kept = channel->next_kept;
        channel->kept = false;
        if (is_forgotten(channel)) {
            drop_channel(bus, channel);
        } else if (is_confirmed(channel)) {
            bus->ops->on_subscribed(bus->arg, channel->name, channel->len);
        }
    }
}

/* Takes what else has come meanwhile, so that under load more goes to a client in one
 * write. Bounded, so that a flood from Redis leaves the others their turns. */
static void drain_messages(struct bus *bus)
{
    for (int reads = 1; reads < READS_MAX && bus->got_messages; reads++) {
        redisAsyncContext *context = link_context(bus->messages);
        int waiting = 0;
        if (context == NULL || ioctl(context->c.fd, FIONREAD, &waiting) != 0 ||
            waiting == 0) {
            break;
        }
        redisAsyncHandleRead(context);
    }
    bus->got_messages = false;
}

static void on_turn_end(void *arg)
{
    struct bus *bus = arg;
    drain_messages(bus);
    while (bus->first_dirty != NULL) {
        send_changes(bus);
        confirm_kept(bus);
    }
}

static void on_confirmed(struct bus *bus, struct channel *channel, bool subscribed)
{
    unsigned *due = subscribed ? &channel->subscribes_due : &channel->unsubscribes_due;
    if (*due > 0) {
        --*due;
    }
    if (is_forgotten(channel)) {
        drop_channel(bus, channel);
    } else if (subscribed && is_confirmed(channel)) {
        bus->ops->on_subscribed(bus->arg, channel->name, channel->len);
    }
}

/* What comes over a subscribed connection: [kind, channel, payload or count].
 * https://redis.io/docs/latest/develop/pubsub/ (Format of pushed messages) */
static void on_push(redisAsyncContext *context, void *answer, void *arg)
{
    (void)context;
    struct bus *bus = arg;
    const redisReply *reply = answer;
    if (reply == NULL || bus->dying) {
        return;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        log_error("redis refused a subscription",
                  log_text("why", reply->str, reply->len));
        return;
    }
    if (reply->elements != 3 || reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING) {
        return;
    }
    const char *kind = reply->element[0]->str;
    const redisReply *name = reply->element[1];
    if (strcmp(kind, "message") == 0) {
        const redisReply *payload = reply->element[2];
        bus->got_messages = true;
        bus->ops->on_message(bus->arg, name->str, name->len, payload->str, payload->len);
        return;
    }
    struct channel *channel = find_channel(bus, name->str, name->len);
    if (channel != NULL) {
        on_confirmed(bus, channel, strcmp(kind, "subscribe") == 0);
    }
}

/* The connection is gone: what it was told is forgotten, and so is what nobody wants. */
static void forget_sent(struct bus *bus)
{
    bus->first_dirty = NULL;
    bus->first_kept = NULL;
    struct channel *channel;
    struct channel *next;
    HASH_ITER(hh, bus->channels, channel, next)
    {
        channel->dirty = false;
        channel->kept = false;
        channel->sent = false;
        channel->subscribes_due = 0;
        channel->unsubscribes_due = 0;
        if (!channel->wanted) {
            drop_channel(bus, channel);
        }
    }
}

static void on_messages_state(void *arg, enum link_state state, const char *why)
{
    struct bus *bus = arg;
    if (state == LINK_CONNECTED) {
        struct channel *channel;
        struct channel *next;
        HASH_ITER(hh, bus->channels, channel, next)
        {
            mark_dirty(bus, channel);
        }
    } else if (state == LINK_CLOSED) {
        forget_sent(bus);
        bus->ops->on_lost(bus->arg);
    }
    update_state(bus, why);
}

bool bus_subscribe(struct bus *bus, const char *name, size_t len)
{
    assert(bus->messages != NULL);
    struct channel *channel = find_channel(bus, name, len);
    if (channel == NULL) {
        channel = calloc(1, sizeof(*channel) + len);
        if (channel == NULL) {
            return false;
        }
        channel->len = len;
        memcpy(channel->name, name, len);
        HASH_ADD_KEYPTR(hh, bus->channels, channel->name, len, channel);
        if (!TABLE_HAS(channel)) {
            free(channel);
            return false;
        }
    }
    channel->wanted = true;
    mark_dirty(bus, channel);
    return true;
}

void bus_unsubscribe(struct bus *bus, const char *name, size_t len)
{
    struct channel *channel = find_channel(bus, name, len);
    if (channel == NULL) {
        return;
    }
    channel->wanted = false;
    mark_dirty(bus, channel);
    if (!channel->dirty) {
        drop_channel(bus, channel);
    }
}

/* ---- commands -----------------------------------------------------------------------
 */

static void on_reply(redisAsyncContext *context, void *answer, void *arg)
{
    (void)context;
    struct call *call = arg;
    call->bus->pending--;
    call->bus->answered_ms = loop_now_ms();
    if (call->fn != NULL) {
        call->fn(call->arg, answer);
    }
    free(call);
}

bool bus_command(struct bus *bus, size_t argc, const char *argv[], const size_t lens[],
                 bus_reply_fn fn, void *arg)
{
    redisAsyncContext *context = link_context(bus->commands);
    /* After a time-out hiredis gives the pending callbacks their NULL before it says that
     * the connection is lost; its error is set by then. */
    if (context == NULL || context->err != 0 || bus->pending >= bus->max_pending) {
        return false;
    }
    struct call *call = malloc(sizeof(*call));
    if (call == NULL) {
        return false;
    }
    *call = (struct call){.bus = bus, .fn = fn, .arg = arg};
    if (redisAsyncCommandArgv(context, on_reply, call, (int)argc, argv, lens) !=
        REDIS_OK) {
        free(call);
        return false;
    }
    if (bus->pending++ == 0) {
        bus->answered_ms = loop_now_ms();
    }
    return true;
}

uint64_t bus_silence_ms(const struct bus *bus)
{
    return bus->pending == 0 ? 0 : loop_now_ms() - bus->answered_ms;
}

static const redisReply *as_hiredis(const struct bus_reply *reply)
{
    return (const redisReply *)reply;
}

enum bus_reply_kind bus_reply_kind(const struct bus_reply *reply)
{
    switch (as_hiredis(reply)->type) {
    case REDIS_REPLY_NIL:
        return BUS_REPLY_NIL;
    case REDIS_REPLY_INTEGER:
        return BUS_REPLY_INTEGER;
    case REDIS_REPLY_ARRAY:
        return BUS_REPLY_LIST;
    case REDIS_REPLY_ERROR:
        return BUS_REPLY_ERROR;
    default:
        return BUS_REPLY_TEXT; /* strings and statuses; RESP2 has no other kind */
    }
}

const char *bus_reply_text(const struct bus_reply *reply, size_t *out_len)
{
    *out_len = as_hiredis(reply)->len;
    return as_hiredis(reply)->str;
}

int64_t bus_reply_integer(const struct bus_reply *reply)
{
    return as_hiredis(reply)->integer;
}

size_t bus_reply_count(const struct bus_reply *reply)
{
    return as_hiredis(reply)->elements;
}

const struct bus_reply *bus_reply_item(const struct bus_reply *reply, size_t index)
{
    return (const struct bus_reply *)as_hiredis(reply)->element[index];
}

/* ---- life ---------------------------------------------------------------------------
 */

struct bus *bus_create(struct loop *loop, const struct bus_config *config,
                       const struct bus_ops *ops, void *arg)
{
    struct bus *bus = calloc(1, sizeof(*bus));
    if (bus == NULL) {
        return NULL;
    }
    bus->loop = loop;
    bus->ops = ops;
    bus->arg = arg;
    bus->max_pending = config->max_pending;
    struct link_config link = {.url = config->url,
                               .client_name = config->client_name,
                               .connect_timeout_ms = config->connect_timeout_ms,
                               .command_timeout_ms = config->command_timeout_ms};
    bus->commands = link_create(loop, &link, on_commands_state, bus);
    if (bus->commands == NULL) {
        goto failed;
    }
    if (ops->on_message != NULL) {
        link.client_name = config->subscriber_name;
        bus->messages = link_create(loop, &link, on_messages_state, bus);
        if (bus->messages == NULL) {
            goto failed;
        }
        loop_at_turn_end(loop, on_turn_end, bus);
    }
    return bus;
failed:
    bus_destroy(bus);
    return NULL;
}

void bus_destroy(struct bus *bus)
{
    if (bus == NULL) {
        return;
    }
    bus->dying = true;
    link_destroy(bus->messages);
    link_destroy(bus->commands);
    struct channel *channel = bus->channels;
    HASH_CLEAR(hh, bus->channels);
    while (channel != NULL) {
        struct channel *next = channel->hh.next;
        free(channel);
        channel = next;
    }
    free(bus);
}

enum bus_state bus_state(const struct bus *bus)
{
    return bus->state;
}

void bus_reset(struct bus *bus, const char *why)
{
    if (bus->messages != NULL) {
        link_reset(bus->messages, why);
    }
    link_reset(bus->commands, why);
}

uint64_t bus_reconnects(const struct bus *bus)
{
    return bus->connected_times > 1 ? bus->connected_times - 1 : 0;
}
