/* SPDX-License-Identifier: MIT */
#include "feeder/backlog.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct backlog {
    size_t max;
    size_t count;
    uint64_t dropped;
    struct backlog_entry *head;
    struct backlog_entry *tail;
};

struct backlog *backlog_create(size_t max)
{
    struct backlog *backlog = calloc(1, sizeof(*backlog));
    if (backlog != NULL) {
        backlog->max = max;
    }
    return backlog;
}

void backlog_destroy(struct backlog *backlog)
{
    if (backlog != NULL) {
        while (backlog->head != NULL) {
            backlog_pop(backlog);
        }
        free(backlog);
    }
}

static void drop_oldest(struct backlog *backlog)
{
    backlog_pop(backlog);
    backlog->dropped++;
}

void backlog_push(struct backlog *backlog, unsigned owner, const struct tick *tick,
                  uint64_t now_ms)
{
    struct backlog_entry *entry =
        malloc(sizeof(*entry) + tick->symbol_len + tick->market_len);
    if (entry == NULL) {
        backlog->dropped++;
        return;
    }
    entry->next = NULL;
    entry->owner = owner;
    entry->at_ms = now_ms;
    entry->tick = *tick;
    entry->tick.symbol = entry->texts;
    entry->tick.market = entry->texts + tick->symbol_len;
    memcpy(entry->texts, tick->symbol, tick->symbol_len);
    if (tick->market_len > 0) {
        memcpy(entry->texts + tick->symbol_len, tick->market, tick->market_len);
    }
    if (backlog->tail == NULL) {
        backlog->head = entry;
    } else {
        backlog->tail->next = entry;
    }
    backlog->tail = entry;
    backlog->count++;
    if (backlog->count > backlog->max) {
        drop_oldest(backlog);
    }
}

void backlog_forget(struct backlog *backlog, uint64_t before_ms)
{
    while (backlog->head != NULL && backlog->head->at_ms < before_ms) {
        drop_oldest(backlog);
    }
}

const struct backlog_entry *backlog_oldest(const struct backlog *backlog)
{
    return backlog->head;
}

void backlog_pop(struct backlog *backlog)
{
    struct backlog_entry *entry = backlog->head;
    assert(entry != NULL);
    backlog->head = entry->next;
    if (backlog->head == NULL) {
        backlog->tail = NULL;
    }
    backlog->count--;
    free(entry);
}

size_t backlog_count(const struct backlog *backlog)
{
    return backlog->count;
}

uint64_t backlog_dropped(const struct backlog *backlog)
{
    return backlog->dropped;
}
