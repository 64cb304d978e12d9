/* SPDX-License-Identifier: MIT */
#include "gateway/origins.h"

#include <stdio.h>
#include <string.h>

bool origins_allow(const struct request *request, const char *allowed)
{
    if (allowed[0] == '\0' || !request_has_header(request, "Origin")) {
        return true; /* only browsers have origins */
    }
    struct request_text origin;
    if (!request_get_header(request, "Origin", &origin)) {
        return false;
    }
    for (const char *at = allowed; *at != '\0'; at += strcspn(at, ",")) {
        at += strspn(at, ", \t");
        const size_t len = strcspn(at, ", \t");
        if (len > 0 && len == origin.len && memcmp(at, origin.bytes, len) == 0) {
            return true;
        }
    }
    return false;
}

size_t origins_headers(const struct request *request, const char *allowed, char *out,
                       size_t size)
{
    static const char name[] = "Access-Control-Allow-Origin: ";
    struct request_text origin = {.bytes = "", .len = 0};
    int len;
    if (allowed[0] == '\0') {
        len = snprintf(out, size, "%s*\r\n", name);
    } else if (request_get_header(request, "Origin", &origin) &&
               origins_allow(request, allowed)) {
        len = snprintf(out, size, "%s%.*s\r\nVary: Origin\r\n", name, (int)origin.len,
                       origin.bytes);
    } else {
        len = snprintf(out, size, "Vary: Origin\r\n");
    }
    return len > 0 && (size_t)len < size ? (size_t)len : 0;
}
