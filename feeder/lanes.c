/* SPDX-License-Identifier: MIT */
#include "feeder/lanes.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/loop.h"
#include "feeder/backlog.h"
#include "feeder/calendar.h"
#include "feeder/tape.h"

#define TURN_MAX_MS   250  /* the longest without looking at the clocks */
#define TURN_TICKS    1000 /* the most a source is asked for at once */
#define TICK_MESSAGES 18   /* what one tick closes and updates, usually at most */
#define BACKLOG_MAX   100000
#define FUTURE_US     (60 * CALENDAR_SECOND_US)

/* What is older than this and two leases the last holder has published. */
#define BACKLOG_MORE_MS 10000

_Static_assert(SOURCES_MAX <= BARS_OWNERS_MAX, "each source is an owner");

/* A source and its place in the list, which is its name as an owner. */
struct lane {
    struct lanes *lanes;
    unsigned owner;
    struct source *source;
    struct source_next next;
    struct loop_watch *watch; /* once it was WAITING */
    bool asked;               /* at least once */
};

enum state { STANDING_BY, RUNNING, ENDED };

struct lanes {
    struct loop *loop;
    const struct lanes_ops *ops;
    void *arg;
    enum state state;
    struct tape *tape;
    struct backlog *backlog;
    uint64_t backlog_ms; /* the longest it waits while standing by */
    bool blocked;        /* in this turn */
    uint64_t ticks;      /* of all sources */
    size_t count;
    struct lane lane[SOURCES_MAX];
};

/* ---- what sources say ---------------------------------------------------------------
 */

static void on_claim(void *arg, const struct tick *tick)
{
    const struct lane *lane = arg;
    tape_claim(lane->lanes->tape, lane->owner, tick);
}

/* Its ticks wait: nobody may publish them, or older ones still have to be. */
static bool is_held_back(const struct lane *lane)
{
    const struct lanes *lanes = lane->lanes;
    return lane->source->ids &&
           (lanes->state == STANDING_BY || backlog_count(lanes->backlog) > 0);
}

static void on_tick(void *arg, const struct tick *tick)
{
    const struct lane *lane = arg;
    struct lanes *lanes = lane->lanes;
    if (lanes->state == ENDED) {
        return;
    }
    lanes->ticks++;
    if (is_held_back(lane)) {
        backlog_push(lanes->backlog, lane->owner, tick, loop_now_ms());
        return;
    }
    assert(lanes->state == RUNNING);
    tape_tick(lanes->tape, lane->owner, tick);
}

static void on_ready_message(void *arg, const struct topic *topic, const char *payload,
                             size_t len)
{
    const struct lane *lane = arg;
    assert(lane->lanes->state == RUNNING);
    tape_message(lane->lanes->tape, topic, payload, len);
}

static void on_bad_line(void *arg, uint64_t line, const char *why)
{
    const struct lanes *lanes = ((const struct lane *)arg)->lanes;
    lanes->ops->on_bad_line(lanes->arg, line, why);
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
    const struct lanes *lanes = arg;
    lanes->ops->on_message(lanes->arg, topic, topic_len, payload, len);
}

/* ---- turns --------------------------------------------------------------------------
 */

static void on_readable(void *arg)
{
    const struct lanes *lanes = ((const struct lane *)arg)->lanes;
    lanes->ops->on_input(lanes->arg);
}

/* Without memory for a watch the source is asked at the next turn all the same. */
static void wait_for_input(struct lane *lane)
{
    if (lane->watch == NULL) {
        lane->watch =
            loop_watch_create(lane->lanes->loop, lane->next.fd, on_readable, lane);
    }
    if (lane->watch != NULL) {
        loop_watch_start(lane->watch);
    }
}

/* How much the source may be asked for. */
static size_t budget(const struct lane *lane)
{
    struct lanes *lanes = lane->lanes;
    if (lanes->state == STANDING_BY && !lane->source->ids) {
        return 0;
    }
    if (!lane->source->patient) {
        return TURN_TICKS;
    }
    const size_t room = lanes->ops->room(lanes->arg);
    if (room == 0) {
        lanes->blocked = true;
        return 0;
    }
    const size_t ticks = room / TICK_MESSAGES + 1;
    return ticks < TURN_TICKS ? ticks : TURN_TICKS;
}

/* Returns when it is to be asked again, or UINT64_MAX if something else will tell. */
static uint64_t advance(struct lane *lane, struct source_now now)
{
    struct source *source = lane->source;
    const size_t max = budget(lane);
    if (max == 0) {
        return UINT64_MAX;
    }
    lane->asked = true;
    lane->next = source->kind->advance(source, now, max);
    if (source->clock_us != SOURCE_NO_CLOCK && lane->lanes->state == RUNNING &&
        !is_held_back(lane)) {
        tape_clock(lane->lanes->tape, lane->owner, source->clock_us);
    }
    switch (lane->next.state) {
    case SOURCE_DUE:
        return lane->next.due_ms;
    case SOURCE_WAITING:
        wait_for_input(lane);
        return UINT64_MAX;
    case SOURCE_ENDED:
        tape_end(lane->lanes->tape, lane->owner);
        log_info("source ended", log_str("source", source->kind->name));
        return UINT64_MAX;
    }
    return UINT64_MAX;
}

/* Hands over what waited, no faster than can be published. */
static void empty_backlog(struct lanes *lanes)
{
    for (size_t n = 0; n < TURN_TICKS; n++) {
        const struct backlog_entry *entry = backlog_oldest(lanes->backlog);
        if (entry == NULL) {
            return;
        }
        if (lanes->ops->room(lanes->arg) == 0) {
            lanes->blocked = true;
            return;
        }
        tape_tick(lanes->tape, entry->owner, &entry->tick);
        backlog_pop(lanes->backlog);
    }
}

static void tend_backlog(struct lanes *lanes, uint64_t now_ms)
{
    if (lanes->state == RUNNING) {
        empty_backlog(lanes);
    } else if (now_ms > lanes->backlog_ms) {
        backlog_forget(lanes->backlog, now_ms - lanes->backlog_ms);
    }
}

struct lanes_next lanes_turn(struct lanes *lanes, struct source_now now)
{
    struct lanes_next next = {.due_ms = now.mono_ms + TURN_MAX_MS};
    size_t running = 0;
    assert(lanes->state != ENDED);
    lanes->blocked = false;
    tend_backlog(lanes, now.mono_ms);
    for (size_t i = 0; i < lanes->count; i++) {
        struct lane *lane = &lanes->lane[i];
        if (lane->next.state == SOURCE_ENDED) {
            continue;
        }
        const uint64_t due_ms = advance(lane, now);
        next.due_ms = due_ms < next.due_ms ? due_ms : next.due_ms;
        running += lane->next.state != SOURCE_ENDED;
    }
    const bool waits = backlog_count(lanes->backlog) > 0;
    next.over = running == 0 && !waits;
    next.blocked = lanes->blocked;
    if (lanes->state == RUNNING && !next.over) {
        next.due_ms = waits && !next.blocked ? now.mono_ms : next.due_ms;
    }
    return next;
}

/* ---- life ---------------------------------------------------------------------------
 */

bool lanes_remember(struct lanes *lanes, const struct topic *topic, const char *payload,
                    size_t len)
{
    assert(lanes->state == STANDING_BY);
    return tape_remember(lanes->tape, topic, payload, len);
}

static bool on_last_price(void *arg, const struct tick *symbol, struct decimal *out)
{
    const struct lanes *lanes = arg;
    return tape_last_price(lanes->tape, symbol, out);
}

/* A clock was wrong then, or is now. */
static void warn_of_future(const struct lane *lane, int64_t until_us, int64_t wall_us)
{
    if (lane->source->patient || until_us <= wall_us + FUTURE_US) {
        return; /* not about what is now */
    }
    char until[CALENDAR_TEXT_MAX + 1];
    calendar_format(until, until_us);
    log_warn("what was published last is from the future, all before that is late",
             log_str("source", lane->source->kind->name), log_str("until", until),
             log_str("hint", "--resume=false begins anew"));
}

void lanes_begin(struct lanes *lanes, struct source_now now)
{
    assert(lanes->state == STANDING_BY);
    lanes->state = RUNNING;
    tape_begin(lanes->tape);
    for (size_t i = 0; i < lanes->count; i++) {
        const struct lane *lane = &lanes->lane[i];
        const struct source_past past = {.until_us =
                                             tape_remembered_us(lanes->tape, lane->owner),
                                         .arg = lanes,
                                         .last_price = on_last_price};
        warn_of_future(lane, past.until_us, now.wall_us);
        if (past.until_us != SOURCE_NO_CLOCK && lane->source->kind->resume != NULL &&
            !lane->asked) {
            lane->source->kind->resume(lane->source, &past);
        }
    }
}

void lanes_end(struct lanes *lanes)
{
    if (lanes->state == RUNNING) {
        tape_flush(lanes->tape);
    }
    lanes->state = ENDED;
}

static bool create_sources(struct lanes *lanes, const struct feeder_config *config,
                           const struct source_list *list, char error[SOURCE_ERROR_MAX])
{
    for (size_t i = 0; i < list->count; i++) {
        struct lane *lane = &lanes->lane[i];
        lane->lanes = lanes;
        lane->owner = (unsigned)i;
        lane->source = list->kinds[i]->create(config, &sink, lane, error);
        if (lane->source == NULL) {
            return false;
        }
        lanes->count++;
        tape_expect_disorder(lanes->tape, lane->owner, lane->source->disorder_us);
        if (list->kinds[i]->equip != NULL &&
            !list->kinds[i]->equip(lane->source, lanes->ops->world(lanes->arg), error)) {
            return false;
        }
    }
    return true;
}

static struct tape *create_tape(struct lanes *lanes, const struct feeder_config *config)
{
    const struct tape_rules rules = {
        .bars = {.max_symbols = (size_t)config->max_symbols,
                 .min_update_us = config->min_update_ms * 1000,
                 .lateness_us = config->lateness_ms * 1000,
                 .band_percent = config->price_band_percent},
        .weights = config->weights};
    return tape_create(&rules, on_tape_message, lanes);
}

struct lanes *lanes_create(struct loop *loop, const struct feeder_config *config,
                           const struct source_list *list, const struct lanes_ops *ops,
                           void *arg, char error[SOURCE_ERROR_MAX])
{
    snprintf(error, SOURCE_ERROR_MAX, "out of memory");
    struct lanes *lanes = calloc(1, sizeof(*lanes));
    if (lanes == NULL) {
        return NULL;
    }
    lanes->loop = loop;
    lanes->ops = ops;
    lanes->arg = arg;
    lanes->backlog_ms = 2 * (uint64_t)config->lease_ms + BACKLOG_MORE_MS;
    lanes->tape = create_tape(lanes, config);
    lanes->backlog = backlog_create(BACKLOG_MAX);
    if (lanes->tape == NULL || lanes->backlog == NULL ||
        !create_sources(lanes, config, list, error)) {
        lanes_destroy(lanes);
        return NULL;
    }
    return lanes;
}

void lanes_destroy(struct lanes *lanes)
{
    if (lanes == NULL) {
        return;
    }
    for (size_t i = 0; i < lanes->count; i++) {
        loop_watch_destroy(lanes->lane[i].watch);
        lanes->lane[i].source->kind->destroy(lanes->lane[i].source);
    }
    tape_destroy(lanes->tape);
    backlog_destroy(lanes->backlog);
    free(lanes);
}

bool lanes_are_patient(const struct lanes *lanes)
{
    for (size_t i = 0; i < lanes->count; i++) {
        if (!lanes->lane[i].source->patient) {
            return false;
        }
    }
    return true;
}

static bool look_at(const struct lane *lane, struct progress_now *out)
{
    const struct source *source = lane->source;
    return lane->next.state != SOURCE_ENDED && source->kind->progress != NULL &&
           source->kind->progress(source, &out->done, &out->total) && out->total > 0;
}

bool lanes_progress(const struct lanes *lanes, struct progress_now *out)
{
    struct progress_now least = {.total = 0};
    for (size_t i = 0; i < lanes->count; i++) {
        struct progress_now now;
        if (look_at(&lanes->lane[i], &now) &&
            (least.total == 0 || (double)now.done / (double)now.total <
                                     (double)least.done / (double)least.total)) {
            least = now;
        }
    }
    out->done = least.done;
    out->total = least.total;
    out->ticks = lanes->ticks;
    return least.total > 0;
}

uint64_t lanes_ticks(const struct lanes *lanes, enum bars_result fate)
{
    return tape_ticks(lanes->tape, fate);
}

uint64_t lanes_missed(const struct lanes *lanes)
{
    return tape_missed(lanes->tape);
}

uint64_t lanes_sizeless(const struct lanes *lanes)
{
    return tape_sizeless(lanes->tape);
}

size_t lanes_backlog(const struct lanes *lanes)
{
    return backlog_count(lanes->backlog);
}
