/* SPDX-License-Identifier: MIT */
#include "gateway/addresses.h"

#include <assert.h>
#include <stdlib.h>

#include "common/table.h"

struct address {
    UT_hash_handle hh;
    size_t clients;
    struct host host;
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

static struct address *find(const struct addresses *table, const struct host *host)
{
    struct address *address;
    HASH_FIND(hh, table->known, host->bytes, sizeof(host->bytes), address);
    return address;
}

size_t addresses_count(const struct addresses *table, const struct host *host)
{
    const struct address *address = find(table, host);
    return address == NULL ? 0 : address->clients;
}

struct address *addresses_enter(struct addresses *table, const struct host *host)
{
    struct address *address = find(table, host);
    if (address == NULL) {
        address = calloc(1, sizeof(*address));
        if (address == NULL) {
            return NULL;
        }
        address->host = *host;
        HASH_ADD(hh, table->known, host.bytes, sizeof(address->host.bytes), address);
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
