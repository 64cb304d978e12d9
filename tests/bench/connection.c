/* SPDX-License-Identifier: MIT */
#include "connection.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "clock.h"
#include "tcp.h"

#define REST_MAX ((size_t)256 * 1024) /* longest frame */
#define READ_MAX ((size_t)256 * 1024)

#define OPCODE_TEXT  0x1
#define OPCODE_CLOSE 0x8
#define OPCODE_PING  0x9
#define OPCODE_PONG  0xa

static char buffer[REST_MAX + READ_MAX];

bool connection_open(struct load *load, struct connection *connection)
{
    connection->fd = tcp_connect_from(connection->index % load->sources, load->port);
    if (connection->fd < 0) {
        return false;
    }
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = connection};
    epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event);
    connection->state = CONNECTION_UPGRADING;
    connection->acks = dialect_acks(load->dialect, &load->plan);
    load->opening++;
    return true;
}

void connection_close(struct load *load, struct connection *connection)
{
    if (connection->state == CONNECTION_CLOSED) {
        return;
    }
    if (connection->state == CONNECTION_READY) {
        load->ready--;
    } else {
        load->opening--;
    }
    tcp_cut(connection->fd);
    free(connection->rest);
    connection->rest = NULL;
    connection->rest_len = 0;
    connection->fd = -1;
    connection->state = CONNECTION_CLOSED;
}

/* The server has ended it, or made it unusable. */
static void fail(struct load *load, struct connection *connection, const char *why)
{
    if (load->failed++ == 0) {
        fprintf(stderr, "wsload: client %u: %s\n", connection->index, why);
    }
    connection_close(load, connection);
}

/* ---- sending ------------------------------------------------------------------------
 */

static void send_bytes(struct load *load, struct connection *connection,
                       const char *bytes, size_t len)
{
    if (send(connection->fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len) {
        fail(load, connection, "did not take what was sent");
    }
}

static void send_frame(struct load *load, struct connection *connection, int opcode,
                       const char *text, size_t len)
{
    static const unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    char frame[DIALECT_TEXT_MAX + 8];
    size_t head = 2;
    frame[0] = (char)(0x80 | opcode);
    if (len < 126) {
        frame[1] = (char)(0x80 | len);
    } else {
        frame[1] = (char)(0x80 | 126);
        frame[2] = (char)(len >> 8);
        frame[3] = (char)(len & 0xff);
        head = 4;
    }
    memcpy(frame + head, mask, sizeof(mask));
    head += sizeof(mask);
    for (size_t i = 0; i < len; i++) {
        frame[head + i] = (char)((unsigned char)text[i] ^ mask[i % 4]);
    }
    send_bytes(load, connection, frame, head + len);
}

static void send_text(struct load *load, struct connection *connection, const char *text)
{
    send_frame(load, connection, OPCODE_TEXT, text, strlen(text));
}

static void send_request(struct load *load, struct connection *connection)
{
    char request[DIALECT_TEXT_MAX];
    const size_t len =
        dialect_request(load->dialect, &load->plan, connection->index, request);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    epoll_ctl(load->epoll_fd, EPOLL_CTL_MOD, connection->fd, &event);
    send_bytes(load, connection, request, len);
}

/* ---- messages -----------------------------------------------------------------------
 */

static void become_ready(struct load *load, struct connection *connection)
{
    connection->state = CONNECTION_READY;
    load->opening--;
    load->ready++;
    tally_opened(&load->tally);
}

static void subscribe(struct load *load, struct connection *connection)
{
    char text[DIALECT_TEXT_MAX];
    const size_t len =
        dialect_subscribe(load->dialect, &load->plan, connection->index, text);
    send_frame(load, connection, OPCODE_TEXT, text, len);
}

/* "1732283000123-7" after the payload as a number that grows with it; 0 if there is none.
 */
static uint64_t read_id(const char *text, size_t len)
{
    static const char key[] = "\"id\":\"";
    const char *at = memmem(text, len, key, sizeof(key) - 1);
    if (at == NULL) {
        return 0;
    }
    char *end;
    const uint64_t ms = strtoull(at + sizeof(key) - 1, &end, 10);
    return *end == '-' ? (ms << 22) + strtoull(end + 1, NULL, 10) + 1 : 0;
}

static void on_payload(struct load *load, struct connection *connection, const char *at,
                       const char *end, uint64_t now_ns)
{
    struct payload payload;
    if (!payload_read(at, &payload)) {
        load->tally.corrupt++;
        return;
    }
    const int slot = plan_slot(&load->plan, connection->first_topic, payload.topic);
    const char *after = at + PAYLOAD_LEN;
    const uint64_t id = load->with_ids ? read_id(after, (size_t)(end - after)) : 0;
    if (slot < 0 || (load->with_ids && id == 0)) {
        load->tally.corrupt++;
        return;
    }
    tally_message(&load->tally, &connection->seen[slot], &payload, id, now_ns);
}

static void on_text(struct load *load, struct connection *connection, const char *text,
                    size_t len, uint64_t now_ns)
{
    const char *payload = dialect_payload(text, len);
    if (payload != NULL) {
        on_payload(load, connection, payload, text + len, now_ns);
        return;
    }
    switch (dialect_read(load->dialect, text, len)) {
    case DIALECT_GREETED:
        send_text(load, connection, dialect_hello());
        break;
    case DIALECT_OPEN:
        subscribe(load, connection);
        break;
    case DIALECT_ACK:
        if (connection->acks > 0 && --connection->acks == 0) {
            become_ready(load, connection);
        }
        break;
    case DIALECT_PING:
        send_text(load, connection, dialect_pong());
        break;
    case DIALECT_ERROR:
        fprintf(stderr, "wsload: %.*s\n", (int)len, text);
        fail(load, connection, "got an error");
        break;
    case DIALECT_OTHER:
        break;
    }
}

/* ---- frames -------------------------------------------------------------------------
 */

/* Returns the bytes of the frame that begins here, 0 if it is not whole yet. */
static size_t take_frame(struct load *load, struct connection *connection, char *bytes,
                         size_t len, uint64_t now_ns)
{
    const unsigned char *at = (const unsigned char *)bytes;
    if (len < 2) {
        return 0;
    }
    size_t head = 2;
    size_t body = at[1];
    if (body == 126) {
        head = 4;
        body = len < head ? REST_MAX : (size_t)at[2] << 8 | at[3];
    } else if (body == 127) {
        head = 10;
        body = len < head ? REST_MAX
                          : (size_t)at[6] << 24 | (size_t)at[7] << 16 |
                                (size_t)at[8] << 8 | at[9];
    }
    if (len < head + body) {
        return 0;
    }
    const int opcode = at[0] & 0x0f;
    if (opcode == OPCODE_TEXT && (at[0] & 0x80) != 0) {
        on_text(load, connection, bytes + head, body, now_ns);
    } else if (opcode == OPCODE_PING) {
        send_frame(load, connection, OPCODE_PONG, bytes + head, body);
    } else if (opcode == OPCODE_CLOSE) {
        fail(load, connection, "was closed by the server");
    } else if (opcode != OPCODE_PONG) {
        load->tally.corrupt++;
    }
    return head + body;
}

/* Returns the bytes of the response's head, 0 if it is not whole yet. */
static size_t take_response(struct load *load, struct connection *connection,
                            const char *bytes, size_t len)
{
    const char *end = memmem(bytes, len, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }
    const size_t head = (size_t)(end - bytes) + 4;
    if (memcmp(bytes, "HTTP/1.1 101", 12) != 0 ||
        memmem(bytes, head, DIALECT_ACCEPT, sizeof(DIALECT_ACCEPT) - 1) == NULL) {
        fail(load, connection, "was not upgraded");
        return head;
    }
    connection->state = CONNECTION_SUBSCRIBING;
    if (connection->acks == 0) {
        become_ready(load, connection);
    }
    return head;
}

static void keep_rest(struct load *load, struct connection *connection, const char *bytes,
                      size_t len)
{
    free(connection->rest);
    connection->rest = NULL;
    connection->rest_len = (uint32_t)len;
    if (len > REST_MAX) {
        fail(load, connection, "got a frame that is too long");
    } else if (len > 0) {
        connection->rest = malloc(len);
        if (connection->rest == NULL) {
            abort();
        }
        memcpy(connection->rest, bytes, len);
    }
}

static void understand(struct load *load, struct connection *connection, size_t len)
{
    const uint64_t now_ns = clock_now_ns();
    size_t at = 0;
    size_t taken = 1;
    while (taken > 0 && at < len && connection->state != CONNECTION_CLOSED) {
        taken = connection->state == CONNECTION_UPGRADING
                    ? take_response(load, connection, buffer + at, len - at)
                    : take_frame(load, connection, buffer + at, len - at, now_ns);
        at += taken;
    }
    if (connection->state != CONNECTION_CLOSED) {
        keep_rest(load, connection, buffer + at, len - at);
    }
}

void connection_readable(struct load *load, struct connection *connection, size_t max)
{
    const size_t before = connection->rest_len;
    if (before > 0) {
        memcpy(buffer, connection->rest, before);
    }
    const ssize_t got =
        recv(connection->fd, buffer + before, max < READ_MAX ? max : READ_MAX, 0);
    if (got > 0) {
        tally_bytes(&load->tally, (size_t)got);
        understand(load, connection, before + (size_t)got);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        fail(load, connection, got == 0 ? "was hung up on" : strerror(errno));
    }
}

void connection_writable(struct load *load, struct connection *connection)
{
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        fail(load, connection, strerror(error));
    } else {
        send_request(load, connection);
    }
}

bool connection_hung_up(const struct connection *connection)
{
    struct pollfd hang_up = {.fd = connection->fd, .events = POLLRDHUP};
    return poll(&hang_up, 1, 0) > 0;
}
