/* SPDX-License-Identifier: MIT */
#include "gateway/server.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "common/bus.h"
#include "common/log.h"
#include "common/loop.h"
#include "gateway/addresses.h"
#include "gateway/admin.h"
#include "gateway/bar_page.h"
#include "gateway/bar_site.h"
#include "gateway/client_list.h"
#include "gateway/clients.h"
#include "gateway/config.h"
#include "gateway/console.h"
#include "gateway/forwarded.h"
#include "gateway/listener.h"
#include "gateway/networks.h"
#include "gateway/places.h"
#include "gateway/relay.h"
#include "gateway/topic_page.h"
#include "gateway/topic_site.h"
#include "gateway/upgrade.h"
#include "gateway/usage.h"
#include "gateway/visitor.h"

#define DRAIN_TICK_MS 20
#define DRAIN_LATE_MS 1000 /* more than the janitor needs to see who did not answer */
#define PLAIN         "text/plain; charset=utf-8"
#define CONSOLE_HEADERS                                                                  \
    "Cache-Control: no-cache\r\n"                                                        \
    "Referrer-Policy: no-referrer\r\n"                                                   \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; " \
    "connect-src *; img-src 'self' data:; base-uri 'none'; form-action 'none'; "         \
    "frame-ancestors 'none'\r\n"

enum site_number { SITE_API, SITE_ADMIN, SITE_CONSOLE, SITE_COUNT };

/* One listener, and those who came in by it and are no clients yet. */
struct site {
    struct server *server;
    enum site_number number;
    struct listener *listener; /* NULL when it is off, or no longer listens */
    struct visitors *visitors;
};

struct server {
    struct loop *loop;
    const struct gateway_config *config;
    struct server_parts parts;
    struct clients *clients;
    struct addresses *addresses; /* NULL when there is no limit */
    struct site sites[SITE_COUNT];
    struct places places;
    struct networks proxies; /* that are trusted */
    bool draining;
    struct loop_timer *drain_timer;
    uint64_t drain_began_ms;
    size_t drain_total; /* clients there were when it began */
    void (*on_drained)(void *arg);
    void *on_drained_arg;
};

/* ---- the API ------------------------------------------------------------------------
 */

/* Whose request it is. */
static struct host host_of(const struct server *server, const struct visitor *visitor,
                           const struct request *request)
{
    struct sockaddr_storage peer = {0};
    socklen_t peer_len = sizeof(peer);
    (void)!getpeername(visitor_fd(visitor), (struct sockaddr *)&peer, &peer_len);
    const struct host host = host_of_peer(&peer);
    return forwarded_host(request, &server->proxies, &host);
}

/* A trusted proxy that does not say for whom it asks may speak for any number. */
static bool is_address_full(const struct server *server, const struct host *host)
{
    return server->addresses != NULL && !networks_contain(&server->proxies, host) &&
           addresses_count(server->addresses, host) >=
               (size_t)server->config->max_connections_per_address;
}

/* Returns why this request may not become a WebSocket, or NULL with *out filled. */
static const struct upgrade_refusal *find_refusal(const struct server *server,
                                                  const struct host *host,
                                                  const struct request *request,
                                                  struct upgrade *out)
{
    const struct upgrade_refusal *refusal =
        upgrade_check(request, server->config->allowed_origins, out);
    if (refusal != NULL) {
        return refusal;
    }
    if (server->draining && server->sites[SITE_API].listener == NULL) {
        return &upgrade_refused_draining;
    }
    if (!relay_was_connected(server->parts.relay)) {
        return &upgrade_refused_no_redis;
    }
    if (clients_count(server->clients) >= server->places.clients) {
        return &upgrade_refused_full;
    }
    return is_address_full(server, host) ? &upgrade_refused_address : NULL;
}

static void on_api_request(const struct server *server, struct visitor *visitor,
                           const struct request *request)
{
    struct upgrade upgrade;
    const struct host host = host_of(server, visitor, request);
    const struct upgrade_refusal *refusal =
        find_refusal(server, &host, request, &upgrade);
    if (refusal != NULL) {
        server->parts.env->stats->refusals[refusal->reason]++;
        const struct visitor_refusal answer = {.status = refusal->status,
                                               .headers = refusal->headers,
                                               .error_code = refusal->error_code,
                                               .error_message = refusal->error_message};
        visitor_refuse(visitor, &answer);
        return;
    }
    char key[64]; /* the request's bytes go with the visitor */
    upgrade.key.len = upgrade.key.len < sizeof(key) ? upgrade.key.len : sizeof(key);
    upgrade.key.bytes = memcpy(key, upgrade.key.bytes, upgrade.key.len);
    unsigned char *rest;
    size_t rest_len;
    const int fd = visitor_take_over(visitor, &rest, &rest_len);
    clients_add(server->clients, fd, &upgrade, &host, rest, rest_len);
    free(rest);
}

/* ---- admin and console --------------------------------------------------------------
 */

static struct admin_view view_of(const struct server *server)
{
    struct usage usage;
    usage_read(&usage);
    return (struct admin_view){
        .stats = server->parts.env->stats,
        .gauges = {.connections = clients_count(server->clients),
                   .connections_max = server->places.clients,
                   .queue_bytes_max = (uint64_t)server->config->backlog_total_bytes,
                   .memory_bytes = usage.memory_bytes,
                   .memory_limit_bytes = usage.memory_limit_bytes,
                   .resident_bytes = usage.resident_bytes,
                   .cpu_ms = usage.cpu_ms,
                   .subscriptions = hub_subscriptions(server->parts.env->hub),
                   .topics = hub_topics(server->parts.env->hub),
                   .topics_lingering = hub_lingering(server->parts.env->hub),
                   .queue_bytes = server->parts.env->queued_bytes,
                   .redis_connected = bus_state(server->parts.bus) == BUS_CONNECTED,
                   .redis_reconnects = bus_reconnects(server->parts.bus),
                   .probe_age_ms = relay_probe_age_ms(server->parts.relay),
                   .degraded = server->parts.env->degraded,
                   .draining = server->draining}};
}

static void on_admin_request(const struct server *server, struct visitor *visitor,
                             const struct request *request)
{
    struct admin_view view = view_of(server);
    const size_t wanted = admin_clients_wanted(request);
    if (wanted > 0) {
        view.clients = client_list_create(wanted);
    }
    if (view.clients != NULL) {
        clients_list(server->clients, view.clients);
    }
    const struct admin_page page = admin_answer(request, &view);
    client_list_destroy(view.clients);
    const struct visitor_answer answer = {.status = page.status,
                                          .content_type = page.content_type,
                                          .headers = "Cache-Control: no-store\r\n",
                                          .body = page.body,
                                          .len = page.len};
    visitor_answer(visitor, &answer);
    free(page.body);
}

static void answer_text(struct visitor *visitor, unsigned status, const char *headers,
                        const char *text)
{
    const struct visitor_answer answer = {.status = status,
                                          .content_type = PLAIN,
                                          .headers = headers,
                                          .body = text,
                                          .len = strlen(text)};
    visitor_answer(visitor, &answer);
}

static void answer_file(struct visitor *visitor, const struct request *request,
                        const struct console_file *file)
{
    char headers[512];
    snprintf(headers, sizeof(headers), CONSOLE_HEADERS "ETag: %s\r\n", file->etag);
    struct request_text known;
    const bool unchanged = request_get_header(request, "If-None-Match", &known) &&
                           request_text_is(known, file->etag);
    const struct visitor_answer answer = {.status = unchanged ? 304 : 200,
                                          .content_type = file->content_type,
                                          .headers = headers,
                                          .body = file->bytes,
                                          .len = unchanged ? 0 : file->len};
    visitor_answer(visitor, &answer);
}

static void on_console_request(struct visitor *visitor, const struct request *request)
{
    const struct console_file *file = console_find(request->path);
    if (file != NULL) {
        answer_file(visitor, request, file);
    } else if (strcmp(request->path, "/") == 0) {
        answer_text(visitor, 302, "Location: /websocket-test\r\n",
                    "the page is at /websocket-test\n");
    } else {
        answer_text(visitor, 404, "", "not found: the page is at /websocket-test\n");
    }
}

static void on_request(void *arg, struct visitor *visitor, const struct request *request)
{
    const struct site *site = arg;
    const struct server_parts *parts = &site->server->parts;
    if (site->number != SITE_ADMIN && topic_page_is_asked(request)) {
        topic_site_answer(parts->catalog, site->server->config->allowed_origins, visitor,
                          request);
    } else if (site->number != SITE_ADMIN && bar_page_is_asked(request)) {
        bar_site_answer(parts->bar_site, visitor, request);
    } else if (site->number == SITE_API) {
        on_api_request(site->server, visitor, request);
    } else if (strlen(request->path) != request->path_len) {
        answer_text(visitor, 404, "", "not found\n");
    } else if (!request_text_is(request->method, "GET") &&
               !request_text_is(request->method, "HEAD")) {
        answer_text(visitor, 405, "Allow: GET, HEAD\r\n",
                    "only GET and HEAD are answered here\n");
    } else if (site->number == SITE_ADMIN) {
        on_admin_request(site->server, visitor, request);
    } else {
        on_console_request(visitor, request);
    }
}

/* ---- listening ----------------------------------------------------------------------
 */

static void on_accept(void *arg, int fd)
{
    const struct site *site = arg;
    (void)visitors_add(site->visitors, fd);
    if (site->number == SITE_API) {
        site->server->parts.env->stats->refusals[STATS_REFUSED_CROWDED] =
            visitors_evicted(site->visitors);
    }
}

/* Raises the file limit as far as it goes and shares it out. Returns false after logging
 * that it is too low. */
static bool plan_places(const struct gateway_config *config, struct places *out)
{
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    if (!places_share_out((size_t)limit.rlim_cur, out)) {
        log_error("cannot start", log_str("why", "the limit of open files is too low"),
                  log_int("limit", (int64_t)limit.rlim_cur),
                  log_int("needed", PLACES_FILES_MIN));
        return false;
    }
    if (config->max_connections > (int64_t)out->clients) {
        log_warn("max-connections is above what the file limit allows",
                 log_int("wanted", config->max_connections),
                 log_int("max_connections", (int64_t)out->clients));
    } else if (config->max_connections > 0) {
        out->clients = (size_t)config->max_connections;
    }
    return true;
}

static bool open_site(struct server *server, enum site_number number, const char *address)
{
    static const struct {
        const char *role;
        const char *setting;
    } names[] = {[SITE_API] = {"api", "--listen"},
                 [SITE_ADMIN] = {"admin", "--admin"},
                 [SITE_CONSOLE] = {"console", "--console"}};
    static const struct visitor_ops ops = {.on_request = on_request};
    struct site *site = &server->sites[number];
    if (strcmp(address, "off") == 0) {
        return true;
    }
    site->server = server;
    site->number = number;
    site->visitors = visitors_create(
        server->loop, number == SITE_API ? server->places.visitors : server->places.pages,
        server->config->handshake_timeout_ms, &ops, site);
    const char *why = "out of memory";
    if (site->visitors != NULL) {
        const bool shared = number != SITE_ADMIN; /* its answers are about one process */
        site->listener =
            listener_create(server->loop, address, shared, on_accept, site, &why);
    }
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

/* ---- life ---------------------------------------------------------------------------
 */

/* Nobody comes in any more; those who are there go, spread evenly over the time. */
static void send_away(struct server *server, uint64_t since_ms)
{
    if (server->sites[SITE_API].listener != NULL) {
        listener_destroy(server->sites[SITE_API].listener);
        server->sites[SITE_API].listener = NULL;
        server->drain_total = clients_count(server->clients);
        log_info("sending clients away",
                 log_int("clients", (int64_t)server->drain_total));
    }
    const uint64_t spread_ms = (uint64_t)server->config->drain_spread_ms;
    size_t may_stay = 0;
    if (since_ms < spread_ms) {
        const double gone = (double)since_ms / (double)spread_ms;
        may_stay = server->drain_total - (size_t)((double)server->drain_total * gone);
    }
    clients_send_away(server->clients, may_stay, spread_ms);
}

static bool is_empty(const struct server *server)
{
    const struct visitors *visitors = server->sites[SITE_API].visitors;
    return clients_count(server->clients) == 0 &&
           (visitors == NULL || !visitors_are_due(visitors));
}

static void on_drain_tick(void *arg)
{
    struct server *server = arg;
    const struct gateway_config *config = server->config;
    const uint64_t since_ms = loop_now_ms() - server->drain_began_ms;
    const uint64_t delay_ms = (uint64_t)config->drain_delay_ms;
    const uint64_t end_ms = delay_ms + (uint64_t)config->drain_spread_ms +
                            (uint64_t)config->close_timeout_ms + DRAIN_LATE_MS;
    if (since_ms >= delay_ms) {
        send_away(server, since_ms - delay_ms);
        if (is_empty(server) || since_ms >= end_ms) {
            server->on_drained(server->on_drained_arg);
            return;
        }
    }
    loop_timer_start(server->drain_timer, DRAIN_TICK_MS);
}

void server_shut_down(struct server *server, void (*on_done)(void *arg), void *arg)
{
    server->draining = true;
    server->on_drained = on_done;
    server->on_drained_arg = arg;
    server->drain_began_ms = loop_now_ms();
    loop_timer_start(server->drain_timer, 0);
}

struct server *server_create(struct loop *loop, const struct gateway_config *config,
                             const struct server_parts *parts)
{
    struct server *server = calloc(1, sizeof(*server));
    if (server == NULL) {
        log_error("cannot start", log_str("why", "out of memory"));
        return NULL;
    }
    server->loop = loop;
    server->config = config;
    server->parts = *parts;
    const char *why;
    const bool parsed = networks_parse(config->trusted_proxies, &server->proxies, &why);
    assert(parsed); /* the setting was checked */
    if (!plan_places(config, &server->places)) {
        free(server);
        return NULL;
    }
    server->drain_timer = loop_timer_create(loop, on_drain_tick, server);
    if (config->max_connections_per_address > 0) {
        server->addresses = addresses_create();
    }
    if (server->drain_timer == NULL ||
        (config->max_connections_per_address > 0 && server->addresses == NULL)) {
        log_error("cannot start", log_str("why", "out of memory"));
        server_destroy(server);
        return NULL;
    }
    const struct clients_config clients_config = {
        .backlog_total_bytes = config->backlog_total_bytes,
        .socket_buffer_bytes = config->socket_buffer_bytes,
        .flush_interval_ms = config->flush_interval_ms,
        .flush_rest = config->flush_rest};
    server->clients =
        clients_create(loop, &clients_config, parts->env, server->addresses);
    if (server->clients == NULL || !open_sites(server)) {
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
        visitors_destroy(server->sites[i].visitors);
    }
    clients_destroy(server->clients);
    addresses_destroy(server->addresses);
    loop_timer_destroy(server->drain_timer);
    free(server);
}
