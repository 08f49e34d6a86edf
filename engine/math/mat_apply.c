/* mat_apply.c - element by element, summing up, comparing and stacking. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <string.h>
#include "math/act.h"
#include "math/kernels.h"
#include "math/mat.h"
#include "math/mat_shape.h"
#include "math/names.h"

/* ---- Two operands ---- */

static const char *const op_names[ASY_MAT_OPS] = {
    "matrix.add", "matrix.sub", "matrix.mul", "matrix.div", "matrix.min", "matrix.max"};

static inline float combine(asy_mat_op op, float a, float b)
{
    switch (op) {
    case ASY_MAT_ADD: return a + b;
    case ASY_MAT_SUB: return a - b;
    case ASY_MAT_MUL: return a * b;
    case ASY_MAT_DIV: return a / b;
    case ASY_MAT_MIN: return a < b || a != a ? a : b;
    default: return a > b || a != a ? a : b;
    }
}

/* One row; a step of 0 repeats one value. The switch is outside the loop so that each
 * operation gets a loop of its own. */
static void combine_row(asy_mat_op op, size_t n, const float *a, size_t a_step,
                        const float *b, size_t b_step, float *y)
{
#define LOOP(op)                                                                       \
    case op:                                                                           \
        for (size_t j = 0; j < n; j++)                                                 \
            y[j] = combine(op, a[j * a_step], b[j * b_step]);                          \
        break;
    switch (op) {
        LOOP(ASY_MAT_ADD)
        LOOP(ASY_MAT_SUB)
        LOOP(ASY_MAT_MUL)
        LOOP(ASY_MAT_DIV)
        LOOP(ASY_MAT_MIN)
        LOOP(ASY_MAT_MAX)
    default: break;
    }
#undef LOOP
}

/* The common length of two sides, or 0 when neither is 1 and they differ. */
static size_t common(size_t a, size_t b)
{
    return a == b || b == 1 ? a : a == 1 ? b : 0;
}

/* y may be an operand, but not a shifted view or a broadcast part of one: there, values
 * would be overwritten before they are read. */
static bool is_safe_target(const asy_mat *y, const asy_mat *a)
{
    return !asy_mat_overlaps(y, a) || (y->x == a->x && y->stride == a->stride &&
                                       y->rows == a->rows && y->cols == a->cols);
}

asy_err asy_mat_apply(asy_mat *y, asy_mat_op op, const asy_mat *a, const asy_mat *b)
{
    const size_t rows = common(a->rows, b->rows), cols = common(a->cols, b->cols);
    const size_t a_step = a->cols > 1 || cols == 1, b_step = b->cols > 1 || cols == 1;
    if (rows == 0 || cols == 0)
        return asy_fail(ASY_EARG, "%s: shapes %zux%zu and %zux%zu do not go together",
                        op_names[op], a->rows, a->cols, b->rows, b->cols);
    asy_err e = asy_mat_want(y, rows, cols, op_names[op]);
    if (e)
        return e;
    if (!is_safe_target(y, a) || !is_safe_target(y, b))
        return asy_fail(ASY_EARG, "%s: out is a part of an operand", op_names[op]);
    for (size_t i = 0; i < rows; i++)
        combine_row(op, cols, asy_mat_row(a, a->rows > 1 ? i : 0), a_step,
                    asy_mat_row(b, b->rows > 1 ? i : 0), b_step, asy_mat_row(y, i));
    return ASY_OK;
}

asy_err asy_mat_apply_number(asy_mat *y, asy_mat_op op, const asy_mat *a, float s,
                             bool left)
{
    asy_err e = asy_mat_want(y, a->rows, a->cols, op_names[op]);
    if (e)
        return e;
    if (!is_safe_target(y, a))
        return asy_fail(ASY_EARG, "%s: out is a part of the operand", op_names[op]);
    for (size_t i = 0; i < a->rows; i++) {
        const float *x = asy_mat_row(a, i);
        combine_row(op, a->cols, left ? &s : x, !left, left ? x : &s, left,
                    asy_mat_row(y, i));
    }
    return ASY_OK;
}

/* ---- One operand ---- */

const char *const asy_mat_map_names[ASY_MAT_MAPS] = {
    "exp", "log", "tanh", "relu", "sigmoid", "sqrt", "abs", "neg", "square"};

asy_err asy_mat_map_parse(const char *name, asy_mat_map_kind *out)
{
    size_t i;
    asy_err e = asy_name_find("matrix.map", name, asy_mat_map_names, ASY_MAT_MAPS, &i);
    if (!e)
        *out = (asy_mat_map_kind)i;
    return e;
}

static float map_one(asy_mat_map_kind f, float x)
{
    switch (f) {
    case ASY_MAT_SQRT: return sqrtf(x);
    case ASY_MAT_ABS: return fabsf(x);
    case ASY_MAT_NEG: return -x;
    default: return x * x;
    }
}

static void map_row(asy_mat_map_kind f, size_t n, const float *x, float *y)
{
    switch (f) {
    case ASY_MAT_EXP: asy_kernels_get()->vec->exp(n, x, y); break;
    case ASY_MAT_LOG: asy_kernels_get()->vec->log(n, x, y); break;
    case ASY_MAT_TANH: asy_act_forward(ASY_ACT_TANH, n, x, y); break;
    case ASY_MAT_RELU: asy_act_forward(ASY_ACT_RELU, n, x, y); break;
    case ASY_MAT_SIGMOID: asy_act_forward(ASY_ACT_SIGMOID, n, x, y); break;
    default:
        for (size_t j = 0; j < n; j++)
            y[j] = map_one(f, x[j]);
    }
}

asy_err asy_mat_map(asy_mat *y, asy_mat_map_kind f, const asy_mat *a)
{
    asy_err e = asy_mat_want(y, a->rows, a->cols, "matrix.map");
    if (!e && !is_safe_target(y, a))
        e = asy_fail(ASY_EARG, "matrix.map: out is a part of the operand");
    for (size_t i = 0; !e && i < a->rows; i++)
        map_row(f, a->cols, asy_mat_row(a, i), asy_mat_row(y, i));
    return e;
}

/* ---- Summing up ---- */

/* rows x cols values, the steps apart. */
typedef struct grid {
    size_t rows, cols, row_step, col_step;
    const float *x;
} grid;

static double sum_around(grid g, double centre, bool squared)
{
    double sum = 0;
    for (size_t i = 0; i < g.rows; i++)
        for (size_t j = 0; j < g.cols; j++) {
            double d = g.x[i * g.row_step + j * g.col_step] - centre;
            sum += squared ? d * d : d;
        }
    return sum;
}

/* sign = 1: the largest; -1: the smallest. NaN wins over all. */
static double extreme(grid g, double sign)
{
    double best = sign * g.x[0];
    for (size_t i = 0; i < g.rows; i++)
        for (size_t j = 0; j < g.cols; j++) {
            double x = sign * g.x[i * g.row_step + j * g.col_step];
            best = x > best || isnan(x) ? x : best;
            if (isnan(best))
                return NAN;
        }
    return sign * best;
}

static double reduce(asy_mat_reduction kind, grid g)
{
    const double n = (double)g.rows * (double)g.cols;
    switch (kind) {
    case ASY_MAT_SUM: return sum_around(g, 0, false);
    case ASY_MAT_MEAN: return sum_around(g, 0, false) / n;
    case ASY_MAT_STD: return sqrt(sum_around(g, sum_around(g, 0, false) / n, true) / n);
    case ASY_MAT_MIN_OF: return extreme(g, -1);
    default: return extreme(g, 1);
    }
}

static grid all_of(const asy_mat *a)
{
    return (grid){a->rows, a->cols, a->stride, 1, a->x};
}

/* The i-th thing that `over` speaks of. */
static grid part_of(const asy_mat *a, asy_mat_over over, size_t i)
{
    switch (over) {
    case ASY_MAT_EACH_ROW: return (grid){1, a->cols, 0, 1, asy_mat_row(a, i)};
    case ASY_MAT_EACH_COL: return (grid){a->rows, 1, a->stride, 0, a->x + i};
    default: return all_of(a);
    }
}

asy_err asy_mat_reduce(asy_mat *y, asy_mat_reduction kind, asy_mat_over over,
                       const asy_mat *a)
{
    const size_t rows = over == ASY_MAT_EACH_ROW ? a->rows : 1;
    const size_t cols = over == ASY_MAT_EACH_COL ? a->cols : 1;
    if (asy_mat_overlaps(y, a))
        return asy_fail(ASY_EARG, "matrix.reduce: out shares its values");
    asy_err e = asy_mat_want(y, rows, cols, "matrix.reduce");
    for (size_t i = 0; !e && i < rows * cols; i++)
        y->x[over == ASY_MAT_EACH_ROW ? i * y->stride : i] =
            (float)reduce(kind, part_of(a, over, i));
    return e;
}

double asy_mat_number(asy_mat_reduction kind, const asy_mat *a)
{
    return reduce(kind, all_of(a));
}

static size_t argmax(grid g)
{
    size_t best = 0, k = 0;
    float largest = NAN;
    for (size_t i = 0; i < g.rows; i++)
        for (size_t j = 0; j < g.cols; j++, k++) {
            float x = g.x[i * g.row_step + j * g.col_step];
            if (x > largest || (isnan(largest) && !isnan(x))) {
                largest = x;
                best = k;
            }
        }
    return best;
}

void asy_mat_argmax(const asy_mat *a, asy_mat_over over, size_t *index)
{
    const size_t n = over == ASY_MAT_EACH_ROW   ? a->rows
                     : over == ASY_MAT_EACH_COL ? a->cols
                                                : 1;
    for (size_t i = 0; i < n; i++)
        index[i] = argmax(part_of(a, over, i));
}

/* ---- Putting together and comparing ---- */

asy_err asy_mat_stack(asy_mat *y, const asy_mat *const *part, size_t n,
                      bool side_by_side)
{
    size_t rows = 0, cols = 0;
    for (size_t i = 0; i < n; i++) {
        const asy_mat *p = part[i], *first = part[0];
        if (side_by_side ? p->rows != first->rows : p->cols != first->cols)
            return asy_fail(ASY_EARG, "matrix.concat: %zux%zu and %zux%zu differ in %s",
                            first->rows, first->cols, p->rows, p->cols,
                            side_by_side ? "rows" : "columns");
        if (asy_mat_overlaps(y, p))
            return asy_fail(ASY_EARG, "matrix.concat: out shares its values");
        rows = side_by_side ? p->rows : rows + p->rows;
        cols = side_by_side ? cols + p->cols : p->cols;
    }
    asy_err e = asy_mat_want(y, rows, cols, "matrix.concat");
    for (size_t i = 0, row = 0, col = 0; !e && i < n; i++) {
        const asy_mat *p = part[i];
        for (size_t r = 0; r < p->rows; r++)
            memcpy(asy_mat_row(y, row + r) + col, asy_mat_row(p, r),
                   p->cols * sizeof *p->x);
        row += side_by_side ? 0 : p->rows;
        col += side_by_side ? p->cols : 0;
    }
    return e;
}

bool asy_mat_equal(const asy_mat *a, const asy_mat *b, double tolerance)
{
    if (a->rows != b->rows || a->cols != b->cols)
        return false;
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < a->cols; j++) {
            double x = asy_mat_row(a, i)[j], y = asy_mat_row(b, i)[j];
            bool same = x == y || (isnan(x) && isnan(y)) || fabs(x - y) <= tolerance;
            if (!same)
                return false;
        }
    return true;
}
