/* stats — what this process has counted, and how it is told to Prometheus.
 *
 * SPDX-License-Identifier: MIT
 *
 * Each counter, each reason to refuse a connection and each reason one ended is one row
 * here; its field, its name and its line in /metrics follow from the row. Counting is an
 * increment of a field by whoever saw it happen.
 */
#ifndef GATEWAY_STATS_H
#define GATEWAY_STATS_H

#include <stdint.h>
#include <stdio.h>

/* field and name after `chronogate_`, help */
#define STATS_COUNTERS(X)                                                    \
    X(connections_total, "WebSocket connections accepted")                   \
    X(messages_received_total, "Messages from clients")                      \
    X(bytes_received_total, "Bytes from clients after the handshake")        \
    X(messages_sent_total, "Messages handed to the kernel for clients")      \
    X(bytes_sent_total, "Bytes of those messages, with their framing")       \
    X(messages_conflated_total,                                              \
      "Messages left out for slow clients, newer ones taking their place")   \
    X(writes_total,                                                          \
      "Writes to client sockets; messages_sent_total per write is a batch")  \
    X(redis_messages_total, "Messages from Redis on topics' channels")       \
    X(redis_bytes_total, "Bytes of those messages")                          \
    X(payloads_rejected_total, "Messages from Redis that no client may see") \
    X(errors_sent_total, "Error messages to clients")                        \
    X(requests_limited_total, "Requests refused by the rate limit")

/* REASON, label: why an upgrade was refused; "crowded" is one that was pushed out before
 * its request was complete */
#define STATS_REFUSALS(X)             \
    X(PATH, "path")                   \
    X(CLIENT_ID, "client_id")         \
    X(HANDSHAKE, "handshake")         \
    X(VERSION, "version")             \
    X(ORIGIN, "origin")               \
    X(ADDRESS_LIMIT, "address_limit") \
    X(FULL, "full")                   \
    X(NO_REDIS, "no_redis")           \
    X(DRAINING, "draining")           \
    X(CROWDED, "crowded")

/* REASON, label, close code (0: the connection just ends): why a session ended */
#define STATS_ENDS(X)                   \
    X(BY_CLIENT, "client", 0)           \
    X(GONE, "gone", 0)                  \
    X(NO_PONG, "no_pong", 0)            \
    X(SHUTDOWN, "shutdown", 1001)       \
    X(PROTOCOL, "protocol", 1002)       \
    X(NOT_UTF8, "not_utf8", 1007)       \
    X(TOO_BIG, "too_big", 1009)         \
    X(NO_MEMORY, "no_memory", 1013)     \
    X(OVER_BUDGET, "over_budget", 4008) \
    X(SLOW, "slow", 4008)               \
    X(FLOODING, "flooding", 4029)

#define STATS_REFUSAL_ENUM(name, label)   STATS_REFUSED_##name,
#define STATS_END_ENUM(name, label, code) STATS_END_##name,
#define STATS_COUNTER_FIELD(name, help)   uint64_t name;

enum stats_refusal { STATS_REFUSALS(STATS_REFUSAL_ENUM) STATS_REFUSAL_COUNT };
enum stats_end { STATS_ENDS(STATS_END_ENUM) STATS_END_COUNT };

struct stats {
    STATS_COUNTERS(STATS_COUNTER_FIELD)
    uint64_t refusals[STATS_REFUSAL_COUNT];
    uint64_t closes[STATS_END_COUNT];
};

/* What is not counted but looked up when somebody asks. */
struct stats_gauges {
    uint64_t connections;
    uint64_t subscriptions;
    uint64_t topics;
    uint64_t queue_bytes;
    uint64_t redis_connected;
    uint64_t redis_reconnects;
    uint64_t draining;
};

const char *stats_end_label(enum stats_end end);
unsigned stats_end_code(enum stats_end end);
const char *stats_refusal_label(enum stats_refusal refusal);

/* Writes everything in the Prometheus text format, version 0.0.4. */
void stats_write(const struct stats *stats, const struct stats_gauges *gauges,
                 FILE *file);

#endif
