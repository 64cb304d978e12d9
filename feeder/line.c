/* SPDX-License-Identifier: MIT */
#include "feeder/line.h"

#include <string.h>

#include "common/json.h"
#include "feeder/calendar.h"
#include "feeder/object.h"

struct members {
    struct object_span topic;
    struct object_span data;
    struct object_span price;
    struct object_span size;
    struct object_span time;
    struct object_span market;
    struct object_span id;
};

static struct object_span *member_named(struct members *members, struct object_span name)
{
    const struct {
        const char *name;
        struct object_span *span;
    } known[] = {
        {"\"topic\"", &members->topic}, {"\"data\"", &members->data},
        {"\"price\"", &members->price}, {"\"size\"", &members->size},
        {"\"time\"", &members->time},   {"\"market\"", &members->market},
        {"\"id\"", &members->id},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strlen(known[i].name) == name.len &&
            memcmp(known[i].name, name.at, name.len) == 0) {
            return known[i].span;
        }
    }
    return NULL;
}

static void find_members(const char *text, struct members *out)
{
    struct object_member member;
    for (const char *at = object_begin(text); object_next(&at, &member);) {
        struct object_span *span = member_named(out, member.name);
        if (span != NULL) {
            *span = member.value;
        }
    }
}

static const char *take_message(const struct members *members, struct line *out)
{
    const size_t len =
        object_string(members->topic, out->topic_text, sizeof(out->topic_text));
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
static bool take_symbol(struct object_span topic, struct line *out)
{
    const size_t len = object_string(topic, out->topic_text, sizeof(out->topic_text));
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

/* A number, or a string. */
static bool take_time(struct object_span value, int64_t *out_us)
{
    if (value.at[0] != '"') {
        return calendar_parse_stamp(value.at, value.len, out_us);
    }
    char text[64];
    const size_t len = object_string(value, text, sizeof(text));
    return calendar_parse_stamp(text, len, out_us);
}

static bool take_id(struct object_span value, uint64_t *out)
{
    uint64_t id = 0;
    for (size_t i = 0; i < value.len; i++) {
        const char c = value.at[i];
        if (c < '0' || c > '9' || __builtin_mul_overflow(id, UINT64_C(10), &id) ||
            __builtin_add_overflow(id, (uint64_t)(c - '0'), &id)) {
            return false;
        }
    }
    *out = id;
    return id > 0;
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
            object_string(members->market, out->market_text, sizeof(out->market_text));
        if (!topic_is_symbol(out->market_text, tick->market_len)) {
            return "not a valid market";
        }
    }
    if (members->id.at != NULL && !take_id(members->id, &tick->id)) {
        return "id is not a whole number above 0 that fits 64 bits";
    }
    out->has_time = members->time.at != NULL;
    if (out->has_time && !take_time(members->time, &tick->time_us)) {
        return "time is neither of the form \"2025-09-22T05:16:02.8Z\" nor a number "
               "since 1970";
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
