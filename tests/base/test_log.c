/* test_log.c - lines reach the sink, whole and in order. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "base/buf.h"
#include "base/log.h"

static void keep(void *ctx, asy_level level, const char *line)
{
    asy_buf_printf(ctx, "%d:%s;", level, line);
}

static void test_levels(void **state)
{
    (void)state;
    asy_buf lines = {0};
    asy_log_set(keep, &lines, ASY_INFO);
    asy_log(ASY_DEBUG, "not seen");
    asy_log(ASY_INFO, "trial %d", 3);
    asy_log(ASY_ERROR, "disk full");
    asy_log_set(NULL, NULL, ASY_DEBUG);
    asy_log(ASY_INFO, "dropped by the default sink");
    assert_string_equal(asy_buf_text(&lines), "1:trial 3;3:disk full;");
    asy_buf_fini(&lines);
}

static void test_long_lines(void **state)
{
    (void)state;
    asy_buf lines = {0};
    char text[10001];
    memset(text, 'x', 10000);
    text[10000] = '\0';
    asy_log_set(keep, &lines, ASY_DEBUG);
    asy_log(ASY_WARN, "%s", text);
    asy_log_set(NULL, NULL, ASY_DEBUG);
    assert_int_equal(lines.len, 10003);
    asy_buf_fini(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels),
                                       cmocka_unit_test(test_long_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
