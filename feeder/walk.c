/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feeder/source.h"

/* A random walk over well-known symbols: real names, made-up prices. Everything but the
 * times follows from the seed; integers only, so on every machine alike. */

struct instrument {
    enum topic_type type;
    const char *symbol;
    const char *market;
    struct decimal price; /* where the walk begins: the close of the day before */
    struct decimal lot;   /* the smallest size */
    int64_t step_ppm;     /* standard deviation of a step, in millionths of the price */
};

/* clang-format off */
static const struct instrument instruments[] = {
    {TOPIC_STOCK,     "AAPL",      "US",        {18910, 2},    {1, 0},   120},
    {TOPIC_STOCK,     "MSFT",      "US",        {42850, 2},    {1, 0},   110},
    {TOPIC_STOCK,     "GOOGL",     "US",        {17330, 2},    {1, 0},   130},
    {TOPIC_STOCK,     "AMZN",      "US",        {19620, 2},    {1, 0},   140},
    {TOPIC_STOCK,     "NVDA",      "US",        {13540, 2},    {1, 0},   220},
    {TOPIC_STOCK,     "META",      "US",        {58210, 2},    {1, 0},   150},
    {TOPIC_STOCK,     "TSLA",      "US",        {25075, 2},    {1, 0},   260},
    {TOPIC_STOCK,     "BRK.B",     "US",        {45390, 2},    {1, 0},    70},
    {TOPIC_STOCK,     "JPM",       "US",        {21860, 2},    {1, 0},    90},
    {TOPIC_STOCK,     "V",         "US",        {28840, 2},    {1, 0},    80},
    {TOPIC_STOCK,     "KO",        "US",        { 6915, 2},    {1, 0},    60},
    {TOPIC_STOCK,     "IBM",       "US",        {21430, 2},    {1, 0},    90},
    {TOPIC_STOCK,     "600519.SH", "CN",        {168800, 2},   {100, 0}, 100},
    {TOPIC_STOCK,     "601318.SH", "CN",        { 5236, 2},    {100, 0}, 110},
    {TOPIC_STOCK,     "600036.SH", "CN",        { 3771, 2},    {100, 0}, 100},
    {TOPIC_STOCK,     "000001.SZ", "CN",        { 1148, 2},    {100, 0}, 120},
    {TOPIC_STOCK,     "000858.SZ", "CN",        {15020, 2},    {100, 0}, 120},
    {TOPIC_STOCK,     "300750.SZ", "CN",        {25310, 2},    {100, 0}, 170},
    {TOPIC_STOCK,     "0700.HK",   "HK",        {40520, 2},    {100, 0}, 130},
    {TOPIC_STOCK,     "9988.HK",   "HK",        { 9535, 2},    {100, 0}, 160},
    {TOPIC_STOCK,     "0005.HK",   "HK",        { 7020, 2},    {400, 0},  70},
    {TOPIC_CRYPTO,    "BTC",       "CRYPTO",    {6714250, 2},  {1, 4},   180},
    {TOPIC_CRYPTO,    "ETH",       "CRYPTO",    {263880, 2},   {1, 3},   220},
    {TOPIC_CRYPTO,    "SOL",       "CRYPTO",    {15742, 2},    {1, 2},   280},
    {TOPIC_CRYPTO,    "XRP",       "CRYPTO",    { 5241, 4},    {1, 0},   260},
    {TOPIC_CRYPTO,    "DOGE",      "CRYPTO",    {11238, 5},    {1, 0},   320},
    {TOPIC_CRYPTO,    "BTC-USDT",  "CRYPTO",    {6714400, 2},  {1, 5},   180},
    {TOPIC_CRYPTO,    "ETH-USDT",  "CRYPTO",    {263890, 2},   {1, 4},   220},
    {TOPIC_FUTURES,   "CL",        "FUTURES",   { 7052, 2},    {1, 0},   160},
    {TOPIC_FUTURES,   "ES=F",      "FUTURES",   {582175, 2},   {1, 0},    70},
    {TOPIC_FUTURES,   "NQ=F",      "FUTURES",   {2031250, 2},  {1, 0},    90},
    {TOPIC_FUTURES,   "IF2412",    "FUTURES",   {39484, 1},    {1, 0},   100},
    {TOPIC_OPTIONS,   "AAPL250117C00150000", "OPTIONS", {4015, 2}, {1, 0}, 600},
    {TOPIC_OPTIONS,   "AAPL250117P00200000", "OPTIONS", {1325, 2}, {1, 0}, 700},
    {TOPIC_OPTIONS,   "SPY250117C00600000",  "OPTIONS", { 648, 2}, {1, 0}, 900},
    {TOPIC_OPTIONS,   "TSLA250117C00300000", "OPTIONS", {1385, 2}, {1, 0}, 900},
    {TOPIC_COMMODITY, "GOLD",      "COMMODITY", {273640, 2},   {1, 0},    70},
    {TOPIC_COMMODITY, "SILVER",    "COMMODITY", {32485, 3},    {1, 0},   140},
    {TOPIC_COMMODITY, "COPPER",    "COMMODITY", {43815, 4},    {1, 0},   120},
    {TOPIC_COMMODITY, "NATGAS",    "COMMODITY", { 2345, 3},    {1, 0},   320},
    {TOPIC_COMMODITY, "BRENT",     "COMMODITY", { 7460, 2},    {1, 0},   150},
    {TOPIC_COMMODITY, "WHEAT",     "COMMODITY", {57225, 2},    {1, 0},   130},
};
/* clang-format on */

#define INSTRUMENTS (sizeof(instruments) / sizeof(instruments[0]))

struct walk {
    struct source base;
    uint64_t state; /* of the generator */
    uint64_t rate_per_s;
    bool started;
    uint64_t start_ms; /* since then `count` ticks are due at the rate */
    uint64_t count;
    int64_t prices[INSTRUMENTS]; /* mantissas */
};

/* SplitMix64, by Sebastiano Vigna, in the public domain:
 * https://prng.di.unimi.it/splitmix64.c */
static uint64_t next_random(struct walk *walk)
{
    walk->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t bits = walk->state;
    bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
    return bits ^ (bits >> 31);
}

/* 0 <= result < range */
static int64_t random_below(struct walk *walk, int64_t range)
{
    return (int64_t)(next_random(walk) % (uint64_t)range);
}

/* About normal: mean 0, standard deviation 1000. */
static int64_t random_step(struct walk *walk)
{
    int64_t sum = 0;
    for (int i = 0; i < 4; i++) {
        sum += random_below(walk, 1733) - 866;
    }
    return sum;
}

static struct tick tick_of(const struct instrument *instrument)
{
    return (struct tick){.type = instrument->type,
                         .symbol = instrument->symbol,
                         .symbol_len = strlen(instrument->symbol),
                         .market = instrument->market,
                         .market_len = strlen(instrument->market),
                         .price = instrument->price,
                         .has_previous_close = true,
                         .previous_close = instrument->price};
}

static void walk_step(struct walk *walk, int64_t now_us)
{
    const int64_t billion = 1000000000;
    const size_t which = (size_t)random_below(walk, INSTRUMENTS);
    const struct instrument *instrument = &instruments[which];
    int64_t *price = &walk->prices[which];
    /* In billionths; the pull keeps a long walk near where it began, and rounding by
     * chance lets small steps happen in coarse prices. */
    const int64_t pull = (instrument->price.mantissa - *price) * 100000;
    const int64_t step = *price * instrument->step_ppm * random_step(walk) + pull +
                         random_below(walk, billion);
    *price += step >= 0 ? step / billion : -((billion - 1 - step) / billion);
    if (*price < 1) {
        *price = 1;
    }
    int64_t lots = 1 + random_below(walk, 9);
    if (random_below(walk, 16) == 0) {
        lots *= 10;
    }
    struct tick tick = tick_of(instrument);
    tick.price.mantissa = *price;
    tick.size = instrument->lot;
    tick.size.mantissa *= lots;
    tick.time_us = now_us;
    walk->base.sink->on_tick(walk->base.arg, &tick);
}

static struct source_next walk_advance(struct source *source, struct source_now now,
                                       size_t max)
{
    struct walk *walk = (struct walk *)source;
    if (walk->base.clock_us < now.wall_us) {
        walk->base.clock_us = now.wall_us;
    }
    /* Who slept for a second does not catch up. */
    if (!walk->started ||
        now.mono_ms - walk->start_ms > 1000 + walk->count * 1000 / walk->rate_per_s) {
        walk->started = true;
        walk->start_ms = now.mono_ms;
        walk->count = 0;
    }
    const uint64_t due = (now.mono_ms - walk->start_ms) * walk->rate_per_s / 1000;
    while (walk->count < due && max-- > 0) {
        walk->count++;
        walk_step(walk, walk->base.clock_us);
    }
    const uint64_t next = (walk->count + 1) * 1000 + walk->rate_per_s - 1;
    return (struct source_next){.state = SOURCE_DUE,
                                .due_ms = walk->start_ms + next / walk->rate_per_s};
}

static struct source *walk_create(const struct feeder_config *config,
                                  const struct source_sink *sink, void *arg,
                                  char error[SOURCE_ERROR_MAX])
{
    struct walk *walk = calloc(1, sizeof(*walk));
    if (walk == NULL) {
        snprintf(error, SOURCE_ERROR_MAX, "out of memory");
        return NULL;
    }
    walk->base = (struct source){
        .kind = &walk_source, .sink = sink, .arg = arg, .clock_us = SOURCE_NO_CLOCK};
    walk->state = (uint64_t)config->seed;
    walk->rate_per_s = (uint64_t)config->rate_per_s;
    for (size_t i = 0; i < INSTRUMENTS; i++) {
        walk->prices[i] = instruments[i].price.mantissa;
        const struct tick tick = tick_of(&instruments[i]);
        sink->on_claim(arg, &tick);
    }
    return &walk->base;
}

static void walk_destroy(struct source *source)
{
    free(source);
}

const struct source_kind walk_source = {.name = "walk",
                                        .create = walk_create,
                                        .destroy = walk_destroy,
                                        .advance = walk_advance};
