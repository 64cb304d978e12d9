/* redis_url — the text that says where Redis is, taken apart.
 *
 * SPDX-License-Identifier: MIT
 *
 *     redis://[user:password@]host[:port][/db]        port 6379, database 0 if not given
 *     unix://[user:password@]/path[?db=N]
 *
 * The user may be empty: `redis://:password@host` logs in as the default user. User and
 * password are percent-decoded; an IPv6 host stands in brackets. A login without a colon
 * is refused, because programs disagree on whether it is the user or the password. Host
 * names are not looked up here.
 */
#ifndef COMMON_REDIS_URL_H
#define COMMON_REDIS_URL_H

#include <stdbool.h>
#include <stdint.h>

#define REDIS_URL_PART_MAX 255
#define REDIS_URL_DB_MAX   999999

/* Each text ends with a zero byte. Exactly one of `host` and `path` is not empty. */
struct redis_url {
    char host[REDIS_URL_PART_MAX + 1]; /* without brackets */
    char path[REDIS_URL_PART_MAX + 1]; /* of the unix socket; short enough for one */
    char user[REDIS_URL_PART_MAX + 1];
    char password[REDIS_URL_PART_MAX + 1]; /* empty together with `user`: no login */
    uint16_t port;                         /* 0 with a unix socket */
    int db;
};

/* Returns true and fills *out, or returns false and sets *why to a constant sentence that
 * says what is wrong or what to write instead; it never repeats any of the URL. */
bool redis_url_parse(const char *text, struct redis_url *out, const char **why);

#endif
