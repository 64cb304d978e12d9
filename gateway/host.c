/* SPDX-License-Identifier: MIT */
#include "gateway/host.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define V4_BEGIN (HOST_V4_BITS / 8)

static const unsigned char v4_prefix[V4_BEGIN] = {[10] = 0xff, [11] = 0xff};

static struct host of_v4(const struct in_addr *address)
{
    struct host host;
    memcpy(host.bytes, v4_prefix, sizeof(v4_prefix));
    memcpy(host.bytes + V4_BEGIN, address, sizeof(*address));
    return host;
}

static struct host of_v6(const struct in6_addr *address)
{
    struct host host;
    memcpy(host.bytes, address, sizeof(host.bytes));
    return host;
}

struct host host_of_peer(const struct sockaddr_storage *peer)
{
    if (peer->ss_family == AF_INET6) {
        return of_v6(&((const struct sockaddr_in6 *)peer)->sin6_addr);
    }
    if (peer->ss_family == AF_INET) {
        return of_v4(&((const struct sockaddr_in *)peer)->sin_addr);
    }
    return (struct host){0};
}

bool host_parse(const char *text, size_t len, struct host *out)
{
    char copy[HOST_TEXT_MAX];
    if (len >= sizeof(copy) || memchr(text, '\0', len) != NULL) {
        return false;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, copy, &v4) == 1) {
        *out = of_v4(&v4);
        return true;
    }
    if (inet_pton(AF_INET6, copy, &v6) == 1) {
        *out = of_v6(&v6);
        return true;
    }
    return false;
}

void host_format(char out[HOST_TEXT_MAX], const struct host *host)
{
    out[0] = '\0';
    if (host_is_v4(host)) {
        inet_ntop(AF_INET, host->bytes + V4_BEGIN, out, HOST_TEXT_MAX);
    } else {
        inet_ntop(AF_INET6, host->bytes, out, HOST_TEXT_MAX);
    }
}

bool host_is_v4(const struct host *host)
{
    return memcmp(host->bytes, v4_prefix, sizeof(v4_prefix)) == 0;
}

bool host_is(const struct host *one, const struct host *other)
{
    return memcmp(one->bytes, other->bytes, sizeof(one->bytes)) == 0;
}
