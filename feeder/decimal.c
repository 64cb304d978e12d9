/* SPDX-License-Identifier: MIT */
#include "feeder/decimal.h"

#include <string.h>

__extension__ typedef __int128 wide;

static wide power_of_ten(int exponent)
{
    wide power = 1;
    for (; exponent > 0; exponent--) {
        power *= 10;
    }
    return power;
}

/* Brings value / 10^scale into a decimal, giving up decimals that are zero if it must.
 * INT64_MIN is refused so that every decimal can be negated. */
static bool narrow(wide value, int scale, struct decimal *out)
{
    while (scale > 0 && value % 10 == 0 &&
           (scale > DECIMAL_SCALE_MAX || value > INT64_MAX || value < -INT64_MAX)) {
        value /= 10;
        scale--;
    }
    if (scale > DECIMAL_SCALE_MAX || value > INT64_MAX || value < -INT64_MAX) {
        return false;
    }
    *out = (struct decimal){.mantissa = (int64_t)value, .scale = scale};
    return true;
}

struct reader {
    const char *at;
    const char *end;
};

static bool take(struct reader *reader, char c)
{
    if (reader->at == reader->end || *reader->at != c) {
        return false;
    }
    reader->at++;
    return true;
}

/* Appends digits to *value and returns how many there were, or -1 if there was none or
 * they are too many to hold. Zeros at the end of decimals may be more than fit. */
static int take_digits(struct reader *reader, wide *value)
{
    static const wide limit = (wide)INT64_MAX * INT64_MAX / 100;
    const char *const start = reader->at;
    while (reader->at != reader->end && *reader->at >= '0' && *reader->at <= '9') {
        if (*value > limit || reader->at - start > 1000) {
            return -1;
        }
        *value = *value * 10 + (*reader->at - '0');
        reader->at++;
    }
    return reader->at == start ? -1 : (int)(reader->at - start);
}

/* The exponent, if there is one; false if it is malformed or absurd. */
static bool take_exponent(struct reader *reader, int *out)
{
    *out = 0;
    if (!take(reader, 'e') && !take(reader, 'E')) {
        return true;
    }
    const bool negative = take(reader, '-');
    if (!negative) {
        take(reader, '+');
    }
    wide value = 0;
    if (take_digits(reader, &value) < 0 || value > 1000) {
        return false;
    }
    *out = negative ? -(int)value : (int)value;
    return true;
}

bool decimal_parse(const char *text, size_t len, struct decimal *out)
{
    struct reader reader = {.at = text, .end = text + len};
    const bool negative = take(&reader, '-');
    const bool zero = reader.at != reader.end && *reader.at == '0';
    wide value = 0;
    const int whole = take_digits(&reader, &value);
    if (whole < 0 || (zero && whole > 1)) {
        return false;
    }
    int decimals = 0;
    if (take(&reader, '.')) {
        decimals = take_digits(&reader, &value);
        if (decimals < 0) {
            return false;
        }
    }
    int exponent;
    if (!take_exponent(&reader, &exponent) || reader.at != reader.end) {
        return false;
    }
    if (value == 0) {
        *out = (struct decimal){0};
        return true;
    }
    int scale = decimals - exponent;
    for (; scale < 0; scale++) {
        if (value > INT64_MAX) {
            return false;
        }
        value *= 10;
    }
    return narrow(negative ? -value : value, scale, out);
}

size_t decimal_format(char out[DECIMAL_TEXT_MAX + 1], struct decimal value)
{
    uint64_t rest =
        value.mantissa < 0 ? (uint64_t)-value.mantissa : (uint64_t)value.mantissa;
    int scale = value.scale;
    while (scale > 0 && rest % 10 == 0) {
        rest /= 10;
        scale--;
    }
    char text[DECIMAL_TEXT_MAX];
    size_t at = sizeof(text);
    for (int digits = 0; rest != 0 || digits <= scale; digits++) {
        if (digits == scale && scale > 0) {
            text[--at] = '.';
        }
        text[--at] = (char)('0' + rest % 10);
        rest /= 10;
    }
    if (value.mantissa < 0) {
        text[--at] = '-';
    }
    const size_t len = sizeof(text) - at;
    memcpy(out, text + at, len);
    out[len] = '\0';
    return len;
}

int decimal_compare(struct decimal a, struct decimal b)
{
    wide left = a.mantissa;
    wide right = b.mantissa;
    if (a.scale < b.scale) {
        left *= power_of_ten(b.scale - a.scale);
    } else {
        right *= power_of_ten(a.scale - b.scale);
    }
    return (left > right) - (left < right);
}

bool decimal_add(struct decimal a, struct decimal b, struct decimal *out)
{
    const int scale = a.scale > b.scale ? a.scale : b.scale;
    const wide sum = (wide)a.mantissa * power_of_ten(scale - a.scale) +
                     (wide)b.mantissa * power_of_ten(scale - b.scale);
    return narrow(sum, scale, out);
}

bool decimal_subtract(struct decimal a, struct decimal b, struct decimal *out)
{
    b.mantissa = -b.mantissa;
    return decimal_add(a, b, out);
}

bool decimal_multiply(struct decimal a, struct decimal b, struct decimal *out)
{
    return narrow((wide)a.mantissa * b.mantissa, a.scale + b.scale, out);
}

/* Sets *out to above / 10^scale / whole, rounded, halves away from zero. */
static bool divide(wide above, struct decimal whole, int scale, wide *out)
{
    const int shift = whole.scale - scale;
    wide below = whole.mantissa;
    if (below == 0 ||
        __builtin_mul_overflow(above, power_of_ten(shift > 0 ? shift : 0), &above) ||
        __builtin_mul_overflow(below, power_of_ten(shift < 0 ? -shift : 0), &below)) {
        return false;
    }
    if (below < 0) {
        above = -above;
        below = -below;
    }
    *out = above / below;
    const wide rest = above % below < 0 ? -(above % below) : above % below;
    if (rest >= below - rest) {
        *out += above < 0 ? -1 : 1;
    }
    return true;
}

bool decimal_divide(struct decimal part, struct decimal whole, int decimals,
                    struct decimal *out)
{
    wide result;
    return divide(part.mantissa * power_of_ten(decimals), whole, part.scale, &result) &&
           narrow(result, decimals, out);
}

bool decimal_percent(struct decimal part, struct decimal whole, struct decimal *out)
{
    if (whole.mantissa < 0) {
        whole.mantissa = -whole.mantissa;
    }
    wide result;
    return divide((wide)part.mantissa * 10000, whole, part.scale, &result) &&
           narrow(result, 2, out);
}
