/* origins — which web pages may use this gateway.
 *
 * SPDX-License-Identifier: MIT
 *
 * An origin is what a browser says of the page that makes it ask (RFC 6454). Programs
 * have none, and are not held up. https://fetch.spec.whatwg.org/#http-cors-protocol
 */
#ifndef GATEWAY_ORIGINS_H
#define GATEWAY_ORIGINS_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/request.h"

/* Returns true if the request has no Origin, or one of `allowed`, a list with commas;
 * the empty list allows all. */
bool origins_allow(const struct request *request, const char *allowed);

/* Writes the header lines that let a page which is allowed read the answer, with a
 * terminating zero. Returns their length, or 0 if they do not fit into `size`. */
size_t origins_headers(const struct request *request, const char *allowed, char *out,
                       size_t size);

#endif
