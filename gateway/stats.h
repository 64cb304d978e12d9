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

#include <stddef.h>
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
    X(messages_repeated_total,                                               \
      "Messages from Redis that were here before, and went no further")      \
    X(history_reads_total, "Topics whose history was read from Redis")       \
    X(bar_pages_total, "Requests for closed bars that were answered")        \
    X(bar_pages_refused_total, "Such requests refused, as too many came")    \
    X(repairs_total, "Times a topic was made whole after a loss")            \
    X(repaired_messages_total, "Messages delivered by that")                 \
    X(gaps_total, "Times a topic's clients were told of a gap")              \
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
    X(SHUTDOWN, "shutdown", 1012)       \
    X(PROTOCOL, "protocol", 1002)       \
    X(NOT_UTF8, "not_utf8", 1007)       \
    X(TOO_BIG, "too_big", 1009)         \
    X(NO_MEMORY, "no_memory", 1013)     \
    X(OVER_BUDGET, "over_budget", 4008) \
    X(SLOW, "slow", 4008)               \
    X(FLOODING, "flooding", 4029)

/* OUTCOME, label: of what came of a client's `since` */
#define STATS_REPLAYS(X)      \
    X(RECOVERED, "recovered") \
    X(NOT_RECOVERED, "not_recovered")

#define STATS_REFUSAL_ENUM(name, label)   STATS_REFUSED_##name,
#define STATS_REPLAY_ENUM(name, label)    STATS_REPLAY_##name,
#define STATS_END_ENUM(name, label, code) STATS_END_##name,
#define STATS_COUNTER_FIELD(name, help)   uint64_t name;

enum stats_refusal { STATS_REFUSALS(STATS_REFUSAL_ENUM) STATS_REFUSAL_COUNT };
enum stats_end { STATS_ENDS(STATS_END_ENUM) STATS_END_COUNT };
enum stats_replay { STATS_REPLAYS(STATS_REPLAY_ENUM) STATS_REPLAY_COUNT };

/* Seconds from the publication of a message, the milliseconds of its id, to its sending:
 * each bucket's upper end, in ms. */
#define STATS_LATENCY_BUCKETS(X) \
    X(1) X(2) X(5) X(10) X(20) X(50) X(100) X(200) X(500) X(1000) X(2000) X(5000) X(10000)

#define STATS_UNSENT_MAX 256

#define STATS_LATENCY_ENUM(ms) STATS_LATENCY_##ms,
enum { STATS_LATENCY_BUCKETS(STATS_LATENCY_ENUM) STATS_LATENCY_COUNT };

struct stats {
    STATS_COUNTERS(STATS_COUNTER_FIELD)
    uint64_t refusals[STATS_REFUSAL_COUNT];
    uint64_t closes[STATS_END_COUNT];
    uint64_t replays[STATS_REPLAY_COUNT];
    uint64_t latencies[STATS_LATENCY_COUNT + 1]; /* the last is beyond all buckets */
    uint64_t latency_sum_ms;
    uint64_t unsent_ms[STATS_UNSENT_MAX]; /* ids; what is more in one turn is not timed */
    size_t unsent_count;
};

/* What is not counted but looked up when somebody asks. */
struct stats_gauges {
    uint64_t connections;
    uint64_t connections_max;
    uint64_t subscriptions;
    uint64_t topics;
    uint64_t queue_bytes;
    uint64_t queue_bytes_max;
    uint64_t memory_bytes;
    uint64_t memory_limit_bytes;
    uint64_t resident_bytes;
    uint64_t cpu_ms;
    uint64_t redis_connected;
    uint64_t topics_lingering;
    uint64_t redis_reconnects;
    uint64_t probe_age_ms;
    uint64_t degraded;
    uint64_t draining;
};

/* A message with an id was encoded: it waits to be counted by stats_sent(). */
void stats_published(struct stats *stats, uint64_t published_ms);

/* What waited has been sent by now, milliseconds since 1970. */
void stats_sent(struct stats *stats, uint64_t now_ms);

const char *stats_end_label(enum stats_end end);
unsigned stats_end_code(enum stats_end end);

/* Writes everything in the Prometheus text format, version 0.0.4. */
void stats_write(const struct stats *stats, const struct stats_gauges *gauges,
                 FILE *file);

#endif
