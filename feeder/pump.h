/* pump — runs the sources: asks each when it is due, and no faster than can be published.
 *
 * SPDX-License-Identifier: MIT
 *
 * Owns the lanes, their wires and the publisher.
 *
 *     STANDING_BY ──the lease is ours and the histories are read──▶ RUNNING ──▶ STOPPED
 *          ▲                                                          │
 *          └───────────────── another feeder took over ───────────────┘
 *
 * After another feeder took over, the lanes are made anew. While enough messages wait,
 * patient sources are not asked. Only here and for wires is a wall clock read.
 */
#ifndef FEEDER_PUMP_H
#define FEEDER_PUMP_H

#include <stdbool.h>
#include <stddef.h>

#include "feeder/source.h"

struct loop;
struct pump;

/* All there was is published, or the time for it is over. Runs in the loop; must not
 * destroy the pump. */
typedef void (*pump_done_fn)(void *arg);

/* Creates the sources in their order and begins in the loop's next turn. Returns NULL and
 * one line in `error` if that can't be. `config` and `list` must outlive it.
 */
struct pump *pump_create(struct loop *loop, const struct feeder_config *config,
                         const struct source_list *list, pump_done_fn on_done, void *arg,
                         char error[SOURCE_ERROR_MAX]);
void pump_destroy(struct pump *pump);

/* Asks the sources for nothing more; done when what waits is published, after the
 * drain-timeout-ms at the latest. */
void pump_stop(struct pump *pump);

/* It was done because a source could not begin anew. */
bool pump_failed(const struct pump *pump);

#endif
