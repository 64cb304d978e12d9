/* config — the feeder's settings: the struct, and the table they are read with.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef FEEDER_CONFIG_H
#define FEEDER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/conf.h"
#include "common/log.h"
#include "common/redis_url.h"
#include "common/topic.h"

struct feeder_config {
    const char *source; /* kinds with commas between them */
    const char *name;   /* of the lease; "" for the sources' own */
    int64_t lease_ms;
    bool resume;
    const char *redis;
    const char *channel_prefix;
    int64_t history_length;
    int64_t bars_length;

    int64_t rate_per_s;
    int64_t seed;

    const char *file;
    const char *columns;
    const char *from; /* "" or as calendar_parse_stamp() reads it */
    const char *to;
    double speed;
    bool loop;
    int row_interval; /* enum topic_interval */
    int64_t max_file_bytes;

    int64_t max_line_bytes;
    int64_t max_ahead_ms; /* of the wall clock; 0: any time will do */

    int venue;             /* enum venue_name */
    const char *symbols;   /* the venue's own names, with commas between them */
    const char *venue_url; /* "" for the venue's own */
    const char *ca_file;   /* "" for the system's certificates */
    int64_t venue_silence_ms;
    int64_t venue_backoff_ms; /* the longest pause between two tries */

    const char *session; /* a time zone's name */
    int64_t lateness_ms;
    int64_t min_update_ms;
    int64_t price_band_percent;
    const char *weights; /* AAPL=2,MSFT=1 */
    int64_t max_symbols;
    int64_t max_in_flight;
    int64_t max_queue;
    int64_t redis_connect_timeout_ms;
    int64_t redis_command_timeout_ms;
    int64_t drain_timeout_ms;

    int log_level;  /* enum log_level */
    int log_format; /* enum log_format */

    struct redis_url redis_url; /* `redis`, taken apart */
    int64_t from_us;            /* CALENDAR_MIN_US where `from` is empty */
    int64_t to_us;              /* CALENDAR_MAX_US where `to` is; the first not wanted */
};

extern const struct conf_program feeder_config_program;

/* conf_load() with the feeder's table, and the checks a table cannot make. The session's
 * zone becomes the process's. */
enum conf_result feeder_config_load(char *const argv[], char *const envp[],
                                    struct feeder_config *out, FILE *shown,
                                    char error[CONF_ERROR_MAX]);

#endif
