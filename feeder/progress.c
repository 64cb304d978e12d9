/* SPDX-License-Identifier: MIT */
#include "feeder/progress.h"

#include <stdio.h>

#define SHOW_MS    250
#define MEASURE_MS 1000
#define SMOOTH     0.3 /* the weight of the last second */
#define HOURS_MAX  999 /* nobody waits so long */

static double share_of(const struct progress_now *now)
{
    if (now->total == 0 || now->done >= now->total) {
        return 1;
    }
    return (double)now->done / (double)now->total;
}

static void measure(struct progress *progress, const struct progress_now *now)
{
    const double seconds = (double)(now->now_ms - progress->seen_ms) / 1000;
    const double share = (share_of(now) - progress->seen_share) / seconds;
    const double ticks = (double)(now->ticks - progress->seen_ticks) / seconds;
    const double weight = progress->measured ? SMOOTH : 1;
    progress->share_per_s += (share - progress->share_per_s) * weight;
    progress->ticks_per_s += (ticks - progress->ticks_per_s) * weight;
    progress->measured = true;
}

static void look(struct progress *progress, const struct progress_now *now)
{
    if (progress->started && now->now_ms - progress->seen_ms < MEASURE_MS) {
        return;
    }
    if (progress->started) {
        measure(progress, now);
    }
    progress->started = true;
    progress->seen_ms = now->now_ms;
    progress->seen_share = share_of(now);
    progress->seen_ticks = now->ticks;
}

/* How long it takes yet, as in "0:01:12 left"; nothing if that can't be told. */
static void format_left(const struct progress *progress, double share, char out[32])
{
    const double seconds = (1 - share) / progress->share_per_s;
    out[0] = '\0';
    if (progress->share_per_s > 0 && seconds < HOURS_MAX * 3600.0) {
        const unsigned left = (unsigned)(seconds + 0.5);
        snprintf(out, 32, "  %u:%02u:%02u left", left / 3600, left / 60 % 60, left % 60);
    }
}

size_t progress_line(struct progress *progress, const struct progress_now *now,
                     char out[PROGRESS_LINE_MAX])
{
    if (progress->started && now->now_ms - progress->shown_ms < SHOW_MS) {
        return 0;
    }
    look(progress, now);
    progress->shown_ms = now->now_ms;
    const double share = share_of(now);
    char left[32] = "";
    char speed[32] = "";
    if (progress->measured) {
        const double ticks = progress->ticks_per_s < 1e8 ? progress->ticks_per_s : 1e8;
        snprintf(speed, sizeof(speed), "  %.0f ticks/s", ticks);
        format_left(progress, share, left);
    }
    /* Rounded down: 100 % is the end. */
    const unsigned permille = (unsigned)(share * 1000);
    const int len = snprintf(out, PROGRESS_LINE_MAX, PROGRESS_CLEAR "%3u.%u%%%s%s\r",
                             permille / 10, permille % 10, speed, left);
    return len > 0 && len < PROGRESS_LINE_MAX ? (size_t)len : 0;
}
