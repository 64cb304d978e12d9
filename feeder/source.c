/* SPDX-License-Identifier: MIT */
#include "feeder/source.h"

#include <stdio.h>
#include <string.h>

static const struct source_kind *const kinds[] = {
    &walk_source,
    &replay_source,
    &stdin_source,
    &exchange_source,
};

static const struct source_kind *find(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strlen(kinds[i]->name) == len && memcmp(kinds[i]->name, name, len) == 0) {
            return kinds[i];
        }
    }
    return NULL;
}

/* NULL if the kind may come after those before it, or what is wrong. */
static const char *refuse(const struct feeder_config *config,
                          const struct source_kind *kind,
                          const struct source_list *before)
{
    if (kind == NULL) {
        return "there is no such source";
    }
    for (size_t i = 0; i < before->count; i++) {
        if (before->kinds[i] == kind) {
            return "named twice";
        }
    }
    if (before->count == SOURCES_MAX) {
        return "too many sources";
    }
    return kind->check == NULL ? NULL : kind->check(config);
}

bool source_parse(const struct feeder_config *config, struct source_list *out,
                  char error[SOURCE_ERROR_MAX])
{
    out->count = 0;
    const char *at = config->source;
    for (;;) {
        const size_t len = strcspn(at, ",");
        const struct source_kind *kind = find(at, len);
        const char *why = refuse(config, kind, out);
        if (why != NULL) {
            snprintf(error, SOURCE_ERROR_MAX, "--source %.*s: %s",
                     (int)(len < 32 ? len : 32), at, why);
            return false;
        }
        out->kinds[out->count++] = kind;
        if (at[len] == '\0') {
            return true;
        }
        at += len + 1;
    }
}
