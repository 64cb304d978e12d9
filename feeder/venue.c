/* SPDX-License-Identifier: MIT */
#include "feeder/venue.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "common/json.h"
#include "feeder/calendar.h"

/* Limits, as documented:
 * Binance: 5 messages a second, pings and pongs among them; 1024 streams a connection.
 * Coinbase: 10 messages a second; how much one connection bears is not said.
 * Kraken: neither number is said; more than a few a second are answered with "Exceeded
 * msg rate". */
static const struct venue venues[] = {
    [VENUE_BINANCE] = {.name = "binance",
                       .market = "BINANCE",
                       .url = "wss://stream.binance.com:9443/stream",
                       .batch_max = 100,
                       .connection_max = 1000,
                       .message_ms = 400},
    [VENUE_COINBASE] = {.name = "coinbase",
                        .market = "COINBASE",
                        .url = "wss://ws-feed.exchange.coinbase.com/",
                        .batch_max = 50,
                        .connection_max = 200,
                        .message_ms = 250,
                        .chatty = true,
                        .all_or_nothing = true},
    [VENUE_KRAKEN] = {.name = "kraken",
                      .market = "KRAKEN",
                      .url = "wss://ws.kraken.com/v2",
                      .batch_max = 50,
                      .connection_max = 200,
                      .message_ms = 500,
                      .chatty = true},
};

const struct venue *venue_get(enum venue_name name)
{
    return &venues[name];
}

/* ---- asking -------------------------------------------------------------------------
 */

struct writer {
    char *out; /* VENUE_MESSAGE_MAX bytes */
    size_t len;
};

static void put(struct writer *writer, const char *text)
{
    const size_t len = strlen(text);
    assert(writer->len + len < VENUE_MESSAGE_MAX);
    memcpy(writer->out + writer->len, text, len + 1);
    writer->len += len;
}

/* ["a","b"]; symbols are of characters that JSON need not escape. */
static void put_symbols(struct writer *writer, const char *const symbols[], size_t count,
                        const char *suffix, bool lower)
{
    for (size_t i = 0; i < count; i++) {
        char symbol[TOPIC_SYMBOL_MAX + 1];
        snprintf(symbol, sizeof(symbol), "%s", symbols[i]);
        for (char *at = symbol; lower && *at != '\0'; at++) {
            *at = (char)tolower((unsigned char)*at);
        }
        put(writer, i == 0 ? "[\"" : ",\"");
        put(writer, symbol);
        put(writer, suffix);
        put(writer, "\"");
    }
    put(writer, "]");
}

size_t venue_subscribe(const struct venue *venue, int64_t batch,
                       const char *const symbols[], size_t count,
                       char out[VENUE_MESSAGE_MAX])
{
    assert(count > 0 && count <= venue->batch_max);
    struct writer writer = {0};
    char number[24];
    writer.out = out;
    out[0] = '\0';
    snprintf(number, sizeof(number), "%lld", (long long)batch);
    switch ((enum venue_name)(venue - venues)) {
    case VENUE_BINANCE:
        put(&writer, "{\"method\":\"SUBSCRIBE\",\"params\":");
        put_symbols(&writer, symbols, count, "@trade", true);
        put(&writer, ",\"id\":");
        put(&writer, number);
        put(&writer, "}");
        break;
    case VENUE_COINBASE:
        put(&writer, "{\"type\":\"subscribe\",\"channels\":[{\"name\":\"matches\","
                     "\"product_ids\":");
        put_symbols(&writer, symbols, count, "", false);
        put(&writer, "},{\"name\":\"heartbeat\",\"product_ids\":");
        put_symbols(&writer, symbols, count, "", false);
        put(&writer, "}]}");
        break;
    case VENUE_KRAKEN:
        put(&writer, "{\"method\":\"subscribe\",\"params\":{\"channel\":\"trade\","
                     "\"symbol\":");
        put_symbols(&writer, symbols, count, "", false);
        put(&writer, ",\"snapshot\":true},\"req_id\":");
        put(&writer, number);
        put(&writer, "}");
        break;
    }
    return writer.len;
}

/* ---- members of what was answered ---------------------------------------------------
 */

static struct json_object *member(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    json_object_object_get_ex(object, name, &value);
    return value;
}

/* A string's text, and "" for everything else. */
static const char *text_of(struct json_object *object, const char *name)
{
    struct json_object *value = member(object, name);
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value)
                                                        : "";
}

static bool is(struct json_object *object, const char *name, const char *text)
{
    return strcmp(text_of(object, name), text) == 0;
}

/* 0 if it is no integer above 0. */
static int64_t count_of(struct json_object *object, const char *name)
{
    struct json_object *value = member(object, name);
    const int64_t number =
        json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : 0;
    return number > 0 && number < INT64_MAX ? number : 0;
}

/* A number, or a string that holds one. json-c keeps a number's own text, unless it is an
 * integer beyond 64 bits, which fits no decimal either. */
static bool read_decimal(struct json_object *object, const char *name,
                         struct decimal *out)
{
    struct json_object *value = member(object, name);
    switch (json_object_get_type(value)) {
    case json_type_string:
        return decimal_parse(json_object_get_string(value),
                             (size_t)json_object_get_string_len(value), out);
    case json_type_int:
    case json_type_double: {
        size_t len;
        const char *text =
            json_object_to_json_string_length(value, JSON_C_TO_STRING_PLAIN, &len);
        return decimal_parse(text, len, out);
    }
    default:
        return false;
    }
}

static bool read_time(struct json_object *object, const char *name, int64_t *out)
{
    const char *text = text_of(object, name);
    return calendar_parse(text, strlen(text), out);
}

/* Milliseconds since 1970, or microseconds, as Binance sends when its URL asks for them.
 */
static bool read_epoch(struct json_object *object, const char *name, int64_t *out)
{
    const int64_t microseconds_from = INT64_C(100000000000000); /* 1973, or 5138 in ms */
    const int64_t number = count_of(object, name);
    if (number == 0) {
        return false;
    }
    *out = number < microseconds_from ? number * 1000 : number;
    return *out <= CALENDAR_MAX_US;
}

/* ---- reading ------------------------------------------------------------------------
 */

struct venue_reader {
    const struct venue *venue;
    struct json_tokener *tokener;
    struct json_object *root; /* what the last event's texts point into */
    venue_trade_fn on_trade;
    void *arg;
    char text[256]; /* of an event, if it is put together */
};

struct venue_reader *venue_reader_create(const struct venue *venue)
{
    struct venue_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL) {
        return NULL;
    }
    reader->venue = venue;
    reader->tokener = json_tokener_new_ex(JSON_MAX_DEPTH + 1);
    if (reader->tokener == NULL) {
        free(reader);
        return NULL;
    }
    return reader;
}

void venue_reader_destroy(struct venue_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    json_object_put(reader->root);
    json_tokener_free(reader->tokener);
    free(reader);
}

/* What the venues call the parts of a trade. */
struct trade_names {
    const char *symbol;
    const char *id;
    const char *price;
    const char *size;
    const char *time;
    bool (*read_time)(struct json_object *object, const char *name, int64_t *out);
};

static void take_trade(struct venue_reader *reader, struct json_object *object,
                       const struct trade_names *names, struct venue_event *out)
{
    out->kind = VENUE_TRADES;
    struct venue_trade trade = {.symbol = text_of(object, names->symbol),
                                .id = (uint64_t)count_of(object, names->id)};
    trade.symbol_len = strlen(trade.symbol);
    if (trade.symbol_len == 0 || trade.id == 0 ||
        !read_decimal(object, names->price, &trade.price) || trade.price.mantissa <= 0 ||
        !read_decimal(object, names->size, &trade.size) || trade.size.mantissa < 0 ||
        !names->read_time(object, names->time, &trade.time_us)) {
        out->bad++;
        return;
    }
    reader->on_trade(reader->arg, &trade);
}

static void name_symbol(struct venue_event *out, const char *symbol, size_t len)
{
    out->symbol = symbol;
    out->symbol_len = len;
}

static void read_binance(struct venue_reader *reader, struct json_object *root,
                         struct venue_event *out)
{
    static const struct trade_names names = {"s", "t", "p", "q", "T", read_epoch};
    struct json_object *data = member(root, "data");
    struct json_object *event = json_object_is_type(data, json_type_object) ? data : root;
    struct json_object *error = member(root, "error");
    struct json_object *complaint =
        json_object_is_type(error, json_type_object) ? error : root;
    out->batch = count_of(root, "id");
    if (is(event, "e", "trade")) {
        take_trade(reader, event, &names, out);
    } else if (is(event, "e", "serverShutdown")) {
        out->kind = VENUE_LEAVING;
    } else if (text_of(complaint, "msg")[0] != '\0') {
        out->kind = out->batch != 0 ? VENUE_REFUSED : VENUE_TROUBLE;
        out->text = text_of(complaint, "msg");
    } else if (out->batch != 0 && json_object_object_get_ex(root, "result", NULL)) {
        out->kind = VENUE_SUBSCRIBED;
    }
}

/* "Failed to subscribe", "FOO-USD is not a valid product" */
static void read_coinbase_error(struct venue_reader *reader, struct json_object *root,
                                struct venue_event *out)
{
    const char *message = text_of(root, "message");
    const char *reason = text_of(root, "reason");
    snprintf(reader->text, sizeof(reader->text), "%s%s%s", message,
             reason[0] == '\0' ? "" : ": ", reason);
    out->text = reader->text;
    out->kind = VENUE_TROUBLE;
    if (strstr(message, "ailed to subscribe") == NULL) {
        return;
    }
    out->kind = VENUE_REFUSED;
    const char *rest = strstr(reason, " is not a valid product");
    if (rest != NULL) {
        name_symbol(out, reason, (size_t)(rest - reason));
    }
}

static void read_coinbase(struct venue_reader *reader, struct json_object *root,
                          struct venue_event *out)
{
    static const struct trade_names names = {"product_id", "trade_id", "price",
                                             "size",       "time",     read_time};
    if (is(root, "type", "match") || is(root, "type", "last_match")) {
        take_trade(reader, root, &names, out);
    } else if (is(root, "type", "heartbeat")) {
        out->kind = VENUE_ALIVE;
    } else if (is(root, "type", "subscriptions")) {
        out->kind = VENUE_SUBSCRIBED;
    } else if (is(root, "type", "error")) {
        read_coinbase_error(reader, root, out);
    }
}

/* In the order of their ids, which Kraken's list may run against. */
static void read_kraken_trades(struct venue_reader *reader, struct json_object *root,
                               struct venue_event *out)
{
    static const struct trade_names names = {"symbol", "trade_id",  "price",
                                             "qty",    "timestamp", read_time};
    struct json_object *data = member(root, "data");
    if (!json_object_is_type(data, json_type_array)) {
        out->kind = VENUE_GARBAGE;
        return;
    }
    out->kind = VENUE_TRADES;
    const size_t count = json_object_array_length(data);
    if (count == 0) {
        return;
    }
    const bool backwards =
        count_of(json_object_array_get_idx(data, 0), "trade_id") >
        count_of(json_object_array_get_idx(data, count - 1), "trade_id");
    for (size_t i = 0; i < count; i++) {
        const size_t at = backwards ? count - 1 - i : i;
        take_trade(reader, json_object_array_get_idx(data, at), &names, out);
    }
}

static void read_kraken_answer(struct json_object *root, struct venue_event *out)
{
    struct json_object *success = member(root, "success");
    struct json_object *result = member(root, "result");
    const char *symbol = text_of(result, "symbol");
    if (symbol[0] == '\0') {
        symbol = text_of(root, "symbol");
    }
    out->batch = count_of(root, "req_id");
    out->text = text_of(root, "error");
    name_symbol(out, symbol, strlen(symbol));
    if ((json_object_is_type(success, json_type_boolean) &&
         json_object_get_boolean(success)) ||
        strncmp(out->text, "Already subscribed", 18) == 0) {
        out->kind = VENUE_SUBSCRIBED;
    } else if (out->symbol_len > 0 && strstr(out->text, "rate") == NULL) {
        out->kind = VENUE_REFUSED;
    } else {
        out->kind = VENUE_TROUBLE; /* "Exceeded msg rate" */
    }
}

static void read_kraken(struct venue_reader *reader, struct json_object *root,
                        struct venue_event *out)
{
    if (is(root, "channel", "trade")) {
        read_kraken_trades(reader, root, out);
    } else if (is(root, "channel", "heartbeat") || is(root, "method", "pong")) {
        out->kind = VENUE_ALIVE;
    } else if (is(root, "channel", "status")) {
        struct json_object *data = member(root, "data");
        struct json_object *state = json_object_is_type(data, json_type_array)
                                        ? json_object_array_get_idx(data, 0)
                                        : NULL;
        out->text = text_of(state, "system");
        out->kind = out->text[0] == '\0' ? VENUE_GARBAGE : VENUE_STATUS;
    } else if (is(root, "method", "subscribe")) {
        read_kraken_answer(root, out);
    } else if (text_of(root, "error")[0] != '\0') {
        out->kind = VENUE_TROUBLE;
        out->text = text_of(root, "error");
    }
}

/* NULL if the text is no JSON object, or out of memory. */
static struct json_object *parse(struct venue_reader *reader, const char *text,
                                 size_t len)
{
    json_object_put(reader->root);
    reader->root = NULL;
    if (len > INT32_MAX || !json_is_object(text, len)) {
        return NULL;
    }
    json_tokener_reset(reader->tokener);
    reader->root = json_tokener_parse_ex(reader->tokener, text, (int)len);
    return reader->root;
}

void venue_read(struct venue_reader *reader, const char *text, size_t len,
                venue_trade_fn on_trade, void *arg, struct venue_event *out)
{
    *out = (struct venue_event){.kind = VENUE_GARBAGE, .symbol = "", .text = ""};
    struct json_object *root = parse(reader, text, len);
    if (root == NULL) {
        return;
    }
    reader->on_trade = on_trade;
    reader->arg = arg;
    out->kind = VENUE_UNKNOWN;
    switch ((enum venue_name)(reader->venue - venues)) {
    case VENUE_BINANCE:
        read_binance(reader, root, out);
        break;
    case VENUE_COINBASE:
        read_coinbase(reader, root, out);
        break;
    case VENUE_KRAKEN:
        read_kraken(reader, root, out);
        break;
    }
    if (out->kind == VENUE_TRADES && out->bad > 0) {
        out->text = "a trade that makes no sense";
    }
}
