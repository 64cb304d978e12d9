/* SPDX-License-Identifier: MIT */
#include "gateway/stats.h"

#include <assert.h>
#include <inttypes.h>

static const char *const refusal_labels[] = {
#define LABEL(name, label) [STATS_REFUSED_##name] = (label),
    STATS_REFUSALS(LABEL)
#undef LABEL
};

static const struct {
    const char *label;
    unsigned code;
} ends[] = {
#define END(name, text, number) [STATS_END_##name] = {.label = (text), .code = (number)},
    STATS_ENDS(END)
#undef END
};

static const char *const replay_labels[] = {
#define LABEL(name, label) [STATS_REPLAY_##name] = (label),
    STATS_REPLAYS(LABEL)
#undef LABEL
};

static const uint64_t latency_ms[] = {
#define BUCKET(ms) (ms),
    STATS_LATENCY_BUCKETS(BUCKET)
#undef BUCKET
};

static void add_latency(struct stats *stats, uint64_t ms)
{
    int bucket = 0;
    while (bucket < STATS_LATENCY_COUNT && ms > latency_ms[bucket]) {
        bucket++;
    }
    stats->latencies[bucket]++;
    stats->latency_sum_ms += ms;
}

void stats_published(struct stats *stats, uint64_t published_ms)
{
    if (stats->unsent_count < STATS_UNSENT_MAX) {
        stats->unsent_ms[stats->unsent_count++] = published_ms;
    }
}

void stats_sent(struct stats *stats, uint64_t now_ms)
{
    for (size_t i = 0; i < stats->unsent_count; i++) {
        const uint64_t then_ms = stats->unsent_ms[i];
        add_latency(stats, now_ms > then_ms ? now_ms - then_ms : 0); /* clocks differ */
    }
    stats->unsent_count = 0;
}

const char *stats_end_label(enum stats_end end)
{
    assert(end < STATS_END_COUNT);
    return ends[end].label;
}

unsigned stats_end_code(enum stats_end end)
{
    assert(end < STATS_END_COUNT);
    return ends[end].code;
}

static void write_head(FILE *file, const char *name, const char *type, const char *help)
{
    fprintf(file, "# HELP chronogate_%s %s.\n# TYPE chronogate_%s %s\n", name, help, name,
            type);
}

static void write_metric(FILE *file, const char *name, const char *type, const char *help,
                         uint64_t value)
{
    write_head(file, name, type, help);
    fprintf(file, "chronogate_%s %" PRIu64 "\n", name, value);
}

static void write_labelled(FILE *file, const char *name, const char *key,
                           const char *label, uint64_t value)
{
    fprintf(file, "chronogate_%s{%s=\"%s\"} %" PRIu64 "\n", name, key, label, value);
}

/* https://prometheus.io/docs/instrumenting/exposition_formats/ (Histograms) */
static void write_latency(const struct stats *stats, FILE *file)
{
    static const char name[] = "publish_to_send_seconds";
    uint64_t total = 0;
    write_head(file, name, "histogram",
               "From a message's publication, by its id, to its sending");
    for (int i = 0; i < STATS_LATENCY_COUNT; i++) {
        total += stats->latencies[i];
        fprintf(file, "chronogate_%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
                (double)latency_ms[i] / 1000, total);
    }
    total += stats->latencies[STATS_LATENCY_COUNT];
    fprintf(file, "chronogate_%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, total);
    fprintf(file, "chronogate_%s_sum %g\n", name, (double)stats->latency_sum_ms / 1000);
    fprintf(file, "chronogate_%s_count %" PRIu64 "\n", name, total);
}

static void write_gauges(const struct stats_gauges *gauges, FILE *file)
{
    write_metric(file, "connections", "gauge", "Clients connected", gauges->connections);
    write_metric(file, "connections_max", "gauge", "Clients there is room for",
                 gauges->connections_max);
    write_metric(file, "subscriptions", "gauge", "Topics held, summed over clients",
                 gauges->subscriptions);
    write_metric(file, "topics", "gauge", "Different topics held", gauges->topics);
    write_metric(file, "topics_lingering", "gauge",
                 "Topics that nobody holds any more, kept for a while",
                 gauges->topics_lingering);
    write_metric(file, "queue_bytes", "gauge", "Bytes waiting for slow clients",
                 gauges->queue_bytes);
    write_metric(file, "queue_bytes_max", "gauge",
                 "Bytes that may wait; beyond it those with the most are closed",
                 gauges->queue_bytes_max);
    write_metric(file, "memory_bytes", "gauge",
                 "Memory that counts against memory_limit_bytes", gauges->memory_bytes);
    write_metric(file, "memory_limit_bytes", "gauge",
                 "Memory there is, of the control group or the machine",
                 gauges->memory_limit_bytes);
    write_metric(file, "redis_connected", "gauge",
                 "1 while both Redis connections are up", gauges->redis_connected);
    write_metric(file, "redis_reconnects_total", "counter",
                 "Times the Redis link came back", gauges->redis_reconnects);
    write_head(file, "probe_age_seconds", "gauge",
               "Since a message last came from Redis, our own probe if no other");
    fprintf(file, "chronogate_probe_age_seconds %.3f\n",
            (double)gauges->probe_age_ms / 1000);
    write_metric(file, "degraded", "gauge",
                 "1 while clients may see old data because Redis is away",
                 gauges->degraded);
    write_metric(file, "draining", "gauge", "1 while this gateway is shutting down",
                 gauges->draining);
    write_head(file, "build_info", "gauge", "What is running");
    fprintf(file, "chronogate_build_info{version=\"%s\"} 1\n", CHRONOGATE_VERSION);
}

/* Of every process, by the names that Prometheus gives them.
 * https://prometheus.io/docs/instrumenting/writing_clientlibs/ (Process metrics) */
static void write_process(const struct stats_gauges *gauges, FILE *file)
{
    fprintf(file,
            "# HELP process_resident_memory_bytes Resident memory size in bytes.\n"
            "# TYPE process_resident_memory_bytes gauge\n"
            "process_resident_memory_bytes %" PRIu64 "\n"
            "# HELP process_cpu_seconds_total User and system CPU time in seconds.\n"
            "# TYPE process_cpu_seconds_total counter\n"
            "process_cpu_seconds_total %.3f\n",
            gauges->resident_bytes, (double)gauges->cpu_ms / 1000);
}

void stats_write(const struct stats *stats, const struct stats_gauges *gauges, FILE *file)
{
    write_gauges(gauges, file);
    write_process(gauges, file);
#define COUNTER(name, help) write_metric(file, #name, "counter", help, stats->name);
    STATS_COUNTERS(COUNTER)
#undef COUNTER
    write_head(file, "refusals_total", "counter", "Connections refused");
    for (int i = 0; i < STATS_REFUSAL_COUNT; i++) {
        write_labelled(file, "refusals_total", "reason", refusal_labels[i],
                       stats->refusals[i]);
    }
    write_head(file, "closes_total", "counter", "Connections ended");
    for (int i = 0; i < STATS_END_COUNT; i++) {
        write_labelled(file, "closes_total", "reason", ends[i].label, stats->closes[i]);
    }
    write_head(file, "replays_total", "counter", "Subscriptions with `since`");
    for (int i = 0; i < STATS_REPLAY_COUNT; i++) {
        write_labelled(file, "replays_total", "outcome", replay_labels[i],
                       stats->replays[i]);
    }
    write_latency(stats, file);
}
