/* json — JSON as text: is it well formed, and how is a string written into it.
 *
 * SPDX-License-Identifier: MIT
 *
 * Strict RFC 8259 over strict UTF-8 (RFC 3629): no single quotes, no NaN, no raw control
 * characters, no text after the value. Numbers of any size, repeated names and escaped
 * surrogates without a partner are within that grammar and pass. Nothing is built and
 * nothing is allocated: a check costs about a nanosecond per byte. Whoever needs the
 * values of an object's members parses it afterwards.
 */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include <stdbool.h>
#include <stddef.h>

/* Arrays and objects may nest this deep; one level more is refused. */
#define JSON_MAX_DEPTH 32

/* What json_quote() may add to n bytes of text: six bytes for each of them, two quotes.
 */
#define JSON_QUOTED_MAX(n) (6 * (n) + 2)

/* Returns true if the bytes are exactly one JSON object, with white space around it
 * allowed, nested no deeper than JSON_MAX_DEPTH. `text` needs no terminating zero. */
bool json_is_object(const char *text, size_t len);

/* Returns true if the bytes are well-formed UTF-8: no overlong forms, no surrogates,
 * nothing above U+10FFFF. Zero bytes of text are well formed. */
bool json_is_utf8(const char *text, size_t len);

/* Writes `text` as a JSON string with its quotes and returns the bytes written, without a
 * terminating zero. `out` must have room for JSON_QUOTED_MAX(len). UTF-8 is not escaped;
 * quotes, backslashes and control characters (U+007F to U+009F too, which terminals may
 * obey) are; a byte that belongs to no well-formed character becomes U+FFFD. */
size_t json_quote(char *out, const char *text, size_t len);

/* Returns the largest length not above `max` at which `text` may be cut without splitting
 * a UTF-8 character; `len` itself when it is not above `max`. */
size_t json_cut(const char *text, size_t len, size_t max);

#endif
