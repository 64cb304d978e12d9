/* SPDX-License-Identifier: MIT */
#include "feeder/roster.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct roster {
    size_t count;
    struct roster_symbol symbols[]; /* in the order of strcasecmp() */
};

static int compare(const void *left, const void *right)
{
    const struct roster_symbol *a = left;
    const struct roster_symbol *b = right;
    return strcasecmp(a->text, b->text);
}

static size_t count_of(const char *list)
{
    size_t count = 1;
    for (; *list != '\0'; list++) {
        count += *list == ',';
    }
    return count;
}

const char *roster_check(const char *list)
{
    if (list[0] == '\0') {
        return "needs --symbols, as in BTCUSDT,ETHUSDT";
    }
    if (count_of(list) > ROSTER_MAX) {
        return "--symbols: more than 2000";
    }
    for (const char *at = list;; at++) {
        const size_t len = strcspn(at, ",");
        if (!topic_is_symbol(at, len)) {
            return "--symbols: each is 1 to 32 letters, digits or . _ - ^ = / : + @ &, "
                   "with commas between them";
        }
        at += len;
        if (*at == '\0') {
            break;
        }
    }
    struct roster *roster = roster_create(list);
    const char *why = roster == NULL ? "out of memory" : NULL;
    for (size_t i = 1; why == NULL && i < roster->count; i++) {
        if (compare(&roster->symbols[i - 1], &roster->symbols[i]) == 0) {
            why = "--symbols: one is named twice";
        }
    }
    roster_destroy(roster);
    return why;
}

struct roster *roster_create(const char *list)
{
    const size_t count = count_of(list);
    struct roster *roster =
        calloc(1, sizeof(*roster) + count * sizeof(roster->symbols[0]));
    if (roster == NULL) {
        return NULL;
    }
    roster->count = count;
    for (size_t i = 0; i < count; i++) {
        struct roster_symbol *symbol = &roster->symbols[i];
        symbol->len = strcspn(list, ",");
        assert(symbol->len <= TOPIC_SYMBOL_MAX);
        memcpy(symbol->text, list, symbol->len);
        list += symbol->len + 1;
    }
    qsort(roster->symbols, count, sizeof(roster->symbols[0]), compare);
    return roster;
}

void roster_destroy(struct roster *roster)
{
    free(roster);
}

size_t roster_count(const struct roster *roster)
{
    return roster->count;
}

struct roster_symbol *roster_at(struct roster *roster, size_t index)
{
    assert(index < roster->count);
    return &roster->symbols[index];
}

struct roster_symbol *roster_find(struct roster *roster, const char *text, size_t len)
{
    struct roster_symbol key = {.len = len};
    if (len > TOPIC_SYMBOL_MAX) {
        return NULL;
    }
    memcpy(key.text, text, len);
    return bsearch(&key, roster->symbols, roster->count, sizeof(key), compare);
}

size_t roster_tally(const struct roster *roster, struct roster_part part,
                    enum roster_state state)
{
    size_t count = 0;
    for (size_t i = part.begin; i < part.end; i++) {
        count += roster->symbols[i].state == state;
    }
    return count;
}

void roster_restart(struct roster *roster, struct roster_part part)
{
    for (size_t i = part.begin; i < part.end; i++) {
        roster->symbols[i].state = ROSTER_WANTED;
        roster->symbols[i].alone = false;
    }
}

size_t roster_ask(struct roster *roster, struct roster_part part, int64_t batch,
                  size_t max, const char *out[])
{
    size_t count = 0;
    for (size_t i = part.begin; i < part.end && count < max; i++) {
        struct roster_symbol *symbol = &roster->symbols[i];
        if (symbol->state != ROSTER_WANTED || (symbol->alone && count > 0)) {
            continue;
        }
        symbol->state = ROSTER_ASKED;
        symbol->batch = batch;
        out[count++] = symbol->text;
        if (symbol->alone) {
            break;
        }
    }
    return count;
}

/* The oldest batch without an answer; 0 if there is none. */
static int64_t find_oldest(const struct roster *roster, struct roster_part part)
{
    int64_t oldest = 0;
    for (size_t i = part.begin; i < part.end; i++) {
        const struct roster_symbol *symbol = &roster->symbols[i];
        if (symbol->state == ROSTER_ASKED && (oldest == 0 || symbol->batch < oldest)) {
            oldest = symbol->batch;
        }
    }
    return oldest;
}

/* Gives those asked for in the batch another state. Returns the last, and their count. */
static struct roster_symbol *change(struct roster *roster, struct roster_part part,
                                    int64_t batch, enum roster_state state,
                                    size_t *out_count)
{
    struct roster_symbol *last = NULL;
    *out_count = 0;
    for (size_t i = part.begin; i < part.end; i++) {
        struct roster_symbol *symbol = &roster->symbols[i];
        if (symbol->state == ROSTER_ASKED && symbol->batch == batch) {
            symbol->state = state;
            last = symbol;
            ++*out_count;
        }
    }
    return last;
}

void roster_accept(struct roster *roster, struct roster_part part, int64_t batch)
{
    size_t count;
    batch = batch != 0 ? batch : find_oldest(roster, part);
    change(roster, part, batch, ROSTER_LIVE, &count);
}

struct roster_symbol *roster_refuse(struct roster *roster, struct roster_part part,
                                    int64_t batch)
{
    size_t count;
    batch = batch != 0 ? batch : find_oldest(roster, part);
    struct roster_symbol *last = change(roster, part, batch, ROSTER_WANTED, &count);
    if (count == 1) {
        last->state = ROSTER_REFUSED;
        return last;
    }
    for (size_t i = part.begin; count > 0 && i < part.end; i++) {
        struct roster_symbol *symbol = &roster->symbols[i];
        if (symbol->state == ROSTER_WANTED && symbol->batch == batch) {
            symbol->alone = true;
        }
    }
    return NULL;
}

void roster_refuse_one(struct roster *roster, struct roster_part part,
                       struct roster_symbol *symbol, bool spoils)
{
    size_t count;
    if (spoils && symbol->state == ROSTER_ASKED) {
        change(roster, part, symbol->batch, ROSTER_WANTED, &count);
    }
    symbol->state = ROSTER_REFUSED;
}

bool roster_trade(struct roster_symbol *symbol, uint64_t id)
{
    const uint64_t last = symbol->last_id;
    symbol->state = ROSTER_LIVE;
    if (id <= last) {
        return false;
    }
    symbol->last_id = id;
    if (last == 0 || id == last + 1) {
        return false;
    }
    if (symbol->missed == 0) {
        symbol->missed_from = last;
    }
    symbol->missed += id - last - 1;
    symbol->missed_to = id;
    return true;
}
