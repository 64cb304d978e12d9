/* pump — runs the sources: asks each when it is due, and no faster than can be published.
 *
 * SPDX-License-Identifier: MIT
 *
 * Owns the sources, the tape they all speak to, their wires, and the publisher. Patient
 * sources are not asked while enough messages wait; the others always are. The only place
 * in the feeder that reads a clock.
 */
#ifndef FEEDER_PUMP_H
#define FEEDER_PUMP_H

#include <stddef.h>

#include "feeder/source.h"

struct loop;
struct pump;

/* All there was is published, or the time for it is over. Runs in the loop; must not
 * destroy the pump. */
typedef void (*pump_done_fn)(void *arg);

/* Creates the sources in their order and begins in the loop's next turn. Returns NULL and
 * one line in `error` if that can't be. `config` must outlive it. */
struct pump *pump_create(struct loop *loop, const struct feeder_config *config,
                         const struct source_list *list, pump_done_fn on_done, void *arg,
                         char error[SOURCE_ERROR_MAX]);
void pump_destroy(struct pump *pump);

/* Asks the sources for nothing more; done when what waits is published, after the
 * drain-timeout-ms at the latest. */
void pump_stop(struct pump *pump);

#endif
