/* mat.c - making, viewing and multiplying matrices. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "math/mat.h"
#include <assert.h>
#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "math/mat_shape.h"

/* The values, one block with this in front. Not atomic: a matrix and its views belong
 * to one thread. */
typedef struct asy_mat_values {
    size_t users;
    size_t bytes;
    float x[];
} asy_mat_values;

/* ---- Making and ending ---- */

asy_err asy_mat_init(asy_mat *m, size_t rows, size_t cols)
{
    *m = (asy_mat){0};
    if (rows == 0 || cols == 0)
        return asy_fail(ASY_EARG, "matrix side is zero: %zux%zu", rows, cols);
    if (cols > (SIZE_MAX / 4 - sizeof(asy_mat_values)) / sizeof(float) / rows)
        return asy_fail(ASY_ENOMEM, "matrix too large: %zux%zu", rows, cols);
    size_t bytes = rows * cols * sizeof(float);
    asy_mat_values *values = asy_try_alloc(1, sizeof *values + bytes);
    if (!values)
        return asy_fail(ASY_ENOMEM, "no memory for a %zux%zu matrix", rows, cols);
    values->users = 1;
    values->bytes = bytes;
    *m = (asy_mat){
        .rows = rows, .cols = cols, .stride = cols, .x = values->x, .values = values};
    return ASY_OK;
}

void asy_mat_fini(asy_mat *m)
{
    if (m->values && --m->values->users == 0)
        asy_free(m->values);
    *m = (asy_mat){0};
}

size_t asy_mat_bytes(const asy_mat *m) { return m->values ? m->values->bytes : 0; }

asy_err asy_mat_want(asy_mat *y, size_t rows, size_t cols, const char *what)
{
    if (!y->x)
        return asy_mat_init(y, rows, cols);
    if (y->rows != rows || y->cols != cols)
        return asy_fail(ASY_EARG, "%s: out is %zux%zu, the result %zux%zu", what,
                        y->rows, y->cols, rows, cols);
    return ASY_OK;
}

bool asy_mat_overlaps(const asy_mat *a, const asy_mat *b)
{
    return a->values && a->values == b->values;
}

asy_err asy_mat_copy(asy_mat *y, const asy_mat *a)
{
    asy_err e = asy_mat_want(y, a->rows, a->cols, "matrix.copy");
    for (size_t i = 0; !e && i < a->rows; i++)
        memmove(asy_mat_row(y, i), asy_mat_row(a, i), a->cols * sizeof *a->x);
    return e;
}

asy_err asy_mat_view(asy_mat *v, const asy_mat *a, size_t row, size_t col, size_t rows,
                     size_t cols)
{
    if (rows == 0 || cols == 0 || row >= a->rows || col >= a->cols ||
        rows > a->rows - row || cols > a->cols - col)
        return asy_fail(
            ASY_EARG,
            "matrix.slice: %zux%zu from row %zu, column %zu does not lie in "
            "a %zux%zu matrix",
            rows, cols, row + 1, col + 1, a->rows, a->cols);
    *v = *a;
    v->rows = rows;
    v->cols = cols;
    v->x = asy_mat_row(a, row) + col;
    v->values->users++;
    return ASY_OK;
}

/* ---- Filling ---- */

void asy_mat_fill(asy_mat *m, float value)
{
    for (size_t i = 0; i < m->rows; i++)
        for (size_t j = 0; j < m->cols; j++)
            asy_mat_row(m, i)[j] = value;
}

void asy_mat_fill_uniform(asy_mat *m, double lo, double hi, asy_rng *rng)
{
    for (size_t i = 0; i < m->rows; i++)
        for (size_t j = 0; j < m->cols; j++)
            asy_mat_row(m, i)[j] = (float)(lo + (hi - lo) * asy_rng_uniform(rng));
}

void asy_mat_fill_normal(asy_mat *m, double mean, double std, asy_rng *rng)
{
    for (size_t i = 0; i < m->rows; i++)
        for (size_t j = 0; j < m->cols; j++)
            asy_mat_row(m, i)[j] = (float)(mean + std * asy_rng_normal(rng));
}

/* ---- Linear algebra ---- */

/* Square tiles keep both sides in the cache. */
asy_err asy_mat_transpose(asy_mat *y, const asy_mat *a)
{
    enum { TILE = 16 };
    if (asy_mat_overlaps(y, a))
        return asy_fail(ASY_EARG, "matrix.transpose: out shares its values");
    asy_err e = asy_mat_want(y, a->cols, a->rows, "matrix.transpose");
    if (e)
        return e;
    for (size_t i0 = 0; i0 < a->rows; i0 += TILE)
        for (size_t j0 = 0; j0 < a->cols; j0 += TILE)
            for (size_t i = i0; i < a->rows && i < i0 + TILE; i++)
                for (size_t j = j0; j < a->cols && j < j0 + TILE; j++)
                    asy_mat_row(y, j)[i] = asy_mat_row(a, i)[j];
    return ASY_OK;
}

/* OpenBLAS and LAPACK count in int. */
static bool fits_int(const asy_mat *m)
{
    return m->rows <= INT_MAX && m->cols <= INT_MAX && m->stride <= INT_MAX;
}

static asy_err too_long(const char *what, const asy_mat *a, const asy_mat *b)
{
    return asy_fail(ASY_EARG, "%s: a side of %zux%zu or %zux%zu is over %d", what,
                    a->rows, a->cols, b->rows, b->cols, INT_MAX);
}

asy_err asy_mat_mul(asy_mat *y, const asy_mat *a, const asy_mat *b)
{
    if (a->cols != b->rows)
        return asy_fail(
            ASY_EARG, "matrix.mul: %zux%zu by %zux%zu: inner sides %zu and %zu differ",
            a->rows, a->cols, b->rows, b->cols, a->cols, b->rows);
    if (!fits_int(a) || !fits_int(b))
        return too_long("matrix.mul", a, b);
    if (asy_mat_overlaps(y, a) || asy_mat_overlaps(y, b))
        return asy_fail(ASY_EARG, "matrix.mul: out shares its values with an operand");
    asy_err e = asy_mat_want(y, a->rows, b->cols, "matrix.mul");
    if (!e)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)a->rows,
                    (int)b->cols, (int)a->cols, 1, a->x, (int)a->stride, b->x,
                    (int)b->stride, 0, y->x, (int)y->stride);
    return e;
}

/* LAPACK, as OpenBLAS brings it: a x = b by LU with row exchanges; column-major. */
extern void sgesv_(const int *n, const int *columns, float *a, const int *lda,
                   int *pivot, float *b, const int *ldb, int *info);

/* b (column-major, in bt's rows) becomes the solution. */
static asy_err solve_columns(asy_mat *at, asy_mat *bt)
{
    int n = (int)at->rows, columns = (int)bt->rows, info = 0;
    int *pivot = asy_try_alloc(at->rows, sizeof *pivot);
    if (!pivot)
        return asy_fail(ASY_ENOMEM, "matrix.solve: no memory for %d pivots", n);
    sgesv_(&n, &columns, at->x, &n, pivot, bt->x, &n, &info);
    asy_free(pivot);
    if (info != 0)
        return asy_fail(ASY_EARG, "matrix.solve: the %dx%d matrix is singular", n, n);
    return ASY_OK;
}

asy_err asy_mat_solve(asy_mat *y, const asy_mat *a, const asy_mat *b)
{
    asy_mat at = {0}, bt = {0};
    if (a->rows != a->cols || a->rows != b->rows)
        return asy_fail(
            ASY_EARG,
            "matrix.solve: %zux%zu with %zux%zu: a square matrix and as many "
            "rows are needed",
            a->rows, a->cols, b->rows, b->cols);
    if (!fits_int(a) || !fits_int(b))
        return too_long("matrix.solve", a, b);
    asy_err e = asy_mat_transpose(&at, a);
    if (!e)
        e = asy_mat_transpose(&bt, b);
    if (!e)
        e = solve_columns(&at, &bt);
    if (!e)
        e = asy_mat_want(y, b->rows, b->cols, "matrix.solve");
    if (!e)
        e = asy_mat_transpose(y, &bt);
    asy_mat_fini(&at);
    asy_mat_fini(&bt);
    return e;
}

double asy_mat_norm(const asy_mat *a)
{
    double sum = 0;
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < a->cols; j++) {
            double x = asy_mat_row(a, i)[j];
            sum += x * x;
        }
    return sqrt(sum);
}
