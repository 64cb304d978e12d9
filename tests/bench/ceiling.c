/* ceiling — plain sockets: one send() per client for what has arrived, nothing else.
 * SPDX-License-Identifier: MIT
 *
 * Subscribes to one topic at Redis. All that one read from Redis brings is framed as the
 * gateway frames it, and each client gets it in one send(). No topics, no queues, no
 * limits: a client that does not keep up is cut.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dialect.h"
#include "options.h"
#include "payload.h"
#include "tcp.h"

#define EVENTS_MAX  512
#define CLIENTS_MAX 20000
#define INPUT_MAX   ((size_t)1024 * 1024)
#define BATCH_MAX   (2 * INPUT_MAX)
#define REQUEST_MAX 4096

struct ceiling {
    int epoll_fd;
    int listener;
    int redis;
    char topic[PAYLOAD_TOPIC_NAME_MAX];
    size_t input_len;
    size_t batch_len;
    size_t client_count;
    int clients[CLIENTS_MAX]; /* those that were upgraded */
    char input[INPUT_MAX];    /* from Redis, not yet understood */
    char batch[BATCH_MAX];    /* frames for everybody */
};

static void watch(const struct ceiling *ceiling, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(ceiling->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* ---- Redis --------------------------------------------------------------------------
 */

static void add_frame(struct ceiling *ceiling, const char *payload, size_t len)
{
    static const char after[] = ",\"timestamp\":\"2025-09-22T05:16:02.800339\"}";
    char before[128];
    const size_t before_len =
        (size_t)snprintf(before, sizeof(before),
                         "{\"type\":\"data\",\"topic\":\"%s\",\"data\":", ceiling->topic);
    const size_t body = before_len + len + sizeof(after) - 1;
    char *at = ceiling->batch + ceiling->batch_len;
    *at++ = (char)0x81;
    *at++ = 126;
    *at++ = (char)(body >> 8);
    *at++ = (char)(body & 0xff);
    memcpy(at, before, before_len);
    at += before_len;
    memcpy(at, payload, len);
    at += len;
    memcpy(at, after, sizeof(after) - 1);
    ceiling->batch_len += body + 4;
}

/* A bulk string, or the number that a confirmation has in its place. Returns what follows
 * it, NULL when it is not whole. */
static const char *take_bulk(const char *at, const char *end, const char **out,
                             size_t *out_len)
{
    const char *line = memchr(at, '\n', (size_t)(end - at));
    if (line == NULL) {
        return NULL;
    }
    *out = line + 1;
    *out_len = *at == '$' ? strtoul(at + 1, NULL, 10) : 0;
    if (*at != '$') {
        return line + 1;
    }
    return (size_t)(end - line - 1) < *out_len + 2 ? NULL : line + 1 + *out_len + 2;
}

/* Returns what follows one message, NULL when it is not whole. */
static const char *take_message(struct ceiling *ceiling, const char *at, const char *end)
{
    const char *kind = NULL;
    const char *bulk = NULL;
    size_t kind_len = 0;
    size_t bulk_len = 0;
    if (end - at < 4) {
        return NULL;
    }
    at = take_bulk(at + 4, end, &kind, &kind_len); /* after "*3\r\n" */
    at = at == NULL ? NULL : take_bulk(at, end, &bulk, &bulk_len);
    at = at == NULL ? NULL : take_bulk(at, end, &bulk, &bulk_len);
    if (at != NULL && kind_len == 7) { /* "message", and not "subscribe" */
        add_frame(ceiling, bulk, bulk_len);
    }
    return at;
}

static void read_redis(struct ceiling *ceiling)
{
    const ssize_t got = recv(ceiling->redis, ceiling->input + ceiling->input_len,
                             INPUT_MAX - ceiling->input_len, 0);
    if (got <= 0) {
        fprintf(stderr, "ceiling: Redis is gone\n");
        exit(1);
    }
    ceiling->input_len += (size_t)got;
    const char *at = ceiling->input;
    const char *end = at + ceiling->input_len;
    const char *next = at;
    while (next != NULL && at < end) {
        next = take_message(ceiling, at, end);
        at = next == NULL ? at : next;
    }
    ceiling->input_len = (size_t)(end - at);
    memmove(ceiling->input, at, ceiling->input_len);
}

static void subscribe(struct ceiling *ceiling, uint16_t port)
{
    char command[128];
    const size_t topic_len = payload_topic_name(ceiling->topic, 0);
    const int len =
        snprintf(command, sizeof(command), "*2\r\n$9\r\nSUBSCRIBE\r\n$%zu\r\n%s\r\n",
                 topic_len, ceiling->topic);
    ceiling->redis = tcp_connect(port);
    tcp_send_all(ceiling->redis, command, (size_t)len);
}

/* ---- clients ------------------------------------------------------------------------
 */

static void send_batch(struct ceiling *ceiling)
{
    for (size_t i = 0; i < ceiling->client_count;) {
        const ssize_t sent = send(ceiling->clients[i], ceiling->batch, ceiling->batch_len,
                                  MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent == (ssize_t)ceiling->batch_len) {
            i++;
        } else {
            tcp_cut(ceiling->clients[i]);
            ceiling->clients[i] = ceiling->clients[--ceiling->client_count];
        }
    }
    ceiling->batch_len = 0;
}

static void accept_all(const struct ceiling *ceiling)
{
    int fd;
    while ((fd = accept4(ceiling->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        const int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        watch(ceiling, fd);
    }
}

static void leave(struct ceiling *ceiling, int fd)
{
    for (size_t i = 0; i < ceiling->client_count; i++) {
        if (ceiling->clients[i] == fd) {
            ceiling->clients[i] = ceiling->clients[--ceiling->client_count];
            break;
        }
    }
    close(fd);
}

/* wsload sends its request in one piece and nothing after it that matters here. */
static void read_client(struct ceiling *ceiling, int fd)
{
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\n"
                                 "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                                 "Sec-WebSocket-Accept: " DIALECT_ACCEPT "\r\n\r\n";
    char request[REQUEST_MAX];
    const ssize_t got = recv(fd, request, sizeof(request), MSG_DONTWAIT);
    if (got <= 0) {
        leave(ceiling, fd);
    } else if (got > 3 && memcmp(request, "GET", 3) == 0 &&
               ceiling->client_count < CLIENTS_MAX) {
        ceiling->clients[ceiling->client_count++] = fd;
        tcp_send_all(fd, answer, sizeof(answer) - 1);
    }
}

static void turn(struct ceiling *ceiling)
{
    struct epoll_event events[EVENTS_MAX];
    const int count = epoll_wait(ceiling->epoll_fd, events, EVENTS_MAX, -1);
    for (int i = 0; i < count; i++) {
        const int fd = events[i].data.fd;
        if (fd == ceiling->listener) {
            accept_all(ceiling);
        } else if (fd == ceiling->redis) {
            read_redis(ceiling);
        } else {
            read_client(ceiling, fd);
        }
    }
    if (ceiling->batch_len > 0) {
        send_batch(ceiling);
    }
}

int main(int argc, char **argv)
{
    static struct ceiling ceiling;
    int64_t port = 0;
    int64_t redis = 0;
    int64_t max_seconds = 600;
    const struct option_row rows[] = {
        {"port", &port, NULL, "where clients connect"},
        {"redis", &redis, NULL, "Redis's port"},
        {"max-seconds", &max_seconds, NULL, "end by then, whatever happens"},
    };
    options_parse(argc, argv, rows, sizeof(rows) / sizeof(rows[0]));
    alarm((unsigned)max_seconds);
    ceiling.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    ceiling.listener = tcp_listen((uint16_t)port);
    subscribe(&ceiling, (uint16_t)redis);
    watch(&ceiling, ceiling.listener);
    watch(&ceiling, ceiling.redis);
    for (;;) {
        turn(&ceiling);
    }
}
