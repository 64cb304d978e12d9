/* table — uthash with a hash that outsiders cannot foresee.
 *
 * SPDX-License-Identifier: MIT
 *
 * Clients choose the names that our tables are keyed by. uthash's own function has no
 * secret, so names could be chosen to collide; here it is SipHash-1-3 with a key drawn at
 * start (Aumasson and Bernstein, "SipHash: a fast short-input PRF"). Every file that uses
 * uthash includes this header in its place.
 *
 * When out of memory an element is not added: ask TABLE_HAS() after HASH_ADD….
 */
#ifndef COMMON_TABLE_H
#define COMMON_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* Draws the key of this process from the system. Before the first table has an element.
 */
void table_draw_key(void);

unsigned table_hash(const void *bytes, size_t len);

#define HASH_FUNCTION(bytes, len, out) ((out) = table_hash((bytes), (len)))
#define HASH_NONFATAL_OOM              1

#include <uthash.h>

/* Whether the element that was to be added is in its table. */
#define TABLE_HAS(element) ((element)->hh.tbl != NULL)

#endif
