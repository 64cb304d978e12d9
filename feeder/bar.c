/* SPDX-License-Identifier: MIT */
#include "feeder/bar.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "common/json.h"
#include "feeder/calendar.h"

struct number {
    char text[DECIMAL_TEXT_MAX + 1];
};

static struct number number(struct decimal value)
{
    struct number number;
    decimal_format(number.text, value);
    return number;
}

struct member {
    char text[64]; /* a comma, a name, a value; or nothing */
};

static struct member last_trade(const struct bar *bar)
{
    struct member member = {""};
    if (bar->last_id != 0) {
        snprintf(member.text, sizeof(member.text), ",\"last_trade\":%" PRIu64,
                 bar->last_id);
    }
    return member;
}

static struct member previous_close(const struct bar *bar)
{
    struct member member = {""};
    if (bar->topic.interval == TOPIC_1D && bar->has_previous) {
        snprintf(member.text, sizeof(member.text), ",\"previous_close\":%s",
                 number(bar->previous_close).text);
    }
    return member;
}

size_t bar_format(char out[BAR_TEXT_MAX + 1], const struct bar *bar)
{
    char start[CALENDAR_TEXT_MAX + 1];
    char time[CALENDAR_TEXT_MAX + 1];
    calendar_format_second(start, bar->start_us);
    calendar_format(time, bar->time_us);
    const struct number close = number(bar->close);
    /* No byte that a symbol may have needs escaping in JSON. */
    const int len = snprintf(
        out, BAR_TEXT_MAX + 1,
        "{\"symbol\":\"%.*s\",\"interval\":\"%s\",\"start\":\"%s\",\"open\":%s,\"high\":%s,"
        "\"low\":%s,\"close\":%s,\"price\":%s,\"volume\":%s,\"trades\":%" PRIu64
        "%s%s,\"change\":%s,\"change_percent\":%s,%s\"closed\":%s,\"timestamp\":\"%s\"}",
        (int)bar->topic.symbol_len, bar->topic.symbol,
        topic_interval_name(bar->topic.interval), start, number(bar->open).text,
        number(bar->high).text, number(bar->low).text, close.text, close.text,
        number(bar->volume).text, bar->trades, last_trade(bar).text,
        previous_close(bar).text, number(bar->change).text,
        number(bar->change_percent).text, bar->correction ? "\"correction\":true," : "",
        bar->closed ? "true" : "false", time);
    assert(len > 0 && len <= BAR_TEXT_MAX);
    return (size_t)len;
}

static bool get_decimal(struct json_object *root, const char *name, struct decimal *out)
{
    struct json_object *value;
    if (!json_object_object_get_ex(root, name, &value) ||
        !(json_object_is_type(value, json_type_int) ||
          json_object_is_type(value, json_type_double))) {
        return false;
    }
    const char *text = json_object_get_string(value); /* as it was written */
    return text != NULL && decimal_parse(text, strlen(text), out);
}

/* Beyond 64 bits json-c says the largest number, which is refused with them. */
static bool get_count(struct json_object *root, const char *name, uint64_t *out)
{
    struct json_object *value;
    if (!json_object_object_get_ex(root, name, &value) ||
        !json_object_is_type(value, json_type_int) ||
        strchr(json_object_get_string(value), '-') != NULL ||
        json_object_get_uint64(value) == UINT64_MAX) {
        return false;
    }
    *out = json_object_get_uint64(value);
    return true;
}

static bool get_time(struct json_object *root, const char *name, int64_t *out_us)
{
    struct json_object *value;
    return json_object_object_get_ex(root, name, &value) &&
           json_object_is_type(value, json_type_string) &&
           calendar_parse(json_object_get_string(value),
                          (size_t)json_object_get_string_len(value), out_us);
}

static bool get_flag(struct json_object *root, const char *name, bool *out)
{
    struct json_object *value;
    if (!json_object_object_get_ex(root, name, &value) ||
        !json_object_is_type(value, json_type_boolean)) {
        return false;
    }
    *out = json_object_get_boolean(value);
    return true;
}

static bool is_interval(struct json_object *root, enum topic_interval interval)
{
    struct json_object *value;
    return json_object_object_get_ex(root, "interval", &value) &&
           json_object_is_type(value, json_type_string) &&
           strcmp(json_object_get_string(value), topic_interval_name(interval)) == 0;
}

/* Only daily bars name it; of the others a change tells. */
static void get_previous(struct json_object *root, struct bar *bar)
{
    struct decimal change;
    if (bar->topic.interval == TOPIC_1D) {
        bar->has_previous = get_decimal(root, "previous_close", &bar->previous_close);
    } else {
        bar->has_previous = get_decimal(root, "change", &change) &&
                            change.mantissa != 0 &&
                            decimal_subtract(bar->close, change, &bar->previous_close);
    }
}

static bool is_possible(const struct bar *bar)
{
    const enum topic_interval interval = bar->topic.interval;
    return bar->start_us == calendar_bar_start(interval, bar->start_us) &&
           bar->time_us >= bar->start_us &&
           bar->time_us <= calendar_bar_end(interval, bar->start_us) &&
           decimal_compare(bar->low, bar->open) <= 0 &&
           decimal_compare(bar->low, bar->close) <= 0 &&
           decimal_compare(bar->high, bar->open) >= 0 &&
           decimal_compare(bar->high, bar->close) >= 0 && bar->volume.mantissa >= 0 &&
           bar->trades > 0 && bar->trades <= INT64_MAX;
}

static bool read_bar(struct json_object *root, struct bar *bar)
{
    if (!is_interval(root, bar->topic.interval) ||
        !get_time(root, "start", &bar->start_us) ||
        !get_time(root, "timestamp", &bar->time_us) ||
        !get_decimal(root, "open", &bar->open) ||
        !get_decimal(root, "high", &bar->high) || !get_decimal(root, "low", &bar->low) ||
        !get_decimal(root, "close", &bar->close) ||
        !get_decimal(root, "volume", &bar->volume) ||
        !get_count(root, "trades", &bar->trades) ||
        !get_flag(root, "closed", &bar->closed)) {
        return false;
    }
    get_count(root, "last_trade", &bar->last_id);
    get_flag(root, "correction", &bar->correction);
    get_previous(root, bar);
    return is_possible(bar);
}

bool bar_parse(const char *text, size_t len, const struct topic *topic, struct bar *out)
{
    struct json_tokener *tokener =
        json_is_object(text, len) ? json_tokener_new_ex(3) : NULL;
    if (tokener == NULL) {
        return false;
    }
    struct json_object *root = json_tokener_parse_ex(tokener, text, (int)len);
    struct bar bar = {.topic = *topic};
    const bool good = topic->interval < TOPIC_INTERVALS &&
                      json_object_is_type(root, json_type_object) && read_bar(root, &bar);
    if (good) {
        *out = bar;
    }
    json_object_put(root);
    json_tokener_free(tokener);
    return good;
}
