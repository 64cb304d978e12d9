/* SPDX-License-Identifier: MIT */
#include "common/feed.h"

#include "common/json.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Reads a 64-bit number the way Redis writes it, without a sign or needless zeros. */
static bool parse_number(const char *text, size_t len, uint64_t *out)
{
    if (len == 0 || (text[0] == '0' && len > 1)) {
        return false;
    }
    uint64_t number = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' ||
            __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(text[i] - '0'), &number)) {
            return false;
        }
    }
    *out = number;
    return true;
}

bool feed_id_parse(const char *text, size_t len, struct feed_id *out)
{
    const char *dash = len > 0 ? memchr(text, '-', len) : NULL;
    if (dash == NULL) {
        return false;
    }
    struct feed_id id;
    size_t ms_len = (size_t)(dash - text);
    if (!parse_number(text, ms_len, &id.ms) ||
        !parse_number(dash + 1, len - ms_len - 1, &id.seq)) {
        return false;
    }
    *out = id;
    return true;
}

size_t feed_id_format(char out[FEED_ID_TEXT_MAX + 1], struct feed_id id)
{
    return (size_t)snprintf(out, FEED_ID_TEXT_MAX + 1, "%" PRIu64 "-%" PRIu64, id.ms,
                            id.seq);
}

int feed_id_compare(struct feed_id a, struct feed_id b)
{
    if (a.ms != b.ms) {
        return a.ms < b.ms ? -1 : 1;
    }
    if (a.seq != b.seq) {
        return a.seq < b.seq ? -1 : 1;
    }
    return 0;
}

/* Takes an id and the space behind it off the front of *text. */
static bool take_id(const char **text, size_t *len, struct feed_id *out)
{
    size_t window = *len <= FEED_ID_TEXT_MAX ? *len : FEED_ID_TEXT_MAX + 1;
    const char *space = memchr(*text, ' ', window);
    if (space == NULL || !feed_id_parse(*text, (size_t)(space - *text), out)) {
        return false;
    }
    *len -= (size_t)(space + 1 - *text);
    *text = space + 1;
    return true;
}

bool feed_is_payload(const char *bytes, size_t len)
{
    return len > 0 && bytes[0] == '{' && json_is_object(bytes, len);
}

enum feed_result feed_parse(const char *bytes, size_t len, struct feed_message *out)
{
    struct feed_message message = {.payload = bytes, .payload_len = len};
    if (len > 0 && bytes[0] == '@') {
        message.sequenced = true;
        message.payload++;
        message.payload_len--;
        if (!take_id(&message.payload, &message.payload_len, &message.id) ||
            !take_id(&message.payload, &message.payload_len, &message.prev) ||
            feed_id_compare(message.prev, message.id) >= 0) {
            return FEED_BAD_ENVELOPE;
        }
    } else if (len == 0 || bytes[0] != '{') {
        return FEED_BAD_ENVELOPE;
    }
    if (!feed_is_payload(message.payload, message.payload_len)) {
        return FEED_BAD_PAYLOAD;
    }
    *out = message;
    return FEED_OK;
}

size_t feed_channel(char out[FEED_CHANNEL_MAX], const char *prefix, const char *topic,
                    size_t len)
{
    const size_t prefix_len = strnlen(prefix, FEED_PREFIX_MAX);
    assert(len <= TOPIC_MAX);
    memcpy(out, prefix, prefix_len);
    memcpy(out + prefix_len, topic, len);
    return prefix_len + len;
}

static size_t write_key(char *out, size_t size, const char *channel, size_t channel_len,
                        const char *end)
{
    static const char start[] = "history:{";
    const size_t start_len = sizeof(start) - 1;
    const size_t end_len = strlen(end);
    if (size <= start_len + end_len || channel_len >= size - start_len - end_len) {
        return 0;
    }
    memcpy(out, start, start_len);
    memcpy(out + start_len, channel, channel_len);
    memcpy(out + start_len + channel_len, end, end_len + 1);
    return start_len + channel_len + end_len;
}

size_t feed_history_key(char *out, size_t size, const char *channel, size_t channel_len)
{
    return write_key(out, size, channel, channel_len, "}");
}

size_t feed_bars_key(char *out, size_t size, const char *channel, size_t channel_len)
{
    return write_key(out, size, channel, channel_len, "}:bars");
}

void feed_history_pattern(char out[FEED_PATTERN_MAX + 1], const char *prefix)
{
    char *at = stpcpy(out, "history:{");
    const size_t len = strnlen(prefix, FEED_PREFIX_MAX);
    for (size_t i = 0; i < len; i++) {
        if (strchr("*?[]\\", prefix[i]) != NULL) {
            *at++ = '\\';
        }
        *at++ = prefix[i];
    }
    memcpy(at, "*}", sizeof("*}"));
}

bool feed_history_topic(const char *key, size_t len, const char *prefix,
                        struct topic *out)
{
    static const char start[] = "history:{";
    const size_t start_len = sizeof(start) - 1;
    const size_t prefix_len = strnlen(prefix, FEED_PREFIX_MAX);
    const size_t before = start_len + prefix_len;
    return len > before && memcmp(key, start, start_len) == 0 &&
           memcmp(key + start_len, prefix, prefix_len) == 0 && key[len - 1] == '}' &&
           topic_parse(key + before, len - before - 1, out);
}

size_t feed_lease_key(char out[FEED_LEASE_KEY_MAX + 1], const char *prefix,
                      const char *name)
{
    return (size_t)snprintf(out, FEED_LEASE_KEY_MAX + 1, "chronogate:lease:%.*s{%.*s}",
                            FEED_PREFIX_MAX, prefix, FEED_NAME_MAX, name);
}
