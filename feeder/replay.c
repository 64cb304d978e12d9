/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "feeder/calendar.h"
#include "feeder/prices.h"
#include "feeder/source.h"
#include "feeder/tempo.h"

/* Real prices from a file (prices.h), at their own pace, faster, or as fast as possible.
 *
 * The file is loaded at the start. The source's clock runs through the data's own time;
 * at the end it stands where the last row's time is over. Each tick's id is its number
 * within its symbol, over all passes of a loop, so that the same file has the same ids at
 * every start. */

struct replay {
    struct source base;
    bool loop;
    struct prices prices;
    uint64_t *ids; /* of the tick handed over last, for each symbol */

    size_t next;
    uint64_t pass;
    int64_t shift_us; /* what this pass adds to the file's times */
    bool started;
    int64_t start_us;   /* of the file, where the first advance() begins the pace */
    struct tempo tempo; /* of this pass, in the file's times */
};

static int64_t first_us(const struct replay *replay)
{
    return replay->prices.list[0].time_us;
}

/* What each pass is later than the one before: whole weeks, so that weekdays stay what
 * they are. */
static int64_t period_us(const struct replay *replay)
{
    const int64_t week_us = 7 * CALENDAR_DAY_US;
    return ((replay->prices.end_us - first_us(replay)) / week_us + 1) * week_us;
}

/* Goes to the beginning of a pass, with the ids that come after those of all passes
 * before it. Returns false if it would leave the calendar. */
static bool go_to_pass(struct replay *replay, uint64_t pass)
{
    int64_t shift_us;
    if (__builtin_mul_overflow(period_us(replay), pass, &shift_us) ||
        shift_us > CALENDAR_MAX_US - replay->prices.end_us) {
        return false;
    }
    replay->pass = pass;
    replay->shift_us = shift_us;
    replay->next = 0;
    for (size_t i = 0; i < replay->prices.symbol_count; i++) {
        struct tick tick;
        replay->ids[i] = pass * prices_of_symbol(&replay->prices, i, &tick);
    }
    return true;
}

static bool begin_again(struct replay *replay, uint64_t now_ms)
{
    if (!replay->loop || !go_to_pass(replay, replay->pass + 1)) {
        return false;
    }
    replay->tempo.start_ms = now_ms;
    replay->tempo.start_us = first_us(replay);
    return true;
}

static void hand_over(struct replay *replay, const struct price *price)
{
    struct tick tick = prices_tick(&replay->prices, price);
    tick.time_us += replay->shift_us;
    tick.id = ++replay->ids[price->symbol];
    tick.sequential = true;
    replay->base.sink->on_tick(replay->base.arg, &tick);
}

static void set_clock(struct replay *replay, int64_t file_time_us)
{
    if (replay->base.clock_us < file_time_us + replay->shift_us) {
        replay->base.clock_us = file_time_us + replay->shift_us;
    }
}

static struct source_next due_at(const struct replay *replay, int64_t file_time_us)
{
    return (struct source_next){.state = SOURCE_DUE,
                                .due_ms = tempo_due_ms(&replay->tempo, file_time_us)};
}

static struct source_next replay_advance(struct source *source, struct source_now now,
                                         size_t max)
{
    struct replay *replay = (struct replay *)source;
    const struct prices *prices = &replay->prices;
    if (!replay->started) {
        replay->started = true;
        replay->tempo.start_ms = now.mono_ms;
        replay->tempo.start_us = replay->start_us;
    }
    const int64_t position = tempo_position(&replay->tempo, now.mono_ms, prices->end_us);
    for (; max > 0 && replay->next < prices->count; max--) {
        const struct price *price = &prices->list[replay->next];
        if (price->time_us > position) {
            break;
        }
        set_clock(replay, price->time_us);
        hand_over(replay, price);
        replay->next++;
    }
    if (replay->next < prices->count) {
        const int64_t next_us = prices->list[replay->next].time_us;
        if (next_us > position) {
            set_clock(replay, position);
        }
        return due_at(replay, next_us);
    }
    set_clock(replay, position);
    if (position < prices->end_us) {
        return due_at(replay, prices->end_us);
    }
    if (!begin_again(replay, now.mono_ms)) {
        return (struct source_next){.state = SOURCE_ENDED};
    }
    return (struct source_next){.state = SOURCE_DUE, .due_ms = now.mono_ms};
}

static void replay_resume(struct source *source, const struct source_past *past)
{
    struct replay *replay = (struct replay *)source;
    const struct prices *prices = &replay->prices;
    const int64_t until_us = past->until_us;
    if (until_us == SOURCE_NO_CLOCK || until_us <= first_us(replay)) {
        return;
    }
    if (replay->loop) {
        const int64_t pass = (until_us - first_us(replay)) / period_us(replay);
        if (!go_to_pass(replay, (uint64_t)pass)) {
            replay->loop = false;
        }
    }
    replay->start_us = until_us - replay->shift_us;
    if (replay->start_us > prices->end_us) {
        replay->start_us = prices->end_us;
    }
    if (!replay->loop && prices->list[prices->count - 1].time_us <= replay->start_us) {
        source->sink->on_notice(source->arg, true, "nothing new",
                                "all of it is published already; --resume=false plays "
                                "it again");
        return;
    }
    char text[CALENDAR_TEXT_MAX + 1];
    calendar_format(text, until_us);
    source->sink->on_notice(source->arg, false, "goes on from", text);
}

static bool replay_progress(const struct source *source, uint64_t *done, uint64_t *total)
{
    const struct replay *replay = (const struct replay *)source;
    *done = replay->next;
    *total = replay->prices.count;
    return !replay->loop;
}

static const char *replay_check(const struct feeder_config *config)
{
    return config->file[0] == '\0' ? "needs --file, a file of prices" : NULL;
}

static void replay_destroy(struct source *source)
{
    struct replay *replay = (struct replay *)source;
    prices_finish(&replay->prices);
    free(replay->ids);
    free(replay);
}

/* Says what will come, and what will not. */
static void announce(struct replay *replay)
{
    const struct source *source = &replay->base;
    const struct prices *prices = &replay->prices;
    for (size_t i = 0; i < prices->symbol_count; i++) {
        struct tick tick;
        if (prices_of_symbol(prices, i, &tick) > 0) {
            source->sink->on_claim(source->arg, &tick);
        }
    }
    if (prices->doubles > 0) {
        char text[96];
        snprintf(text, sizeof(text), "%llu of %llu have an id that came before",
                 (unsigned long long)prices->doubles, (unsigned long long)prices->rows);
        source->sink->on_notice(source->arg, false, "rows left out", text);
    }
}

static bool open_file(struct replay *replay, const struct feeder_config *config,
                      char error[SOURCE_ERROR_MAX])
{
    const struct source *source = &replay->base;
    if (!prices_load(&replay->prices, config, source->sink, source->arg, error)) {
        return false;
    }
    replay->ids = calloc(replay->prices.symbol_count, sizeof(*replay->ids));
    if (replay->ids == NULL) {
        snprintf(error, SOURCE_ERROR_MAX, "out of memory");
        return false;
    }
    replay->start_us = first_us(replay);
    return true;
}

static struct source *replay_create(const struct feeder_config *config,
                                    const struct source_sink *sink, void *arg,
                                    char error[SOURCE_ERROR_MAX])
{
    struct replay *replay = calloc(1, sizeof(*replay));
    if (replay == NULL) {
        snprintf(error, SOURCE_ERROR_MAX, "out of memory");
        return NULL;
    }
    replay->base = (struct source){.kind = &replay_source,
                                   .sink = sink,
                                   .arg = arg,
                                   .clock_us = SOURCE_NO_CLOCK,
                                   .patient = true};
    replay->tempo.speed = config->speed;
    replay->loop = config->loop;
    if (!open_file(replay, config, error)) {
        replay_destroy(&replay->base);
        return NULL;
    }
    announce(replay);
    return &replay->base;
}

const struct source_kind replay_source = {.name = "replay",
                                          .check = replay_check,
                                          .create = replay_create,
                                          .destroy = replay_destroy,
                                          .resume = replay_resume,
                                          .progress = replay_progress,
                                          .advance = replay_advance};
