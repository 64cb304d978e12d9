/* object — walks over the members of a JSON object, and reads their strings.
 *
 * SPDX-License-Identifier: MIT
 *
 * Only for text that json_is_object() found well formed: nothing is checked again.
 */
#ifndef FEEDER_OBJECT_H
#define FEEDER_OBJECT_H

#include <stdbool.h>
#include <stddef.h>

/* A piece of the object's text; a string with its quotes. */
struct object_span {
    const char *at; /* NULL if there is none */
    size_t len;
};

struct object_member {
    struct object_span name;
    struct object_span value;
};

/* Where the members of the object begin. */
const char *object_begin(const char *text);

/* Takes the member at *at, one level deep, and moves *at behind it. Returns false if
 * there are no more. */
bool object_next(const char **at, struct object_member *out);

/* Unescapes a string of printable ASCII. Returns its length, or 0 if it is empty, does
 * not fit `size` bytes, is not a string or not such ASCII. */
size_t object_string(struct object_span value, char *out, size_t size);

#endif
