/* link — one connection to Redis that keeps itself up.
 *
 * SPDX-License-Identifier: MIT
 *
 * Resolves the host without blocking, connects to each of its addresses in turn,
 * authenticates, selects the database and gives its name; then it is CONNECTED. When any
 * of that fails or the connection is lost, it is CLOSED for a pause, and begins again. It
 * never gives up. The pause doubles from LINK_PAUSE_MIN_MS to LINK_PAUSE_MAX_MS, with
 * jitter, and is short again after a connection that lasted longer than that.
 */
#ifndef COMMON_LINK_H
#define COMMON_LINK_H

#include <stdint.h>

#include "common/redis_url.h"

#define LINK_PAUSE_MIN_MS 100
#define LINK_PAUSE_MAX_MS 2000

struct loop;
struct link;
struct redisAsyncContext;

enum link_state { LINK_CLOSED, LINK_CONNECTING, LINK_CONNECTED };

struct link_config {
    struct redis_url url;
    const char *client_name; /* for CLIENT SETNAME, and "role" in the log */
    int64_t connect_timeout_ms;
    int64_t command_timeout_ms;
};

/* The state changed. `why` says what failed when CLOSED and is NULL otherwise; it lives
 * during the call only. Called from the loop; must not call link_destroy(). */
typedef void (*link_state_fn)(void *arg, enum link_state state, const char *why);

/* Begins to connect in the loop's next turn. `config` is copied, but not its
 * client_name. NULL when out of memory. */
struct link *link_create(struct loop *loop, const struct link_config *config,
                         link_state_fn on_state, void *arg);

/* Commands under way get their callback with a NULL reply; on_state is not called. NULL
 * is fine. */
void link_destroy(struct link *link);

enum link_state link_state(const struct link *link);

/* Drops the connection, which is known to be dead, and begins again. Only when CONNECTED.
 * May be called from the loop, but not from a callback of the connection. */
void link_reset(struct link *link, const char *why);

/* The connection for hiredis's own calls; NULL unless CONNECTED. */
struct redisAsyncContext *link_context(const struct link *link);

#endif
