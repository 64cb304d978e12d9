/* forwarded — whose request is it, when proxies have passed it on.
 *
 * SPDX-License-Identifier: MIT
 *
 * Each proxy appends to X-Forwarded-For the address it got the request from, so the list
 * is read from its right end, and believed as far as trusted proxies have written it:
 *
 *      X-Forwarded-For: 1.1.1.1, 203.0.113.9, 10.0.0.2        peer: 10.0.0.1
 *                       anybody  the client ◀ trusted ◀──────── trusted
 */
#ifndef GATEWAY_FORWARDED_H
#define GATEWAY_FORWARDED_H

#include "gateway/host.h"
#include "gateway/networks.h"
#include "gateway/request.h"

#define FORWARDED_HOPS_MAX 32 /* looked at */

/* Returns the right-most address that is no trusted proxy's; where all are trusted, the
 * left-most. It is the peer's own when the peer is not trusted, and when there is no list
 * or an address that was to be looked at is malformed or one too many. An address may
 * have a port behind it, IPv6 then in brackets. */
struct host forwarded_host(const struct request *request, const struct networks *trusted,
                           const struct host *peer);

#endif
