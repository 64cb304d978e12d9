/* payload — what was published, read back member by member.
 *
 * SPDX-License-Identifier: MIT
 *
 * Histories are open to everybody, so nothing in them is believed: each function returns
 * false, and leaves *out alone, if there is no such member or it is not what it should
 * be.
 */
#ifndef FEEDER_PAYLOAD_H
#define FEEDER_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feeder/decimal.h"

/* A flat JSON object, taken apart. */
struct payload;

/* NULL if the text is no such object, or when out of memory. */
struct payload *payload_open(const char *text, size_t len);
void payload_close(struct payload *payload);

/* A number, digit by digit. */
bool payload_decimal(const struct payload *payload, const char *name,
                     struct decimal *out);

/* A whole number from 0 to 2^64 - 2. */
bool payload_count(const struct payload *payload, const char *name, uint64_t *out);

/* A string that calendar_parse() takes. */
bool payload_time(const struct payload *payload, const char *name, int64_t *out_us);

bool payload_flag(const struct payload *payload, const char *name, bool *out);

/* Whether the member is this string. */
bool payload_is(const struct payload *payload, const char *name, const char *text);

#endif
