/* loop — the event loop: timers, signals, the monotonic clock, and the end of each turn.
 *
 * SPDX-License-Identifier: MIT
 *
 * Owns libevent's event_base. A turn is one wait for events and the callbacks of all that
 * came in; then the turn's ends run, in the order they were added. Work that should be
 * done once for everything a turn brought (flushing a client's frames, freeing what died
 * during a fan-out) belongs there.
 */
#ifndef COMMON_LOOP_H
#define COMMON_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct loop;
struct loop_timer;
struct loop_signal;
struct loop_watch;

/* Returns NULL when out of memory or descriptors. */
struct loop *loop_create(void);

/* Everything made from the loop must be gone before. NULL is fine. */
void loop_destroy(struct loop *loop);

/* Runs until loop_stop(). */
void loop_run(struct loop *loop);

/* Lets loop_run() return after this turn. */
void loop_stop(struct loop *loop);

/* CLOCK_MONOTONIC. */
uint64_t loop_now_ms(void);
uint64_t loop_now_us(void);

/* Microseconds since 1970, UTC: the wall clock, which may jump. */
uint64_t loop_wall_us(void);

/* For modules that hand their own events to libevent. */
struct event_base *loop_base(const struct loop *loop);

/* At most this many turn ends can be added. */
#define LOOP_TURN_ENDS_MAX 8

/* `fn` runs at the end of every turn from now on. */
void loop_at_turn_end(struct loop *loop, void (*fn)(void *arg), void *arg);

/* A timer that runs once for each start. NULL when out of memory. */
struct loop_timer *loop_timer_create(struct loop *loop, void (*fn)(void *arg), void *arg);

/* Starts it, or starts it anew. May be called from its own callback. */
void loop_timer_start(struct loop_timer *timer, uint64_t delay_ms);
void loop_timer_stop(struct loop_timer *timer);
void loop_timer_destroy(struct loop_timer *timer);

/* `fn` runs in the loop each time the process gets the signal. NULL when out of memory.
 */
struct loop_signal *loop_signal_create(struct loop *loop, int signo,
                                       void (*fn)(void *arg, int signo), void *arg);
void loop_signal_destroy(struct loop_signal *sig);

/* Watches a descriptor for something to read. Not for regular files, which never make a
 * reader wait. NULL when out of memory. */
struct loop_watch *loop_watch_create(struct loop *loop, int fd, void (*fn)(void *arg),
                                     void *arg);

/* `fn` runs once, when there is something to read or the other end is closed. May be
 * called from its own callback. */
void loop_watch_start(struct loop_watch *watch);
void loop_watch_stop(struct loop_watch *watch);
void loop_watch_destroy(struct loop_watch *watch);

#endif
