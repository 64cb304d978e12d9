/* SPDX-License-Identifier: MIT */
#include "common/topic.h"

#include <assert.h>
#include <string.h>

static const char *const type_names[TOPIC_TYPES] = {
    [TOPIC_STOCK] = "stock",         [TOPIC_CRYPTO] = "crypto",
    [TOPIC_FUTURES] = "futures",     [TOPIC_OPTIONS] = "options",
    [TOPIC_COMMODITY] = "commodity", [TOPIC_MARKET] = "market",
};

static const char *const interval_names[TOPIC_INTERVALS + 1] = {
    [TOPIC_1M] = "1m",           [TOPIC_5M] = "5m", [TOPIC_15M] = "15m",
    [TOPIC_30M] = "30m",         [TOPIC_1H] = "1h", [TOPIC_4H] = "4h",
    [TOPIC_1D] = "1d",           [TOPIC_1W] = "1w", [TOPIC_1MO] = "1M",
    [TOPIC_SUMMARY] = "summary",
};

/* Returns the place of the text among the names, or `count` if it is none of them. */
static size_t find_name(const char *const names[], size_t count, const char *text,
                        size_t len)
{
    size_t i = 0;
    while (i < count && (strlen(names[i]) != len || memcmp(names[i], text, len) != 0)) {
        i++;
    }
    return i;
}

static bool is_symbol_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("._-^=/:+@&", c) != NULL);
}

bool topic_is_symbol(const char *text, size_t len)
{
    if (len < 1 || len > TOPIC_SYMBOL_MAX || text[0] == '.' || text[len - 1] == '.') {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (!is_symbol_byte(text[i])) {
            return false;
        }
    }
    return true;
}

bool topic_type_parse(const char *text, size_t len, enum topic_type *out)
{
    size_t type = find_name(type_names, TOPIC_TYPES, text, len);
    if (type == TOPIC_TYPES) {
        return false;
    }
    *out = (enum topic_type)type;
    return true;
}

bool topic_parse(const char *text, size_t len, struct topic *out)
{
    const char *first = len > 0 ? memchr(text, '.', len) : NULL;
    const char *last = len > 0 ? memrchr(text, '.', len) : NULL;
    if (first == last) {
        return false;
    }
    struct topic topic = {.symbol = first + 1, .symbol_len = (size_t)(last - first) - 1};
    size_t interval = find_name(interval_names, TOPIC_INTERVALS + 1, last + 1,
                                len - (size_t)(last + 1 - text));
    topic.interval = (enum topic_interval)interval;
    if (interval > TOPIC_INTERVALS ||
        !topic_type_parse(text, (size_t)(first - text), &topic.type) ||
        (topic.type == TOPIC_MARKET) != (topic.interval == TOPIC_SUMMARY) ||
        !topic_is_symbol(topic.symbol, topic.symbol_len)) {
        return false;
    }
    *out = topic;
    return true;
}

const char *topic_type_name(enum topic_type type)
{
    assert(type < TOPIC_TYPES);
    return type_names[type];
}

const char *topic_interval_name(enum topic_interval interval)
{
    assert(interval <= TOPIC_SUMMARY);
    return interval_names[interval];
}

static size_t append(char *out, size_t at, const char *text, size_t len)
{
    memcpy(out + at, text, len);
    return at + len;
}

size_t topic_format(char out[TOPIC_MAX + 1], const struct topic *topic)
{
    const char *type = topic_type_name(topic->type);
    const char *interval = topic_interval_name(topic->interval);
    assert(topic_is_symbol(topic->symbol, topic->symbol_len));
    assert((topic->type == TOPIC_MARKET) == (topic->interval == TOPIC_SUMMARY));

    size_t len = append(out, 0, type, strlen(type));
    out[len++] = '.';
    len = append(out, len, topic->symbol, topic->symbol_len);
    out[len++] = '.';
    len = append(out, len, interval, strlen(interval));
    out[len] = '\0';
    return len;
}
