/* SPDX-License-Identifier: MIT */
#include "gateway/clients.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <libwebsockets.h>
#include <utlist.h>

#include "common/log.h"
#include "common/loop.h"
#include "common/wsloop.h"
#include "gateway/addresses.h"
#include "gateway/client_list.h"
#include "gateway/clock.h"
#include "gateway/frame.h"
#include "gateway/host.h"
#include "gateway/proto.h"
#include "gateway/upgrade.h"

#define READ_MAX          ((size_t)16 * 1024) /* bytes of one client in one turn */
#define WRITE_MAX         ((size_t)64 * 1024) /* bytes in one write; one frame may be longer */
#define SEND_MAX          ((size_t)16 * 1024 * 1024) /* bytes in one send(): whatever is due */
#define FLUSH_LONG_US     1000 /* writing that takes longer, and carries fewer messages */
#define FLUSH_THIN        3    /* per write than this, is followed by a rest, */
#define FLUSH_REST_MAX_US 10000 /* of this at most */
#define TICK_MS           250
#define LOGGED_PER_S      20 /* lines about clients; the rest is counted */

/* libwebsockets keeps it as its data about the connection, zero bytes at first. */
struct client {
    struct lws *wsi;
    struct clients *clients; /* NULL before the handshake and after the end */
    struct client *prev;
    struct client *next;
    struct client *prev_awake;
    struct client *next_awake;
    struct host host; /* whose it is, as far as proxies are believed */
    struct address *address;
    uint64_t connected_ms;
    uint64_t sent; /* messages */
    bool awake;
    bool dying; /* libwebsockets has been told to close it */
    struct session session;
};

/* The handshake that libwebsockets is answering now. */
struct arrival {
    const struct upgrade *upgrade;
    const struct host *host;
    struct client *client; /* once it is established */
};

struct clients {
    struct loop *loop;
    struct clients_config config;
    struct session_env *env;
    struct addresses *addresses;
    struct wsloop *wsloop;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct arrival arrival;
    struct client *all;
    struct client *awake; /* those to look at before this turn ends */
    size_t count;
    bool told_degraded; /* what clients know of env->degraded */
    struct loop_timer *tick;
    struct loop_timer *flush_timer;
    uint64_t next_flush_us; /* not before then; 0 for at any time */
    uint64_t log_second;
    int64_t logged; /* lines in that second */
    int64_t unlogged;
    unsigned char buffer[WRITE_MAX]; /* for reading and for gathering */
};

/* ---- logging ------------------------------------------------------------------------
 */

/* Clients can cause any number of lines, so only so many are written in a second. */
static bool may_log(struct clients *clients)
{
    const uint64_t second = clients->env->now_ms / 1000;
    if (second != clients->log_second) {
        if (clients->unlogged > 0) {
            log_warn("lines about clients left out", log_int("count", clients->unlogged));
        }
        clients->log_second = second;
        clients->logged = 0;
        clients->unlogged = 0;
    }
    if (clients->logged < LOGGED_PER_S) {
        clients->logged++;
        return true;
    }
    clients->unlogged++;
    return false;
}

static void log_end(struct clients *clients, const struct client *client)
{
    const struct session *session = &client->session;
    const enum stats_end reason =
        session->state == SESSION_OPEN ? STATS_END_GONE : (enum stats_end)session->reason;
    char address[HOST_TEXT_MAX];
    host_format(address, &client->host);
    if (reason == STATS_END_BY_CLIENT || reason == STATS_END_GONE ||
        reason == STATS_END_SHUTDOWN) {
        log_debug("client left", log_str("client", session->client_id),
                  log_str("address", address),
                  log_str("reason", stats_end_label(reason)));
    } else if (may_log(clients)) {
        log_info("client dropped", log_str("client", session->client_id),
                 log_str("address", address), log_str("reason", stats_end_label(reason)),
                 log_int("code", stats_end_code(reason)));
    }
}

/* ---- sending ------------------------------------------------------------------------
 */

static void wake(void *arg)
{
    struct client *client = arg;
    if (client->awake || client->clients == NULL) {
        return;
    }
    client->awake = true;
    DL_APPEND2(client->clients->awake, client, prev_awake, next_awake);
}

static void sleep_again(struct clients *clients, struct client *client)
{
    if (client->awake) {
        client->awake = false;
        DL_DELETE2(clients->awake, client, prev_awake, next_awake);
    }
}

/* Hands bytes to libwebsockets, which sends them or keeps what the socket does not take.
 * LWS_WRITE_RAW leaves out its framing: ours is in the bytes. */
static bool write_bytes(struct clients *clients, struct client *client,
                        unsigned char *bytes, size_t len)
{
    clients->env->stats->bytes_sent_total += len;
    clients->env->stats->writes_total++;
    return lws_write(client->wsi, bytes, len, LWS_WRITE_RAW) >= 0;
}

/* One write: the only frame as it is, several laid end to end. */
static bool write_some(struct clients *clients, struct client *client)
{
    struct outq *queue = &client->session.queue;
    const uint32_t before = queue->count;
    const size_t len =
        before == 1 ? 0 : outq_gather(queue, clients->buffer, sizeof(clients->buffer));
    if (len > 0) {
        clients->env->stats->messages_sent_total += before - queue->count;
        client->sent += before - queue->count;
        return write_bytes(clients, client, clients->buffer, len);
    }
    struct frame *frame = outq_pop(queue);
    clients->env->stats->messages_sent_total++;
    client->sent++;
    const bool written = write_bytes(clients, client, frame->bytes, frame->len);
    frame_unref(frame);
    return written;
}

/* Closes the connection; end_client() comes from within, or very soon. */
static void kill_client(struct client *client)
{
    if (client->dying) {
        return;
    }
    client->dying = true;
    if (lws_partial_buffered(client->wsi)) {
        /* Otherwise libwebsockets would wait for the peer to take the rest. */
        shutdown(lws_get_socket_fd(client->wsi), SHUT_RDWR);
        lws_callback_on_writable(client->wsi);
    }
    lws_set_timeout(client->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_SYNC);
}

/* Nothing the peer may still say matters: let it see the end, and close when it does. To
 * close at once could make the kernel throw away what it has not read yet. */
static void finish_sending(const struct client *client)
{
    if (client->session.state == SESSION_CLOSING && client->session.deaf) {
        shutdown(lws_get_socket_fd(client->wsi), SHUT_WR);
    }
}

static void flush(struct clients *clients, struct client *client)
{
    struct session *session = &client->session;
    bool blocked = session->blocked_since_ms != 0; /* until on_writable() */
    while (session->state != SESSION_OVER && session->queue.count > 0 && !blocked) {
        if (!write_some(clients, client)) {
            session_input_ended(session);
        } else if (lws_partial_buffered(client->wsi)) {
            blocked = true;
            session_set_blocked(session, true);
            lws_callback_on_writable(client->wsi);
        }
    }
    if (session->state != SESSION_OVER && !blocked) {
        session_all_sent(session);
        finish_sending(client);
    }
    if (session->state == SESSION_OVER) {
        kill_client(client);
    }
}

static struct client *find_worst(const struct clients *clients)
{
    struct client *worst = NULL;
    struct client *client;
    DL_FOREACH(clients->all, client)
    {
        if (client->session.state == SESSION_OPEN &&
            (worst == NULL || client->session.queue.bytes > worst->session.queue.bytes)) {
            worst = client;
        }
    }
    return worst;
}

/* What waits for all clients together is too much: those with the most have to go. */
static void keep_budget(struct clients *clients)
{
    while (clients->env->queued_bytes > (size_t)clients->config.backlog_total_bytes) {
        struct client *worst = find_worst(clients);
        if (worst == NULL || worst->session.queue.bytes == 0) {
            return;
        }
        session_end(&worst->session, STATS_END_OVER_BUDGET);
    }
}

/* Returns false if it is too early for the next writes; the timer will bring the turn. */
static bool is_flush_due(struct clients *clients)
{
    const uint64_t now_us = clients->next_flush_us == 0 ? 0 : loop_now_us();
    if (now_us < clients->next_flush_us) {
        loop_timer_start(clients->flush_timer,
                         (clients->next_flush_us - now_us + 999) / 1000);
        return false;
    }
    return true;
}

/* A write costs much the same whether it carries one message or ten. When writing took
 * long and carried little, the next writes wait as long as these took: more will have
 * come by then, and half of the processor is left for it. */
static uint64_t rest_us(uint64_t took_us, uint64_t writes, uint64_t messages)
{
    if (took_us < FLUSH_LONG_US || messages >= writes * FLUSH_THIN) {
        return 0;
    }
    return took_us < FLUSH_REST_MAX_US ? took_us : FLUSH_REST_MAX_US;
}

static void flush_all(struct clients *clients)
{
    struct stats *stats = clients->env->stats;
    const uint64_t writes = stats->writes_total;
    const uint64_t messages = stats->messages_sent_total;
    const uint64_t began_us = loop_now_us();
    while (clients->awake != NULL) {
        struct client *client = clients->awake;
        sleep_again(clients, client);
        flush(clients, client);
    }
    stats_sent(stats, loop_wall_us() / 1000);
    const uint64_t now_us = loop_now_us();
    uint64_t pause_us = (uint64_t)clients->config.flush_interval_ms * 1000;
    if (clients->config.flush_rest && pause_us == 0) {
        pause_us = rest_us(now_us - began_us, stats->writes_total - writes,
                           stats->messages_sent_total - messages);
    }
    clients->next_flush_us = pause_us == 0 ? 0 : now_us + pause_us;
}

static void on_flush_due(void *arg)
{
    (void)arg; /* the end of this turn does it */
}

static void tell_status(struct clients *clients)
{
    clients->told_degraded = clients->env->degraded;
    clock_read(clients->env);
    struct frame *status = proto_status(clients->env->degraded, clients->env->wall_us);
    struct client *client;
    DL_FOREACH(clients->all, client)
    {
        session_tell(&client->session, status);
    }
    frame_unref(status);
}

static void on_turn_end(void *arg)
{
    struct clients *clients = arg;
    if (clients->told_degraded != clients->env->degraded) {
        tell_status(clients);
    }
    keep_budget(clients);
    if (clients->awake != NULL && is_flush_due(clients)) {
        clock_read(clients->env);
        flush_all(clients);
    }
}

/* ---- receiving ----------------------------------------------------------------------
 */

static void read_client(struct clients *clients, struct client *client)
{
    const ssize_t got =
        recv(lws_get_socket_fd(client->wsi), clients->buffer, READ_MAX, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    clock_read(clients->env);
    if (got > 0) {
        session_input(&client->session, clients->buffer, (size_t)got);
    } else {
        session_input_ended(&client->session);
    }
}

/* Readable sockets come here first; only what is no client is for libwebsockets. */
static bool on_readable(void *arg, struct lws *wsi)
{
    struct client *client = lws_wsi_user(wsi);
    if (client == NULL || client->clients == NULL) {
        return false;
    }
    if (!client->dying) {
        read_client(arg, client);
    }
    return true;
}

/* ---- the set of all -----------------------------------------------------------------
 */

static void on_tick(void *arg)
{
    struct clients *clients = arg;
    clock_read(clients->env);
    struct client *client;
    DL_FOREACH(clients->all, client)
    {
        session_tick(&client->session);
    }
    loop_timer_start(clients->tick, TICK_MS);
}

/* The handshake is answered. Returns false when out of memory. */
static bool begin_client(struct clients *clients, struct client *client, struct lws *wsi)
{
    const struct upgrade *upgrade = clients->arrival.upgrade;
    *client =
        (struct client){.wsi = wsi, .clients = clients, .host = *clients->arrival.host};
    clock_read(clients->env);
    if (!session_init(&client->session, clients->env, client, upgrade->client_id,
                      upgrade->client_id_len, upgrade->wants_all)) {
        client->clients = NULL;
        return false;
    }
    client->connected_ms = clients->env->now_ms;
    if (clients->addresses != NULL) {
        client->address = addresses_enter(clients->addresses, &client->host);
    }
    DL_APPEND(clients->all, client);
    clients->count++;
    clients->arrival.client = client;
    char address[HOST_TEXT_MAX];
    host_format(address, &client->host);
    log_debug("client connected", log_str("client", client->session.client_id),
              log_str("address", address));
    return true;
}

static void end_client(struct client *client)
{
    struct clients *clients = client->clients;
    if (clients == NULL) {
        return;
    }
    log_end(clients, client);
    sleep_again(clients, client);
    DL_DELETE(clients->all, client);
    clients->count--;
    client->clients = NULL;
    addresses_leave(clients->addresses, client->address);
    session_finish(&client->session);
}

/* What the kernel holds for a client is stale before our queue begins to conflate. What
 * has not even been sent may be a quarter of it (tcp(7), TCP_NOTSENT_LOWAT): that is all
 * a stalled client takes, and a fast one far away still has the rest under way. */
static void bound_kernel_share(const struct clients *clients, int fd)
{
    const int bytes = (int)clients->config.socket_buffer_bytes;
    if (bytes > 0) {
        const int unsent = bytes / 4;
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
        setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
    }
}

/* libwebsockets gets a request of our own making: it never parses a client's bytes. */
bool clients_add(struct clients *clients, int fd, const struct upgrade *upgrade,
                 const struct host *host, const unsigned char *rest, size_t rest_len)
{
    char request[256];
    const int len = snprintf(request, sizeof(request),
                             "GET / HTTP/1.1\r\nHost: chronogate\r\n"
                             "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: %.*s\r\n\r\n",
                             (int)upgrade->key.len, upgrade->key.bytes);
    bound_kernel_share(clients, fd);
    clients->arrival = (struct arrival){.upgrade = upgrade, .host = host};
    const struct lws *wsi =
        lws_adopt_socket_vhost_readbuf(clients->vhost, fd, request, (size_t)len);
    struct client *client = wsi == NULL ? NULL : clients->arrival.client;
    clients->arrival = (struct arrival){0};
    if (client != NULL && rest_len > 0) {
        session_input(&client->session, rest, rest_len);
    }
    return client != NULL;
}

/* Returns a random number from 0 to `max`, which is below 2^32. */
static uint64_t draw(uint64_t max)
{
    uint32_t dice = 0;
    (void)!getrandom(&dice, sizeof(dice), 0);
    return dice % (max + 1);
}

void clients_send_away(struct clients *clients, size_t may_stay, uint64_t spread_ms)
{
    clock_read(clients->env);
    size_t open = 0;
    struct client *client;
    DL_FOREACH(clients->all, client)
    {
        open += client->session.state == SESSION_OPEN;
    }
    DL_FOREACH(clients->all, client)
    {
        if (open <= may_stay) {
            return;
        }
        if (client->session.state == SESSION_OPEN) {
            session_reconnect(&client->session, draw(spread_ms));
            open--;
        }
    }
}

void clients_list(struct clients *clients, struct client_list *out)
{
    clock_read(clients->env);
    struct client *client;
    DL_FOREACH(clients->all, client)
    {
        const struct client_entry entry = {.session = &client->session,
                                           .host = &client->host,
                                           .connected_ms = client->connected_ms,
                                           .sent = client->sent};
        client_list_offer(out, &entry);
    }
}

size_t clients_count(const struct clients *clients)
{
    return clients->count;
}

/* libwebsockets says so when all it kept has left: that is progress. */
static void on_writable(struct client *client)
{
    if (client->clients != NULL) {
        session_set_blocked(&client->session, false);
        wake(client);
    }
}

/* ---- libwebsockets ------------------------------------------------------------------
 */

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user,
                    void *in, size_t len)
{
    (void)in;
    (void)len;
    switch ((int)reason) {
    case LWS_CALLBACK_ESTABLISHED:
        return begin_client(lws_get_vhost_user(lws_get_vhost(wsi)), user, wsi) ? 0 : -1;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        on_writable(user);
        return 0;
    case LWS_CALLBACK_CLOSED:
        end_client(user);
        return 0;
    default:
        return 0;
    }
}

static void on_lws_log(int level, const char *line)
{
    (void)level;
    log_error("libwebsockets", log_text("says", line, strcspn(line, "\n")));
}

static bool create_context(struct clients *clients)
{
    static struct lws_protocols protocols[] = {
        {.name = "chronogate",
         .callback = on_event,
         .per_session_data_size = sizeof(struct client),
         .rx_buffer_size = 1,         /* not used: read_client() reads */
         .tx_packet_size = SEND_MAX}, /* one send for whatever is due */
        LWS_PROTOCOL_LIST_TERM};
    /* Pings are the session's; libwebsockets, which sees no pongs, must not hang up. */
    static const lws_retry_bo_t no_pings = {0};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .vhost_name = "chronogate",
        .protocols = protocols,
        .user = clients,
        .retry_and_idle_policy = &no_pings,
    };
    wsloop_prepare(clients->wsloop, &info);
    lws_set_log_level(LLL_ERR, on_lws_log);
    clients->context = lws_create_context(&info);
    if (clients->context == NULL) {
        return false;
    }
    clients->vhost = lws_create_vhost(clients->context, &info);
    if (clients->vhost == NULL) {
        return false;
    }
    lws_set_log_level(0, NULL); /* from now on it would only speak of clients */
    wsloop_start(clients->wsloop, clients->context);
    return true;
}

/* ---- life ---------------------------------------------------------------------------
 */

struct clients *clients_create(struct loop *loop, const struct clients_config *config,
                               struct session_env *env, struct addresses *addresses)
{
    struct clients *clients = calloc(1, sizeof(*clients));
    if (clients == NULL) {
        log_error("cannot start", log_str("why", "out of memory"));
        return NULL;
    }
    clients->loop = loop;
    clients->config = *config;
    clients->env = env;
    clients->addresses = addresses;
    clients->tick = loop_timer_create(loop, on_tick, clients);
    clients->flush_timer = loop_timer_create(loop, on_flush_due, clients);
    clients->wsloop = wsloop_create(loop, on_readable, clients);
    loop_at_turn_end(loop, on_turn_end, clients); /* before libwebsockets' own */
    if (clients->tick == NULL || clients->flush_timer == NULL ||
        clients->wsloop == NULL || !create_context(clients)) {
        log_error("cannot start", log_str("why", "libwebsockets could not be set up"));
        clients_destroy(clients);
        return NULL;
    }
    env->wake = wake;
    loop_timer_start(clients->tick, TICK_MS);
    return clients;
}

void clients_destroy(struct clients *clients)
{
    if (clients == NULL) {
        return;
    }
    if (clients->context != NULL) {
        lws_context_destroy(clients->context);
    }
    assert(clients->all == NULL);
    wsloop_destroy(clients->wsloop);
    loop_timer_destroy(clients->tick);
    loop_timer_destroy(clients->flush_timer);
    free(clients);
}
