/* norm_kernel.c - batch normalization (Ioffe & Szegedy 2015), V columns at a time.
 *
 * Columns are independent, so a vector of V of them walks down the rows. The variance
 * is taken around the mean in a second pass: one pass of x and x^2 cancels badly.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "math/kernels.h"
#include "math/simd.h"

#define EPS 1e-5f
#define MOMENTUM 0.1f

/* Sum over the rows of f(column). */
#define SUM_ROWS(sum, area, r, expression)                                             \
    vf sum = vf_zero();                                                                \
    for (size_t r = 0; r < (area).rows; r++)                                           \
        sum = vf_add(sum, (expression));

INLINE vf squared(vf a) { return vf_mul(a, a); }

/* running += MOMENTUM (seen - running) */
INLINE void move_running(float *running, vf seen)
{
    vf old = vf_load(running);
    vf_store(running, vf_fma(vf_set(MOMENTUM), vf_sub(seen, old), old));
}

INLINE vf inverse_std(vf var)
{
    return vf_div(vf_set(1.0f), vf_sqrt(vf_add(var, vf_set(EPS))));
}

static void train_columns(const asy_norm *b, size_t j)
{
    const asy_area s = b->area;
    const float rows = (float)s.rows;
    float *x = b->normal + j, *y = b->y + j;
    SUM_ROWS(sum, s, r, vf_load(x + r * s.ld))
    vf mean = vf_div(sum, vf_set(rows));
    SUM_ROWS(squares, s, r, squared(vf_sub(vf_load(x + r * s.ld), mean)))
    vf var = vf_div(squares, vf_set(rows)), inverse = inverse_std(var);
    vf_store(b->inverse + j, inverse);
    move_running(b->mean + j, mean);
    /* A batch of one row says nothing about the variance. */
    if (s.rows > 1)
        move_running(b->var + j, vf_div(squares, vf_set(rows - 1)));
    vf gamma = vf_load(b->gamma + j), beta = vf_load(b->beta + j);
    for (size_t r = 0; r < s.rows; r++) {
        vf normal = vf_mul(vf_sub(vf_load(x + r * s.ld), mean), inverse);
        vf_store(x + r * s.ld, normal);
        vf_store(y + r * s.ld, vf_fma(gamma, normal, beta));
    }
}

static void eval_columns(const asy_norm *b, size_t j)
{
    const asy_area s = b->area;
    vf factor = vf_mul(vf_load(b->gamma + j), inverse_std(vf_load(b->var + j)));
    vf shift = vf_fnma(vf_load(b->mean + j), factor, vf_load(b->beta + j));
    for (size_t r = 0; r < s.rows; r++)
        vf_store(b->y + j + r * s.ld,
                 vf_fma(factor, vf_load(b->normal + j + r * s.ld), shift));
}

/* dz = gamma inverse (d - mean(d) - normal mean(d normal)). */
static void backward_columns(const asy_norm *b, size_t j)
{
    const asy_area s = b->area;
    const float *normal = b->normal + j;
    float *d = b->d + j;
    vf part = vf_set(1.0f / (float)s.rows);
    SUM_ROWS(sum, s, r, vf_load(d + r * s.ld))
    SUM_ROWS(product, s, r, vf_mul(vf_load(d + r * s.ld), vf_load(normal + r * s.ld)))
    vf_store(b->beta_grad + j, sum);
    vf_store(b->gamma_grad + j, product);
    vf factor = vf_mul(vf_load(b->gamma + j), vf_load(b->inverse + j));
    vf mean = vf_mul(sum, part), slope = vf_mul(product, part);
    for (size_t r = 0; r < s.rows; r++) {
        vf centred = vf_sub(vf_load(d + r * s.ld), mean);
        centred = vf_fnma(vf_load(normal + r * s.ld), slope, centred);
        vf_store(d + r * s.ld, vf_mul(factor, centred));
    }
}

static void train(const asy_norm *b)
{
    for (size_t j = 0; j < b->area.n; j += V)
        train_columns(b, j);
}

static void eval(const asy_norm *b)
{
    for (size_t j = 0; j < b->area.n; j += V)
        eval_columns(b, j);
}

static void backward(const asy_norm *b)
{
    for (size_t j = 0; j < b->area.n; j += V)
        backward_columns(b, j);
}

const asy_norm_kernels ASY_ISA_NAME(asy_norm_kernels) = {
    .train = train, .eval = eval, .backward = backward};
