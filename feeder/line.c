/* SPDX-License-Identifier: MIT */
#include "feeder/line.h"

#include <string.h>

#include "common/json.h"
#include "feeder/calendar.h"

struct span {
    const char *at;
    size_t len;
};

struct members {
    struct span topic;
    struct span data;
    struct span price;
    struct span size;
    struct span time;
    struct span market;
};

/* What follows walks over text that json_is_object() found well formed. */

static const char *skip_space(const char *at)
{
    while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r') {
        at++;
    }
    return at;
}

static const char *skip_string(const char *at)
{
    for (at++; *at != '"'; at++) {
        if (*at == '\\') {
            at++;
        }
    }
    return at + 1;
}

static const char *skip_value(const char *at)
{
    if (*at == '"') {
        return skip_string(at);
    }
    if (*at != '{' && *at != '[') {
        return at + strcspn(at, ",}] \t\r\n");
    }
    size_t depth = 0;
    do {
        if (*at == '"') {
            at = skip_string(at);
            continue;
        }
        if (*at == '{' || *at == '[') {
            depth++;
        } else if (*at == '}' || *at == ']') {
            depth--;
        }
        at++;
    } while (depth > 0);
    return at;
}

static struct span *member_named(struct members *members, struct span name)
{
    const struct {
        const char *name;
        struct span *span;
    } known[] = {
        {"\"topic\"", &members->topic}, {"\"data\"", &members->data},
        {"\"price\"", &members->price}, {"\"size\"", &members->size},
        {"\"time\"", &members->time},   {"\"market\"", &members->market},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strlen(known[i].name) == name.len &&
            memcmp(known[i].name, name.at, name.len) == 0) {
            return known[i].span;
        }
    }
    return NULL;
}

static void find_members(const char *at, struct members *out)
{
    at = skip_space(skip_space(at) + 1);
    while (*at != '}') {
        const char *const name = at;
        at = skip_string(at);
        struct span *span =
            member_named(out, (struct span){.at = name, .len = (size_t)(at - name)});
        at = skip_space(skip_space(at) + 1);
        const char *const value = at;
        at = skip_value(at);
        if (span != NULL) {
            *span = (struct span){.at = value, .len = (size_t)(at - value)};
        }
        at = skip_space(at);
        if (*at == ',') {
            at = skip_space(at + 1);
        }
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' ? c - 'a' + 10 : c - 'A' + 10;
}

/* Unescapes a JSON string of ASCII. Returns its length, or 0 if it is empty, too long,
 * not a string or not ASCII; none of them is a topic, a time or a market. */
static size_t unescape(struct span value, char *out, size_t size)
{
    size_t len = 0;
    if (value.len < 2 || value.at[0] != '"') {
        return 0;
    }
    const char *const end = value.at + value.len - 1;
    for (const char *at = value.at + 1; at != end; at++) {
        if (len == size) {
            return 0;
        }
        int c = (unsigned char)*at;
        if (c == '\\') {
            at++;
            c = (unsigned char)*at;
            if (c == 'u') {
                c = 0;
                for (int i = 1; i <= 4; i++) {
                    c = c * 16 + hex_digit(at[i]);
                }
                at += 4;
            } else if (c != '/' && c != '\\' && c != '"') {
                return 0;
            }
        }
        if (c < ' ' || c > '~') {
            return 0;
        }
        out[len++] = (char)c;
    }
    return len;
}

static const char *take_message(const struct members *members, struct line *out)
{
    const size_t len = unescape(members->topic, out->topic_text, sizeof(out->topic_text));
    if (!topic_parse(out->topic_text, len, &out->topic)) {
        return "not a valid topic";
    }
    if (members->data.at[0] != '{') {
        return "data is not an object";
    }
    out->payload = members->data.at;
    out->payload_len = members->data.len;
    return NULL;
}

/* As in "stock.AAPL". */
static bool take_symbol(struct span topic, struct line *out)
{
    const size_t len = unescape(topic, out->topic_text, sizeof(out->topic_text));
    const char *const dot = memchr(out->topic_text, '.', len);
    if (dot == NULL) {
        return false;
    }
    out->tick.symbol = dot + 1;
    out->tick.symbol_len = len - (size_t)(dot + 1 - out->topic_text);
    return topic_type_parse(out->topic_text, (size_t)(dot - out->topic_text),
                            &out->tick.type) &&
           out->tick.type != TOPIC_MARKET &&
           topic_is_symbol(out->tick.symbol, out->tick.symbol_len);
}

static const char *take_tick(const struct members *members, struct line *out)
{
    struct tick *tick = &out->tick;
    *tick = (struct tick){.market = out->market_text};
    if (!take_symbol(members->topic, out)) {
        return "the topic of a tick is type.symbol, as in stock.AAPL";
    }
    if (!decimal_parse(members->price.at, members->price.len, &tick->price)) {
        return "price is not a number that fits";
    }
    if (members->size.at != NULL &&
        !decimal_parse(members->size.at, members->size.len, &tick->size)) {
        return "size is not a number that fits";
    }
    if (members->market.at != NULL) {
        tick->market_len =
            unescape(members->market, out->market_text, sizeof(out->market_text));
        if (!topic_is_symbol(out->market_text, tick->market_len)) {
            return "not a valid market";
        }
    }
    out->has_time = members->time.at != NULL;
    if (out->has_time) {
        char time[64];
        const size_t len = unescape(members->time, time, sizeof(time));
        if (!calendar_parse(time, len, &tick->time_us)) {
            return "time is not of the form \"2025-09-22T05:16:02.8Z\"";
        }
    }
    return NULL;
}

const char *line_parse(const char *text, size_t len, struct line *out)
{
    if (!json_is_object(text, len)) {
        return "not one JSON object in UTF-8";
    }
    struct members members = {.topic = {.at = NULL}};
    find_members(text, &members);
    if (members.topic.at == NULL) {
        return "no topic";
    }
    if ((members.data.at == NULL) == (members.price.at == NULL)) {
        return "a message has data and a tick has price: there must be one of the two";
    }
    out->is_tick = members.data.at == NULL;
    return out->is_tick ? take_tick(&members, out) : take_message(&members, out);
}
