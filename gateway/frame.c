/* SPDX-License-Identifier: MIT */
#include "gateway/frame.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"

#define HEADER_MAX  10
#define CONTROL_MAX 125 /* payload of a control frame, RFC 6455 section 5.5 */
#define FIN         0x80
#define LENGTH_16   126
#define LENGTH_64   127

static size_t put_header(unsigned char *at, enum frame_opcode opcode, uint64_t payload)
{
    at[0] = (unsigned char)(FIN | opcode);
    if (payload < LENGTH_16) {
        at[1] = (unsigned char)payload;
        return 2;
    }
    const size_t length_bytes = payload <= UINT16_MAX ? 2 : 8;
    at[1] = length_bytes == 2 ? LENGTH_16 : LENGTH_64;
    for (size_t i = 0; i < length_bytes; i++) {
        at[2 + i] = (unsigned char)(payload >> (8 * (length_bytes - 1 - i)));
    }
    return 2 + length_bytes;
}

struct frame *frame_create(enum frame_opcode opcode, const struct frame_part parts[],
                           size_t count)
{
    uint64_t payload = 0;
    for (size_t i = 0; i < count; i++) {
        payload += parts[i].len;
    }
    unsigned char header[HEADER_MAX];
    const size_t header_len = put_header(header, opcode, payload);
    if (payload + header_len > UINT32_MAX) {
        return NULL;
    }
    struct frame *frame = malloc(sizeof(*frame) + header_len + payload);
    if (frame == NULL) {
        return NULL;
    }
    frame->refs = 1;
    frame->made_us = 0;
    frame->len = (uint32_t)(header_len + payload);
    memcpy(frame->bytes, header, header_len);
    unsigned char *at = frame->bytes + header_len;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > 0) {
            memcpy(at, parts[i].bytes, parts[i].len);
            at += parts[i].len;
        }
    }
    return frame;
}

struct frame *frame_create_close(unsigned code, const char *reason)
{
    const char code_bytes[2] = {(char)(code >> 8 & 0xff), (char)(code & 0xff)};
    const size_t reason_len =
        json_cut(reason, strlen(reason), CONTROL_MAX - sizeof(code_bytes));
    const struct frame_part parts[] = {
        {.bytes = code_bytes, .len = sizeof(code_bytes)},
        {.bytes = reason, .len = reason_len},
    };
    return frame_create(FRAME_CLOSE, parts, code == 0 ? 0 : 2);
}

struct frame_part frame_payload(const struct frame *frame)
{
    const unsigned length = frame->bytes[1];
    size_t header_len = 2;
    if (length >= LENGTH_16) {
        header_len += length == LENGTH_16 ? 2 : 8;
    }
    return (struct frame_part){.bytes = (const char *)frame->bytes + header_len,
                               .len = frame->len - header_len};
}

struct frame *frame_ref(struct frame *frame)
{
    assert(frame->refs > 0 && frame->refs < UINT32_MAX);
    frame->refs++;
    return frame;
}

void frame_unref(struct frame *frame)
{
    if (frame == NULL) {
        return;
    }
    assert(frame->refs > 0);
    if (--frame->refs == 0) {
        free(frame);
    }
}
