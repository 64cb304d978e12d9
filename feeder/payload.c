/* SPDX-License-Identifier: MIT */
#include "feeder/payload.h"

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "common/json.h"
#include "feeder/calendar.h"

#define DEPTH 3 /* that json-c needs for an object and its members */

struct payload {
    struct json_tokener *tokener;
    struct json_object *root;
};

struct payload *payload_open(const char *text, size_t len)
{
    struct payload *payload = calloc(1, sizeof(*payload));
    if (payload == NULL || !json_is_object(text, len)) {
        free(payload);
        return NULL;
    }
    payload->tokener = json_tokener_new_ex(DEPTH);
    if (payload->tokener != NULL) {
        payload->root = json_tokener_parse_ex(payload->tokener, text, (int)len);
    }
    if (!json_object_is_type(payload->root, json_type_object)) {
        payload_close(payload);
        return NULL;
    }
    return payload;
}

void payload_close(struct payload *payload)
{
    if (payload != NULL) {
        json_object_put(payload->root);
        if (payload->tokener != NULL) {
            json_tokener_free(payload->tokener);
        }
        free(payload);
    }
}

bool payload_decimal(const struct payload *payload, const char *name, struct decimal *out)
{
    struct json_object *value;
    if (!json_object_object_get_ex(payload->root, name, &value) ||
        !(json_object_is_type(value, json_type_int) ||
          json_object_is_type(value, json_type_double))) {
        return false;
    }
    const char *text = json_object_get_string(value); /* as it was written */
    return text != NULL && decimal_parse(text, strlen(text), out);
}

/* Beyond 64 bits json-c says the largest number, which is refused with them. */
bool payload_count(const struct payload *payload, const char *name, uint64_t *out)
{
    struct json_object *value;
    if (!json_object_object_get_ex(payload->root, name, &value) ||
        !json_object_is_type(value, json_type_int) ||
        strchr(json_object_get_string(value), '-') != NULL ||
        json_object_get_uint64(value) == UINT64_MAX) {
        return false;
    }
    *out = json_object_get_uint64(value);
    return true;
}

bool payload_time(const struct payload *payload, const char *name, int64_t *out_us)
{
    struct json_object *value;
    return json_object_object_get_ex(payload->root, name, &value) &&
           json_object_is_type(value, json_type_string) &&
           calendar_parse(json_object_get_string(value),
                          (size_t)json_object_get_string_len(value), out_us);
}

bool payload_flag(const struct payload *payload, const char *name, bool *out)
{
    struct json_object *value;
    if (!json_object_object_get_ex(payload->root, name, &value) ||
        !json_object_is_type(value, json_type_boolean)) {
        return false;
    }
    *out = json_object_get_boolean(value);
    return true;
}

bool payload_is(const struct payload *payload, const char *name, const char *text)
{
    struct json_object *value;
    return json_object_object_get_ex(payload->root, name, &value) &&
           json_object_is_type(value, json_type_string) &&
           strcmp(json_object_get_string(value), text) == 0;
}
