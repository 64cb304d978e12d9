/* SPDX-License-Identifier: MIT */
#include "feeder/trade_ids.h"

#include <string.h>

#define WORDS (TRADE_IDS_WINDOW / 64)

void trade_ids_begin(struct trade_ids *ids, uint64_t all, uint64_t some)
{
    ids->newest = all;
    ids->reached = some > all ? some : all;
    memset(ids->seen, all == 0 ? 0 : 0xff, sizeof(ids->seen));
}

/* Makes room for `by` newer ids. */
static void shift(struct trade_ids *ids, uint64_t by)
{
    if (by >= TRADE_IDS_WINDOW) {
        memset(ids->seen, 0, sizeof(ids->seen));
        return;
    }
    const unsigned words = (unsigned)by / 64;
    const unsigned bits = (unsigned)by % 64;
    for (unsigned i = WORDS; i-- > 0;) {
        uint64_t word = 0;
        if (i >= words) {
            word = ids->seen[i - words] << bits;
            if (bits > 0 && i > words) {
                word |= ids->seen[i - words - 1] >> (64 - bits);
            }
        }
        ids->seen[i] = word;
    }
}

bool trade_ids_take(struct trade_ids *ids, uint64_t id)
{
    if (id > ids->newest) {
        shift(ids, id - ids->newest);
        ids->newest = id;
        if (ids->reached < id) {
            ids->reached = id;
        }
    }
    const uint64_t age = ids->newest - id;
    if (age >= TRADE_IDS_WINDOW) {
        return false;
    }
    uint64_t *word = &ids->seen[age / 64];
    const uint64_t bit = UINT64_C(1) << (age % 64);
    const bool fresh = (*word & bit) == 0;
    *word |= bit;
    return fresh;
}

bool trade_ids_is_behind(const struct trade_ids *ids, uint64_t id)
{
    return id < ids->newest && ids->newest - id >= TRADE_IDS_WINDOW;
}

uint64_t trade_ids_gap(const struct trade_ids *ids, uint64_t id)
{
    return ids->reached == 0 || id <= ids->reached ? 0 : id - ids->reached - 1;
}
