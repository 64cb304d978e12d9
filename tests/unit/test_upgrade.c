/* SPDX-License-Identifier: MIT */
#include "gateway/upgrade.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define PATH "/api/v1/ws/"
#define KEY  "dGhlIHNhbXBsZSBub25jZQ=="
#define E_ID "\xC3\xA9" /* é */

/* What a client says; a test changes what it is about. Header lines are complete, and
 * may be none or several. */
static struct {
    const char *method;
    const char *target;
    const char *http;
    const char *host;
    const char *upgrade;
    const char *connection;
    const char *key;
    const char *version;
    const char *more;
} say;

static const char *allowed_origins;
static char head[4096];
static struct request request;
static struct upgrade upgrade;

static void setup(void)
{
    say.method = "GET";
    say.target = PATH "a";
    say.http = "HTTP/1.1";
    say.host = "Host: a.example\r\n";
    say.upgrade = "Upgrade: websocket\r\n";
    say.connection = "Connection: Upgrade\r\n";
    say.key = "Sec-WebSocket-Key: " KEY "\r\n";
    say.version = "Sec-WebSocket-Version: 13\r\n";
    say.more = "";
    allowed_origins = "";
}

static const struct upgrade_refusal *ask(void)
{
    const int len = snprintf(head, sizeof(head), "%s %s %s\r\n%s%s%s%s%s%s\r\n",
                             say.method, say.target, say.http, say.host, say.upgrade,
                             say.connection, say.key, say.version, say.more);
    size_t used;
    ck_assert_int_eq(request_parse(head, (size_t)len, &request, &used), REQUEST_OK);
    memset(&upgrade, 0, sizeof(upgrade));
    return upgrade_check(&request, allowed_origins, &upgrade);
}

static void accept(void)
{
    const struct upgrade_refusal *refusal = ask();
    ck_assert_msg(refusal == NULL, "%s: %s", refusal == NULL ? "" : refusal->error_code,
                  head);
}

static void refuse(enum stats_refusal reason, unsigned status, const char *error_code)
{
    const struct upgrade_refusal *refusal = ask();
    ck_assert_msg(refusal != NULL, "accepted: %s", head);
    ck_assert_msg(strcmp(refusal->error_code, error_code) == 0, "%s: %s",
                  refusal->error_code, head);
    ck_assert_uint_eq(refusal->reason, reason);
    ck_assert_uint_eq(refusal->status, status);
}

static void refuse_path(const char *target)
{
    say.target = target;
    refuse(STATS_REFUSED_PATH, 404, "not_found");
}

static void refuse_client_id(const char *encoded)
{
    char target[REQUEST_PATH_MAX + 1];
    snprintf(target, sizeof(target), PATH "%s", encoded);
    say.target = target;
    refuse(STATS_REFUSED_CLIENT_ID, 400, "invalid_client_id");
}

static void accept_client_id(const char *encoded, const char *client_id)
{
    char target[REQUEST_PATH_MAX + 1];
    snprintf(target, sizeof(target), PATH "%s", encoded);
    say.target = target;
    accept();
    ck_assert_uint_eq(upgrade.client_id_len, strlen(client_id));
    ck_assert_mem_eq(upgrade.client_id, client_id, upgrade.client_id_len);
}

static void refuse_handshake(void)
{
    refuse(STATS_REFUSED_HANDSHAKE, 400, "invalid_handshake");
}

static void refuse_plain(void)
{
    refuse(STATS_REFUSED_HANDSHAKE, 426, "upgrade_required");
}

static void refuse_version(void)
{
    refuse(STATS_REFUSED_VERSION, 426, "unsupported_version");
}

static void refuse_origin(void)
{
    refuse(STATS_REFUSED_ORIGIN, 403, "origin_not_allowed");
}

/* ---- the whole ----------------------------------------------------------------------
 */

START_TEST(a_handshake_gives_the_client_and_the_key)
{
    accept();
    ck_assert_uint_eq(upgrade.client_id_len, 1);
    ck_assert_int_eq(upgrade.client_id[0], 'a');
    ck_assert(request_text_is(upgrade.key, KEY));
    ck_assert_ptr_eq(upgrade.key.bytes, strstr(head, KEY));
}
END_TEST

START_TEST(the_first_thing_wrong_is_the_one_told)
{
    say.method = "POST";
    say.target = "/api/v2/ws/%01";
    say.http = "HTTP/1.0";
    say.version = "Sec-WebSocket-Version: 8\r\n";
    say.key = "";
    say.more = "Origin: https://bad.example\r\n";
    allowed_origins = "https://good.example";
    refuse_path(say.target);
    refuse_client_id("%01");
    say.target = PATH "a";
    refuse_plain();
    say.method = "GET";
    refuse_version();
    say.version = "Sec-WebSocket-Version: 13\r\n";
    refuse_handshake();
    say.http = "HTTP/1.1";
    refuse_handshake();
    say.key = "Sec-WebSocket-Key: " KEY "\r\n";
    refuse_origin();
    say.more = "Origin: https://good.example\r\n";
    accept();
}
END_TEST

START_TEST(an_offered_subprotocol_or_extension_does_no_harm)
{
    say.more = "Sec-WebSocket-Protocol: chat, superchat\r\n"
               "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    accept();
}
END_TEST

START_TEST(delivery_is_latest_unless_all_is_asked_for)
{
    static const struct {
        const char *target;
        bool wants_all;
    } cases[] = {{PATH "a", false},
                 {PATH "a?delivery=latest", false},
                 {PATH "a?delivery=all", true},
                 {PATH "a?token=x&delivery=all&more", true},
                 {PATH "a?delivery", false},
                 {PATH "a?nodelivery=all", false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        say.target = cases[i].target;
        accept();
        ck_assert_msg(upgrade.wants_all == cases[i].wants_all, "%s", say.target);
    }
}
END_TEST

START_TEST(an_unknown_delivery_is_refused)
{
    say.target = PATH "a?delivery=some";
    refuse(STATS_REFUSED_HANDSHAKE, 400, "invalid_delivery");
    say.target = PATH "a?delivery=";
    refuse(STATS_REFUSED_HANDSHAKE, 400, "invalid_delivery");
}
END_TEST

START_TEST(names_and_words_may_have_any_case)
{
    say.host = "HOST: a\r\n";
    say.upgrade = "upgrade: WebSocket\r\n";
    say.connection = "CONNECTION: UPGRADE\r\n";
    say.key = "sec-websocket-key: " KEY "\r\n";
    say.version = "SEC-WEBSOCKET-VERSION: 13\r\n";
    accept();
}
END_TEST

/* ---- the path -----------------------------------------------------------------------
 */

START_TEST(another_path_is_not_found)
{
    static const char *const targets[] = {
        "/",
        "/api/v1/ws",
        "/api/v1",
        "/api/v1/wsa",
        "/api/v2/ws/a",
        "//api/v1/ws/a",
        "/API/v1/ws/a",
        "/x/api/v1/ws/a",
        "/api//v1/ws/a",
        "/ws/a",
    };
    for (size_t i = 0; i < COUNT(targets); i++) {
        refuse_path(targets[i]);
    }
}
END_TEST

START_TEST(an_empty_segment_is_not_found)
{
    refuse_path(PATH);
    refuse_path(PATH "?client_id=a");
    refuse_path(PATH "/");
}
END_TEST

START_TEST(a_segment_too_many_is_not_found)
{
    refuse_path(PATH "a/b");
    refuse_path(PATH "a/");
    refuse_path(PATH "/a");
    refuse_path(PATH "%01/");
}
END_TEST

START_TEST(only_the_client_id_may_be_percent_encoded)
{
    refuse_path("/%61pi/v1/ws/a");
    refuse_path("/api/v1/ws%2Fa");
}
END_TEST

START_TEST(a_query_is_no_part_of_the_client_id)
{
    accept_client_id("a?token=b/c", "a");
    accept_client_id("a?", "a");
}
END_TEST

START_TEST(a_whole_url_will_do)
{
    say.target = "http://a.example" PATH "b";
    accept();
    ck_assert_int_eq(upgrade.client_id[0], 'b');
}
END_TEST

/* ---- the client ---------------------------------------------------------------------
 */

START_TEST(a_client_id_is_percent_decoded)
{
    accept_client_id("a%2Fb", "a/b");
    accept_client_id("%2f", "/");
    accept_client_id("a%20b", "a b");
    accept_client_id("a%3Fb%25", "a?b%");
    accept_client_id("%252F", "%2F");
}
END_TEST

START_TEST(a_plus_sign_stays_one)
{
    accept_client_id("a+b", "a+b");
    accept_client_id("a%2Bb", "a+b");
}
END_TEST

START_TEST(a_client_id_may_be_utf8)
{
    accept_client_id("caf%C3%A9", "caf" E_ID);
    accept_client_id("caf" E_ID, "caf" E_ID);
    accept_client_id("%F0%9F%93%88", "\xF0\x9F\x93\x88");
    accept_client_id("%C2%A0", "\xC2\xA0");
}
END_TEST

START_TEST(a_client_id_that_is_not_utf8_is_refused)
{
    static const char *const bad[] = {
        "%FF",          "%80",   "%C0%AF",    "%C1%BF",       "%E0%80%AF",
        "%F0%80%80%AF", "%C3",   "%ED%A0%80", "%F4%90%80%80", "%F5%80%80%80",
        "%E2%82",       "a%C3b", "%C3%A9%A9", "\xC0\xAF",     "\xFF",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        refuse_client_id(bad[i]);
    }
}
END_TEST

START_TEST(a_client_id_has_no_control_characters)
{
    static const char *const bad[] = {"%00", "a%00b", "%01",    "%09",    "%0A",    "%0d",
                                      "%1F", "%7F",   "%C2%80", "%C2%9F", "a%1b%5b"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        refuse_client_id(bad[i]);
    }
}
END_TEST

START_TEST(a_client_id_may_have_128_bytes_and_no_more)
{
    char id[PROTO_CLIENT_ID_MAX + 2] = "";
    memset(id, 'a', PROTO_CLIENT_ID_MAX);
    accept_client_id(id, id);
    id[PROTO_CLIENT_ID_MAX] = 'a';
    refuse_client_id(id);
}
END_TEST

START_TEST(a_client_id_is_measured_after_it_is_decoded)
{
    char encoded[3 * PROTO_CLIENT_ID_MAX + 4] = "";
    char id[PROTO_CLIENT_ID_MAX + 1] = "";
    for (size_t i = 0; i < PROTO_CLIENT_ID_MAX; i++) {
        memcpy(encoded + 3 * i, i % 2 == 0 ? "%C3" : "%A9", 4);
        id[i] = E_ID[i % 2];
    }
    accept_client_id(encoded, id);
    memcpy(encoded + sizeof(encoded) - 4, "%41", 4);
    refuse_client_id(encoded);
}
END_TEST

START_TEST(the_longest_path_has_no_valid_client_id)
{
    char id[REQUEST_PATH_MAX - sizeof(PATH) + 2] = "";
    memset(id, 'a', sizeof(id) - 1);
    refuse_client_id(id);
    ck_assert_uint_eq(request.path_len, REQUEST_PATH_MAX);
}
END_TEST

/* ---- the handshake ------------------------------------------------------------------
 */

START_TEST(a_plain_request_is_told_to_upgrade)
{
    say.upgrade = "";
    refuse_plain();
    ck_assert_str_eq(ask()->headers,
                     "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
}
END_TEST

START_TEST(only_get_asks_for_an_upgrade)
{
    static const char *const methods[] = {"POST", "HEAD", "OPTIONS", "get", "GETS", "GE"};
    for (size_t i = 0; i < COUNT(methods); i++) {
        say.method = methods[i];
        refuse_plain();
    }
}
END_TEST

START_TEST(upgrade_is_a_list_with_websocket)
{
    static const char *const good[] = {
        "Upgrade: h2c, websocket\r\n",
        "Upgrade: websocket ,h2c\r\n",
        "Upgrade: h2c\r\nUpgrade: WEBSOCKET\r\n",
        "Upgrade:,websocket,\r\n",
    };
    static const char *const bad[] = {
        "Upgrade:\r\n",
        "Upgrade: h2c\r\n",
        "Upgrade: websockets\r\n",
        "Upgrade: web socket\r\n",
        "Upgrade: websocket/13\r\n",
        "Upgrades: websocket\r\n",
        "Upgrade: websocket;h2c\r\n",
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        say.upgrade = good[i];
        accept();
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        say.upgrade = bad[i];
        refuse_plain();
    }
}
END_TEST

START_TEST(connection_is_a_list_with_upgrade)
{
    static const char *const good[] = {
        "Connection: keep-alive, Upgrade\r\n",
        "Connection: upgrade,keep-alive\r\n",
        "Connection: keep-alive\r\nConnection: Upgrade\r\n",
        "Connection: ,\tUpgrade\t,\r\n",
    };
    static const char *const bad[] = {
        "",
        "Connection:\r\n",
        "Connection: keep-alive\r\n",
        "Connection: close\r\n",
        "Connection: upgraded\r\n",
        "Connection: keep-alive Upgrade\r\n",
        "Connection: websocket\r\n",
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        say.connection = good[i];
        accept();
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        say.connection = bad[i];
        refuse_handshake();
    }
}
END_TEST

START_TEST(the_version_is_13_exactly)
{
    static const char *const values[] = {"",   "1",    "3",   "8",     "12",  "14",
                                         "0",  "013",  "13a", "13, 8", "130", "\"13\"",
                                         "-1", "13.0", "+13", "13,13", "0x0d"};
    char line[64];
    for (size_t i = 0; i < COUNT(values); i++) {
        snprintf(line, sizeof(line), "Sec-WebSocket-Version: %s\r\n", values[i]);
        say.version = line;
        refuse_version();
    }
    say.version = "Sec-WebSocket-Version: \t13 \r\n";
    accept();
}
END_TEST

START_TEST(the_version_comes_once)
{
    say.version = "";
    refuse_version();
    say.version = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13\r\n";
    refuse_version();
    say.version = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 8\r\n";
    refuse_version();
    ck_assert_str_eq(ask()->headers,
                     "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
}
END_TEST

START_TEST(http_1_0_cannot_upgrade)
{
    say.http = "HTTP/1.0";
    refuse_handshake();
}
END_TEST

START_TEST(the_host_comes_once)
{
    say.host = "";
    refuse_handshake();
    say.host = "Host: a.example\r\nHost: a.example\r\n";
    refuse_handshake();
    say.host = "Host: a.example:8000\r\n";
    accept();
}
END_TEST

START_TEST(the_key_comes_once)
{
    say.key = "";
    refuse_handshake();
    say.key = "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Key: " KEY "\r\n";
    refuse_handshake();
}
END_TEST

START_TEST(a_key_is_sixteen_bytes_in_base64)
{
    static const char *const good[] = {
        KEY,
        "AAAAAAAAAAAAAAAAAAAAAA==",
        "//////////////////////==",
        "+/+/+/+/0123456789azAZ==",
    };
    static const char *const bad[] = {
        "",
        "==",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZQ===",
        "dGhlIHNhbXBsZSBub25jZ===",
        "dGhlIHNhbXBsZSBub25jZQ=A",
        "dGhlIHNhbXBsZSBub25jZQA=",
        "dGhlIHNhbXBsZSBub25jZQAA",
        "dGhlIHNhbXBsZSBub25jZQAA==",
        "dGhlIHNhbXBsZSBub25j==",
        "dGhlIHNhbXBsZSBub25j-Q==",
        "dGhlIHNhbXBsZSBub25j_Q==",
        "dGhl IHNhbXBsZSBub25jZ==",
        "dGhlIHNhbXBsZ=Bub25jZQ==",
        "=GhlIHNhbXBsZSBub25jZQ==",
        "dGhlIHNhbXBsZSBub2\xC3\xA9Q==",
        "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==",
        "\"dGhlIHNhbXBsZSBub25jZQ==\"",
    };
    char line[128];
    say.key = line;
    for (size_t i = 0; i < COUNT(good); i++) {
        snprintf(line, sizeof(line), "Sec-WebSocket-Key: %s\r\n", good[i]);
        accept();
        ck_assert(request_text_is(upgrade.key, good[i]));
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        snprintf(line, sizeof(line), "Sec-WebSocket-Key: %s\r\n", bad[i]);
        refuse_handshake();
    }
}
END_TEST

START_TEST(blanks_around_the_key_are_no_part_of_it)
{
    say.key = "Sec-WebSocket-Key:\t " KEY " \r\n";
    accept();
    ck_assert(request_text_is(upgrade.key, KEY));
}
END_TEST

/* ---- origins ------------------------------------------------------------------------
 */

START_TEST(without_a_list_every_origin_is_allowed)
{
    say.more = "Origin: https://any.example\r\n";
    accept();
    say.more = "Origin: null\r\n";
    accept();
    say.more = "Origin: https://a.example\r\nOrigin: https://b.example\r\n";
    accept();
}
END_TEST

START_TEST(whoever_has_no_origin_is_no_browser_and_allowed)
{
    allowed_origins = "https://a.example";
    accept();
}
END_TEST

START_TEST(a_listed_origin_is_allowed)
{
    allowed_origins = "https://a.example,https://b.example:8443,null";
    say.more = "Origin: https://a.example\r\n";
    accept();
    say.more = "Origin: https://b.example:8443\r\n";
    accept();
    say.more = "Origin: null\r\n";
    accept();
}
END_TEST

START_TEST(an_origin_is_compared_whole)
{
    static const char *const bad[] = {
        "https://a.exampl",
        "https://a.example.org",
        "https://a.example:443",
        "http://a.example",
        "https://a.example/",
        "https://b.example",
        "a.example",
        "https://sub.a.example",
        "https://a.example,https://b.example:8443",
        "https://a.example https://b.example:8443",
        "null",
        "*",
        ",",
        "",
    };
    char line[128];
    allowed_origins = "https://a.example,https://b.example:8443";
    say.more = line;
    for (size_t i = 0; i < COUNT(bad); i++) {
        snprintf(line, sizeof(line), "Origin: %s\r\n", bad[i]);
        refuse_origin();
    }
}
END_TEST

START_TEST(blanks_and_empty_items_in_the_list_mean_nothing)
{
    static const char *const lists[] = {
        " https://a.example ",
        ",https://a.example",
        "https://a.example,",
        ",, ,https://a.example, ,",
        "https://b.example , https://a.example",
        "https://b.example,\thttps://a.example\t,",
    };
    for (size_t i = 0; i < COUNT(lists); i++) {
        allowed_origins = lists[i];
        say.more = "Origin: https://a.example\r\n";
        accept();
        say.more = "Origin: https://c.example\r\n";
        refuse_origin();
        say.more = "Origin:\r\n";
        refuse_origin();
    }
}
END_TEST

START_TEST(a_list_of_empty_items_allows_no_origin)
{
    allowed_origins = " , ,";
    say.more = "Origin: https://a.example\r\n";
    refuse_origin();
    say.more = "Origin:\r\n";
    refuse_origin();
}
END_TEST

START_TEST(two_origins_are_refused_even_if_both_are_listed)
{
    allowed_origins = "https://a.example";
    say.more = "Origin: https://a.example\r\nOrigin: https://a.example\r\n";
    refuse_origin();
}
END_TEST

/* ---- refusals that do not depend on the request -------------------------------------
 */

START_TEST(a_refusal_that_may_pass_says_when_to_come_back)
{
    static const struct {
        const struct upgrade_refusal *refusal;
        enum stats_refusal reason;
        unsigned status;
        const char *error_code;
    } rows[] = {
        {&upgrade_refused_full, STATS_REFUSED_FULL, 503, "full"},
        {&upgrade_refused_address, STATS_REFUSED_ADDRESS_LIMIT, 429,
         "too_many_connections"},
        {&upgrade_refused_no_redis, STATS_REFUSED_NO_REDIS, 503, "not_ready"},
        {&upgrade_refused_draining, STATS_REFUSED_DRAINING, 503, "draining"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ck_assert_uint_eq(rows[i].refusal->reason, rows[i].reason);
        ck_assert_uint_eq(rows[i].refusal->status, rows[i].status);
        ck_assert_str_eq(rows[i].refusal->error_code, rows[i].error_code);
        ck_assert_str_eq(rows[i].refusal->headers, "Retry-After: 5\r\n");
    }
}
END_TEST

static TCase *path_tests(void)
{
    TCase *tcase = tcase_create("path");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, another_path_is_not_found);
    tcase_add_test(tcase, an_empty_segment_is_not_found);
    tcase_add_test(tcase, a_segment_too_many_is_not_found);
    tcase_add_test(tcase, only_the_client_id_may_be_percent_encoded);
    tcase_add_test(tcase, a_query_is_no_part_of_the_client_id);
    tcase_add_test(tcase, a_whole_url_will_do);
    tcase_add_test(tcase, a_client_id_is_percent_decoded);
    tcase_add_test(tcase, a_plus_sign_stays_one);
    tcase_add_test(tcase, a_client_id_may_be_utf8);
    tcase_add_test(tcase, a_client_id_that_is_not_utf8_is_refused);
    tcase_add_test(tcase, a_client_id_has_no_control_characters);
    tcase_add_test(tcase, a_client_id_may_have_128_bytes_and_no_more);
    tcase_add_test(tcase, a_client_id_is_measured_after_it_is_decoded);
    tcase_add_test(tcase, the_longest_path_has_no_valid_client_id);
    return tcase;
}

static TCase *handshake_tests(void)
{
    TCase *tcase = tcase_create("handshake");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, a_handshake_gives_the_client_and_the_key);
    tcase_add_test(tcase, the_first_thing_wrong_is_the_one_told);
    tcase_add_test(tcase, an_offered_subprotocol_or_extension_does_no_harm);
    tcase_add_test(tcase, delivery_is_latest_unless_all_is_asked_for);
    tcase_add_test(tcase, an_unknown_delivery_is_refused);
    tcase_add_test(tcase, names_and_words_may_have_any_case);
    tcase_add_test(tcase, a_plain_request_is_told_to_upgrade);
    tcase_add_test(tcase, only_get_asks_for_an_upgrade);
    tcase_add_test(tcase, upgrade_is_a_list_with_websocket);
    tcase_add_test(tcase, connection_is_a_list_with_upgrade);
    tcase_add_test(tcase, the_version_is_13_exactly);
    tcase_add_test(tcase, the_version_comes_once);
    tcase_add_test(tcase, http_1_0_cannot_upgrade);
    tcase_add_test(tcase, the_host_comes_once);
    tcase_add_test(tcase, the_key_comes_once);
    tcase_add_test(tcase, a_key_is_sixteen_bytes_in_base64);
    tcase_add_test(tcase, blanks_around_the_key_are_no_part_of_it);
    tcase_add_test(tcase, a_refusal_that_may_pass_says_when_to_come_back);
    return tcase;
}

static TCase *origin_tests(void)
{
    TCase *tcase = tcase_create("origin");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, without_a_list_every_origin_is_allowed);
    tcase_add_test(tcase, whoever_has_no_origin_is_no_browser_and_allowed);
    tcase_add_test(tcase, a_listed_origin_is_allowed);
    tcase_add_test(tcase, an_origin_is_compared_whole);
    tcase_add_test(tcase, blanks_and_empty_items_in_the_list_mean_nothing);
    tcase_add_test(tcase, a_list_of_empty_items_allows_no_origin);
    tcase_add_test(tcase, two_origins_are_refused_even_if_both_are_listed);
    return tcase;
}

int main(void)
{
    Suite *suite = suite_create("upgrade");
    suite_add_tcase(suite, path_tests());
    suite_add_tcase(suite, handshake_tests());
    suite_add_tcase(suite, origin_tests());

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
