/* networks — a list of IP networks, as in 10.0.0.0/8,192.168.7.1,2001:db8::/32.
 *
 * SPDX-License-Identifier: MIT
 *
 * An IPv4 host is in IPv4 networks only: ::/0 does not have it, ::ffff:0:0/96 does.
 */
#ifndef GATEWAY_NETWORKS_H
#define GATEWAY_NETWORKS_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/host.h"

#define NETWORKS_MAX 64

struct network {
    struct host first;
    unsigned bits; /* that all its hosts share */
};

struct networks {
    size_t count;
    struct network all[NETWORKS_MAX];
};

/* Reads networks separated by commas, with blanks around them allowed; no text is none.
 * Returns false and sets *why, a constant, if one is not well written, has bits set
 * behind its prefix or is one too many. */
bool networks_parse(const char *text, struct networks *out, const char **why);

bool networks_contain(const struct networks *networks, const struct host *host);

#endif
