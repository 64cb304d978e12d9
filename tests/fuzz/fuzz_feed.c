/* SPDX-License-Identifier: MIT
 *
 * What the envelope's parser accepts can be written again byte for byte, and its payload
 * is the rest of the input.
 */
#include "common/feed.h"
#include "common/json.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's word */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_id(const char *text, size_t len)
{
    struct feed_id id;
    if (feed_id_parse(text, len, &id)) {
        char again[FEED_ID_TEXT_MAX + 1];
        assert(feed_id_format(again, id) == len);
        assert(memcmp(again, text, len) == 0);
    }
}

static void check_envelope(const struct feed_message *message, const char *text)
{
    char id[FEED_ID_TEXT_MAX + 1];
    char prev[FEED_ID_TEXT_MAX + 1];
    char envelope[2 * FEED_ID_TEXT_MAX + 4];
    feed_id_format(id, message->id);
    feed_id_format(prev, message->prev);
    int len = snprintf(envelope, sizeof(envelope), "@%s %s ", id, prev);
    assert(message->payload == text + len);
    assert(memcmp(text, envelope, (size_t)len) == 0);
    assert(feed_id_compare(message->prev, message->id) < 0);
    assert(feed_id_compare(message->id, message->prev) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct feed_message message;
    check_id(text, size);
    if (feed_parse(text, size, &message) != FEED_OK) {
        return 0;
    }
    assert(message.payload >= text);
    assert(message.payload + message.payload_len == text + size);
    assert(*message.payload == '{');
    assert(json_is_object(message.payload, message.payload_len));
    if (message.sequenced) {
        check_envelope(&message, text);
    } else {
        assert(message.payload == text);
    }
    return 0;
}
