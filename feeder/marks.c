/* SPDX-License-Identifier: MIT */
#include "feeder/marks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/table.h"

struct mark {
    UT_hash_handle hh;
    struct feed_id id;
    char channel[];
};

struct marks {
    size_t max;
    struct feed_id floor;
    struct mark *table; /* uthash keeps the order in which they were added */
};

struct marks *marks_create(size_t max)
{
    struct marks *marks = calloc(1, sizeof(*marks));
    if (marks != NULL) {
        marks->max = max;
    }
    return marks;
}

void marks_destroy(struct marks *marks)
{
    if (marks != NULL) {
        marks_restart(marks, marks->floor);
        free(marks);
    }
}

void marks_restart(struct marks *marks, struct feed_id floor)
{
    struct mark *mark = marks->table;
    HASH_CLEAR(hh, marks->table);
    while (mark != NULL) {
        struct mark *next = mark->hh.next;
        free(mark);
        mark = next;
    }
    marks->floor = floor;
}

static struct mark *find(const struct marks *marks, const char *channel, size_t len)
{
    struct mark *mark;
    HASH_FIND(hh, marks->table, channel, len, mark);
    return mark;
}

static void forget_first(struct marks *marks)
{
    struct mark *first = marks->table;
    assert(first != NULL && first->hh.prev == NULL);
    HASH_DEL(marks->table, first);
    free(first);
}

void marks_set(struct marks *marks, const char *channel, size_t len, struct feed_id id)
{
    struct mark *mark = find(marks, channel, len);
    if (mark != NULL) {
        mark->id = id;
        return;
    }
    if (HASH_COUNT(marks->table) >= marks->max) {
        forget_first(marks);
    }
    mark = calloc(1, sizeof(*mark) + len);
    if (mark == NULL) {
        return;
    }
    mark->id = id;
    memcpy(mark->channel, channel, len);
    HASH_ADD_KEYPTR(hh, marks->table, mark->channel, len, mark);
    if (!TABLE_HAS(mark)) {
        free(mark);
    }
}

struct feed_id marks_get(const struct marks *marks, const char *channel, size_t len)
{
    const struct mark *mark = find(marks, channel, len);
    return mark == NULL ? marks->floor : mark->id;
}
