/* sequence_scene — one topic's sequence and what comes out of it, for its tests.
 *
 * SPDX-License-Identifier: MIT
 *
 * Message n of the topic has the id n-0.
 */
#ifndef TESTS_SEQUENCE_SCENE_H
#define TESTS_SEQUENCE_SCENE_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/sequence.h"

/* Added to a message's number: no client may see it. */
#define UNSEEN 1000

extern struct sequence sequence;
extern struct sequence_limits limits; /* wide ones */

/* Before and after each test. */
void scene_setup(void);
void scene_teardown(void);

/* A message comes; the next ones do, each behind the one before it. */
bool message(uint64_t number, uint64_t prev);
void messages(uint64_t first, uint64_t last);

/* The history is read: these entries; ALL that replays may need; the WHOLE of it, from
 * its first entry on; none; or it can't be. */
#define NUMBERS(...)     ((const uint64_t[]){__VA_ARGS__})
#define NUMBERS_LEN(...) (sizeof(NUMBERS(__VA_ARGS__)) / sizeof(uint64_t))
#define HISTORY(...)     read_history(NUMBERS(__VA_ARGS__), NUMBERS_LEN(__VA_ARGS__), PART)
#define HISTORY_ALL(...) read_history(NUMBERS(__VA_ARGS__), NUMBERS_LEN(__VA_ARGS__), ALL)
#define HISTORY_WHOLE(...) \
    read_history(NUMBERS(__VA_ARGS__), NUMBERS_LEN(__VA_ARGS__), WHOLE)
#define HISTORY_EMPTY() read_history(NULL, 0, PART)
enum extent { PART, ALL, WHOLE };
size_t read_history(const uint64_t numbers[], size_t count, enum extent extent);
void no_history(void);

/* What came out since this was asked last: "5 6 gap6 ". */
void said_is(const char *expected);

void is_whole(void);
void is_broken_behind(uint64_t number);

/* 0 for none. */
void newest_is(int number);

/* What the tail has behind a message: "6 7 ", or "no". */
void tail_behind(uint64_t since, const char *expected);

#endif
