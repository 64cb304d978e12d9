/* SPDX-License-Identifier: MIT */
#include "feeder/publisher.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/bus.h"
#include "common/feed.h"
#include "common/log.h"
#include "common/loop.h"
#include "feeder/inquiry.h"
#include "feeder/lease.h"
#include "feeder/past.h"
#include "feeder/refusal.h"

#define PAUSE_MIN_MS     100
#define PAUSE_MAX_MS     5000
#define REJECTED_LOG_MS  10000
#define NUMBER_TEXT_SIZE 24

/* A refusal is over when nothing waits any more, or after so many messages. */
#define STREAK 1000

/* The answers that are due at once, besides those to messages: the library's as well. */
#define PENDING_MORE (INQUIRY_PENDING_MAX + LEASE_PENDING_MAX + PAST_PENDING_MAX + 1)

/* Of the queue at most a quarter is in flight, so that what comes back has its place. */
#define IN_FLIGHT_SHARE 4

enum state { AWAY, LOADING, CLAIMING, ASKING, READING, READY, PAUSED };

#define STATES (PAUSED + 1)

struct publisher {
    struct bus *bus;
    struct outbox *outbox;
    struct lease *lease;
    struct inquiry *inquiry;
    struct past *past;
    struct loop_timer *pause;
    struct loop_timer *reset; /* of a connection that must not be used any more */
    const struct publisher_ops *ops;
    void *arg;

    enum state state;
    bool resume; /* reads the histories */
    bool begun;  /* and others have not published since */
    bool dying;
    bool was_away;        /* and that it is back has not been said */
    uint64_t pause_ms;    /* the next one */
    char refusal[32];     /* the error that was told; empty once that is over */
    uint64_t streak;      /* messages published since the last pause */
    uint64_t rejected_ms; /* when a rejected message was logged last; 0 for never */

    struct {
        size_t in_doubt;
        uint64_t published;
        uint64_t unknown;
    } before; /* the inquiry */

    const char *prefix; /* of channels */
    char history_length[NUMBER_TEXT_SIZE];
    char bars_length[NUMBER_TEXT_SIZE];
};

static void set_state(struct publisher *publisher, enum state state)
{
    static const bool allowed[STATES][STATES] = {
        [AWAY] = {[AWAY] = true, [LOADING] = true},
        [LOADING] = {[AWAY] = true, [CLAIMING] = true, [PAUSED] = true},
        [CLAIMING] = {[AWAY] = true,
                      [ASKING] = true,
                      [READING] = true,
                      [READY] = true,
                      [PAUSED] = true},
        [ASKING] = {[AWAY] = true, [READING] = true, [READY] = true, [PAUSED] = true},
        [READING] = {[AWAY] = true, [READY] = true, [PAUSED] = true},
        [READY] = {[AWAY] = true, [PAUSED] = true},
        [PAUSED] = {[AWAY] = true, [LOADING] = true},
    };
    assert(allowed[publisher->state][state]);
    publisher->state = state;
}

/* Waits before the next try, and says why unless it was just said. */
static void pause_for(struct publisher *publisher, const char *text)
{
    const struct refusal *refusal = refusal_find(text);
    const char *code = refusal == NULL ? text : refusal->code;
    const char *hint = refusal == NULL ? NULL : refusal->hint;
    set_state(publisher, PAUSED);
    loop_timer_start(publisher->pause, publisher->pause_ms);
    if (strncmp(publisher->refusal, code, sizeof(publisher->refusal) - 1) != 0) {
        memset(publisher->refusal, 0, sizeof(publisher->refusal));
        memcpy(publisher->refusal, code, strnlen(code, sizeof(publisher->refusal) - 1));
        log_error("redis refuses to publish, retrying",
                  log_str("why", hint == NULL ? text : hint), log_str("redis", text),
                  log_int("waiting", (int64_t)outbox_waiting(publisher->outbox)),
                  log_int("retry_ms", (int64_t)publisher->pause_ms));
    }
    publisher->streak = 0;
    publisher->pause_ms *= 2;
    if (publisher->pause_ms > PAUSE_MAX_MS) {
        publisher->pause_ms = PAUSE_MAX_MS;
    }
}

static void send_next(struct publisher *publisher);

static void tell_it_is_over(const struct publisher *publisher)
{
    log_info("publishing again",
             log_int("waiting", (int64_t)outbox_waiting(publisher->outbox)),
             log_int("dropped", (int64_t)publisher_count(publisher, OUTBOX_DROPPED)),
             log_int("unknown", (int64_t)publisher_count(publisher, OUTBOX_UNKNOWN)));
}

static void on_published(struct publisher *publisher, const struct bus_reply *id)
{
    size_t len;
    const char *text = bus_reply_text(id, &len);
    inquiry_note(publisher->inquiry, outbox_oldest(publisher->outbox), text, len);
    outbox_answered(publisher->outbox, OUTBOX_PUBLISHED);
    publisher->streak++;
    if (publisher->refusal[0] != '\0' &&
        (publisher->streak >= STREAK || publisher_idle(publisher))) {
        publisher->refusal[0] = '\0';
        publisher->pause_ms = PAUSE_MIN_MS;
        tell_it_is_over(publisher);
    }
}

static void on_refused(struct publisher *publisher, const char *text)
{
    if (refusal_find(text) != NULL) {
        outbox_refused(publisher->outbox);
        if (publisher->state == READY) {
            pause_for(publisher, text);
        }
        return;
    }
    outbox_answered(publisher->outbox, OUTBOX_REJECTED);
    const uint64_t now_ms = loop_now_ms();
    if (publisher->rejected_ms == 0 ||
        now_ms - publisher->rejected_ms > REJECTED_LOG_MS) {
        publisher->rejected_ms = now_ms;
        log_error(
            "redis rejected a message, it is lost", log_str("why", text),
            log_int("rejected", (int64_t)publisher_count(publisher, OUTBOX_REJECTED)));
    }
}

static void go_away(struct publisher *publisher)
{
    lease_lost(publisher->lease);
    if (publisher->state != AWAY) {
        loop_timer_stop(publisher->pause);
        set_state(publisher, AWAY);
        publisher->was_away = true;
        outbox_lost(publisher->outbox);
    }
}

static void on_answer(void *arg, const struct bus_reply *reply)
{
    struct publisher *publisher = arg;
    if (publisher->state == AWAY) {
        return; /* it is in doubt already */
    }
    if (reply == NULL) {
        /* The bus is about to say so, but until then would take messages to lose them. */
        go_away(publisher);
        return;
    }
    if (bus_reply_kind(reply) == BUS_REPLY_ERROR) {
        size_t len;
        on_refused(publisher, bus_reply_text(reply, &len));
    } else {
        on_published(publisher, reply);
    }
    send_next(publisher);
    publisher->ops->on_progress(publisher->arg);
}

static void send_next(struct publisher *publisher)
{
    while (publisher->state == READY && lease_is_valid(publisher->lease)) {
        const struct outbox_message *message = outbox_next(publisher->outbox);
        if (message == NULL) {
            return;
        }
        const char *words[] = {"FCALL",
                               FEED_PUBLISH,
                               "1",
                               message->bytes,
                               message->bytes + message->channel_len,
                               publisher->history_length,
                               publisher->bars_length};
        const size_t lens[] = {strlen(words[0]),     strlen(words[1]),
                               strlen(words[2]),     message->channel_len,
                               message->payload_len, strlen(words[5]),
                               strlen(words[6])};
        if (!bus_command(publisher->bus, 7, words, lens, on_answer, publisher)) {
            return;
        }
        outbox_sent(publisher->outbox);
    }
}

/* Messages go over this connection from now on. */
static void get_ready(struct publisher *publisher)
{
    set_state(publisher, READY);
    if (publisher->was_away) {
        publisher->was_away = false;
        tell_it_is_over(publisher);
    }
    if (!publisher->begun) {
        publisher->begun = true;
        publisher->ops->on_begin(publisher->arg);
    }
    send_next(publisher);
}

static bool on_past_entry(void *arg, const struct topic *topic, const char *payload,
                          size_t len)
{
    const struct publisher *publisher = arg;
    return publisher->ops->on_past(publisher->arg, topic, payload, len);
}

static void on_past_over(void *arg, const char *refusal)
{
    struct publisher *publisher = arg;
    if (refusal != NULL) {
        pause_for(publisher, refusal);
        return;
    }
    get_ready(publisher);
}

/* Nothing is in doubt. */
static void begin(struct publisher *publisher)
{
    inquiry_trust(publisher->inquiry);
    if (publisher->begun || !publisher->resume) {
        get_ready(publisher);
        return;
    }
    set_state(publisher, READING);
    past_read(publisher->past);
}

/* What became of the messages whose answers were lost; the others go again. */
static void tell_verdicts(const struct publisher *publisher)
{
    const uint64_t published =
        publisher_count(publisher, OUTBOX_PUBLISHED) - publisher->before.published;
    const uint64_t unknown =
        publisher_count(publisher, OUTBOX_UNKNOWN) - publisher->before.unknown;
    log_info("messages without an answer",
             log_int("count", (int64_t)publisher->before.in_doubt),
             log_int("published", (int64_t)published),
             log_int("unknown", (int64_t)unknown));
}

static void on_inquiry_over(void *arg, const char *refusal)
{
    struct publisher *publisher = arg;
    if (refusal != NULL) {
        pause_for(publisher, refusal);
        return;
    }
    tell_verdicts(publisher);
    begin(publisher);
    publisher->ops->on_progress(publisher->arg);
}

static void inquire(struct publisher *publisher)
{
    publisher->before.in_doubt = outbox_in_doubt(publisher->outbox);
    publisher->before.published = publisher_count(publisher, OUTBOX_PUBLISHED);
    publisher->before.unknown = publisher_count(publisher, OUTBOX_UNKNOWN);
    set_state(publisher, ASKING);
    inquiry_begin(publisher->inquiry);
}

/* Others have published since: what waits would come after what is newer. */
static void give_up(struct publisher *publisher)
{
    if (publisher->begun) {
        publisher->begun = false;
        const size_t count = outbox_abandon(publisher->outbox);
        log_warn("another feeder took over, what waited is not published",
                 log_int("count", (int64_t)count));
        past_restart(publisher->past);
        publisher->ops->on_end(publisher->arg);
    }
}

static void on_lease_held(void *arg, bool kept)
{
    struct publisher *publisher = arg;
    if (!kept) {
        give_up(publisher);
    }
    if (outbox_doubt(publisher->outbox) != NULL) {
        inquire(publisher);
    } else {
        begin(publisher);
    }
}

/* If messages are under way, they may be carried out yet: the other one, too, has Redis
 * close this connection before it begins. */
static void on_lease_elsewhere(void *arg)
{
    struct publisher *publisher = arg;
    if (publisher->state == CLAIMING) {
        give_up(publisher);
    } else {
        go_away(publisher);
        loop_timer_start(publisher->reset, 0);
    }
}

static void on_lease_renewed(void *arg)
{
    send_next(arg);
}

static void on_lease_refused(void *arg, const char *why)
{
    struct publisher *publisher = arg;
    if (publisher->state == CLAIMING || publisher->state == READY) {
        pause_for(publisher, why);
    }
}

static void on_lease_released(void *arg)
{
    struct publisher *publisher = arg;
    if (!publisher->dying) {
        publisher->ops->on_left(publisher->arg);
    }
}

static void on_reset(void *arg)
{
    struct publisher *publisher = arg;
    if (bus_state(publisher->bus) == BUS_CONNECTED) {
        bus_reset(publisher->bus, "another feeder took over");
    }
}

static void on_loaded(void *arg, const struct bus_reply *reply)
{
    struct publisher *publisher = arg;
    if (publisher->state != LOADING) {
        return;
    }
    if (reply == NULL) {
        go_away(publisher);
        return;
    }
    if (bus_reply_kind(reply) == BUS_REPLY_ERROR) {
        size_t len;
        pause_for(publisher, bus_reply_text(reply, &len));
        return;
    }
    set_state(publisher, CLAIMING);
    lease_claim(publisher->lease);
}

static void load_library(struct publisher *publisher)
{
    const char *words[] = {"FUNCTION", "LOAD", "REPLACE", feed_library};
    const size_t lens[] = {strlen(words[0]), strlen(words[1]), strlen(words[2]),
                           strlen(words[3])};
    set_state(publisher, LOADING);
    if (!inquiry_meet(publisher->inquiry) ||
        !bus_command(publisher->bus, 4, words, lens, on_loaded, publisher)) {
        pause_for(publisher, "too many commands are under way");
    }
}

static void on_pause_over(void *arg)
{
    load_library(arg);
}

static void on_bus_state(void *arg, enum bus_state state, const char *why)
{
    struct publisher *publisher = arg;
    (void)why;
    if (state == BUS_CONNECTED) {
        load_library(publisher);
        return;
    }
    go_away(publisher);
}

static struct bus *create_bus(struct loop *loop, const struct feeder_config *config,
                              struct publisher *publisher)
{
    static const struct bus_ops ops = {.on_state = on_bus_state};
    const struct bus_config bus = {.url = config->redis_url,
                                   .client_name = "chronofeed",
                                   .connect_timeout_ms = config->redis_connect_timeout_ms,
                                   .command_timeout_ms = config->redis_command_timeout_ms,
                                   .max_pending = config->max_in_flight + PENDING_MORE};
    return bus_create(loop, &bus, &ops, publisher);
}

static struct outbox *create_outbox(const struct feeder_config *config,
                                    size_t max_waiting)
{
    const int64_t share = config->max_queue / IN_FLIGHT_SHARE;
    const int64_t in_flight =
        config->max_in_flight < share ? config->max_in_flight : share;
    return outbox_create(max_waiting, (size_t)in_flight);
}

static bool create_parts(struct publisher *publisher, struct loop *loop,
                         const struct feeder_config *config, const char *name)
{
    static const struct lease_ops lease_ops = {.on_held = on_lease_held,
                                               .on_elsewhere = on_lease_elsewhere,
                                               .on_renewed = on_lease_renewed,
                                               .on_refused = on_lease_refused,
                                               .on_released = on_lease_released};
    static const struct past_ops past_ops = {.on_entry = on_past_entry,
                                             .on_over = on_past_over};
    struct publisher *self = publisher;
    self->pause = loop_timer_create(loop, on_pause_over, self);
    self->reset = loop_timer_create(loop, on_reset, self);
    self->bus = create_bus(loop, config, self);
    self->lease = lease_create(loop, self->bus, config, name, &lease_ops, self);
    self->inquiry = inquiry_create(self->bus, self->outbox, on_inquiry_over, self);
    self->past = past_create(self->bus, config, &past_ops, self);
    return self->outbox != NULL && self->pause != NULL && self->reset != NULL &&
           self->bus != NULL && self->lease != NULL && self->inquiry != NULL &&
           self->past != NULL;
}

struct publisher *publisher_create(struct loop *loop, const struct feeder_config *config,
                                   const char *name, size_t max_waiting,
                                   const struct publisher_ops *ops, void *arg)
{
    struct publisher *publisher = calloc(1, sizeof(*publisher));
    if (publisher == NULL) {
        return NULL;
    }
    publisher->ops = ops;
    publisher->arg = arg;
    publisher->pause_ms = PAUSE_MIN_MS;
    publisher->prefix = config->channel_prefix;
    publisher->resume = config->resume;
    snprintf(publisher->history_length, NUMBER_TEXT_SIZE, "%" PRId64,
             config->history_length);
    snprintf(publisher->bars_length, NUMBER_TEXT_SIZE, "%" PRId64, config->bars_length);
    publisher->outbox = create_outbox(config, max_waiting);
    if (!create_parts(publisher, loop, config, name)) {
        publisher_destroy(publisher);
        return NULL;
    }
    return publisher;
}

void publisher_destroy(struct publisher *publisher)
{
    if (publisher == NULL) {
        return;
    }
    publisher->dying = true;
    bus_destroy(publisher->bus);
    past_destroy(publisher->past);
    inquiry_destroy(publisher->inquiry);
    lease_destroy(publisher->lease);
    loop_timer_destroy(publisher->reset);
    loop_timer_destroy(publisher->pause);
    outbox_destroy(publisher->outbox);
    free(publisher);
}

void publisher_publish(struct publisher *publisher, const char *topic, size_t topic_len,
                       const char *payload, size_t len)
{
    assert(publisher->begun);
    char channel[FEED_CHANNEL_MAX];
    const size_t channel_len = feed_channel(channel, publisher->prefix, topic, topic_len);
    outbox_push(publisher->outbox, channel, channel_len, payload, len);
    send_next(publisher);
}

bool publisher_leave(struct publisher *publisher)
{
    return bus_state(publisher->bus) == BUS_CONNECTED &&
           lease_release(publisher->lease, publisher_idle(publisher));
}

size_t publisher_waiting(const struct publisher *publisher)
{
    return outbox_waiting(publisher->outbox);
}

bool publisher_idle(const struct publisher *publisher)
{
    return outbox_waiting(publisher->outbox) == 0 &&
           outbox_in_flight(publisher->outbox) == 0;
}

uint64_t publisher_count(const struct publisher *publisher, enum outbox_fate fate)
{
    return outbox_count(publisher->outbox, fate);
}
