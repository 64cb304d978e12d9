/* address — where a WebSocket server is: wss://host[:port][/path], taken apart.
 *
 * SPDX-License-Identifier: MIT
 *
 * wss is TLS, port 443 if none is given. ws, without TLS, is for this machine only: its
 * host must be localhost or a loopback address; port 80. An IPv6 host stands in brackets.
 * Names are not looked up here.
 */
#ifndef FEEDER_ADDRESS_H
#define FEEDER_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#define ADDRESS_HOST_MAX 253
#define ADDRESS_PATH_MAX 1023

struct address {
    bool tls;
    uint16_t port;
    char host[ADDRESS_HOST_MAX + 1]; /* without brackets */
    char path[ADDRESS_PATH_MAX + 1]; /* with its slash, and the query */
};

/* Returns NULL and fills *out, or returns what is wrong, a constant; then *out is
 * unspecified. */
const char *address_parse(const char *text, struct address *out);

#endif
