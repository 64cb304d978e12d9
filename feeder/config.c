/* SPDX-License-Identifier: MIT */
#include "feeder/config.h"

#include <stddef.h>
#include <string.h>

#include "common/feed.h"
#include "feeder/calendar.h"
#include "feeder/columns.h"
#include "feeder/weights.h"
#include "feeder/zone.h"

#define AT(field)   offsetof(struct feeder_config, field)
#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

static const struct conf_setting settings[] = {
    {"source", CONF_STRING, AT(source), NULL, 0, 0, "walk", NULL,
     "Where ticks come from: walk, replay, stdin or exchange, or several with commas "
     "between them; a symbol belongs to the first of them that feeds it"},
    {"name", CONF_STRING, AT(name), NULL, 0, 0, "", NULL,
     "Of feeders with the same name only one publishes, the others stand by; without it "
     "the sources make one, but for stdin"},
    {"lease-ms", CONF_INT, AT(lease_ms), "ms", 500, 600000, "3000", NULL,
     "A feeder that has not been heard of for so long is replaced by one that stands by"},
    {"resume", CONF_BOOL, AT(resume), NULL, 0, 0, "true", NULL,
     "At the start, go on with the bars in Redis; false begins anew"},
    {"redis", CONF_URL, AT(redis), NULL, 0, 0, "redis://127.0.0.1:6379", NULL,
     "The Redis to publish to: redis://[user:password@]host[:port][/db] or unix:///path"},
    {"channel-prefix", CONF_STRING, AT(channel_prefix), NULL, 0, 0, "", NULL,
     "Text before the topic in the names of channels and histories"},
    {"history-length", CONF_INT, AT(history_length), "messages", 1, FEED_HISTORY_MAX,
     "256", NULL, "How many messages of each topic Redis keeps, about"},
    {"bars-length", CONF_INT, AT(bars_length), "bars", 0, FEED_BARS_MAX, "300", NULL,
     "How many closed bars of each topic Redis keeps besides, about, for charts; 0: none"},
    {"rate", CONF_INT, AT(rate_per_s), "per second", 1, 1000000, "200", NULL,
     "walk: ticks per second, over all symbols"},
    {"seed", CONF_INT, AT(seed), NULL, 0, INT64_MAX, "1", NULL,
     "walk: the same seed gives the same prices, and with --from the same times"},
    {"file", CONF_STRING, AT(file), NULL, 0, 0, "", NULL,
     "replay: a file of ticks or bars, CSV or NDJSON, gzip or not, as FEEDS.md describes"},
    {"columns", CONF_STRING, AT(columns), NULL, 0, 0, "", NULL,
     "replay: what the file calls its columns, as in time=Date,price=Last,size=Qty"},
    {"from", CONF_STRING, AT(from), NULL, 0, 0, "", NULL,
     "replay: leaves out what is before this time; walk: begins at this time, not now"},
    {"to", CONF_STRING, AT(to), NULL, 0, 0, "", NULL,
     "replay and walk: leaves out what is not before this time"},
    {"speed", CONF_NUMBER, AT(speed), NULL, 0, 1000000000, "1", NULL,
     "replay, and walk with --from: 1 is real time, 100000 gives a day in 0.9 s, 0 is as "
     "fast as Redis takes it"},
    {"loop", CONF_BOOL, AT(loop), NULL, 0, 0, "false", NULL,
     "replay: begin again at the end of the file, dates shifted on by whole weeks"},
    {"row-interval", CONF_CHOICE, AT(row_interval), NULL, 0, 0, "1d",
     "1m|5m|15m|30m|1h|4h|1d|1w|1M",
     "replay: how long a row with open, high, low and close lasts"},
    {"max-file-bytes", CONF_BYTES, AT(max_file_bytes), "bytes", 1, INT64_C(1) << 32,
     "64m", NULL,
     "replay: a file longer than this, unpacked, is refused, as it is held in memory"},
    {"max-line-bytes", CONF_BYTES, AT(max_line_bytes), "bytes", 256, 16 << 20, "64k",
     NULL, "stdin: longer lines are reported and skipped"},
    {"max-ahead-ms", CONF_INT, AT(max_ahead_ms), "ms", 0, INT64_C(1000000000000), "60000",
     NULL,
     "stdin: ticks whose time is further ahead of this machine's clock are reported and "
     "skipped, as they would make all others late; 0 takes every time"},
    {"venue", CONF_CHOICE, AT(venue), NULL, 0, 0, "binance", "binance|coinbase|kraken",
     "exchange: whose public trades"},
    {"symbols", CONF_STRING, AT(symbols), NULL, 0, 0, "", NULL,
     "exchange: what the venue calls them, as in BTCUSDT,ETHUSDT"},
    {"venue-url", CONF_STRING, AT(venue_url), NULL, 0, 0, "", NULL,
     "exchange: wss://host[:port]/path instead of the venue's own address"},
    {"ca-file", CONF_STRING, AT(ca_file), NULL, 0, 0, "", NULL,
     "exchange: the certificates to trust (PEM) instead of the system's"},
    {"venue-silence-ms", CONF_INT, AT(venue_silence_ms), "ms", 1000, 3600000, "60000",
     NULL, "exchange: a venue that says nothing for so long is connected to anew"},
    {"venue-backoff-ms", CONF_INT, AT(venue_backoff_ms), "ms", 100, 3600000, "60000",
     NULL, "exchange: the longest pause between two tries to connect"},
    {"session", CONF_STRING, AT(session), NULL, 0, 0, "UTC", NULL,
     "The time zone whose midnight begins days, weeks and months, as in America/New_York"},
    {"lateness-ms", CONF_INT, AT(lateness_ms), "ms", 0, 3600000, "0", NULL,
     "How long a bar stays open for late ticks after its end"},
    {"min-update-ms", CONF_INT, AT(min_update_ms), "ms", 0, 3600000, "250", NULL,
     "The least time between two messages of a bar, by the data's clock; its last message "
     "comes at once, and 0 publishes every tick"},
    {"price-band", CONF_INT, AT(price_band_percent), "%", 0, 1000000, "0", NULL,
     "Ticks further than this from the last price are refused until three in a row agree; "
     "0 takes every price"},
    {"weights", CONF_STRING, AT(weights), NULL, 0, 0, "", NULL,
     "Weights of symbols in their market's index, as in AAPL=2.5,MSFT=2; all others have 1"},
    {"max-symbols", CONF_INT, AT(max_symbols), "symbols", 1, 1000000, "10000", NULL,
     "Ticks of further symbols are refused"},
    {"max-in-flight", CONF_INT, AT(max_in_flight), "messages", 1, 100000, "256", NULL,
     "Messages sent to Redis and not yet answered; at most a quarter of max-queue"},
    {"max-queue", CONF_INT, AT(max_queue), "messages", 100, 100000000, "100000", NULL,
     "Messages waiting while Redis is away or slow; beyond it the oldest are dropped"},
    {"redis-connect-timeout-ms", CONF_INT, AT(redis_connect_timeout_ms), "ms", 10, 600000,
     "5000", NULL, "Time to connect to Redis"},
    {"redis-command-timeout-ms", CONF_INT, AT(redis_command_timeout_ms), "ms", 10, 600000,
     "5000", NULL, "Time for Redis to answer before the connection is given up"},
    {"drain-timeout-ms", CONF_INT, AT(drain_timeout_ms), "ms", 0, 600000, "3000", NULL,
     "Time for publishing what waits after SIGTERM or SIGINT"},
    {"log-level", CONF_CHOICE, AT(log_level), NULL, 0, 0, "info", "debug|info|warn|error",
     "The least important lines that are logged"},
    {"log-format", CONF_CHOICE, AT(log_format), NULL, 0, 0, "text", "text|json",
     "How log lines are written"},
};

const struct conf_program feeder_config_program = {
    .name = "chronofeed",
    .env_prefix = "CHRONOFEED_",
    .version = CHRONOGATE_VERSION,
    .summary =
        "Turns ticks into bars of nine intervals and market summaries, and publishes "
        "them to Redis.",
    .settings = settings,
    .count = ROWS(settings),
};

static bool read_time(const char *text, const char *name, int64_t nothing, int64_t *out,
                      char error[CONF_ERROR_MAX])
{
    *out = nothing;
    if (text[0] == '\0' || calendar_parse_stamp(text, strlen(text), out)) {
        return true;
    }
    snprintf(error, CONF_ERROR_MAX,
             "--%s: not a time such as 2025-09-22, 2025-09-22T05:16:02Z or 1758518162",
             name);
    return false;
}

static bool read_range(struct feeder_config *config, char error[CONF_ERROR_MAX])
{
    if (!read_time(config->from, "from", CALENDAR_MIN_US, &config->from_us, error) ||
        !read_time(config->to, "to", CALENDAR_MAX_US, &config->to_us, error)) {
        return false;
    }
    if (config->from_us >= config->to_us) {
        snprintf(error, CONF_ERROR_MAX, "--to: must be after --from");
        return false;
    }
    return true;
}

/* Prefix and name are parts of keys, where braces mean something to Redis Cluster. */
static bool is_key_part(const char *text, const char *setting, char error[CONF_ERROR_MAX])
{
    const size_t len = strlen(text);
    bool good = len <= FEED_PREFIX_MAX;
    for (size_t i = 0; i < len && good; i++) {
        good = text[i] > ' ' && text[i] <= '~' && text[i] != '{' && text[i] != '}';
    }
    if (!good) {
        snprintf(error, CONF_ERROR_MAX,
                 "--%s: at most %d printable ASCII characters, no space and no braces",
                 setting, FEED_PREFIX_MAX);
    }
    return good;
}

enum conf_result feeder_config_load(char *const argv[], char *const envp[],
                                    struct feeder_config *out, FILE *shown,
                                    char error[CONF_ERROR_MAX])
{
    const enum conf_result result =
        conf_load(&feeder_config_program, argv, envp, out, shown, error);
    if (result != CONF_RUN && result != CONF_CHECKED) {
        return result;
    }
    const char *why;
    if (!redis_url_parse(out->redis, &out->redis_url, &why)) {
        snprintf(error, CONF_ERROR_MAX, "--redis: %s", why);
        return CONF_BAD;
    }
    if (!is_key_part(out->channel_prefix, "channel-prefix", error) ||
        !is_key_part(out->name, "name", error)) {
        return CONF_BAD;
    }
    if (!read_range(out, error)) {
        return CONF_BAD;
    }
    struct columns columns;
    if (!columns_parse(out->columns, &columns, error)) {
        return CONF_BAD;
    }
    if (!weights_are(out->weights)) {
        snprintf(error, CONF_ERROR_MAX,
                 "--weights: not like AAPL=2.5,MSFT=2, above 0, at most 1000000, at most "
                 "%d decimals",
                 WEIGHTS_DECIMALS_MAX);
        return CONF_BAD;
    }
    if (!zone_use(out->session)) {
        snprintf(error, CONF_ERROR_MAX,
                 "--session: this system has no time zone %.64s (its data is Debian's "
                 "package tzdata)",
                 out->session);
        return CONF_BAD;
    }
    return result;
}
