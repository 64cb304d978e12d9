/* tcp — sockets on loopback: to connect, to listen, to send all.
 * SPDX-License-Identifier: MIT
 *
 * No function here takes an address: the benchmark speaks to this machine only.
 */
#ifndef BENCH_TCP_H
#define BENCH_TCP_H

#include <stddef.h>
#include <stdint.h>

/* A connection that is being made from 127.0.1.{1 + source} to 127.0.0.1, not blocking.
 * Returns the descriptor, or -1 with errno. */
int tcp_connect_from(uint32_t source, uint16_t port);

/* A blocking connection to 127.0.0.1; exits with a message when that fails. */
int tcp_connect(uint16_t port);

/* A listener on 127.0.0.1 that does not block; exits with a message when that fails. */
int tcp_listen(uint16_t port);

/* Sends all of it on a blocking socket, or exits with a message. */
void tcp_send_all(int fd, const char *bytes, size_t len);

/* Closes at once, with a reset: nothing stays behind in the kernel. */
void tcp_cut(int fd);

#endif
