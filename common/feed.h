/* feed — the contract between feeders and gateways: envelope, ids, the function library.
 *
 * SPDX-License-Identifier: MIT
 *
 * On a topic's Redis channel travels either a plain payload, which begins with `{`, or a
 * sequenced one: `@<id> <prev-id> <payload>`. <id> is the entry's id in the topic's
 * history stream and <prev-id>, always lower, the id of the entry before it, 0-0 for the
 * first. The payload begins with `{` and is one JSON object in valid UTF-8.
 *
 * The channel of a topic is an optional prefix and the topic; its history is the stream
 * `history:{CHANNEL}`, braces literal, so that both share one Redis Cluster slot. For the
 * same reason a channel's name holds no braces. Its closed bars are kept besides, and
 * for longer, in the stream `history:{CHANNEL}:bars`.
 */
#ifndef COMMON_FEED_H
#define COMMON_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/topic.h"

#define FEED_PREFIX_MAX  128 /* bytes of the prefix of channels */
#define FEED_CHANNEL_MAX (FEED_PREFIX_MAX + TOPIC_MAX)
#define FEED_KEY_MAX \
    (sizeof("history:{}:bars") - 1 + FEED_CHANNEL_MAX) /* without a zero */

/* Writes the name of a topic's channel, without a zero, and returns its length. `len` is
 * TOPIC_MAX at most. */
size_t feed_channel(char out[FEED_CHANNEL_MAX], const char *prefix, const char *topic,
                    size_t len);

/* An id as Redis gives it to a stream's entry: milliseconds, then a running number.
 * https://redis.io/docs/latest/develop/data-types/streams/ (Entry IDs) */
struct feed_id {
    uint64_t ms;
    uint64_t seq;
};

#define FEED_ID_TEXT_MAX 41 /* two 64-bit numbers and a dash; without a zero */

/* Returns true and sets *out if the text is `<ms>-<seq>` just as Redis writes it: decimal
 * digits, no sign, no needless zeros, each number below 2^64. */
bool feed_id_parse(const char *text, size_t len, struct feed_id *out);

/* Writes the id with a terminating zero and returns its length. */
size_t feed_id_format(char out[FEED_ID_TEXT_MAX + 1], struct feed_id id);

/* Returns a number below, equal to or above 0, as `a` is before, the same as or after
 * `b`. */
int feed_id_compare(struct feed_id a, struct feed_id b);

struct feed_message {
    bool sequenced;
    struct feed_id id;   /* when sequenced */
    struct feed_id prev; /* when sequenced; 0-0 if there is none */
    const char *payload; /* points into the parsed bytes */
    size_t payload_len;
};

enum feed_result {
    FEED_OK,
    FEED_BAD_ENVELOPE, /* begins with neither `{` nor `@id prev ` with prev below id */
    FEED_BAD_PAYLOAD,  /* not one JSON object in UTF-8 */
};

/* Returns true if this is one JSON object in UTF-8 that begins with `{`: what a history's
 * entry has, and clients may get. */
bool feed_is_payload(const char *bytes, size_t len);

/* Takes apart what came over a channel. *out is filled only with FEED_OK. */
enum feed_result feed_parse(const char *bytes, size_t len, struct feed_message *out);

/* The library for FUNCTION LOAD REPLACE, Redis 7 or newer: feed.lua. It has two
 * functions:
 *
 *     FCALL chrono_publish 1 CHANNEL PAYLOAD [HISTORY-LENGTH [BARS-LENGTH]]
 * which appends the payload to the channel's history, publishes it with its position and
 * returns its id, all in one atomic step. A payload in which "closed" is true is a bar's
 * last message: it is also appended to the channel's closed bars, unless BARS-LENGTH is
 * 0. What it refuses (a payload that does not begin with `{`, a length outside
 * 1..FEED_HISTORY_MAX or 0..FEED_BARS_MAX, braces in the channel) it answers with an
 * error that says why, and changes nothing.
 *
 *     FCALL chrono_lease 1 KEY TOKEN HOLDER CONNECTION MS [CLOSED]
 * which takes or renews the lease for so long, unless it belongs to another TOKEN and is
 * not over, and with 0 lets go of it, unless it belongs to another. By Redis's own clock,
 * and also while Redis is out of memory. Answers with a list:
 *     `kept` (it was ours), `taken` (from another, whose time was over), `new` (it had no
 *         record) or, when it was left as it is, `elsewhere` or `free`
 *     HOLDER, as its holder called itself when taking it, and since when, in ms
 *     the ms it has left, 0 or less when they are over
 *     the connection that is to be closed before anything is published, or nothing: the
 *         last one that its holders published over. The lease has to be renewed with
 *         that one as CLOSED, and then names CONNECTION instead.
 * The record stays when the lease is over, for a day, so that a successor learns whose
 * connection may still bring commands. */
extern const char feed_library[];

#define FEED_LIBRARY_NAME "chronogate"
#define FEED_PUBLISH      "chrono_publish"
#define FEED_LEASE        "chrono_lease"

/* Entries kept of each topic; Redis trims in whole blocks, so there may be some more. */
#define FEED_HISTORY_DEFAULT 256
#define FEED_HISTORY_MAX     100000

/* A history vanishes this long after its last entry: seven days. */
#define FEED_HISTORY_EXPIRE_S 604800

/* The same of closed bars, of which those of a month come once a month: 90 days. */
#define FEED_BARS_DEFAULT  300
#define FEED_BARS_MAX      10000
#define FEED_BARS_EXPIRE_S 7776000

/* The record of a lease vanishes this long after it was last renewed: a day. */
#define FEED_LEASE_EXPIRE_S 86400

/* Writes `history:{CHANNEL}` with a terminating zero and returns its length, or 0 if it
 * does not fit. */
size_t feed_history_key(char *out, size_t size, const char *channel, size_t channel_len);

/* The same for the closed bars, `history:{CHANNEL}:bars`. */
size_t feed_bars_key(char *out, size_t size, const char *channel, size_t channel_len);

#define FEED_PATTERN_MAX (sizeof("history:{*}") - 1 + FEED_PREFIX_MAX + FEED_PREFIX_MAX)

/* Writes the glob-style pattern of all histories of channels with this prefix, with a
 * terminating zero. */
void feed_history_pattern(char out[FEED_PATTERN_MAX + 1], const char *prefix);

/* Returns true and fills *out if this is the key of the history of one of our topics. */
bool feed_history_topic(const char *key, size_t len, const char *prefix,
                        struct topic *out);

#define FEED_NAME_MAX 512 /* bytes of the name of feeders that share a lease */
#define FEED_LEASE_KEY_MAX \
    (sizeof("chronogate:lease:{}") - 1 + FEED_PREFIX_MAX + FEED_NAME_MAX)

/* Writes `chronogate:lease:PREFIX{NAME}` with a terminating zero and returns its length.
 * What is too long is cut. */
size_t feed_lease_key(char out[FEED_LEASE_KEY_MAX + 1], const char *prefix,
                      const char *name);

#endif
