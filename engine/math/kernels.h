/* kernels.h - the inner loops of training, in a table for each instruction set.
 *
 * Each *_kernel.c file is compiled once a set (see simd.h). Arrays inside a backend are
 * padded to blocks of 16 floats: rows are 16 * blocks wide and `ld` apart, and buffers
 * have room for a multiple of 16 rows. Kernels may read and write the padding, never
 * let it into a result. Nothing here allocates, and every result is a function of
 * shapes and values alone.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "base/rng.h"
#include "math/act.h"
#include "math/isa.h"
#include "math/loss.h"
#include "math/optim.h"

enum { ASY_BLOCK = 16 };

/* ---- Products ----
 *
 * A panel matrix of k rows and n columns is ceil(n/16) panels one after another: panel
 * p holds columns 16p .. 16p+15 of all rows, each row 16 floats, the columns past n
 * zero. So the inner loop reads the right-hand operand in order, and no power-of-two
 * row length can drive it out of the cache. */

typedef struct asy_gemm {
    size_t m, panels, k;
    const float *a; /* straight: element (i,t) is a[i*lda + t]; turned: a[t*lda + i] */
    size_t lda;
    const float *b; /* row t of panel p is b + p*b_panel + t*ldb */
    size_t ldb, b_panel;
    float *c; /* row i of panel p is c + p*c_panel + i*ldc */
    size_t ldc, c_panel;
    const float *bias; /* straight: [16*panels], added to every row; NULL = 0 */
    float floor; /* straight: results below become this; -INFINITY = none, 0 = relu */
    float *sums; /* turned: [16*panels], sum of the rows of b; not NULL */
} asy_gemm;

typedef struct asy_gemm_kernels {
    /* c = max(floor, bias + a b): forward, and the delta of a layer's inputs. */
    void (*straight)(const asy_gemm *g);
    /* c = a^T b and the sums of b: gradients of weights and bias. */
    void (*turned)(const asy_gemm *g);
    /* Panels bt of (n,k) from panels b of (k,n). */
    void (*transpose)(size_t k, size_t n, const float *b, float *bt);
} asy_gemm_kernels;

/* ---- Element by element ---- */

/* rows x n floats, rows `ld` apart; n need not be a multiple of anything. */
typedef struct asy_area {
    size_t rows, n, ld;
} asy_area;

typedef struct asy_vec_kernels {
    /* y = f(x); y may be x. */
    void (*forward)(asy_act f, asy_area s, const float *x, float *y);
    /* d *= f'(x), from y = f(x) or from x, as asy_act_needs_input() says. */
    void (*backward)(asy_act f, asy_area s, const float *x, const float *y, float *d);
    void (*exp)(size_t n, const float *x, float *y);
    void (*log)(size_t n, const float *x, float *y);
    void (*add)(size_t n, const float *x, float *y);                      /* y += x */
    void (*add_scaled)(size_t n, float s, const float *x, float *y);      /* y += s x */
    void (*mul)(size_t n, const float *x, float *y);                      /* y *= x */
    void (*mul_into)(size_t n, const float *a, const float *b, float *y); /* y = a b */
    double (*sum_squares)(size_t n, const float *x);
    /* Row i of `to` (ld apart) = row row[i] of `from` (n wide, without gaps), padded
     * with zeros to a block. */
    void (*take)(asy_area s, const uint32_t *row, const float *from, float *to);
} asy_vec_kernels;

/* ---- Batch normalization: columns are units, rows the batch ---- */

typedef struct asy_norm {
    asy_area area; /* n is a multiple of 16 */
    const float *gamma, *beta;
    float *mean,
        *var;       /* running; train moves them by a tenth, var by the unbiased one */
    float *inverse; /* [n] 1 / sqrt(var + eps) of the batch; forward to backward */
    float *normal;  /* (rows, n) in: z; forward leaves (z - mean) * inverse */
    float *y;       /* forward: gamma normal + beta; may be `normal` in eval only */
    float *d;       /* backward: in d loss / d y, out d loss / d z */
    float *gamma_grad, *beta_grad;
} asy_norm;

typedef struct asy_norm_kernels {
    void (*train)(const asy_norm *b);
    void (*eval)(const asy_norm *b);
    void (*backward)(const asy_norm *b);
} asy_norm_kernels;

/* ---- Random numbers: the same integers as base/rng.h, many at a time ---- */

typedef struct asy_mask {
    asy_key key;
    uint32_t step, layer;
    uint32_t threshold; /* an element is dropped when its word is below */
    float scale;        /* of what is kept */
    asy_area area;      /* element (i,j) has number i*n + j; its word is word number%4
                           of block (number/4, step, DROPOUT, layer) */
    float *keep;        /* 0 or scale; 0 in the padding of a row */
} asy_mask;

typedef struct asy_random_kernels {
    void (*mask)(const asy_mask *m);
    /* row[i] = asy_perm_at(p, first + i), i < n; row has room for a multiple of 16. */
    void (*rows)(const asy_perm *p, uint32_t first, uint32_t n, uint32_t *row);
} asy_random_kernels;

/* ---- Losses ---- */

typedef struct asy_loss_job {
    asy_loss loss;
    size_t rows, outputs, ld;
    float *y;             /* outputs; eval: softmax or sigmoid is left here */
    const int32_t *label; /* room for a multiple of 16 rows; NULL: targets */
    const float *target;  /* (rows, outputs) without gaps, same room; or NULL */
    const float *weight;  /* of each row, same room; NULL = 1 */
    float *delta;         /* train: d (mean loss) / d y, ld as y; NULL in eval */
    float *scratch;       /* 16 * outputs rounded up to 16 */
    double loss_sum;      /* out: of the weighted row losses */
    size_t hits;          /* out */
} asy_loss_job;

typedef struct asy_loss_kernels {
    void (*run)(asy_loss_job *job);
} asy_loss_kernels;

/* ---- Optimizers ---- */

typedef struct asy_update {
    asy_optimizer kind;
    int nesterov;
    size_t n; /* a multiple of 16 */
    float *p, *slot1, *slot2;
    const float *g;
    float scale, clip;   /* g becomes clamp(g * scale, -clip, clip) */
    float rate;          /* nadam: of the first moment, over its correction */
    float gradient_rate; /* nadam: of the gradient, over its correction */
    float decay, shrink; /* g += decay p; adamw: p *= shrink */
    float momentum, rho, beta1, beta2, eps;
    float var_scale; /* adam family: 1 / sqrt(1 - beta2^t) */
} asy_update;

typedef struct asy_optim_kernels {
    void (*update)(const asy_update *u);
} asy_optim_kernels;

/* ---- The table ---- */

typedef struct asy_kernels {
    const asy_gemm_kernels *gemm;
    const asy_vec_kernels *vec;
    const asy_norm_kernels *norm;
    const asy_random_kernels *random;
    const asy_loss_kernels *loss;
    const asy_optim_kernels *optim;
} asy_kernels;

/* Those of asy_isa_get(). Static. */
const asy_kernels *asy_kernels_get(void);

/* Those of one set, or NULL when this program or CPU lacks it. For tests. */
const asy_kernels *asy_kernels_of(asy_isa isa);
