/* calendar — instants as text, and when the bars of each interval begin and end.
 *
 * SPDX-License-Identifier: MIT
 *
 * An instant is a number of microseconds since 1970-01-01T00:00:00 UTC, before or after,
 * within the years 1 to 9999. Text is in UTC. Days begin at midnight of the process's
 * zone (zone.h), weeks on Monday, months on the first; the shorter intervals divide the
 * day in UTC. A day of UTC has 86400 seconds, as everywhere in Unix.
 */
#ifndef FEEDER_CALENDAR_H
#define FEEDER_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/topic.h"

#define CALENDAR_SECOND_US INT64_C(1000000)
#define CALENDAR_DAY_US    (86400 * CALENDAR_SECOND_US)

/* 0001-01-01T00:00:00 and 9999-12-31T23:59:59.999999 */
#define CALENDAR_MIN_US (INT64_C(-62135596800) * CALENDAR_SECOND_US)
#define CALENDAR_MAX_US (INT64_C(253402300800) * CALENDAR_SECOND_US - 1)

#define CALENDAR_TEXT_MAX 26 /* 2025-09-22T05:16:02.800339, without a zero */

/* Reads YYYY-MM-DD, which is that midnight, or YYYY-MM-DDTHH:MM[:SS[.ffffff]] with a T or
 * a space in the middle and Z, +HH:MM, -HH:MM or nothing (then UTC) at the end. Digits
 * after the sixth decimal are ignored. Returns false if it is no such instant. */
bool calendar_parse(const char *text, size_t len, int64_t *out_us);

/* Reads an instant as data files and programs write it: as calendar_parse() does, or a
 * number, a minus sign before it for before 1970. The size of its whole part tells what
 * it counts since then:
 *
 *     below 10^11   seconds        until the year 5138
 *     below 10^14   milliseconds   1973-03-03T09:46:40 to the year 5138
 *     below 10^17   microseconds   the same
 *     below 10^19   nanoseconds    1973-03-03T09:46:40 to the year 2286
 *
 * Decimals may follow; what is below a microsecond is ignored. Eight digits that are a
 * day of the years 1900 to 2099, as in 20240131, are that day, not a second of August
 * 1970. */
bool calendar_parse_stamp(const char *text, size_t len, int64_t *out_us);

/* Write the instant with six decimals or cut to its second, without a zone and with a
 * terminating zero, and return the length. */
size_t calendar_format(char out[CALENDAR_TEXT_MAX + 1], int64_t at_us);
size_t calendar_format_second(char out[CALENDAR_TEXT_MAX + 1], int64_t at_us);

/* When the interval's bar that holds the instant begins; none begins before the calendar
 * does. */
int64_t calendar_bar_start(enum topic_interval interval, int64_t at_us);

/* When a bar that begins at `start_us` ends: the first instant after it, which may be
 * beyond the calendar. */
int64_t calendar_bar_end(enum topic_interval interval, int64_t start_us);

#endif
