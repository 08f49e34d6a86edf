/* test_gemm.c - panel products of every odd size against plain loops in double. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "isas.h"

static float *noise(size_t n)
{
    asy_rng r = asy_rng_open(asy_rng_key(5, n), ASY_STREAM_INIT, 0);
    float *x = malloc((n ? n : 1) * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = asy_rng_uniform_f(&r) - 0.5f;
    return x;
}

static size_t up(size_t n) { return (n + ASY_BLOCK - 1) / ASY_BLOCK * ASY_BLOCK; }

/* Element (i,j) of panels with `rows` rows. */
static size_t in_panel(size_t rows, size_t i, size_t j)
{
    return j / ASY_BLOCK * ASY_BLOCK * rows + i * ASY_BLOCK + j % ASY_BLOCK;
}

static void check_straight(const asy_kernels *k, size_t m, size_t n, size_t depth,
                           float floor)
{
    const size_t wide = up(n), lda = depth + 3, ldc = wide + 16;
    float *a = noise(m * lda), *b = noise(depth * wide), *bias = noise(wide);
    float *c = noise(m * ldc), *old = noise(m * ldc);
    k->gemm->straight(&(asy_gemm){.m = m,
                                  .panels = wide / ASY_BLOCK,
                                  .k = depth,
                                  .a = a,
                                  .lda = lda,
                                  .b = b,
                                  .ldb = ASY_BLOCK,
                                  .b_panel = depth * ASY_BLOCK,
                                  .c = c,
                                  .ldc = ldc,
                                  .c_panel = ASY_BLOCK,
                                  .bias = m % 2 ? bias : NULL,
                                  .floor = floor});
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < ldc; j++) {
            double sum = j < wide && m % 2 ? bias[j] : 0;
            for (size_t t = 0; j < wide && t < depth; t++)
                sum += (double)a[i * lda + t] * b[in_panel(depth, t, j)];
            double expected = j < wide ? fmax(sum, floor) : old[i * ldc + j];
            if (!(fabs(c[i * ldc + j] - expected) < 1e-6 * (double)(depth + 1)))
                fail_msg("straight %zux%zux%zu: (%zu,%zu) is %g, not %g", m, n, depth,
                         i, j, (double)c[i * ldc + j], expected);
        }
    free(a), free(b), free(bias), free(c), free(old);
}

static void check_turned(const asy_kernels *k, size_t m, size_t n, size_t depth)
{
    const size_t wide = up(n), lda = m + 5, ldb = wide + 16;
    float *a = noise(depth * lda), *b = noise(depth * ldb);
    float *c = noise(m * wide), *sums = noise(wide);
    k->gemm->turned(&(asy_gemm){.m = m,
                                .panels = wide / ASY_BLOCK,
                                .k = depth,
                                .a = a,
                                .lda = lda,
                                .b = b,
                                .ldb = ldb,
                                .b_panel = ASY_BLOCK,
                                .c = c,
                                .ldc = ASY_BLOCK,
                                .c_panel = m * ASY_BLOCK,
                                .sums = sums});
    for (size_t j = 0; j < wide; j++) {
        double column = 0;
        for (size_t t = 0; t < depth; t++)
            column += b[t * ldb + j];
        assert_true(fabs(sums[j] - column) < 1e-6 * (double)(depth + 1));
        for (size_t i = 0; i < m; i++) {
            double sum = 0;
            for (size_t t = 0; t < depth; t++)
                sum += (double)a[t * lda + i] * b[t * ldb + j];
            assert_true(fabs(c[in_panel(m, i, j)] - sum) < 1e-6 * (double)(depth + 1));
        }
    }
    free(a), free(b), free(c), free(sums);
}

static void check_transpose(const asy_kernels *k, size_t depth, size_t n)
{
    float *b = noise(depth * up(n)), *t = noise(n * up(depth));
    k->gemm->transpose(depth, n, b, t);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < up(depth); j++)
            assert_true(t[in_panel(n, i, j)] ==
                        (j < depth ? b[in_panel(depth, j, i)] : 0.0f));
    free(b), free(t);
}

static void test_every_height(void **state)
{
    (void)state;
    const asy_kernels *k;
    for (EACH_ISA(k))
        for (size_t m = 1; m < 40; m++)
            for (size_t n = 1; n < 70; n += 11) {
                check_straight(k, m, n, 1 + m % 7, m % 3 ? -INFINITY : 0);
                check_turned(k, m, n, 1 + m % 9);
            }
}

static void test_every_depth(void **state)
{
    (void)state;
    const asy_kernels *k;
    for (EACH_ISA(k))
        for (size_t depth = 1; depth < 35; depth++) {
            check_straight(k, 13, 33, depth, 0);
            check_turned(k, 13, 33, depth);
            for (size_t n = 1; n < 36; n += 3)
                check_transpose(k, depth, n);
        }
}

/* More than one stretch of rows, and of depth in a turned product. */
static void test_large(void **state)
{
    (void)state;
    const asy_kernels *k;
    for (EACH_ISA(k)) {
        check_straight(k, 301, 17, 257, -INFINITY);
        check_straight(k, 70, 3, 1100, -INFINITY);
        check_turned(k, 19, 33, 1300);
    }
}

/* The sums run in one order whatever the blocking: parts of a product equal the whole.
 */
static void test_rows_do_not_depend_on_each_other(void **state)
{
    (void)state;
    enum { M = 37, K = 21, W = 32 };
    float *a = noise(M * K), *b = noise(K * W), all[M * W], one[W];
    const asy_kernels *k;
    for (EACH_ISA(k)) {
        asy_gemm g = {.m = M,
                      .panels = 2,
                      .k = K,
                      .a = a,
                      .lda = K,
                      .b = b,
                      .ldb = ASY_BLOCK,
                      .b_panel = K * ASY_BLOCK,
                      .c = all,
                      .ldc = W,
                      .c_panel = ASY_BLOCK,
                      .floor = -INFINITY};
        k->gemm->straight(&g);
        for (size_t i = 0; i < M; i++) {
            g.m = 1;
            g.a = a + i * K;
            g.c = one;
            k->gemm->straight(&g);
            assert_memory_equal(one, all + i * W, sizeof one);
        }
    }
    free(a), free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_height),
        cmocka_unit_test(test_every_depth),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_rows_do_not_depend_on_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
