/* SPDX-License-Identifier: MIT */
#include "feeder/object.h"

#include <string.h>

static const char *skip_space(const char *at)
{
    while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r') {
        at++;
    }
    return at;
}

static const char *skip_string(const char *at)
{
    for (at++; *at != '"'; at++) {
        if (*at == '\\') {
            at++;
        }
    }
    return at + 1;
}

static const char *skip_value(const char *at)
{
    if (*at == '"') {
        return skip_string(at);
    }
    if (*at != '{' && *at != '[') {
        return at + strcspn(at, ",}] \t\r\n");
    }
    size_t depth = 0;
    do {
        if (*at == '"') {
            at = skip_string(at);
            continue;
        }
        if (*at == '{' || *at == '[') {
            depth++;
        } else if (*at == '}' || *at == ']') {
            depth--;
        }
        at++;
    } while (depth > 0);
    return at;
}

const char *object_begin(const char *text)
{
    return skip_space(skip_space(text) + 1);
}

bool object_next(const char **at, struct object_member *out)
{
    if (**at == '}') {
        return false;
    }
    out->name.at = *at;
    const char *end = skip_string(*at);
    out->name.len = (size_t)(end - out->name.at);
    out->value.at = skip_space(skip_space(end) + 1);
    end = skip_value(out->value.at);
    out->value.len = (size_t)(end - out->value.at);
    end = skip_space(end);
    *at = *end == ',' ? skip_space(end + 1) : end;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' ? c - 'a' + 10 : c - 'A' + 10;
}

size_t object_string(struct object_span value, char *out, size_t size)
{
    size_t len = 0;
    if (value.len < 2 || value.at[0] != '"') {
        return 0;
    }
    const char *const end = value.at + value.len - 1;
    for (const char *at = value.at + 1; at != end; at++) {
        if (len == size) {
            return 0;
        }
        int c = (unsigned char)*at;
        if (c == '\\') {
            at++;
            c = (unsigned char)*at;
            if (c == 'u') {
                c = 0;
                for (int i = 1; i <= 4; i++) {
                    c = c * 16 + hex_digit(at[i]);
                }
                at += 4;
            } else if (c != '/' && c != '\\' && c != '"') {
                return 0;
            }
        }
        if (c < ' ' || c > '~') {
            return 0;
        }
        out[len++] = (char)c;
    }
    return len;
}
