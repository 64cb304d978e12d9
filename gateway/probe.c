/* SPDX-License-Identifier: MIT */
#include "gateway/probe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/bus.h"
#include "common/log.h"
#include "common/loop.h"

#define TICK_MS      100
#define CHANNEL_SIZE 40

struct probe {
    struct bus *bus;
    struct probe_config config;
    struct loop_timer *tick;
    uint64_t seen_ms; /* when one came back */
    uint64_t sent_ms; /* the first since then; 0 if none was */
    uint64_t tick_ms; /* the last one */
    uint64_t due_ms;  /* the next one */
    bool told;        /* of a refusal */
    size_t channel_len;
    char channel[CHANNEL_SIZE];
};

/* An account that may not publish leaves half of the way unprobed: Redis answers. */
static void on_published(void *arg, const struct bus_reply *reply)
{
    struct probe *probe = arg;
    if (reply == NULL || bus_reply_kind(reply) != BUS_REPLY_ERROR) {
        return; /* what was published comes back, or is missing */
    }
    size_t len;
    const char *why = bus_reply_text(reply, &len);
    if (strncmp(why, "NOPERM", strlen("NOPERM")) != 0) {
        return;
    }
    probe->seen_ms = loop_now_ms();
    probe->sent_ms = 0;
    if (!probe->told) {
        probe->told = true;
        log_error("redis refuses the probe", log_text("why", why, len),
                  log_str("needed", "PUBLISH on chronogate:probe:*"));
    }
}

static void publish(struct probe *probe)
{
    const char *words[] = {"PUBLISH", probe->channel, "1"};
    const size_t lens[] = {7, probe->channel_len, 1};
    (void)bus_command(probe->bus, 3, words, lens, on_published, probe);
}

/* None came for too long, though one was sent a while ago. */
static bool is_unseen(const struct probe *probe, uint64_t now_ms)
{
    const uint64_t timeout_ms = (uint64_t)probe->config.timeout_ms;
    return probe->sent_ms != 0 && now_ms - probe->sent_ms >= timeout_ms / 2 &&
           now_ms - probe->seen_ms >= timeout_ms;
}

/* Returns why the connections are dead, NULL if they may be alive. Whoever stood still
 * himself looks at what came meanwhile first. */
static const char *find_loss(struct probe *probe, uint64_t now_ms)
{
    const uint64_t stood_ms = now_ms - probe->tick_ms;
    probe->tick_ms = now_ms;
    if (stood_ms <= (uint64_t)probe->config.timeout_ms / 2 && is_unseen(probe, now_ms)) {
        return "what is published does not come back";
    }
    if (stood_ms <= (uint64_t)probe->config.answer_ms / 2 &&
        bus_silence_ms(probe->bus) >= (uint64_t)probe->config.answer_ms) {
        return "commands are not answered";
    }
    return NULL;
}

static void on_tick(void *arg)
{
    struct probe *probe = arg;
    const uint64_t now_ms = loop_now_ms();
    loop_timer_start(probe->tick, TICK_MS);
    if (bus_state(probe->bus) != BUS_CONNECTED) {
        return;
    }
    const char *why = find_loss(probe, now_ms);
    if (why != NULL) {
        bus_reset(probe->bus, why);
    } else if (now_ms >= probe->due_ms) {
        probe->due_ms = now_ms + (uint64_t)probe->config.interval_ms;
        probe->sent_ms = probe->sent_ms == 0 ? now_ms : probe->sent_ms;
        publish(probe);
    }
}

void probe_restart(struct probe *probe)
{
    probe->seen_ms = loop_now_ms();
    probe->sent_ms = 0;
    probe->due_ms = probe->seen_ms;
}

bool probe_take(struct probe *probe, const char *channel, size_t len)
{
    probe->seen_ms = loop_now_ms();
    probe->sent_ms = 0;
    return len == probe->channel_len && memcmp(channel, probe->channel, len) == 0;
}

uint64_t probe_age_ms(const struct probe *probe)
{
    return loop_now_ms() - probe->seen_ms;
}

struct probe *probe_create(struct loop *loop, struct bus *bus,
                           const struct probe_config *config)
{
    struct probe *probe = calloc(1, sizeof(*probe));
    if (probe == NULL) {
        return NULL;
    }
    probe->bus = bus;
    probe->config = *config;
    uint64_t number = (uint64_t)(uintptr_t)probe; /* the channel is nobody else's */
    (void)!getrandom(&number, sizeof(number), 0);
    probe->channel_len = (size_t)snprintf(probe->channel, sizeof(probe->channel),
                                          "chronogate:probe:%016" PRIx64, number);
    probe->tick = loop_timer_create(loop, on_tick, probe);
    if (probe->tick == NULL || !bus_subscribe(bus, probe->channel, probe->channel_len)) {
        probe_destroy(probe);
        return NULL;
    }
    probe_restart(probe);
    loop_timer_start(probe->tick, TICK_MS);
    return probe;
}

void probe_destroy(struct probe *probe)
{
    if (probe != NULL) {
        loop_timer_destroy(probe->tick);
        free(probe);
    }
}
