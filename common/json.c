/* SPDX-License-Identifier: MIT */
#include "common/json.h"

#include <stdint.h>
#include <string.h>

typedef unsigned char byte;

/* Returns the length of the well-formed character at `p`, or 0 if there is none. The
 * ranges are those of RFC 3629 section 4. */
static size_t char_length(const byte *p, const byte *end)
{
    byte lead = *p;
    if (lead < 0x80) {
        return 1;
    }
    size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || (size_t)(end - p) < length) {
        return 0;
    }
    byte low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    byte high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (p[1] < low || p[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return length;
}

/* Returns true for the ASCII bytes that stand for themselves within a JSON string. */
static bool is_plain(byte c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Returns true if all eight bytes are plain: no byte is below 0x20, above 0x7F, a quote
 * or a backslash. A subtraction sets a byte's top bit where that byte was smaller. */
static bool are_plain(const byte *p)
{
    const uint64_t ones = 0x0101010101010101;
    uint64_t word;
    memcpy(&word, p, sizeof(word));
    uint64_t quotes = (word ^ (ones * '"')) - ones;
    uint64_t slashes = (word ^ (ones * '\\')) - ones;
    uint64_t controls = word - ones * 0x20;
    return ((word | quotes | slashes | controls) & (ones * 0x80)) == 0;
}

static const byte *skip_plain(const byte *p, const byte *end)
{
    while (end - p >= 8 && are_plain(p)) {
        p += 8;
    }
    while (p < end && is_plain(*p)) {
        p++;
    }
    return p;
}

/* From here on each function returns the place after what its name says, or NULL if that
 * is not what stands at `p`. */

static const byte *skip_space(const byte *p, const byte *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) {
        p++;
    }
    return p;
}

static bool is_digit(byte c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex_digit(byte c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static const byte *skip_escape(const byte *p, const byte *end)
{
    if (end - p < 2 || p[1] == '\0') {
        return NULL;
    }
    if (p[1] != 'u') {
        return strchr("\"\\/bfnrt", p[1]) != NULL ? p + 2 : NULL;
    }
    if (end - p < 6) {
        return NULL;
    }
    for (int i = 2; i < 6; i++) {
        if (!is_hex_digit(p[i])) {
            return NULL;
        }
    }
    return p + 6;
}

static const byte *skip_string(const byte *p, const byte *end)
{
    if (p == end || *p != '"') {
        return NULL;
    }
    for (p++;;) {
        p = skip_plain(p, end);
        if (p == end || *p < 0x20) {
            return NULL;
        }
        if (*p == '"') {
            return p + 1;
        }
        if (*p == '\\') {
            p = skip_escape(p, end);
            if (p == NULL) {
                return NULL;
            }
            continue;
        }
        size_t length = char_length(p, end);
        if (length == 0) {
            return NULL;
        }
        p += length;
    }
}

/* At least one. */
static const byte *skip_digits(const byte *p, const byte *end)
{
    const byte *start = p;
    while (p < end && is_digit(*p)) {
        p++;
    }
    return p == start ? NULL : p;
}

static const byte *skip_number(const byte *p, const byte *end)
{
    if (*p == '-') {
        p++;
    }
    if (p < end && *p == '0') {
        p++;
    } else {
        p = skip_digits(p, end);
    }
    if (p != NULL && p < end && *p == '.') {
        p = skip_digits(p + 1, end);
    }
    if (p != NULL && p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-')) {
            p++;
        }
        p = skip_digits(p, end);
    }
    return p;
}

static const byte *skip_word(const byte *p, const byte *end, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(end - p) < length || memcmp(p, word, length) != 0) {
        return NULL;
    }
    return p + length;
}

/* A member's name, the colon and the space around it. */
static const byte *skip_name(const byte *p, const byte *end)
{
    p = skip_string(p, end);
    if (p == NULL) {
        return NULL;
    }
    p = skip_space(p, end);
    if (p == end || *p != ':') {
        return NULL;
    }
    return skip_space(p + 1, end);
}

static const byte *skip_value(const byte *p, const byte *end, int levels_left);

/* An object or an array; `levels_left` counts it too. */
static const byte *skip_container(const byte *p, const byte *end, int levels_left)
{
    if (levels_left == 0) {
        return NULL;
    }
    bool is_object = *p == '{';
    byte close = is_object ? '}' : ']';
    p = skip_space(p + 1, end);
    if (p < end && *p == close) {
        return p + 1;
    }
    for (;;) {
        if (is_object) {
            p = skip_name(p, end);
        }
        if (p != NULL) {
            p = skip_value(p, end, levels_left - 1);
        }
        if (p == NULL) {
            return NULL;
        }
        p = skip_space(p, end);
        if (p < end && *p == close) {
            return p + 1;
        }
        if (p == end || *p != ',') {
            return NULL;
        }
        p = skip_space(p + 1, end);
    }
}

static const byte *skip_value(const byte *p, const byte *end, int levels_left)
{
    if (p == end) {
        return NULL;
    }
    switch (*p) {
    case '{':
    case '[':
        return skip_container(p, end, levels_left);
    case '"':
        return skip_string(p, end);
    case 't':
        return skip_word(p, end, "true");
    case 'f':
        return skip_word(p, end, "false");
    case 'n':
        return skip_word(p, end, "null");
    default:
        return skip_number(p, end);
    }
}

bool json_is_object(const char *text, size_t len)
{
    const byte *p = (const byte *)text;
    const byte *end = p + len;
    p = skip_space(p, end);
    if (p == end || *p != '{') {
        return false;
    }
    p = skip_container(p, end, JSON_MAX_DEPTH);
    return p != NULL && skip_space(p, end) == end;
}

bool json_is_utf8(const char *text, size_t len)
{
    const byte *p = (const byte *)text;
    const byte *end = p + len;
    while (p < end) {
        size_t length = char_length(p, end);
        if (length == 0) {
            return false;
        }
        p += length;
    }
    return true;
}

/* Writes the escape of a control character, quote or backslash. */
static size_t put_escape(char *out, byte c)
{
    static const char hex[] = "0123456789abcdef";
    static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    out[0] = '\\';
    for (const char *pair = named; *pair != '\0'; pair += 2) {
        if ((byte)pair[0] == c) {
            out[1] = pair[1];
            return 2;
        }
    }
    const char code[] = {'u', '0', '0', hex[c >> 4], hex[c & 0xF]};
    memcpy(out + 1, code, sizeof(code));
    return 1 + sizeof(code);
}

/* Writes the character at *p as it stands in a JSON string, and moves *p behind it. */
static size_t put_char(char *out, const byte **p, const byte *end)
{
    static const byte replacement[] = {0xEF, 0xBF, 0xBD}; /* U+FFFD */
    const byte *c = *p;
    size_t length = char_length(c, end);
    if (length == 0) {
        *p += 1;
        memcpy(out, replacement, sizeof(replacement));
        return sizeof(replacement);
    }
    *p += length;
    if (length == 1 && (*c == 0x7F || !is_plain(*c))) {
        return put_escape(out, *c);
    }
    if (c[0] == 0xC2 && c[1] < 0xA0) {
        return put_escape(out, c[1]);
    }
    memcpy(out, c, length);
    return length;
}

size_t json_quote(char *out, const char *text, size_t len)
{
    const byte *p = (const byte *)text;
    const byte *end = p + len;
    size_t n = 0;
    out[n++] = '"';
    while (p < end) {
        n += put_char(out + n, &p, end);
    }
    out[n++] = '"';
    return n;
}

size_t json_cut(const char *text, size_t len, size_t max)
{
    if (len <= max) {
        return len;
    }
    const byte *p = (const byte *)text;
    for (size_t back = 1; back <= 3 && back <= max; back++) {
        size_t start = max - back;
        if (char_length(p + start, p + len) > back) {
            return start;
        }
    }
    return max;
}
