/* SPDX-License-Identifier: MIT */
#include "common/link.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <hiredis/adapters/libevent.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include "common/log.h"
#include "common/loop.h"

#define ADDRESSES_MAX 8
#define WHY_MAX       384
#define ELEMENTS_MAX  (1024LL * 1024) /* in one array of a reply */
#define KEEP_ALIVE_S  15
#define DNS_TIMEOUT_S "2"
#define MS_TIMEVAL(ms)                                                 \
    {                                                                  \
        .tv_sec = (time_t)((ms) / 1000), .tv_usec = (ms) % 1000 * 1000 \
    }

struct link {
    struct loop *loop;
    struct link_config config;
    link_state_fn on_state;
    void *arg;
    enum link_state state;
    struct redisAsyncContext *context; /* NULL while no connection is being used */
    struct loop_timer *retry;
    uint64_t pause_ms;
    uint64_t connected_ms; /* since when, while CONNECTED */
    struct evdns_base *dns;
    struct evdns_getaddrinfo_request *dns_request;
    char addresses[ADDRESSES_MAX][INET6_ADDRSTRLEN];
    size_t address_count;
    size_t address_next;
    char why[WHY_MAX]; /* the first thing that went wrong with this attempt */
    bool dying;        /* link_destroy() has begun */
};

static void set_state(struct link *link, enum link_state state, const char *why)
{
    assert(state != link->state);
    assert(state != LINK_CONNECTED || link->state == LINK_CONNECTING);
    link->state = state;
    if (!link->dying) {
        link->on_state(link->arg, state, why);
    }
}

static void remember_why(struct link *link, const char *why)
{
    if (link->why[0] == '\0') {
        snprintf(link->why, sizeof(link->why), "%s", why);
    }
}

static uint64_t next_pause_ms(struct link *link)
{
    const uint64_t pause = link->pause_ms;
    link->pause_ms = pause * 2 > LINK_PAUSE_MAX_MS ? LINK_PAUSE_MAX_MS : pause * 2;
    uint32_t dice;
    evutil_secure_rng_get_bytes(&dice, sizeof(dice));
    return pause / 2 + dice % (pause / 2 + 1);
}

static void try_next_address(struct link *link);

/* The attempt or the connection is over: try the host's next address if this one was
 * never reached, otherwise pause. */
static void fail(struct link *link, const char *why)
{
    remember_why(link, why);
    link->context = NULL;
    if (link->dying) {
        return;
    }
    if (link->state == LINK_CONNECTING && link->address_next < link->address_count) {
        try_next_address(link);
        return;
    }
    if (link->state == LINK_CONNECTED &&
        loop_now_ms() - link->connected_ms > LINK_PAUSE_MAX_MS) {
        link->pause_ms = LINK_PAUSE_MIN_MS; /* it lasted: this is a new trouble */
    }
    const uint64_t retry_ms = next_pause_ms(link);
    log_warn("redis lost", log_str("role", link->config.client_name),
             log_str("why", link->why), log_int("retry_ms", (int64_t)retry_ms));
    loop_timer_start(link->retry, retry_ms);
    set_state(link, LINK_CLOSED, link->why);
}

static void on_disconnect(const redisAsyncContext *context, int status)
{
    struct link *link = context->data;
    link->address_next = link->address_count; /* it was reached: no other is tried */
    fail(link, status == REDIS_OK ? "closed" : context->errstr);
}

/* Redis refused to let us in: say why, and begin again later. */
static void refuse(struct link *link, const char *step, const char *words)
{
    char why[WHY_MAX];
    snprintf(why, sizeof(why), "%s: %s", step, words);
    remember_why(link, why);
    redisAsyncFree(link->context);
}

/* Returns true if Redis agreed to the step. */
static bool is_agreed(redisAsyncContext *context, const redisReply *reply,
                      const char *step)
{
    if (reply == NULL) {
        return false; /* the connection is gone; on_disconnect() follows */
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        refuse(context->data, step, reply->str);
        return false;
    }
    return true;
}

static void on_authenticated(redisAsyncContext *context, void *reply, void *arg)
{
    (void)arg;
    (void)is_agreed(context, reply, "AUTH");
}

static void on_selected(redisAsyncContext *context, void *reply, void *arg)
{
    (void)arg;
    (void)is_agreed(context, reply, "SELECT");
}

/* The last step: now it can be used. */
static void on_named(redisAsyncContext *context, void *reply, void *arg)
{
    (void)arg;
    if (is_agreed(context, reply, "CLIENT SETNAME")) {
        struct link *link = context->data;
        link->connected_ms = loop_now_ms();
        log_info("redis connected", log_str("role", link->config.client_name));
        set_state(link, LINK_CONNECTED, NULL);
    }
}

static void introduce(struct link *link)
{
    const struct redis_url *url = &link->config.url;
    redisAsyncContext *context = link->context;
    if (url->user[0] != '\0') {
        redisAsyncCommand(context, on_authenticated, NULL, "AUTH %s %s", url->user,
                          url->password);
    } else if (url->password[0] != '\0') {
        redisAsyncCommand(context, on_authenticated, NULL, "AUTH %s", url->password);
    }
    if (url->db != 0) {
        redisAsyncCommand(context, on_selected, NULL, "SELECT %d", url->db);
    }
    redisAsyncCommand(context, on_named, NULL, "CLIENT SETNAME %s",
                      link->config.client_name);
}

static void on_connect(const redisAsyncContext *context, int status)
{
    struct link *link = context->data;
    if (status != REDIS_OK) {
        fail(link, context->errstr);
        return;
    }
    if (link->config.url.path[0] == '\0') {
        redisEnableKeepAliveWithInterval(&link->context->c, KEEP_ALIVE_S);
    }
    introduce(link);
}

/* Returns false, with the reason remembered, if not even the attempt could be made. */
static bool connect_to(struct link *link, redisOptions *options)
{
    const struct timeval connect_timeout = MS_TIMEVAL(link->config.connect_timeout_ms);
    const struct timeval command_timeout = MS_TIMEVAL(link->config.command_timeout_ms);
    options->connect_timeout = &connect_timeout;
    options->command_timeout = &command_timeout;
    redisAsyncContext *context = redisAsyncConnectWithOptions(options);
    if (context == NULL) {
        remember_why(link, "out of memory");
        return false;
    }
    if (context->err != 0) {
        remember_why(link, context->errstr);
        redisAsyncFree(context);
        return false;
    }
    context->data = link;
    context->c.reader->maxelements = ELEMENTS_MAX;
    link->context = context;
    redisLibeventAttach(context, loop_base(link->loop));
    redisAsyncSetConnectCallback(context, on_connect);
    redisAsyncSetDisconnectCallback(context, on_disconnect);
    return true;
}

static void try_next_address(struct link *link)
{
    bool under_way = false;
    while (!under_way && link->address_next < link->address_count) {
        redisOptions options = {0};
        REDIS_OPTIONS_SET_TCP(&options, link->addresses[link->address_next],
                              link->config.url.port);
        link->address_next++;
        under_way = connect_to(link, &options);
    }
    if (!under_way) {
        fail(link, "no address");
    }
}

static void try_unix_socket(struct link *link)
{
    redisOptions options = {0};
    REDIS_OPTIONS_SET_UNIX(&options, link->config.url.path);
    if (!connect_to(link, &options)) {
        fail(link, "no socket");
    }
}

static void on_resolved(int result, struct evutil_addrinfo *list, void *arg)
{
    if (result == EVUTIL_EAI_CANCEL) {
        return; /* the link may be gone */
    }
    struct link *link = arg;
    link->dns_request = NULL;
    link->address_count = 0;
    link->address_next = 0;
    for (const struct evutil_addrinfo *at = list; at != NULL; at = at->ai_next) {
        if (link->address_count < ADDRESSES_MAX &&
            getnameinfo(at->ai_addr, at->ai_addrlen, link->addresses[link->address_count],
                        INET6_ADDRSTRLEN, NULL, 0, NI_NUMERICHOST) == 0) {
            link->address_count++;
        }
    }
    if (list != NULL) {
        evutil_freeaddrinfo(list);
    }
    if (link->address_count == 0) {
        char why[WHY_MAX];
        snprintf(why, sizeof(why), "%s: %s", link->config.url.host,
                 evutil_gai_strerror(result));
        fail(link, why);
        return;
    }
    try_next_address(link);
}

static void forget_resolver(struct link *link)
{
    if (link->dns_request != NULL) {
        evdns_getaddrinfo_cancel(link->dns_request);
    }
    if (link->dns != NULL) {
        evdns_base_free(link->dns, 0);
        link->dns = NULL;
    }
}

/* A new resolver each time, so that a changed resolv.conf or hosts file counts. */
static void resolve(struct link *link)
{
    forget_resolver(link);
    link->dns =
        evdns_base_new(loop_base(link->loop), EVDNS_BASE_INITIALIZE_NAMESERVERS |
                                                  EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    if (link->dns == NULL) {
        fail(link, "no resolver");
        return;
    }
    evdns_base_set_option(link->dns, "timeout:", DNS_TIMEOUT_S);
    const struct evutil_addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};
    /* NULL when on_resolved() has been called already, as for a number. */
    link->dns_request = evdns_getaddrinfo(link->dns, link->config.url.host, NULL, &hints,
                                          on_resolved, link);
}

static void on_retry(void *arg)
{
    struct link *link = arg;
    link->why[0] = '\0';
    link->address_count = 0;
    link->address_next = 0;
    set_state(link, LINK_CONNECTING, NULL);
    if (link->config.url.path[0] != '\0') {
        try_unix_socket(link);
    } else {
        resolve(link);
    }
}

struct link *link_create(struct loop *loop, const struct link_config *config,
                         link_state_fn on_state, void *arg)
{
    struct link *link = calloc(1, sizeof(*link));
    if (link == NULL) {
        return NULL;
    }
    link->loop = loop;
    link->config = *config;
    link->on_state = on_state;
    link->arg = arg;
    link->pause_ms = LINK_PAUSE_MIN_MS;
    link->retry = loop_timer_create(loop, on_retry, link);
    if (link->retry == NULL) {
        free(link);
        return NULL;
    }
    loop_timer_start(link->retry, 0);
    return link;
}

void link_destroy(struct link *link)
{
    if (link == NULL) {
        return;
    }
    link->dying = true;
    forget_resolver(link);
    if (link->context != NULL) {
        redisAsyncFree(link->context);
    }
    loop_timer_destroy(link->retry);
    free(link);
}

void link_reset(struct link *link, const char *why)
{
    if (link_context(link) != NULL) {
        remember_why(link, why);
        redisAsyncFree(link->context);
    }
}

enum link_state link_state(const struct link *link)
{
    return link->state;
}

struct redisAsyncContext *link_context(const struct link *link)
{
    return link->state == LINK_CONNECTED ? link->context : NULL;
}
