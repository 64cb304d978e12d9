/* decimal — exact decimal numbers: an integer and how many of its digits are decimals.
 *
 * SPDX-License-Identifier: MIT
 *
 * Prices and sizes never pass through binary floating point. What does not fit 64 bits is
 * refused, never rounded; only the divisions round, and say how.
 */
#ifndef FEEDER_DECIMAL_H
#define FEEDER_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DECIMAL_SCALE_MAX 18
#define DECIMAL_TEXT_MAX  21 /* a sign, nineteen digits, a dot; without a zero */

/* mantissa / 10^scale. Zero-initialised it is 0; the same number may have several forms.
 */
struct decimal {
    int64_t mantissa;
    int scale; /* 0..DECIMAL_SCALE_MAX */
};

/* Reads a number as JSON writes it (-12.50, 1e-8). Returns false if the text is no such
 * number, does not fit exactly or has more than some 36 digits. */
bool decimal_parse(const char *text, size_t len, struct decimal *out);

/* Writes the shortest exact form, without an exponent and with a terminating zero, and
 * returns its length: 149, -0.5. */
size_t decimal_format(char out[DECIMAL_TEXT_MAX + 1], struct decimal value);

/* Returns a number below, equal to or above 0, as `a` is less than, equal to or greater
 * than `b`. */
int decimal_compare(struct decimal a, struct decimal b);

/* Return false if the result does not fit; *out may be one of the operands. */
bool decimal_add(struct decimal a, struct decimal b, struct decimal *out);
bool decimal_subtract(struct decimal a, struct decimal b, struct decimal *out);

/* Returns false if the product does not fit. */
bool decimal_multiply(struct decimal a, struct decimal b, struct decimal *out);

/* Sets *out to part / whole, rounded to `decimals` decimals (0..9), halves away from
 * zero. Returns false if whole is zero or the result does not fit. */
bool decimal_divide(struct decimal part, struct decimal whole, int decimals,
                    struct decimal *out);

/* The same for 100 * part / |whole| with two decimals. */
bool decimal_percent(struct decimal part, struct decimal whole, struct decimal *out);

#endif
