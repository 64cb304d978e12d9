/* SPDX-License-Identifier: MIT */
#include "gateway/request.h"

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define UNTOUCHED SIZE_MAX

#define HANDSHAKE \
    "GET /api/v1/ws/a HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\n\r\n"

static char *head; /* in memory of exactly its size: a read beyond it is an error */
static struct request request;
static size_t used;

static void setup(void)
{
    head = NULL;
    used = UNTOUCHED;
}

static void teardown(void)
{
    free(head);
}

static enum request_result parse_bytes(const char *bytes, size_t len)
{
    free(head);
    head = malloc(len > 0 ? len : 1);
    ck_assert_ptr_nonnull(head);
    memcpy(head, bytes, len);
    used = UNTOUCHED;
    return request_parse(head, len, &request, &used);
}

static enum request_result parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static enum request_result parse_line(const char *line)
{
    char text[2 * REQUEST_PATH_MAX];
    snprintf(text, sizeof(text), "%s\r\nHost: a\r\n\r\n", line);
    return parse(text);
}

static enum request_result parse_target(const char *target)
{
    char line[2 * REQUEST_PATH_MAX - 16];
    snprintf(line, sizeof(line), "GET %s HTTP/1.1", target);
    return parse_line(line);
}

/* Whole lines, each with its CRLF. */
static enum request_result parse_headers(const char *lines)
{
    char text[4096];
    snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n%s\r\n", lines);
    return parse(text);
}

static void assert_text(struct request_text text, const char *expected)
{
    ck_assert_msg(request_text_is(text, expected), "\"%.*s\" is not \"%s\"",
                  (int)text.len, text.bytes, expected);
}

static void assert_path(const char *bytes, size_t len)
{
    ck_assert_uint_eq(request.path_len, len);
    ck_assert_mem_eq(request.path, bytes, len);
    ck_assert_int_eq(request.path[len], '\0');
}

static void assert_header(const char *name, const char *value)
{
    struct request_text text;
    ck_assert_msg(request_get_header(&request, name, &text), "no %s", name);
    assert_text(text, value);
}

static bool lists(const char *name, const char *word)
{
    return request_header_lists(&request, name, word);
}

/* ---- where a head ends --------------------------------------------------------------
 */

START_TEST(a_head_is_taken_apart)
{
    ck_assert_int_eq(parse("GET /a/b?c=d HTTP/1.1\r\nHost: e\r\nX-F: g h\r\n\r\n"),
                     REQUEST_OK);
    assert_text(request.method, "GET");
    assert_text(request.raw_path, "/a/b");
    assert_path("/a/b", 4);
    assert_text(request.query, "c=d");
    ck_assert(request.is_http_1_1);
    ck_assert_uint_eq(request.header_count, 2);
    assert_text(request.headers[0].name, "Host");
    assert_text(request.headers[0].value, "e");
    assert_text(request.headers[1].name, "X-F");
    assert_text(request.headers[1].value, "g h");
}
END_TEST

START_TEST(a_head_without_headers_is_whole)
{
    ck_assert_int_eq(parse("GET / HTTP/1.1\r\n\r\n"), REQUEST_OK);
    ck_assert_uint_eq(request.header_count, 0);
    ck_assert_uint_eq(used, 18);
}
END_TEST

START_TEST(a_head_is_incomplete_up_to_its_last_byte)
{
    for (size_t len = 0; len < strlen(HANDSHAKE); len++) {
        ck_assert_msg(parse_bytes(HANDSHAKE, len) == REQUEST_INCOMPLETE, "at %zu", len);
        ck_assert_uint_eq(used, UNTOUCHED);
    }
    ck_assert_int_eq(parse(HANDSHAKE), REQUEST_OK);
    ck_assert_uint_eq(used, strlen(HANDSHAKE));
}
END_TEST

START_TEST(bytes_behind_the_head_are_not_used)
{
    static const char behind[] =
        HANDSHAKE "\x81\x85\0\0\0\0\r\n\r\nGET / HTTP/1.1\r\n\r\n";
    for (size_t len = strlen(HANDSHAKE); len < sizeof(behind); len++) {
        ck_assert_int_eq(parse_bytes(behind, len), REQUEST_OK);
        ck_assert_uint_eq(used, strlen(HANDSHAKE));
        ck_assert_uint_eq(request.header_count, 2);
    }
}
END_TEST

START_TEST(nothing_at_all_is_incomplete)
{
    ck_assert_int_eq(request_parse(NULL, 0, &request, &used), REQUEST_INCOMPLETE);
}
END_TEST

START_TEST(a_bare_lf_ends_no_line)
{
    static const char *const texts[] = {
        "GET / HTTP/1.1\n\n",
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
        "GET / HTTP/1.1\r\n\n",
        "GET / HTTP/1.1\n\r\n",
        "\n\n",
        "\n\r\n",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        ck_assert_msg(parse(texts[i]) == REQUEST_BAD, "%zu", i);
    }
}
END_TEST

START_TEST(a_bare_cr_ends_no_line)
{
    ck_assert_int_eq(parse("GET / HTTP/1.1\rHost: a\r\r"), REQUEST_INCOMPLETE);
    ck_assert_int_eq(parse("GET / HTTP/1.1\r\r\n\r\n"), REQUEST_BAD);
    ck_assert_int_eq(parse_headers("Host: a\rX: b\r\n"), REQUEST_BAD);
    ck_assert_int_eq(parse_headers("Host: a\r\r\n"), REQUEST_BAD);
    ck_assert_int_eq(parse("GET / HTTP/1.1\r\n\rA"), REQUEST_INCOMPLETE);
    ck_assert_int_eq(parse_headers("\rA: b\r\n"), REQUEST_BAD);
}
END_TEST

START_TEST(an_empty_line_before_the_request_line_is_refused)
{
    ck_assert_int_eq(parse("\r\n" HANDSHAKE), REQUEST_BAD);
    ck_assert_int_eq(parse("\r\n\r\n"), REQUEST_BAD);
}
END_TEST

/* ---- the request line ---------------------------------------------------------------
 */

START_TEST(only_the_two_versions_of_http_1_are_spoken)
{
    static const char *const bad[] = {
        "GET /",
        "GET / ",
        "GET / HTTP",
        "GET / HTTP/",
        "GET / HTTP/1",
        "GET / HTTP/1.",
        "GET / HTTP/1.2",
        "GET / HTTP/2.0",
        "GET / HTTP/0.9",
        "GET / HTTP/2",
        "GET / HTTP/1.10",
        "GET / HTTP/11",
        "GET / http/1.1",
        "GET / HTTP/1.1 ",
        "GET / HTTP/1.1 x",
        "GET / HTTP/01.1",
        "GET / HTTPS/1.1",
        "PRI * HTTP/2.0",
        "GET / ICY/1.1",
        "GET / x HTTP/1.1",
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        " GET / HTTP/1.1",
        "GET HTTP/1.1",
        "GET",
        "GET\t/\tHTTP/1.1",
        "GET / \tHTTP/1.1",
        "GET / HTTP/1.1\t",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        ck_assert_msg(parse_line(bad[i]) == REQUEST_BAD, "accepted: %s", bad[i]);
    }
}
END_TEST

START_TEST(the_version_is_told)
{
    ck_assert_int_eq(parse_line("GET / HTTP/1.0"), REQUEST_OK);
    ck_assert(!request.is_http_1_1);
    ck_assert_int_eq(parse_line("GET / HTTP/1.1"), REQUEST_OK);
    ck_assert(request.is_http_1_1);
}
END_TEST

START_TEST(a_method_is_any_token)
{
    static const char *const good[] = {"POST", "get", "M-SEARCH", "X!#$%&'*+-.^_`|~9"};
    static const char *const bad[] = {"",    "G(T", "G@T", "G\"T", "G/T",      "G:T",
                                      "{G}", "G,T", "[G]", "G;T",  "G\xC3\x84"};
    char line[64];
    for (size_t i = 0; i < COUNT(good); i++) {
        snprintf(line, sizeof(line), "%s / HTTP/1.1", good[i]);
        ck_assert_msg(parse_line(line) == REQUEST_OK, "refused: %s", good[i]);
        assert_text(request.method, good[i]);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        snprintf(line, sizeof(line), "%s / HTTP/1.1", bad[i]);
        ck_assert_msg(parse_line(line) == REQUEST_BAD, "accepted: %s", bad[i]);
    }
}
END_TEST

START_TEST(a_target_is_a_path)
{
    static const char *const bad[] = {"*", "a", "?a", "a:80", "%2F", "ws://a/b", "#", ""};
    for (size_t i = 0; i < COUNT(bad); i++) {
        ck_assert_msg(parse_target(bad[i]) == REQUEST_BAD, "accepted: %s", bad[i]);
    }
    ck_assert_int_eq(parse_target("//a/../b"), REQUEST_OK);
    assert_path("//a/../b", 8);
}
END_TEST

START_TEST(of_a_whole_url_the_path_counts)
{
    ck_assert_int_eq(parse_target("http://a.example:80/b/c?d=/e"), REQUEST_OK);
    assert_text(request.raw_path, "/b/c");
    assert_text(request.query, "d=/e");
    ck_assert_int_eq(parse_target("HTTPS://a/"), REQUEST_OK);
    assert_path("/", 1);
    ck_assert_int_eq(parse_target("http://[::1]:80/b"), REQUEST_OK);
    assert_path("/b", 2);
}
END_TEST

START_TEST(a_whole_url_needs_a_host_and_a_path)
{
    static const char *const bad[] = {"http://", "http://a", "https://a.example:443",
                                      "http:/a", "http:///a"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        ck_assert_msg(parse_target(bad[i]) == REQUEST_BAD, "accepted: %s", bad[i]);
    }
}
END_TEST

START_TEST(a_slash_in_a_urls_query_begins_no_path)
{
    ck_assert_int_eq(parse_target("http://a?b=/c"), REQUEST_BAD);
    ck_assert_int_eq(parse_target("http://a#/c"), REQUEST_BAD);
    ck_assert_int_eq(parse_target("http://?/c"), REQUEST_BAD);
}
END_TEST

START_TEST(a_tab_is_no_part_of_a_target)
{
    ck_assert_int_eq(parse_target("/a\tb"), REQUEST_BAD);
    ck_assert_int_eq(parse_target("/a?b\tc"), REQUEST_BAD);
    ck_assert_int_eq(parse_target("http://a\t/b"), REQUEST_BAD);
}
END_TEST

START_TEST(the_query_is_cut_off_and_not_decoded)
{
    ck_assert_int_eq(parse_target("/a?b=%zz?c/d%"), REQUEST_OK);
    assert_path("/a", 2);
    assert_text(request.query, "b=%zz?c/d%");
    ck_assert_int_eq(parse_target("/a?"), REQUEST_OK);
    assert_path("/a", 2);
    ck_assert_uint_eq(request.query.len, 0);
    ck_assert_int_eq(parse_target("/a"), REQUEST_OK);
    ck_assert_uint_eq(request.query.len, 0);
}
END_TEST

START_TEST(the_path_is_percent_decoded_once)
{
    ck_assert_int_eq(parse_target("/%41%2f%2F%3F%25%34%31+"), REQUEST_OK);
    assert_path("/A//?%41+", 9);
    assert_text(request.raw_path, "/%41%2f%2F%3F%25%34%31+");
    ck_assert_uint_eq(request.query.len, 0);
}
END_TEST

START_TEST(every_byte_may_be_percent_encoded)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        char target[8];
        snprintf(target, sizeof(target), byte % 2 == 0 ? "/%%%02x" : "/%%%02X", byte);
        ck_assert_int_eq(parse_target(target), REQUEST_OK);
        const char expected[] = {'/', (char)byte};
        assert_path(expected, sizeof(expected));
    }
}
END_TEST

START_TEST(a_percent_sign_needs_two_hexadecimal_digits)
{
    static const char *const bad[] = {
        "/%",    "/%4",     "/a%",  "/%%41", "/%g0", "/%0g",  "/%4?1",
        "/%?41", "/%-1",    "/%+1", "/%x1",  "/%:0", "/%/0",  "/%@1",
        "/%`1",  "/%0\xC1", "/%G0", "/%4%",  "/%1/", "/%u41", "/%\x81\x31",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        ck_assert_msg(parse_target(bad[i]) == REQUEST_BAD, "accepted: %s", bad[i]);
    }
}
END_TEST

START_TEST(decoding_stays_within_the_text)
{
    char out[3];
    size_t len = UNTOUCHED;
    ck_assert(!request_decode((struct request_text){"%41", 2}, out, &len));
    ck_assert(!request_decode((struct request_text){"%41", 1}, out, &len));
    ck_assert_uint_eq(len, UNTOUCHED);
    ck_assert(request_decode((struct request_text){"%41", 3}, out, &len));
    ck_assert_uint_eq(len, 1);
    ck_assert_int_eq(out[0], 'A');
    ck_assert(request_decode((struct request_text){"", 0}, out, &len));
    ck_assert_uint_eq(len, 0);
}
END_TEST

/* A path of `len` bytes, then the rest of the target. */
static enum request_result parse_long_path(size_t len, const char *rest)
{
    char target[REQUEST_PATH_MAX + 64] = "/";
    memset(target + 1, 'a', len - 1);
    snprintf(target + len, sizeof(target) - len, "%s", rest);
    return parse_target(target);
}

START_TEST(a_path_may_be_as_long_as_promised_and_no_longer)
{
    ck_assert_int_eq(parse_long_path(REQUEST_PATH_MAX, ""), REQUEST_OK);
    ck_assert_uint_eq(request.path_len, REQUEST_PATH_MAX);
    ck_assert_int_eq(request.path[REQUEST_PATH_MAX], '\0');
    ck_assert_int_eq(parse_long_path(REQUEST_PATH_MAX + 1, ""), REQUEST_BAD);
}
END_TEST

START_TEST(a_path_is_measured_before_it_is_decoded)
{
    ck_assert_int_eq(parse_long_path(REQUEST_PATH_MAX - 3, "%41"), REQUEST_OK);
    ck_assert_uint_eq(request.path_len, REQUEST_PATH_MAX - 2);
    ck_assert_int_eq(parse_long_path(REQUEST_PATH_MAX - 2, "%41"), REQUEST_BAD);
}
END_TEST

START_TEST(a_query_does_not_count_as_path)
{
    ck_assert_int_eq(parse_long_path(REQUEST_PATH_MAX, "?abc"), REQUEST_OK);
    ck_assert_uint_eq(request.query.len, 3);
}
END_TEST

/* ---- header lines -------------------------------------------------------------------
 */

START_TEST(blanks_around_a_value_are_left_out)
{
    ck_assert_int_eq(parse_headers("A:b\r\nC: \t d e \t\r\nF:\r\nG: \t \r\n"),
                     REQUEST_OK);
    assert_header("A", "b");
    assert_header("C", "d e");
    assert_header("F", "");
    assert_header("G", "");
}
END_TEST

START_TEST(a_value_may_have_colons_commas_and_high_bytes)
{
    ck_assert_int_eq(parse_headers("A: b:c, \"d\"\r\nE: \x80\xFF\r\n"), REQUEST_OK);
    assert_header("A", "b:c, \"d\"");
    assert_header("E", "\x80\xFF");
}
END_TEST

START_TEST(a_folded_line_is_refused)
{
    static const char *const bad[] = {
        "A: b\r\n c\r\n", "A: b\r\n\tc\r\n", "A: b\r\n c: d\r\n",      " A: b\r\n",
        "A: b\r\n \r\n",  "A:\r\n b\r\n",    "A: b\r\n\t\r\nC: d\r\n",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        ck_assert_msg(parse_headers(bad[i]) == REQUEST_BAD, "accepted: %s", bad[i]);
    }
}
END_TEST

START_TEST(a_header_is_a_token_and_a_colon)
{
    static const char *const bad[] = {
        "Host : a\r\n", "Host\t: a\r\n", "Host\r\n",    ": a\r\n",
        ":\r\n",        "Ho st: a\r\n",  "Host a\r\n",  "H(st): a\r\n",
        "H\"st: a\r\n", "H/st: a\r\n",   "H@st: a\r\n", "H\xC3\xB6: a\r\n",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        ck_assert_msg(parse_headers(bad[i]) == REQUEST_BAD, "accepted: %s", bad[i]);
    }
    ck_assert_int_eq(parse_headers("!#$%&'*+-.^_`|~9z: a\r\n"), REQUEST_OK);
}
END_TEST

START_TEST(a_bad_line_is_found_behind_good_ones)
{
    ck_assert_int_eq(parse_headers("Host: a\r\nB: c\r\nd\r\n"), REQUEST_BAD);
}
END_TEST

START_TEST(control_bytes_are_refused_wherever_they_stand)
{
    static const char good[] = "GET /a?b HTTP/1.1\r\nHost: cd\r\nX: e\r\n\r\n";
    static const size_t places[] = {1, 5, 7, 12, 20, 25, 26, 31};
    for (int byte = 0; byte < 0x80; byte = byte == 0x1f ? 0x7f : byte + 1) {
        for (size_t i = 0; i < COUNT(places); i++) {
            char text[sizeof(good)];
            memcpy(text, good, sizeof(good));
            text[places[i]] = (char)byte;
            const bool tab = byte == '\t' && places[i] >= 25;
            ck_assert_msg(parse_bytes(text, sizeof(good) - 1) ==
                              (tab ? REQUEST_OK : REQUEST_BAD),
                          "%#x at %zu", (unsigned)byte, places[i]);
        }
    }
}
END_TEST

/* ---- limits -------------------------------------------------------------------------
 */

/* A head of `len` bytes, with nothing behind it. */
static enum request_result parse_long_head(size_t len)
{
    static const char start[] = "GET / HTTP/1.1\r\nX: ";
    static const char end[] = {'\r', '\n', '\r', '\n'};
    char text[REQUEST_MAX_BYTES + 64];
    memset(text, 'a', sizeof(text));
    memcpy(text, start, sizeof(start) - 1);
    memcpy(text + len - sizeof(end), end, sizeof(end));
    return parse_bytes(text, len);
}

START_TEST(a_head_may_be_as_long_as_promised_and_no_longer)
{
    ck_assert_int_eq(parse_long_head(REQUEST_MAX_BYTES), REQUEST_OK);
    ck_assert_uint_eq(used, REQUEST_MAX_BYTES);
    ck_assert_int_eq(parse_long_head(REQUEST_MAX_BYTES + 1), REQUEST_TOO_LONG);
}
END_TEST

START_TEST(a_head_without_end_is_too_long_at_the_bound)
{
    char text[REQUEST_MAX_BYTES];
    memset(text, 'a', sizeof(text));
    ck_assert_int_eq(parse_bytes(text, REQUEST_MAX_BYTES - 1), REQUEST_INCOMPLETE);
    ck_assert_int_eq(parse_bytes(text, REQUEST_MAX_BYTES), REQUEST_TOO_LONG);
}
END_TEST

START_TEST(bytes_behind_the_head_do_not_make_it_too_long)
{
    char text[2 * REQUEST_MAX_BYTES];
    memset(text, 'a', sizeof(text));
    memcpy(text, HANDSHAKE, sizeof(HANDSHAKE) - 1);
    ck_assert_int_eq(parse_bytes(text, sizeof(text)), REQUEST_OK);
    ck_assert_uint_eq(used, strlen(HANDSHAKE));
}
END_TEST

START_TEST(headers_may_be_as_many_as_promised_and_no_more)
{
    char lines[(REQUEST_HEADERS_MAX + 1) * sizeof("A: b\r\n")] = "";
    size_t len = 0;
    for (size_t i = 0; i < REQUEST_HEADERS_MAX; i++) {
        len += (size_t)snprintf(lines + len, sizeof(lines) - len, "A: b\r\n");
    }
    ck_assert_int_eq(parse_headers(lines), REQUEST_OK);
    ck_assert_uint_eq(request.header_count, REQUEST_HEADERS_MAX);
    snprintf(lines + len, sizeof(lines) - len, "A: b\r\n");
    ck_assert_int_eq(parse_headers(lines), REQUEST_TOO_LONG);
}
END_TEST

/* ---- looking up ---------------------------------------------------------------------
 */

START_TEST(a_header_is_found_in_whatever_case)
{
    ck_assert_int_eq(parse_headers("hOST: Value\r\n"), REQUEST_OK);
    assert_header("Host", "Value");
    assert_header("HOST", "Value");
    ck_assert(request_has_header(&request, "host"));
}
END_TEST

START_TEST(a_header_is_found_by_its_whole_name)
{
    ck_assert_int_eq(parse_headers("Hos: a\r\nHosts: b\r\n"), REQUEST_OK);
    struct request_text text = {NULL, UNTOUCHED};
    ck_assert(!request_get_header(&request, "Host", &text));
    ck_assert_uint_eq(text.len, UNTOUCHED);
    ck_assert(!request_has_header(&request, "Host"));
    ck_assert(!lists("Host", "a"));
}
END_TEST

START_TEST(a_header_that_comes_twice_has_no_value)
{
    ck_assert_int_eq(parse_headers("A: b\r\nC: d\r\na: b\r\n"), REQUEST_OK);
    struct request_text text = {NULL, UNTOUCHED};
    ck_assert(!request_get_header(&request, "A", &text));
    ck_assert_uint_eq(text.len, UNTOUCHED);
    ck_assert(request_has_header(&request, "A"));
    assert_header("C", "d");
}
END_TEST

START_TEST(a_list_is_searched_word_by_word)
{
    ck_assert_int_eq(parse_headers("A: keep-alive, Upgrade\t,,x y, \r\n"), REQUEST_OK);
    ck_assert(lists("A", "keep-alive"));
    ck_assert(lists("A", "upgrade"));
    ck_assert(lists("a", "UPGRADE"));
    ck_assert(lists("A", "x y"));
    ck_assert(!lists("A", "keep"));
    ck_assert(!lists("A", "upgrades"));
    ck_assert(!lists("A", "x"));
    ck_assert(!lists("A", "keep-alive, upgrade"));
    ck_assert(!lists("B", "upgrade"));
}
END_TEST

START_TEST(several_headers_make_one_list)
{
    ck_assert_int_eq(parse_headers("A: b\r\nX: y\r\na:c ,d\r\nA:\r\n"), REQUEST_OK);
    ck_assert(lists("A", "b"));
    ck_assert(lists("A", "c"));
    ck_assert(lists("A", "d"));
    ck_assert(!lists("A", "y"));
}
END_TEST

START_TEST(a_word_does_not_go_on_in_the_next_header)
{
    ck_assert_int_eq(parse_headers("A: up\r\nA: grade\r\n"), REQUEST_OK);
    ck_assert(!lists("A", "upgrade"));
}
END_TEST

START_TEST(texts_are_compared_to_their_last_byte)
{
    const struct request_text text = {"Abc", 2};
    ck_assert(request_text_is(text, "Ab"));
    ck_assert(!request_text_is(text, "ab"));
    ck_assert(!request_text_is(text, "A"));
    ck_assert(!request_text_is(text, "Abc"));
    ck_assert(request_text_is_nocase(text, "aB"));
    ck_assert(!request_text_is_nocase(text, "abc"));
    ck_assert(!request_text_is_nocase(text, "a"));
}
END_TEST

START_TEST(a_number_is_read_up_to_its_bound)
{
    static const struct {
        const char *query;
        bool is_good;
        size_t number;
    } cases[] = {{"", true, 7},
                 {"m=5", true, 7},
                 {"n=1", true, 1},
                 {"a=b&n=1000", true, 1000},
                 {"n=0007", true, 7},
                 {"n=0", false, 7},
                 {"n=1001", false, 7},
                 {"n=", false, 7},
                 {"n=-1", false, 7},
                 {"n=+1", false, 7},
                 {"n= 1", false, 7},
                 {"n=1x", false, 7},
                 {"n=%31", false, 7},
                 {"n=1.0", false, 7},
                 {"n=99999999999999999999999999999999", false, 7}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct request asked = {
            .query = {.bytes = cases[i].query, .len = strlen(cases[i].query)}};
        size_t number = 7;
        ck_assert_msg(request_read_number(&asked, "n", 1000, &number) == cases[i].is_good,
                      "%s", cases[i].query);
        ck_assert_uint_eq(number, cases[i].number);
    }
}
END_TEST

static TCase *syntax_tests(void)
{
    TCase *tcase = tcase_create("syntax");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_head_is_taken_apart);
    tcase_add_test(tcase, a_head_without_headers_is_whole);
    tcase_add_test(tcase, a_head_is_incomplete_up_to_its_last_byte);
    tcase_add_test(tcase, bytes_behind_the_head_are_not_used);
    tcase_add_test(tcase, nothing_at_all_is_incomplete);
    tcase_add_test(tcase, a_bare_lf_ends_no_line);
    tcase_add_test(tcase, a_bare_cr_ends_no_line);
    tcase_add_test(tcase, an_empty_line_before_the_request_line_is_refused);
    tcase_add_test(tcase, only_the_two_versions_of_http_1_are_spoken);
    tcase_add_test(tcase, the_version_is_told);
    tcase_add_test(tcase, a_method_is_any_token);
    tcase_add_test(tcase, a_target_is_a_path);
    tcase_add_test(tcase, of_a_whole_url_the_path_counts);
    tcase_add_test(tcase, a_whole_url_needs_a_host_and_a_path);
    tcase_add_test(tcase, a_slash_in_a_urls_query_begins_no_path);
    tcase_add_test(tcase, a_tab_is_no_part_of_a_target);
    tcase_add_test(tcase, the_query_is_cut_off_and_not_decoded);
    tcase_add_test(tcase, the_path_is_percent_decoded_once);
    tcase_add_test(tcase, every_byte_may_be_percent_encoded);
    tcase_add_test(tcase, a_percent_sign_needs_two_hexadecimal_digits);
    tcase_add_test(tcase, decoding_stays_within_the_text);
    tcase_add_test(tcase, blanks_around_a_value_are_left_out);
    tcase_add_test(tcase, a_value_may_have_colons_commas_and_high_bytes);
    tcase_add_test(tcase, a_folded_line_is_refused);
    tcase_add_test(tcase, a_header_is_a_token_and_a_colon);
    tcase_add_test(tcase, a_bad_line_is_found_behind_good_ones);
    tcase_add_test(tcase, control_bytes_are_refused_wherever_they_stand);
    return tcase;
}

static TCase *limit_tests(void)
{
    TCase *tcase = tcase_create("limits");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_path_may_be_as_long_as_promised_and_no_longer);
    tcase_add_test(tcase, a_path_is_measured_before_it_is_decoded);
    tcase_add_test(tcase, a_query_does_not_count_as_path);
    tcase_add_test(tcase, a_head_may_be_as_long_as_promised_and_no_longer);
    tcase_add_test(tcase, a_head_without_end_is_too_long_at_the_bound);
    tcase_add_test(tcase, bytes_behind_the_head_do_not_make_it_too_long);
    tcase_add_test(tcase, headers_may_be_as_many_as_promised_and_no_more);
    return tcase;
}

static TCase *lookup_tests(void)
{
    TCase *tcase = tcase_create("looking up");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_header_is_found_in_whatever_case);
    tcase_add_test(tcase, a_header_is_found_by_its_whole_name);
    tcase_add_test(tcase, a_header_that_comes_twice_has_no_value);
    tcase_add_test(tcase, a_list_is_searched_word_by_word);
    tcase_add_test(tcase, several_headers_make_one_list);
    tcase_add_test(tcase, a_word_does_not_go_on_in_the_next_header);
    tcase_add_test(tcase, texts_are_compared_to_their_last_byte);
    tcase_add_test(tcase, a_number_is_read_up_to_its_bound);
    return tcase;
}

int main(void)
{
    Suite *suite = suite_create("request");
    suite_add_tcase(suite, syntax_tests());
    suite_add_tcase(suite, limit_tests());
    suite_add_tcase(suite, lookup_tests());

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
