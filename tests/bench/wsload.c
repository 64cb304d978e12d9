/* wsload — the load generator: WebSocket clients that check all they receive.
 * SPDX-License-Identifier: MIT
 *
 * It connects and subscribes its clients, prints {"event":"ready",…} and obeys standard
 * input, a line at a time:
 *
 *   window FROM TO END      count between the two edges, print {"event":"window",…} at
 * END; all three are CLOCK_MONOTONIC in ns
 *
 * The end of its input ends it, and so does --max-seconds. With --churn 1 the clients
 * connect only while a window lasts, and each is cut as soon as it is subscribed and
 * replaced by another.
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "connection.h"
#include "options.h"

#define EVENTS_MAX     512
#define PACE_TICK_NS   (CLOCK_NS_PER_S / 50)
#define EVERYTHING     SIZE_MAX
#define SOURCES        20
#define COMMAND_MAX    128
#define FULL_PACE      (-1)
#define FILES_RESERVED 16 /* descriptors that are no client's */

struct settings {
    int64_t port;
    const char *dialect;
    int64_t clients;
    int64_t topics;
    int64_t per_client;
    int64_t in_flight;
    int64_t pace;
    int64_t ids;
    int64_t churn;
    int64_t watch;
    int64_t max_seconds;
};

struct wsload {
    struct settings settings;
    struct load load;
    struct connection *connections;
    struct seen *seen; /* per_client for each of them */
    uint32_t clients;
    uint32_t next;    /* the first that was never opened */
    bool announced;   /* all are ready, and this was said */
    uint64_t pace_ns; /* when paced clients read again */
    char command[COMMAND_MAX];
    size_t command_len;
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "wsload: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- setting up ---------------------------------------------------------------------
 */

static void read_options(int argc, char **argv, struct settings *settings)
{
    const struct option_row rows[] = {
        {"port", &settings->port, NULL, "the server's port on 127.0.0.1"},
        {"dialect", NULL, &settings->dialect, "json, socketio or raw"},
        {"clients", &settings->clients, NULL, "how many"},
        {"topics", &settings->topics, NULL, "topics in all"},
        {"per-client", &settings->per_client, NULL, "topics of each; divides --topics"},
        {"in-flight", &settings->in_flight, NULL, "handshakes at once"},
        {"pace", &settings->pace, NULL,
         "bytes per second that each client reads once it is subscribed; -1: all"},
        {"ids", &settings->ids, NULL, "1: every message must have an id"},
        {"churn", &settings->churn, NULL, "1: connect and cut without end"},
        {"watch", &settings->watch, NULL, "process whose CPU time is read"},
        {"max-seconds", &settings->max_seconds, NULL, "end by then, whatever happens"},
    };
    *settings = (struct settings){.dialect = "json",
                                  .clients = 1,
                                  .topics = 1,
                                  .per_client = 1,
                                  .in_flight = 64,
                                  .pace = FULL_PACE,
                                  .max_seconds = 300};
    options_parse(argc, argv, rows, sizeof(rows) / sizeof(rows[0]));
}

static void check_settings(const struct settings *settings)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (settings->port < 1 || settings->port > UINT16_MAX || settings->clients < 1 ||
        (uint64_t)settings->clients + FILES_RESERVED > files.rlim_max ||
        settings->topics < 1 || settings->topics > PAYLOAD_TOPICS_MAX ||
        settings->per_client < 1 || settings->per_client > 64 ||
        settings->topics % settings->per_client != 0 || settings->in_flight < 1 ||
        settings->max_seconds < 1 || settings->max_seconds > 3600) {
        errno = EINVAL;
        die("settings");
    }
}

static void create(struct wsload *wsload)
{
    const struct settings *settings = &wsload->settings;
    struct load *load = &wsload->load;
    wsload->clients = (uint32_t)settings->clients;
    load->plan =
        (struct plan){.topics = (uint32_t)settings->topics,
                      .per_client = (uint32_t)settings->per_client,
                      .step = (uint32_t)(settings->topics / settings->per_client)};
    load->port = (uint16_t)settings->port;
    load->sources = SOURCES;
    load->with_ids = settings->ids != 0;
    load->tally.watched = (pid_t)settings->watch;
    load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    wsload->connections = calloc(wsload->clients, sizeof(struct connection));
    wsload->seen =
        calloc((size_t)wsload->clients * load->plan.per_client, sizeof(struct seen));
    if (!dialect_find(settings->dialect, &load->dialect) || load->epoll_fd < 0 ||
        wsload->connections == NULL || wsload->seen == NULL) {
        die("cannot start");
    }
    for (uint32_t i = 0; i < wsload->clients; i++) {
        wsload->connections[i] =
            (struct connection){.index = i,
                                .first_topic = i % load->plan.topics,
                                .fd = -1,
                                .seen = wsload->seen + (size_t)i * load->plan.per_client};
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event) != 0) {
        die("standard input");
    }
}

/* ---- clients ------------------------------------------------------------------------
 */

static bool churning(const struct wsload *wsload)
{
    return wsload->settings.churn != 0 && wsload->load.tally.end_ns != 0;
}

static void open_more(struct wsload *wsload)
{
    struct load *load = &wsload->load;
    while (wsload->next < wsload->clients &&
           load->opening < (uint64_t)wsload->settings.in_flight) {
        if (!connection_open(load, &wsload->connections[wsload->next])) {
            die("cannot connect");
        }
        wsload->next++;
    }
}

/* Those that have closed, or are ready, make room for new ones. */
static void churn_one(struct wsload *wsload, struct connection *connection)
{
    if (connection->state == CONNECTION_READY) {
        connection_close(&wsload->load, connection);
    }
    if (connection->state == CONNECTION_CLOSED && churning(wsload) &&
        !connection_open(&wsload->load, connection)) {
        die("cannot connect");
    }
}

static void close_all(struct wsload *wsload)
{
    for (uint32_t i = 0; i < wsload->next; i++) {
        connection_close(&wsload->load, &wsload->connections[i]);
    }
    wsload->next = 0;
}

/* From now on nobody is told when something arrives. */
static void begin_pace(struct wsload *wsload)
{
    for (uint32_t i = 0; i < wsload->clients; i++) {
        epoll_ctl(wsload->load.epoll_fd, EPOLL_CTL_DEL, wsload->connections[i].fd, NULL);
    }
    if (wsload->settings.pace > 0) {
        wsload->pace_ns = clock_now_ns();
    }
}

static void read_at_pace(struct wsload *wsload)
{
    const size_t share = (size_t)wsload->settings.pace * PACE_TICK_NS / CLOCK_NS_PER_S;
    for (uint32_t i = 0; i < wsload->clients; i++) {
        if (wsload->connections[i].state == CONNECTION_READY) {
            connection_readable(&wsload->load, &wsload->connections[i], share);
        }
    }
    wsload->pace_ns += PACE_TICK_NS;
}

static unsigned first_port(const struct wsload *wsload)
{
    struct sockaddr_in name = {0};
    socklen_t len = sizeof(name);
    getsockname(wsload->connections[0].fd, (struct sockaddr *)&name, &len);
    return ntohs(name.sin_port);
}

static void announce(struct wsload *wsload)
{
    if (wsload->announced || wsload->settings.churn != 0) {
        return;
    }
    if (wsload->load.failed > 0) {
        fprintf(stderr, "wsload: %" PRIu64 " clients failed\n", wsload->load.failed);
        exit(1);
    }
    if (wsload->load.ready == wsload->clients) {
        wsload->announced = true;
        printf("{\"event\":\"ready\",\"clients\":%u,\"first_port\":%u}\n",
               wsload->clients, first_port(wsload));
        fflush(stdout);
        if (wsload->settings.pace != FULL_PACE) {
            begin_pace(wsload);
        }
    }
}

/* ---- windows ------------------------------------------------------------------------
 */

static void obey(struct wsload *wsload, const char *line)
{
    uint64_t from;
    uint64_t to;
    uint64_t end;
    char *at;
    if (strncmp(line, "window ", 7) != 0) {
        fprintf(stderr, "wsload: cannot obey %s\n", line);
        exit(2);
    }
    from = strtoull(line + 7, &at, 10);
    to = strtoull(at, &at, 10);
    end = strtoull(at, &at, 10);
    if (from == 0 || to <= from || end < to) {
        fprintf(stderr, "wsload: no such window: %s\n", line);
        exit(2);
    }
    tally_begin(&wsload->load.tally, from, to, end);
    memset(wsload->seen, 0,
           (size_t)wsload->clients * wsload->load.plan.per_client * sizeof(struct seen));
}

static void read_command(struct wsload *wsload)
{
    const ssize_t got = read(STDIN_FILENO, wsload->command + wsload->command_len,
                             COMMAND_MAX - 1 - wsload->command_len);
    if (got <= 0) {
        exit(0);
    }
    wsload->command_len += (size_t)got;
    char *end = memchr(wsload->command, '\n', wsload->command_len);
    if (end != NULL) {
        *end = '\0';
        obey(wsload, wsload->command);
        wsload->command_len = 0;
    }
}

static void end_window(struct wsload *wsload)
{
    struct load *load = &wsload->load;
    if (wsload->settings.pace != FULL_PACE) {
        for (uint32_t i = 0; i < wsload->clients; i++) {
            load->failed += connection_hung_up(&wsload->connections[i]) ? 1 : 0;
        }
    }
    tally_print(&load->tally, load->ready, load->failed);
    load->tally.end_ns = 0;
    if (wsload->settings.churn != 0) {
        close_all(wsload);
    }
}

/* ---- the loop -----------------------------------------------------------------------
 */

static int wait_ms(const struct wsload *wsload)
{
    uint64_t next = tally_next_ns(&wsload->load.tally);
    if (wsload->pace_ns != 0 && wsload->pace_ns < next) {
        next = wsload->pace_ns;
    }
    const uint64_t now = clock_now_ns();
    if (next <= now) {
        return 0;
    }
    const uint64_t ms = (next - now) / 1000000 + 1;
    return ms > 1000 ? 1000 : (int)ms;
}

static void serve(struct wsload *wsload, const struct epoll_event *event)
{
    struct connection *connection = event->data.ptr;
    if (connection == NULL) {
        read_command(wsload);
    } else if ((event->events & EPOLLOUT) != 0) {
        connection_writable(&wsload->load, connection);
    } else {
        connection_readable(&wsload->load, connection, EVERYTHING);
    }
    if (connection != NULL && wsload->settings.churn != 0) {
        churn_one(wsload, connection);
    }
}

static void turn(struct wsload *wsload)
{
    struct epoll_event events[EVENTS_MAX];
    if (wsload->settings.churn == 0 || churning(wsload)) {
        open_more(wsload);
    }
    const int count =
        epoll_wait(wsload->load.epoll_fd, events, EVENTS_MAX, wait_ms(wsload));
    for (int i = 0; i < count; i++) {
        serve(wsload, &events[i]);
        if (tally_tick(&wsload->load.tally, clock_now_ns())) {
            break; /* what is left is told again */
        }
    }
    announce(wsload);
    if (wsload->pace_ns != 0 && clock_now_ns() >= wsload->pace_ns) {
        read_at_pace(wsload);
    }
    if (tally_tick(&wsload->load.tally, clock_now_ns())) {
        end_window(wsload);
    }
}

int main(int argc, char **argv)
{
    static struct wsload wsload;
    read_options(argc, argv, &wsload.settings);
    check_settings(&wsload.settings);
    create(&wsload);
    alarm((unsigned)wsload.settings.max_seconds);
    for (;;) {
        turn(&wsload);
    }
}
