/* SPDX-License-Identifier: MIT */
#include "gateway/topic_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"

bool topic_page_is_asked(const struct request *request)
{
    return request_text_is(request->raw_path, TOPIC_PAGE_PATH);
}

static bool read_text(const struct request *request, const char *name,
                      struct topic_page_text *out)
{
    out->len = 0;
    return request_read_text(request, name, out->bytes, sizeof(out->bytes), &out->len);
}

bool topic_page_read(const struct request *request, struct topic_page_query *out)
{
    out->limit = TOPIC_PAGE_DEFAULT;
    return request_read_number(request, "limit", TOPIC_PAGE_MAX, &out->limit) &&
           read_text(request, "prefix", &out->prefix) &&
           read_text(request, "after", &out->after);
}

static void write_topic(const struct topic_name *topic, FILE *file)
{
    char quoted[JSON_QUOTED_MAX(TOPIC_MAX)];
    const size_t len = json_quote(quoted, topic->text, topic->len);
    fwrite(quoted, 1, len, file);
}

static const char *word(bool is_so)
{
    return is_so ? "true" : "false";
}

/* The topics, and which one the next page begins behind. */
static void write_topics(const struct topic_list *list,
                         const struct topic_page_query *query, FILE *file)
{
    size_t begin;
    const size_t total =
        topic_list_find_prefix(list, query->prefix.bytes, query->prefix.len, &begin);
    const size_t end = begin + total;
    if (query->after.len > 0) {
        const size_t behind =
            topic_list_find_behind(list, query->after.bytes, query->after.len);
        begin = behind > begin ? behind : begin;
    }
    size_t at = begin;
    fputs("{\"topics\":[", file);
    for (; at < end && at - begin < query->limit; at++) {
        if (at > begin) {
            fputc(',', file);
        }
        write_topic(topic_list_item(list, at), file);
    }
    fprintf(file, "],\"total\":%zu,\"next\":", total);
    if (at < end) {
        write_topic(topic_list_item(list, at - 1), file);
    } else {
        fputs("null", file);
    }
}

char *topic_page_write(const struct topic_list *list,
                       const struct topic_page_query *query,
                       const struct topic_page_state *state, size_t *out_len)
{
    char *body = NULL;
    FILE *file = open_memstream(&body, out_len);
    if (file == NULL) {
        return NULL;
    }
    write_topics(list, query, file);
    fprintf(file,
            ",\"complete\":%s,\"truncated\":%s,\"stale\":%s,\"age_ms\":%" PRIu64 "}",
            word(state->is_complete), word(topic_list_is_cut(list)),
            word(state->is_stale), state->age_ms);
    if (fclose(file) != 0) {
        free(body);
        return NULL;
    }
    return body;
}
