/* SPDX-License-Identifier: MIT */
#include "feeder/weights.h"

#include <string.h>

#include "common/topic.h"

struct weight {
    const char *symbol;
    size_t symbol_len;
    struct decimal value;
};

/* Reads the weight that *at points to, and moves *at to the next one or the end. A symbol
 * may hold an equals sign, a number does not. */
static bool next_weight(const char **at, struct weight *out)
{
    const size_t len = strcspn(*at, ",");
    const char *equals = memrchr(*at, '=', len);
    if (equals == NULL) {
        return false;
    }
    out->symbol = *at;
    out->symbol_len = (size_t)(equals - *at);
    const char *number = equals + 1;
    const char *end = *at + len;
    if (!topic_is_symbol(out->symbol, out->symbol_len) ||
        !decimal_parse(number, (size_t)(end - number), &out->value)) {
        return false;
    }
    *at = *end == ',' ? end + 1 : end;
    return *end != ',' || **at != '\0';
}

static bool is_weight(struct decimal value)
{
    const struct decimal most = {.mantissa = 1000000};
    return value.mantissa > 0 && value.scale <= WEIGHTS_DECIMALS_MAX &&
           decimal_compare(value, most) <= 0;
}

bool weights_are(const char *text)
{
    while (*text != '\0') {
        struct weight weight;
        if (!next_weight(&text, &weight) || !is_weight(weight.value)) {
            return false;
        }
    }
    return true;
}

struct decimal weights_get(const char *text, const char *symbol, size_t symbol_len)
{
    struct weight weight;
    while (*text != '\0' && next_weight(&text, &weight)) {
        if (weight.symbol_len == symbol_len &&
            memcmp(weight.symbol, symbol, symbol_len) == 0) {
            return weight.value;
        }
    }
    return (struct decimal){.mantissa = 1};
}
