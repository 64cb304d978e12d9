/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "feeder/line.h"
#include "feeder/source.h"

/* Whatever a script writes to standard input, a line at a time (line.h).
 *
 * The source's clock is the newest time among its ticks; while they come without a time,
 * it is the wall clock. */

struct lines {
    struct source base;
    int64_t max_ahead_us;
    bool live;     /* the last tick came without a time */
    bool ended;    /* nothing more can be read */
    bool skipping; /* the rest of a line that is too long */
    uint64_t line; /* lines begun so far */

    char *buffer; /* [begin, end) is read and not yet used */
    size_t room;
    size_t begin;
    size_t end;
};

/* One such tick would close all bars until then, in Redis as well. */
static bool is_ahead(const struct lines *lines, const struct tick *tick, int64_t wall_us)
{
    return lines->max_ahead_us > 0 && tick->time_us > wall_us + lines->max_ahead_us;
}

static void take_line(struct lines *lines, size_t len, int64_t wall_us)
{
    char *const text = lines->buffer + lines->begin;
    if (len > 0 && text[len - 1] == '\r') {
        len--;
    }
    if (len == 0) {
        return;
    }
    struct line line;
    const char *why = line_parse(text, len, &line);
    if (why != NULL) {
        lines->base.sink->on_bad_line(lines->base.arg, lines->line, why);
        return;
    }
    if (!line.is_tick) {
        lines->base.sink->on_message(lines->base.arg, &line.topic, line.payload,
                                     line.payload_len);
        return;
    }
    if (line.has_time && is_ahead(lines, &line.tick, wall_us)) {
        lines->base.sink->on_bad_line(lines->base.arg, lines->line,
                                      "time is further ahead than --max-ahead-ms allows");
        return;
    }
    lines->live = !line.has_time;
    if (lines->live) {
        line.tick.time_us = wall_us;
    }
    if (lines->base.clock_us < line.tick.time_us) {
        lines->base.clock_us = line.tick.time_us;
    }
    lines->base.sink->on_tick(lines->base.arg, &line.tick);
}

/* Uses one line of the buffer. Returns false if it holds no whole line. */
static bool next_line(struct lines *lines, int64_t wall_us)
{
    char *const text = lines->buffer + lines->begin;
    const size_t len = lines->end - lines->begin;
    const char *stop = memchr(text, '\n', len);
    if (stop == NULL && !(lines->ended && len > 0)) {
        return false;
    }
    const size_t line_len = stop == NULL ? len : (size_t)(stop - text);
    if (lines->skipping) {
        lines->skipping = false;
    } else {
        lines->line++;
        take_line(lines, line_len, wall_us);
    }
    lines->begin += stop == NULL ? line_len : line_len + 1;
    return true;
}

/* Makes room behind what is there. A line that fills the buffer is given up. */
static void make_room(struct lines *lines)
{
    memmove(lines->buffer, lines->buffer + lines->begin, lines->end - lines->begin);
    lines->end -= lines->begin;
    lines->begin = 0;
    if (lines->end < lines->room) {
        return;
    }
    if (!lines->skipping) {
        lines->skipping = true;
        lines->line++;
        lines->base.sink->on_bad_line(lines->base.arg, lines->line,
                                      "longer than --max-line-bytes allows");
    }
    lines->end = 0;
}

/* Reads once if that does not block. Returns false if there is nothing to read now. */
static bool fill(struct lines *lines)
{
    struct pollfd pollfd = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&pollfd, 1, 0) == 0) {
        return false;
    }
    make_room(lines);
    const ssize_t got =
        read(STDIN_FILENO, lines->buffer + lines->end, lines->room - lines->end);
    if (got > 0) {
        lines->end += (size_t)got;
        return true;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return false;
    }
    lines->ended = true;
    return true;
}

static struct source_next lines_advance(struct source *source, struct source_now now,
                                        size_t max)
{
    struct lines *lines = (struct lines *)source;
    if (lines->live && lines->base.clock_us < now.wall_us) {
        lines->base.clock_us = now.wall_us;
    }
    while (max > 0) {
        if (next_line(lines, now.wall_us)) {
            max--;
        } else if (lines->ended) {
            return (struct source_next){.state = SOURCE_ENDED};
        } else if (!fill(lines)) {
            return (struct source_next){.state = SOURCE_WAITING, .fd = STDIN_FILENO};
        }
    }
    return (struct source_next){.state = SOURCE_DUE, .due_ms = now.mono_ms};
}

static void lines_destroy(struct source *source)
{
    struct lines *lines = (struct lines *)source;
    free(lines->buffer);
    free(lines);
}

static struct source *lines_create(const struct feeder_config *config,
                                   const struct source_sink *sink, void *arg,
                                   char error[SOURCE_ERROR_MAX])
{
    struct lines *lines = calloc(1, sizeof(*lines));
    if (lines == NULL) {
        snprintf(error, SOURCE_ERROR_MAX, "out of memory");
        return NULL;
    }
    lines->base = (struct source){.kind = &stdin_source,
                                  .sink = sink,
                                  .arg = arg,
                                  .clock_us = SOURCE_NO_CLOCK,
                                  .patient = true};
    lines->max_ahead_us = config->max_ahead_ms * 1000;
    lines->room = (size_t)config->max_line_bytes + 1;
    lines->buffer = malloc(lines->room);
    if (lines->buffer == NULL) {
        snprintf(error, SOURCE_ERROR_MAX, "out of memory");
        free(lines);
        return NULL;
    }
    return &lines->base;
}

const struct source_kind stdin_source = {.name = "stdin",
                                         .create = lines_create,
                                         .destroy = lines_destroy,
                                         .advance = lines_advance};
