/* peer — a connection of a feeder as Redis knows it, so that it can be closed from there.
 *
 * SPDX-License-Identifier: MIT
 *
 * Redis carries out what it has read of a connection, however late, until the connection
 * is closed from its side. The address tells a connection from another one with the same
 * id, should Redis have been restarted.
 */
#ifndef FEEDER_PEER_H
#define FEEDER_PEER_H

#include <stdbool.h>

#define PEER_ID_MAX 20 /* a 64-bit number */
#define PEER_ADDRESS_MAX \
    127 /* an IPv6 address or the path of a Unix socket, and a port */
#define PEER_TEXT_MAX (PEER_ID_MAX + 1 + PEER_ADDRESS_MAX)

struct peer {
    char id[PEER_ID_MAX + 1]; /* empty: not known */
    char address[PEER_ADDRESS_MAX + 1];
};

/* Reads what CLIENT INFO answers. Returns false, and knows nothing, if it is not that. */
bool peer_read_info(struct peer *peer, const char *info);

/* The id, a space and the address, as a record keeps them; nothing if it is not known. */
void peer_format(char out[PEER_TEXT_MAX + 1], const struct peer *peer);

/* Returns false, and knows nothing, if the text is not what peer_format() writes. */
bool peer_parse(struct peer *peer, const char *text);

#endif
