/* frame — one encoded WebSocket message, shared by reference count.
 *
 * SPDX-License-Identifier: MIT
 *
 * What a server sends is not masked (RFC 6455 section 5.1), so the bytes of one frame are
 * the same for every client: a tick is encoded once, and each subscriber's queue holds a
 * reference. A frame never changes after it was made.
 */
#ifndef GATEWAY_FRAME_H
#define GATEWAY_FRAME_H

#include <stddef.h>
#include <stdint.h>

/* RFC 6455 section 5.2 */
enum frame_opcode {
    FRAME_TEXT = 0x1,
    FRAME_CLOSE = 0x8,
    FRAME_PING = 0x9,
    FRAME_PONG = 0xa,
};

struct frame {
    uint32_t refs;
    uint32_t len;          /* of all the bytes: header and payload */
    uint64_t made_us;      /* since 1970, as its timestamp says; 0 if it has none */
    unsigned char bytes[]; /* as they go to the socket */
};

/* A piece of a payload. */
struct frame_part {
    const char *bytes;
    size_t len;
};

#define FRAME_PART(literal)                            \
    {                                                  \
        .bytes = (literal), .len = sizeof(literal) - 1 \
    }

/* Makes one complete frame whose payload is the parts laid end to end; the caller owns
 * its only reference. NULL when out of memory or beyond 4 GiB. */
struct frame *frame_create(enum frame_opcode opcode, const struct frame_part parts[],
                           size_t count);

/* A close frame. `reason` is cut at what a control frame holds. Code 0 stands for none.
 */
struct frame *frame_create_close(unsigned code, const char *reason);

/* What the frame carries; lives as long as the frame. */
struct frame_part frame_payload(const struct frame *frame);

/* Returns the frame with one reference more. */
struct frame *frame_ref(struct frame *frame);

/* Gives one reference back; the last one frees. NULL is fine. */
void frame_unref(struct frame *frame);

#endif
