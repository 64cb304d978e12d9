/* host — the IP address of a remote host.
 *
 * SPDX-License-Identifier: MIT
 *
 * Always 16 bytes: an IPv4 address is kept as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2),
 * so a host is the same by whichever kind of socket it came.
 */
#ifndef GATEWAY_HOST_H
#define GATEWAY_HOST_H

#include <stdbool.h>
#include <stddef.h>

#define HOST_BYTES    16
#define HOST_V4_BITS  96 /* before an IPv4 address */
#define HOST_TEXT_MAX 46 /* as text, with a terminating zero */

struct host {
    unsigned char bytes[HOST_BYTES];
};

struct sockaddr_storage;

/* Whom a socket is connected to; :: for anything but IPv4 and IPv6. */
struct host host_of_peer(const struct sockaddr_storage *peer);

/* Reads 192.0.2.1 or 2001:db8::1: no blanks, no brackets, no port, no zone. Returns false
 * if it is neither. */
bool host_parse(const char *text, size_t len, struct host *out);

/* Writes it so, with a terminating zero. */
void host_format(char out[HOST_TEXT_MAX], const struct host *host);

bool host_is_v4(const struct host *host);
bool host_is(const struct host *one, const struct host *other);

#endif
