/* SPDX-License-Identifier: MIT */
#include "feeder/file.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define BIG 300000

static char path[] = "/tmp/test_file.XXXXXX";
static char *text;
static size_t text_len;

static void setup(void)
{
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void teardown(void)
{
    free(text);
    unlink(path);
}

static void write_bytes(const void *bytes, size_t len, const char *how)
{
    FILE *file = fopen(path, how);
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

static void write_archive(const void *bytes, size_t len, const char *how)
{
    gzFile file = gzopen(path, how);
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(gzwrite(file, bytes, (unsigned)len), (int)len);
    gzclose(file);
}

/* NULL or why not. */
static const char *read_back(size_t max)
{
    free(text);
    text = NULL;
    return file_read(path, max, &text, &text_len);
}

static void assert_read(const char *expected, size_t len, size_t max)
{
    ck_assert_ptr_null(read_back(max));
    ck_assert_uint_eq(text_len, len);
    ck_assert_mem_eq(text, expected, len);
}

static const char *noise(void)
{
    static char bytes[BIG];
    for (uint32_t i = 0, state = 1; i < BIG; i++) {
        state = state * 1664525 + 1013904223;
        bytes[i] = (char)(state >> 24);
    }
    return bytes;
}

START_TEST(a_file_is_read_as_it_is)
{
    write_bytes("one\ntwo", 7, "wb");
    assert_read("one\ntwo", 7, 7);
    write_bytes(noise(), BIG, "wb");
    assert_read(noise(), BIG, BIG);
}
END_TEST

START_TEST(an_empty_file_is_no_error)
{
    assert_read("", 0, 100);
}
END_TEST

START_TEST(an_archive_is_unpacked)
{
    write_archive("one\ntwo", 7, "wb");
    assert_read("one\ntwo", 7, 7);
    write_archive(noise(), BIG, "wb");
    assert_read(noise(), BIG, BIG);
}
END_TEST

START_TEST(archives_one_after_the_other_are_one)
{
    write_archive("one\n", 4, "wb");
    write_archive("", 0, "ab");
    write_archive("two\n", 4, "ab");
    assert_read("one\ntwo\n", 8, 100);
}
END_TEST

START_TEST(more_bytes_than_allowed_are_refused_packed_or_not)
{
    static char zeros[BIG];
    write_bytes("12345678", 8, "wb");
    ck_assert_str_eq(read_back(7), "longer than --max-file-bytes allows");
    write_archive("12345678", 8, "wb");
    ck_assert_str_eq(read_back(7), "longer than --max-file-bytes allows");
    write_archive(zeros, BIG, "wb");
    ck_assert_str_eq(read_back(BIG - 1), "longer than --max-file-bytes allows");
    ck_assert_ptr_null(read_back(BIG));
}
END_TEST

START_TEST(an_archive_that_is_cut_off_is_refused_wherever)
{
    write_archive("one\ntwo\nthree", 13, "wb");
    static char bytes[256];
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    const size_t len = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    for (size_t cut = 2; cut < len; cut++) {
        write_bytes(bytes, cut, "wb");
        ck_assert_str_eq(read_back(100), "the gzip archive is cut off");
    }
}
END_TEST

START_TEST(an_archive_that_is_damaged_is_refused)
{
    write_archive(noise(), 1000, "wb");
    FILE *file = fopen(path, "r+b");
    ck_assert_ptr_nonnull(file);
    fseek(file, 500, SEEK_SET);
    fputs("????", file);
    fclose(file);
    ck_assert_str_eq(read_back(2000), "the gzip archive is damaged");
    write_archive("one", 3, "wb");
    write_bytes("tail", 4, "ab");
    ck_assert_str_eq(read_back(2000), "the gzip archive is damaged");
}
END_TEST

START_TEST(what_cannot_be_read_is_an_error)
{
    char *bytes;
    size_t len;
    ck_assert_str_eq(file_read("/nonexistent", 1, &bytes, &len),
                     "No such file or directory");
    ck_assert_str_eq(file_read("/tmp", 1, &bytes, &len), "Is a directory");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file");
    TCase *tcase = tcase_create("file");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_file_is_read_as_it_is);
    tcase_add_test(tcase, an_empty_file_is_no_error);
    tcase_add_test(tcase, an_archive_is_unpacked);
    tcase_add_test(tcase, archives_one_after_the_other_are_one);
    tcase_add_test(tcase, more_bytes_than_allowed_are_refused_packed_or_not);
    tcase_add_test(tcase, an_archive_that_is_cut_off_is_refused_wherever);
    tcase_add_test(tcase, an_archive_that_is_damaged_is_refused);
    tcase_add_test(tcase, what_cannot_be_read_is_an_error);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
