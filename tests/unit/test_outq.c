/* SPDX-License-Identifier: MIT */
#include "gateway/outq.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/frame.h"

#define UP_TO(bytes) ((struct outq_limits){.soft_bytes = SIZE_MAX, .hard_bytes = (bytes)})
#define HEADER       ((size_t)2) /* bytes of a short frame's header */

static struct outq queue;

static void setup(void)
{
    outq_init(&queue, NULL);
}

static void teardown(void)
{
    outq_finish(&queue);
}

static struct frame *frame_of(const char *text)
{
    const struct frame_part part = {.bytes = text, .len = strlen(text)};
    struct frame *frame = frame_create(FRAME_TEXT, &part, 1);
    ck_assert_ptr_nonnull(frame);
    return frame;
}

/* Pushes a frame that only the queue keeps. */
static enum outq_result push(const char *text, size_t max_bytes)
{
    struct frame *frame = frame_of(text);
    const enum outq_result result = outq_push(&queue, frame, NULL, &UP_TO(max_bytes));
    frame_unref(frame);
    return result;
}

/* The next frame out is this one. */
static void pops(const char *text)
{
    struct frame *frame = outq_pop(&queue);
    ck_assert_ptr_nonnull(frame);
    ck_assert_uint_eq(frame->len, HEADER + strlen(text));
    ck_assert_mem_eq(frame->bytes + HEADER, text, strlen(text));
    frame_unref(frame);
}

/* The letter that stands for a number, as a frame's text. */
static const char *letter(uint32_t number)
{
    static char text[2];
    text[0] = (char)('a' + number % 26);
    return text;
}

START_TEST(an_empty_queue_holds_no_memory)
{
    ck_assert_ptr_null(outq_pop(&queue));
    ck_assert_ptr_null(queue.ring);
    for (uint32_t i = 0; i < 100; i++) {
        ck_assert_int_eq(push("x", SIZE_MAX), OUTQ_OK);
    }
    for (uint32_t i = 0; i < 100; i++) {
        ck_assert_ptr_nonnull(queue.ring);
        pops("x");
    }
    ck_assert_ptr_null(queue.ring);
    ck_assert_uint_eq(queue.capacity, 0);
    ck_assert_ptr_null(outq_pop(&queue));
}
END_TEST

START_TEST(a_queue_of_zero_bytes_is_ready_to_use)
{
    struct outq zero;
    memset(&zero, 0, sizeof(zero));
    struct frame *frame = frame_of("x");
    ck_assert_int_eq(outq_push(&zero, frame, NULL, &UP_TO(100)), OUTQ_OK);
    frame_unref(frame);
    outq_finish(&zero);
    ck_assert_uint_eq(zero.count, 0);
}
END_TEST

START_TEST(frames_leave_in_the_order_they_came)
{
    push("one", SIZE_MAX);
    push("two", SIZE_MAX);
    push("three", SIZE_MAX);
    pops("one");
    pops("two");
    push("four", SIZE_MAX);
    pops("three");
    pops("four");
}
END_TEST

START_TEST(bytes_and_count_are_those_of_the_frames_held)
{
    push("12345", SIZE_MAX);
    push("123", SIZE_MAX);
    ck_assert_uint_eq(queue.count, 2);
    ck_assert_uint_eq(queue.bytes, HEADER + 5 + HEADER + 3);
    pops("12345");
    ck_assert_uint_eq(queue.count, 1);
    ck_assert_uint_eq(queue.bytes, HEADER + 3);
    pops("123");
    ck_assert_uint_eq(queue.bytes, 0);
}
END_TEST

/* Every fill of the ring from every place in it, so that each growth is met with the
 * oldest frame at each place. */
START_TEST(the_order_outlives_the_rings_wrap_and_growth)
{
    for (uint32_t start = 0; start < 17; start++) {
        for (uint32_t fill = 1; fill < 20; fill++) {
            uint32_t in = 0;
            uint32_t out = 0;
            push(letter(in++), SIZE_MAX);
            for (uint32_t i = 0; i < start; i++) {
                push(letter(in++), SIZE_MAX);
                pops(letter(out++));
            }
            while (in - out < fill) {
                push(letter(in++), SIZE_MAX);
            }
            while (out < in) {
                pops(letter(out++));
            }
        }
    }
}
END_TEST

START_TEST(frames_fit_up_to_the_bound_exactly)
{
    const size_t two = (HEADER + 5) * 2;
    ck_assert_int_eq(push("12345", two), OUTQ_OK);
    ck_assert_int_eq(push("12345", two), OUTQ_OK);
    ck_assert_int_eq(push("", two + 1), OUTQ_FULL);
    ck_assert_int_eq(push("", two + HEADER), OUTQ_OK);
}
END_TEST

START_TEST(a_full_queue_refuses_and_changes_nothing)
{
    struct frame *frame = frame_of("12345");
    ck_assert_int_eq(outq_push(&queue, frame, NULL, &UP_TO(7)), OUTQ_OK);
    struct frame *refused = frame_of("refused");
    const struct outq before = queue;
    ck_assert_int_eq(outq_push(&queue, refused, NULL, &UP_TO(15)), OUTQ_FULL);
    ck_assert_mem_eq(&queue, &before, sizeof(queue));
    ck_assert_uint_eq(refused->refs, 1);
    frame_unref(refused);
    frame_unref(frame);
    pops("12345");
}
END_TEST

START_TEST(an_empty_queue_takes_a_frame_of_any_size)
{
    ck_assert_int_eq(push("much more than the bound", 1), OUTQ_OK);
    ck_assert_int_eq(push("x", 1), OUTQ_FULL);
    pops("much more than the bound");
    ck_assert_int_eq(push("and again", 0), OUTQ_OK);
}
END_TEST

START_TEST(a_queue_over_a_lowered_bound_refuses_until_it_has_drained)
{
    push("12345", SIZE_MAX);
    push("12345", SIZE_MAX);
    ck_assert_int_eq(push("", 8), OUTQ_FULL);
    pops("12345");
    ck_assert_int_eq(push("", 8), OUTQ_FULL);
    ck_assert_int_eq(push("", 9), OUTQ_OK);
}
END_TEST

START_TEST(a_push_adds_a_reference_and_a_pop_hands_it_over)
{
    struct frame *frame = frame_of("x");
    outq_push(&queue, frame, NULL, &UP_TO(SIZE_MAX));
    outq_push(&queue, frame, NULL, &UP_TO(SIZE_MAX));
    ck_assert_uint_eq(frame->refs, 3);
    ck_assert_ptr_eq(outq_pop(&queue), frame);
    ck_assert_uint_eq(frame->refs, 3);
    frame_unref(frame);
    outq_finish(&queue);
    ck_assert_uint_eq(frame->refs, 1);
    frame_unref(frame);
}
END_TEST

START_TEST(finishing_drops_everything_and_leaves_a_usable_queue)
{
    for (uint32_t i = 0; i < 50; i++) {
        push(letter(i), SIZE_MAX);
    }
    outq_finish(&queue);
    ck_assert_uint_eq(queue.count, 0);
    ck_assert_uint_eq(queue.bytes, 0);
    ck_assert_ptr_null(queue.ring);
    push("again", 7);
    pops("again");
}
END_TEST

START_TEST(gathering_lays_whole_frames_end_to_end)
{
    unsigned char buffer[16];
    push("ab", SIZE_MAX);
    push("", SIZE_MAX);
    push("cde", SIZE_MAX);
    ck_assert_uint_eq(outq_gather(&queue, buffer, sizeof(buffer)), 11);
    ck_assert_mem_eq(buffer, "\x81\2ab\x81\0\x81\3cde", 11);
    ck_assert_uint_eq(queue.count, 0);
}
END_TEST

START_TEST(gathering_takes_only_what_fits_and_leaves_the_rest)
{
    unsigned char buffer[12] = "............";
    push("ab", SIZE_MAX);
    push("cd", SIZE_MAX);
    push("e", SIZE_MAX);
    ck_assert_uint_eq(outq_gather(&queue, buffer, 7), 4);
    ck_assert_mem_eq(buffer, "\x81\2ab........", 12);
    ck_assert_uint_eq(queue.count, 2);
    ck_assert_uint_eq(outq_gather(&queue, buffer, 7), 7);
    ck_assert_mem_eq(buffer, "\x81\2cd\x81\1e", 7);
}
END_TEST

START_TEST(gathering_never_passes_over_a_frame_that_does_not_fit)
{
    unsigned char buffer[6];
    push("too long for it", SIZE_MAX);
    push("x", SIZE_MAX);
    ck_assert_uint_eq(outq_gather(&queue, buffer, sizeof(buffer)), 0);
    ck_assert_uint_eq(outq_gather(&queue, buffer, 0), 0);
    ck_assert_uint_eq(queue.count, 2);
    pops("too long for it");
    ck_assert_uint_eq(outq_gather(&queue, buffer, 3), 3);
}
END_TEST

START_TEST(gathering_from_an_empty_queue_writes_nothing)
{
    unsigned char buffer[1];
    ck_assert_uint_eq(outq_gather(&queue, buffer, sizeof(buffer)), 0);
}
END_TEST

START_TEST(gathering_gives_the_queues_references_back)
{
    unsigned char buffer[64];
    struct frame *frame = frame_of("x");
    outq_push(&queue, frame, NULL, &UP_TO(SIZE_MAX));
    outq_push(&queue, frame, NULL, &UP_TO(SIZE_MAX));
    outq_gather(&queue, buffer, sizeof(buffer));
    ck_assert_uint_eq(frame->refs, 1);
    frame_unref(frame);
}
END_TEST

/* ---- conflation ---------------------------------------------------------------------
 */

static const int topic_a;
static const int topic_b;

/* Pushes a frame of four bytes: a header of two, and the text. */
static enum outq_result push_data(const char *text, const void *topic, size_t soft_bytes)
{
    const struct outq_limits limits = {.soft_bytes = soft_bytes, .hard_bytes = 24};
    struct frame *frame = frame_of(text);
    const enum outq_result result = outq_push(&queue, frame, topic, &limits);
    frame_unref(frame);
    return result;
}

START_TEST(up_to_the_soft_bound_everything_is_kept)
{
    ck_assert_int_eq(push_data("a1", &topic_a, 12), OUTQ_OK);
    ck_assert_int_eq(push_data("a2", &topic_a, 12), OUTQ_OK);
    ck_assert_int_eq(push_data("a3", &topic_a, 12), OUTQ_OK);
    ck_assert_int_eq(push_data("a4", &topic_a, 12), OUTQ_CONFLATED);
    pops("a1");
    pops("a2");
    pops("a4");
}
END_TEST

START_TEST(above_it_each_topic_keeps_its_newest_in_the_order_of_first_arrival)
{
    push_data("a1", &topic_a, 0);
    push_data("b1", &topic_b, 0);
    ck_assert_int_eq(push_data("a2", &topic_a, 0), OUTQ_CONFLATED);
    ck_assert_int_eq(push_data("b2", &topic_b, 0), OUTQ_CONFLATED);
    ck_assert_int_eq(push_data("a3", &topic_a, 0), OUTQ_CONFLATED);
    ck_assert_uint_eq(queue.bytes, 8);
    pops("a3");
    pops("b2");
}
END_TEST

START_TEST(an_answer_is_neither_dropped_nor_overtaken)
{
    push_data("a1", &topic_a, 0);
    ck_assert_int_eq(push_data("re", NULL, 0), OUTQ_OK);
    ck_assert_int_eq(push_data("a2", &topic_a, 0), OUTQ_OK);
    ck_assert_int_eq(push_data("re", NULL, 0), OUTQ_OK);
    pops("a1");
    pops("re");
    pops("a2");
    pops("re");
}
END_TEST

START_TEST(conflation_goes_on_at_the_hard_bound_and_a_new_topic_is_refused)
{
    for (int i = 0; i < 6; i++) {
        ck_assert_int_eq(push_data("a1", &topic_a, 24), OUTQ_OK);
    }
    ck_assert_int_eq(push_data("b1", &topic_b, 0), OUTQ_FULL);
    ck_assert_int_eq(push_data("re", NULL, 0), OUTQ_FULL);
    ck_assert_int_eq(push_data("a2", &topic_a, 0), OUTQ_CONFLATED);
    ck_assert_int_eq(push_data("a3 longer", &topic_a, 0), OUTQ_FULL);
    ck_assert_uint_eq(queue.count, 6);
    ck_assert_uint_eq(queue.bytes, 24);
}
END_TEST

START_TEST(many_queues_are_summed)
{
    size_t total = 100;
    outq_init(&queue, &total);
    push_data("a1", &topic_a, 0);
    push_data("b1", &topic_b, 0);
    ck_assert_uint_eq(total, 108);
    push_data("a2 longer", &topic_a, 0);
    ck_assert_uint_eq(total, 100 + queue.bytes);
    frame_unref(outq_pop(&queue));
    ck_assert_uint_eq(total, 104);
    outq_finish(&queue);
    ck_assert_uint_eq(total, 100);
}
END_TEST

/* Pushes a frame that was made then. */
static void push_made(uint64_t made_us)
{
    struct frame *frame = frame_of("x");
    frame->made_us = made_us;
    ck_assert_int_eq(outq_push(&queue, frame, NULL, &UP_TO(SIZE_MAX)), OUTQ_OK);
    frame_unref(frame);
}

START_TEST(the_oldest_frame_is_told_among_the_first)
{
    ck_assert_uint_eq(outq_oldest_us(&queue), 0);
    push_made(0);
    ck_assert_uint_eq(outq_oldest_us(&queue), 0);
    push_made(500);
    push_made(300);
    push_made(400);
    ck_assert_uint_eq(outq_oldest_us(&queue), 300);
    for (int i = 4; i < OUTQ_AGED_MAX; i++) {
        push_made(350);
    }
    push_made(100); /* nobody looks so far */
    ck_assert_uint_eq(outq_oldest_us(&queue), 300);
    frame_unref(outq_pop(&queue));
    ck_assert_uint_eq(outq_oldest_us(&queue), 100);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("outq");
    TCase *tcase = tcase_create("outq");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, an_empty_queue_holds_no_memory);
    tcase_add_test(tcase, a_queue_of_zero_bytes_is_ready_to_use);
    tcase_add_test(tcase, frames_leave_in_the_order_they_came);
    tcase_add_test(tcase, bytes_and_count_are_those_of_the_frames_held);
    tcase_add_test(tcase, the_order_outlives_the_rings_wrap_and_growth);
    tcase_add_test(tcase, frames_fit_up_to_the_bound_exactly);
    tcase_add_test(tcase, a_full_queue_refuses_and_changes_nothing);
    tcase_add_test(tcase, an_empty_queue_takes_a_frame_of_any_size);
    tcase_add_test(tcase, a_queue_over_a_lowered_bound_refuses_until_it_has_drained);
    tcase_add_test(tcase, a_push_adds_a_reference_and_a_pop_hands_it_over);
    tcase_add_test(tcase, finishing_drops_everything_and_leaves_a_usable_queue);
    tcase_add_test(tcase, gathering_lays_whole_frames_end_to_end);
    tcase_add_test(tcase, gathering_takes_only_what_fits_and_leaves_the_rest);
    tcase_add_test(tcase, gathering_never_passes_over_a_frame_that_does_not_fit);
    tcase_add_test(tcase, gathering_from_an_empty_queue_writes_nothing);
    tcase_add_test(tcase, gathering_gives_the_queues_references_back);
    tcase_add_test(tcase, up_to_the_soft_bound_everything_is_kept);
    tcase_add_test(tcase,
                   above_it_each_topic_keeps_its_newest_in_the_order_of_first_arrival);
    tcase_add_test(tcase, an_answer_is_neither_dropped_nor_overtaken);
    tcase_add_test(tcase,
                   conflation_goes_on_at_the_hard_bound_and_a_new_topic_is_refused);
    tcase_add_test(tcase, many_queues_are_summed);
    tcase_add_test(tcase, the_oldest_frame_is_told_among_the_first);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
