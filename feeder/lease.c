/* SPDX-License-Identifier: MIT */
#include "feeder/lease.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/bus.h"
#include "common/feed.h"
#include "common/link.h"
#include "common/log.h"
#include "common/loop.h"
#include "feeder/calendar.h"
#include "feeder/peer.h"

#define TOKEN_BYTES 16
#define HOLDER_MAX  96 /* host:pid */
#define MS_TEXT_MAX 24
#define LOOK_MIN_MS 50
#define LOOK_MAX_MS 500
#define LOOK_SHARE  6 /* of the lease, between two looks */
#define RENEW_SHARE 3

enum state { IDLE, MEETING, WAITING, CLAIMING, FENCING, HELD, RELEASING };

struct lease {
    struct bus *bus;
    const struct lease_ops *ops;
    void *arg;

    const char *name;
    char key[FEED_LEASE_KEY_MAX + 1];
    char token[2 * TOKEN_BYTES + 1];
    char holder[HOLDER_MAX + 1];
    uint64_t ms;

    enum state state;
    struct loop_timer *timer; /* the next renewal, look or claim */
    size_t pending;           /* commands under way, without the */
    size_t stale;             /* ones whose answers nobody waits for */
    bool look;                /* the claim under way is only a look */
    bool claim_next;          /* a look found it over */
    bool taken;               /* another had it since it was held last */
    bool standing_by;         /* another has it, or had when we asked last */
    uint64_t asked_ms;        /* monotonic, when the command under way was sent */
    uint64_t until_ms;        /* monotonic, while HELD */

    char connection[PEER_TEXT_MAX + 1]; /* ours */
    char closing[PEER_TEXT_MAX + 1];    /* the last holder's */
    char other[HOLDER_MAX + 1];         /* the last holder, if not us */
    bool held_before;
};

/* What chrono_lease answers. */
struct answer {
    const char *verdict;
    const char *holder;
    int64_t since_ms;
    int64_t left_ms;
    const char *open;
};

static const char strange[] = "not the answer that was expected";
static const char too_many[] = "too many commands are under way";

/* ---- commands -----------------------------------------------------------------------
 */

static bool command(struct lease *lease, size_t argc, const char *argv[], bus_reply_fn fn)
{
    size_t lens[9];
    assert(argc <= sizeof(lens) / sizeof(lens[0]));
    for (size_t i = 0; i < argc; i++) {
        lens[i] = strlen(argv[i]);
    }
    if (!bus_command(lease->bus, argc, argv, lens, fn, lease)) {
        return false;
    }
    lease->pending++;
    return true;
}

/* Commands are answered in their order, so the first answers are the stale ones. Returns
 * false if nobody waits for this one. */
static bool is_awaited(struct lease *lease, const struct bus_reply *reply)
{
    if (lease->stale > 0) {
        lease->stale--;
        return false;
    }
    assert(lease->pending > 0);
    lease->pending--;
    return reply != NULL;
}

/* NULL if it is no error. */
static const char *error_of(const struct bus_reply *reply)
{
    size_t len;
    return bus_reply_kind(reply) == BUS_REPLY_ERROR ? bus_reply_text(reply, &len) : NULL;
}

static void stop(struct lease *lease)
{
    lease->stale += lease->pending;
    lease->pending = 0;
    lease->state = IDLE;
    loop_timer_stop(lease->timer);
}

static void refuse(struct lease *lease, const char *why)
{
    stop(lease);
    lease->ops->on_refused(lease->arg, why);
}

/* For `ms`; 0 only looks, or lets go of it. */
static bool call(struct lease *lease, uint64_t ms, const char *closed, bus_reply_fn fn)
{
    char text[MS_TEXT_MAX];
    snprintf(text, sizeof(text), "%" PRIu64, ms);
    lease->asked_ms = loop_now_ms();
    const char *words[] = {"FCALL",           FEED_LEASE,   "1",
                           lease->key,        lease->token, lease->holder,
                           lease->connection, text,         closed};
    return command(lease, 9, words, fn);
}

static const char *read_text(const struct bus_reply *reply)
{
    size_t len;
    return bus_reply_kind(reply) == BUS_REPLY_TEXT ? bus_reply_text(reply, &len) : "";
}

static bool read_answer(const struct bus_reply *reply, struct answer *out)
{
    if (bus_reply_kind(reply) != BUS_REPLY_LIST || bus_reply_count(reply) != 5) {
        return false;
    }
    out->verdict = read_text(bus_reply_item(reply, 0));
    out->holder = read_text(bus_reply_item(reply, 1));
    out->since_ms = strtoll(read_text(bus_reply_item(reply, 2)), NULL, 10);
    out->left_ms = bus_reply_kind(bus_reply_item(reply, 3)) == BUS_REPLY_INTEGER
                       ? bus_reply_integer(bus_reply_item(reply, 3))
                       : 0;
    out->open = read_text(bus_reply_item(reply, 4));
    return true;
}

static bool is_verdict(const struct answer *answer, const char *verdict)
{
    return strcmp(answer->verdict, verdict) == 0;
}

static bool is_ours(const struct answer *answer)
{
    return !is_verdict(answer, "elsewhere") && !is_verdict(answer, "free");
}

/* ---- holding ------------------------------------------------------------------------
 */

static void hold(struct lease *lease)
{
    lease->until_ms = lease->asked_ms + lease->ms;
    loop_timer_start(lease->timer, lease->ms / RENEW_SHARE);
}

static void begin_to_hold(struct lease *lease)
{
    const bool kept = !lease->taken;
    if (!kept || !lease->held_before) {
        log_info("lease taken", log_str("name", lease->name),
                 log_str("from", lease->other[0] == '\0' ? NULL : lease->other));
    }
    lease->held_before = true;
    lease->taken = false;
    lease->standing_by = false;
    lease->other[0] = '\0';
    lease->state = HELD;
    hold(lease);
    lease->ops->on_held(lease->arg, kept);
}

static void on_renewed(void *arg, const struct bus_reply *reply)
{
    struct lease *lease = arg;
    if (!is_awaited(lease, reply)) {
        return;
    }
    struct answer answer;
    const char *error = error_of(reply);
    if (error != NULL || !read_answer(reply, &answer)) {
        loop_timer_start(lease->timer, lease->ms / RENEW_SHARE);
        lease->ops->on_refused(lease->arg, error == NULL ? strange : error);
        return;
    }
    if (!is_ours(&answer) || is_verdict(&answer, "taken")) {
        lease->taken = true;
        stop(lease);
        lease->ops->on_elsewhere(lease->arg);
        return;
    }
    hold(lease);
    lease->ops->on_renewed(lease->arg);
}

static void renew(struct lease *lease)
{
    if (lease->pending > 0 || !call(lease, lease->ms, "", on_renewed)) {
        loop_timer_start(lease->timer, LOOK_MIN_MS);
    }
}

/* ---- asking -------------------------------------------------------------------------
 */

static void claim(struct lease *lease, const char *closed);

static void on_closed(void *arg, const struct bus_reply *reply)
{
    struct lease *lease = arg;
    if (!is_awaited(lease, reply)) {
        return;
    }
    const char *error = error_of(reply);
    if (error != NULL) {
        refuse(lease, error);
        return;
    }
    claim(lease, lease->closing);
}

/* What the last holder has sent and Redis has not read must not be carried out any more.
 */
static void fence(struct lease *lease, const char *open)
{
    struct peer peer;
    snprintf(lease->closing, sizeof(lease->closing), "%s", open);
    lease->state = FENCING;
    if (!peer_parse(&peer, open)) {
        claim(lease, lease->closing);
        return;
    }
    const char *words[] = {"CLIENT", "KILL", "ID", peer.id, "ADDR", peer.address};
    if (!command(lease, 6, words, on_closed)) {
        refuse(lease, too_many);
    }
}

/* Returns true if it is news. */
static bool note_other(struct lease *lease, const struct answer *answer)
{
    if (strncmp(lease->other, answer->holder, HOLDER_MAX) == 0) {
        return false;
    }
    snprintf(lease->other, sizeof(lease->other), "%s", answer->holder);
    return true;
}

static void tell_who_has_it(struct lease *lease, const struct answer *answer)
{
    char since[CALENDAR_TEXT_MAX + 1];
    if (!note_other(lease, answer)) {
        return;
    }
    const bool sane = answer->since_ms > 0 && answer->since_ms < CALENDAR_MAX_US / 1000;
    calendar_format_second(since, sane ? answer->since_ms * 1000 : 0);
    log_warn("another feeder publishes under this name, standing by",
             log_str("name", lease->name), log_str("holder", answer->holder),
             log_str("since", since),
             log_str("hint", "with another --name both publish side by side"));
}

/* Between two looks. A holder that lives renews it before a lost record is claimed. */
static uint64_t pause_ms(const struct lease *lease, const struct answer *answer)
{
    if (is_verdict(answer, "free")) {
        return answer->holder[0] == '\0' ? lease->ms : 0;
    }
    const uint64_t ms = lease->ms / LOOK_SHARE;
    return ms < LOOK_MIN_MS ? LOOK_MIN_MS : ms > LOOK_MAX_MS ? LOOK_MAX_MS : ms;
}

static void wait_for_it(struct lease *lease, const struct answer *answer)
{
    lease->state = WAITING;
    lease->claim_next = answer->left_ms <= 0;
    loop_timer_start(lease->timer, pause_ms(lease, answer));
    if (!lease->claim_next) {
        tell_who_has_it(lease, answer);
        lease->standing_by = true;
        lease->taken = true;
        lease->ops->on_elsewhere(lease->arg);
    }
}

static void on_claimed(void *arg, const struct bus_reply *reply)
{
    struct lease *lease = arg;
    if (!is_awaited(lease, reply)) {
        return;
    }
    struct answer answer;
    const char *error = error_of(reply);
    if (error != NULL || !read_answer(reply, &answer)) {
        refuse(lease, error == NULL ? strange : error);
        return;
    }
    if (is_verdict(&answer, "taken")) {
        lease->taken = true;
        (void)note_other(lease, &answer);
    }
    if (!is_ours(&answer)) {
        wait_for_it(lease, &answer);
    } else if (lease->look) {
        claim(lease, ""); /* ours before it was looked at: from an earlier connection */
    } else if (answer.open[0] != '\0') {
        fence(lease, answer.open);
    } else {
        begin_to_hold(lease);
    }
}

static void claim(struct lease *lease, const char *closed)
{
    lease->state = CLAIMING;
    lease->look = false;
    if (!call(lease, lease->ms, closed, on_claimed)) {
        refuse(lease, too_many);
    }
}

static void look(struct lease *lease)
{
    lease->state = CLAIMING;
    lease->look = true;
    if (!call(lease, 0, "", on_claimed)) {
        refuse(lease, too_many);
    }
}

static void on_timer(void *arg)
{
    struct lease *lease = arg;
    if (lease->state == HELD) {
        renew(lease);
    } else if (lease->claim_next) {
        claim(lease, "");
    } else {
        look(lease);
    }
}

static void on_met(void *arg, const struct bus_reply *reply)
{
    struct lease *lease = arg;
    if (!is_awaited(lease, reply)) {
        return;
    }
    struct peer peer;
    const char *error = error_of(reply);
    if (error != NULL || !peer_read_info(&peer, read_text(reply))) {
        refuse(lease, error == NULL ? strange : error);
        return;
    }
    peer_format(lease->connection, &peer);
    if (lease->standing_by) {
        lease->state = WAITING;
        lease->claim_next = false;
        loop_timer_start(lease->timer, lease->ms + LINK_PAUSE_MAX_MS);
    } else {
        claim(lease, "");
    }
}

void lease_claim(struct lease *lease)
{
    stop(lease);
    if (lease->name[0] == '\0') {
        lease->state = HELD;
        lease->ops->on_held(lease->arg, true);
        return;
    }
    const char *words[] = {"CLIENT", "INFO"};
    lease->state = MEETING;
    if (!command(lease, 2, words, on_met)) {
        refuse(lease, too_many);
    }
}

void lease_lost(struct lease *lease)
{
    stop(lease);
}

bool lease_is_valid(const struct lease *lease)
{
    return lease->state == HELD &&
           (lease->name[0] == '\0' || loop_now_ms() < lease->until_ms);
}

/* ---- letting go ---------------------------------------------------------------------
 */

static void on_released(void *arg, const struct bus_reply *reply)
{
    struct lease *lease = arg;
    const bool awaited = is_awaited(lease, reply);
    if (awaited && error_of(reply) == NULL) {
        log_info("lease released", log_str("name", lease->name));
    }
    lease->ops->on_released(lease->arg);
}

bool lease_release(struct lease *lease, bool idle)
{
    if (lease->state != HELD || lease->name[0] == '\0') {
        return false;
    }
    stop(lease);
    lease->state = RELEASING;
    char ours[PEER_TEXT_MAX + 1];
    memcpy(ours, lease->connection, sizeof(ours));
    if (idle) {
        lease->connection[0] = '\0'; /* there is nothing left to be afraid of */
    }
    return call(lease, 0, idle ? ours : "", on_released);
}

/* ---- life ---------------------------------------------------------------------------
 */

static bool draw_token(struct lease *lease)
{
    unsigned char bytes[TOKEN_BYTES];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(bytes); i++) {
        snprintf(lease->token + 2 * i, 3, "%02x", bytes[i]);
    }
    return true;
}

static void name_ourselves(struct lease *lease)
{
    char host[HOLDER_MAX - 20];
    if (gethostname(host, sizeof(host)) != 0) {
        snprintf(host, sizeof(host), "?");
    }
    host[sizeof(host) - 1] = '\0';
    snprintf(lease->holder, sizeof(lease->holder), "%s:%ld", host, (long)getpid());
}

struct lease *lease_create(struct loop *loop, struct bus *bus,
                           const struct feeder_config *config, const char *name,
                           const struct lease_ops *ops, void *arg)
{
    struct lease *lease = calloc(1, sizeof(*lease));
    if (lease == NULL) {
        return NULL;
    }
    lease->bus = bus;
    lease->name = name;
    lease->ms = (uint64_t)config->lease_ms;
    lease->ops = ops;
    lease->arg = arg;
    feed_lease_key(lease->key, config->channel_prefix, name);
    name_ourselves(lease);
    lease->timer = loop_timer_create(loop, on_timer, lease);
    if (lease->timer == NULL || !draw_token(lease)) {
        lease_destroy(lease);
        return NULL;
    }
    return lease;
}

void lease_destroy(struct lease *lease)
{
    if (lease != NULL) {
        loop_timer_destroy(lease->timer);
        free(lease);
    }
}
