/* SPDX-License-Identifier: MIT */
#include "gateway/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/listener.h>

#include "common/conf.h"
#include "common/log.h"
#include "common/loop.h"

#define BACKLOG  4096 /* the kernel cuts it at net.core.somaxconn */
#define PAUSE_MS 100

/* Connections taken in one turn. More would only push each other out before what they
 * have already asked is read. */
#define ACCEPTS_MAX 64

struct listener {
    struct evconnlistener *events;
    struct loop_timer *pause;
    listener_accept_fn on_accept;
    void *arg;
    bool failing; /* since the last connection */
    unsigned accepted;
    char address[LISTENER_ADDRESS_MAX];
};

static void on_accept(struct evconnlistener *events, evutil_socket_t fd,
                      struct sockaddr *peer, int peer_len, void *arg)
{
    (void)peer;
    (void)peer_len;
    struct listener *listener = arg;
    const int on = 1;
    listener->failing = false;
    if (++listener->accepted % ACCEPTS_MAX == 0) {
        evconnlistener_disable(events);
        loop_timer_start(listener->pause, 0);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    listener->on_accept(listener->arg, fd);
}

static void on_pause_over(void *arg)
{
    const struct listener *listener = arg;
    evconnlistener_enable(listener->events);
}

static void on_error(struct evconnlistener *events, void *arg)
{
    struct listener *listener = arg;
    if (!listener->failing) {
        listener->failing = true;
        log_warn("accept failed", log_str("address", listener->address),
                 log_str("why", strerror(errno)), log_int("pause_ms", PAUSE_MS));
    }
    evconnlistener_disable(events);
    loop_timer_start(listener->pause, PAUSE_MS);
}

static bool to_sockaddr(const char *address, struct sockaddr_storage *out, int *out_len)
{
    char host[CONF_HOST_BYTES];
    uint16_t port;
    if (!conf_split_address(address, host, &port)) {
        return false;
    }
    *out = (struct sockaddr_storage){0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        *out_len = sizeof(*v4);
        return true;
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        *out_len = sizeof(*v6);
        return true;
    }
    return false;
}

static void remember_address(struct listener *listener)
{
    struct sockaddr_storage bound = {0};
    socklen_t len = sizeof(bound);
    char host[INET6_ADDRSTRLEN];
    char port[6];
    if (getsockname(evconnlistener_get_fd(listener->events), (struct sockaddr *)&bound,
                    &len) == 0 &&
        getnameinfo((const struct sockaddr *)&bound, len, host, sizeof(host), port,
                    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        const bool v6 = bound.ss_family == AF_INET6;
        snprintf(listener->address, sizeof(listener->address), v6 ? "[%s]:%s" : "%s:%s",
                 host, port);
    }
}

struct listener *listener_create(struct loop *loop, const char *address, bool shared,
                                 listener_accept_fn accept_fn, void *arg,
                                 const char **why)
{
    const unsigned flags = LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_FREE |
                           LEV_OPT_CLOSE_ON_EXEC | (shared ? LEV_OPT_REUSEABLE_PORT : 0U);
    struct sockaddr_storage where;
    int where_len;
    struct listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL) {
        *why = "out of memory";
        return NULL;
    }
    listener->on_accept = accept_fn;
    listener->arg = arg;
    listener->pause = loop_timer_create(loop, on_pause_over, listener);
    if (!to_sockaddr(address, &where, &where_len)) {
        *why = "not a numeric HOST:PORT";
        listener_destroy(listener);
        return NULL;
    }
    listener->events =
        evconnlistener_new_bind(loop_base(loop), on_accept, listener, flags, BACKLOG,
                                (struct sockaddr *)&where, where_len);
    if (listener->events == NULL) {
        *why = strerror(errno);
        listener_destroy(listener);
        return NULL;
    }
    evconnlistener_set_error_cb(listener->events, on_error);
    remember_address(listener);
    return listener;
}

void listener_destroy(struct listener *listener)
{
    if (listener == NULL) {
        return;
    }
    if (listener->events != NULL) {
        evconnlistener_free(listener->events);
    }
    loop_timer_destroy(listener->pause);
    free(listener);
}

const char *listener_address(const struct listener *listener)
{
    return listener->address;
}
