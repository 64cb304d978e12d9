/* refusal — errors of Redis that are about the server or the account, not the message.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef FEEDER_REFUSAL_H
#define FEEDER_REFUSAL_H

#include <stdbool.h>

struct refusal {
    const char *code; /* how Redis's words begin */
    const char *hint; /* ours; NULL where Redis's own are clear */
    bool lasting;     /* as long as nobody changes the account or the server */
};

/* NULL if Redis's words are no such error: then the command itself was at fault. */
const struct refusal *refusal_find(const char *text);

#endif
