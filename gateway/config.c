/* SPDX-License-Identifier: MIT */
#include "gateway/config.h"

#include <stddef.h>

#define FIELD(name) offsetof(struct gateway_config, name)
#define KIB         ((int64_t)1024)
#define MIB         (1024 * KIB)
#define DAY_MS      86400000

#define TEXT(option, kind, field, default_text, sentence)         \
    {                                                             \
        .name = (option), .type = (kind), .offset = FIELD(field), \
        .fallback = (default_text), .help = (sentence)            \
    }
#define COUNT(option, field, its_unit, from, to, default_text, sentence)                \
    {                                                                                   \
        .name = (option), .type = CONF_INT, .offset = FIELD(field), .unit = (its_unit), \
        .min = (from), .max = (to), .fallback = (default_text), .help = (sentence)      \
    }
#define BYTES(option, field, from, to, default_text, sentence)                         \
    {                                                                                  \
        .name = (option), .type = CONF_BYTES, .offset = FIELD(field), .unit = "bytes", \
        .min = (from), .max = (to), .fallback = (default_text), .help = (sentence)     \
    }
#define CHOICE(option, field, words, default_text, sentence)               \
    {                                                                      \
        .name = (option), .type = CONF_CHOICE, .offset = FIELD(field),     \
        .choices = (words), .fallback = (default_text), .help = (sentence) \
    }

static const struct conf_setting settings[] = {
    TEXT(
        "listen", CONF_ADDRESS, listen, "0.0.0.0:8000",
        "Where clients connect; port 0 picks a free one, several gateways may share one"),
    TEXT("admin", CONF_ADDRESS, admin, "127.0.0.1:9100",
         "Where /healthz, /readyz and /metrics are served"),
    TEXT("console", CONF_ADDRESS, console, "0.0.0.0:3000",
         "Where the web page /websocket-test is served"),
    TEXT("redis", CONF_URL, redis, "redis://127.0.0.1:6379",
         "The Redis that feeders publish to"),
    TEXT("channel-prefix", CONF_STRING, channel_prefix, "",
         "Text before the topic in the names of Redis channels"),
    TEXT("allowed-origins", CONF_STRING, allowed_origins, "",
         "Origins that browsers may connect from, separated by commas; empty allows all"),
    TEXT(
        "trusted-proxies", CONF_STRING, trusted_proxies, "",
        "Networks of balancers, as in 10.0.0.0/8,::1, whose X-Forwarded-For says which address a client has; they themselves have no limit per address"),

    BYTES("max-message-bytes", max_message_bytes, 128, 16 * MIB, "64k",
          "Longest message a client may send; a longer one closes with 1009"),
    COUNT("max-topics", max_topics, NULL, 1, 1000000, "1024",
          "Topics one connection may hold"),
    COUNT("max-topics-total", max_topics_total, NULL, 1, 100000000, "100000",
          "Different topics that all connections together may hold"),
    COUNT("max-listed-topics", max_listed_topics, NULL, 1, 100000, "10000",
          "Topics that the list at /api/v1/topics may have"),
    COUNT(
        "list-refresh-ms", list_refresh_ms, "ms", 100, DAY_MS, "10000",
        "The least time between two scans of Redis for that list; without questions there are none"),
    COUNT(
        "bars-rate", bars_rate_per_s, "per second", 1, 1000000, "500",
        "Requests for closed bars, /api/v1/bars, that are answered in the long run, twice as many at once; beyond it they get 503"),
    COUNT(
        "request-rate", request_rate_per_s, "per second", 1, 1000000, "50",
        "Requests, counted by their topics, that one connection may make in the long run"),
    COUNT(
        "request-burst", request_burst, NULL, 1, 1000000, "300",
        "Requests, counted by their topics, that one connection may make at once; a request for more topics is always refused"),
    COUNT("flood-limit", flood_limit, NULL, 1, 1000000, "100",
          "Refused requests in a row after which a connection is closed with 4029"),
    COUNT("max-connections", max_connections, NULL, 0, 10000000, "0",
          "Clients of this process; 0 takes what the file limit allows, less a reserve"),
    COUNT("max-connections-per-address", max_connections_per_address, NULL, 0, 10000000,
          "0", "Clients from one address; 0 sets no limit"),
    COUNT("handshake-timeout-ms", handshake_timeout_ms, "ms", 100, DAY_MS, "10000",
          "Time to send a complete request"),
    BYTES(
        "backlog-soft-bytes", backlog_soft_bytes, KIB, 1024 * MIB, "64k",
        "Bytes that may wait for one client before only the newest message of each topic is kept"),
    BYTES("backlog-hard-bytes", backlog_hard_bytes, 4 * KIB, 1024 * MIB, "1m",
          "Bytes that may wait for one client; beyond it is closed with 4008"),
    BYTES(
        "backlog-total-bytes", backlog_total_bytes, MIB, (int64_t)1024 * 1024 * MIB,
        "256m",
        "Bytes that may wait for all clients; beyond it those with the most are closed with 4008"),
    COUNT("backlog-age-ms", backlog_age_ms, "ms", 100, DAY_MS, "30000",
          "Time without progress after which a client is closed with 4008"),
    BYTES(
        "socket-buffer-bytes", socket_buffer_bytes, 0, 64 * MIB, "64k",
        "Bytes the kernel may hold for one client, as SO_SNDBUF counts them, and a quarter of it unsent; 0 leaves it to the system"),
    COUNT(
        "flush-interval-ms", flush_interval_ms, "ms", 0, 1000, "0",
        "Time between two writes to clients: longer means fewer and larger ones; 0 writes after each turn"),
    TEXT(
        "flush-rest", CONF_BOOL, flush_rest, "true",
        "When writes are many and carry little, wait as long as they took, 10 ms at most: less CPU, some latency"),
    COUNT("ping-interval-ms", ping_interval_ms, "ms", 0, DAY_MS, "30000",
          "Time between WebSocket pings; 0 sends none"),
    COUNT("pong-timeout-ms", pong_timeout_ms, "ms", 100, DAY_MS, "20000",
          "Time a client may take to answer a ping"),
    COUNT("heartbeat-interval-ms", heartbeat_interval_ms, "ms", 0, DAY_MS, "30000",
          "Time between heartbeat messages; 0 sends none"),
    COUNT("subscribe-timeout-ms", subscribe_timeout_ms, "ms", 100, DAY_MS, "5000",
          "Time Redis may take to confirm a subscription"),
    COUNT("close-timeout-ms", close_timeout_ms, "ms", 100, DAY_MS, "2000",
          "Time a client may take to answer a close frame"),
    COUNT(
        "drain-delay-ms", drain_delay_ms, "ms", 0, DAY_MS, "1000",
        "Time from SIGTERM, when /readyz turns red, until new clients are refused: the balancer's time to notice"),
    COUNT(
        "drain-spread-ms", drain_spread_ms, "ms", 0, DAY_MS, "5000",
        "Time over which clients are then sent away with `reconnect` and 1012; the most that `after_ms` says"),

    COUNT("unsubscribe-linger-ms", unsubscribe_linger_ms, "ms", 0, DAY_MS, "3000",
          "Time a topic is kept after its last client has left it"),
    COUNT("replay-max", replay_max, NULL, 1, 1000000, "1000",
          "Messages of one replay or repair; what needs more gets a snapshot"),
    COUNT("replay-keep-ms", replay_keep_ms, "ms", 0, DAY_MS, "10000",
          "Time a topic's messages are kept for further replays after one"),
    BYTES(
        "replay-total-bytes", replay_total_bytes, MIB, (int64_t)1024 * 1024 * MIB, "64m",
        "Bytes kept for replays, beyond which those used least go first; and bytes held back while losses are repaired, beyond which the history is read for them"),
    BYTES("max-payload-bytes", max_payload_bytes, KIB, 512 * MIB, "1m",
          "Longest message taken from Redis; a longer one is counted and dropped"),
    COUNT("probe-interval-ms", probe_interval_ms, "ms", 50, DAY_MS, "1000",
          "Time between messages that the gateway publishes to itself"),
    COUNT(
        "probe-timeout-ms", probe_timeout_ms, "ms", 100, DAY_MS, "3000",
        "Time without one of them coming back after which Redis is taken for dead and connected to again"),
    COUNT("redis-connect-timeout-ms", redis_connect_timeout_ms, "ms", 100, DAY_MS, "3000",
          "Time a connection to Redis may take"),
    COUNT("redis-command-timeout-ms", redis_command_timeout_ms, "ms", 100, DAY_MS, "3000",
          "Time Redis may take to answer"),

    CHOICE("log-level", log_level, "debug|info|warn|error", "info",
           "The least serious events that are logged"),
    CHOICE("log-format", log_format, "text|json", "text",
           "How a line of the log is written"),
};

const struct conf_program gateway_config_program = {
    .name = "chronogate",
    .env_prefix = "CHRONOGATE_",
    .version = CHRONOGATE_VERSION,
    .summary =
        "A WebSocket gateway for live market data: clients subscribe to topics, and "
        "get what\nfeeds publish on the Redis channels of those topics.",
    .settings = settings,
    .count = sizeof(settings) / sizeof(settings[0]),
};
