/* test_stat.c - quantiles of Student's distribution against published tables, and
 * means. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <cmocka.h>
#include "lab/stat.h"

static void near(double got, double expected, double tolerance)
{
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("%.9g expected, got %.9g", expected, got);
}

static void quantiles_match_the_tables(void **state)
{
    (void)state;
    static const struct {
        uint64_t df;
        double confidence, t;
    } rows[] = {
        {1, 0.95, 12.706205},  {2, 0.95, 4.302653},    {3, 0.95, 3.182446},
        {4, 0.95, 2.776445},   {5, 0.99, 4.032143},    {9, 0.95, 2.262157},
        {10, 0.90, 1.812461},  {29, 0.95, 2.045230},   {30, 0.99, 2.749996},
        {99, 0.95, 1.984217},  {120, 0.95, 1.979930},  {399, 0.95, 1.965927},
        {400, 0.95, 1.965912}, {1000, 0.95, 1.962339}, {1000000000, 0.95, 1.959964}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        near(asy_stat_t(rows[i].df, rows[i].confidence), rows[i].t, 2e-6);
}

static void means_and_margins(void **state)
{
    (void)state;
    asy_mean m = {0};
    near(asy_mean_variance(&m), 0, 0);
    assert_true(isnan(asy_mean_margin(&m)));
    asy_mean_add(&m, 1e9 + 1);
    assert_true(isnan(asy_mean_margin(&m)));
    asy_mean_add(&m, 1e9 + 2);
    asy_mean_add(&m, 1e9 + 6);
    near(m.mean, 1e9 + 3, 1e-6);
    near(asy_mean_variance(&m), 7, 1e-6);
    near(asy_mean_margin(&m), 4.302653 * sqrt(7.0 / 3), 1e-5);
}

static void quantiles_of_samples(void **state)
{
    (void)state;
    double x[] = {5, 1, 3, 2, 4};
    asy_stat_sort(x, 5);
    near(asy_stat_quantile(x, 5, 0), 1, 0);
    near(asy_stat_quantile(x, 5, 0.5), 3, 0);
    near(asy_stat_quantile(x, 5, 0.125), 1.5, 1e-12);
    near(asy_stat_quantile(x, 5, 1), 5, 0);
    near(asy_stat_quantile(x, 1, 0.3), 1, 0);
}

/* Wilson's interval for 9 of 10, 30 of 30 and 0 of 30, by hand. */
static void test_share(void **state)
{
    (void)state;
    double low, high;
    asy_stat_share(0.9, 10, &low, &high);
    assert_float_equal(low, 0.59585, 1e-4);
    assert_float_equal(high, 0.98213, 1e-4);
    asy_stat_share(1, 30, &low, &high);
    assert_float_equal(low, 0.88649, 1e-4);
    assert_float_equal(high, 1, 0);
    asy_stat_share(0, 30, &low, &high);
    assert_float_equal(low, 0, 0);
    assert_float_equal(high, 0.11351, 1e-4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_match_the_tables),
        cmocka_unit_test(means_and_margins),
        cmocka_unit_test(quantiles_of_samples),
        cmocka_unit_test(test_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
