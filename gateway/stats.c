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

const char *stats_refusal_label(enum stats_refusal refusal)
{
    assert(refusal < STATS_REFUSAL_COUNT);
    return refusal_labels[refusal];
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

static void write_labelled(FILE *file, const char *name, const char *label,
                           uint64_t value)
{
    fprintf(file, "chronogate_%s{reason=\"%s\"} %" PRIu64 "\n", name, label, value);
}

static void write_gauges(const struct stats_gauges *gauges, FILE *file)
{
    write_metric(file, "connections", "gauge", "Clients connected", gauges->connections);
    write_metric(file, "subscriptions", "gauge", "Topics held, summed over clients",
                 gauges->subscriptions);
    write_metric(file, "topics", "gauge", "Different topics held", gauges->topics);
    write_metric(file, "queue_bytes", "gauge", "Bytes waiting for slow clients",
                 gauges->queue_bytes);
    write_metric(file, "redis_connected", "gauge",
                 "1 while both Redis connections are up", gauges->redis_connected);
    write_metric(file, "redis_reconnects_total", "counter",
                 "Times the Redis link came back", gauges->redis_reconnects);
    write_metric(file, "draining", "gauge", "1 while this gateway is shutting down",
                 gauges->draining);
    write_head(file, "build_info", "gauge", "What is running");
    fprintf(file, "chronogate_build_info{version=\"%s\"} 1\n", CHRONOGATE_VERSION);
}

void stats_write(const struct stats *stats, const struct stats_gauges *gauges, FILE *file)
{
    write_gauges(gauges, file);
#define COUNTER(name, help) write_metric(file, #name, "counter", help, stats->name);
    STATS_COUNTERS(COUNTER)
#undef COUNTER
    write_head(file, "refusals_total", "counter", "Connections refused");
    for (int i = 0; i < STATS_REFUSAL_COUNT; i++) {
        write_labelled(file, "refusals_total", refusal_labels[i], stats->refusals[i]);
    }
    write_head(file, "closes_total", "counter", "Connections ended");
    for (int i = 0; i < STATS_END_COUNT; i++) {
        write_labelled(file, "closes_total", ends[i].label, stats->closes[i]);
    }
}
