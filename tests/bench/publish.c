/* publish — publishes at a fixed rate, whatever the others do: an open loop.
 * SPDX-License-Identifier: MIT
 *
 * Message i is due at start + i / rate (in bursts: the whole burst when its first one
 * is), and carries that time. When this program, Redis or the machine is late, what was
 * due meanwhile goes out at once, with the times at which it was due: lateness shows as
 * latency and is not left out.
 *
 * To Redis it writes a pipeline of PUBLISH or of FCALL chrono_publish; to nchan pipelined
 * POSTs, each topic always on the same connection. Answers are read and checked as they
 * come.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "options.h"
#include "payload.h"
#include "tcp.h"

#define LINKS_MAX  32
#define BATCH_MAX  ((size_t)256 * 1024)
#define PAD_MAX    65536
#define HEAD_MAX   256
#define TAIL_MAX   16
#define ANSWER_MAX 65536

struct settings {
    int64_t port;
    const char *to;
    int64_t first_topic;
    int64_t topics;
    int64_t rate;
    int64_t burst;
    int64_t pad;
    int64_t start;
    int64_t stop;
    int64_t from;
    int64_t until;
};

enum target { TO_REDIS, TO_FUNCTION, TO_NCHAN };

/* One connection and what is about to be written to it. */
struct link {
    int fd;
    size_t len;
    char batch[BATCH_MAX];
};

struct publisher {
    struct settings settings;
    enum target target;
    size_t link_count;
    struct link links[LINKS_MAX];
    uint64_t sent;
    uint64_t in_window; /* due between --from and --until */
    uint64_t late_ns;   /* the longest that a message left after it was due */
    uint64_t errors;
};

static char padding[PAD_MAX];

static void read_options(int argc, char **argv, struct settings *settings)
{
    const struct option_row rows[] = {
        {"port", &settings->port, NULL, "Redis's, or nchan's, on 127.0.0.1"},
        {"to", NULL, &settings->to, "redis, function (sequenced) or nchan"},
        {"first-topic", &settings->first_topic, NULL, "number of the first topic"},
        {"topics", &settings->topics, NULL, "how many, in turn"},
        {"rate", &settings->rate, NULL, "messages per second"},
        {"burst", &settings->burst, NULL, "messages that are due at the same time"},
        {"pad", &settings->pad, NULL, "bytes to add to each message"},
        {"start", &settings->start, NULL, "when the first is due, CLOCK_MONOTONIC ns"},
        {"stop", &settings->stop, NULL, "when no more is due"},
        {"from", &settings->from, NULL, "count what is due from here"},
        {"until", &settings->until, NULL, "to here"},
    };
    *settings =
        (struct settings){.to = "redis", .topics = 1, .rate = 1, .burst = 1, .pad = 0};
    options_parse(argc, argv, rows, sizeof(rows) / sizeof(rows[0]));
    if (settings->port < 1 || settings->port > UINT16_MAX || settings->topics < 1 ||
        settings->first_topic < 0 ||
        settings->first_topic + settings->topics > PAYLOAD_TOPICS_MAX ||
        settings->rate < 1 || settings->rate > 10000000 || settings->burst < 1 ||
        settings->burst > 10000 || settings->pad < 0 || settings->pad > PAD_MAX ||
        settings->start <= 0 || settings->stop <= settings->start) {
        fprintf(stderr, "publish: these settings make no sense\n");
        exit(2);
    }
}

/* nchan answers one request of a connection before it looks at the next. */
static void create(struct publisher *publisher)
{
    const char *to = publisher->settings.to;
    publisher->target = strcmp(to, "nchan") == 0      ? TO_NCHAN
                        : strcmp(to, "function") == 0 ? TO_FUNCTION
                                                      : TO_REDIS;
    publisher->link_count = 1;
    if (publisher->target == TO_NCHAN) {
        publisher->link_count = publisher->settings.topics < LINKS_MAX
                                    ? (size_t)publisher->settings.topics
                                    : LINKS_MAX;
    }
    for (size_t i = 0; i < publisher->link_count; i++) {
        publisher->links[i].fd = tcp_connect((uint16_t)publisher->settings.port);
    }
    memset(padding, 'x', sizeof(padding));
}

/* ---- writing ------------------------------------------------------------------------
 */

static void flush(struct link *link)
{
    if (link->len > 0) {
        tcp_send_all(link->fd, link->batch, link->len);
        link->len = 0;
    }
}

/* Returns the length of the whole message. */
static size_t write_body(const struct settings *settings, char *out,
                         const struct payload *payload)
{
    payload_write(out, payload);
    const int tail = settings->pad == 0
                         ? snprintf(out + PAYLOAD_LEN, 2, "}")
                         : snprintf(out + PAYLOAD_LEN, PAD_MAX + TAIL_MAX,
                                    ",\"pad\":\"%.*s\"}", (int)settings->pad, padding);
    return PAYLOAD_LEN + (size_t)tail;
}

/* What stands before the message. Returns its length. */
static size_t write_head(enum target target, char *out, const char *topic,
                         size_t body_len)
{
    const size_t topic_len = strlen(topic);
    switch (target) {
    case TO_REDIS:
        return (size_t)snprintf(out, HEAD_MAX,
                                "*3\r\n$7\r\nPUBLISH\r\n$%zu\r\n%s\r\n$%zu\r\n",
                                topic_len, topic, body_len);
    case TO_FUNCTION:
        return (size_t)snprintf(out, HEAD_MAX,
                                "*5\r\n$5\r\nFCALL\r\n$14\r\nchrono_publish\r\n"
                                "$1\r\n1\r\n$%zu\r\n%s\r\n$%zu\r\n",
                                topic_len, topic, body_len);
    case TO_NCHAN:
        return (size_t)snprintf(out, HEAD_MAX,
                                "POST /pub/%s HTTP/1.1\r\nHost: localhost\r\n"
                                "Content-Length: %zu\r\n\r\n",
                                topic, body_len);
    }
    abort();
}

static void add_message(struct publisher *publisher, const struct payload *payload)
{
    assert(publisher->link_count > 0);
    struct link *link = &publisher->links[payload->topic % publisher->link_count];
    char topic[PAYLOAD_TOPIC_NAME_MAX];
    char body[PAYLOAD_LEN + PAD_MAX + TAIL_MAX];
    payload_topic_name(topic, payload->topic);
    const size_t body_len = write_body(&publisher->settings, body, payload);
    if (link->len + HEAD_MAX + body_len + 2 > BATCH_MAX) {
        flush(link);
    }
    link->len += write_head(publisher->target, link->batch + link->len, topic, body_len);
    memcpy(link->batch + link->len, body, body_len);
    link->len += body_len;
    if (publisher->target != TO_NCHAN) {
        memcpy(link->batch + link->len, "\r\n", 2);
        link->len += 2;
    }
}

/* ---- answers ------------------------------------------------------------------------
 */

/* A negative answer begins with '-', or is a status other than 201 and 202. */
static uint64_t count_errors(enum target target, const char *answers, size_t len)
{
    static const char http[] = "HTTP/1.1 ";
    uint64_t errors = 0;
    if (target != TO_NCHAN) {
        return memmem(answers, len, "-ERR", 4) != NULL ? 1 : 0;
    }
    const char *at = answers;
    const char *end = answers + len;
    while ((at = memmem(at, (size_t)(end - at), http, sizeof(http) - 1)) != NULL) {
        at += sizeof(http) - 1;
        errors += at < end && *at != '2' ? 1 : 0;
    }
    return errors;
}

static void read_answers(struct publisher *publisher)
{
    static char answers[ANSWER_MAX];
    for (size_t i = 0; i < publisher->link_count; i++) {
        ssize_t got;
        while ((got = recv(publisher->links[i].fd, answers, sizeof(answers),
                           MSG_DONTWAIT)) > 0) {
            publisher->errors += count_errors(publisher->target, answers, (size_t)got);
        }
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            fprintf(stderr, "publish: the connection has ended\n");
            exit(1);
        }
    }
}

/* ---- time ---------------------------------------------------------------------------
 */

static uint64_t due_ns(const struct settings *settings, uint64_t i)
{
    const uint64_t burst = (uint64_t)settings->burst;
    const uint64_t first_of_burst = i / burst * burst;
    return (uint64_t)settings->start +
           (uint64_t)((double)first_of_burst * 1e9 / (double)settings->rate);
}

static void send_one(struct publisher *publisher, uint64_t due, uint64_t now)
{
    const struct settings *settings = &publisher->settings;
    const uint64_t topics = (uint64_t)settings->topics;
    const struct payload payload = {
        .topic = (uint32_t)((uint64_t)settings->first_topic + publisher->sent % topics),
        .n = (uint32_t)(publisher->sent / topics + 1),
        .t_ns = due,
    };
    add_message(publisher, &payload);
    publisher->sent++;
    if (due >= (uint64_t)settings->from && due < (uint64_t)settings->until) {
        publisher->in_window++;
    }
    if (now - due > publisher->late_ns) {
        publisher->late_ns = now - due;
    }
}

static void run(struct publisher *publisher)
{
    const uint64_t stop = (uint64_t)publisher->settings.stop;
    uint64_t due = due_ns(&publisher->settings, 0);
    while (due < stop) {
        clock_sleep_until(due);
        const uint64_t now = clock_now_ns();
        while (due <= now && due < stop) {
            send_one(publisher, due, now);
            due = due_ns(&publisher->settings, publisher->sent);
        }
        for (size_t i = 0; i < publisher->link_count; i++) {
            flush(&publisher->links[i]);
        }
        read_answers(publisher);
    }
}

int main(int argc, char **argv)
{
    static struct publisher publisher;
    read_options(argc, argv, &publisher.settings);
    const uint64_t seconds =
        ((uint64_t)publisher.settings.stop - clock_now_ns()) / CLOCK_NS_PER_S;
    alarm(seconds > 600 ? 600 : (unsigned)seconds + 10);
    prctl(PR_SET_TIMERSLACK, 1);
    create(&publisher);
    run(&publisher);
    printf("{\"event\":\"published\",\"sent\":%" PRIu64 ",\"in_window\":%" PRIu64
           ",\"late_us\":%.1f,\"errors\":%" PRIu64 "}\n",
           publisher.sent, publisher.in_window, (double)publisher.late_ns / 1e3,
           publisher.errors);
    return 0;
}
