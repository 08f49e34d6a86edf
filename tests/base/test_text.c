/* test_text.c - UTF-8 and near names. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "base/text.h"

static size_t first_fault(const char *text, size_t len)
{
    size_t bad = SIZE_MAX;
    return asy_text_is_utf8(text, len, &bad) ? SIZE_MAX : bad;
}

static void test_good_utf8(void **state)
{
    (void)state;
    const char *good[] = {"",
                          "plain text that is longer than eight",
                          "h\xC3\xA9",
                          "\xE2\x82\xAC\xF0\x9F\x98\x80",
                          "\xED\x9F\xBF",
                          "\xEE\x80\x80",
                          "\xF4\x8F\xBF\xBF",
                          "\xC2\x80",
                          "\xE0\xA0\x80",
                          "\xF0\x90\x80\x80"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(first_fault(good[i], strlen(good[i])), SIZE_MAX);
    assert_int_equal(first_fault("a\0b", 3), SIZE_MAX);
}

static void test_bad_utf8(void **state)
{
    (void)state;
    const struct {
        const char *text;
        size_t bad;
    } cases[] = {
        {"\x80", 0},
        {"ab\xFF", 2},
        {"\xC0\x80", 0},
        {"\xC1\xBF", 0},
        {"\xE0\x9F\xBF", 0},
        {"\xED\xA0\x80", 0},
        {"a\xE2\x82", 1},
        {"\xF0\x8F\xBF\xBF", 0},
        {"\xF4\x90\x80\x80", 0},
        {"\xF5\x80\x80\x80", 0},
        {"12345678\xC3", 8},
        {"\xC3(", 0},
        {"long enough for words \xE2(\xA1", 22},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(first_fault(cases[i].text, strlen(cases[i].text)),
                         cases[i].bad);
    assert_false(asy_text_is_utf8("\xFF", 1, NULL));
}

static const char *const names[] = {"run",   "resume", "replay",
                                    "check", "worker", "Species"};

static const char *nearest(const char *word)
{
    return asy_text_nearest(word, names, sizeof names / sizeof *names);
}

static void test_near_names(void **state)
{
    (void)state;
    assert_string_equal(nearest("rn"), "run");
    assert_string_equal(nearest("rnu"), "run");
    assert_string_equal(nearest("resmue"), "resume");
    assert_string_equal(nearest("wrker"), "worker");
    assert_string_equal(nearest("workers"), "worker");
    assert_string_equal(nearest("species"), "Species");
    assert_string_equal(nearest("chekc"), "check");
}

static void test_nothing_near(void **state)
{
    (void)state;
    char endless[500];
    memset(endless, 'r', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_null(nearest("banana"));
    assert_null(nearest(""));
    assert_null(nearest(endless));
    assert_null(asy_text_nearest("x", NULL, 0));
    const char *const one[] = {endless};
    assert_null(asy_text_nearest("run", one, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_utf8),
        cmocka_unit_test(test_bad_utf8),
        cmocka_unit_test(test_near_names),
        cmocka_unit_test(test_nothing_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
