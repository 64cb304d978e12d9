/* SPDX-License-Identifier: MIT */
#include "feeder/pump.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/log.h"
#include "common/loop.h"
#include "feeder/calendar.h"
#include "feeder/publisher.h"
#include "feeder/tape.h"
#include "feeder/wire.h"

#define TURN_MAX_MS      250   /* the longest without looking at the clocks */
#define TURN_TICKS       1000  /* the most a source is asked for at once */
#define TICK_MESSAGES    18    /* what one tick closes and updates, usually at most */
#define REPORT_MS        60000 /* between two lines of counters */
#define BAD_LINES_LOGGED 10    /* in a second; the others are only counted */

_Static_assert(SOURCES_MAX <= BARS_OWNERS_MAX, "each source is an owner");

/* A source and its place in the list, which is its name as an owner. */
struct lane {
    struct pump *pump;
    unsigned owner;
    struct source *source;
    struct source_next next;
    struct loop_watch *watch; /* once it was WAITING */
};

struct pump {
    struct loop *loop;
    struct tape *tape;
    struct publisher *publisher;
    struct wires *wires;
    struct loop_timer *turn;
    struct loop_timer *deadline;
    struct loop_timer *report;
    pump_done_fn on_done;
    void *arg;

    struct lane lanes[SOURCES_MAX];
    size_t count;
    size_t room; /* patient sources are asked while fewer messages wait */
    int64_t drain_timeout_ms;
    bool blocked; /* a patient source was not asked for lack of room */
    bool stopped; /* no source is asked any more */
    bool done;

    uint64_t bad_lines;
    uint64_t bad_lines_logged; /* since then: */
    uint64_t bad_lines_ms;
};

static void on_claim(void *arg, const struct tick *tick)
{
    const struct lane *lane = arg;
    tape_claim(lane->pump->tape, lane->owner, tick);
}

static void on_tick(void *arg, const struct tick *tick)
{
    const struct lane *lane = arg;
    if (!lane->pump->stopped) { /* a wire may bring one at any time */
        tape_tick(lane->pump->tape, lane->owner, tick);
    }
}

static void on_ready_message(void *arg, const struct topic *topic, const char *payload,
                             size_t len)
{
    const struct lane *lane = arg;
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
    refused -= tape_ticks(pump->tape, BARS_DUPLICATE);
    log_info("counters", log_int("ticks", (int64_t)tape_ticks(pump->tape, BARS_OK)),
             log_int("late", (int64_t)tape_ticks(pump->tape, BARS_LATE)),
             log_int("duplicate", (int64_t)tape_ticks(pump->tape, BARS_DUPLICATE)),
             log_int("missed", (int64_t)tape_missed(pump->tape)),
             log_int("sizeless", (int64_t)tape_sizeless(pump->tape)),
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
    lane->next = source->kind->advance(source, now, max);
    if (source->clock_us != SOURCE_NO_CLOCK) {
        tape_clock(lane->pump->tape, lane->owner, source->clock_us);
    }
    switch (lane->next.state) {
    case SOURCE_DUE:
        return lane->next.due_ms;
    case SOURCE_WAITING:
        wait_for_input(lane);
        return UINT64_MAX;
    case SOURCE_ENDED:
        tape_end(lane->pump->tape, lane->owner);
        log_info("source ended", log_str("source", source->kind->name));
        return UINT64_MAX;
    }
    return UINT64_MAX;
}

static void stop(struct pump *pump)
{
    pump->stopped = true;
    loop_timer_stop(pump->turn);
    tape_flush(pump->tape);
    if (publisher_idle(pump->publisher)) {
        finish(pump);
    }
}

static void on_turn(void *arg)
{
    struct pump *pump = arg;
    if (pump->stopped) {
        return; /* input came in the turn in which it was stopped */
    }
    const struct source_now now = read_clocks();
    uint64_t next_ms = now.mono_ms + TURN_MAX_MS;
    size_t running = 0;
    pump->blocked = false;
    for (size_t i = 0; i < pump->count; i++) {
        struct lane *lane = &pump->lanes[i];
        if (lane->next.state == SOURCE_ENDED) {
            continue;
        }
        const uint64_t due_ms = advance(lane, now);
        next_ms = due_ms < next_ms ? due_ms : next_ms;
        running += lane->next.state != SOURCE_ENDED;
    }
    if (running == 0) {
        stop(pump);
        return;
    }
    loop_timer_start(pump->turn, next_ms > now.mono_ms ? next_ms - now.mono_ms : 0);
}

static void on_progress(void *arg)
{
    struct pump *pump = arg;
    if (pump->stopped) {
        if (publisher_idle(pump->publisher)) {
            finish(pump);
        }
    } else if (pump->blocked && publisher_waiting(pump->publisher) < pump->room / 2) {
        pump->blocked = false;
        loop_timer_start(pump->turn, 0);
    }
}

static bool create_sources(struct pump *pump, const struct feeder_config *config,
                           const struct source_list *list, char error[SOURCE_ERROR_MAX])
{
    for (size_t i = 0; i < list->count; i++) {
        struct lane *lane = &pump->lanes[i];
        lane->pump = pump;
        lane->owner = (unsigned)i;
        lane->source = list->kinds[i]->create(config, &sink, lane, error);
        if (lane->source == NULL) {
            return false;
        }
        pump->count++;
        tape_expect_disorder(pump->tape, lane->owner, lane->source->disorder_us);
        if (list->kinds[i]->equip != NULL &&
            !list->kinds[i]->equip(lane->source, wires_world(pump->wires), error)) {
            return false;
        }
    }
    return true;
}

static struct tape *create_tape(struct pump *pump, const struct feeder_config *config)
{
    const struct tape_rules rules = {
        .bars = {.max_symbols = (size_t)config->max_symbols,
                 .min_update_us = config->min_update_ms * 1000,
                 .lateness_us = config->lateness_ms * 1000,
                 .band_percent = config->price_band_percent},
        .weights = config->weights};
    return tape_create(&rules, on_tape_message, pump);
}

struct pump *pump_create(struct loop *loop, const struct feeder_config *config,
                         const struct source_list *list, pump_done_fn on_done, void *arg,
                         char error[SOURCE_ERROR_MAX])
{
    snprintf(error, SOURCE_ERROR_MAX, "out of memory");
    struct pump *pump = calloc(1, sizeof(*pump));
    if (pump == NULL) {
        return NULL;
    }
    pump->loop = loop;
    pump->on_done = on_done;
    pump->arg = arg;
    pump->drain_timeout_ms = config->drain_timeout_ms;
    const int64_t ahead = 4 * config->max_in_flight;
    pump->room = (size_t)(ahead < config->max_queue / 2 ? ahead : config->max_queue / 2);
    pump->tape = create_tape(pump, config);
    pump->wires = wires_create(loop);
    pump->turn = loop_timer_create(loop, on_turn, pump);
    pump->deadline = loop_timer_create(loop, on_deadline, pump);
    pump->report = loop_timer_create(loop, on_report, pump);
    if (pump->tape == NULL || pump->wires == NULL || pump->turn == NULL ||
        pump->deadline == NULL || pump->report == NULL ||
        !create_sources(pump, config, list, error)) {
        pump_destroy(pump);
        return NULL;
    }
    pump->publisher = publisher_create(loop, config, on_progress, pump);
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
    for (size_t i = 0; i < pump->count; i++) {
        loop_watch_destroy(pump->lanes[i].watch);
        pump->lanes[i].source->kind->destroy(pump->lanes[i].source);
    }
    wires_destroy(pump->wires);
    tape_destroy(pump->tape);
    loop_timer_destroy(pump->turn);
    loop_timer_destroy(pump->deadline);
    loop_timer_destroy(pump->report);
    free(pump);
}

void pump_stop(struct pump *pump)
{
    loop_timer_start(pump->deadline, (uint64_t)pump->drain_timeout_ms);
    stop(pump);
}
