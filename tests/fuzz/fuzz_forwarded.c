/* SPDX-License-Identifier: MIT
 *
 * Each line of the input is one X-Forwarded-For; the first one is also taken for a list
 * of networks. A peer that is not trusted speaks for itself. What stands to the left of
 * the one who counts changes nothing, and what is appended on the right always counts.
 */
#include "gateway/forwarded.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's word */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NAME  "X-Forwarded-For"
#define PROXY "10.0.0.1"

static struct networks trusted;

static struct host host_from(const char *text)
{
    struct host host;
    const bool parsed = host_parse(text, strlen(text), &host);
    assert(parsed);
    return host;
}

static void read_lines(const char *bytes, size_t size, struct request *out)
{
    out->header_count = 0;
    while (size > 0 && out->header_count < REQUEST_HEADERS_MAX - 1) {
        const char *end = memchr(bytes, '\n', size);
        const size_t len = end == NULL ? size : (size_t)(end - bytes);
        out->headers[out->header_count++] =
            (struct request_header){.name = {.bytes = NAME, .len = sizeof(NAME) - 1},
                                    .value = {.bytes = bytes, .len = len}};
        const size_t used = end == NULL ? len : len + 1;
        bytes += used;
        size -= used;
    }
}

/* The same request with one more list, on the left or the right of all others. */
static struct request with(const struct request *request, const char *list, bool on_left)
{
    struct request longer = *request;
    struct request_header *place = &longer.headers[longer.header_count];
    if (on_left) {
        memmove(longer.headers + 1, longer.headers,
                longer.header_count * sizeof(longer.headers[0]));
        place = &longer.headers[0];
    }
    *place = (struct request_header){
        .name = {.bytes = NAME, .len = sizeof(NAME) - 1},
        .value = {.bytes = list, .len = strlen(list)},
    };
    longer.header_count++;
    return longer;
}

static void finds(const struct request *request, const struct host *expected,
                  const struct host *otherwise)
{
    const struct host proxy = host_from(PROXY);
    const struct host found = forwarded_host(request, &trusted, &proxy);
    assert(host_is(&found, expected) || host_is(&found, otherwise));
}

static void check_found(const struct request *request)
{
    const struct host proxy = host_from(PROXY);
    const struct host found = forwarded_host(request, &trusted, &proxy);
    const struct host other = host_from("192.0.2.99");
    char text[HOST_TEXT_MAX];
    host_format(text, &found);
    const struct host again = host_from(text);
    assert(host_is(&again, &found));

    struct request longer = with(request, "nonsense", true);
    if (networks_contain(&trusted, &found)) {
        finds(&longer, &proxy, &proxy); /* all were trusted, or it was malformed */
        longer = with(request, "192.0.2.99", true);
        finds(&longer, &other, &proxy);
    } else {
        finds(&longer, &found, &found); /* nobody looks so far */
        longer = with(request, "10.2.3.4", false);
        finds(&longer, &found, &proxy);
    }
    longer = with(request, "192.0.2.99", false);
    finds(&longer, &other, &other);
    longer = with(request, "nonsense", false);
    finds(&longer, &proxy, &proxy);
}

static void check_networks(const char *bytes, size_t size)
{
    char *text = malloc(size + 1);
    assert(text != NULL);
    if (size > 0) {
        memcpy(text, bytes, size);
    }
    text[size] = '\0';
    struct networks networks;
    const char *why = NULL;
    if (networks_parse(text, &networks, &why)) {
        for (size_t i = 0; i < networks.count; i++) {
            assert(networks_contain(&networks, &networks.all[i].first) ||
                   networks.all[i].bits < HOST_V4_BITS);
        }
    } else {
        assert(why != NULL);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *why = NULL;
    const bool parsed = networks_parse("10.0.0.0/8,::1,fd00::/8", &trusted, &why);
    assert(parsed);
    const char *bytes = (const char *)data;
    struct request request = {0};
    read_lines(bytes, size, &request);
    check_networks(bytes, request.header_count == 0 ? 0 : request.headers[0].value.len);

    const struct host stranger = host_from("198.51.100.7");
    const struct host own = forwarded_host(&request, &trusted, &stranger);
    assert(host_is(&own, &stranger));
    check_found(&request);
    return 0;
}
