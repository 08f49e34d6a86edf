/* test_mat.c - matrices for scripts: shapes, views, arithmetic, files. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"
#include "math/mat.h"

#define ASSERT_OK(call)                                                                \
    do {                                                                               \
        if ((call) != ASY_OK)                                                          \
            fail_msg("%s", asy_errmsg());                                              \
    } while (0)

#define ASSERT_REFUSED(call, words)                                                    \
    do {                                                                               \
        assert_int_equal(call, ASY_EARG);                                              \
        if (!strstr(asy_errmsg(), words))                                              \
            fail_msg("'%s' not in '%s'", words, asy_errmsg());                         \
    } while (0)

static asy_mat noise(size_t rows, size_t cols)
{
    asy_mat m;
    asy_rng r = asy_rng_open(asy_rng_key(rows, cols), ASY_STREAM_RULE, 0);
    ASSERT_OK(asy_mat_init(&m, rows, cols));
    asy_mat_fill_normal(&m, 0, 1, &r);
    return m;
}

/* A matrix of the numbers given, row by row. */
static asy_mat of(size_t rows, size_t cols, const float *x)
{
    asy_mat m;
    ASSERT_OK(asy_mat_init(&m, rows, cols));
    memcpy(m.x, x, rows * cols * sizeof *x);
    return m;
}

static float at(const asy_mat *m, size_t i, size_t j)
{
    return m->x[i * m->stride + j];
}

static void test_making(void **state)
{
    (void)state;
    asy_mat m;
    ASSERT_REFUSED(asy_mat_init(&m, 0, 3), "0x3");
    assert_null(m.x);
    assert_int_equal(asy_mat_init(&m, SIZE_MAX / 2, 3), ASY_ENOMEM);
    assert_int_equal(asy_mat_init(&m, (size_t)1 << 40, (size_t)1 << 20), ASY_ENOMEM);
    asy_mat_fini(&m);
    ASSERT_OK(asy_mat_init(&m, 2, 3));
    assert_int_equal(asy_mat_bytes(&m), 24);
    for (size_t i = 0; i < 6; i++)
        assert_true(m.x[i] == 0);
    asy_mat_fill(&m, 2.5f);
    assert_true(at(&m, 1, 2) == 2.5f);
    asy_mat_fini(&m);
    asy_mat_fini(&m);
    assert_int_equal(asy_mat_bytes(&m), 0);
}

static void test_random_filling(void **state)
{
    (void)state;
    asy_mat m;
    asy_rng r = asy_rng_open(asy_rng_key(1, 1), ASY_STREAM_RULE, 0);
    ASSERT_OK(asy_mat_init(&m, 100, 100));
    asy_mat_fill_uniform(&m, -2, 4, &r);
    assert_true(asy_mat_number(ASY_MAT_MIN_OF, &m) >= -2);
    assert_true(asy_mat_number(ASY_MAT_MAX_OF, &m) < 4);
    assert_true(fabs(asy_mat_number(ASY_MAT_MEAN, &m) - 1) < 0.1);
    asy_mat_fill_normal(&m, 3, 2, &r);
    assert_true(fabs(asy_mat_number(ASY_MAT_MEAN, &m) - 3) < 0.1);
    assert_true(fabs(asy_mat_number(ASY_MAT_STD, &m) - 2) < 0.1);
    asy_mat_fini(&m);
}

static void test_views_share_values(void **state)
{
    (void)state;
    asy_mat m = noise(4, 5), v = {0}, w = {0};
    ASSERT_OK(asy_mat_view(&v, &m, 1, 2, 2, 3));
    ASSERT_OK(asy_mat_view(&w, &v, 1, 0, 1, 2));
    asy_mat_fill(&w, 9);
    assert_true(at(&m, 2, 2) == 9 && at(&m, 2, 3) == 9 && at(&m, 2, 4) != 9);
    assert_true(at(&v, 1, 1) == 9);
    assert_int_equal(asy_mat_bytes(&w), 80);
    asy_mat_fini(&m); /* the views keep the values */
    assert_true(at(&v, 1, 0) == 9);
    asy_mat_fini(&v);
    assert_true(at(&w, 0, 1) == 9);
    asy_mat bad = {0};
    ASSERT_REFUSED(asy_mat_view(&bad, &w, 0, 1, 1, 2), "1x2 matrix");
    ASSERT_REFUSED(asy_mat_view(&bad, &w, 0, 0, 0, 1), "0x1");
    ASSERT_REFUSED(asy_mat_view(&bad, &w, SIZE_MAX, 0, 2, 1), "1x2");
    assert_null(bad.x);
    asy_mat_fini(&w);
}

static void test_transpose_and_copy(void **state)
{
    (void)state;
    asy_mat m = noise(37, 21), v = {0}, t = {0}, back = {0}, c = {0};
    ASSERT_OK(asy_mat_view(&v, &m, 2, 3, 30, 17));
    ASSERT_OK(asy_mat_transpose(&t, &v));
    assert_int_equal(t.rows, 17);
    for (size_t i = 0; i < 30; i++)
        for (size_t j = 0; j < 17; j++)
            assert_true(at(&t, j, i) == at(&m, i + 2, j + 3));
    ASSERT_OK(asy_mat_transpose(&back, &t));
    assert_true(asy_mat_equal(&back, &v, 0));
    ASSERT_OK(asy_mat_copy(&c, &v));
    assert_true(asy_mat_equal(&c, &v, 0));
    c.x[0] += 1;
    assert_false(asy_mat_equal(&c, &v, 0.5));
    assert_true(asy_mat_equal(&c, &v, 1.5));
    ASSERT_REFUSED(asy_mat_transpose(&m, &v), "shares");
    asy_mat_fini(&m), asy_mat_fini(&v), asy_mat_fini(&t);
    asy_mat_fini(&back), asy_mat_fini(&c);
}

static void test_mul(void **state)
{
    (void)state;
    for (size_t n = 1; n < 40; n += 6) {
        asy_mat a = noise(n, n + 3), whole = noise(n + 5, 9), b = {0}, y = {0};
        ASSERT_OK(asy_mat_view(&b, &whole, 1, 2, n + 3, 6));
        ASSERT_OK(asy_mat_mul(&y, &a, &b));
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < 6; j++) {
                double sum = 0;
                for (size_t t = 0; t < n + 3; t++)
                    sum += (double)at(&a, i, t) * at(&b, t, j);
                assert_true(fabs(at(&y, i, j) - sum) < 1e-4);
            }
        asy_mat_fini(&a), asy_mat_fini(&whole), asy_mat_fini(&b), asy_mat_fini(&y);
    }
}

static void test_mul_refuses(void **state)
{
    (void)state;
    asy_mat a = noise(3, 4), b = noise(5, 2), c = noise(4, 2), y = noise(2, 2), e = {0};
    ASSERT_REFUSED(asy_mat_mul(&e, &a, &b),
                   "matrix.mul: 3x4 by 5x2: inner sides 4 and 5 differ");
    assert_null(e.x);
    ASSERT_REFUSED(asy_mat_mul(&y, &a, &c), "out is 2x2, the result 3x2");
    ASSERT_REFUSED(asy_mat_mul(&c, &a, &c), "shares");
    asy_mat_fini(&a), asy_mat_fini(&b), asy_mat_fini(&c), asy_mat_fini(&y);
}

static void test_solve(void **state)
{
    (void)state;
    asy_mat a = noise(20, 20), x = noise(20, 3), b = {0}, y = {0};
    ASSERT_OK(asy_mat_mul(&b, &a, &x));
    ASSERT_OK(asy_mat_solve(&y, &a, &b));
    assert_true(asy_mat_equal(&y, &x, 1e-3));
    asy_mat flat = of(2, 2, (const float[]){1, 2, 2, 4});
    asy_mat right = of(2, 1, (const float[]){1, 2}), none = {0};
    ASSERT_REFUSED(asy_mat_solve(&none, &flat, &right), "singular");
    ASSERT_REFUSED(asy_mat_solve(&none, &right, &right), "2x1");
    ASSERT_REFUSED(asy_mat_solve(&none, &a, &right), "20x20 with 2x1");
    assert_null(none.x);
    asy_mat_fini(&a), asy_mat_fini(&x), asy_mat_fini(&b), asy_mat_fini(&y);
    asy_mat_fini(&flat), asy_mat_fini(&right);
}

static float plainly(asy_mat_op op, float a, float b)
{
    const float results[] = {a + b, a - b, a * b, a / b, fminf(a, b), fmaxf(a, b)};
    return results[op];
}

static void test_broadcasting(void **state)
{
    (void)state;
    const size_t sides[][2] = {{3, 4}, {1, 4}, {3, 1}, {1, 1}};
    for (int op = 0; op < ASY_MAT_OPS; op++)
        for (int s = 0; s < 4; s++)
            for (int t = 0; t < 4; t++) {
                asy_mat a = noise(sides[s][0], sides[s][1]), y = {0};
                asy_mat b = noise(sides[t][0], sides[t][1]);
                ASSERT_OK(asy_mat_apply(&y, (asy_mat_op)op, &a, &b));
                assert_int_equal(y.rows, a.rows > b.rows ? a.rows : b.rows);
                for (size_t i = 0; i < y.rows; i++)
                    for (size_t j = 0; j < y.cols; j++)
                        assert_true(at(&y, i, j) ==
                                    plainly((asy_mat_op)op,
                                            at(&a, i % a.rows, j % a.cols),
                                            at(&b, i % b.rows, j % b.cols)));
                asy_mat_fini(&a), asy_mat_fini(&b), asy_mat_fini(&y);
            }
}

static void test_apply_in_place_and_numbers(void **state)
{
    (void)state;
    asy_mat a = noise(3, 4), keep = {0}, row = {0}, bad = noise(2, 4), part = {0};
    ASSERT_OK(asy_mat_copy(&keep, &a));
    ASSERT_OK(asy_mat_apply(&a, ASY_MAT_ADD, &a, &a));
    assert_true(at(&a, 2, 3) == 2 * at(&keep, 2, 3));
    ASSERT_OK(asy_mat_apply_number(&a, ASY_MAT_DIV, &a, 2, false));
    assert_true(asy_mat_equal(&a, &keep, 0));
    ASSERT_OK(asy_mat_apply_number(&a, ASY_MAT_SUB, &keep, 1, true));
    assert_true(at(&a, 1, 1) == 1 - at(&keep, 1, 1));
    ASSERT_REFUSED(asy_mat_apply(&part, ASY_MAT_ADD, &a, &bad), "3x4 and 2x4");
    ASSERT_OK(asy_mat_view(&row, &a, 0, 0, 1, 4));
    ASSERT_REFUSED(asy_mat_apply(&a, ASY_MAT_ADD, &keep, &row), "part of an operand");
    asy_mat_fini(&a), asy_mat_fini(&keep), asy_mat_fini(&row), asy_mat_fini(&bad);
}

static void test_maps(void **state)
{
    (void)state;
    const float x[] = {0.25f, 1, 4, 2.5f};
    asy_mat a = of(2, 2, x), y = {0};
    for (int f = 0; f < ASY_MAT_MAPS; f++) {
        asy_mat_map_kind kind = ASY_MAT_MAPS;
        ASSERT_OK(asy_mat_map_parse(asy_mat_map_names[f], &kind));
        assert_int_equal(kind, f);
        ASSERT_OK(asy_mat_map(&y, kind, &a));
        for (int i = 0; i < 4; i++) {
            const double v = x[i];
            const double expected[] = {
                exp(v),  log(v),  tanh(v), v,    1 / (1 + exp(-v)),
                sqrt(v), fabs(v), -v,      v * v};
            assert_true(fabs(y.x[i] - expected[f]) <= 4e-7 * (1 + fabs(expected[f])));
        }
    }
    asy_mat_map_kind kind;
    ASSERT_REFUSED(asy_mat_map_parse("sqr", &kind), "'sqrt'");
    asy_mat_fini(&a), asy_mat_fini(&y);
}

static void test_reductions(void **state)
{
    (void)state;
    asy_mat a = of(2, 3, (const float[]){1, 2, 3, 5, 4, -6}), y = {0};
    ASSERT_OK(asy_mat_reduce(&y, ASY_MAT_SUM, ASY_MAT_EACH_ROW, &a));
    assert_true(y.rows == 2 && y.cols == 1 && y.x[0] == 6 && y.x[1] == 3);
    asy_mat_fini(&y);
    ASSERT_OK(asy_mat_reduce(&y, ASY_MAT_MEAN, ASY_MAT_EACH_COL, &a));
    assert_true(y.rows == 1 && y.cols == 3 && y.x[0] == 3 && y.x[2] == -1.5f);
    ASSERT_OK(asy_mat_reduce(&y, ASY_MAT_STD, ASY_MAT_EACH_COL, &a));
    assert_true(y.x[0] == 2 && y.x[1] == 1 && y.x[2] == 4.5f);
    ASSERT_REFUSED(asy_mat_reduce(&y, ASY_MAT_SUM, ASY_MAT_ALL, &a), "1x3");
    assert_true(asy_mat_number(ASY_MAT_MIN_OF, &a) == -6);
    assert_true(asy_mat_number(ASY_MAT_MAX_OF, &a) == 5);
    assert_true(fabs(asy_mat_norm(&a) - sqrt(91)) < 1e-12);
    size_t index[3];
    asy_mat_argmax(&a, ASY_MAT_ALL, index);
    assert_int_equal(index[0], 3);
    asy_mat_argmax(&a, ASY_MAT_EACH_ROW, index);
    assert_true(index[0] == 2 && index[1] == 0);
    asy_mat_argmax(&a, ASY_MAT_EACH_COL, index);
    assert_true(index[0] == 1 && index[1] == 1 && index[2] == 0);
    a.x[1] = NAN;
    assert_true(isnan(asy_mat_number(ASY_MAT_MAX_OF, &a)));
    assert_true(isnan(asy_mat_number(ASY_MAT_MIN_OF, &a)));
    asy_mat_argmax(&a, ASY_MAT_EACH_COL, index);
    assert_int_equal(index[1], 1);
    asy_mat_fini(&a), asy_mat_fini(&y);
}

static void test_stacking(void **state)
{
    (void)state;
    asy_mat a = noise(2, 3), b = noise(4, 3), c = noise(2, 1), y = {0}, z = {0},
            v = {0};
    const asy_mat *tall[] = {&a, &b}, *wide[] = {&a, &c}, *wrong[] = {&a, &c};
    ASSERT_OK(asy_mat_stack(&y, tall, 2, false));
    assert_true(y.rows == 6 && y.cols == 3);
    ASSERT_OK(asy_mat_view(&v, &y, 2, 0, 4, 3));
    assert_true(asy_mat_equal(&v, &b, 0));
    ASSERT_OK(asy_mat_stack(&z, wide, 2, true));
    assert_true(z.rows == 2 && z.cols == 4 && at(&z, 1, 3) == at(&c, 1, 0));
    asy_mat e = {0};
    ASSERT_REFUSED(asy_mat_stack(&e, wrong, 2, false), "2x3 and 2x1 differ in columns");
    assert_int_equal(asy_mat_stack(&e, NULL, 0, false), ASY_EARG);
    asy_mat_fini(&a), asy_mat_fini(&b), asy_mat_fini(&c), asy_mat_fini(&y);
    asy_mat_fini(&z), asy_mat_fini(&v);
}

static void test_printing(void **state)
{
    (void)state;
    asy_buf b = {0};
    asy_mat a = of(1, 2, (const float[]){1.5f, -2}), large = noise(20, 20);
    asy_mat_print(&b, &a);
    assert_non_null(strstr(asy_buf_text(&b), "1x2 matrix"));
    assert_non_null(strstr(asy_buf_text(&b), "1.5"));
    asy_buf_clear(&b);
    asy_mat_print(&b, &large);
    assert_non_null(strstr(asy_buf_text(&b), "..."));
    assert_true(b.len < 1200);
    asy_buf_fini(&b);
    asy_mat_fini(&a), asy_mat_fini(&large);
}

/* ---- Files ---- */

static char path[64];

static int make_path(void **state)
{
    (void)state;
    strcpy(path, "/tmp/assay-mat-XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

static void test_save_and_load(void **state)
{
    (void)state;
    asy_mat a = noise(7, 5), v = {0}, y = {0};
    ASSERT_OK(asy_mat_view(&v, &a, 1, 1, 5, 3));
    ASSERT_OK(asy_mat_save(&v, path));
    ASSERT_OK(asy_mat_load(&y, path));
    assert_true(asy_mat_equal(&y, &v, 0));
    asy_mat_fini(&a), asy_mat_fini(&v), asy_mat_fini(&y);
}

/* A file with that header and `bytes` zero bytes of values. */
static asy_err load_text(const char *header, size_t bytes, asy_mat *y)
{
    asy_buf b = {0};
    asy_buf_puts(&b, "\x93NUMPY");
    asy_buf_add(&b, "\1\0", 2);
    asy_buf_putc(&b, (char)(strlen(header) & 0xff));
    asy_buf_putc(&b, (char)(strlen(header) >> 8));
    asy_buf_puts(&b, header);
    memset(asy_buf_reserve(&b, bytes), 0, bytes);
    b.len += bytes;
    assert_int_equal(asy_file_write(path, b.data, b.len), ASY_OK);
    asy_buf_fini(&b);
    return asy_mat_load(y, path);
}

static void test_loading_other_files(void **state)
{
    (void)state;
    asy_mat y = {0};
    ASSERT_OK(load_text("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }",
                        48, &y));
    assert_true(y.rows == 2 && y.cols == 3);
    asy_mat_fini(&y);
    ASSERT_OK(
        load_text("{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }", 16, &y));
    assert_true(y.rows == 1 && y.cols == 4);
    asy_mat_fini(&y);
}

static void test_broken_files(void **state)
{
    (void)state;
    const struct {
        const char *header;
        size_t bytes;
    } bad[] = {{"{'descr': '<i4', 'fortran_order': False, 'shape': (2, 2), }", 16},
               {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }", 16},
               {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", 15},
               {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", 17},
               {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2, 2), }", 32},
               {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2), }", 0},
               {"{'descr': '<f4', 'fortran_order': False, 'shape': (), }", 4},
               {"{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, "
                "9999999999), }",
                64},
               {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2), }", 8},
               {"{'descr': '<f4'}", 8},
               {"", 0}};
    asy_mat y = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(load_text(bad[i].header, bad[i].bytes, &y), ASY_EARG);
        assert_null(y.x);
    }
    const char *texts[] = {"", "a,b\n1,2\n", "\x93NUMPY", "\x93NUMPY\2\0ab",
                           "\x93NUMPY\1\xff\xff\xff"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(asy_file_write(path, texts[i], strlen(texts[i])), ASY_OK);
        assert_int_equal(asy_mat_load(&y, path), ASY_EARG);
    }
    assert_int_equal(asy_mat_load(&y, "/nonexistent/file.npy"), ASY_EIO);
}

/* ---- Memory ---- */

static asy_err job(const asy_mat *a, const asy_mat *b)
{
    asy_mat y = {0}, x = {0}, sum = {0};
    asy_err e = asy_mat_mul(&y, a, b);
    if (!e)
        e = asy_mat_solve(&x, a, b);
    if (!e)
        e = asy_mat_apply(&sum, ASY_MAT_ADD, &x, &y);
    asy_mat_fini(&y), asy_mat_fini(&x), asy_mat_fini(&sum);
    return e;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    asy_mat a = noise(4, 4), b = noise(4, 2);
    long n = 0;
    asy_err e;
    do {
        asy_alloc_fail_after(n++);
        e = job(&a, &b);
    } while (e == ASY_ENOMEM && n < 100);
    asy_alloc_fail_after(-1);
    assert_int_equal(e, ASY_OK);
    assert_true(n > 5);
    asy_mat_fini(&a), asy_mat_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_making),
        cmocka_unit_test(test_random_filling),
        cmocka_unit_test(test_views_share_values),
        cmocka_unit_test(test_transpose_and_copy),
        cmocka_unit_test(test_mul),
        cmocka_unit_test(test_mul_refuses),
        cmocka_unit_test(test_solve),
        cmocka_unit_test(test_broadcasting),
        cmocka_unit_test(test_apply_in_place_and_numbers),
        cmocka_unit_test(test_maps),
        cmocka_unit_test(test_reductions),
        cmocka_unit_test(test_stacking),
        cmocka_unit_test(test_printing),
        cmocka_unit_test(test_save_and_load),
        cmocka_unit_test(test_loading_other_files),
        cmocka_unit_test(test_broken_files),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
