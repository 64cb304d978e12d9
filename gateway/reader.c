/* SPDX-License-Identifier: MIT */
#include "gateway/reader.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"

/* RFC 6455 section 5.2 */
#define FIN          0x80
#define RESERVED     0x70
#define OPCODE       0x0f
#define MASKED       0x80
#define LENGTH       0x7f
#define LENGTH_16    126
#define LENGTH_64    127
#define MASK_BYTES   4
#define CONTROL_MAX  125
#define BUFFER_FIRST 256
#define EMPTY_MAX    64 /* fragments without payload in one message */

enum opcode {
    OP_CONTINUATION = 0x0,
    OP_TEXT = 0x1,
    OP_BINARY = 0x2,
    OP_CLOSE = 0x8,
    OP_PING = 0x9,
    OP_PONG = 0xa,
};

void reader_init(struct reader *reader)
{
    *reader = (struct reader){0};
}

void reader_finish(struct reader *reader)
{
    free(reader->buffer);
    reader_init(reader);
}

static enum opcode opcode_of(const struct reader *reader)
{
    return (enum opcode)(reader->header[0] & OPCODE);
}

static bool is_final(const struct reader *reader)
{
    return (reader->header[0] & FIN) != 0;
}

static bool is_control(const struct reader *reader)
{
    return opcode_of(reader) >= OP_CLOSE;
}

static enum reader_event broken(struct reader_message *out, unsigned code,
                                const char *reason)
{
    *out = (struct reader_message){.code = code, .reason = reason};
    return READER_BROKEN;
}

/* How long the header is, as far as its bytes so far tell. */
static size_t header_size(const struct reader *reader)
{
    if (reader->header_len < 2) {
        return 2;
    }
    const unsigned length = reader->header[1] & LENGTH;
    const size_t extra = length == LENGTH_64 ? 8 : length == LENGTH_16 ? 2 : 0;
    return 2 + extra + MASK_BYTES;
}

static uint64_t payload_size(const struct reader *reader)
{
    const unsigned length = reader->header[1] & LENGTH;
    if (length < LENGTH_16) {
        return length;
    }
    uint64_t size = 0;
    const size_t bytes = length == LENGTH_16 ? 2 : 8;
    for (size_t i = 0; i < bytes; i++) {
        size = size << 8 | reader->header[2 + i];
    }
    return size;
}

/* RFC 6455 section 5.2: "the minimal number of bytes MUST be used". */
static bool is_shortest_length(const struct reader *reader)
{
    switch (reader->header[1] & LENGTH) {
    case LENGTH_16:
        return reader->payload_left >= LENGTH_16;
    case LENGTH_64:
        return reader->payload_left > UINT16_MAX;
    default:
        return true;
    }
}

/* Returns what is wrong with the header's first two bytes, or NULL. */
static const char *find_fault(const struct reader *reader)
{
    const bool message_due = reader->text_due || reader->binary_due;
    if ((reader->header[0] & RESERVED) != 0) {
        return "reserved bits set";
    }
    if ((reader->header[1] & MASKED) == 0) {
        return "frame not masked";
    }
    switch (opcode_of(reader)) {
    case OP_CONTINUATION:
        return message_due ? NULL : "continuation of nothing";
    case OP_TEXT:
    case OP_BINARY:
        return message_due ? "message inside a message" : NULL;
    case OP_CLOSE:
    case OP_PING:
    case OP_PONG:
        if (!is_final(reader)) {
            return "fragmented control frame";
        }
        return (reader->header[1] & LENGTH) > CONTROL_MAX ? "control frame too long"
                                                          : NULL;
    default:
        return "reserved opcode";
    }
}

/* Makes room for the frame's payload. Grows by doubling, so that a header alone, which
 * costs a client nothing, cannot make us allocate the limit. */
static bool make_room(struct reader *reader, size_t more)
{
    const size_t used = reader->message_len + reader->control_len;
    size_t capacity = reader->capacity == 0 ? BUFFER_FIRST : reader->capacity;
    while (capacity < used + more) {
        capacity *= 2;
    }
    if (capacity != reader->capacity) {
        unsigned char *buffer = realloc(reader->buffer, capacity);
        if (buffer == NULL) {
            return false;
        }
        reader->buffer = buffer;
        reader->capacity = capacity;
    }
    return true;
}

/* Reads header bytes. Returns false with *event set if the frame must not go on. */
static bool read_header(struct reader *reader, const unsigned char **at,
                        const unsigned char *end, size_t max_bytes,
                        struct reader_message *out)
{
    while (*at < end && reader->header_len < header_size(reader)) {
        reader->header[reader->header_len++] = *(*at)++;
        if (reader->header_len == 2) {
            const char *fault = find_fault(reader);
            if (fault != NULL) {
                broken(out, 1002, fault);
                return false;
            }
        }
    }
    if (reader->header_len < header_size(reader)) {
        return true;
    }
    reader->payload_left = payload_size(reader);
    if (!is_shortest_length(reader)) {
        broken(out, 1002, "length not in its shortest form");
        return false;
    }
    if (!is_control(reader)) {
        if (reader->payload_left > max_bytes - reader->message_len) {
            broken(out, 1009, "message too long");
            return false;
        }
        if (reader->payload_left == 0 && ++reader->empty_fragments > EMPTY_MAX) {
            broken(out, 1009, "too many empty fragments");
            return false;
        }
        reader->text_due = reader->text_due || opcode_of(reader) == OP_TEXT;
        reader->binary_due = reader->binary_due || opcode_of(reader) == OP_BINARY;
    }
    reader->in_payload = true;
    reader->mask_at = 0;
    return true;
}

/* Copies payload bytes, unmasked, behind what is held. Returns false when out of memory.
 */
static bool read_payload(struct reader *reader, const unsigned char **at,
                         const unsigned char *end)
{
    const size_t here = (size_t)(end - *at);
    const size_t take = reader->payload_left < here ? (size_t)reader->payload_left : here;
    if (!make_room(reader, take)) {
        return false;
    }
    const unsigned char *mask = reader->header + header_size(reader) - MASK_BYTES;
    unsigned char *to = reader->buffer + reader->message_len + reader->control_len;
    for (size_t i = 0; i < take; i++) {
        to[i] = (*at)[i] ^ mask[(reader->mask_at + i) % MASK_BYTES];
    }
    *at += take;
    reader->mask_at = (uint8_t)((reader->mask_at + take) % MASK_BYTES);
    reader->payload_left -= take;
    *(is_control(reader) ? &reader->control_len : &reader->message_len) += take;
    return true;
}

/* RFC 6455 section 7.4: the codes a peer may put on the wire. */
static bool is_close_code(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static enum reader_event end_close(const unsigned char *payload, size_t len,
                                   struct reader_message *out)
{
    if (len == 0) {
        *out = (struct reader_message){.code = 0};
        return READER_CLOSE;
    }
    const unsigned code = len < 2 ? 0 : (unsigned)payload[0] << 8 | payload[1];
    if (!is_close_code(code)) {
        return broken(out, 1002, "bad close code");
    }
    if (!json_is_utf8((const char *)payload + 2, len - 2)) {
        return broken(out, 1007, "close reason is not UTF-8");
    }
    *out = (struct reader_message){.code = code};
    return READER_CLOSE;
}

static enum reader_event end_control(struct reader *reader, struct reader_message *out)
{
    const unsigned char *payload = reader->buffer + reader->message_len;
    const size_t len = reader->control_len;
    reader->control_len = 0;
    if (opcode_of(reader) == OP_CLOSE) {
        return end_close(payload, len, out);
    }
    *out = (struct reader_message){.bytes = (const char *)payload, .len = len};
    return opcode_of(reader) == OP_PING ? READER_PING : READER_PONG;
}

static enum reader_event end_message(struct reader *reader, struct reader_message *out)
{
    const bool text = reader->text_due;
    *out = (struct reader_message){.bytes = (const char *)reader->buffer,
                                   .len = reader->message_len};
    reader->text_due = false;
    reader->binary_due = false;
    reader->empty_fragments = 0;
    reader->message_len = 0;
    if (text && !json_is_utf8(out->bytes, out->len)) {
        return broken(out, 1007, "text is not UTF-8");
    }
    return text ? READER_TEXT : READER_BINARY;
}

/* Nothing is held: give the memory back. */
static void tidy(struct reader *reader)
{
    if (reader->buffer != NULL && reader->message_len == 0 && reader->control_len == 0) {
        free(reader->buffer);
        reader->buffer = NULL;
        reader->capacity = 0;
    }
}

enum reader_event reader_next(struct reader *reader, const unsigned char **at,
                              const unsigned char *end, size_t max_bytes,
                              struct reader_message *out)
{
    tidy(reader);
    for (;;) {
        if (!reader->in_payload && !read_header(reader, at, end, max_bytes, out)) {
            return READER_BROKEN;
        }
        if (!reader->in_payload) {
            return READER_MORE;
        }
        if (!read_payload(reader, at, end)) {
            return broken(out, 1011, "out of memory");
        }
        if (reader->payload_left > 0) {
            return READER_MORE;
        }
        reader->in_payload = false;
        reader->header_len = 0;
        if (is_control(reader)) {
            return end_control(reader, out);
        }
        if (is_final(reader)) {
            return end_message(reader, out);
        }
    }
}
