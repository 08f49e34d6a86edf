/* test_init.c - first parameters: ranges, deviations, orthogonality, exact numbers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "base/mem.h"
#include "nn/init.h"
#include "sample.h"

typedef struct start {
    asy_design *design;
    asy_plan plan;
    float *params, *statistics;
} start;

static start fill(const char *layer, uint32_t inputs, uint64_t seed)
{
    char text[200];
    snprintf(text, sizeof text, "{'hidden': [%s]}", layer);
    start s = {.design = sample_design(text)};
    asy_plan_data data = {inputs, 3, 3, 10, 10};
    assert_int_equal(asy_plan_make(s.design, &data, &s.plan), ASY_OK);
    s.params = asy_alloc(s.plan.shape.params, sizeof *s.params);
    s.statistics = asy_alloc(s.plan.shape.statistics + 1, sizeof *s.statistics);
    for (size_t i = 0; i < s.plan.shape.params; i++)
        s.params[i] = NAN; /* every one must be written */
    assert_int_equal(
        asy_init_fill(s.design, &s.plan, asy_rng_key(seed, 0), s.params, s.statistics),
        ASY_OK);
    for (size_t i = 0; i < s.plan.shape.params; i++)
        assert_true(isfinite(s.params[i]));
    return s;
}

static void end(start *s)
{
    asy_design_free(s->design);
    asy_plan_fini(&s->plan);
    asy_free(s->params);
    asy_free(s->statistics);
}

/* Mean near 0, deviation near `deviation`, nothing beyond `limit`. */
static void check_spread(const char *init, double deviation, double limit)
{
    char layer[100];
    snprintf(layer, sizeof layer, "{'units': 150, 'init': '%s'}", init);
    start s = fill(layer, 100, 1);
    double sum = 0, squares = 0, n = 100 * 150;
    for (int i = 0; i < 100 * 150; i++) {
        double w = s.params[i];
        sum += w;
        squares += w * w;
        assert_true(fabs(w) <= limit);
    }
    assert_true(fabs(sum / n) < 5 * deviation / sqrt(n));
    assert_true(fabs(sqrt(squares / n) / deviation - 1) < 0.03);
    end(&s);
}

static void test_spread(void **state)
{
    (void)state;
    double glorot = sqrt(6.0 / 250), he = sqrt(6.0 / 100), lecun = sqrt(3.0 / 100);
    check_spread("glorot_uniform", glorot / sqrt(3), glorot);
    check_spread("he_uniform", he / sqrt(3), he);
    check_spread("lecun_uniform", lecun / sqrt(3), lecun);
    check_spread("glorot_normal", sqrt(2.0 / 250), 1);
    check_spread("he_normal", sqrt(2.0 / 100), 1);
    check_spread("lecun_normal", sqrt(1.0 / 100), 1);
}

static void check_orthogonal(uint32_t in, uint32_t out)
{
    char layer[100];
    snprintf(layer, sizeof layer, "{'units': %u, 'init': 'orthogonal'}", out);
    start s = fill(layer, in, 2);
    bool wide = in < out; /* then rows are orthonormal, else columns */
    uint32_t count = wide ? in : out, len = wide ? out : in;
    size_t one = wide ? out : 1, along = wide ? 1 : out;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j <= i; j++) {
            double dot = 0;
            for (uint32_t k = 0; k < len; k++)
                dot += (double)s.params[i * one + k * along] *
                       s.params[j * one + k * along];
            assert_true(fabs(dot - (i == j)) < 1e-6);
        }
    end(&s);
}

static void test_orthogonal(void **state)
{
    (void)state;
    check_orthogonal(30, 30);
    check_orthogonal(10, 25);
    check_orthogonal(33, 8);
    check_orthogonal(1, 1);
    check_orthogonal(1, 5);
}

static void test_rest(void **state)
{
    (void)state;
    start s = fill("{'units': 5, 'init': 'zeros', 'batch_norm': true}", 4, 1);
    const asy_layer_shape *l = &s.plan.layer[0];
    for (size_t i = 0; i < 4 * 5 + 5; i++)
        assert_float_equal(s.params[i], 0, 0);
    for (size_t i = 0; i < 5; i++) {
        assert_float_equal(s.params[l->gamma + i], 1, 0);
        assert_float_equal(s.params[l->beta + i], 0, 0);
        assert_float_equal(s.statistics[l->mean + i], 0, 0);
        assert_float_equal(s.statistics[l->var + i], 1, 0);
    }
    end(&s);
}

/* Layers draw from streams of their own: a layer's start does not depend on the others.
 */
static void test_streams(void **state)
{
    (void)state;
    start a = fill("{'units': 8}, {'units': 8}", 8, 1);
    start b = fill("{'units': 8, 'init': 'he_normal'}, {'units': 8}", 8, 1);
    start c = fill("{'units': 8}, {'units': 8}", 8, 2);
    size_t second = a.plan.layer[1].w;
    assert_memory_equal(a.params + second, b.params + second, 64 * sizeof(float));
    assert_memory_not_equal(a.params, b.params, 64 * sizeof(float));
    assert_memory_not_equal(a.params, a.params + second, 64 * sizeof(float));
    assert_memory_not_equal(a.params, c.params, 64 * sizeof(float));
    end(&a);
    end(&b);
    end(&c);
}

/* The numbers themselves: another machine or compiler must draw the same. */
static void test_exact(void **state)
{
    (void)state;
    start s = fill("{'units': 2, 'init': 'he_uniform'}, {'units': 2, 'init':"
                   " 'he_normal'}",
                   2, 42);
    asy_rng r = asy_rng_open(asy_rng_key(42, 0), ASY_STREAM_INIT, 0);
    for (int i = 0; i < 4; i++)
        assert_true(s.params[i] ==
                    (float)((2.0 * asy_rng_uniform_f(&r) - 1) * sqrt(3)));
    r = asy_rng_open(asy_rng_key(42, 0), ASY_STREAM_INIT, 1);
    for (int i = 0; i < 4; i++)
        assert_true(s.params[6 + i] == (float)asy_rng_normal(&r));
    end(&s);
}

static void test_no_memory(void **state)
{
    (void)state;
    start s = fill("{'units': 5, 'init': 'orthogonal'}", 4, 1);
    asy_alloc_fail_after(0);
    assert_int_equal(
        asy_init_fill(s.design, &s.plan, asy_rng_key(1, 0), s.params, s.statistics),
        ASY_ENOMEM);
    asy_alloc_fail_after(-1);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spread), cmocka_unit_test(test_orthogonal),
        cmocka_unit_test(test_rest),   cmocka_unit_test(test_streams),
        cmocka_unit_test(test_exact),  cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
