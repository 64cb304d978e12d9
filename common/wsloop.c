/* SPDX-License-Identifier: MIT */
#include "common/wsloop.h"

#include <assert.h>
#include <stdlib.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <libwebsockets.h>

#include "common/loop.h"

#define IDLE_MS 60000 /* the longest wait when libwebsockets has no timer */

/* What one descriptor waits for. Kept for the next connection on the same descriptor. */
struct watch {
    struct event event;
    struct wsloop *wsloop;
    struct lws *wsi; /* NULL when unused */
    int mask;        /* EV_READ, EV_WRITE */
};

struct wsloop {
    struct loop *loop;
    wsloop_readable_fn on_readable;
    void *arg;
    struct lws_context *context; /* NULL until started */
    struct loop_timer *timer;
    uint64_t timer_due_ms;  /* 0 when it is not running */
    struct watch **watches; /* by descriptor */
    size_t watch_count;
    void *foreign_loops[1]; /* for lws_create_context() */
};

static struct wsloop *wsloop_of(struct lws *wsi)
{
    return *(struct wsloop **)lws_evlib_wsi_to_evlib_pt(wsi);
}

/* Returns the place for the descriptor's watch, or NULL when out of memory. */
static struct watch **watch_place(struct wsloop *wsloop, int fd)
{
    const size_t index = (size_t)fd;
    if (index >= wsloop->watch_count) {
        const size_t count = (index + 1) * 2;
        struct watch **watches = realloc(wsloop->watches, count * sizeof(struct watch *));
        if (watches == NULL) {
            return NULL;
        }
        for (size_t i = wsloop->watch_count; i < count; i++) {
            watches[i] = NULL;
        }
        wsloop->watches = watches;
        wsloop->watch_count = count;
    }
    return &wsloop->watches[index];
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    const struct watch *watch = arg;
    struct wsloop *wsloop = watch->wsloop;
    short due = 0;
    if ((what & EV_READ) != 0 &&
        (wsloop->on_readable == NULL || !wsloop->on_readable(wsloop->arg, watch->wsi))) {
        due |= LWS_POLLIN;
    }
    if ((what & EV_WRITE) != 0) {
        due |= LWS_POLLOUT;
    }
    if (due != 0) {
        struct lws_pollfd poll = {.fd = fd, .events = due, .revents = due};
        lws_service_fd(wsloop->context, &poll);
    }
}

/* ---- the operations -----------------------------------------------------------------
 */

static int init_pt(struct lws_context *context, void *loop, int tsi)
{
    *(void **)lws_evlib_tsi_to_evlib_pt(context, tsi) = loop;
    return 0;
}

static int add_socket(struct lws *wsi)
{
    struct wsloop *wsloop = wsloop_of(wsi);
    struct watch **place = watch_place(wsloop, lws_get_socket_fd(wsi));
    if (place == NULL) {
        return 1;
    }
    if (*place == NULL) {
        *place = calloc(1, sizeof(**place));
        if (*place == NULL) {
            return 1;
        }
    }
    assert((*place)->mask == 0);
    (*place)->wsloop = wsloop;
    (*place)->wsi = wsi;
    (*place)->mask = 0;
    return 0;
}

static void change_socket(struct lws *wsi, unsigned int flags)
{
    const struct wsloop *wsloop = wsloop_of(wsi);
    const int fd = lws_get_socket_fd(wsi);
    struct watch *watch =
        fd < 0 || (size_t)fd >= wsloop->watch_count ? NULL : wsloop->watches[fd];
    if (watch == NULL || watch->wsi != wsi) {
        return;
    }
    const int bits = ((flags & LWS_EV_READ) != 0 ? EV_READ : 0) |
                     ((flags & LWS_EV_WRITE) != 0 ? EV_WRITE : 0);
    const int mask =
        (flags & LWS_EV_START) != 0 ? watch->mask | bits : watch->mask & ~bits;
    if (mask == watch->mask) {
        return;
    }
    if (watch->mask != 0) {
        event_del(&watch->event);
    }
    watch->mask = mask;
    if (mask != 0) {
        event_assign(&watch->event, loop_base(wsloop->loop), fd,
                     (short)(mask | EV_PERSIST), on_event, watch);
        event_add(&watch->event, NULL);
    }
}

static int remove_socket(struct lws *wsi)
{
    change_socket(wsi, LWS_EV_STOP | LWS_EV_READ | LWS_EV_WRITE);
    const struct wsloop *wsloop = wsloop_of(wsi);
    const int fd = lws_get_socket_fd(wsi);
    if (fd >= 0 && (size_t)fd < wsloop->watch_count && wsloop->watches[fd] != NULL) {
        wsloop->watches[fd]->wsi = NULL;
    }
    return 0;
}

static const struct lws_event_loop_ops operations = {
    .name = "chronogate",
    .init_pt = init_pt,
    .init_vhost_listen_wsi = add_socket,
    .sock_accept = add_socket,
    .io = change_socket,
    .wsi_logical_close = remove_socket,
    .evlib_size_pt = sizeof(struct wsloop *),
};

static const lws_plugin_evlib_t plugin = {
    .hdr = {"chronogate event loop", "lws_evlib_plugin", LWS_BUILD_HASH,
            LWS_PLUGIN_API_MAGIC},
    .ops = &operations,
};

/* ---- libwebsockets' own timeouts ----------------------------------------------------
 */

static void on_timer(void *arg)
{
    struct wsloop *wsloop = arg;
    wsloop->timer_due_ms = 0; /* the turn it has woken does the rest */
}

static void on_turn_end(void *arg)
{
    struct wsloop *wsloop = arg;
    if (wsloop->context == NULL) {
        return;
    }
    int wait_ms = lws_service_adjust_timeout(wsloop->context, IDLE_MS, 0);
    if (wait_ms == 0) {
        _lws_plat_service_forced_tsi(wsloop->context, 0);
        wait_ms = 1;
    }
    const uint64_t due_ms = loop_now_ms() + (uint64_t)wait_ms;
    if (wsloop->timer_due_ms == 0 || due_ms < wsloop->timer_due_ms) {
        wsloop->timer_due_ms = due_ms;
        loop_timer_start(wsloop->timer, (uint64_t)wait_ms);
    }
}

/* ---- life ---------------------------------------------------------------------------
 */

struct wsloop *wsloop_create(struct loop *loop, wsloop_readable_fn on_readable, void *arg)
{
    struct wsloop *wsloop = calloc(1, sizeof(*wsloop));
    if (wsloop == NULL) {
        return NULL;
    }
    wsloop->loop = loop;
    wsloop->on_readable = on_readable;
    wsloop->arg = arg;
    wsloop->foreign_loops[0] = wsloop;
    wsloop->timer = loop_timer_create(loop, on_timer, wsloop);
    if (wsloop->timer == NULL) {
        free(wsloop);
        return NULL;
    }
    return wsloop;
}

void wsloop_prepare(struct wsloop *wsloop, struct lws_context_creation_info *info)
{
    info->event_lib_custom = &plugin;
    info->foreign_loops = wsloop->foreign_loops;
}

void wsloop_start(struct wsloop *wsloop, struct lws_context *context)
{
    wsloop->context = context;
    loop_at_turn_end(wsloop->loop, on_turn_end, wsloop);
}

void wsloop_destroy(struct wsloop *wsloop)
{
    if (wsloop == NULL) {
        return;
    }
    loop_timer_destroy(wsloop->timer);
    for (size_t i = 0; i < wsloop->watch_count; i++) {
        free(wsloop->watches[i]);
    }
    free(wsloop->watches);
    free(wsloop);
}
