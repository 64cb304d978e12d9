/* SPDX-License-Identifier: MIT */
#include "gateway/frame.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A text frame whose payload is `len` times the letter x. */
static struct frame *frame_of(size_t len)
{
    char *payload = malloc(len > 0 ? len : 1);
    ck_assert_ptr_nonnull(payload);
    memset(payload, 'x', len);
    const struct frame_part part = {.bytes = payload, .len = len};
    struct frame *frame = frame_create(FRAME_TEXT, &part, 1);
    ck_assert_ptr_nonnull(frame);
    free(payload);
    return frame;
}

/* The frame is exactly these bytes; gives its reference back. */
static void is_bytes(struct frame *frame, const char *bytes, size_t len)
{
    ck_assert_ptr_nonnull(frame);
    ck_assert_uint_eq(frame->len, len);
    ck_assert_mem_eq(frame->bytes, bytes, len);
    frame_unref(frame);
}

/* The frame of a payload of `len` bytes begins with this header. */
static void header_is(size_t len, const char *header, size_t header_len)
{
    struct frame *frame = frame_of(len);
    ck_assert_uint_eq(frame->len, header_len + len);
    ck_assert_mem_eq(frame->bytes, header, header_len);
    for (size_t i = 0; i < len; i++) {
        if (frame->bytes[header_len + i] != 'x') {
            ck_abort_msg("byte %zu of %zu", i, len);
        }
    }
    frame_unref(frame);
}

START_TEST(a_payload_up_to_125_bytes_has_a_header_of_two)
{
    header_is(0, "\x81\x00", 2);
    header_is(1, "\x81\x01", 2);
    header_is(125, "\x81\x7d", 2);
}
END_TEST

START_TEST(a_payload_up_to_65535_bytes_has_a_16_bit_length)
{
    header_is(126, "\x81\x7e\x00\x7e", 4);
    header_is(256, "\x81\x7e\x01\x00", 4);
    header_is(65535, "\x81\x7e\xff\xff", 4);
}
END_TEST

START_TEST(a_longer_payload_has_a_64_bit_length)
{
    header_is(65536, "\x81\x7f\0\0\0\0\0\x01\0\0", 10);
    header_is(0x123456, "\x81\x7f\0\0\0\0\0\x12\x34\x56", 10);
}
END_TEST

START_TEST(every_frame_is_final_and_carries_its_opcode)
{
    is_bytes(frame_create(FRAME_TEXT, NULL, 0), "\x81\0", 2);
    is_bytes(frame_create(FRAME_CLOSE, NULL, 0), "\x88\0", 2);
    is_bytes(frame_create(FRAME_PING, NULL, 0), "\x89\0", 2);
    is_bytes(frame_create(FRAME_PONG, NULL, 0), "\x8a\0", 2);
}
END_TEST

START_TEST(the_parts_are_laid_end_to_end)
{
    static const struct frame_part parts[] = {FRAME_PART("a"),
                                              {.bytes = NULL, .len = 0},
                                              FRAME_PART("\0b"),
                                              FRAME_PART(""),
                                              FRAME_PART("cd")};
    is_bytes(frame_create(FRAME_TEXT, parts, COUNT(parts)), "\x81\5a\0bcd", 7);
}
END_TEST

START_TEST(the_payload_is_what_stands_behind_the_header)
{
    static const size_t lens[] = {0, 1, 125, 126, 256, 65535, 65536, 0x123456};
    for (size_t i = 0; i < COUNT(lens); i++) {
        struct frame *frame = frame_of(lens[i]);
        const struct frame_part payload = frame_payload(frame);
        ck_assert_uint_eq(payload.len, lens[i]);
        ck_assert_ptr_eq(payload.bytes + payload.len, frame->bytes + frame->len);
        frame_unref(frame);
    }
}
END_TEST

START_TEST(a_frame_beyond_4_gib_is_refused)
{
    /* The bytes are not looked at: there are not so many. */
    const struct frame_part whole = {.bytes = "x", .len = UINT32_MAX};
    ck_assert_ptr_null(frame_create(FRAME_TEXT, &whole, 1));
    const struct frame_part with_header = {.bytes = "x", .len = UINT32_MAX - 9};
    ck_assert_ptr_null(frame_create(FRAME_TEXT, &with_header, 1));
    const struct frame_part halves[] = {{.bytes = "x", .len = (size_t)1 << 31},
                                        {.bytes = "x", .len = (size_t)1 << 31}};
    ck_assert_ptr_null(frame_create(FRAME_TEXT, halves, 2));
}
END_TEST

START_TEST(a_new_frame_has_one_reference)
{
    struct frame *frame = frame_of(3);
    ck_assert_uint_eq(frame->refs, 1);
    frame_unref(frame);
}
END_TEST

/* That it is freed then, and only then, is for the address sanitizer to say. */
START_TEST(a_frame_lives_as_long_as_its_last_reference)
{
    struct frame *frame = frame_of(3);
    ck_assert_ptr_eq(frame_ref(frame), frame);
    ck_assert_ptr_eq(frame_ref(frame), frame);
    ck_assert_uint_eq(frame->refs, 3);
    frame_unref(frame);
    frame_unref(frame);
    ck_assert_uint_eq(frame->refs, 1);
    ck_assert_mem_eq(frame->bytes, "\x81\3xxx", 5);
    frame_unref(frame);
}
END_TEST

START_TEST(no_frame_has_no_reference_to_give_back)
{
    frame_unref(NULL);
}
END_TEST

START_TEST(a_close_frame_holds_its_code_and_its_reason)
{
    is_bytes(frame_create_close(1000, ""), "\x88\x02\x03\xe8", 4);
    is_bytes(frame_create_close(4008, "slow"), "\x88\x06\x0f\xa8slow", 8);
}
END_TEST

START_TEST(a_close_frame_without_a_code_is_empty)
{
    is_bytes(frame_create_close(0, ""), "\x88\0", 2);
    is_bytes(frame_create_close(0, "unheard"), "\x88\0", 2);
}
END_TEST

START_TEST(a_close_reason_is_cut_at_what_a_control_frame_holds)
{
    char reason[200];
    memset(reason, 'r', sizeof(reason));
    for (size_t len = 122; len < 125; len++) {
        reason[len] = '\0';
        struct frame *frame = frame_create_close(1001, reason);
        ck_assert_ptr_nonnull(frame);
        ck_assert_uint_eq(frame->len, 4 + (len < 123 ? len : 123));
        ck_assert_uint_eq(frame->bytes[1], frame->len - 2);
        ck_assert_mem_eq(frame->bytes + 4, reason, frame->len - 4);
        frame_unref(frame);
        reason[len] = 'r';
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("frame");
    TCase *tcase = tcase_create("frame");
    tcase_add_test(tcase, a_payload_up_to_125_bytes_has_a_header_of_two);
    tcase_add_test(tcase, a_payload_up_to_65535_bytes_has_a_16_bit_length);
    tcase_add_test(tcase, a_longer_payload_has_a_64_bit_length);
    tcase_add_test(tcase, every_frame_is_final_and_carries_its_opcode);
    tcase_add_test(tcase, the_parts_are_laid_end_to_end);
    tcase_add_test(tcase, the_payload_is_what_stands_behind_the_header);
    tcase_add_test(tcase, a_frame_beyond_4_gib_is_refused);
    tcase_add_test(tcase, a_new_frame_has_one_reference);
    tcase_add_test(tcase, a_frame_lives_as_long_as_its_last_reference);
    tcase_add_test(tcase, no_frame_has_no_reference_to_give_back);
    tcase_add_test(tcase, a_close_frame_holds_its_code_and_its_reason);
    tcase_add_test(tcase, a_close_frame_without_a_code_is_empty);
    tcase_add_test(tcase, a_close_reason_is_cut_at_what_a_control_frame_holds);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
