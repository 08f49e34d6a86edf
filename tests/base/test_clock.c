/* test_clock.c - clocks run forward. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/clock.h"

static void test_monotonic(void **state)
{
    (void)state;
    uint64_t before = asy_now_ns(), ms = asy_now_ms();
    asy_sleep_ms(3);
    assert_true(asy_now_ns() - before >= 3000000);
    assert_true(asy_now_ms() - ms >= 2);
}

static void test_wall(void **state)
{
    (void)state;
    assert_true(asy_wall_ms() > 1577836800000); /* the year 2020 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_monotonic),
                                       cmocka_unit_test(test_wall)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
