/* SPDX-License-Identifier: MIT */
#include "common/loop.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include <event2/event.h>

struct turn_end {
    void (*fn)(void *arg);
    void *arg;
};

struct loop {
    struct event_base *base;
    bool stopping;
    struct turn_end ends[LOOP_TURN_ENDS_MAX];
    size_t end_count;
};

struct loop_timer {
    struct event *event;
    void (*fn)(void *arg);
    void *arg;
};

struct loop_signal {
    struct event *event;
    void (*fn)(void *arg, int signo);
    void *arg;
};

struct loop_watch {
    struct event *event;
    void (*fn)(void *arg);
    void *arg;
};

struct loop *loop_create(void)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL) {
        return NULL;
    }
    struct event_config *config = event_config_new();
    if (config != NULL) {
        event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
        loop->base = event_base_new_with_config(config);
        event_config_free(config);
    }
    if (loop->base == NULL) {
        free(loop);
        return NULL;
    }
    return loop;
}

void loop_destroy(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    event_base_free(loop->base);
    free(loop);
}

void loop_run(struct loop *loop)
{
    while (!loop->stopping) {
        event_base_loop(loop->base, EVLOOP_ONCE);
        for (size_t i = 0; i < loop->end_count; i++) {
            loop->ends[i].fn(loop->ends[i].arg);
        }
    }
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}

uint64_t loop_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t loop_now_ms(void)
{
    return loop_now_us() / 1000;
}

uint64_t loop_wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

struct event_base *loop_base(const struct loop *loop)
{
    return loop->base;
}

void loop_at_turn_end(struct loop *loop, void (*fn)(void *arg), void *arg)
{
    assert(loop->end_count < LOOP_TURN_ENDS_MAX);
    loop->ends[loop->end_count++] = (struct turn_end){.fn = fn, .arg = arg};
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    const struct loop_timer *timer = arg;
    timer->fn(timer->arg);
}

struct loop_timer *loop_timer_create(struct loop *loop, void (*fn)(void *arg), void *arg)
{
    struct loop_timer *timer = calloc(1, sizeof(*timer));
    if (timer == NULL) {
        return NULL;
    }
    timer->fn = fn;
    timer->arg = arg;
    timer->event = evtimer_new(loop->base, on_timer, timer);
    if (timer->event == NULL) {
        free(timer);
        return NULL;
    }
    return timer;
}

void loop_timer_start(struct loop_timer *timer, uint64_t delay_ms)
{
    const struct timeval delay = {.tv_sec = (time_t)(delay_ms / 1000),
                                  .tv_usec = (suseconds_t)(delay_ms % 1000 * 1000)};
    evtimer_add(timer->event, &delay);
}

void loop_timer_stop(struct loop_timer *timer)
{
    evtimer_del(timer->event);
}

void loop_timer_destroy(struct loop_timer *timer)
{
    if (timer == NULL) {
        return;
    }
    event_free(timer->event);
    free(timer);
}

static void on_signal(evutil_socket_t signo, short what, void *arg)
{
    (void)what;
    const struct loop_signal *sig = arg;
    sig->fn(sig->arg, (int)signo);
}

struct loop_signal *loop_signal_create(struct loop *loop, int signo,
                                       void (*fn)(void *arg, int signo), void *arg)
{
    struct loop_signal *sig = calloc(1, sizeof(*sig));
    if (sig == NULL) {
        return NULL;
    }
    sig->fn = fn;
    sig->arg = arg;
    sig->event = evsignal_new(loop->base, signo, on_signal, sig);
    if (sig->event == NULL || evsignal_add(sig->event, NULL) != 0) {
        loop_signal_destroy(sig);
        return NULL;
    }
    return sig;
}

void loop_signal_destroy(struct loop_signal *sig)
{
    if (sig == NULL) {
        return;
    }
    if (sig->event != NULL) {
        event_free(sig->event);
    }
    free(sig);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    const struct loop_watch *watch = arg;
    watch->fn(watch->arg);
}

struct loop_watch *loop_watch_create(struct loop *loop, int fd, void (*fn)(void *arg),
                                     void *arg)
{
    struct loop_watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL) {
        return NULL;
    }
    watch->fn = fn;
    watch->arg = arg;
    watch->event = event_new(loop->base, fd, EV_READ, on_readable, watch);
    if (watch->event == NULL) {
        free(watch);
        return NULL;
    }
    return watch;
}

void loop_watch_start(struct loop_watch *watch)
{
    event_add(watch->event, NULL);
}

void loop_watch_stop(struct loop_watch *watch)
{
    event_del(watch->event);
}

void loop_watch_destroy(struct loop_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    event_free(watch->event);
    free(watch);
}
