/* SPDX-License-Identifier: MIT */
#include "common/redis_url.h"

#include <string.h>
#include <sys/un.h>

/* A part of the text. */
struct slice {
    const char *at;
    size_t len;
};

static struct slice slice_to(const char *start, const char *end)
{
    return (struct slice){start, (size_t)(end - start)};
}

static bool fail(const char **why, const char *sentence)
{
    *why = sentence;
    return false;
}

/* Reads a number of 1..9 digits that is not above `max`. */
static bool parse_number(struct slice text, int max, int *out)
{
    int number = 0;
    if (text.len < 1 || text.len > 9) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return false;
        }
        number = number * 10 + (text.at[i] - '0');
    }
    if (number > max) {
        return false;
    }
    *out = number;
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads the byte at text.at[*i], which may be written %XX, and moves *i to its last. */
static bool decode_byte(struct slice text, size_t *i, char *out)
{
    *out = text.at[*i];
    if (*out != '%') {
        return true;
    }
    int high = text.len - *i > 2 ? hex_value(text.at[*i + 1]) : -1;
    int low = high >= 0 ? hex_value(text.at[*i + 2]) : -1;
    *out = (char)(high * 16 + low);
    *i += 2;
    return low >= 0 && *out != '\0';
}

static bool decode(struct slice text, char out[REDIS_URL_PART_MAX + 1])
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (len == REDIS_URL_PART_MAX || !decode_byte(text, &i, &out[len])) {
            return false;
        }
        len++;
    }
    out[len] = '\0';
    return true;
}

static bool copy(struct slice text, size_t max, char out[REDIS_URL_PART_MAX + 1])
{
    if (text.len < 1 || text.len > max) {
        return false;
    }
    memcpy(out, text.at, text.len);
    out[text.len] = '\0';
    return true;
}

static bool parse_login(struct slice login, struct redis_url *url, const char **why)
{
    const char *colon = memchr(login.at, ':', login.len);
    if (colon == NULL) {
        return fail(why, "write user:password@, or :password@ for the default user");
    }
    if (!decode(slice_to(login.at, colon), url->user) ||
        !decode(slice_to(colon + 1, login.at + login.len), url->password)) {
        return fail(why, "the user or the password is too long or holds a % that is not "
                         "followed by two hexadecimal digits (write a % itself as %25)");
    }
    return true;
}

/* host, host:port, [v6], [v6]:port. */
static bool parse_host(struct slice text, struct redis_url *url, const char **why)
{
    const char *end = text.at + text.len;
    bool bracket = text.len > 0 && text.at[0] == '[';
    const char *host = bracket ? text.at + 1 : text.at;
    const char *host_end = memchr(text.at, bracket ? ']' : ':', text.len);
    if (host_end == NULL) {
        if (bracket) {
            return fail(why, "the [ before the host is never closed");
        }
        host_end = end;
    }
    const char *port = bracket ? host_end + 1 : host_end;
    if (!copy(slice_to(host, host_end), REDIS_URL_PART_MAX, url->host)) {
        return fail(why, "the host is missing or too long");
    }
    if (strpbrk(url->host, " \t\r\n?#%[]") != NULL) {
        return fail(why, "the host holds a character no host name has");
    }
    int number = 6379;
    if (port != end &&
        (*port != ':' || !parse_number(slice_to(port + 1, end), UINT16_MAX, &number) ||
         number == 0)) {
        return fail(why, "the port is not a number from 1 to 65535");
    }
    url->port = (uint16_t)number;
    return true;
}

static bool parse_db(struct slice text, struct redis_url *url, const char **why)
{
    if (!parse_number(text, REDIS_URL_DB_MAX, &url->db)) {
        return fail(why, "the database is not a number from 0 to 999999");
    }
    return true;
}

/* What follows redis:// . An @ can stand in the login only, so the last one ends it. */
static bool parse_tcp(const char *text, struct redis_url *url, const char **why)
{
    const char *at = strrchr(text, '@');
    if (at != NULL && !parse_login(slice_to(text, at), url, why)) {
        return false;
    }
    const char *host = at != NULL ? at + 1 : text;
    const char *host_end = strchrnul(host, '/');
    if (!parse_host(slice_to(host, host_end), url, why)) {
        return false;
    }
    const char *db = *host_end == '/' ? host_end + 1 : host_end;
    return *db == '\0' || parse_db(slice_to(db, db + strlen(db)), url, why);
}

/* What follows unix:// . The path begins with a slash, so `@/` ends a login. */
static bool parse_unix(const char *text, struct redis_url *url, const char **why)
{
    const char *path = text;
    if (*text != '/') {
        path = strstr(text, "@/");
        if (path == NULL) {
            return fail(why, "the path of the socket must begin with a slash");
        }
        if (!parse_login(slice_to(text, path), url, why)) {
            return false;
        }
        path++;
    }
    const char *path_end = strchrnul(path, '?');
    const size_t path_max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
    if (!copy(slice_to(path, path_end), path_max, url->path)) {
        return fail(why, "the path of the socket is longer than the system allows");
    }
    if (*path_end == '\0') {
        return true;
    }
    if (strncmp(path_end, "?db=", 4) != 0) {
        return fail(why, "after the path of the socket only ?db=N may follow");
    }
    return parse_db(slice_to(path_end + 4, path_end + strlen(path_end)), url, why);
}

bool redis_url_parse(const char *text, struct redis_url *out, const char **why)
{
    struct redis_url url = {.db = 0};
    bool good;
    if (strncmp(text, "redis://", 8) == 0) {
        good = parse_tcp(text + 8, &url, why);
    } else if (strncmp(text, "unix://", 7) == 0) {
        good = parse_unix(text + 7, &url, why);
    } else if (strncmp(text, "rediss://", 9) == 0) {
        good = fail(why, "TLS (rediss://) is not supported; use redis:// or unix://");
    } else {
        good = fail(why, "it must begin with redis:// or unix://");
    }
    if (good) {
        *out = url;
    }
    return good;
}
