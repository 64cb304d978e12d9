/* SPDX-License-Identifier: MIT */
#include "feeder/seen.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

/* The end of SplitMix64: ids may be neighbours, or differ in their upper bits only. */
static uint64_t mix(uint64_t bits)
{
    bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
    return bits ^ (bits >> 31);
}

/* Where the number is, or has to be. */
static uint64_t *find(const struct seen *seen, uint64_t number)
{
    size_t at = (size_t)mix(number) & (seen->room - 1);
    while (seen->slots[at] != 0 && seen->slots[at] != number) {
        at = (at + 1) & (seen->room - 1);
    }
    return &seen->slots[at];
}

static bool grow(struct seen *seen)
{
    struct seen grown = {.room = seen->room == 0 ? 64 : 2 * seen->room};
    grown.slots = calloc(grown.room, sizeof(*grown.slots));
    if (grown.slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < seen->room; i++) {
        if (seen->slots[i] != 0) {
            *find(&grown, seen->slots[i]) = seen->slots[i];
        }
    }
    free(seen->slots);
    seen->slots = grown.slots;
    seen->room = grown.room;
    return true;
}

enum seen_result seen_add(struct seen *seen, uint64_t number)
{
    assert(number != 0);
    if (seen->count * 4 >= seen->room * 3 && !grow(seen)) {
        return SEEN_NO_MEMORY;
    }
    uint64_t *slot = find(seen, number);
    if (*slot == number) {
        return SEEN_BEFORE;
    }
    *slot = number;
    seen->count++;
    return SEEN_NEW;
}

void seen_finish(struct seen *seen)
{
    free(seen->slots);
    *seen = (struct seen){.slots = NULL};
}
