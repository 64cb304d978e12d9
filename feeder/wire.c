/* SPDX-License-Identifier: MIT */
#include "feeder/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libwebsockets.h>
#include <utlist.h>

#include "common/loop.h"
#include "common/wsloop.h"
#include "feeder/address.h"
#include "feeder/resolver.h"
#include "feeder/trust.h"

#define CONNECT_MS     20000 /* until the handshake is done, over all addresses */
#define STAGE_S        5     /* one address may take for TCP, for TLS, for the upgrade */
#define CLOSE_MS       2000  /* until the other side has answered our close */
#define TICK_MS        250
#define BUFFER_MIN     4096
#define WHY_MAX        320
#define CLOSE_TEXT_MAX 123

/*     open()                                    close(), or a message is too long
 *     RESOLVING ──▶ CONNECTING ──▶ OPEN ──────────▶ CLOSING
 *          │          │  ▲           │                 │
 *          │          └──┘ next      ▼                 ▼
 *          └────────▶ address       OVER ◀─────────────┘   told of and freed at the
 *                                                          end of the turn */
enum wire_state { WIRE_RESOLVING, WIRE_CONNECTING, WIRE_OPEN, WIRE_CLOSING, WIRE_OVER };

struct source_wire {
    struct wires *wires;
    struct source_wire *prev;
    struct source_wire *next;
    const struct source_wire_ops *ops; /* NULL after close() */
    void *arg;
    enum wire_state state;
    struct address address;
    char host[ADDRESS_HOST_MAX + 10]; /* as the request's Host says it */
    struct resolver *resolver;
    struct lws *wsi;      /* NULL between two addresses and at the end */
    uint64_t deadline_ms; /* 0 for none */
    char why[WHY_MAX];    /* the first thing that went wrong */

    unsigned char *out; /* LWS_PRE bytes of room, then what waits to be sent; or NULL */
    size_t out_len;
    bool ping_due;
    char *in; /* the message so far */
    size_t in_len;
    size_t in_room;
};

struct wires {
    struct loop *loop;
    struct source_world world;
    struct wsloop *wsloop;
    struct lws_context *context; /* NULL until prepare() */
    struct loop_timer *tick;     /* runs while there are wires */
    struct source_wire *all;
};

static void remember_why(struct source_wire *wire, const char *why)
{
    if (wire->why[0] == '\0') {
        snprintf(wire->why, sizeof(wire->why), "%s", why);
    }
}

static void set_over(struct source_wire *wire, const char *why)
{
    remember_why(wire, why);
    wire->state = WIRE_OVER;
    wire->wsi = NULL;
}

/* ---- connecting ---------------------------------------------------------------------
 */

/* Begins with the next address, if there is one. */
static void try_next(struct source_wire *wire)
{
    const char *number = resolver_next(wire->resolver);
    if (number == NULL) {
        set_over(wire, "no address answers");
        return;
    }
    wire->state = WIRE_CONNECTING;
    const struct lws_client_connect_info info = {
        .context = wire->wires->context,
        .address = number,
        .port = wire->address.port,
        .ssl_connection =
            (wire->address.tls ? LCCSCF_USE_SSL : 0) | LCCSCF_HTTP_NO_FOLLOW_REDIRECT,
        .path = wire->address.path,
        .host = wire->host,
        .alpn = "http/1.1",
        .userdata = wire,
        .local_protocol_name = "wire",
        .pwsi = &wire->wsi,
    };
    if (lws_client_connect_via_info(&info) == NULL) {
        remember_why(wire, "cannot connect");
        wire->wsi = NULL;
    }
}

static void on_resolved(void *arg, const char *why)
{
    struct source_wire *wire = arg;
    if (why != NULL) {
        char text[WHY_MAX];
        snprintf(text, sizeof(text), "%s: %s", wire->address.host, why);
        set_over(wire, text);
        return;
    }
    wire->state = WIRE_CONNECTING; /* the end of the turn takes the first address */
}

/* libwebsockets' words, with what is known besides. */
static void on_failed(struct source_wire *wire, struct lws *wsi, const char *text)
{
    char why[WHY_MAX];
    const char *host = wire->address.host;
    const unsigned status = lws_http_client_http_response(wsi);
    const char *trouble = trust_explain(text);
    if (strncmp(text, "conn fail: ", 11) == 0) {
        snprintf(why, sizeof(why), "%s: %s", host,
                 strerror((int)strtol(text + 11, NULL, 10)));
    } else if (trouble != NULL) {
        snprintf(why, sizeof(why), "%s: its certificate %s", host, trouble);
    } else if (status != 0 && status != 101) {
        snprintf(why, sizeof(why), "%s: answers with status %u", host, status);
    } else {
        snprintf(why, sizeof(why), "%s: %s", host, text);
    }
    remember_why(wire, why);
    wire->wsi = NULL; /* the end of the turn takes the next address */
}

/* ---- open ---------------------------------------------------------------------------
 */

static bool make_room(struct source_wire *wire, size_t len)
{
    size_t room = wire->in_room == 0 ? BUFFER_MIN : wire->in_room;
    while (room < len) {
        room *= 2;
    }
    if (room == wire->in_room) {
        return true;
    }
    char *in = realloc(wire->in, room);
    if (in == NULL) {
        return false;
    }
    wire->in = in;
    wire->in_room = room;
    return true;
}

/* Returns false if the connection is to be closed. */
static bool on_chunk(struct source_wire *wire, struct lws *wsi, const void *bytes,
                     size_t len)
{
    if (lws_is_first_fragment(wsi)) {
        wire->in_len = 0;
    }
    const size_t whole = wire->in_len + len + lws_remaining_packet_payload(wsi);
    if (whole > WIRE_MESSAGE_MAX || !make_room(wire, wire->in_len + len)) {
        remember_why(wire, "a message is longer than 1 MiB");
        return false;
    }
    if (len > 0) {
        memcpy(wire->in + wire->in_len, bytes, len);
        wire->in_len += len;
    }
    if (lws_is_final_fragment(wsi)) {
        wire->ops->on_text(wire->arg, wire->in, wire->in_len);
    }
    return true;
}

/* Returns false if the connection is to be closed. */
static bool on_writable(struct source_wire *wire, struct lws *wsi)
{
    if (wire->out != NULL) {
        unsigned char *out = wire->out;
        wire->out = NULL;
        const int sent = lws_write(wsi, out + LWS_PRE, wire->out_len, LWS_WRITE_TEXT);
        free(out);
        if (sent < 0) {
            remember_why(wire, "the connection broke");
            return false;
        }
    } else if (wire->ping_due) {
        unsigned char empty[LWS_PRE + 1];
        wire->ping_due = false;
        if (lws_write(wsi, empty + LWS_PRE, 0, LWS_WRITE_PING) < 0) {
            remember_why(wire, "the connection broke");
            return false;
        }
    }
    if (wire->ping_due) {
        lws_callback_on_writable(wsi);
    }
    return true;
}

static void on_peer_close(struct source_wire *wire, const unsigned char *bytes,
                          size_t len)
{
    char why[WHY_MAX] = "closed by the venue";
    if (len >= 2) {
        const int text_len = (int)(len - 2 < CLOSE_TEXT_MAX ? len - 2 : CLOSE_TEXT_MAX);
        snprintf(why, sizeof(why), "closed by the venue: %d %.*s",
                 bytes[0] << 8 | bytes[1], text_len, (const char *)bytes + 2);
    }
    remember_why(wire, why);
}

/* Some servers let nobody in who does not say what he is. */
static void add_header(unsigned char **at, size_t room)
{
    const int len =
        snprintf((char *)*at, room, "User-Agent: chronofeed/%s\r\n", CHRONOGATE_VERSION);
    if (len > 0 && (size_t)len < room) {
        *at += len;
    }
}

/* Asks libwebsockets to close, with a close frame. Only as an answer to a callback. */
static int close_now(struct source_wire *wire, struct lws *wsi)
{
    if (wire->state == WIRE_OPEN) { /* not by close(): it was too much */
        lws_close_reason(wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, NULL, 0);
    } else {
        lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
    }
    wire->deadline_ms = loop_now_ms() + CLOSE_MS;
    wire->state = WIRE_CLOSING;
    return -1;
}

static int on_wire(struct source_wire *wire, struct lws *wsi,
                   enum lws_callback_reasons reason, void *in, size_t len)
{
    bool good = true;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        on_failed(wire, wsi, in == NULL ? "cannot connect" : in);
        return 0;
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        add_header(in, len);
        return 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        if (wire->state == WIRE_CONNECTING) {
            wire->state = WIRE_OPEN;
            wire->deadline_ms = 0;
            wire->why[0] = '\0'; /* of earlier addresses */
            wire->ops->on_open(wire->arg);
        }
        break;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        good = wire->state == WIRE_OPEN && on_chunk(wire, wsi, in, len);
        break;
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        if (wire->state == WIRE_OPEN) {
            wire->ops->on_pong(wire->arg);
        }
        break;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        good = wire->state == WIRE_OPEN && on_writable(wire, wsi);
        break;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        on_peer_close(wire, in, len);
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY:
        set_over(wire, "the connection broke");
        return 0;
    default:
        return 0;
    }
    return good && wire->state == WIRE_OPEN ? 0 : close_now(wire, wsi);
}

/* Whether the callback is about one of our connections. */
static struct source_wire *wire_of(struct lws *wsi, enum lws_callback_reasons reason)
{
    switch (reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY: {
        struct source_wire *wire = lws_wsi_user(wsi);
        return wire != NULL && wire->wsi == wsi ? wire : NULL;
    }
    default:
        return NULL;
    }
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len)
{
    (void)user;
    struct source_wire *wire = wire_of(wsi, reason);
    return wire == NULL ? 0 : on_wire(wire, wsi, reason, in, len);
}

static const struct lws_protocols protocols[] = {
    {.name = "wire", .callback = on_lws, .rx_buffer_size = 16384},
    {.name = NULL},
};

/* ---- the end ------------------------------------------------------------------------
 */

/* Closes the connection at once. Not from within libwebsockets' callbacks. */
static void cut(struct source_wire *wire, const char *why)
{
    struct lws *wsi = wire->wsi;
    remember_why(wire, why);
    if (wsi != NULL) {
        if (lws_partial_buffered(wsi)) {
            /* Otherwise libwebsockets would wait for the peer to take the rest. */
            shutdown(lws_get_socket_fd(wsi), SHUT_RDWR);
        }
        lws_set_wsi_user(wsi, NULL);
        lws_set_timeout(wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_SYNC);
    }
    set_over(wire, why);
}

static void free_wire(struct source_wire *wire)
{
    DL_DELETE(wire->wires->all, wire);
    resolver_destroy(wire->resolver);
    free(wire->out);
    free(wire->in);
    free(wire);
}

static struct source_wire *find_over(const struct wires *wires)
{
    struct source_wire *wire;
    DL_FOREACH(wires->all, wire)
    {
        if (wire->state == WIRE_OVER) {
            return wire;
        }
    }
    return NULL;
}

static void on_turn_end(void *arg)
{
    struct wires *wires = arg;
    struct source_wire *wire;
    DL_FOREACH(wires->all, wire)
    {
        if (wire->state == WIRE_CONNECTING && wire->wsi == NULL) {
            try_next(wire);
        }
    }
    while ((wire = find_over(wires)) != NULL) {
        if (wire->ops != NULL) {
            wire->ops->on_over(wire->arg, wire->why);
        }
        free_wire(wire);
    }
}

static void on_tick(void *arg)
{
    struct wires *wires = arg;
    const uint64_t now_ms = loop_now_ms();
    struct source_wire *wire;
    DL_FOREACH(wires->all, wire)
    {
        if (wire->deadline_ms != 0 && now_ms >= wire->deadline_ms) {
            wire->deadline_ms = 0;
            cut(wire, "no answer");
        }
    }
    if (wires->all != NULL) {
        loop_timer_start(wires->tick, TICK_MS);
    }
}

/* ---- the world ----------------------------------------------------------------------
 */

static bool world_prepare(void *arg, const char *ca_file, char error[SOURCE_ERROR_MAX])
{
    struct wires *wires = arg;
    const bool own = ca_file[0] != '\0';
    if (wires->context != NULL) {
        return true; /* a source that begins anew, and trusts the same */
    }
    if (own && !trust_check_file(ca_file, error, SOURCE_ERROR_MAX)) {
        return false;
    }
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                   (own ? LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS : 0),
        .client_ssl_ca_filepath = own ? ca_file : NULL,
        .http_proxy_address = "", /* none, whatever the environment says */
        .timeout_secs = STAGE_S,
        .connect_timeout_secs = STAGE_S,
    };
    snprintf(error, SOURCE_ERROR_MAX, "libwebsockets could not be set up");
    lws_set_log_level(0, NULL);
    wires->wsloop = wsloop_create(wires->loop, NULL, NULL);
    if (wires->wsloop == NULL) {
        return false;
    }
    wsloop_prepare(wires->wsloop, &info);
    wires->context = lws_create_context(&info);
    if (wires->context == NULL) {
        return false;
    }
    loop_at_turn_end(wires->loop, on_turn_end, wires); /* before libwebsockets' own */
    wsloop_start(wires->wsloop, wires->context);
    return true;
}

static struct source_wire *world_open(void *arg, const char *url,
                                      const struct source_wire_ops *ops, void *ops_arg)
{
    struct wires *wires = arg;
    struct source_wire *wire = calloc(1, sizeof(*wire));
    if (wire == NULL) {
        return NULL;
    }
    wire->wires = wires;
    wire->ops = ops;
    wire->arg = ops_arg;
    DL_APPEND(wires->all, wire);
    const char *why = address_parse(url, &wire->address);
    if (why != NULL) {
        set_over(wire, why);
        return wire;
    }
    const struct address *address = &wire->address;
    const bool usual = address->port == (address->tls ? 443 : 80);
    const bool six = strchr(address->host, ':') != NULL;
    snprintf(wire->host, sizeof(wire->host), usual ? "%s%s%s" : "%s%s%s:%u",
             six ? "[" : "", address->host, six ? "]" : "", (unsigned)address->port);
    wire->deadline_ms = loop_now_ms() + CONNECT_MS;
    loop_timer_start(wires->tick, TICK_MS);
    wire->resolver = resolver_create(wires->loop, address->host, on_resolved, wire);
    if (wire->resolver == NULL) {
        set_over(wire, "no resolver");
    }
    return wire;
}

static bool world_send(struct source_wire *wire, const char *text, size_t len)
{
    if (wire->state != WIRE_OPEN || wire->out != NULL) {
        return false;
    }
    wire->out = malloc(LWS_PRE + len);
    if (wire->out == NULL) {
        return false;
    }
    memcpy(wire->out + LWS_PRE, text, len);
    wire->out_len = len;
    lws_callback_on_writable(wire->wsi);
    return true;
}

static void world_ping(struct source_wire *wire)
{
    if (wire->state == WIRE_OPEN) {
        wire->ping_due = true;
        lws_callback_on_writable(wire->wsi);
    }
}

static void world_close(struct source_wire *wire)
{
    if (wire == NULL) {
        return;
    }
    wire->ops = NULL;
    if (wire->state == WIRE_OPEN) {
        wire->state = WIRE_CLOSING;
        wire->deadline_ms = loop_now_ms() + CLOSE_MS;
        loop_timer_start(wire->wires->tick, TICK_MS);
        lws_callback_on_writable(wire->wsi);
    } else if (wire->state != WIRE_CLOSING) {
        cut(wire, "closed");
    }
}

static struct source_now world_now(void *arg)
{
    (void)arg;
    return (struct source_now){.mono_ms = loop_now_ms(),
                               .wall_us = (int64_t)loop_wall_us()};
}

/* ---- life ---------------------------------------------------------------------------
 */

struct wires *wires_create(struct loop *loop)
{
    struct wires *wires = calloc(1, sizeof(*wires));
    if (wires == NULL) {
        return NULL;
    }
    wires->loop = loop;
    wires->world = (struct source_world){.arg = wires,
                                         .prepare = world_prepare,
                                         .open = world_open,
                                         .send = world_send,
                                         .ping = world_ping,
                                         .close = world_close,
                                         .now = world_now};
    wires->tick = loop_timer_create(loop, on_tick, wires);
    if (wires->tick == NULL) {
        free(wires);
        return NULL;
    }
    return wires;
}

void wires_destroy(struct wires *wires)
{
    if (wires == NULL) {
        return;
    }
    struct source_wire *wire;
    struct source_wire *next;
    DL_FOREACH(wires->all, wire)
    {
        cut(wire, "the end");
    }
    if (wires->context != NULL) {
        lws_context_destroy(wires->context);
    }
    DL_FOREACH_SAFE(wires->all, wire, next)
    {
        free_wire(wire);
    }
    wsloop_destroy(wires->wsloop);
    loop_timer_destroy(wires->tick);
    free(wires);
}

const struct source_world *wires_world(const struct wires *wires)
{
    return &wires->world;
}
