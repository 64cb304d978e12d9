/* SPDX-License-Identifier: MIT */
#include "feeder/source.h"

#include <stdio.h>
#include <string.h>

#include "feeder/venue.h"

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

/* What sets it apart from others of its kind; NULL if nothing does. */
static const char *find_instance(const struct feeder_config *config,
                                 const struct source_kind *kind)
{
    if (kind == &replay_source) {
        const char *slash = strrchr(config->file, '/');
        return slash == NULL ? config->file : slash + 1;
    }
    if (kind == &exchange_source) {
        return venue_get((enum venue_name)config->venue)->name;
    }
    return NULL;
}

void source_name(const struct feeder_config *config, const struct source_list *list,
                 char out[FEED_NAME_MAX + 1])
{
    size_t len = (size_t)snprintf(out, FEED_NAME_MAX + 1, "%s", config->name);
    if (len > 0) {
        return;
    }
    for (size_t i = 0; i < list->count && len <= FEED_NAME_MAX; i++) {
        if (list->kinds[i] == &stdin_source) {
            continue;
        }
        const char *instance = find_instance(config, list->kinds[i]);
        len += (size_t)snprintf(out + len, FEED_NAME_MAX + 1 - len, "%s%s%s%s",
                                len == 0 ? "" : "+", list->kinds[i]->name,
                                instance == NULL ? "" : ":",
                                instance == NULL ? "" : instance);
    }
}
