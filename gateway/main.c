/* SPDX-License-Identifier: MIT
 *
 * chronogate: builds the parts, wires their callbacks, runs the loop, and takes
 * everything down in reverse. No logic of its own.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bus.h"
#include "common/feed.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/redis_url.h"
#include "common/table.h"
#include "gateway/bar_site.h"
#include "gateway/catalog.h"
#include "gateway/config.h"
#include "gateway/hub.h"
#include "gateway/networks.h"
#include "gateway/proto.h"
#include "gateway/relay.h"
#include "gateway/server.h"
#include "gateway/session.h"

struct gateway {
    struct gateway_config config;
    struct redis_url redis;
    struct stats stats;
    struct session_env env;
    struct loop *loop;
    struct relay *relay;
    struct bus *bus;
    struct catalog *catalog;
    struct bar_site *bar_site;
    struct server *server;
    struct loop_signal *signals[2];
    bool stopping;
    int exit_code;
};

static const struct hub_ops hub_ops = {
    .open_channel = relay_open_channel,
    .close_channel = relay_close_channel,
    .deliver = session_deliver,
    .ready = session_ready,
};

static void on_drained(void *arg)
{
    const struct gateway *gateway = arg;
    loop_stop(gateway->loop);
}

static void on_signal(void *arg, int signo)
{
    struct gateway *gateway = arg;
    if (gateway->stopping) {
        log_warn("stopping at once", log_str("signal", strsignal(signo)));
        gateway->exit_code = EXIT_FAILURE;
        loop_stop(gateway->loop);
        return;
    }
    gateway->stopping = true;
    log_info("stopping", log_str("signal", strsignal(signo)));
    server_shut_down(gateway->server, on_drained, gateway);
}

static void set_limits(struct session_limits *limits, const struct gateway_config *config)
{
    *limits = (struct session_limits){
        .max_message_bytes = config->max_message_bytes,
        .max_topics = config->max_topics,
        .requests = {.rate_per_s = config->request_rate_per_s,
                     .burst = config->request_burst},
        .flood_limit = config->flood_limit,
        .backlog_soft_bytes = config->backlog_soft_bytes,
        .backlog_hard_bytes = config->backlog_hard_bytes,
        .backlog_age_ms = config->backlog_age_ms,
        .ping_interval_ms = config->ping_interval_ms,
        .pong_timeout_ms = config->pong_timeout_ms,
        .heartbeat_interval_ms = config->heartbeat_interval_ms,
        .subscribe_timeout_ms = config->subscribe_timeout_ms,
        .close_timeout_ms = config->close_timeout_ms,
    };
}

/* What is built last: what is asked from outside. */
static bool build_sites(struct gateway *gateway)
{
    const struct gateway_config *config = &gateway->config;
    const struct catalog_config catalog_config = {
        .channel_prefix = config->channel_prefix,
        .max_topics = (size_t)config->max_listed_topics,
        .refresh_ms = (uint64_t)config->list_refresh_ms};
    const struct bar_site_config bar_config = {.channel_prefix = config->channel_prefix,
                                               .allowed_origins = config->allowed_origins,
                                               .max_payload_bytes =
                                                   (size_t)config->max_payload_bytes,
                                               .rate_per_s = config->bars_rate_per_s};
    gateway->catalog = catalog_create(&catalog_config, &gateway->env, gateway->bus);
    gateway->bar_site = bar_site_create(&bar_config, &gateway->env, gateway->bus);
    if (gateway->catalog == NULL || gateway->bar_site == NULL) {
        log_error("cannot start", log_str("why", "out of memory"));
        return false;
    }
    const struct server_parts parts = {.env = &gateway->env,
                                       .relay = gateway->relay,
                                       .bus = gateway->bus,
                                       .catalog = gateway->catalog,
                                       .bar_site = gateway->bar_site};
    gateway->server = server_create(gateway->loop, config, &parts);
    return gateway->server != NULL;
}

/* Returns false if a part could not be made; a part that fails for another reason than
 * memory has logged why. */
static bool build(struct gateway *gateway)
{
    const struct gateway_config *config = &gateway->config;
    set_limits(&gateway->env.limits, config);
    gateway->env.stats = &gateway->stats;
    const struct relay_config relay_config = {
        .channel_prefix = config->channel_prefix,
        .max_payload_bytes = config->max_payload_bytes,
        .history_bytes = config->backlog_hard_bytes,
        .probe = {.interval_ms = config->probe_interval_ms,
                  .timeout_ms = config->probe_timeout_ms,
                  .answer_ms = config->redis_command_timeout_ms}};
    const struct hub_config hub_config = {
        .max_topics = (size_t)config->max_topics_total,
        .linger_ms = (uint64_t)config->unsubscribe_linger_ms,
        .replay_keep_ms = (uint64_t)config->replay_keep_ms,
        .replay_max = (size_t)config->replay_max,
        .replay_bytes = (size_t)config->backlog_hard_bytes, /* of use to nobody beyond */
        .replay_total_bytes = (size_t)config->replay_total_bytes};
    gateway->loop = loop_create();
    gateway->env.parser = proto_parser_create();
    gateway->relay = relay_create(gateway->loop, &relay_config, &gateway->env);
    gateway->env.hub = hub_create(&hub_config, &hub_ops, gateway->relay, &gateway->stats,
                                  &gateway->env.wall_us);
    if (gateway->loop == NULL || gateway->env.parser == NULL || gateway->relay == NULL ||
        gateway->env.hub == NULL) {
        log_error("cannot start", log_str("why", "out of memory"));
        return false;
    }
    const struct bus_config bus_config = {
        .url = gateway->redis,
        .client_name = "chronogate",
        .subscriber_name = "chronogate-subscriber",
        .connect_timeout_ms = config->redis_connect_timeout_ms,
        .command_timeout_ms = config->redis_command_timeout_ms,
        .max_pending = 1024,
    };
    gateway->bus = bus_create(gateway->loop, &bus_config, &relay_bus_ops, gateway->relay);
    const int signos[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < sizeof(signos) / sizeof(signos[0]); i++) {
        gateway->signals[i] =
            loop_signal_create(gateway->loop, signos[i], on_signal, gateway);
    }
    if (gateway->bus == NULL || gateway->signals[0] == NULL ||
        gateway->signals[1] == NULL || !relay_set_bus(gateway->relay, gateway->bus)) {
        log_error("cannot start", log_str("why", "out of memory"));
        return false;
    }
    return build_sites(gateway);
}

static void tear_down(struct gateway *gateway)
{
    server_destroy(gateway->server);
    bus_destroy(gateway->bus);
    bar_site_destroy(gateway->bar_site);
    catalog_destroy(gateway->catalog);
    for (size_t i = 0; i < 2; i++) {
        loop_signal_destroy(gateway->signals[i]);
    }
    hub_destroy(gateway->env.hub);
    relay_destroy(gateway->relay);
    proto_parser_destroy(gateway->env.parser);
    loop_destroy(gateway->loop);
}

/* The settings that conf cannot check by itself. */
static bool check_config(struct gateway *gateway)
{
    const char *why = NULL;
    if (!redis_url_parse(gateway->config.redis, &gateway->redis, &why)) {
        fprintf(stderr, "chronogate: --redis: %s\n", why);
        return false;
    }
    if (strlen(gateway->config.channel_prefix) > FEED_PREFIX_MAX ||
        strpbrk(gateway->config.channel_prefix, "{}") != NULL) {
        fprintf(stderr, "chronogate: --channel-prefix may have %d bytes, and no braces\n",
                FEED_PREFIX_MAX);
        return false;
    }
    struct networks proxies;
    if (!networks_parse(gateway->config.trusted_proxies, &proxies, &why)) {
        fprintf(stderr, "chronogate: --trusted-proxies: %s\n", why);
        return false;
    }
    return true;
}

int main(int argc, char *argv[])
{
    (void)argc;
    static struct gateway gateway;
    char error[CONF_ERROR_MAX];
    const enum conf_result result =
        conf_load(&gateway_config_program, argv, environ, &gateway.config, stdout, error);
    if (result == CONF_SHOWN) {
        return EXIT_SUCCESS;
    }
    if (result == CONF_BAD) {
        fprintf(stderr, "%s\n", error);
        return EXIT_FAILURE;
    }
    if (!check_config(&gateway)) {
        return EXIT_FAILURE;
    }
    if (result == CONF_CHECKED) {
        return EXIT_SUCCESS;
    }
    log_configure((enum log_level)gateway.config.log_level,
                  (enum log_format)gateway.config.log_format);
    signal(SIGPIPE, SIG_IGN);
    table_draw_key();
    log_info("starting", log_str("version", CHRONOGATE_VERSION));
    log_warn("tokens are not checked",
             log_str("setting", "?token= in the URL is ignored"));
    gateway.exit_code = EXIT_SUCCESS;
    if (build(&gateway)) {
        loop_run(gateway.loop);
    } else {
        gateway.exit_code = EXIT_FAILURE;
    }
    tear_down(&gateway);
    log_info("stopped", log_int("exit_code", gateway.exit_code));
    return gateway.exit_code;
}
