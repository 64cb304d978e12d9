/* places — how a process shares its file descriptors out.
 *
 * SPDX-License-Identifier: MIT
 *
 * Clients get what is left after a reserve for everything else, so that however many
 * connect, answers can be given, Redis can be reached again and /healthz is served.
 */
#ifndef GATEWAY_PLACES_H
#define GATEWAY_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#define PLACES_FILES_MIN    64 /* with fewer descriptors nothing can be shared out */
#define PLACES_VISITORS_MAX 256
#define PLACES_PAGES_MAX    64
#define PLACES_OTHERS_MAX   64

struct places {
    size_t clients;
    size_t visitors; /* connections to the API that are no clients yet */
    size_t pages;    /* connections to admin, and as many to the console */
};

/* Shares out `files` descriptors. Returns false if they are fewer than
 * PLACES_FILES_MIN. */
bool places_share_out(size_t files, struct places *out);

#endif
