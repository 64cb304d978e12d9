/* SPDX-License-Identifier: MIT */
#include "gateway/bar_page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bar {
    char *payload;
    size_t len;
};

struct bar_page {
    struct bar_page_query query;
    size_t count;
    struct bar bars[BAR_PAGE_MAX]; /* the newest first */
};

bool bar_page_is_asked(const struct request *request)
{
    return request_text_is(request->raw_path, BAR_PAGE_PATH);
}

bool bar_page_read(const struct request *request, struct bar_page_query *out)
{
    struct topic topic;
    out->limit = BAR_PAGE_DEFAULT;
    out->len = 0;
    return request_read_number(request, "limit", BAR_PAGE_MAX, &out->limit) &&
           request_read_text(request, "topic", out->topic, sizeof(out->topic),
                             &out->len) &&
           topic_parse(out->topic, out->len, &topic);
}

struct bar_page *bar_page_create(const struct bar_page_query *query)
{
    struct bar_page *page = calloc(1, sizeof(*page));
    if (page != NULL) {
        page->query = *query;
    }
    return page;
}

void bar_page_destroy(struct bar_page *page)
{
    if (page == NULL) {
        return;
    }
    for (size_t i = 0; i < page->count; i++) {
        free(page->bars[i].payload);
    }
    free(page);
}

bool bar_page_add(struct bar_page *page, const char *payload, size_t len)
{
    if (page->count >= page->query.limit) {
        return true;
    }
    char *copy = malloc(len);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, payload, len);
    page->bars[page->count++] = (struct bar){.payload = copy, .len = len};
    return true;
}

char *bar_page_write(const struct bar_page *page, size_t *out_len)
{
    char *body = NULL;
    FILE *file = open_memstream(&body, out_len);
    if (file == NULL) {
        return NULL;
    }
    /* A topic has nothing that JSON would escape. */
    fprintf(file, "{\"topic\":\"%.*s\",\"bars\":[", (int)page->query.len,
            page->query.topic);
    for (size_t i = page->count; i > 0; i--) {
        fwrite(page->bars[i - 1].payload, 1, page->bars[i - 1].len, file);
        fputs(i > 1 ? "," : "", file);
    }
    fputs("]}", file);
    if (fclose(file) != 0) {
        free(body);
        return NULL;
    }
    return body;
}
