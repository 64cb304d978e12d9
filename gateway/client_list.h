/* client_list — who falls behind: the clients with the most waiting, out of any number.
 *
 * SPDX-License-Identifier: MIT
 *
 * A heap of the worst so far, so that one pass over all clients is enough and nearly all
 * of them cost one comparison. It points to the sessions and copies nothing: it must be
 * written and destroyed before anything happens to any of them.
 */
#ifndef GATEWAY_CLIENT_LIST_H
#define GATEWAY_CLIENT_LIST_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "gateway/host.h"
#include "gateway/session.h"

#define CLIENT_LIST_DEFAULT 20
#define CLIENT_LIST_MAX     1000

struct client_list;

struct client_entry {
    const struct session *session;
    const struct host *host;
    uint64_t connected_ms; /* when it was, by the clock of the session's now_ms */
    uint64_t sent;         /* messages */
};

/* Keeps `max` clients, CLIENT_LIST_MAX at most. NULL when out of memory. */
struct client_list *client_list_create(size_t max);
void client_list_destroy(struct client_list *list); /* NULL is fine */

/* Keeps the client if it is among the worst so far: the one with more bytes waiting is
 * worse, then the one whose socket has taken nothing for longer, then the one that has
 * been here longer. */
void client_list_offer(struct client_list *list, const struct client_entry *entry);

/* Writes how many were offered, and those kept as JSON, the worst first. */
void client_list_write(struct client_list *list, FILE *file);

#endif
