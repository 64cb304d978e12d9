/* addresses — how many clients each remote address has.
 *
 * SPDX-License-Identifier: MIT
 *
 * An address is any short run of bytes: 4 for IPv4, 16 for IPv6. Only those with clients
 * take memory.
 */
#ifndef GATEWAY_ADDRESSES_H
#define GATEWAY_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADDRESSES_BYTES_MAX 16

struct addresses;
struct address; /* one that has clients */
struct sockaddr_storage;

struct addresses *addresses_create(void);
void addresses_destroy(struct addresses *table); /* NULL is fine */

size_t addresses_count(const struct addresses *table, const unsigned char *bytes,
                       size_t len);

/* Counts one client more. NULL when out of memory. */
struct address *addresses_enter(struct addresses *table, const unsigned char *bytes,
                                size_t len);

/* Counts one client less; NULL is fine. */
void addresses_leave(struct addresses *table, struct address *address);

/* The bytes that tell remote hosts apart, without the port; they lie within `peer`. */
const unsigned char *addresses_bytes(const struct sockaddr_storage *peer,
                                     size_t *out_len);

#endif
