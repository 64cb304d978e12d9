/* addresses — how many clients each remote address has.
 *
 * SPDX-License-Identifier: MIT
 *
 * Only addresses with clients take memory.
 */
#ifndef GATEWAY_ADDRESSES_H
#define GATEWAY_ADDRESSES_H

#include <stddef.h>

#include "gateway/host.h"

struct addresses;
struct address; /* one that has clients */

struct addresses *addresses_create(void);
void addresses_destroy(struct addresses *table); /* NULL is fine */

size_t addresses_count(const struct addresses *table, const struct host *host);

/* Counts one client more. NULL when out of memory. */
struct address *addresses_enter(struct addresses *table, const struct host *host);

/* Counts one client less; NULL is fine. */
void addresses_leave(struct addresses *table, struct address *address);

#endif
