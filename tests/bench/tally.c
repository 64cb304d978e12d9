/* SPDX-License-Identifier: MIT */
#include "tally.h"

#include <inttypes.h>
#include <stdio.h>

#include "clock.h"

/* Between the edges as they were noticed, which is where the CPU time was read. */
static bool running(const struct tally *tally)
{
    return tally->at_from_ns != 0 && tally->at_to_ns == 0;
}

static bool inside(const struct tally *tally, uint64_t at_ns)
{
    return at_ns >= tally->from_ns && at_ns < tally->to_ns;
}

void tally_begin(struct tally *tally, uint64_t from_ns, uint64_t to_ns, uint64_t end_ns)
{
    const pid_t watched = tally->watched;
    *tally = (struct tally){
        .from_ns = from_ns, .to_ns = to_ns, .end_ns = end_ns, .watched = watched};
}

bool tally_tick(struct tally *tally, uint64_t now_ns)
{
    if (tally->end_ns == 0) {
        return false;
    }
    if (tally->at_from_ns == 0 && now_ns >= tally->from_ns) {
        tally->at_from_ns = now_ns;
        tally->cpu_from_ns = clock_cpu_ns(tally->watched);
    }
    if (tally->at_to_ns == 0 && now_ns >= tally->to_ns) {
        tally->at_to_ns = now_ns;
        tally->cpu_to_ns = clock_cpu_ns(tally->watched);
    }
    return now_ns >= tally->end_ns;
}

uint64_t tally_next_ns(const struct tally *tally)
{
    if (tally->end_ns == 0) {
        return UINT64_MAX;
    }
    return tally->at_from_ns == 0 ? tally->from_ns
           : tally->at_to_ns == 0 ? tally->to_ns
                                  : tally->end_ns;
}

void tally_message(struct tally *tally, struct seen *seen, const struct payload *payload,
                   uint64_t id, uint64_t now_ns)
{
    if (running(tally)) {
        tally->received++;
    }
    if (inside(tally, payload->t_ns)) {
        tally->delivered++;
        histogram_add(&tally->latency,
                      now_ns > payload->t_ns ? now_ns - payload->t_ns : 0);
    }
    if (payload->n <= seen->n || (id != 0 && id <= seen->id)) {
        tally->disordered++;
    } else if (seen->n != 0) {
        tally->lost += payload->n - seen->n - 1;
    }
    *seen = (struct seen){.n = payload->n, .id = id};
}

void tally_bytes(struct tally *tally, uint64_t count)
{
    if (running(tally)) {
        tally->bytes += count;
    }
}

void tally_opened(struct tally *tally)
{
    if (running(tally)) {
        tally->opened++;
    }
}

void tally_print(const struct tally *tally, uint64_t clients, uint64_t failed)
{
    const struct histogram *latency = &tally->latency;
    printf("{\"event\":\"window\",\"clients\":%" PRIu64 ",\"failed\":%" PRIu64
           ",\"opened\":%" PRIu64 ",\"received\":%" PRIu64 ",\"bytes\":%" PRIu64
           ",\"delivered\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"disordered\":%" PRIu64
           ",\"corrupt\":%" PRIu64,
           clients, failed, tally->opened, tally->received, tally->bytes,
           tally->delivered, tally->lost, tally->disordered, tally->corrupt);
    printf(",\"window_s\":%.6f,\"cpu_s\":%.6f",
           (double)(tally->at_to_ns - tally->at_from_ns) / 1e9,
           (double)(tally->cpu_to_ns - tally->cpu_from_ns) / 1e9);
    printf(",\"latency_us\":{\"mean\":%.1f,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,"
           "\"p999\":%.1f,\"max\":%.1f}}\n",
           latency->count == 0 ? 0.0
                               : (double)latency->sum / (double)latency->count / 1e3,
           (double)histogram_at(latency, 0.5) / 1e3,
           (double)histogram_at(latency, 0.9) / 1e3,
           (double)histogram_at(latency, 0.99) / 1e3,
           (double)histogram_at(latency, 0.999) / 1e3, (double)latency->max / 1e3);
    fflush(stdout);
}
