/* SPDX-License-Identifier: MIT */
#include "feeder/address.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static bool is_loopback(const char *host)
{
    struct in_addr four;
    struct in6_addr six;
    if (strcasecmp(host, "localhost") == 0) {
        return true;
    }
    if (inet_pton(AF_INET, host, &four) == 1) {
        return (ntohl(four.s_addr) >> 24) == 127;
    }
    return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

/* Returns the text behind the host, or NULL if there is none that will do. */
static const char *take_host(const char *text, struct address *out)
{
    const bool bracket = text[0] == '[';
    const char *start = bracket ? text + 1 : text;
    const size_t len = strcspn(start, bracket ? "]" : ":/?#[]@");
    if (len == 0 || len > ADDRESS_HOST_MAX || (bracket && start[len] != ']')) {
        return NULL;
    }
    for (size_t i = 0; i < len; i++) {
        if (start[i] <= ' ' || start[i] > '~') {
            return NULL;
        }
    }
    memcpy(out->host, start, len);
    out->host[len] = '\0';
    struct in6_addr six;
    if (bracket && inet_pton(AF_INET6, out->host, &six) != 1) {
        return NULL;
    }
    return start + len + bracket;
}

/* Returns the text behind the port, which may be missing, or NULL. */
static const char *take_port(const char *text, struct address *out)
{
    if (text[0] != ':') {
        return text;
    }
    unsigned port = 0;
    for (text++; *text >= '0' && *text <= '9' && port <= UINT16_MAX; text++) {
        port = port * 10 + (unsigned)(*text - '0');
    }
    if (port == 0 || port > UINT16_MAX) {
        return NULL;
    }
    out->port = (uint16_t)port;
    return text;
}

static bool take_path(const char *text, struct address *out)
{
    if (text[0] == '\0') {
        text = "/";
    }
    const size_t len = strlen(text);
    if (text[0] != '/' || len > ADDRESS_PATH_MAX) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~' || text[i] == '#') {
            return false;
        }
    }
    memcpy(out->path, text, len + 1);
    return true;
}

const char *address_parse(const char *text, struct address *out)
{
    out->tls = strncasecmp(text, "wss://", 6) == 0;
    if (!out->tls && strncasecmp(text, "ws://", 5) != 0) {
        return "not of the form wss://host[:port]/path";
    }
    out->port = out->tls ? 443 : 80;
    const char *rest = take_host(text + (out->tls ? 6 : 5), out);
    if (rest == NULL) {
        return "no usable host";
    }
    rest = take_port(rest, out);
    if (rest == NULL) {
        return "no usable port";
    }
    if (!take_path(rest, out)) {
        return "no usable path";
    }
    if (!out->tls && !is_loopback(out->host)) {
        return "ws:// is without encryption and for this machine only; use wss://";
    }
    return NULL;
}
