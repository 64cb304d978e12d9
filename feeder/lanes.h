/* lanes — the sources side by side, the tape they all speak to, and what waits for it.
 *
 * SPDX-License-Identifier: MIT
 *
 *     standing by ──begin──▶ running ──end──▶ ended
 *
 * All that has to be made anew when another feeder has published meanwhile. Standing by,
 * only live sources with ids are asked, and their newest ticks wait in a backlog;
 * running, these come first. Patient sources are asked for no more than there is room.
 */
#ifndef FEEDER_LANES_H
#define FEEDER_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feeder/bars.h"
#include "feeder/progress.h"
#include "feeder/source.h"

struct lanes;
struct loop;

struct lanes_ops {
    /* While running only; lives during the call, which must not come back. */
    void (*on_message)(void *arg, const char *topic, size_t topic_len,
                       const char *payload, size_t len);

    void (*on_bad_line)(void *arg, uint64_t line, const char *why);

    /* A source has something to read: a turn is due. Runs in the loop. */
    void (*on_input)(void *arg);

    /* How many messages there is room for. */
    size_t (*room)(void *arg);

    /* What sources may do to the world. Outlives the lanes. */
    const struct source_world *(*world)(void *arg);
};

/* Creates the sources in their order. Returns NULL and one line in `error` if that can't
 * be. All must outlive it. */
struct lanes *lanes_create(struct loop *loop, const struct feeder_config *config,
                           const struct source_list *list, const struct lanes_ops *ops,
                           void *arg, char error[SOURCE_ERROR_MAX]);
void lanes_destroy(struct lanes *lanes);

/* What was published before, as tape_remember(). Standing by. */
bool lanes_remember(struct lanes *lanes, const struct topic *topic, const char *payload,
                    size_t len);

/* Runs from now on, and goes on from what was remembered. */
void lanes_begin(struct lanes *lanes, struct source_now now);

/* What was still to be said is said, and nothing comes after it. */
void lanes_end(struct lanes *lanes);

struct lanes_next {
    bool over;       /* all sources have ended, and nothing waits */
    bool blocked;    /* for lack of room something was not asked for */
    uint64_t due_ms; /* monotonic, of the next turn, at the latest */
};

/* Asks all sources, due or not: their clocks may have moved. */
struct lanes_next lanes_turn(struct lanes *lanes, struct source_now now);

/* All sources wait as long as one likes: nothing of theirs need ever be dropped. */
bool lanes_are_patient(const struct lanes *lanes);

/* How far the source is that is furthest from its end; now_ms is not set. Returns false
 * if no source has an end that is still to come. */
bool lanes_progress(const struct lanes *lanes, struct progress_now *out);

/* As tape_ticks(), tape_missed() and tape_sizeless(); and the ticks that wait. */
uint64_t lanes_ticks(const struct lanes *lanes, enum bars_result fate);
uint64_t lanes_missed(const struct lanes *lanes);
uint64_t lanes_sizeless(const struct lanes *lanes);
size_t lanes_backlog(const struct lanes *lanes);

#endif
