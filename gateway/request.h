/* request — the head of an HTTP/1.1 request, taken apart.
 *
 * SPDX-License-Identifier: MIT
 *
 * Strict by RFC 9112: CRLF line ends, no folded lines, no blanks around a header's name,
 * no control characters. Bodies are not read. Everything points into the parsed bytes,
 * except for the decoded path.
 */
#ifndef GATEWAY_REQUEST_H
#define GATEWAY_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#define REQUEST_MAX_BYTES   8192 /* of the whole head; a longer one is refused */
#define REQUEST_PATH_MAX    1024 /* bytes of the path, before decoding */
#define REQUEST_HEADERS_MAX 64

struct request_text {
    const char *bytes;
    size_t len;
};

struct request_header {
    struct request_text name;
    struct request_text value; /* without blanks around it */
};

struct request {
    struct request_text method;
    struct request_text query;    /* what follows the `?`; not decoded */
    bool is_http_1_1;             /* otherwise HTTP/1.0 */
    struct request_text raw_path; /* as it came, with its percent signs */
    size_t path_len;
    char path[REQUEST_PATH_MAX + 1]; /* percent-decoded, and a zero byte behind it */
    size_t header_count;
    struct request_header headers[REQUEST_HEADERS_MAX];
};

enum request_result {
    REQUEST_INCOMPLETE, /* the head has not ended yet */
    REQUEST_OK,
    REQUEST_BAD,     /* not HTTP/1.x as in RFC 9112 */
    REQUEST_TOO_LONG /* longer than REQUEST_MAX_BYTES, or too many headers */
};

/* Parses a head. With REQUEST_OK fills *out and sets *out_used to the bytes of the head;
 * otherwise neither is touched in a way one may rely on. A percent sign in the path that
 * is not followed by two hexadecimal digits is REQUEST_BAD. */
enum request_result request_parse(const char *bytes, size_t len, struct request *out,
                                  size_t *out_used);

/* The value of the only header with this name, in whatever case. Returns false if there
 * is none, or more than one. */
bool request_get_header(const struct request *request, const char *name,
                        struct request_text *out);

/* Is there a header with this name? */
bool request_has_header(const struct request *request, const char *name);

/* The value of the first query parameter with this name, still encoded. Returns false if
 * there is none. */
bool request_get_parameter(const struct request *request, const char *name,
                           struct request_text *out);

/* Reads the query parameter, a decimal number from 1 to `max`; leaves *out as it is if
 * there is none. Returns false if it is anything else. */
bool request_read_number(const struct request *request, const char *name, size_t max,
                         size_t *out);

/* Reads the query parameter, percent-decoded, `size` bytes of it at most; leaves *out_len
 * as it is if there is none. Returns false if it is longer, or not to be decoded. */
bool request_read_text(const struct request *request, const char *name, char *out,
                       size_t size, size_t *out_len);

/* Is `word` in the comma-separated list that the headers with this name make together?
 * Case does not matter. */
bool request_header_lists(const struct request *request, const char *name,
                          const char *word);

/* Undoes percent-encoding. `out` needs raw.len bytes. Returns false if a percent sign is
 * not followed by two hexadecimal digits. */
bool request_decode(struct request_text raw, char *out, size_t *out_len);

bool request_text_is(struct request_text text, const char *what);

/* The same, whatever the case. */
bool request_text_is_nocase(struct request_text text, const char *what);

#endif
