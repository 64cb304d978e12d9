/* SPDX-License-Identifier: MIT */
#include "feeder/seen.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

/* Where the number is, or has to be. */
static uint64_t *find(const struct seen *seen, uint64_t number)
{
    /* Ids are mostly neighbours, which the golden ratio spreads. */
    size_t at = (size_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (seen->room - 1);
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
