/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feeder/calendar.h"
#include "feeder/source.h"
#include "feeder/tempo.h"

/* A geometric random walk over well-known symbols: real names, made-up prices. Integers
 * only, so on every machine alike.
 *
 * Without --from it walks at the wall clock, and everything but the times follows from
 * seed and rate. With --from it has a clock of its own, which begins there: then all
 * follows from seed, rate and from, ticks have numbers within their symbol, and the rate
 * is that of an average hour, for a day has quiet hours and busy ones. */

struct instrument {
    enum topic_type type;
    const char *symbol;
    const char *market;
    struct decimal price; /* where the walk begins: the close of the day before */
    struct decimal lot;   /* the smallest size */
    int64_t lots;         /* of a usual trade */
    int64_t activity;     /* how much it trades, compared to the others */
    int64_t volatility;   /* standard deviation of a day's change, in 0.01 % */
    int64_t drift;        /* of a year, in 0.01 % */
};

/* clang-format off */
static const struct instrument instruments[] = {
    /* type          symbol                 market       price         lot      lots  act.   vol. drift */
    {TOPIC_STOCK,     "AAPL",                "US",        {18910, 2},   {1, 0},     40,   120,   150,   900},
    {TOPIC_STOCK,     "MSFT",                "US",        {42850, 2},   {1, 0},     30,    90,   140,   900},
    {TOPIC_STOCK,     "GOOGL",               "US",        {17330, 2},   {1, 0},     35,    80,   160,   800},
    {TOPIC_STOCK,     "AMZN",                "US",        {19620, 2},   {1, 0},     35,    90,   180,   900},
    {TOPIC_STOCK,     "NVDA",                "US",        {13540, 2},   {1, 0},     45,   170,   280,  1500},
    {TOPIC_STOCK,     "META",                "US",        {58210, 2},   {1, 0},     20,    70,   200,   900},
    {TOPIC_STOCK,     "TSLA",                "US",        {25075, 2},   {1, 0},     40,   150,   340,   500},
    {TOPIC_STOCK,     "BRK.B",               "US",        {45390, 2},   {1, 0},     15,    25,    90,   700},
    {TOPIC_STOCK,     "JPM",                 "US",        {21860, 2},   {1, 0},     25,    45,   120,   600},
    {TOPIC_STOCK,     "V",                   "US",        {28840, 2},   {1, 0},     20,    35,   110,   700},
    {TOPIC_STOCK,     "KO",                  "US",        { 6915, 2},   {1, 0},     60,    40,    80,   300},
    {TOPIC_STOCK,     "IBM",                 "US",        {21430, 2},   {1, 0},     25,    30,   120,   300},
    {TOPIC_STOCK,     "600519.SH",           "CN",        {168800, 2},  {100, 0},    2,    60,   150,   200},
    {TOPIC_STOCK,     "601318.SH",           "CN",        { 5236, 2},   {100, 0},    9,    45,   160,     0},
    {TOPIC_STOCK,     "600036.SH",           "CN",        { 3771, 2},   {100, 0},    9,    45,   150,   100},
    {TOPIC_STOCK,     "000001.SZ",           "CN",        { 1148, 2},   {100, 0},   15,    50,   160,     0},
    {TOPIC_STOCK,     "000858.SZ",           "CN",        {15020, 2},   {100, 0},    4,    40,   180,     0},
    {TOPIC_STOCK,     "300750.SZ",           "CN",        {25310, 2},   {100, 0},    4,    45,   240,   200},
    {TOPIC_STOCK,     "0700.HK",             "HK",        {40520, 2},   {100, 0},    3,    60,   190,   300},
    {TOPIC_STOCK,     "9988.HK",             "HK",        { 9535, 2},   {100, 0},    5,    55,   230,     0},
    {TOPIC_STOCK,     "0005.HK",             "HK",        { 7020, 2},   {400, 0},    2,    30,   110,   300},
    {TOPIC_CRYPTO,    "BTC",                 "CRYPTO",    {6714250, 2}, {1, 4},    120,   160,   260,  2000},
    {TOPIC_CRYPTO,    "ETH",                 "CRYPTO",    {263880, 2},  {1, 3},    400,   110,   340,  1500},
    {TOPIC_CRYPTO,    "SOL",                 "CRYPTO",    {15742, 2},   {1, 2},    300,    70,   450,  1500},
    {TOPIC_CRYPTO,    "XRP",                 "CRYPTO",    { 5241, 4},   {1, 0},    500,    50,   400,   500},
    {TOPIC_CRYPTO,    "DOGE",                "CRYPTO",    {11238, 5},   {1, 0},   1500,    45,   500,   300},
    {TOPIC_CRYPTO,    "BTC-USDT",            "CRYPTO",    {6714400, 2}, {1, 5},    900,   140,   260,  2000},
    {TOPIC_CRYPTO,    "ETH-USDT",            "CRYPTO",    {263890, 2},  {1, 4},   3000,    90,   340,  1500},
    {TOPIC_FUTURES,   "CL",                  "FUTURES",   { 7052, 2},   {1, 0},      2,    60,   220,     0},
    {TOPIC_FUTURES,   "ES=F",                "FUTURES",   {582175, 2},  {1, 0},      2,    90,   100,   600},
    {TOPIC_FUTURES,   "NQ=F",                "FUTURES",   {2031250, 2}, {1, 0},      2,    80,   130,   800},
    {TOPIC_FUTURES,   "IF2412",              "FUTURES",   {39484, 1},   {1, 0},      2,    40,   120,   100},
    {TOPIC_OPTIONS,   "AAPL250117C00150000", "OPTIONS",   {4015, 2},    {1, 0},      3,     6,   600,     0},
    {TOPIC_OPTIONS,   "AAPL250117P00200000", "OPTIONS",   {1325, 2},    {1, 0},      3,     6,   700,     0},
    {TOPIC_OPTIONS,   "SPY250117C00600000",  "OPTIONS",   { 648, 2},    {1, 0},      5,     9,   900,     0},
    {TOPIC_OPTIONS,   "TSLA250117C00300000", "OPTIONS",   {1385, 2},    {1, 0},      4,     8,  1000,     0},
    {TOPIC_COMMODITY, "GOLD",                "COMMODITY", {273640, 2},  {1, 0},      2,    55,   100,   600},
    {TOPIC_COMMODITY, "SILVER",              "COMMODITY", {32485, 3},   {1, 0},      2,    30,   190,   400},
    {TOPIC_COMMODITY, "COPPER",              "COMMODITY", {43815, 4},   {1, 0},      2,    20,   150,   200},
    {TOPIC_COMMODITY, "NATGAS",              "COMMODITY", { 2345, 3},   {1, 0},      3,    30,   380,  -300},
    {TOPIC_COMMODITY, "BRENT",               "COMMODITY", { 7460, 2},   {1, 0},      2,    40,   200,     0},
    {TOPIC_COMMODITY, "WHEAT",               "COMMODITY", {57225, 2},   {1, 0},      2,    15,   190,     0},
};
/* clang-format on */

#define INSTRUMENTS  (sizeof(instruments) / sizeof(instruments[0]))
#define FINE         (INT64_C(1) << 20) /* steps are far smaller than a price's last digit */
#define RANGE        10 /* the walk stays within a tenth and ten times of its beginning */
#define QUINTILLION  INT64_C(1000000000000000000)
#define DAY_S        86400
#define YEAR_DAYS    365
#define BURST_CHANCE 50 /* one tick in so many begins a burst of its symbol, */
#define BURST_TICKS  60 /* at most so long */

/* Of the hours of a UTC day, in per cent of their mean: Asia, Europe, then New York. */
static const int64_t busy[24] = {45,  50,  65,  60,  50,  45,  55,  75,  90,  90, 85, 85,
                                 105, 160, 205, 190, 170, 160, 165, 180, 100, 65, 55, 50};

__extension__ typedef __int128 wide;

/* One symbol's walk. */
struct path {
    int64_t price;  /* of the mantissa, in 1 / FINE */
    int64_t step;   /* standard deviation of one tick, in 1 / 10^15 */
    int64_t drift;  /* of one tick, in 1 / QUINTILLION */
    uint64_t ticks; /* so far */
};

struct walk {
    struct source base;
    uint64_t state; /* of the generator */
    uint64_t rate_per_s;
    int64_t to_us;
    struct path paths[INSTRUMENTS];
    int64_t activity; /* of all */
    size_t hot;       /* which symbol has a burst */
    int64_t burst;    /* how many ticks of it are left */

    bool started;
    uint64_t start_ms; /* at the wall clock: since then `count` ticks are due */
    uint64_t count;

    bool has_from; /* and what follows: */
    bool has_to;
    int64_t from_us;
    int64_t next_us; /* when the next tick is, */
    int64_t rest_ns; /* and what is below a microsecond */
    struct tempo tempo;
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
static int64_t random_normal(struct walk *walk)
{
    int64_t sum = 0;
    for (int i = 0; i < 4; i++) {
        sum += random_below(walk, 1733) - 866;
    }
    return sum;
}

/* About exponential, with this mean: minus the logarithm of a random number, its fraction
 * taken as linear, which makes the mean of what is scaled 3 / 2. */
static int64_t random_gap(struct walk *walk, int64_t mean)
{
    const uint64_t bits = next_random(walk) | 1;
    const int zeros = __builtin_clzll(bits);
    const int64_t fraction = (int64_t)((bits << zeros << 1) >> 48);
    return mean * (((INT64_C(1) + zeros) << 16) - fraction) * 2 / (INT64_C(3) << 16);
}

/* About lognormal: the median times 2 to the power of 1.9 deviates, at least 1. */
static int64_t random_lots(struct walk *walk, int64_t median)
{
    const int64_t power = random_normal(walk) * 1946 / 1000 + 16384; /* in 1 / 1024 */
    return ((median * (1024 + power % 1024)) << (power / 1024)) / (INT64_C(1024) << 16) +
           1;
}

static int64_t square_root(uint64_t value)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit != 0; bit >>= 1) {
        if ((root | bit) * (root | bit) <= value) {
            root |= bit;
        }
    }
    return (int64_t)root;
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

/* Sets a symbol at its beginning. What is said of a day and a year becomes steps of as
 * many ticks as it has at the rate. */
static void begin_path(struct walk *walk, size_t which)
{
    const struct instrument *instrument = &instruments[which];
    const int64_t ticks_a_day =
        (int64_t)walk->rate_per_s * DAY_S * instrument->activity / walk->activity;
    walk->paths[which] = (struct path){
        .price = instrument->price.mantissa * FINE,
        .step = instrument->volatility * (QUINTILLION / 10000) /
                square_root((uint64_t)ticks_a_day * 1000000),
        .drift = instrument->drift * (QUINTILLION / 10000) / YEAR_DAYS / ticks_a_day};
}

static bool is_in_range(size_t which, int64_t price)
{
    const int64_t begin = instruments[which].price.mantissa * FINE;
    return price >= begin / RANGE && price <= begin * RANGE;
}

static size_t choose(struct walk *walk)
{
    if (walk->burst > 0 && random_below(walk, 2) == 0) {
        walk->burst--;
        return walk->hot;
    }
    int64_t at = random_below(walk, walk->activity);
    size_t which = 0;
    for (; at >= instruments[which].activity; which++) {
        at -= instruments[which].activity;
    }
    if (walk->burst == 0 && random_below(walk, BURST_CHANCE) == 0) {
        walk->hot = which;
        walk->burst = random_below(walk, BURST_TICKS);
    }
    return which;
}

static void walk_step(struct walk *walk, int64_t now_us)
{
    const size_t which = choose(walk);
    struct path *path = &walk->paths[which];
    /* Rounded by chance, so that a drift far below the finest step adds up all the same.
     */
    const wide change =
        (wide)path->price * (path->step * random_normal(walk) + path->drift) +
        random_below(walk, QUINTILLION);
    const wide floor =
        change >= 0 ? change / QUINTILLION : -((QUINTILLION - 1 - change) / QUINTILLION);
    if (is_in_range(which, path->price + (int64_t)floor)) {
        path->price += (int64_t)floor;
    }
    struct tick tick = tick_of(&instruments[which]);
    tick.price.mantissa = (path->price + FINE / 2) / FINE;
    tick.size = instruments[which].lot;
    tick.size.mantissa *= random_lots(walk, instruments[which].lots);
    tick.time_us = now_us;
    path->ticks++;
    if (walk->has_from) {
        tick.id = path->ticks;
        tick.sequential = true;
    }
    walk->base.sink->on_tick(walk->base.arg, &tick);
}

static struct source_next advance_at_wall_clock(struct walk *walk, struct source_now now,
                                                size_t max)
{
    if (now.wall_us >= walk->to_us) {
        return (struct source_next){.state = SOURCE_ENDED};
    }
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

/* Decides when the next tick is. */
static void go_on(struct walk *walk)
{
    const int64_t hour_us = 3600 * CALENDAR_SECOND_US;
    const int64_t hour = calendar_bar_start(TOPIC_1H, walk->next_us) / hour_us % 24;
    const int64_t percent = busy[hour < 0 ? hour + 24 : hour];
    const int64_t mean_ns = INT64_C(100000000000) / percent / (int64_t)walk->rate_per_s;
    walk->rest_ns += random_gap(walk, mean_ns);
    walk->next_us += walk->rest_ns / 1000;
    walk->rest_ns %= 1000;
}

static struct source_next advance_at_own_clock(struct walk *walk, struct source_now now,
                                               size_t max)
{
    if (!walk->started) {
        walk->started = true;
        walk->tempo.start_ms = now.mono_ms;
    }
    const int64_t position = tempo_position(&walk->tempo, now.mono_ms, walk->to_us);
    for (; max > 0 && walk->next_us <= position && walk->next_us < walk->to_us; max--) {
        walk->base.clock_us = walk->next_us;
        walk_step(walk, walk->next_us);
        go_on(walk);
    }
    if (walk->next_us <= position && walk->next_us < walk->to_us) {
        return (struct source_next){.state = SOURCE_DUE, .due_ms = now.mono_ms};
    }
    walk->base.clock_us = position;
    if (position == walk->to_us) {
        return (struct source_next){.state = SOURCE_ENDED};
    }
    const int64_t next_us = walk->next_us < walk->to_us ? walk->next_us : walk->to_us;
    return (struct source_next){.state = SOURCE_DUE,
                                .due_ms = tempo_due_ms(&walk->tempo, next_us)};
}

static struct source_next walk_advance(struct source *source, struct source_now now,
                                       size_t max)
{
    struct walk *walk = (struct walk *)source;
    return walk->has_from ? advance_at_own_clock(walk, now, max)
                          : advance_at_wall_clock(walk, now, max);
}

/* A price in another form, as this symbol's path has it. */
static int64_t fine_price(const struct instrument *instrument, struct decimal price)
{
    wide fine = (wide)price.mantissa * FINE;
    for (int scale = price.scale; scale < instrument->price.scale; scale++) {
        fine *= 10;
    }
    for (int scale = price.scale; scale > instrument->price.scale; scale--) {
        fine /= 10;
    }
    return fine > INT64_MAX || fine < 0 ? -1 : (int64_t)fine;
}

static void go_on_from_last_prices(struct walk *walk, const struct source_past *past)
{
    for (size_t i = 0; i < INSTRUMENTS; i++) {
        const struct tick tick = tick_of(&instruments[i]);
        struct decimal last;
        if (past->last_price(past->arg, &tick, &last)) {
            const int64_t price = fine_price(&instruments[i], last);
            if (is_in_range(i, price)) {
                walk->paths[i].price = price;
            }
        }
    }
}

static void walk_resume(struct source *source, const struct source_past *past)
{
    struct walk *walk = (struct walk *)source;
    const int64_t until_us = past->until_us;
    if (!walk->has_from) {
        go_on_from_last_prices(walk, past);
        return;
    }
    if (until_us == SOURCE_NO_CLOCK || until_us <= walk->from_us) {
        return;
    }
    if (until_us >= walk->to_us) {
        walk->tempo.start_us = walk->to_us;
        source->sink->on_notice(source->arg, true, "nothing new",
                                "all of it is published already; --resume=false walks "
                                "it again");
        return;
    }
    walk->tempo.start_us = until_us;
    char text[CALENDAR_TEXT_MAX + 1];
    calendar_format(text, until_us);
    source->sink->on_notice(source->arg, false, "goes on from", text);
}

static bool walk_progress(const struct source *source, uint64_t *done, uint64_t *total)
{
    const struct walk *walk = (const struct walk *)source;
    if (!walk->has_from || !walk->has_to) {
        return false;
    }
    const int64_t clock_us = source->clock_us;
    *done = clock_us <= walk->from_us ? 0 : (uint64_t)(clock_us - walk->from_us);
    *total = (uint64_t)(walk->to_us - walk->from_us);
    return true;
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
    walk->from_us = config->from_us;
    walk->to_us = config->to_us;
    walk->has_from = config->from_us != CALENDAR_MIN_US;
    walk->has_to = config->to_us != CALENDAR_MAX_US;
    for (size_t i = 0; i < INSTRUMENTS; i++) {
        walk->activity += instruments[i].activity;
    }
    for (size_t i = 0; i < INSTRUMENTS; i++) {
        begin_path(walk, i);
        const struct tick tick = tick_of(&instruments[i]);
        sink->on_claim(arg, &tick);
    }
    if (walk->has_from) {
        walk->base.patient = true; /* what is dropped would not come again */
        walk->tempo = (struct tempo){.speed = config->speed, .start_us = config->from_us};
        walk->next_us = config->from_us;
        go_on(walk);
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
                                        .resume = walk_resume,
                                        .progress = walk_progress,
                                        .advance = walk_advance};
