/* test_err.c - messages of failures, one a thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include "base/err.h"
#include "base/text.h"

static void test_message(void **state)
{
    (void)state;
    assert_int_equal(asy_fail(ASY_EARG, "width: %d expected, got %d", 3, 4), ASY_EARG);
    assert_string_equal(asy_errmsg(), "width: 3 expected, got 4");
}

static void test_arguments_may_hold_the_old_message(void **state)
{
    (void)state;
    asy_fail(ASY_EIO, "disk full");
    asy_fail(ASY_EIO, "cannot save: %s", asy_errmsg());
    assert_string_equal(asy_errmsg(), "cannot save: disk full");
    assert_int_equal(asy_fail_in(ASY_EIO, "trial %d", 7), ASY_EIO);
    assert_string_equal(asy_errmsg(), "trial 7: cannot save: disk full");
}

static void test_long_message_is_cut_between_characters(void **state)
{
    (void)state;
    char text[6001];
    for (size_t i = 0; i < 6000; i += 3)
        memcpy(text + i, "\xE2\x82\xAC", 3);
    text[6000] = '\0';
    asy_fail(ASY_EARG, "%s", text);
    assert_int_equal(strlen(asy_errmsg()), 4095);
    asy_fail(ASY_EARG, "a%s", text);
    size_t len = strlen(asy_errmsg()), bad;
    assert_true(len <= 4095 && len > 4090);
    assert_true(asy_text_is_utf8(asy_errmsg(), len, &bad));
}

static void test_long_prefix_and_message(void **state)
{
    (void)state;
    char text[6001];
    memset(text, 'x', 6000);
    text[6000] = '\0';
    asy_fail(ASY_EARG, "%s", text);
    asy_fail_in(ASY_EARG, "%s", text);
    assert_int_equal(strlen(asy_errmsg()), 4095);
}

static void *fail_elsewhere(void *unused)
{
    (void)unused;
    asy_fail(ASY_EIO, "elsewhere");
    return NULL;
}

static void test_threads_have_their_own(void **state)
{
    (void)state;
    pthread_t other;
    asy_fail(ASY_EARG, "here");
    assert_int_equal(pthread_create(&other, NULL, fail_elsewhere, NULL), 0);
    pthread_join(other, NULL);
    assert_string_equal(asy_errmsg(), "here");
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(asy_errname(ASY_OK), "OK");
    assert_string_equal(asy_errname(ASY_ENOMEM), "ENOMEM");
    assert_string_equal(asy_errname(ASY_ESCRIPT), "ESCRIPT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message),
        cmocka_unit_test(test_arguments_may_hold_the_old_message),
        cmocka_unit_test(test_long_message_is_cut_between_characters),
        cmocka_unit_test(test_long_prefix_and_message),
        cmocka_unit_test(test_threads_have_their_own),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
