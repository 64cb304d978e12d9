/* SPDX-License-Identifier: MIT */
#include "gateway/request.h"

#include <string.h>
#include <strings.h>

static const char token_bytes[] = "!#$%&'*+-.^_`|~0123456789"
                                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

bool request_text_is(struct request_text text, const char *what)
{
    return text.len == strlen(what) && memcmp(text.bytes, what, text.len) == 0;
}

bool request_text_is_nocase(struct request_text text, const char *what)
{
    return text.len == strlen(what) && strncasecmp(text.bytes, what, text.len) == 0;
}

/* RFC 9110 section 5.6.2 */
static bool is_token(struct request_text text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.bytes[i] == '\0' || strchr(token_bytes, text.bytes[i]) == NULL) {
            return false;
        }
    }
    return text.len > 0;
}

/* Cuts `rest` at the first `end` and returns what stood before it; false if there is no
 * such byte. */
static bool cut_at(struct request_text *rest, char end, struct request_text *out)
{
    const char *at = memchr(rest->bytes, end, rest->len);
    if (at == NULL) {
        return false;
    }
    *out = (struct request_text){.bytes = rest->bytes, .len = (size_t)(at - rest->bytes)};
    rest->len -= out->len + 1;
    rest->bytes = at + 1;
    return true;
}

static struct request_text trim(struct request_text text)
{
    while (text.len > 0 && (text.bytes[0] == ' ' || text.bytes[0] == '\t')) {
        text.bytes++;
        text.len--;
    }
    while (text.len > 0 &&
           (text.bytes[text.len - 1] == ' ' || text.bytes[text.len - 1] == '\t')) {
        text.len--;
    }
    return text;
}

/* ---- the request line ---------------------------------------------------------------
 */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool request_decode(struct request_text raw, char *out, size_t *out_len)
{
    size_t len = 0;
    for (size_t i = 0; i < raw.len; i++) {
        if (raw.bytes[i] != '%') {
            out[len++] = raw.bytes[i];
            continue;
        }
        const int high = i + 2 < raw.len ? hex_digit(raw.bytes[i + 1]) : -1;
        const int low = i + 2 < raw.len ? hex_digit(raw.bytes[i + 2]) : -1;
        if (high < 0 || low < 0) {
            return false;
        }
        out[len++] = (char)(high * 16 + low);
        i += 2;
    }
    *out_len = len;
    return true;
}

/* RFC 9112 section 3.2: a path, or a whole URL as a proxy would get it. */
static bool read_target(struct request_text target, struct request *out)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        const size_t scheme = strlen(schemes[i]);
        if (target.len > scheme && strncasecmp(target.bytes, schemes[i], scheme) == 0) {
            target.bytes += scheme;
            target.len -= scheme;
            size_t host = 0;
            while (host < target.len && strchr("/?#", target.bytes[host]) == NULL) {
                host++;
            }
            if (host == 0) {
                return false;
            }
            target.bytes += host;
            target.len -= host;
            break;
        }
    }
    if (target.len == 0 || target.bytes[0] != '/') {
        return false;
    }
    out->raw_path = target;
    if (!cut_at(&target, '?', &out->raw_path)) {
        target.len = 0;
    }
    out->query = target;
    if (out->raw_path.len > REQUEST_PATH_MAX ||
        !request_decode(out->raw_path, out->path, &out->path_len)) {
        return false;
    }
    out->path[out->path_len] = '\0';
    return true;
}

static bool read_request_line(struct request_text line, struct request *out)
{
    struct request_text target;
    if (memchr(line.bytes, '\t', line.len) != NULL || !cut_at(&line, ' ', &out->method) ||
        !cut_at(&line, ' ', &target) || !is_token(out->method) ||
        !read_target(target, out)) {
        return false;
    }
    out->is_http_1_1 = request_text_is(line, "HTTP/1.1");
    return out->is_http_1_1 || request_text_is(line, "HTTP/1.0");
}

/* ---- header lines -------------------------------------------------------------------
 */

static bool read_header_line(struct request_text line, struct request_header *out)
{
    if (!cut_at(&line, ':', &out->name) || !is_token(out->name)) {
        return false;
    }
    out->value = trim(line);
    return true;
}

static bool has_control_bytes(struct request_text line)
{
    for (size_t i = 0; i < line.len; i++) {
        const unsigned char byte = (unsigned char)line.bytes[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            return true;
        }
    }
    return false;
}

/* Takes the next line without its CRLF; false if it does not end with one, or has control
 * characters. */
static bool next_line(struct request_text *rest, struct request_text *out)
{
    if (!cut_at(rest, '\n', out) || out->len == 0 || out->bytes[out->len - 1] != '\r') {
        return false;
    }
    out->len--;
    return !has_control_bytes(*out);
}

/* Returns the length of the head with the empty line that ends it, or 0. A bare LF ends
 * a line here so that the faulty head is complete, and then found to be bad. */
static size_t head_length(const char *bytes, size_t len)
{
    for (size_t i = 0; i + 1 < len; i++) {
        if (bytes[i] == '\n' && bytes[i + 1] == '\n') {
            return i + 2;
        }
        if (bytes[i] == '\n' && bytes[i + 1] == '\r' && i + 2 < len &&
            bytes[i + 2] == '\n') {
            return i + 3;
        }
    }
    return 0;
}

enum request_result request_parse(const char *bytes, size_t len, struct request *out,
                                  size_t *out_used)
{
    if (len > 0 && !is_token((struct request_text){.bytes = bytes, .len = 1})) {
        return REQUEST_BAD; /* no method begins so: the rest need not be waited for */
    }
    const size_t used =
        head_length(bytes, len < REQUEST_MAX_BYTES ? len : REQUEST_MAX_BYTES);
    if (used == 0) {
        return len < REQUEST_MAX_BYTES ? REQUEST_INCOMPLETE : REQUEST_TOO_LONG;
    }
    struct request_text rest = {.bytes = bytes, .len = used};
    struct request_text line;
    if (!next_line(&rest, &line) || !read_request_line(line, out)) {
        return REQUEST_BAD;
    }
    out->header_count = 0;
    while (next_line(&rest, &line)) {
        if (line.len == 0) {
            *out_used = used;
            return REQUEST_OK;
        }
        if (out->header_count == REQUEST_HEADERS_MAX) {
            return REQUEST_TOO_LONG;
        }
        if (!read_header_line(line, &out->headers[out->header_count])) {
            return REQUEST_BAD;
        }
        out->header_count++;
    }
    return REQUEST_BAD;
}

/* ---- looking up ---------------------------------------------------------------------
 */

bool request_get_header(const struct request *request, const char *name,
                        struct request_text *out)
{
    const struct request_header *found = NULL;
    for (size_t i = 0; i < request->header_count; i++) {
        if (request_text_is_nocase(request->headers[i].name, name)) {
            if (found != NULL) {
                return false;
            }
            found = &request->headers[i];
        }
    }
    if (found == NULL) {
        return false;
    }
    *out = found->value;
    return true;
}

bool request_has_header(const struct request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (request_text_is_nocase(request->headers[i].name, name)) {
            return true;
        }
    }
    return false;
}

bool request_get_parameter(const struct request *request, const char *name,
                           struct request_text *out)
{
    struct request_text rest = request->query;
    while (rest.len > 0) {
        struct request_text value = rest;
        if (!cut_at(&rest, '&', &value)) {
            rest.len = 0;
        }
        struct request_text key;
        if (cut_at(&value, '=', &key) && request_text_is(key, name)) {
            *out = value;
            return true;
        }
    }
    return false;
}

bool request_read_number(const struct request *request, const char *name, size_t max,
                         size_t *out)
{
    struct request_text text;
    if (!request_get_parameter(request, name, &text)) {
        return true;
    }
    size_t number = 0;
    for (size_t i = 0; i < text.len && number <= max; i++) {
        const char digit = text.bytes[i];
        if (digit < '0' || digit > '9') {
            return false;
        }
        number = 10 * number + (size_t)(digit - '0');
    }
    if (number == 0 || number > max) {
        return false;
    }
    *out = number;
    return true;
}

bool request_read_text(const struct request *request, const char *name, char *out,
                       size_t size, size_t *out_len)
{
    struct request_text raw;
    if (!request_get_parameter(request, name, &raw)) {
        return true;
    }
    char decoded[REQUEST_MAX_BYTES];
    size_t len;
    if (!request_decode(raw, decoded, &len) || len > size) {
        return false;
    }
    memcpy(out, decoded, len);
    *out_len = len;
    return true;
}

static bool list_has(struct request_text list, const char *word)
{
    struct request_text item;
    while (cut_at(&list, ',', &item)) {
        if (request_text_is_nocase(trim(item), word)) {
            return true;
        }
    }
    return request_text_is_nocase(trim(list), word);
}

bool request_header_lists(const struct request *request, const char *name,
                          const char *word)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (request_text_is_nocase(request->headers[i].name, name) &&
            list_has(request->headers[i].value, word)) {
            return true;
        }
    }
    return false;
}
