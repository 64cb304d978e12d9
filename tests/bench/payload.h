/* payload — the messages of the benchmark: JSON of the shape of a bar, which says itself
 * what it is, when it was due, and whether it is whole. SPDX-License-Identifier: MIT
 *
 *   {"symbol":"B1017","interval":"1m","open":149.75, …
 * ,"n":1000000042,"t":1000084123456789, "sum":"0123456789abcdef"}
 *
 * Every field has a fixed width, so a message is read without parsing, and every number
 * is one that JavaScript prints as it was read. A tail of any length may follow the sum.
 */
#ifndef BENCH_PAYLOAD_H
#define BENCH_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAYLOAD_HEAD "{\"symbol\":\"B"
#define PAYLOAD_MIDDLE                                                                 \
    "\",\"interval\":\"1m\",\"open\":149.75,\"high\":151.25,\"low\":148.55,\"close\":" \
    "150.25,\"price\":150.25,\"volume\":1000,\"n\":"
#define PAYLOAD_TIME ",\"t\":"
#define PAYLOAD_SUM  ",\"sum\":\""

enum {
    PAYLOAD_TOPIC_AT = sizeof(PAYLOAD_HEAD) - 1,
    PAYLOAD_MIDDLE_AT = PAYLOAD_TOPIC_AT + 4,
    PAYLOAD_N_AT = PAYLOAD_MIDDLE_AT + sizeof(PAYLOAD_MIDDLE) - 1,
    PAYLOAD_TIME_AT = PAYLOAD_N_AT + 10,
    PAYLOAD_T_AT = PAYLOAD_TIME_AT + sizeof(PAYLOAD_TIME) - 1,
    PAYLOAD_SUM_AT = PAYLOAD_T_AT + 16,
    PAYLOAD_HEX_AT = PAYLOAD_SUM_AT + sizeof(PAYLOAD_SUM) - 1,
    PAYLOAD_LEN = PAYLOAD_HEX_AT + 16 + 1, /* up to the quotation mark after the sum */
    PAYLOAD_TOPICS_MAX = 9000,
    PAYLOAD_TOPIC_NAME_MAX = 32,
};

struct payload {
    uint32_t topic; /* 0 to PAYLOAD_TOPICS_MAX - 1 */
    uint32_t n;     /* number within its topic, from 1 */
    uint64_t t_ns;  /* when it was due, CLOCK_MONOTONIC */
};

/* Writes PAYLOAD_LEN bytes; what ends the object is the caller's. */
void payload_write(char *out, const struct payload *payload);

/* Returns whether PAYLOAD_LEN bytes that begin with PAYLOAD_HEAD are a message as it was
 * written; `out` is set then. */
bool payload_read(const char *bytes, struct payload *out);

/* The name of a topic, and of its channel. Returns its length. */
size_t payload_topic_name(char out[PAYLOAD_TOPIC_NAME_MAX], uint32_t topic);

#endif
