/* SPDX-License-Identifier: MIT */
#include "gateway/server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libwebsockets.h>

#include "common/bus.h"
#include "common/json.h"
#include "common/log.h"
#include "common/loop.h"
#include "gateway/addresses.h"
#include "gateway/admin.h"
#include "gateway/clients.h"
#include "gateway/config.h"
#include "gateway/console.h"
#include "gateway/http.h"
#include "gateway/listener.h"
#include "gateway/relay.h"
#include "gateway/upgrade.h"
#include "gateway/wsloop.h"

#define FILES_RESERVED 512 /* descriptors kept for everything but clients, at most */
#define PAGES_MAX      64  /* connections to admin, and to the console */
#define REFUSALS_MAX   64  /* connections beyond max_connections that get an answer */
#define ANSWER_S       10  /* seconds an HTTP answer may take to leave */
#define JSON_TYPE      "application/json; charset=utf-8"
#define CONSOLE_HEADERS                                                                  \
    "Cache-Control: no-cache\r\n"                                                        \
    "Referrer-Policy: no-referrer\r\n"                                                   \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; " \
    "connect-src *; img-src 'self' data:; base-uri 'none'; form-action 'none'; "         \
    "frame-ancestors 'none'\r\n"

/* One listener, and the connections that came in by it. */
struct site {
    struct server *server;
    struct listener *listener; /* NULL when it is off, or no longer listens */
    size_t open;               /* connections, in whatever state */
    size_t open_max;           /* beyond it they are closed unread */
};

enum site_number { SITE_API, SITE_ADMIN, SITE_CONSOLE, SITE_COUNT };

struct server {
    struct loop *loop;
    const struct gateway_config *config;
    struct session_env *env;
    const struct relay *relay;
    const struct bus *bus;
    struct wsloop *wsloop;
    struct clients *clients;
    struct addresses *addresses;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct site sites[SITE_COUNT];
    size_t max_connections;
    bool draining;
    struct loop_timer *drain_timer;
    uint64_t drain_until_ms;
    void (*on_drained)(void *arg);
    void *on_drained_arg;
};

/* The site a connection came in by; NULL for what is no connection of ours. */
static struct site *site_of(struct lws *wsi)
{
    return lws_get_opaque_user_data(wsi);
}

/* ---- answers ------------------------------------------------------------------------
 */

/* What a callback returns after http_send(): close now, or when all of it has left. */
static int after_answer(struct lws *wsi, bool sent)
{
    if (sent && lws_partial_buffered(wsi)) {
        lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, ANSWER_S);
        return 0;
    }
    return -1;
}

static bool is_method_known(struct lws *wsi, bool *out_head)
{
    *out_head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    return *out_head || lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0;
}

static int answer_method_unknown(struct lws *wsi)
{
    static const char body[] = "only GET and HEAD are answered here\n";
    const struct http_answer answer = {.status = 405,
                                       .content_type = "text/plain; charset=utf-8",
                                       .extra_headers = "Allow: GET, HEAD\r\n",
                                       .body = body,
                                       .len = sizeof(body) - 1};
    return after_answer(wsi, http_send(wsi, &answer));
}

static int answer_refusal(struct server *server, struct lws *wsi,
                          const struct upgrade_refusal *refusal)
{
    server->env->stats->refusals[refusal->reason]++;
    char body[512];
    const int len =
        snprintf(body, sizeof(body), "{\"error_code\":\"%s\",\"error_message\":\"%s\"}",
                 refusal->error_code, refusal->error_message);
    const struct http_answer answer = {.status = refusal->status,
                                       .content_type = JSON_TYPE,
                                       .extra_headers = refusal->headers,
                                       .body = body,
                                       .len = (size_t)len};
    return after_answer(wsi, http_send(wsi, &answer));
}

static struct admin_view view_of(const struct server *server)
{
    return (struct admin_view){
        .stats = server->env->stats,
        .gauges = {.connections = clients_count(server->clients),
                   .subscriptions = hub_subscriptions(server->env->hub),
                   .topics = hub_topics(server->env->hub),
                   .queue_bytes = clients_queue_bytes(server->clients),
                   .redis_connected = bus_state(server->bus) == BUS_CONNECTED,
                   .redis_reconnects = bus_reconnects(server->bus),
                   .draining = server->draining}};
}

static int answer_admin(const struct server *server, struct lws *wsi, const char *path,
                        bool head_only)
{
    const struct admin_view view = view_of(server);
    const struct admin_page page = admin_answer(path, &view);
    if (page.body == NULL) {
        return -1;
    }
    const struct http_answer answer = {.status = page.status,
                                       .content_type = page.content_type,
                                       .extra_headers = "Cache-Control: no-store\r\n",
                                       .body = page.body,
                                       .len = page.len,
                                       .head_only = head_only};
    const int result = after_answer(wsi, http_send(wsi, &answer));
    free(page.body);
    return result;
}

static int answer_console(struct lws *wsi, const char *path, bool head_only)
{
    static const char go_there[] = "the page is at /websocket-test\n";
    static const char nothing[] = "not found: the page is at /websocket-test\n";
    struct http_answer answer = {.status = 404,
                                 .content_type = "text/plain; charset=utf-8",
                                 .extra_headers = "",
                                 .body = nothing,
                                 .len = sizeof(nothing) - 1,
                                 .head_only = head_only};
    const struct console_file *file = console_find(path);
    char headers[512];
    if (file != NULL) {
        snprintf(headers, sizeof(headers), CONSOLE_HEADERS "ETag: %s\r\n", file->etag);
        answer.status = 200;
        answer.content_type = file->content_type;
        answer.extra_headers = headers;
        answer.body = file->bytes;
        answer.len = file->len;
    } else if (strcmp(path, "/") == 0) {
        answer.status = 302;
        answer.extra_headers = "Location: /websocket-test\r\n";
        answer.body = go_there;
        answer.len = sizeof(go_there) - 1;
    }
    return after_answer(wsi, http_send(wsi, &answer));
}

/* ---- the way in ---------------------------------------------------------------------
 */

static bool is_address_full(const struct server *server, struct lws *wsi)
{
    struct sockaddr_storage peer;
    socklen_t peer_len = sizeof(peer);
    if (server->addresses == NULL ||
        getpeername(lws_get_socket_fd(wsi), (struct sockaddr *)&peer, &peer_len) != 0) {
        return false;
    }
    size_t len;
    const unsigned char *bytes = addresses_bytes(&peer, &len);
    return addresses_count(server->addresses, bytes, len) >=
           (size_t)server->config->max_connections_per_address;
}

/* Returns why this request may not become a WebSocket, or NULL. */
static const struct upgrade_refusal *find_refusal(const struct server *server,
                                                  struct lws *wsi)
{
    struct upgrade upgrade;
    const struct upgrade_refusal *refusal =
        upgrade_check(wsi, server->config->allowed_origins, &upgrade);
    if (refusal != NULL) {
        return refusal;
    }
    if (server->draining) {
        return &upgrade_refused_draining;
    }
    if (!relay_was_connected(server->relay)) {
        return &upgrade_refused_no_redis;
    }
    if (clients_count(server->clients) >= server->max_connections) {
        return &upgrade_refused_full;
    }
    return is_address_full(server, wsi) ? &upgrade_refused_address : NULL;
}

static int on_upgrade_request(struct server *server, struct lws *wsi)
{
    const struct upgrade_refusal *refusal = find_refusal(server, wsi);
    if (refusal == NULL) {
        return 0;
    }
    answer_refusal(server, wsi, refusal);
    return -1;
}

static int on_established(const struct server *server, struct lws *wsi,
                          struct client *client)
{
    struct upgrade upgrade;
    upgrade_read_client_id(wsi, &upgrade);
    return clients_add(server->clients, client, wsi, upgrade.client_id,
                       upgrade.client_id_len)
               ? 0
               : -1;
}

/* ---- libwebsockets ------------------------------------------------------------------
 */

static int on_upgrade(struct site *site, struct lws *wsi)
{
    if (site != &site->server->sites[SITE_API]) {
        return -1; /* there is nothing to upgrade to */
    }
    return on_upgrade_request(site->server, wsi);
}

/* `path` ends with a zero byte: libwebsockets keeps it so. */
static int on_request(struct site *site, struct lws *wsi, const char *path)
{
    if (site == &site->server->sites[SITE_API]) {
        return answer_refusal(site->server, wsi, upgrade_check_plain(wsi));
    }
    bool head_only;
    if (!is_method_known(wsi, &head_only)) {
        return answer_method_unknown(wsi);
    }
    if (site == &site->server->sites[SITE_ADMIN]) {
        return answer_admin(site->server, wsi, path, head_only);
    }
    return answer_console(wsi, path, head_only);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user,
                    void *in, size_t len)
{
    (void)len;
    struct site *site = site_of(wsi);
    switch ((int)reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return on_upgrade(site, wsi);
    case LWS_CALLBACK_HTTP:
        return on_request(site, wsi, in);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return lws_partial_buffered(wsi) ? 0 : -1;
    case LWS_CALLBACK_ESTABLISHED:
        return on_established(site->server, wsi, user);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        clients_writable(site->server->clients, user);
        return 0;
    case LWS_CALLBACK_RECEIVE:
        /* Sent before our answer to the handshake, which RFC 6455 section 4.1 forbids. */
        return -1;
    case LWS_CALLBACK_CLOSED:
        clients_remove(site->server->clients, user);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        if (site != NULL) {
            site->open--;
        }
        return 0;
    default:
        return 0;
    }
}

static bool on_readable(void *arg, struct lws *wsi)
{
    const struct server *server = arg;
    struct client *client = lws_wsi_user(wsi);
    if (site_of(wsi) == NULL || client == NULL || !client_is_established(client)) {
        return false;
    }
    clients_readable(server->clients, client);
    return true;
}

/* ---- listening ----------------------------------------------------------------------
 */

static void on_accept(void *arg, int fd)
{
    struct site *site = arg;
    if (site->open >= site->open_max) {
        site->server->env->stats->refusals[STATS_REFUSED_SHED]++;
        close(fd);
        return;
    }
    const lws_adopt_desc_t connection = {
        .vh = site->server->vhost,
        .type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP,
        .fd = {.sockfd = fd},
        .opaque = site,
    };
    const size_t before = site->open++;
    if (lws_adopt_descriptor_vhost_via_info(&connection) == NULL) {
        site->open = before; /* it is closed, whether WSI_DESTROY came or not */
    }
}

/* Waits for as many clients as descriptors can be spared for. */
static size_t count_places(const struct gateway_config *config)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 1;
    }
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    const size_t files = (size_t)limit.rlim_cur;
    const size_t reserved = files / 4 < FILES_RESERVED ? files / 4 : FILES_RESERVED;
    const size_t places = files - reserved;
    if (config->max_connections == 0) {
        return places;
    }
    if ((size_t)config->max_connections > places) {
        log_warn("max-connections is above what the file limit allows",
                 log_int("wanted", config->max_connections),
                 log_int("max_connections", (int64_t)places));
        return places;
    }
    return (size_t)config->max_connections;
}

static bool open_site(struct server *server, enum site_number number, const char *address)
{
    static const struct {
        const char *role;
        const char *setting;
    } names[] = {[SITE_API] = {"api", "--listen"},
                 [SITE_ADMIN] = {"admin", "--admin"},
                 [SITE_CONSOLE] = {"console", "--console"}};
    struct site *site = &server->sites[number];
    if (strcmp(address, "off") == 0) {
        return true;
    }
    site->server = server;
    site->open_max =
        number == SITE_API ? server->max_connections + REFUSALS_MAX : PAGES_MAX;
    const char *why;
    site->listener = listener_create(server->loop, address, on_accept, site, &why);
    if (site->listener == NULL) {
        log_error("cannot listen", log_str("address", address), log_str("why", why),
                  log_str("setting", names[number].setting));
        return false;
    }
    log_info("listening", log_str("address", listener_address(site->listener)),
             log_str("role", names[number].role));
    return true;
}

static bool open_sites(struct server *server)
{
    return open_site(server, SITE_API, server->config->listen) &&
           open_site(server, SITE_ADMIN, server->config->admin) &&
           open_site(server, SITE_CONSOLE, server->config->console);
}

static void on_lws_log(int level, const char *line)
{
    (void)level;
    log_error("libwebsockets", log_text("says", line, strcspn(line, "\n")));
}

static bool create_context(struct server *server)
{
    /* Pings are the session's; libwebsockets, which sees no pongs, must not hang up. */
    static const lws_retry_bo_t no_pings = {0};
    const unsigned handshake_s =
        (unsigned)((server->config->handshake_timeout_ms + 999) / 1000);
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .timeout_secs = handshake_s,
        .timeout_secs_ah_idle = handshake_s,
        .retry_and_idle_policy = &no_pings,
    };
    wsloop_prepare(server->wsloop, &info);
    lws_set_log_level(LLL_ERR, on_lws_log);
    server->context = lws_create_context(&info);
    if (server->context == NULL) {
        log_error("cannot start", log_str("why", "libwebsockets refused its settings"));
        return false;
    }
    wsloop_start(server->wsloop, server->context);
    return true;
}

/* One virtual host for all sites: libwebsockets would choose among several by the Host
 * header, which is the client's to write. */
static bool create_vhost(struct server *server)
{
    static struct lws_protocols protocols[] = {
        {.name = "chronogate",
         .callback = on_event,
         .rx_buffer_size = 256,               /* not used: clients.c reads */
         .tx_packet_size = 16 * 1024 * 1024}, /* one send for whatever is due */
        LWS_PROTOCOL_LIST_TERM};
    protocols[0].per_session_data_size = client_size;
    const struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .vhost_name = "chronogate",
        .protocols = protocols,
        .keepalive_timeout = 1,
    };
    server->vhost = lws_create_vhost(server->context, &info);
    if (server->vhost == NULL) {
        log_error("cannot start", log_str("why", "libwebsockets refused its settings"));
        return false;
    }
    lws_set_log_level(0, NULL); /* from now on it would only speak of clients */
    return true;
}

/* ---- life ---------------------------------------------------------------------------
 */

static void on_drain_tick(void *arg)
{
    struct server *server = arg;
    const bool late = loop_now_ms() >= server->drain_until_ms;
    if (clients_count(server->clients) > 0 && !late) {
        loop_timer_start(server->drain_timer, 20);
        return;
    }
    server->on_drained(server->on_drained_arg);
}

void server_shut_down(struct server *server, void (*on_done)(void *arg), void *arg)
{
    server->draining = true;
    server->on_drained = on_done;
    server->on_drained_arg = arg;
    server->drain_until_ms =
        loop_now_ms() + (uint64_t)server->config->shutdown_timeout_ms;
    listener_destroy(server->sites[SITE_API].listener);
    server->sites[SITE_API].listener = NULL;
    clients_end_all(server->clients, STATS_END_SHUTDOWN);
    loop_timer_start(server->drain_timer, 0);
}

struct server *server_create(struct loop *loop, const struct gateway_config *config,
                             struct session_env *env, const struct relay *relay,
                             const struct bus *bus)
{
    struct server *server = calloc(1, sizeof(*server));
    if (server == NULL) {
        log_error("cannot start", log_str("why", "out of memory"));
        return NULL;
    }
    server->loop = loop;
    server->config = config;
    server->env = env;
    server->relay = relay;
    server->bus = bus;
    server->max_connections = count_places(config);
    if (config->max_connections_per_address > 0) {
        server->addresses = addresses_create();
    }
    server->drain_timer = loop_timer_create(loop, on_drain_tick, server);
    server->clients = clients_create(loop, env, server->addresses);
    server->wsloop = wsloop_create(loop, on_readable, server);
    if (server->drain_timer == NULL || server->clients == NULL ||
        server->wsloop == NULL ||
        (config->max_connections_per_address > 0 && server->addresses == NULL)) {
        log_error("cannot start", log_str("why", "out of memory"));
        server_destroy(server);
        return NULL;
    }
    if (!create_context(server) || !create_vhost(server) || !open_sites(server)) {
        server_destroy(server);
        return NULL;
    }
    return server;
}

void server_destroy(struct server *server)
{
    if (server == NULL) {
        return;
    }
    for (int i = 0; i < SITE_COUNT; i++) {
        listener_destroy(server->sites[i].listener);
    }
    if (server->context != NULL) {
        lws_context_destroy(server->context);
    }
    clients_destroy(server->clients);
    wsloop_destroy(server->wsloop);
    addresses_destroy(server->addresses);
    loop_timer_destroy(server->drain_timer);
    free(server);
}
