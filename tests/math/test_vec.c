/* test_vec.c - elementary functions to the last places, and arrays of any length. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "isas.h"
#include "ref_act.h"

enum { N = 4096 };

/* Distance in units of the last place of a float near `exact`. */
static double ulps(float got, double exact)
{
    if (isnan(exact) || isinf(exact) || fabs(exact) > FLT_MAX)
        return (isnan(got) && isnan(exact)) || got == (float)exact ? 0 : INFINITY;
    double size = fmax(fabs(exact), FLT_MIN);
    return fabs(got - exact) / (nextafterf((float)size, INFINITY) - (float)size);
}

/* Every scale in [-top, top], both signs, many near zero. */
static void spread(float *x, double top)
{
    for (int i = 0; i < N; i++) {
        double u = (double)(i / 2) / (N / 2 - 1);
        double size = i % 4 < 2 ? top * u : top * pow(10, -8 * u);
        x[i] = (float)(i % 2 ? -size : size);
    }
}

typedef double (*exact_fn)(double);

static void check_ulps(const char *what, void (*run)(size_t, const float *, float *),
                       exact_fn exact, double top, double allowed, bool positive)
{
    static float x[N], y[N];
    spread(x, top);
    for (int i = 0; positive && i < N; i++)
        x[i] = fabsf(x[i]);
    run(N, x, y);
    for (int i = 0; i < N; i++) {
        double off = ulps(y[i], exact(x[i]));
        if (!(off <= allowed))
            fail_msg("%s(%.9g) = %.9g, off by %.2f ulp", what, (double)x[i],
                     (double)y[i], off);
    }
}

static void test_exp_and_log(void **state)
{
    (void)state;
    const asy_kernels *k;
    for (EACH_ISA(k)) {
        check_ulps("exp", k->vec->exp, exp, 87, 2, false);
        check_ulps("log", k->vec->log, log, 3e38, 2, true);
        check_ulps("log", k->vec->log, log, 4, 2, true);
        check_ulps("log of denormals", k->vec->log, log, 1e-38, 2, true);
    }
}

static void test_ends_of_exp_and_log(void **state)
{
    (void)state;
    const float x[] = {88.7f, 89.0f, INFINITY, -88.0f, -INFINITY, NAN, 0.0f, -0.0f};
    const float e[] = {0, INFINITY, INFINITY, 0, 0, NAN, 1, 1};
    const float a[] = {0.0f, -0.0f, -1.0f, INFINITY, NAN, 1.0f, -INFINITY};
    const float l[] = {-INFINITY, -INFINITY, NAN, INFINITY, NAN, 0, NAN};
    const asy_kernels *k;
    for (EACH_ISA(k)) {
        float y[8];
        k->vec->exp(8, x, y);
        assert_true(ulps(y[0], exp((double)x[0])) < 2);
        for (int i = 1; i < 8; i++)
            assert_true(y[i] == e[i] || (isnan(y[i]) && isnan(e[i])));
        k->vec->log(7, a, y);
        for (int i = 0; i < 7; i++)
            assert_true(y[i] == l[i] || (isnan(y[i]) && isnan(l[i])));
    }
}

/* Distance in ulp of the result, or of 1e-7 of the input where the result cancels. */
static void check_activation(const asy_kernels *k, asy_act f, double top)
{
    static float x[N], y[N], d[N];
    spread(x, top);
    k->vec->forward(f, (asy_area){1, N, N}, x, y);
    for (int i = 0; i < N; i++)
        d[i] = 1;
    k->vec->backward(f, (asy_area){1, N, N}, x, y, d);
    for (int i = 0; i < N; i++) {
        double exact = ref_act(f, x[i]), slope = ref_slope(f, x[i]);
        double off = ulps(y[i], exact);
        if (!(off <= 6) && !(fabs(y[i] - exact) < 1e-7 * fmin(1, fabs(x[i]))))
            fail_msg("%s(%.9g) = %.9g, off by %.2f ulp", asy_act_names[f], (double)x[i],
                     (double)y[i], off);
        bool at_kink = f == ASY_ACT_HARD_SIGMOID && fabs(fabsf(x[i]) - 3) < 1e-5;
        if (!at_kink && !(fabs(d[i] - slope) < 1e-6 * (1 + fabs(slope))))
            fail_msg("slope of %s at %.9g is %.9g, not %.9g", asy_act_names[f],
                     (double)x[i], (double)d[i], slope);
    }
}

static void test_activations(void **state)
{
    (void)state;
    const asy_kernels *k;
    for (EACH_ISA(k))
        for (int f = 0; f < ASY_ACT_COUNT; f++) {
            check_activation(k, (asy_act)f, 4);
            check_activation(k, (asy_act)f, 30);
        }
}

static void test_tanh_and_sigmoid_to_the_last_places(void **state)
{
    (void)state;
    static float x[N], y[N];
    const asy_kernels *k;
    for (EACH_ISA(k))
        for (double top = 1; top < 100; top *= 4) {
            spread(x, top);
            k->vec->forward(ASY_ACT_TANH, (asy_area){1, N, N}, x, y);
            for (int i = 0; i < N; i++)
                assert_true(ulps(y[i], tanh(x[i])) <= 3);
            k->vec->forward(ASY_ACT_SIGMOID, (asy_area){1, N, N}, x, y);
            for (int i = 0; i < N; i++)
                assert_true(ulps(y[i], ref_sigmoid(x[i])) <= 3);
        }
}

static void test_nan_and_infinity_pass_through(void **state)
{
    (void)state;
    const asy_kernels *k;
    for (EACH_ISA(k))
        for (int f = 0; f < ASY_ACT_COUNT; f++) {
            float x[3] = {NAN, INFINITY, 1000.0f}, y[3];
            k->vec->forward((asy_act)f, (asy_area){1, 3, 3}, x, y);
            assert_true(isnan(y[0]) || f == ASY_ACT_HARD_SIGMOID);
            assert_true(!isnan(y[2]) && y[2] >= 0.99f);
            bool grows = f != ASY_ACT_TANH && f != ASY_ACT_SIGMOID &&
                         f != ASY_ACT_SOFTSIGN && f != ASY_ACT_HARD_SIGMOID;
            if (grows)
                assert_true(isinf(y[1]));
        }
}

/* Nothing past the end is read into a result or written. */
static void test_lengths_and_gaps(void **state)
{
    (void)state;
    const asy_kernels *k;
    for (EACH_ISA(k))
        for (size_t n = 1; n < 40; n++) {
            float x[3 * 40], y[3 * 40], d[3 * 40];
            for (int i = 0; i < 3 * 40; i++) {
                x[i] = (float)i / 50 - 1;
                y[i] = d[i] = 7;
            }
            k->vec->forward(ASY_ACT_TANH, (asy_area){3, n, 40}, x, y);
            k->vec->backward(ASY_ACT_TANH, (asy_area){3, n, 40}, x, y, d);
            for (size_t i = 0; i < 3 * 40; i++) {
                bool inside = i % 40 < n;
                double t = tanh(x[i]), slope = 7 * (1 - t * t);
                assert_true(fabs(y[i] - (inside ? t : 7)) < 1e-6);
                assert_true(fabs(d[i] - (inside ? slope : 7)) < 1e-5);
            }
        }
}

static void test_sums(void **state)
{
    (void)state;
    const asy_kernels *k;
    for (EACH_ISA(k))
        for (size_t n = 1; n < 3000; n = n * 2 + 1) {
            float *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b);
            double squares = 0;
            for (size_t i = 0; i < n; i++) {
                a[i] = (float)i / 16;
                b[i] = 2;
                squares += (double)a[i] * a[i];
            }
            assert_true(fabs(k->vec->sum_squares(n, a) - squares) <= 1e-6 * squares);
            k->vec->add(n, a, b);
            k->vec->add_scaled(n, -0.5f, a, b);
            k->vec->mul(n, a, b);
            for (size_t i = 0; i < n; i++)
                assert_true(fabsf(b[i] - (2 + a[i] / 2) * a[i]) <= 1e-5f * b[i]);
            k->vec->mul_into(n, a, a, b);
            assert_true(b[n - 1] == a[n - 1] * a[n - 1]);
            free(a);
            free(b);
        }
}

static void test_take(void **state)
{
    (void)state;
    const uint32_t row[4] = {3, 0, 3, 1};
    const asy_kernels *k;
    for (EACH_ISA(k))
        for (size_t n = 1; n < 40; n += 3) {
            float *from = malloc(4 * n * sizeof *from), to[4 * 48];
            for (size_t i = 0; i < 4 * n; i++)
                from[i] = (float)i + 1;
            for (int i = 0; i < 4 * 48; i++)
                to[i] = -1;
            k->vec->take((asy_area){4, n, 48}, row, from, to);
            for (size_t i = 0; i < 4; i++)
                for (size_t j = 0; j < n; j++)
                    assert_true(to[i * 48 + j] == (float)(row[i] * n + j + 1));
            free(from);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp_and_log),
        cmocka_unit_test(test_ends_of_exp_and_log),
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_tanh_and_sigmoid_to_the_last_places),
        cmocka_unit_test(test_nan_and_infinity_pass_through),
        cmocka_unit_test(test_lengths_and_gaps),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
