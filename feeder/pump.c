/* SPDX-License-Identifier: MIT */
#include "feeder/pump.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/log.h"
#include "common/loop.h"
#include "feeder/backlog.h"
#include "feeder/calendar.h"
#include "feeder/publisher.h"
#include "feeder/tape.h"

#define TURN_MAX_MS      250   /* the longest without looking at the clocks */
#define TURN_TICKS       1000  /* the most a source is asked for at once */
#define TICK_MESSAGES    18    /* what one tick closes and updates, usually at most */
#define REPORT_MS        60000 /* between two lines of counters */
#define BAD_LINES_LOGGED 10    /* in a second; the others are only counted */
#define BACKLOG_MAX      100000
#define BACKLOG_MORE_MS                                            \
    10000 /* older than two leases: what the last holder published \
           */

_Static_assert(SOURCES_MAX <= BARS_OWNERS_MAX, "each source is an owner");

/* A source and its place in the list, which is its name as an owner. */
struct lane {
    struct pump *pump;
    unsigned owner;
    struct source *source;
    struct source_next next;
    struct loop_watch *watch; /* once it was WAITING */
    bool asked;               /* at least once */
};

enum state {
    STANDING_BY, /* the publisher has not begun: only sources with ids are asked */
    RUNNING,
    STOPPED /* no source is asked any more */
};

struct pump {
    struct loop *loop;
    const struct feeder_config *config;
    const struct source_list *list;
    char name[FEED_NAME_MAX + 1]; /* of the lease */
    struct tape *tape;
    struct backlog *backlog;
    struct publisher *publisher;
    struct loop_timer *turn;
    struct loop_timer *deadline;
    struct loop_timer *report;
    pump_done_fn on_done;
    void *arg;

    enum state state;
    struct lane lanes[SOURCES_MAX];
    size_t count;
    size_t room;  /* patient sources are asked while fewer messages wait */
    bool blocked; /* a patient source was not asked for lack of room */
    bool leaving; /* the lease is being let go of */
    bool done;
    bool failed;

    uint64_t bad_lines;
    uint64_t bad_lines_logged; /* since then: */
    uint64_t bad_lines_ms;
};

static void on_claim(void *arg, const struct tick *tick)
{
    const struct lane *lane = arg;
    tape_claim(lane->pump->tape, lane->owner, tick);
}

/* Its ticks wait: nobody may publish them, or older ones still have to be. */
static bool is_held_back(const struct lane *lane)
{
    const struct pump *pump = lane->pump;
    return lane->source->ids &&
           (pump->state != RUNNING || backlog_count(pump->backlog) > 0);
}

static void on_tick(void *arg, const struct tick *tick)
{
    const struct lane *lane = arg;
    struct pump *pump = lane->pump;
    if (is_held_back(lane)) {
        backlog_push(pump->backlog, lane->owner, tick, loop_now_ms());
    } else if (pump->state == RUNNING) {
        tape_tick(pump->tape, lane->owner, tick);
    }
}

static void on_ready_message(void *arg, const struct topic *topic, const char *payload,
                             size_t len)
{
    const struct lane *lane = arg;
    assert(lane->pump->state == RUNNING);
    tape_message(lane->pump->tape, topic, payload, len);
}

static void on_bad_line(void *arg, uint64_t line, const char *why)
{
    const struct lane *lane = arg;
    struct pump *pump = lane->pump;
    const uint64_t now_ms = loop_now_ms();
    pump->bad_lines++;
    if (now_ms - pump->bad_lines_ms >= 1000) {
        pump->bad_lines_ms = now_ms;
        pump->bad_lines_logged = 0;
    }
    if (pump->bad_lines_logged++ < BAD_LINES_LOGGED) {
        log_warn("line skipped", log_int("line", (int64_t)line), log_str("why", why),
                 log_int("skipped", (int64_t)pump->bad_lines));
    }
}

static void on_notice(void *arg, bool bad, const char *what, const char *detail)
{
    const struct lane *lane = arg;
    const char *source = lane->source == NULL ? "" : lane->source->kind->name;
    if (bad) {
        log_warn(what, log_str("source", source), log_str("detail", detail));
    } else {
        log_info(what, log_str("source", source), log_str("detail", detail));
    }
}

static const struct source_sink sink = {.on_claim = on_claim,
                                        .on_tick = on_tick,
                                        .on_message = on_ready_message,
                                        .on_bad_line = on_bad_line,
                                        .on_notice = on_notice};

static void on_tape_message(void *arg, const char *topic, size_t topic_len,
                            const char *payload, size_t len)
{
    const struct pump *pump = arg;
    publisher_publish(pump->publisher, topic, topic_len, payload, len);
}

static void report(const struct pump *pump)
{
    uint64_t refused = 0;
    for (unsigned fate = BARS_OK + 1; fate < BARS_RESULTS; fate++) {
        refused += tape_ticks(pump->tape, fate);
    }
    const struct publisher *publisher = pump->publisher;
    refused -= tape_ticks(pump->tape, BARS_FOREIGN);
    refused -= tape_ticks(pump->tape, BARS_LATE);
    log_info("counters", log_int("ticks", (int64_t)tape_ticks(pump->tape, BARS_OK)),
             log_int("late", (int64_t)tape_ticks(pump->tape, BARS_LATE)),
             log_int("foreign", (int64_t)tape_ticks(pump->tape, BARS_FOREIGN)),
             log_int("refused", (int64_t)refused),
             log_int("bad_lines", (int64_t)pump->bad_lines),
             log_int("published", (int64_t)publisher_count(publisher, OUTBOX_PUBLISHED)),
             log_int("waiting", (int64_t)publisher_waiting(publisher)),
             log_int("dropped", (int64_t)publisher_count(publisher, OUTBOX_DROPPED)),
             log_int("unknown", (int64_t)publisher_count(publisher, OUTBOX_UNKNOWN)),
             log_int("rejected", (int64_t)publisher_count(publisher, OUTBOX_REJECTED)));
}

static void on_report(void *arg)
{
    struct pump *pump = arg;
    report(pump);
    loop_timer_start(pump->report, REPORT_MS);
}

static void finish(struct pump *pump)
{
    if (!pump->done) {
        pump->done = true;
        report(pump);
        pump->on_done(pump->arg);
    }
}

/* All is published: the lease goes too, so that another feeder need not wait for its end.
 */
static void leave(struct pump *pump)
{
    if (!pump->leaving) {
        pump->leaving = true;
        if (!publisher_leave(pump->publisher)) {
            finish(pump);
        }
    }
}

static void on_left(void *arg)
{
    finish(arg);
}

static void on_deadline(void *arg)
{
    struct pump *pump = arg;
    log_warn("messages left unpublished",
             log_int("count", (int64_t)publisher_waiting(pump->publisher)));
    finish(pump);
}

static struct source_now read_clocks(void)
{
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    return (struct source_now){.mono_ms = loop_now_ms(),
                               .wall_us = (int64_t)wall.tv_sec * CALENDAR_SECOND_US +
                                          wall.tv_nsec / 1000};
}

static void on_readable(void *arg)
{
    const struct lane *lane = arg;
    loop_timer_start(lane->pump->turn, 0);
}

/* Without memory for a watch the source is asked at the next turn all the same. */
static void wait_for_input(struct lane *lane)
{
    if (lane->watch == NULL) {
        lane->watch =
            loop_watch_create(lane->pump->loop, lane->next.fd, on_readable, lane);
    }
    if (lane->watch != NULL) {
        loop_watch_start(lane->watch);
    }
}

/* How much the source may be asked for. */
static size_t budget(struct lane *lane)
{
    struct pump *pump = lane->pump;
    if (pump->state == STANDING_BY && !lane->source->ids) {
        return 0;
    }
    if (!lane->source->patient) {
        return TURN_TICKS;
    }
    const size_t waiting = publisher_waiting(pump->publisher);
    if (waiting >= pump->room) {
        pump->blocked = true;
        return 0;
    }
    const size_t ticks = (pump->room - waiting) / TICK_MESSAGES + 1;
    return ticks < TURN_TICKS ? ticks : TURN_TICKS;
}

/* Asks the source, due or not: its clock may have moved. Returns when it is to be asked
 * again, or UINT64_MAX if something else will tell. */
static uint64_t advance(struct lane *lane, struct source_now now)
{
    struct source *source = lane->source;
    const size_t max = budget(lane);
    if (max == 0) {
        return UINT64_MAX;
    }
    lane->asked = true;
    lane->next = source->kind->advance(source, now, max);
    if (source->clock_us != SOURCE_NO_CLOCK && lane->pump->state == RUNNING &&
        !is_held_back(lane)) {
        tape_clock(lane->pump->tape, lane->owner, source->clock_us);
    }
    switch (lane->next.state) {
    case SOURCE_DUE:
        return lane->next.due_ms;
    case SOURCE_WAITING:
        wait_for_input(lane);
        return UINT64_MAX;
    case SOURCE_ENDED:
        log_info("source ended", log_str("source", source->kind->name));
        return UINT64_MAX;
    }
    return UINT64_MAX;
}

/* Hands over what waited, no faster than can be published. */
static void empty_backlog(struct pump *pump)
{
    for (size_t n = 0; n < TURN_TICKS; n++) {
        const struct backlog_entry *entry = backlog_oldest(pump->backlog);
        if (entry == NULL) {
            return;
        }
        if (publisher_waiting(pump->publisher) >= pump->room) {
            pump->blocked = true;
            return;
        }
        tape_tick(pump->tape, entry->owner, &entry->tick);
        backlog_pop(pump->backlog);
    }
}

static void tend_backlog(struct pump *pump, uint64_t now_ms)
{
    const uint64_t age_ms = 2 * (uint64_t)pump->config->lease_ms + BACKLOG_MORE_MS;
    if (pump->state == RUNNING) {
        empty_backlog(pump);
    } else if (now_ms > age_ms) {
        backlog_forget(pump->backlog, now_ms - age_ms);
    }
}

static void stop(struct pump *pump)
{
    const bool ran = pump->state == RUNNING;
    pump->state = STOPPED;
    loop_timer_stop(pump->turn);
    if (ran) {
        tape_summaries(pump->tape, UINT64_MAX);
    }
    if (publisher_idle(pump->publisher)) {
        leave(pump);
    }
}

static void on_turn(void *arg)
{
    struct pump *pump = arg;
    if (pump->state == STOPPED) {
        return; /* input came in the turn in which it was stopped */
    }
    const struct source_now now = read_clocks();
    uint64_t next_ms = now.mono_ms + TURN_MAX_MS;
    size_t running = 0;
    pump->blocked = false;
    tend_backlog(pump, now.mono_ms);
    for (size_t i = 0; i < pump->count; i++) {
        struct lane *lane = &pump->lanes[i];
        if (lane->next.state == SOURCE_ENDED) {
            continue;
        }
        const uint64_t due_ms = advance(lane, now);
        next_ms = due_ms < next_ms ? due_ms : next_ms;
        running += lane->next.state != SOURCE_ENDED;
    }
    if (running == 0 && backlog_count(pump->backlog) == 0) {
        stop(pump);
        return;
    }
    if (pump->state == RUNNING) {
        tape_summaries(pump->tape, now.mono_ms);
    }
    if (backlog_count(pump->backlog) > 0 && pump->state == RUNNING && !pump->blocked) {
        next_ms = now.mono_ms;
    }
    loop_timer_start(pump->turn, next_ms > now.mono_ms ? next_ms - now.mono_ms : 0);
}

static void on_progress(void *arg)
{
    struct pump *pump = arg;
    if (pump->state == STOPPED) {
        if (publisher_idle(pump->publisher)) {
            leave(pump);
        }
    } else if (pump->blocked && publisher_waiting(pump->publisher) < pump->room / 2) {
        pump->blocked = false;
        loop_timer_start(pump->turn, 0);
    }
}

/* ---- beginning ----------------------------------------------------------------------
 */

static bool create_sources(struct pump *pump, char error[SOURCE_ERROR_MAX])
{
    for (size_t i = 0; i < pump->list->count; i++) {
        struct lane *lane = &pump->lanes[i];
        *lane = (struct lane){.pump = pump, .owner = (unsigned)i};
        lane->source = pump->list->kinds[i]->create(pump->config, &sink, lane, error);
        if (lane->source == NULL) {
            return false;
        }
        pump->count++;
    }
    return true;
}

/* The tape, and the sources that speak to it. */
static bool create_play(struct pump *pump, char error[SOURCE_ERROR_MAX])
{
    snprintf(error, SOURCE_ERROR_MAX, "out of memory");
    pump->tape = tape_create((size_t)pump->config->max_symbols, on_tape_message, pump);
    pump->backlog = backlog_create(BACKLOG_MAX);
    return pump->tape != NULL && pump->backlog != NULL && create_sources(pump, error);
}

static void destroy_play(struct pump *pump)
{
    for (size_t i = 0; i < pump->count; i++) {
        loop_watch_destroy(pump->lanes[i].watch);
        pump->lanes[i].source->kind->destroy(pump->lanes[i].source);
    }
    pump->count = 0;
    tape_destroy(pump->tape);
    backlog_destroy(pump->backlog);
    pump->tape = NULL;
    pump->backlog = NULL;
}

static bool on_past(void *arg, const struct topic *topic, const char *payload, size_t len)
{
    const struct pump *pump = arg;
    return tape_remember(pump->tape, topic, payload, len);
}

static bool on_last_price(void *arg, const struct tick *symbol, struct decimal *out)
{
    const struct pump *pump = arg;
    return tape_last_price(pump->tape, symbol, out);
}

static void on_begin(void *arg)
{
    struct pump *pump = arg;
    if (pump->state == STOPPED) {
        return;
    }
    for (size_t i = 0; i < pump->count; i++) {
        const struct lane *lane = &pump->lanes[i];
        const struct source_past past = {.until_us =
                                             tape_remembered_us(pump->tape, lane->owner),
                                         .arg = pump,
                                         .last_price = on_last_price};
        if (past.until_us != SOURCE_NO_CLOCK && lane->source->kind->resume != NULL &&
            !lane->asked) {
            lane->source->kind->resume(lane->source, &past);
        }
    }
    pump->state = RUNNING;
    log_info("publishing", log_str("name", pump->name[0] == '\0' ? NULL : pump->name),
             log_int("backlog", (int64_t)backlog_count(pump->backlog)));
    loop_timer_start(pump->turn, 0);
}

/* What was published since is in Redis, so all begins anew from there. */
static void on_end(void *arg)
{
    struct pump *pump = arg;
    char error[SOURCE_ERROR_MAX];
    if (pump->state == STOPPED) {
        return;
    }
    pump->state = STANDING_BY;
    destroy_play(pump);
    if (!create_play(pump, error)) {
        log_error("the sources cannot begin anew", log_str("why", error));
        pump->failed = true;
        pump->state = STOPPED;
        loop_timer_stop(pump->turn);
        leave(pump);
    }
}

struct pump *pump_create(struct loop *loop, const struct feeder_config *config,
                         const struct source_list *list, pump_done_fn on_done, void *arg,
                         char error[SOURCE_ERROR_MAX])
{
    static const struct publisher_ops ops = {.on_progress = on_progress,
                                             .on_past = on_past,
                                             .on_begin = on_begin,
                                             .on_end = on_end,
                                             .on_left = on_left};
    snprintf(error, SOURCE_ERROR_MAX, "out of memory");
    struct pump *pump = calloc(1, sizeof(*pump));
    if (pump == NULL) {
        return NULL;
    }
    pump->loop = loop;
    pump->config = config;
    pump->list = list;
    pump->on_done = on_done;
    pump->arg = arg;
    source_name(config, list, pump->name);
    const int64_t ahead = 4 * config->max_in_flight;
    pump->room = (size_t)(ahead < config->max_queue / 2 ? ahead : config->max_queue / 2);
    pump->turn = loop_timer_create(loop, on_turn, pump);
    pump->deadline = loop_timer_create(loop, on_deadline, pump);
    pump->report = loop_timer_create(loop, on_report, pump);
    if (pump->turn == NULL || pump->deadline == NULL || pump->report == NULL ||
        !create_play(pump, error)) {
        pump_destroy(pump);
        return NULL;
    }
    pump->publisher = publisher_create(loop, config, pump->name, &ops, pump);
    if (pump->publisher == NULL) {
        pump_destroy(pump);
        return NULL;
    }
    loop_timer_start(pump->turn, 0);
    loop_timer_start(pump->report, REPORT_MS);
    return pump;
}

void pump_destroy(struct pump *pump)
{
    if (pump == NULL) {
        return;
    }
    publisher_destroy(pump->publisher);
    destroy_play(pump);
    loop_timer_destroy(pump->turn);
    loop_timer_destroy(pump->deadline);
    loop_timer_destroy(pump->report);
    free(pump);
}

void pump_stop(struct pump *pump)
{
    loop_timer_start(pump->deadline, (uint64_t)pump->config->drain_timeout_ms);
    stop(pump);
}

bool pump_failed(const struct pump *pump)
{
    return pump->failed;
}
