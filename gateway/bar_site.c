/* SPDX-License-Identifier: MIT */
#include "gateway/bar_site.h"

#include <stdlib.h>

#include "common/bus.h"
#include "common/feed.h"
#include "common/log.h"
#include "gateway/api_page.h"
#include "gateway/bar_page.h"
#include "gateway/bucket.h"
#include "gateway/clock.h"
#include "gateway/session.h"
#include "gateway/stream_read.h"
#include "gateway/visitor.h"

#define READS_MAX    64          /* under way */
#define BYTES_MAX    (512 << 10) /* of the bars of one answer, about */
#define MAX_AGE_S    1
#define LOG_EVERY_MS 10000

static const struct visitor_refusal refused_parameter = {
    400, "", "invalid_parameter", "topic is a topic, limit a number from 1 to 1000"};
static const struct visitor_refusal refused_away = {503, "Retry-After: 5\r\n",
                                                    "not_ready", "Redis is away"};
static const struct visitor_refusal refused_unreadable = {
    503, "Retry-After: 60\r\n", "not_ready", "Redis does not let the bars be read"};
/* No 503: balancers would ask the other gateways, which ask the same Redis. */
static const struct visitor_refusal refused_late = {504, "Retry-After: 5\r\n", "too_slow",
                                                    "Redis takes too long"};
static const struct visitor_refusal refused_busy = {503, "Retry-After: 1\r\n", "busy",
                                                    "too many ask for bars just now"};

struct bar_site {
    struct bar_site_config config;
    struct bucket_limits limits;
    struct bucket bucket;
    struct session_env *env;
    struct bus *bus;
    size_t under_way;
    uint64_t logged_ms; /* when a refusal was */
};

struct question {
    struct bar_site *site;
    struct visitor *visitor; /* NULL when it has gone */
    struct api_page page;
    struct bar_page *bars;
};

static void end_question(struct question *question)
{
    bar_page_destroy(question->bars);
    free(question);
}

static void on_gone(void *arg)
{
    struct question *question = arg;
    question->visitor = NULL;
}

static void on_late(void *arg)
{
    struct question *question = arg;
    api_page_refuse(&question->page, question->visitor, &refused_late);
    question->visitor = NULL;
}

static bool on_entry(void *arg, struct feed_id id, const char *payload, size_t len)
{
    (void)id;
    struct question *question = arg;
    const struct bar_site *site = question->site;
    if (payload == NULL || len > site->config.max_payload_bytes ||
        !feed_is_payload(payload, len)) {
        site->env->stats->payloads_rejected_total++;
        return true;
    }
    return bar_page_add(question->bars, payload, len);
}

static void answer(const struct question *question)
{
    size_t len = 0;
    char *body = bar_page_write(question->bars, &len);
    if (body == NULL) {
        api_page_refuse(&question->page, question->visitor, &api_page_refused_memory);
        return;
    }
    question->site->env->stats->bar_pages_total++;
    api_page_answer(&question->page, question->visitor, MAX_AGE_S, body, len);
    free(body);
}

static void complain(struct bar_site *site, const char *why)
{
    const uint64_t now_ms = site->env->now_ms;
    if (site->logged_ms == 0 || now_ms - site->logged_ms > LOG_EVERY_MS) {
        site->logged_ms = now_ms;
        log_error("closed bars can't be read", log_str("why", why));
    }
}

static void on_over(void *arg, enum stream_read_end end, const char *why)
{
    struct question *question = arg;
    struct bar_site *site = question->site;
    site->under_way--;
    clock_read(site->env);
    if (end == STREAM_READ_REFUSED) {
        complain(site, why);
    }
    if (question->visitor == NULL) {
        end_question(question);
        return;
    }
    switch (end) {
    case STREAM_READ_WHOLE:
    case STREAM_READ_CUT:
        answer(question);
        break;
    case STREAM_READ_LOST:
        api_page_refuse(&question->page, question->visitor, &refused_away);
        break;
    case STREAM_READ_REFUSED:
        api_page_refuse(&question->page, question->visitor, &refused_unreadable);
        break;
    }
    end_question(question);
}

/* Returns false if Redis can't be asked, or memory is out. */
static bool ask(struct question *question, const struct bar_page_query *query)
{
    static const struct stream_read_ops ops = {.on_entry = on_entry, .on_over = on_over};
    const struct bar_site *site = question->site;
    const struct stream_read_range range = {.max_entries = query->limit,
                                            .max_bytes = BYTES_MAX};
    char channel[FEED_CHANNEL_MAX];
    char key[FEED_KEY_MAX + 1];
    const size_t channel_len =
        feed_channel(channel, site->config.channel_prefix, query->topic, query->len);
    const size_t key_len = feed_bars_key(key, sizeof(key), channel, channel_len);
    question->bars = bar_page_create(query);
    return question->bars != NULL &&
           stream_read_begin(site->bus, key, key_len, &range, &ops, question);
}

static bool may_ask(struct bar_site *site)
{
    clock_read(site->env);
    return site->under_way < READS_MAX &&
           bucket_take(&site->bucket, &site->limits, 1, site->env->now_ms);
}

static const struct visitor_wait_ops wait_ops = {.on_late = on_late, .on_gone = on_gone};

void bar_site_answer(struct bar_site *site, struct visitor *visitor,
                     const struct request *request)
{
    struct api_page page;
    if (!api_page_admit(visitor, request, site->config.allowed_origins, &page)) {
        return;
    }
    struct bar_page_query query;
    if (!bar_page_read(request, &query)) {
        api_page_refuse(&page, visitor, &refused_parameter);
        return;
    }
    if (!may_ask(site)) {
        site->env->stats->bar_pages_refused_total++;
        api_page_refuse(&page, visitor, &refused_busy);
        return;
    }
    struct question *question = calloc(1, sizeof(*question));
    if (question == NULL) {
        api_page_refuse(&page, visitor, &api_page_refused_memory);
        return;
    }
    *question = (struct question){.site = site, .visitor = visitor, .page = page};
    if (!ask(question, &query)) {
        end_question(question);
        api_page_refuse(&page, visitor, &refused_away);
        return;
    }
    site->under_way++;
    visitor_wait(visitor, &wait_ops, question);
}

struct bar_site *bar_site_create(const struct bar_site_config *config,
                                 struct session_env *env, struct bus *bus)
{
    struct bar_site *site = calloc(1, sizeof(*site));
    if (site != NULL) {
        site->config = *config;
        site->limits = (struct bucket_limits){.rate_per_s = config->rate_per_s,
                                              .burst = 2 * config->rate_per_s};
        site->env = env;
        site->bus = bus;
        clock_read(env);
        bucket_init(&site->bucket, &site->limits, env->now_ms);
    }
    return site;
}

void bar_site_destroy(struct bar_site *site)
{
    free(site);
}
