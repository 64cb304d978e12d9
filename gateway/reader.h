/* reader — a client's bytes into WebSocket messages (RFC 6455 sections 5.2 to 5.5, 7.4).
 *
 * SPDX-License-Identifier: MIT
 *
 * Takes the stream in pieces of any size, undoes masking and fragmentation, and hands out
 * one message at a time. Control frames come through in the middle of a fragmented
 * message. Everything the RFC forbids a client is found here: frames that are not masked,
 * reserved bits and opcodes, broken fragmentation, text that is not UTF-8, bad close
 * codes; and an endless row of empty fragments, which the RFC allows. Memory is held only
 * while a message is incomplete or being looked at, and never more than the limit and one
 * control frame.
 *
 * It reads only; the answers are the session's.
 */
#ifndef GATEWAY_READER_H
#define GATEWAY_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define READER_HEADER_MAX 14

struct reader {
    unsigned char header[READER_HEADER_MAX]; /* of the frame being read */
    uint8_t header_len;
    bool in_payload;       /* the header is complete */
    bool text_due;         /* a fragmented message is under way, and it is text */
    bool binary_due;       /* the same, and it is binary */
    uint8_t mask_at;       /* which byte of the mask is next */
    uint64_t payload_left; /* of this frame */
    size_t message_len;    /* bytes of the data message so far */
    size_t control_len;    /* bytes of a control frame, kept behind those */
    size_t capacity;
    uint32_t empty_fragments; /* of this message */
    unsigned char *buffer;    /* NULL between messages */
};

enum reader_event {
    READER_MORE,   /* all bytes are used; nothing is complete */
    READER_TEXT,   /* a whole text message in valid UTF-8 */
    READER_BINARY, /* a whole binary message */
    READER_PING,   /* with its payload */
    READER_PONG,
    READER_CLOSE,  /* `code` is what to answer with: the peer's own, or 0 for none */
    READER_BROKEN, /* the connection must be failed with `code`; nothing more is read */
};

struct reader_message {
    const char *bytes; /* until the next call */
    size_t len;
    unsigned code;      /* of READER_CLOSE and READER_BROKEN: 1002, 1007, 1009 or 1011 */
    const char *reason; /* of READER_BROKEN: a few words, a constant */
};

/* A reader of zero bytes is ready to use. */
void reader_init(struct reader *reader);

/* Frees what it holds. */
void reader_finish(struct reader *reader);

/* Uses bytes from *at up to `end` until an event is due, and moves *at behind them. To be
 * called again with the rest until it answers READER_MORE or READER_BROKEN. A message
 * longer than max_bytes is READER_BROKEN with 1009 as soon as its header says so. */
enum reader_event reader_next(struct reader *reader, const unsigned char **at,
                              const unsigned char *end, size_t max_bytes,
                              struct reader_message *out);

#endif
