/* SPDX-License-Identifier: MIT
 *
 * However a client's bytes are split, the same events come of them, and never more memory
 * is held than the limit and a control frame need. The input's first byte chooses the
 * limit, its second the pieces; the rest is the stream.
 */
#include "common/json.h"
#include "gateway/reader.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CONTROL_MAX  125
#define BUFFER_FIRST 256

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's word */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a stream came to. */
struct outcome {
    size_t events;
    uint64_t digest; /* of all events, FNV-1a */
    size_t used;     /* bytes, up to where it broke */
};

static void digest(struct outcome *outcome, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < len; i++) {
        outcome->digest = (outcome->digest ^ at[i]) * UINT64_C(1099511628211);
    }
}

static void check_message(enum reader_event event, const struct reader_message *message,
                          size_t max_bytes)
{
    switch (event) {
    case READER_MORE:
        break;
    case READER_TEXT:
        assert(json_is_utf8(message->bytes, message->len));
        assert(message->len <= max_bytes);
        break;
    case READER_BINARY:
        assert(message->len <= max_bytes);
        break;
    case READER_PING:
    case READER_PONG:
        assert(message->len <= CONTROL_MAX);
        break;
    case READER_CLOSE:
        assert(message->code == 0 || (message->code >= 1000 && message->code < 5000));
        break;
    case READER_BROKEN:
        assert(message->code == 1002 || message->code == 1007 || message->code == 1009);
        assert(message->reason != NULL && message->reason[0] != '\0');
        break;
    }
}

static void check_memory(const struct reader *reader, size_t max_bytes)
{
    size_t most = BUFFER_FIRST;
    while (most < max_bytes + CONTROL_MAX) {
        most *= 2;
    }
    assert(reader->capacity <= most);
    assert(reader->message_len <= max_bytes);
    assert(reader->control_len <= CONTROL_MAX);
    assert(reader->message_len + reader->control_len <= reader->capacity);
    assert((reader->buffer == NULL) == (reader->capacity == 0));
}

/* Nothing is held once all bytes are used and no message is under way. */
static void check_idle(const struct reader *reader)
{
    assert(reader->in_payload || reader->text_due || reader->binary_due ||
           reader->buffer == NULL);
}

static enum reader_event take_piece(struct reader *reader, const uint8_t *piece,
                                    size_t len, size_t max_bytes, struct outcome *outcome)
{
    /* A copy of exactly its size, so that a read beyond it is an error. */
    uint8_t *copy = malloc(len > 0 ? len : 1);
    assert(copy != NULL);
    memcpy(copy, piece, len);
    const unsigned char *at = copy;
    enum reader_event event = READER_PING;
    while (event != READER_MORE && event != READER_BROKEN) {
        struct reader_message message = {0};
        const unsigned char *before = at;
        event = reader_next(reader, &at, copy + len, max_bytes, &message);
        assert(at >= before && at <= copy + len);
        assert(event == READER_MORE || event == READER_BROKEN || at > before);
        check_message(event, &message, max_bytes);
        check_memory(reader, max_bytes);
        if (event != READER_MORE) {
            outcome->events++;
            digest(outcome, &event, sizeof(event));
            digest(outcome, &message.code, sizeof(message.code));
            digest(outcome, &message.len, sizeof(message.len));
            digest(outcome, message.bytes, message.len);
            digest(outcome, &message.reason, sizeof(message.reason));
        }
    }
    outcome->used += (size_t)(at - copy);
    if (event == READER_MORE) {
        assert(at == copy + len);
        check_idle(reader);
    }
    free(copy);
    return event;
}

/* Feeds the stream in pieces of up to max_piece bytes, empty ones among them. */
static struct outcome feed(const uint8_t *stream, size_t size, size_t max_bytes,
                           size_t max_piece)
{
    struct outcome outcome = {.digest = UINT64_C(14695981039346656037)};
    struct reader reader;
    reader_init(&reader);
    uint32_t random = (uint32_t)max_piece;
    enum reader_event event = READER_MORE;
    for (size_t at = 0; at < size && event == READER_MORE;) {
        random = random * 1664525 + 1013904223;
        size_t len = max_piece >= size ? size : (random >> 8) % (max_piece + 1);
        len = len < size - at ? len : size - at;
        event = take_piece(&reader, stream + at, len, max_bytes, &outcome);
        at += len;
    }
    reader_finish(&reader);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t limits[] = {1, 5, 125, 128, 256, 1000, 4096, 65536};
    if (size < 2) {
        return 0;
    }
    const size_t max_bytes = limits[data[0] % (sizeof(limits) / sizeof(limits[0]))];
    const size_t max_piece = 1 + data[1] % 64;
    const struct outcome whole = feed(data + 2, size - 2, max_bytes, SIZE_MAX);
    const struct outcome bytewise = feed(data + 2, size - 2, max_bytes, 1);
    const struct outcome split = feed(data + 2, size - 2, max_bytes, max_piece);
    assert(memcmp(&whole, &bytewise, sizeof(whole)) == 0);
    assert(memcmp(&whole, &split, sizeof(whole)) == 0);
    return 0;
}
