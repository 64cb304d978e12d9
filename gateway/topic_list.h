/* topic_list — a sorted set of topics, of a size that is bounded.
 *
 * SPDX-License-Identifier: MIT
 *
 * Filled first, in any order and with repetitions, then settled, and read from then on.
 * What comes when it is full is left out, and the list says so.
 */
#ifndef GATEWAY_TOPIC_LIST_H
#define GATEWAY_TOPIC_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "common/topic.h"

struct topic_list;

struct topic_name {
    unsigned char len;
    char text[TOPIC_MAX];
};

/* NULL when out of memory. */
struct topic_list *topic_list_create(size_t max);
void topic_list_destroy(struct topic_list *list); /* NULL is fine */

/* Adds a topic; text that is none is passed over. Returns false if it had to be left out:
 * the list is full, or memory is. */
bool topic_list_add(struct topic_list *list, const char *text, size_t len);

/* The list ends before all were added. */
void topic_list_cut(struct topic_list *list);

/* Puts them in the order of their bytes, each once. To be called before what follows. */
void topic_list_settle(struct topic_list *list);

size_t topic_list_count(const struct topic_list *list);
bool topic_list_is_cut(const struct topic_list *list);
const struct topic_name *topic_list_item(const struct topic_list *list, size_t index);

/* The index of the first topic that comes behind `text`, or count. */
size_t topic_list_find_behind(const struct topic_list *list, const char *text,
                              size_t len);

/* Those that begin with `prefix`, as indexes from *out_first on; returns their number. */
size_t topic_list_find_prefix(const struct topic_list *list, const char *prefix,
                              size_t len, size_t *out_first);

#endif
