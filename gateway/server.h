/* server — the listeners, the HTTP requests on them, and the way into a WebSocket.
 *
 * SPDX-License-Identifier: MIT
 *
 * Three sites: the client API, the admin pages and the console, each with a listener of
 * its own. Every connection either becomes a client or gets one complete answer and is
 * closed; beyond the descriptors that can be spared it is closed unread. The list of
 * topics and the closed bars are on the API's and on the console's.
 */
#ifndef GATEWAY_SERVER_H
#define GATEWAY_SERVER_H

#include <stdbool.h>

struct bar_site;
struct bus;
struct catalog;
struct gateway_config;
struct loop;
struct relay;
struct server;
struct session_env;

/* Whom it asks. */
struct server_parts {
    struct session_env *env;
    const struct relay *relay;
    const struct bus *bus;
    struct catalog *catalog;
    struct bar_site *bar_site;
};

/* Listens at once. Returns NULL after logging one line that says what to do. `parts` is
 * copied; all that is named there, the loop and the settings must outlive the server. */
struct server *server_create(struct loop *loop, const struct gateway_config *config,
                             const struct server_parts *parts);

/* Cuts what is left. NULL is fine. */
void server_destroy(struct server *server);

/* /readyz turns red at once; after drain_delay_ms nobody is let in any more, and over
 * drain_spread_ms every client is asked to reconnect and closed with 1012. `on_done` runs
 * when the last one has gone, or when the time for that is over. */
void server_shut_down(struct server *server, void (*on_done)(void *arg), void *arg);

#endif
