/* SPDX-License-Identifier: MIT */
#include "feeder/peer.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Copies what stands between two words, if there is room for it. */
static bool copy_between(const char *text, const char *before, const char *after,
                         char *out, size_t size)
{
    const char *begin = strstr(text, before);
    const char *end = begin == NULL ? NULL : strstr(begin + strlen(before), after);
    if (end == NULL) {
        return false;
    }
    begin += strlen(before);
    return (size_t)snprintf(out, size, "%.*s", (int)(end - begin), begin) < size;
}

/* `id=7 addr=127.0.0.1:50614 laddr=…`:
 * https://redis.io/docs/latest/commands/client-list/ */
bool peer_read_info(struct peer *peer, const char *info)
{
    if (!copy_between(info, " addr=", " laddr=", peer->address, sizeof(peer->address)) ||
        !copy_between(info, "id=", " ", peer->id, sizeof(peer->id))) {
        peer->id[0] = '\0';
        return false;
    }
    return true;
}

void peer_format(char out[PEER_TEXT_MAX + 1], const struct peer *peer)
{
    out[0] = '\0';
    if (peer->id[0] != '\0') {
        snprintf(out, PEER_TEXT_MAX + 1, "%s %s", peer->id, peer->address);
    }
}

bool peer_parse(struct peer *peer, const char *text)
{
    const char *space = strchr(text, ' ');
    peer->id[0] = '\0';
    if (space == NULL || space == text || space - text > PEER_ID_MAX ||
        strspn(text, "0123456789") != (size_t)(space - text) ||
        strlen(space + 1) > PEER_ADDRESS_MAX) {
        return false;
    }
    snprintf(peer->id, sizeof(peer->id), "%.*s", (int)(space - text), text);
    snprintf(peer->address, sizeof(peer->address), "%s", space + 1);
    return true;
}
