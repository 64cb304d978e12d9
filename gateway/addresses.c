/* SPDX-License-Identifier: MIT */
#include "gateway/addresses.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/table.h"

struct address {
    UT_hash_handle hh;
    size_t clients;
    unsigned char bytes[ADDRESSES_BYTES_MAX];
};

struct addresses {
    struct address *known;
};

struct addresses *addresses_create(void)
{
    return calloc(1, sizeof(struct addresses));
}

void addresses_destroy(struct addresses *table)
{
    if (table == NULL) {
        return;
    }
    assert(table->known == NULL);
    free(table);
}

static struct address *find(const struct addresses *table, const unsigned char *bytes,
                            size_t len)
{
    struct address *address;
    HASH_FIND(hh, table->known, bytes, len, address);
    return address;
}

size_t addresses_count(const struct addresses *table, const unsigned char *bytes,
                       size_t len)
{
    const struct address *address = find(table, bytes, len);
    return address == NULL ? 0 : address->clients;
}

struct address *addresses_enter(struct addresses *table, const unsigned char *bytes,
                                size_t len)
{
    assert(len <= ADDRESSES_BYTES_MAX);
    struct address *address = find(table, bytes, len);
    if (address == NULL) {
        address = calloc(1, sizeof(*address));
        if (address == NULL) {
            return NULL;
        }
        memcpy(address->bytes, bytes, len);
        HASH_ADD_KEYPTR(hh, table->known, address->bytes, len, address);
        if (!TABLE_HAS(address)) {
            free(address);
            return NULL;
        }
    }
    address->clients++;
    return address;
}

void addresses_leave(struct addresses *table, struct address *address)
{
    if (address != NULL && --address->clients == 0) {
        HASH_DEL(table->known, address);
        free(address);
    }
}

const unsigned char *addresses_bytes(const struct sockaddr_storage *peer, size_t *out_len)
{
    if (peer->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)peer;
        *out_len = sizeof(v6->sin6_addr.s6_addr);
        return v6->sin6_addr.s6_addr;
    }
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
    *out_len = sizeof(v4->sin_addr.s_addr);
    return (const unsigned char *)&v4->sin_addr.s_addr;
}
