/* SPDX-License-Identifier: MIT
 *
 * Whatever request takes for a head lies inside the input, and what upgrade makes of it
 * is a client and a key; what topic_page and bar_page make of it is a page. A head is
 * incomplete up to its last byte, and what comes behind it changes nothing.
 */
#include "gateway/bar_page.h"
#include "gateway/request.h"
#include "gateway/topic_page.h"
#include "gateway/upgrade.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"

#define PREFIXES 64 /* tried on the way to the whole input */

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's word */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct parsed {
    const char *bytes;
    size_t len;
    enum request_result result;
    size_t used;
    struct request request;
};

/* The bytes in memory of exactly their size. */
static char *copy_of(const uint8_t *data, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    assert(copy != NULL);
    if (len > 0) {
        memcpy(copy, data, len);
    }
    return copy;
}

static void parse(const char *bytes, size_t len, struct parsed *out)
{
    out->bytes = bytes;
    out->len = len;
    out->result = request_parse(bytes, len, &out->request, &out->used);
}

/* ---- the whole ----------------------------------------------------------------------
 */

static void check_text(const struct parsed *whole, struct request_text text)
{
    assert(text.bytes >= whole->bytes && text.bytes <= whole->bytes + whole->used);
    assert(text.len <= (size_t)(whole->bytes + whole->used - text.bytes));
}

static void check_upgrade(const struct parsed *whole)
{
    struct upgrade upgrade;
    if (upgrade_check(&whole->request, "https://a.example, https://b.example",
                      &upgrade) == NULL) {
        assert(proto_is_client_id(upgrade.client_id, upgrade.client_id_len));
        check_text(whole, upgrade.key);
        assert(upgrade.key.len == 24);
    }
}

static void check_topics(const struct request *request)
{
    static const char *const topics[] = {"crypto.BTC.1m", "stock.A.1m", "stock.B.1m"};
    struct topic_page_query query;
    if (!topic_page_read(request, &query)) {
        return;
    }
    struct topic_list *list = topic_list_create(3);
    assert(list != NULL);
    for (size_t i = 0; i < 3; i++) {
        topic_list_add(list, topics[i], strlen(topics[i]));
    }
    topic_list_settle(list);
    const struct topic_page_state state = {.is_complete = true};
    size_t len = 0;
    char *body = topic_page_write(list, &query, &state, &len);
    assert(body != NULL && json_is_object(body, len));
    free(body);
    topic_list_destroy(list);
}

static void check_bars(const struct request *request)
{
    struct bar_page_query query;
    struct topic topic;
    if (!bar_page_read(request, &query)) {
        return;
    }
    assert(topic_parse(query.topic, query.len, &topic));
    assert(query.limit >= 1 && query.limit <= BAR_PAGE_MAX);
    struct bar_page *page = bar_page_create(&query);
    assert(page != NULL && bar_page_add(page, "{}", 2) && bar_page_add(page, "{}", 2));
    size_t len = 0;
    char *body = bar_page_write(page, &len);
    assert(body != NULL && json_is_object(body, len));
    free(body);
    bar_page_destroy(page);
}

static void check_head(const struct parsed *whole)
{
    const struct request *request = &whole->request;
    assert(whole->used <= whole->len && whole->used <= REQUEST_MAX_BYTES);
    assert(memcmp(whole->bytes + whole->used - 4, "\r\n\r\n", 4) == 0);
    assert(memchr(whole->bytes, '\0', whole->used) == NULL);
    check_text(whole, request->method);
    check_text(whole, request->raw_path);
    check_text(whole, request->query);
    assert(request->method.len > 0 && request->raw_path.len > 0);
    assert(request->path_len <= REQUEST_PATH_MAX);
    assert(request->path[0] == '/' && request->path[request->path_len] == '\0');
    assert(request->header_count <= REQUEST_HEADERS_MAX);
    for (size_t i = 0; i < request->header_count; i++) {
        check_text(whole, request->headers[i].name);
        check_text(whole, request->headers[i].value);
        assert(request->headers[i].name.len > 0);
    }
    check_upgrade(whole);
    check_topics(request);
    check_bars(request);
}

/* ---- its prefixes -------------------------------------------------------------------
 */

static void check_same(const struct parsed *a, struct request_text of_a,
                       const struct parsed *b, struct request_text of_b)
{
    assert(of_a.bytes - a->bytes == of_b.bytes - b->bytes && of_a.len == of_b.len);
}

static void check_equal(const struct parsed *a, const struct parsed *b)
{
    const struct request *of_a = &a->request;
    const struct request *of_b = &b->request;
    assert(a->used == b->used);
    check_same(a, of_a->method, b, of_b->method);
    check_same(a, of_a->raw_path, b, of_b->raw_path);
    check_same(a, of_a->query, b, of_b->query);
    assert(of_a->is_http_1_1 == of_b->is_http_1_1);
    assert(of_a->path_len == of_b->path_len);
    assert(memcmp(of_a->path, of_b->path, of_a->path_len) == 0);
    assert(of_a->header_count == of_b->header_count);
    for (size_t i = 0; i < of_a->header_count; i++) {
        check_same(a, of_a->headers[i].name, b, of_b->headers[i].name);
        check_same(a, of_a->headers[i].value, b, of_b->headers[i].value);
    }
}

static void check_prefix(const struct parsed *whole, const uint8_t *data, size_t len)
{
    char *copy = copy_of(data, len);
    struct parsed prefix;
    parse(copy, len, &prefix);
    if (whole->result == REQUEST_OK) {
        assert(prefix.result == (len < whole->used ? REQUEST_INCOMPLETE : REQUEST_OK));
    } else {
        assert(prefix.result == REQUEST_INCOMPLETE || prefix.result == whole->result);
    }
    if (prefix.result == REQUEST_OK) {
        check_equal(&prefix, whole);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = copy_of(data, size);
    struct parsed whole;
    parse(copy, size, &whole);
    for (size_t len = 0; len < size; len += size / PREFIXES + 1) {
        check_prefix(&whole, data, len);
    }
    if (whole.result == REQUEST_OK) {
        check_head(&whole);
        check_prefix(&whole, data, whole.used - 1);
        check_prefix(&whole, data, whole.used);
    }
    free(copy);
    return 0;
}
