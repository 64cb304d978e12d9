/* SPDX-License-Identifier: MIT */
#include "tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOPBACK_SOURCES UINT32_C(0x7f000101) /* 127.0.1.1 */

static struct sockaddr_in address(uint32_t host, uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(host)};
}

static void set_flag(int fd, int level, int name)
{
    const int on = 1;
    setsockopt(fd, level, name, &on, sizeof(on));
}

static _Noreturn void die(const char *what, uint16_t port)
{
    fprintf(stderr, "%s port %u: %s\n", what, (unsigned)port, strerror(errno));
    exit(1);
}

int tcp_connect_from(uint32_t source, uint16_t port)
{
    const struct sockaddr_in from = address(LOOPBACK_SOURCES + source, 0);
    const struct sockaddr_in to = address(INADDR_LOOPBACK, port);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    set_flag(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
    set_flag(fd, IPPROTO_TCP, TCP_NODELAY);
    if (bind(fd, (const struct sockaddr *)&from, sizeof(from)) != 0 ||
        (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0 &&
         errno != EINPROGRESS)) {
        const int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

int tcp_connect(uint16_t port)
{
    const struct sockaddr_in to = address(INADDR_LOOPBACK, port);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
        die("cannot connect to", port);
    }
    set_flag(fd, IPPROTO_TCP, TCP_NODELAY);
    return fd;
}

int tcp_listen(uint16_t port)
{
    const struct sockaddr_in at = address(INADDR_LOOPBACK, port);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        set_flag(fd, SOL_SOCKET, SO_REUSEADDR);
    }
    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 ||
        listen(fd, SOMAXCONN) != 0) {
        die("cannot listen on", port);
    }
    return fd;
}

void tcp_send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        const ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) {
            fprintf(stderr, "cannot send: %s\n", strerror(errno));
            exit(1);
        }
        if (sent > 0) {
            bytes += sent;
            len -= (size_t)sent;
        }
    }
}

void tcp_cut(int fd)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fd);
}
