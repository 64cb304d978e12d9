/* seen — a set of numbers: which of them came before?
 *
 * SPDX-License-Identifier: MIT
 *
 * Costs 11 to 22 bytes a number. Zero-initialised it is empty.
 */
#ifndef FEEDER_SEEN_H
#define FEEDER_SEEN_H

#include <stddef.h>
#include <stdint.h>

struct seen {
    uint64_t *slots; /* 0 where free */
    size_t room;     /* a power of two, or 0 */
    size_t count;
};

enum seen_result { SEEN_NEW, SEEN_BEFORE, SEEN_NO_MEMORY };

/* Adds a number, which is not 0, if it is new. */
enum seen_result seen_add(struct seen *seen, uint64_t number);

void seen_finish(struct seen *seen);

#endif
