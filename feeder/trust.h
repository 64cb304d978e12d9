/* trust — certificates: can a file of them be used, and what is wrong with a server's.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef FEEDER_TRUST_H
#define FEEDER_TRUST_H

#include <stdbool.h>
#include <stddef.h>

/* libwebsockets takes a file without certificates and then trusts nobody, so it is looked
 * at before. Returns false and one line in `error`, of `room` bytes. */
bool trust_check_file(const char *path, char *error, size_t room);

/* In plain words what libwebsockets means, which gives OpenSSL's number or some of its
 * words, or NULL if it is not about a certificate: "is for another host". */
const char *trust_explain(const char *text);

#endif
