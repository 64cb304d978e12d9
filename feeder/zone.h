/* zone — the clock on the wall of one place: how far it is ahead of UTC, and when its
 * days begin.
 *
 * SPDX-License-Identifier: MIT
 *
 * It comes from the system's time zone data, by way of the C library, which knows one
 * zone per process: zone_use() is for the start of a program, and whoever else asks the
 * library for local time gets this one.
 */
#ifndef FEEDER_ZONE_H
#define FEEDER_ZONE_H

#include <stdbool.h>
#include <stdint.h>

/* Makes it the process's zone: "UTC", or a name such as "America/New_York". Returns false
 * and changes nothing if the system has no such zone. Before it is called, it is UTC. */
bool zone_use(const char *name);

/* Whether days begin at midnight UTC and all have 86400 seconds. */
bool zone_is_utc(void);

/* Days are numbered as dates are: day 0 is 1970-01-01 on that wall. */

/* The day that an instant, in seconds since 1970-01-01T00:00:00 UTC, belongs to. */
int64_t zone_day_of(int64_t at_s);

/* The instant at which the day begins: midnight, or where clocks are put forward over
 * midnight, the moment they are. A day that the place left out (Samoa's 30 December 2011)
 * begins and ends with the next one's beginning. */
int64_t zone_day_start(int64_t day);

#endif
