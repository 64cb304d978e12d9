/* SPDX-License-Identifier: MIT */
#include "feeder/pump.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/loop.h"
#include "feeder/calendar.h"
#include "feeder/lanes.h"
#include "feeder/progress.h"
#include "feeder/publisher.h"
#include "feeder/wire.h"

#define REPORT_MS        60000 /* between two lines of counters */
#define BAD_LINES_LOGGED 10    /* in a second; the others are only counted */

enum state {
    STANDING_BY, /* the publisher has not begun, or others have published since */
    RUNNING,
    STOPPED /* no source is asked any more */
};

struct pump {
    struct loop *loop;
    const struct feeder_config *config;
    const struct source_list *list;
    char name[FEED_NAME_MAX + 1]; /* of the lease */
    struct lanes *lanes;          /* NULL if they could not begin anew */
    struct publisher *publisher;
    struct wires *wires;
    struct loop_timer *turn;
    struct loop_timer *deadline;
    struct loop_timer *report;
    pump_done_fn on_done;
    void *arg;

    enum state state;
    size_t max_waiting; /* messages, before patient sources are not asked */
    bool blocked;       /* something was not asked for, for lack of room */
    bool leaving;       /* the lease is being let go of */
    bool done;
    bool failed;

    bool watched; /* somebody looks at a terminal */
    struct progress progress;

    uint64_t bad_lines;
    uint64_t bad_lines_logged; /* since then: */
    uint64_t bad_lines_ms;
};

static void on_bad_line(void *arg, uint64_t line, const char *why)
{
    struct pump *pump = arg;
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

static void on_message(void *arg, const char *topic, size_t topic_len,
                       const char *payload, size_t len)
{
    const struct pump *pump = arg;
    publisher_publish(pump->publisher, topic, topic_len, payload, len);
}

static void on_input(void *arg)
{
    const struct pump *pump = arg;
    loop_timer_start(pump->turn, 0);
}

static size_t room(void *arg)
{
    const struct pump *pump = arg;
    const size_t waiting = publisher_waiting(pump->publisher);
    return waiting < pump->max_waiting ? pump->max_waiting - waiting : 0;
}

static const struct source_world *on_world(void *arg)
{
    const struct pump *pump = arg;
    return wires_world(pump->wires);
}

static const struct lanes_ops lanes_ops = {.world = on_world,
                                           .on_message = on_message,
                                           .on_bad_line = on_bad_line,
                                           .on_input = on_input,
                                           .room = room};

static void report(const struct pump *pump)
{
    const struct lanes *lanes = pump->lanes;
    uint64_t refused = 0;
    if (lanes == NULL) {
        return; /* they could not begin anew, which was said */
    }
    for (unsigned fate = BARS_OK + 1; fate < BARS_RESULTS; fate++) {
        refused += lanes_ticks(lanes, fate);
    }
    const struct publisher *publisher = pump->publisher;
    refused -= lanes_ticks(lanes, BARS_FOREIGN);
    refused -= lanes_ticks(lanes, BARS_LATE);
    refused -= lanes_ticks(lanes, BARS_DUPLICATE);
    log_info("counters", log_int("ticks", (int64_t)lanes_ticks(lanes, BARS_OK)),
             log_int("late", (int64_t)lanes_ticks(lanes, BARS_LATE)),
             log_int("duplicate", (int64_t)lanes_ticks(lanes, BARS_DUPLICATE)),
             log_int("missed", (int64_t)lanes_missed(lanes)),
             log_int("sizeless", (int64_t)lanes_sizeless(lanes)),
             log_int("foreign", (int64_t)lanes_ticks(lanes, BARS_FOREIGN)),
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

/* What the terminal refuses is not shown. */
static void show(const char *text, size_t len)
{
    const ssize_t ignored = len > 0 ? write(STDERR_FILENO, text, len) : 0;
    (void)ignored;
}

static void show_progress(struct pump *pump, uint64_t now_ms)
{
    struct progress_now now = {.now_ms = now_ms};
    char line[PROGRESS_LINE_MAX];
    if (pump->watched && lanes_progress(pump->lanes, &now)) {
        show(line, progress_line(&pump->progress, &now, line));
    }
}

static void finish(struct pump *pump)
{
    if (!pump->done) {
        pump->done = true;
        if (pump->progress.started) {
            show(PROGRESS_CLEAR, sizeof(PROGRESS_CLEAR) - 1);
        }
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

static void stop(struct pump *pump)
{
    pump->state = STOPPED;
    loop_timer_stop(pump->turn);
    if (pump->lanes != NULL) {
        lanes_end(pump->lanes);
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
    const struct lanes_next next = lanes_turn(pump->lanes, now);
    pump->blocked = next.blocked;
    if (next.over) {
        stop(pump);
        return;
    }
    show_progress(pump, now.mono_ms);
    loop_timer_start(pump->turn,
                     next.due_ms > now.mono_ms ? next.due_ms - now.mono_ms : 0);
}

static void on_progress(void *arg)
{
    struct pump *pump = arg;
    if (pump->state == STOPPED) {
        if (publisher_idle(pump->publisher)) {
            leave(pump);
        }
    } else if (pump->blocked &&
               publisher_waiting(pump->publisher) < pump->max_waiting / 2) {
        pump->blocked = false;
        loop_timer_start(pump->turn, 0);
    }
}

static bool on_past(void *arg, const struct topic *topic, const char *payload, size_t len)
{
    const struct pump *pump = arg;
    return pump->state == STANDING_BY && lanes_remember(pump->lanes, topic, payload, len);
}

static void on_begin(void *arg)
{
    struct pump *pump = arg;
    if (pump->state == STOPPED) {
        return;
    }
    pump->state = RUNNING;
    log_info("publishing", log_str("name", pump->name[0] == '\0' ? NULL : pump->name),
             log_int("backlog", (int64_t)lanes_backlog(pump->lanes)));
    lanes_begin(pump->lanes, read_clocks());
    loop_timer_start(pump->turn, 0);
}

/* What was published since is in Redis, so all begins anew from there. */
static void on_end(void *arg)
{
    struct pump *pump = arg;
    char error[SOURCE_ERROR_MAX];
    if (pump->state == STOPPED) {
        leave(pump); /* nothing is left to be published */
        return;
    }
    pump->state = STANDING_BY;
    lanes_destroy(pump->lanes);
    pump->lanes =
        lanes_create(pump->loop, pump->config, pump->list, &lanes_ops, pump, error);
    if (pump->lanes == NULL) {
        log_error("the sources cannot begin anew", log_str("why", error));
        pump->failed = true;
        stop(pump);
    }
}

/* Patient sources are not asked while much waits, and nothing of theirs is dropped: there
 * is room besides for what all open bars may say at once, which is an update and the last
 * word of each. */
static size_t max_queue(const struct lanes *lanes, const struct feeder_config *config)
{
    const size_t queue = (size_t)config->max_queue;
    const size_t bars = (size_t)2 * TOPIC_INTERVALS * (size_t)config->max_symbols;
    return lanes_are_patient(lanes) ? queue + bars : queue;
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
    pump->watched = isatty(STDERR_FILENO) && config->log_format == LOG_FORMAT_TEXT &&
                    config->log_level == LOG_LEVEL_INFO;
    source_name(config, list, pump->name);
    const int64_t ahead = 4 * config->max_in_flight;
    const int64_t half = config->max_queue / 2;
    pump->max_waiting = (size_t)(ahead < half ? ahead : half);
    pump->turn = loop_timer_create(loop, on_turn, pump);
    pump->deadline = loop_timer_create(loop, on_deadline, pump);
    pump->report = loop_timer_create(loop, on_report, pump);
    pump->wires = wires_create(loop);
    if (pump->wires != NULL) {
        pump->lanes = lanes_create(loop, config, list, &lanes_ops, pump, error);
    }
    if (pump->turn == NULL || pump->deadline == NULL || pump->report == NULL ||
        pump->lanes == NULL) {
        pump_destroy(pump);
        return NULL;
    }
    pump->publisher = publisher_create(loop, config, pump->name,
                                       max_queue(pump->lanes, config), &ops, pump);
    if (pump->publisher == NULL) {
        snprintf(error, SOURCE_ERROR_MAX, "out of memory");
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
    lanes_destroy(pump->lanes);
    wires_destroy(pump->wires);
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
