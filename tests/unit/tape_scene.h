/* tape_scene — random trades, and everything that a tape says about them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TEST_TAPE_SCENE_H
#define TEST_TAPE_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feeder/tape.h"

#define SCENE_SECOND_US INT64_C(1000000)

uint64_t scene_random(uint64_t below);
void scene_seed(uint64_t seed);

struct trade {
    const char *symbol;
    const char *market;
    int64_t time_us;
    struct decimal price;
    struct decimal size;
    uint64_t id;
};

/* Trades of three symbols in two markets over some weeks: dense and sparse times, up to
 * `disorder_us` out of order, ids counting up by one as they arrive, some of them twice.
 */
void scene_trades(struct trade *out, size_t count, int64_t start_us, int64_t disorder_us);

struct message {
    char topic[TOPIC_MAX + 1];
    char *payload;
};

struct script {
    size_t count;
    size_t room;
    struct message *said;
};

void script_clear(struct script *script);

/* Creates a tape that writes to the script. */
struct tape *scene_tape(const struct tape_rules *rules, struct script *script);

/* Gives the tape a trade; says all that is left at the end of the trades. */
enum bars_result scene_feed(struct tape *tape, const struct trade *trade);
void scene_end(struct tape *tape);

#endif
