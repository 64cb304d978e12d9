/* config — the settings of chronogate.
 *
 * SPDX-License-Identifier: MIT
 *
 * One row in config.c describes each field: its option, its environment variable, unit,
 * range, default and meaning.
 */
#ifndef GATEWAY_CONFIG_H
#define GATEWAY_CONFIG_H

#include <stdint.h>

#include "common/conf.h"

struct gateway_config {
    const char *listen;  /* HOST:PORT of the client API */
    const char *admin;   /* HOST:PORT of health and metrics, or "off" */
    const char *console; /* HOST:PORT of the web page, or "off" */
    const char *redis;   /* URL */
    const char *channel_prefix;
    const char *allowed_origins; /* comma-separated; empty allows all */
    const char *trusted_proxies; /* as networks_parse() reads it */

    int64_t max_message_bytes;
    int64_t max_topics;       /* of one connection */
    int64_t max_topics_total; /* different ones, of all connections */
    int64_t max_listed_topics;
    int64_t list_refresh_ms;
    int64_t bars_rate_per_s;
    int64_t request_rate_per_s;
    int64_t request_burst;
    int64_t flood_limit;
    int64_t max_connections; /* 0: what the file limit allows */
    int64_t max_connections_per_address;
    int64_t handshake_timeout_ms;
    int64_t backlog_soft_bytes;
    int64_t backlog_hard_bytes;
    int64_t backlog_total_bytes;
    int64_t backlog_age_ms;
    int64_t socket_buffer_bytes; /* 0: as the system has it */
    int64_t flush_interval_ms;
    bool flush_rest;
    int64_t ping_interval_ms;
    int64_t pong_timeout_ms;
    int64_t heartbeat_interval_ms;
    int64_t subscribe_timeout_ms;
    int64_t close_timeout_ms;
    int64_t unsubscribe_linger_ms;
    int64_t replay_max; /* messages */
    int64_t replay_keep_ms;
    int64_t replay_total_bytes;
    int64_t drain_delay_ms;
    int64_t drain_spread_ms;
    int64_t max_payload_bytes;
    int64_t probe_interval_ms;
    int64_t probe_timeout_ms;
    int64_t redis_connect_timeout_ms;
    int64_t redis_command_timeout_ms;

    int log_level;  /* enum log_level */
    int log_format; /* enum log_format */
};

extern const struct conf_program gateway_config_program;

#endif
