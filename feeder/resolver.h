/* resolver — a host's name into addresses, without making the loop wait.
 *
 * SPDX-License-Identifier: MIT
 *
 * Knows the hosts file and the name servers of resolv.conf, both as they are when it is
 * created; a number is its own address.
 */
#ifndef FEEDER_RESOLVER_H
#define FEEDER_RESOLVER_H

#include <stddef.h>

struct loop;
struct resolver;

/* Called once, for a number even from within resolver_create(). Look at the resolver's
 * addresses afterwards; if there are none, `why` says so. */
typedef void (*resolver_done_fn)(void *arg, const char *why);

/* NULL when out of memory. `host` must outlive it. */
struct resolver *resolver_create(struct loop *loop, const char *host,
                                 resolver_done_fn on_done, void *arg);
void resolver_destroy(struct resolver *resolver);

/* The next address as a number, or NULL after the last one. */
const char *resolver_next(struct resolver *resolver);

#endif
