/* SPDX-License-Identifier: MIT */
#include "gateway/topic_list.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 64

struct topic_list {
    struct topic_name *all;
    size_t count;
    size_t capacity;
    size_t max;
    bool settled;
    bool cut;
};

struct topic_list *topic_list_create(size_t max)
{
    assert(max > 0);
    struct topic_list *list = calloc(1, sizeof(*list));
    if (list != NULL) {
        list->max = max;
        list->settled = true;
    }
    return list;
}

void topic_list_destroy(struct topic_list *list)
{
    if (list != NULL) {
        free(list->all);
        free(list);
    }
}

/* Returns a number below, equal to or above 0, as the topic is before, the same as or
 * behind the text. */
static int compare_text(const struct topic_name *topic, const char *text, size_t len)
{
    const size_t shorter = topic->len < len ? topic->len : len;
    const int difference = memcmp(topic->text, text, shorter);
    return difference != 0 ? difference : (topic->len > len) - (topic->len < len);
}

static int compare(const void *one, const void *other)
{
    const struct topic_name *right = other;
    return compare_text(one, right->text, right->len);
}

void topic_list_settle(struct topic_list *list)
{
    if (list->settled) {
        return;
    }
    qsort(list->all, list->count, sizeof(list->all[0]), compare);
    size_t kept = 1;
    for (size_t i = 1; i < list->count; i++) {
        if (compare(&list->all[i], &list->all[kept - 1]) != 0) {
            list->all[kept++] = list->all[i];
        }
    }
    list->count = kept;
    list->settled = true;
}

void topic_list_cut(struct topic_list *list)
{
    list->cut = true;
}

/* Returns false if there is room for none more. */
static bool make_room(struct topic_list *list)
{
    if (list->count >= list->max) {
        topic_list_settle(list); /* there may have been repetitions */
        if (list->count >= list->max) {
            return false;
        }
    }
    if (list->count < list->capacity) {
        return true;
    }
    size_t capacity = list->count == 0 ? CAPACITY_FIRST : 2 * list->count;
    capacity = capacity < list->max ? capacity : list->max;
    struct topic_name *all = realloc(list->all, capacity * sizeof(*all));
    if (all == NULL) {
        return false;
    }
    list->all = all;
    list->capacity = capacity;
    return true;
}

bool topic_list_add(struct topic_list *list, const char *text, size_t len)
{
    struct topic topic;
    if (!topic_parse(text, len, &topic)) {
        return true;
    }
    if (!make_room(list)) {
        topic_list_settle(list);
        const size_t behind = topic_list_find_behind(list, text, len);
        const bool is_in =
            behind > 0 && compare_text(&list->all[behind - 1], text, len) == 0;
        list->cut = list->cut || !is_in;
        return is_in;
    }
    struct topic_name *place = &list->all[list->count++];
    place->len = (unsigned char)len;
    memcpy(place->text, text, len);
    list->settled = list->count == 1;
    return true;
}

size_t topic_list_count(const struct topic_list *list)
{
    assert(list->settled);
    return list->count;
}

bool topic_list_is_cut(const struct topic_list *list)
{
    return list->cut;
}

const struct topic_name *topic_list_item(const struct topic_list *list, size_t index)
{
    assert(list->settled && index < list->count);
    return &list->all[index];
}

size_t topic_list_find_behind(const struct topic_list *list, const char *text, size_t len)
{
    assert(list->settled);
    size_t begin = 0;
    size_t end = list->count;
    while (begin < end) {
        const size_t middle = begin + (end - begin) / 2;
        if (compare_text(&list->all[middle], text, len) <= 0) {
            begin = middle + 1;
        } else {
            end = middle;
        }
    }
    return begin;
}

/* The index of the first topic whose first bytes come at or behind the prefix. */
static size_t find_first(const struct topic_list *list, const char *prefix, size_t len,
                         bool is_behind)
{
    size_t begin = 0;
    size_t end = list->count;
    while (begin < end) {
        const size_t middle = begin + (end - begin) / 2;
        struct topic_name head = list->all[middle];
        head.len = head.len < len ? head.len : (unsigned char)len;
        const int difference = compare_text(&head, prefix, len);
        if (difference < 0 || (is_behind && difference == 0)) {
            begin = middle + 1;
        } else {
            end = middle;
        }
    }
    return begin;
}

size_t topic_list_find_prefix(const struct topic_list *list, const char *prefix,
                              size_t len, size_t *out_first)
{
    assert(list->settled);
    *out_first = find_first(list, prefix, len, false);
    return find_first(list, prefix, len, true) - *out_first;
}
