/* test_buf.c - growing bytes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "base/buf.h"
#include "base/mem.h"

static void test_empty(void **state)
{
    (void)state;
    asy_buf b = {0};
    assert_string_equal(asy_buf_text(&b), "");
    asy_buf_clear(&b);
    char *text = asy_buf_take(&b);
    assert_string_equal(text, "");
    asy_free(text);
    asy_buf_fini(&b);
}

static void test_always_ends_in_nul(void **state)
{
    (void)state;
    asy_buf b = {0};
    for (int i = 0; i < 1000; i++) {
        asy_buf_putc(&b, (char)('a' + i % 26));
        assert_int_equal(strlen(asy_buf_text(&b)), i + 1);
    }
    asy_buf_add(&b, "x\0y", 3);
    assert_int_equal(b.len, 1003);
    asy_buf_clear(&b);
    assert_string_equal(asy_buf_text(&b), "");
    asy_buf_fini(&b);
}

static void test_printf(void **state)
{
    (void)state;
    asy_buf b = {0};
    char wide[300];
    memset(wide, 'w', 299);
    wide[299] = '\0';
    asy_buf_puts(&b, "from ");
    asy_buf_printf(&b, "%d to %s", 1, "n");
    assert_string_equal(asy_buf_text(&b), "from 1 to n");
    asy_buf_printf(&b, "|%s|", wide);
    assert_int_equal(b.len, 11 + 301);
    assert_int_equal(b.data[b.len - 1], '|');
    asy_buf_printf(&b, "%s", "");
    assert_int_equal(b.len, 11 + 301);
    asy_buf_fini(&b);
}

static void test_reserve(void **state)
{
    (void)state;
    asy_buf b = {0};
    memcpy(asy_buf_reserve(&b, 5000), "12345", 5);
    assert_int_equal(b.len, 0);
    b.len = 5;
    asy_buf_reserve(&b, 0);
    assert_string_equal(asy_buf_text(&b), "12345");
    asy_buf_fini(&b);
}

static void test_take(void **state)
{
    (void)state;
    asy_buf b = {0};
    asy_buf_puts(&b, "mine");
    char *text = asy_buf_take(&b);
    assert_string_equal(text, "mine");
    assert_null(b.data);
    assert_int_equal(b.len, 0);
    asy_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),  cmocka_unit_test(test_always_ends_in_nul),
        cmocka_unit_test(test_printf), cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
