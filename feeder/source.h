/* source — where ticks come from: one interface, one file and one table row per kind.
 *
 * SPDX-License-Identifier: MIT
 *
 * A source is asked to go on, with the time, and hands over what is due. It has a clock
 * of its own, the time its data has come to, which closes the bars that end in silence.
 * It may read its file or descriptor, and does nothing else to the world but what struct
 * source_world does for it; what it has to say goes to its sink.
 *
 * A new kind: a file with a `const struct source_kind`, its declaration and its row in
 * source.c, and its settings in config.c.
 */
#ifndef FEEDER_SOURCE_H
#define FEEDER_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/feed.h"
#include "feeder/config.h"
#include "feeder/tick.h"

/* Who takes what a source has. Everything passed lives during the call. */
struct source_sink {
    /* The source will feed this symbol: of the tick, type, symbol and market count. Only
     * from within create(). */
    void (*on_claim)(void *arg, const struct tick *tick);

    void (*on_tick)(void *arg, const struct tick *tick);

    /* A message ready for publishing. */
    void (*on_message)(void *arg, const struct topic *topic, const char *payload,
                       size_t len);

    /* A line of the input was skipped; lines count from 1. */
    void (*on_bad_line)(void *arg, uint64_t line, const char *why);

    /* Something that whoever runs the feeder wants to know, one line of the log. */
    void (*on_notice)(void *arg, bool bad, const char *what, const char *detail);
};

struct source_now {
    uint64_t mono_ms; /* for pace */
    int64_t wall_us;  /* UTC, for ticks that have no time of their own */
};

#define SOURCE_NO_CLOCK INT64_MIN

/* What was published before this start, as Redis has it. */
struct source_past {
    int64_t until_us; /* the newest time of the symbols the source has claimed, or
                       * SOURCE_NO_CLOCK */
    void *arg;

    /* The last price of a symbol, of which type and name count. False if there is none.
     */
    bool (*last_price)(void *arg, const struct tick *symbol, struct decimal *out);
};

/* What all kinds have in common, the first member of each kind's own struct. */
struct source {
    const struct source_kind *kind;
    const struct source_sink *sink;
    void *arg;        /* the sink's */
    int64_t clock_us; /* UTC, never goes back; SOURCE_NO_CLOCK until it has one */

    /* It waits as long as one likes, so it is asked for no more than can be published. Of
     * the others the oldest messages are dropped instead. */
    bool patient;

    /* It is live and its ticks have ids, so that none is counted twice: it is asked, too,
     * while nobody may publish, and its ticks are kept in a backlog. All others are not
     * asked then. */
    bool ids;

    /* Its ticks are out of order by so much, by their nature: bars stay open at least so
     * long after their end. */
    int64_t disorder_us;
};

enum source_state { SOURCE_DUE, SOURCE_WAITING, SOURCE_ENDED };

struct source_next {
    enum source_state state;
    uint64_t due_ms; /* monotonic, when DUE: go on then, or sooner */
    int fd;          /* when WAITING: go on when it is readable */
};

#define SOURCE_ERROR_MAX 256

/* A WebSocket connection to somewhere, and what it tells whoever opened it. Texts live
 * during the call. on_over() comes once, never from within one of our own calls, and is
 * the last; the others may be answered by any call. */
struct source_wire;

struct source_wire_ops {
    void (*on_open)(void *arg);
    void (*on_text)(void *arg, const char *text, size_t len);
    void (*on_pong)(void *arg);
    void (*on_over)(void *arg, const char *why);
};

/* What a source may do to the world, done by whoever runs it. */
struct source_world {
    void *arg;

    /* Before the first open(); again is fine, and changes nothing. Certificates are
     * trusted that are in the file, or in the system's store if it is "". Returns false
     * and one line in `error`. */
    bool (*prepare)(void *arg, const char *ca_file, char error[SOURCE_ERROR_MAX]);

    /* Begins to connect, to an address as address.h has it. NULL when out of memory. */
    struct source_wire *(*open)(void *arg, const char *url,
                                const struct source_wire_ops *ops, void *ops_arg);

    /* Of an open wire. send() returns false if what was sent last has not left yet. */
    bool (*send)(struct source_wire *wire, const char *text, size_t len);
    void (*ping)(struct source_wire *wire);

    /* Nothing more will be heard of it. NULL is fine. */
    void (*close)(struct source_wire *wire);

    struct source_now (*now)(void *arg);
};

struct source_kind {
    const char *name;

    /* Returns NULL if the settings will do, or one line about what is missing. May itself
     * be NULL. */
    const char *(*check)(const struct feeder_config *config);

    /* Returns NULL and one line in `error` if it can't be. `config` must outlive it. */
    struct source *(*create)(const struct feeder_config *config,
                             const struct source_sink *sink, void *arg,
                             char error[SOURCE_ERROR_MAX]);
    void (*destroy)(struct source *source);

    /* Called once, after create(). The world outlives the source. Returns false and one
     * line in `error` if it can't be. May be NULL. */
    bool (*equip)(struct source *source, const struct source_world *world,
                  char error[SOURCE_ERROR_MAX]);

    /* Goes on where it was, instead of beginning. Called at most once, before the first
     * advance(), with values that live during the call; not if nothing of it was
     * published before, nor if it has been asked while standing by. May be NULL. */
    void (*resume)(struct source *source, const struct source_past *past);

    /* How much of it is done. False if it has no end. May be NULL. */
    bool (*progress)(const struct source *source, uint64_t *done, uint64_t *total);

    /* Hands over what is due at `now`, at most `max` ticks and messages, and says when to
     * be asked again. Not called after ENDED. */
    struct source_next (*advance)(struct source *source, struct source_now now,
                                  size_t max);
};

#define SOURCES_MAX 8

struct source_list {
    size_t count;
    const struct source_kind *kinds[SOURCES_MAX];
};

/* Takes apart the setting `source`, as in "replay,walk", and lets each kind check the
 * settings. Returns false and one line in `error` if they won't do. */
bool source_parse(const struct feeder_config *config, struct source_list *out,
                  char error[SOURCE_ERROR_MAX]);

/* Writes the name of the lease: the setting, or what the sources make: a file's or a
 * venue's feeders are of one name. Empty if there is none, for nobody knows what others
 * feed by stdin. */
void source_name(const struct feeder_config *config, const struct source_list *list,
                 char out[FEED_NAME_MAX + 1]);

extern const struct source_kind walk_source;
extern const struct source_kind replay_source;
extern const struct source_kind stdin_source;
extern const struct source_kind exchange_source;

#endif
