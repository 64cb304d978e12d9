/* SPDX-License-Identifier: MIT */
#include "gateway/networks.h"

#include <string.h>

#define BITS_MAX (8U * HOST_BYTES)

/* Returns false if it is no number of bits up to `max`. */
static bool read_bits(const char *text, size_t len, unsigned max, unsigned *out)
{
    unsigned bits = 0;
    if (len == 0 || len > 3 || (len > 1 && text[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        bits = 10 * bits + (unsigned)(text[i] - '0');
    }
    *out = bits;
    return bits <= max;
}

/* Do the two agree in the first `bits`? */
static bool agree(const struct host *one, const struct host *other, unsigned bits)
{
    const unsigned bytes = bits / 8;
    const unsigned rest = bits % 8;
    if (memcmp(one->bytes, other->bytes, bytes) != 0) {
        return false;
    }
    const unsigned differing =
        rest == 0 ? 0 : (unsigned)(one->bytes[bytes] ^ other->bytes[bytes]);
    return differing >> (8 - rest) == 0;
}

static bool ends_behind(const struct host *host, unsigned bits)
{
    for (unsigned bit = bits; bit < BITS_MAX; bit++) {
        if ((host->bytes[bit / 8] & (0x80U >> bit % 8)) != 0) {
            return true;
        }
    }
    return false;
}

/* Returns what is wrong with it, or NULL. */
static const char *read_network(const char *text, size_t len, struct network *out)
{
    const char *slash = memchr(text, '/', len);
    const size_t host_len = slash == NULL ? len : (size_t)(slash - text);
    if (!host_parse(text, host_len, &out->first)) {
        return "each of them begins with an IPv4 or IPv6 address";
    }
    out->bits = BITS_MAX;
    if (slash == NULL) {
        return NULL;
    }
    const bool is_v4 = memchr(text, ':', host_len) == NULL;
    const unsigned base = is_v4 ? HOST_V4_BITS : 0;
    if (!read_bits(slash + 1, len - host_len - 1, BITS_MAX - base, &out->bits)) {
        return "behind a slash stands a number of bits, up to 32 for IPv4 and 128 for IPv6";
    }
    out->bits += base;
    return ends_behind(&out->first, out->bits)
               ? "an address has bits set behind its prefix"
               : NULL;
}

bool networks_parse(const char *text, struct networks *out, const char **why)
{
    static const char blanks[] = " \t";
    out->count = 0;
    const char *at = text + strspn(text, blanks);
    while (*at != '\0') {
        const size_t len = strcspn(at, ", \t");
        if (out->count == NETWORKS_MAX) {
            *why = "there are too many of them";
            return false;
        }
        *why = read_network(at, len, &out->all[out->count]);
        if (*why != NULL) {
            return false;
        }
        out->count++;
        at += len;
        at += strspn(at, blanks);
        if (*at == ',') {
            at++;
            at += strspn(at, blanks);
            if (*at == '\0') {
                *why = "nothing stands behind the last comma";
                return false;
            }
        } else if (*at != '\0') {
            *why = "commas separate them";
            return false;
        }
    }
    return true;
}

bool networks_contain(const struct networks *networks, const struct host *host)
{
    const bool is_v4 = host_is_v4(host);
    for (size_t i = 0; i < networks->count; i++) {
        const struct network *network = &networks->all[i];
        if ((!is_v4 || network->bits >= HOST_V4_BITS) &&
            agree(&network->first, host, network->bits)) {
            return true;
        }
    }
    return false;
}
