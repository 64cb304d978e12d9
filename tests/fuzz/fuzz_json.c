/* SPDX-License-Identifier: MIT
 *
 * What json takes for an object another parser can read, and whatever it quotes or cuts
 * is well formed.
 */
#include "common/json.h"

#include <assert.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's word */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_with_json_c(const char *text, size_t len)
{
    /* json-c counts the scalar in the innermost container as a level of its own. */
    struct json_tokener *tokener = json_tokener_new_ex(JSON_MAX_DEPTH + 1);
    assert(tokener != NULL);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *object = json_tokener_parse_ex(tokener, text, (int)len);
    assert(json_tokener_get_error(tokener) == json_tokener_success);
    assert(json_object_is_type(object, json_type_object));
    json_object_put(object);
    json_tokener_free(tokener);
}

static void check_quoting(const char *text, size_t len)
{
    char *object = malloc(JSON_QUOTED_MAX(len) + 8);
    assert(object != NULL);
    size_t at = 0;
    object[at++] = '{';
    at += json_quote(object + at, text, len);
    assert(at <= JSON_QUOTED_MAX(len) + 1);
    object[at++] = ':';
    object[at++] = '0';
    object[at++] = '}';
    assert(json_is_object(object, at));
    free(object);
}

static void check_cutting(const char *text, size_t len)
{
    bool good = json_is_utf8(text, len);
    for (size_t max = 0; max < len && max < 64; max++) {
        size_t cut = json_cut(text, len, max);
        assert(cut <= max && cut + 3 >= max);
        assert(!good || (json_is_utf8(text, cut) && json_is_utf8(text + cut, len - cut)));
    }
    assert(json_cut(text, len, len) == len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    if (size > INT_MAX) {
        return 0;
    }
    if (json_is_object(text, size)) {
        assert(json_is_utf8(text, size));
        check_with_json_c(text, size);
    }
    check_quoting(text, size);
    check_cutting(text, size);
    return 0;
}
