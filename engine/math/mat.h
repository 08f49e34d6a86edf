/* mat.h - dense float matrices for scripts and tools: row-major, over OpenBLAS.
 *
 * A matrix either owns its values together with others (they are counted, so views keep
 * them alive) or is empty. Views of rows, columns and blocks share values; everything
 * else copies.
 *
 * Results: a function that fills `y` makes it when it is empty (zeroed memory), and
 * else needs it to have the result's shape already, whatever it views; that is how a
 * script's `out =` avoids allocation. Element-wise results may overwrite an operand;
 * products, transposes and solutions may not share values with one. On failure an empty
 * `y` stays empty. Messages name both shapes. A matrix and its views belong to one
 * thread.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/rng.h"

typedef struct asy_mat {
    size_t rows;
    size_t cols;
    size_t stride;                 /* floats from one row to the next; >= cols */
    float *x;                      /* element (i,j) is x[i*stride + j] */
    struct asy_mat_values *values; /* what x points into; counted; NULL when empty */
} asy_mat;

/* ---- Making and ending ---- */

/* Makes *m (whatever it held is forgotten) a zeroed rows x cols matrix. On failure *m
 * is empty. ASY_EARG on a zero side, ASY_ENOMEM when refused. */
asy_err asy_mat_init(asy_mat *m, size_t rows, size_t cols);

/* A new matrix with the values of `a`, without gaps between the rows. */
asy_err asy_mat_copy(asy_mat *y, const asy_mat *a);

/* Gives up this matrix's share of the values. Accepts an empty matrix. */
void asy_mat_fini(asy_mat *m);

/* Bytes of the values this matrix keeps alive (a view keeps the whole). */
size_t asy_mat_bytes(const asy_mat *m);

/* ---- Filling ---- */

void asy_mat_fill(asy_mat *m, float value);
void asy_mat_fill_uniform(asy_mat *m, double lo, double hi,
                          asy_rng *rng); /* [lo, hi) */
void asy_mat_fill_normal(asy_mat *m, double mean, double std, asy_rng *rng);

/* ---- Views: *v shares the values of `a` and must be empty ---- */

/* Rows first .. first+rows-1 and columns likewise, from 0. ASY_EARG outside `a`. */
asy_err asy_mat_view(asy_mat *v, const asy_mat *a, size_t row, size_t col, size_t rows,
                     size_t cols);

/* ---- Linear algebra ---- */

/* y = transpose(a). */
asy_err asy_mat_transpose(asy_mat *y, const asy_mat *a);

/* y = a * b.  a is (n,k), b is (k,m), y is (n,m) and overlaps neither. */
asy_err asy_mat_mul(asy_mat *y, const asy_mat *a, const asy_mat *b);

/* y with a * y = b.  a is (n,n), b and y are (n,m). ASY_EARG when a is singular. */
asy_err asy_mat_solve(asy_mat *y, const asy_mat *a, const asy_mat *b);

/* sqrt(sum of squares), in double. */
double asy_mat_norm(const asy_mat *a);

/* ---- Element by element ---- */

typedef enum asy_mat_op {
    ASY_MAT_ADD,
    ASY_MAT_SUB,
    ASY_MAT_MUL,
    ASY_MAT_DIV,
    ASY_MAT_MIN,
    ASY_MAT_MAX,
    ASY_MAT_OPS
} asy_mat_op;

/* y = a op b. A side of length 1 is repeated to the other's length (broadcasting), so a
 * row, a column or a 1 x 1 matrix goes with any matrix that fits. */
asy_err asy_mat_apply(asy_mat *y, asy_mat_op op, const asy_mat *a, const asy_mat *b);

/* y = a op s, or s op a when `left`. */
asy_err asy_mat_apply_number(asy_mat *y, asy_mat_op op, const asy_mat *a, float s,
                             bool left);

typedef enum asy_mat_map_kind {
    ASY_MAT_EXP,
    ASY_MAT_LOG,
    ASY_MAT_TANH,
    ASY_MAT_RELU,
    ASY_MAT_SIGMOID,
    ASY_MAT_SQRT,
    ASY_MAT_ABS,
    ASY_MAT_NEG,
    ASY_MAT_SQUARE,
    ASY_MAT_MAPS
} asy_mat_map_kind;

/* "exp", "log", "tanh", ...: in the order of the enum. */
extern const char *const asy_mat_map_names[ASY_MAT_MAPS];
asy_err asy_mat_map_parse(const char *name, asy_mat_map_kind *out);

/* y[i,j] = f(a[i,j]). */
asy_err asy_mat_map(asy_mat *y, asy_mat_map_kind f, const asy_mat *a);

/* ---- Summing up ---- */

typedef enum asy_mat_reduction {
    ASY_MAT_SUM,
    ASY_MAT_MEAN,
    ASY_MAT_STD, /* of the population: divided by n */
    ASY_MAT_MIN_OF,
    ASY_MAT_MAX_OF,
    ASY_MAT_REDUCTIONS
} asy_mat_reduction;

/* What becomes one number. */
typedef enum asy_mat_over {
    ASY_MAT_ALL,      /* everything: 1 x 1 */
    ASY_MAT_EACH_ROW, /* each row: rows x 1 */
    ASY_MAT_EACH_COL  /* each column: 1 x cols */
} asy_mat_over;

/* Sums run in double. NaN anywhere gives NaN. */
asy_err asy_mat_reduce(asy_mat *y, asy_mat_reduction kind, asy_mat_over over,
                       const asy_mat *a);

/* The same over everything, as a number. */
double asy_mat_number(asy_mat_reduction kind, const asy_mat *a);

/* Where the largest value stands, from 0: index[0] = i*cols + j for ALL, the column for
 * each row, the row for each column. The first of equals; NaN counts as smallest.
 * `index` has room for 1, rows or cols. */
void asy_mat_argmax(const asy_mat *a, asy_mat_over over, size_t *index);

/* ---- Putting together, comparing, showing, keeping ---- */

/* part[0..n) below one another (equal cols), or side by side (equal rows). */
asy_err asy_mat_stack(asy_mat *y, const asy_mat *const *part, size_t n,
                      bool side_by_side);

/* Equal shapes and |a - b| <= tolerance everywhere; NaN equals NaN. */
bool asy_mat_equal(const asy_mat *a, const asy_mat *b, double tolerance);

/* "3x4 matrix" and its values, at most 8 rows and 8 columns of them. */
void asy_mat_print(asy_buf *out, const asy_mat *a);

/* NumPy's .npy file, version 1.0, '<f4', C order. Loading also takes '<f8' and one
 * dimension (one row); anything else is ASY_EARG saying what came. */
asy_err asy_mat_save(const asy_mat *a, const char *path);
asy_err asy_mat_load(asy_mat *y, const char *path);
