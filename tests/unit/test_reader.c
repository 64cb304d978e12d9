/* SPDX-License-Identifier: MIT */
#include "gateway/reader.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define LIMIT      65536
#define STREAM_MAX ((size_t)1 << 19)
#define LOG_MAX    ((size_t)1 << 15)
#define WHOLE      SIZE_MAX

#define FIN     0x80
#define CONT    0x0
#define TEXT    0x1
#define BINARY  0x2
#define CLOSE   0x8
#define PING    0x9
#define PONG    0xa
#define CONTROL 125 /* bytes a control frame may hold */

/* Events as text: "text(hello) ping() close(1000) broken(1002) ". */
struct story {
    size_t len;
    char text[LOG_MAX];
};

static struct story heard; /* of the events read */
static struct story meant; /* of those sent */

/* What a client sends. */
static unsigned char stream[STREAM_MAX];
static size_t stream_len;
static unsigned char mask[4];
static char letters[LIMIT]; /* for a payload whose text does not matter */

static uint64_t random_state;

static void setup(void)
{
    stream_len = 0;
    heard.len = 0;
    meant.len = 0;
    random_state = 42;
    memset(letters, 'x', sizeof(letters));
}

static uint32_t random_below(uint32_t bound)
{
    if (bound == 0) {
        ck_abort_msg("there is no such number");
    }
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(random_state >> 33) % bound;
}

/* ---- what is sent -------------------------------------------------------------------
 */

static void put_bytes(const char *bytes, size_t len)
{
    ck_assert_uint_le(stream_len + len, STREAM_MAX);
    memcpy(stream + stream_len, bytes, len);
    stream_len += len;
}

/* A header that promises `len` bytes; `mask` is what they are to be masked with. */
static void put_header(unsigned first, uint64_t len)
{
    unsigned char header[READER_HEADER_MAX] = {(unsigned char)first};
    const size_t extra = len < 126 ? 0 : len < 65536 ? 2 : 8;
    header[1] = (unsigned char)(0x80 | (extra == 0 ? len : extra == 2 ? 126 : 127));
    for (size_t i = 0; i < extra; i++) {
        header[2 + i] = (unsigned char)(len >> (8 * (extra - 1 - i)));
    }
    for (size_t i = 0; i < sizeof(mask); i++) {
        mask[i] = (unsigned char)random_below(256);
    }
    memcpy(header + 2 + extra, mask, sizeof(mask));
    put_bytes((const char *)header, 2 + extra + sizeof(mask));
}

static void put_frame(unsigned first, const char *payload, size_t len)
{
    put_header(first, len);
    ck_assert_uint_le(stream_len + len, STREAM_MAX);
    for (size_t i = 0; i < len; i++) {
        stream[stream_len++] = (unsigned char)payload[i] ^ mask[i % sizeof(mask)];
    }
}

static void put(unsigned first, const char *payload)
{
    put_frame(first, payload, strlen(payload));
}

static void put_close(unsigned code, const char *reason)
{
    char payload[CONTROL + 1] = {(char)(code >> 8), (char)code};
    snprintf(payload + 2, sizeof(payload) - 2, "%s", reason);
    put_frame(FIN | CLOSE, payload, 2 + strlen(reason));
}

/* ---- what is read -------------------------------------------------------------------
 */

__attribute__((format(printf, 2, 3))) static void tell(struct story *story,
                                                       const char *format, ...)
{
    va_list args;
    va_start(args, format);
    story->len +=
        (size_t)vsnprintf(story->text + story->len, LOG_MAX - story->len, format, args);
    va_end(args);
    if (story->len >= LOG_MAX) {
        ck_abort_msg("the story is too long for the test");
    }
}

static void tell_payload(struct story *story, enum reader_event event, const char *bytes,
                         size_t len)
{
    static const char *const names[] = {[READER_TEXT] = "text",
                                        [READER_BINARY] = "binary",
                                        [READER_PING] = "ping",
                                        [READER_PONG] = "pong"};
    uint32_t sum = 2166136261; /* FNV-1a */
    for (size_t i = 0; i < len; i++) {
        sum = (sum ^ (unsigned char)bytes[i]) * 16777619;
    }
    if (len <= 32) {
        tell(story, "%s(%.*s) ", names[event], (int)len, bytes);
    } else {
        tell(story, "%s(%zu bytes, %08x) ", names[event], len, sum);
    }
}

static void tell_event(enum reader_event event, const struct reader_message *message)
{
    if (event == READER_CLOSE) {
        tell(&heard, "close(%u) ", message->code);
    } else if (event == READER_BROKEN) {
        tell(&heard, "broken(%u) ", message->code);
        ck_assert_ptr_nonnull(message->reason);
    } else if (event != READER_MORE) {
        tell_payload(&heard, event, message->bytes, message->len);
    }
}

/* The most that may be allocated, as the buffer doubles from 256 bytes on. */
static size_t most_memory(size_t bytes)
{
    size_t most = 256;
    while (most < bytes) {
        most *= 2;
    }
    return most;
}

static void check_memory(const struct reader *reader, size_t max_bytes, bool is_broken)
{
    const bool busy =
        reader->in_payload || reader->text_due || reader->binary_due || is_broken;
    if (reader->capacity > most_memory(max_bytes + CONTROL) ||
        reader->message_len > max_bytes || reader->control_len > CONTROL ||
        (reader->buffer != NULL && !busy)) {
        ck_abort_msg("capacity %zu, message %zu, control %zu, %s", reader->capacity,
                     reader->message_len, reader->control_len, busy ? "busy" : "idle");
    }
}

/* Feeds one piece in memory of exactly its size, so that a read beyond it is an error.
 * Returns false once the stream is broken. */
static bool feed(struct reader *reader, const unsigned char *bytes, size_t len,
                 size_t max_bytes)
{
    unsigned char *copy = malloc(len > 0 ? len : 1);
    memcpy(copy, bytes, len);
    const unsigned char *at = copy;
    enum reader_event event = READER_PING;
    while (event != READER_MORE && event != READER_BROKEN) {
        struct reader_message message;
        event = reader_next(reader, &at, copy + len, max_bytes, &message);
        tell_event(event, &message);
    }
    if (event == READER_MORE && at != copy + len) {
        ck_abort_msg("bytes were left");
    }
    check_memory(reader, max_bytes, event == READER_BROKEN);
    free(copy);
    return event == READER_MORE;
}

/* Reads the stream in pieces of 1..max_piece bytes. */
static const char *read_pieces(size_t max_bytes, size_t max_piece)
{
    struct reader reader;
    heard.len = 0;
    heard.text[0] = '\0';
    reader_init(&reader);
    bool good = true;
    for (size_t at = 0; at < stream_len && good;) {
        size_t piece = stream_len - at;
        if (max_piece < piece) {
            piece = 1 + random_below((uint32_t)max_piece);
        }
        good = feed(&reader, stream + at, piece, max_bytes);
        at += piece;
    }
    reader_finish(&reader);
    return heard.text;
}

/* Whole, byte by byte and in pieces the stream tells the same story. */
static void reads_within(size_t max_bytes, const char *expected)
{
    ck_assert_str_eq(read_pieces(max_bytes, WHOLE), expected);
    ck_assert_str_eq(read_pieces(max_bytes, 1), expected);
    ck_assert_str_eq(read_pieces(max_bytes, 9), expected);
    stream_len = 0;
}

static void reads(const char *expected)
{
    reads_within(LIMIT, expected);
}

/* ---- messages -----------------------------------------------------------------------
 */

START_TEST(messages_come_out_unmasked_and_may_be_empty)
{
    put(FIN | TEXT, "hello");
    put(FIN | BINARY, "\x01\xff\xfe");
    put(FIN | TEXT, "");
    put(FIN | BINARY, "");
    reads("text(hello) binary(\x01\xff\xfe) text() binary() ");
}
END_TEST

START_TEST(payloads_of_each_kind_of_length_are_read)
{
    static const size_t lens[] = {1,   2,   3,   4,    5,     124,   125,
                                  126, 127, 255, 4096, 65534, 65535, 65536};
    for (size_t i = 0; i < COUNT(lens); i++) {
        static char payload[LIMIT];
        for (size_t j = 0; j < lens[i]; j++) {
            payload[j] = (char)(j * 31 % 251);
        }
        meant.len = 0;
        tell_payload(&meant, READER_BINARY, payload, lens[i]);
        put_frame(FIN | BINARY, payload, lens[i]);
        reads(meant.text);
    }
}
END_TEST

START_TEST(messages_in_one_piece_come_out_one_at_a_time)
{
    struct reader reader = {0};
    struct reader_message message;
    put(FIN | TEXT, "one");
    const size_t first_len = stream_len;
    put(FIN | TEXT, "two");
    const unsigned char *at = stream;
    const unsigned char *end = stream + stream_len;
    ck_assert_int_eq(reader_next(&reader, &at, end, LIMIT, &message), READER_TEXT);
    ck_assert_mem_eq(message.bytes, "one", message.len);
    ck_assert_ptr_eq(at, stream + first_len);
    ck_assert_int_eq(reader_next(&reader, &at, end, LIMIT, &message), READER_TEXT);
    ck_assert_mem_eq(message.bytes, "two", message.len);
    ck_assert_ptr_eq(at, end);
    ck_assert_int_eq(reader_next(&reader, &at, end, LIMIT, &message), READER_MORE);
}
END_TEST

START_TEST(no_bytes_change_nothing_wherever_the_stream_stands)
{
    struct reader reader = {0};
    put(TEXT, "a");
    put(FIN | PING, "b");
    put_frame(FIN | CONT, letters, 9);
    for (size_t i = 0; i < stream_len; i++) {
        ck_assert(feed(&reader, stream + i, 0, LIMIT));
        ck_assert(feed(&reader, stream + i, 1, LIMIT));
        ck_assert(feed(&reader, stream + i, 0, LIMIT));
    }
    reader_finish(&reader);
    ck_assert_str_eq(heard.text, "ping(b) text(axxxxxxxxx) ");
}
END_TEST

START_TEST(fragments_make_one_message_of_the_first_ones_kind)
{
    put(TEXT, "he");
    put(CONT, "");
    put(CONT, "ll");
    put(FIN | CONT, "o");
    put(BINARY, "");
    put(FIN | CONT, "b");
    put(TEXT, "");
    put(FIN | CONT, "");
    reads("text(hello) binary(b) text() ");
}
END_TEST

START_TEST(control_frames_come_through_in_the_middle_of_a_message)
{
    put(TEXT, "he");
    put(FIN | PING, "now");
    put(CONT, "ll");
    put(FIN | PONG, "");
    put(FIN | PONG, "there");
    put(FIN | CONT, "o");
    reads("ping(now) pong() pong(there) text(hello) ");
    put(TEXT, "unfinished");
    put_close(1000, "bye");
    reads("close(1000) ");
}
END_TEST

START_TEST(control_frames_hold_up_to_125_bytes)
{
    tell_payload(&meant, READER_PING, letters, CONTROL);
    tell_payload(&meant, READER_PONG, letters, CONTROL);
    put_frame(FIN | PING, letters, CONTROL);
    put_frame(FIN | PONG, letters, CONTROL);
    reads(meant.text);
}
END_TEST

/* ---- violations ---------------------------------------------------------------------
 */

/* A frame with these first two bytes and nothing after them breaks the stream. */
static void header_breaks(unsigned first, unsigned second)
{
    const char header[] = {(char)first, (char)second};
    put_bytes(header, sizeof(header));
    reads("broken(1002) ");
}

/* So does one that promises too much. */
static void promise_breaks(size_t max_bytes, unsigned first, uint64_t len)
{
    put_header(first, len);
    reads_within(max_bytes, "broken(1009) ");
}

START_TEST(a_frame_that_is_not_masked_breaks_the_stream)
{
    static const unsigned firsts[] = {FIN | TEXT, TEXT, FIN | BINARY, FIN | CLOSE,
                                      FIN | PING};
    for (size_t i = 0; i < COUNT(firsts); i++) {
        header_breaks(firsts[i], 0);
    }
    header_breaks(FIN | TEXT, 127);
}
END_TEST

START_TEST(reserved_bits_break_the_stream)
{
    for (unsigned bit = 0x10; bit < FIN; bit <<= 1) {
        header_breaks(FIN | bit | TEXT, 0x80);
        header_breaks(FIN | bit | PING, 0x80);
    }
}
END_TEST

START_TEST(reserved_opcodes_break_the_stream)
{
    for (unsigned opcode = BINARY + 1; opcode < CLOSE; opcode++) {
        header_breaks(FIN | opcode, 0x80);
        header_breaks(FIN | (opcode + CLOSE), 0x80);
    }
}
END_TEST

START_TEST(a_control_frame_in_fragments_or_beyond_125_bytes_breaks_the_stream)
{
    for (unsigned opcode = CLOSE; opcode <= PONG; opcode++) {
        header_breaks(opcode, 0x80);
        header_breaks(FIN | opcode, 0x80 | 126);
        header_breaks(FIN | opcode, 0x80 | 127);
    }
}
END_TEST

START_TEST(a_length_not_in_its_shortest_form_breaks_the_stream)
{
    put_bytes("\x82\xfe\0\0mask", 8);
    reads("broken(1002) ");
    put_bytes("\x82\xfe\0\x7dmask", 8); /* 125 */
    reads("broken(1002) ");
    put_bytes("\x82\xfe\0\x7emask", 8); /* 126 */
    reads("");
    put_bytes("\x82\xff\0\0\0\0\0\0\0\x7emask", 14);
    reads("broken(1002) ");
    put_bytes("\x82\xff\0\0\0\0\0\0\xff\xffmask", 14); /* 65535 */
    reads("broken(1002) ");
    put_bytes("\x82\xff\0\0\0\0\0\1\0\0mask", 14); /* 65536 */
    reads("");
}
END_TEST

START_TEST(a_continuation_of_nothing_breaks_the_stream)
{
    header_breaks(FIN | CONT, 0x80);
    put(TEXT, "a");
    put(FIN | CONT, "b");
    put(CONT, "c");
    put(FIN | TEXT, "never read");
    reads("text(ab) broken(1002) ");
}
END_TEST

START_TEST(a_message_inside_a_message_breaks_the_stream)
{
    for (unsigned outer = TEXT; outer <= BINARY; outer++) {
        for (unsigned inner = TEXT; inner <= BINARY; inner++) {
            put(outer, "a");
            header_breaks(FIN | inner, 0x80);
        }
    }
}
END_TEST

/* ---- the limit ----------------------------------------------------------------------
 */

START_TEST(a_message_of_exactly_the_limit_passes)
{
    put(FIN | TEXT, "12345");
    reads_within(5, "text(12345) ");
    put(TEXT, "12");
    put(CONT, "345");
    put(FIN | CONT, "");
    reads_within(5, "text(12345) ");
}
END_TEST

START_TEST(a_message_over_the_limit_breaks_at_its_header)
{
    promise_breaks(5, FIN | TEXT, 6);
    promise_breaks(LIMIT, BINARY, LIMIT + 1);
}
END_TEST

START_TEST(fragments_are_summed_against_the_limit)
{
    put(TEXT, "123");
    promise_breaks(5, FIN | CONT, 3);
    put(TEXT, "12345");
    promise_breaks(5, CONT, 1);
}
END_TEST

START_TEST(the_longest_lengths_there_are_break_at_their_header)
{
    static const uint64_t lens[] = {INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX,
                                    UINT64_C(1) << 63};
    for (size_t i = 0; i < COUNT(lens); i++) {
        promise_breaks(LIMIT, FIN | TEXT, lens[i]);
        put(TEXT, "a");
        promise_breaks(LIMIT, FIN | CONT, lens[i]);
    }
}
END_TEST

START_TEST(each_message_has_the_limit_to_itself_and_control_frames_have_none)
{
    put(FIN | TEXT, "12345");
    put(TEXT, "123");
    put(FIN | PING, "longer than five");
    put(FIN | CONT, "45");
    put(FIN | BINARY, "12345");
    reads_within(5, "text(12345) ping(longer than five) text(12345) binary(12345) ");
}
END_TEST

START_TEST(a_message_may_have_64_empty_fragments_and_no_more)
{
    for (unsigned i = 0; i < 64; i++) {
        put(i == 0 ? TEXT : CONT, "");
    }
    put(FIN | PING, "");
    put(FIN | CONT, "x");
    put(FIN | TEXT, "");
    put(TEXT, "x");
    for (unsigned i = 0; i < 65; i++) {
        put(CONT, "");
    }
    reads("ping() text(x) text() broken(1009) ");
}
END_TEST

/* ---- UTF-8 --------------------------------------------------------------------------
 */

START_TEST(text_must_be_utf8)
{
    static const char *const bad[] = {"\x80", "a\xff", "\xc0\x80", "\xed\xa0\x80",
                                      "\xe8\x82"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        put(FIN | TEXT, bad[i]);
        reads("broken(1007) ");
    }
    put(FIN | TEXT, "\xe8\x82\xa1\xf0\x9f\x98\x80");
    reads("text(\xe8\x82\xa1\xf0\x9f\x98\x80) ");
}
END_TEST

START_TEST(a_character_may_be_split_over_fragments)
{
    put(TEXT, "\xf0");
    put(CONT, "\x9f");
    put(FIN | PING, "\xff");
    put(CONT, "\x98");
    put(FIN | CONT, "\x80");
    reads("ping(\xff) text(\xf0\x9f\x98\x80) ");
    put(TEXT, "\xe8\x82");
    put(FIN | CONT, "x");
    reads("broken(1007) ");
    put(TEXT, "\xe8\x82");
    put(FIN | CONT, "");
    reads("broken(1007) ");
}
END_TEST

START_TEST(binary_messages_and_pings_may_hold_any_bytes)
{
    put(BINARY, "\xff");
    put(FIN | PING, "\xc0");
    put(FIN | CONT, "\x80");
    put(FIN | PONG, "\xfe");
    reads("ping(\xc0) binary(\xff\x80) pong(\xfe) ");
}
END_TEST

/* ---- close frames -------------------------------------------------------------------
 */

START_TEST(a_close_frame_gives_the_peers_code_or_0_for_none)
{
    static const unsigned codes[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011,
                                     1012, 1013, 1014, 3000, 3999, 4000, 4008, 4999};
    for (size_t i = 0; i < COUNT(codes); i++) {
        char expected[32];
        snprintf(expected, sizeof(expected), "close(%u) ", codes[i]);
        put_close(codes[i], "");
        reads(expected);
        put_close(codes[i], "\xe8\x82\xa1 bye");
        reads(expected);
    }
    put(FIN | CLOSE, "");
    reads("close(0) ");
}
END_TEST

START_TEST(a_close_code_that_may_not_be_sent_breaks_the_stream)
{
    static const unsigned codes[] = {0,    1,    999,  1004, 1005, 1006, 1015,
                                     1016, 1100, 1999, 2000, 2999, 5000, 65535};
    for (size_t i = 0; i < COUNT(codes); i++) {
        put_close(codes[i], "");
        reads("broken(1002) ");
    }
}
END_TEST

START_TEST(a_close_frame_of_one_byte_breaks_the_stream)
{
    put(FIN | CLOSE, "\x03");
    reads("broken(1002) ");
    put(TEXT, "a");
    put(FIN | PING, "\x03\xe8"); /* lies where the missing byte would be */
    put(FIN | CLOSE, "\x03");
    reads("ping(\x03\xe8) broken(1002) ");
}
END_TEST

START_TEST(a_close_reason_must_be_utf8)
{
    put_close(1000, "\xe8\x82");
    reads("broken(1007) ");
    letters[CONTROL - 2] = '\0';
    put_close(1000, letters);
    reads("close(1000) ");
}
END_TEST

/* ---- memory -------------------------------------------------------------------------
 */

START_TEST(nothing_is_held_between_messages)
{
    struct reader reader = {0};
    put_frame(FIN | TEXT, letters, 1000);
    put(FIN | PING, "p");
    put_bytes("\x81\xfe\x10", 3); /* the beginning of a header */
    ck_assert(feed(&reader, stream, stream_len, LIMIT));
    ck_assert_ptr_null(reader.buffer);
    ck_assert_uint_eq(reader.capacity, 0);
}
END_TEST

START_TEST(a_header_alone_does_not_allocate_what_it_promises)
{
    struct reader reader = {0};
    put_header(FIN | TEXT, LIMIT);
    ck_assert(feed(&reader, stream, stream_len, LIMIT));
    ck_assert_uint_le(reader.capacity, 256);
    for (size_t sent = 1; sent < LIMIT; sent++) {
        if (!feed(&reader, (const unsigned char *)"x", 1, LIMIT) ||
            reader.capacity > most_memory(sent)) {
            ck_abort_msg("%zu bytes are held for %zu", reader.capacity, sent);
        }
    }
    reader_finish(&reader);
}
END_TEST

START_TEST(a_control_frame_behind_a_message_at_the_limit_fits)
{
    struct reader reader = {0};
    put_frame(TEXT, letters, LIMIT);
    put_frame(FIN | PING, letters, CONTROL);
    ck_assert(feed(&reader, stream, stream_len, LIMIT));
    ck_assert_uint_eq(reader.message_len, LIMIT);
    ck_assert_uint_le(reader.capacity, most_memory(LIMIT + CONTROL));
    reader_finish(&reader);
}
END_TEST

START_TEST(finishing_in_the_middle_leaves_a_reader_as_new)
{
    struct reader reader;
    put(TEXT, "begun");
    put_frame(CONT, letters, 300);
    for (size_t len = 0; len < stream_len; len++) {
        heard.len = 0;
        reader_init(&reader);
        ck_assert(feed(&reader, stream, len, LIMIT));
        reader_finish(&reader);
        ck_assert(feed(&reader, (const unsigned char *)"\x81\x80\1\2\3\4", 6, LIMIT));
        ck_assert_str_eq(heard.text, "text() ");
        reader_finish(&reader);
    }
}
END_TEST

/* ---- properties ---------------------------------------------------------------------
 */

/* Well-formed text of about `len` bytes, cut anywhere by the fragments. */
static size_t make_text(char *out, size_t len)
{
    static const char *const chars[] = {"a", "\xc3\xa9", "\xe8\x82\xa1",
                                        "\xf0\x9f\x98\x80"};
    size_t at = 0;
    while (at < len) {
        for (const char *c = chars[random_below(COUNT(chars))]; *c != '\0'; c++) {
            out[at++] = *c;
        }
    }
    return at;
}

static void put_random_control(void)
{
    char payload[CONTROL + 4];
    size_t len = make_text(payload, random_below(CONTROL));
    len = len > CONTROL ? json_cut(payload, len, CONTROL) : len;
    const bool is_ping = random_below(2) == 0;
    put_frame(FIN | (is_ping ? PING : PONG), payload, len);
    tell_payload(&meant, is_ping ? READER_PING : READER_PONG, payload, len);
}

static void put_random_message(void)
{
    static char payload[8192];
    const bool is_text = random_below(3) > 0;
    const size_t len = make_text(payload, random_below(random_below(9) == 0 ? 8000 : 60));
    unsigned opcode = is_text ? TEXT : BINARY;
    size_t at = 0;
    while (random_below(3) > 0) {
        const size_t piece = random_below((uint32_t)(len - at + 1));
        put_frame(opcode, payload + at, piece);
        opcode = CONT;
        at += piece;
        if (random_below(2) == 0) {
            put_random_control();
        }
    }
    put_frame(FIN | opcode, payload + at, len - at);
    tell_payload(&meant, is_text ? READER_TEXT : READER_BINARY, payload, len);
}

START_TEST(however_a_stream_is_split_it_reads_the_same)
{
    for (int round = 0; round < 200; round++) {
        stream_len = 0;
        meant.len = 0;
        for (int i = 0; i < 8; i++) {
            put_random_message();
        }
        put_close(1001, "");
        tell(&meant, "close(1001) ");
        ck_assert_str_eq(read_pieces(LIMIT, 40), meant.text);
        reads(meant.text);
    }
}
END_TEST

START_TEST(however_a_damaged_stream_is_split_it_breaks_the_same)
{
    for (int round = 0; round < 600; round++) {
        stream_len = 0;
        meant.len = 0;
        for (int i = 0; i < 4; i++) {
            put_random_message();
        }
        for (int i = 0; i < 3; i++) {
            stream[random_below((uint32_t)stream_len)] = (unsigned char)random_below(256);
        }
        snprintf(meant.text, LOG_MAX, "%s", read_pieces(1000, WHOLE));
        reads_within(1000, meant.text);
    }
}
END_TEST

static void add_messages(TCase *tcase)
{
    tcase_add_test(tcase, messages_come_out_unmasked_and_may_be_empty);
    tcase_add_test(tcase, payloads_of_each_kind_of_length_are_read);
    tcase_add_test(tcase, messages_in_one_piece_come_out_one_at_a_time);
    tcase_add_test(tcase, no_bytes_change_nothing_wherever_the_stream_stands);
    tcase_add_test(tcase, fragments_make_one_message_of_the_first_ones_kind);
    tcase_add_test(tcase, control_frames_come_through_in_the_middle_of_a_message);
    tcase_add_test(tcase, control_frames_hold_up_to_125_bytes);
    tcase_add_test(tcase, text_must_be_utf8);
    tcase_add_test(tcase, a_character_may_be_split_over_fragments);
    tcase_add_test(tcase, binary_messages_and_pings_may_hold_any_bytes);
    tcase_add_test(tcase, nothing_is_held_between_messages);
    tcase_add_test(tcase, a_header_alone_does_not_allocate_what_it_promises);
    tcase_add_test(tcase, a_control_frame_behind_a_message_at_the_limit_fits);
    tcase_add_test(tcase, finishing_in_the_middle_leaves_a_reader_as_new);
    tcase_add_test(tcase, however_a_stream_is_split_it_reads_the_same);
    tcase_add_test(tcase, however_a_damaged_stream_is_split_it_breaks_the_same);
}

static void add_violations(TCase *tcase)
{
    tcase_add_test(tcase, a_frame_that_is_not_masked_breaks_the_stream);
    tcase_add_test(tcase, reserved_bits_break_the_stream);
    tcase_add_test(tcase, reserved_opcodes_break_the_stream);
    tcase_add_test(tcase,
                   a_control_frame_in_fragments_or_beyond_125_bytes_breaks_the_stream);
    tcase_add_test(tcase, a_length_not_in_its_shortest_form_breaks_the_stream);
    tcase_add_test(tcase, a_continuation_of_nothing_breaks_the_stream);
    tcase_add_test(tcase, a_message_inside_a_message_breaks_the_stream);
    tcase_add_test(tcase, a_message_of_exactly_the_limit_passes);
    tcase_add_test(tcase, a_message_over_the_limit_breaks_at_its_header);
    tcase_add_test(tcase, fragments_are_summed_against_the_limit);
    tcase_add_test(tcase, the_longest_lengths_there_are_break_at_their_header);
    tcase_add_test(tcase,
                   each_message_has_the_limit_to_itself_and_control_frames_have_none);
    tcase_add_test(tcase, a_message_may_have_64_empty_fragments_and_no_more);
    tcase_add_test(tcase, a_close_frame_gives_the_peers_code_or_0_for_none);
    tcase_add_test(tcase, a_close_code_that_may_not_be_sent_breaks_the_stream);
    tcase_add_test(tcase, a_close_frame_of_one_byte_breaks_the_stream);
    tcase_add_test(tcase, a_close_reason_must_be_utf8);
}

int main(void)
{
    Suite *suite = suite_create("reader");
    TCase *tcase = tcase_create("reader");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_set_timeout(tcase, 30);
    add_messages(tcase);
    add_violations(tcase);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
