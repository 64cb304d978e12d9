/* SPDX-License-Identifier: MIT */
#include "gateway/forwarded.h"

#include <string.h>

#define HEADER       "X-Forwarded-For"
#define PORT_LEN_MAX 5

static bool is_port(const char *text, size_t len)
{
    if (len == 0 || len > PORT_LEN_MAX) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
    }
    return true;
}

/* Reads ADDRESS, V4:PORT, [V6] or [V6]:PORT. */
static bool read_address(struct request_text text, struct host *out)
{
    if (text.len > 0 && text.bytes[0] == '[') {
        const char *end = memchr(text.bytes, ']', text.len);
        if (end == NULL) {
            return false;
        }
        const size_t used = (size_t)(end - text.bytes) + 1;
        const size_t rest = text.len - used;
        const bool ends_well = rest == 0 || (end[1] == ':' && is_port(end + 2, rest - 1));
        return ends_well && memchr(text.bytes, ':', used) != NULL &&
               host_parse(text.bytes + 1, used - 2, out);
    }
    const char *colon = memchr(text.bytes, ':', text.len);
    const size_t before = colon == NULL ? text.len : (size_t)(colon - text.bytes);
    const size_t behind = text.len - before;
    if (colon != NULL && memchr(text.bytes, '.', before) != NULL) {
        return is_port(colon + 1, behind - 1) && host_parse(text.bytes, before, out);
    }
    return host_parse(text.bytes, text.len, out);
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* Takes the last address off the list. */
static struct request_text cut_last(struct request_text *list)
{
    size_t begin = list->len;
    while (begin > 0 && list->bytes[begin - 1] != ',') {
        begin--;
    }
    struct request_text last = {.bytes = list->bytes + begin, .len = list->len - begin};
    list->len = begin == 0 ? 0 : begin - 1;
    while (last.len > 0 && is_blank(last.bytes[0])) {
        last.bytes++;
        last.len--;
    }
    while (last.len > 0 && is_blank(last.bytes[last.len - 1])) {
        last.len--;
    }
    return last;
}

struct host forwarded_host(const struct request *request, const struct networks *trusted,
                           const struct host *peer)
{
    struct host found = *peer;
    size_t hops = 0;
    for (size_t i = request->header_count; i-- > 0;) {
        struct request_text list = request->headers[i].value;
        bool is_more = request_text_is_nocase(request->headers[i].name, HEADER);
        while (is_more && networks_contain(trusted, &found)) {
            is_more = memchr(list.bytes, ',', list.len) != NULL;
            if (++hops > FORWARDED_HOPS_MAX || !read_address(cut_last(&list), &found)) {
                return *peer;
            }
        }
    }
    return found;
}
