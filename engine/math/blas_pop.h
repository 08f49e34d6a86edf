/* blas_pop.h - how the `blas` backend lays a population out in memory.
 *
 * Parameters are kept as panels of 16 columns (see kernels.h), each piece padded to 16
 * floats; only asy_backend.read and .write know the plain layout of backend.h. The
 * padding is zero and stays zero under every operation. A member owns one block of
 * memory for everything that training needs; nothing is allocated after member_set.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "math/backend.h"
#include "math/kernels.h"

/* A layer's geometry, shared by all members. */
typedef struct asy_blas_layer {
    asy_layer_shape shape;
    size_t panels;            /* of its outputs */
    size_t ld;                /* floats from one row of its outputs to the next */
    size_t w, b, gamma, beta; /* offsets of the padded pieces among the parameters */
    size_t mean, var;         /* and among the statistics */
} asy_blas_layer;

/* What a member's layer leaves in a training pass. Pointers that a layer has no use for
 * are NULL; `out` is `act` where nothing comes after the activation. */
typedef struct asy_blas_trace {
    float *normal;  /* batch norm: the affine result, then normalized */
    float *inverse; /* batch norm: 1 / standard deviation */
    float *pre;     /* what the activation read, where its derivative needs that */
    float *act;     /* the activation's result */
    float *keep;    /* dropout: 0 or the scale */
    float *out;     /* what the next layer reads */
} asy_blas_trace;

typedef struct asy_blas_member {
    asy_member set;
    bool is_alive;
    uint64_t step;                          /* updates done */
    double beta1_power, beta2_power, nadam; /* products over the steps */
    asy_totals totals;

    float *param, *statistics; /* in the population's block */
    float *gradient, *slot1, *slot2;
    asy_blas_trace *trace; /* [layers] */
    float *delta[2];       /* loss by a layer's outputs; `turn` is the current one */
    int turn;
    float **pending;  /* [ring] deltas that skips have sent down; */
    bool *is_pending; /* [ring] whether there is one */
    float **eval;     /* [ring] outputs of the last layers in an EVAL pass */

    asy_perm perm; /* the order of `epoch` */
    uint32_t epoch;
    uint32_t rows;   /* of the current batch */
    const float *in; /* the batch, in_ld apart */
    size_t in_ld;
    float *x;       /* the gathered batch */
    float *target;  /* or NULL */
    float *weight;  /* of each row, from the class weights; or NULL */
    int32_t *label; /* or NULL */
    bool has_label;
    void *block; /* owned: all of the above but param and statistics */
    size_t block_bytes;
} asy_blas_member;

/* Orders of rows that one trial leaves for the next: in a session most share theirs. */
typedef struct asy_blas_orders {
    asy_key key;
    uint32_t rows, epochs; /* epochs 0 .. epochs-1 are worked out */
    uint32_t *row;         /* [ASY_BLAS_ORDERS] one epoch after the other, padded */
} asy_blas_orders;

enum { ASY_BLAS_ORDERS = 16 * 1024 };

struct asy_pop {
    const asy_kernels *k;
    asy_net_shape shape; /* layer = NULL: see `layer` */
    asy_blas_layer *layer;
    size_t params, statistics;    /* padded */
    size_t x_ld, widest;          /* of the inputs; the largest ld of all layers */
    size_t train_rows, eval_rows; /* room, multiples of 16 */
    uint32_t ring; /* outputs an EVAL pass keeps: skips reach back ring - 1 */
    uint32_t members;
    asy_blas_member *member;
    float *turned;          /* W^T of one layer */
    float *scratch;         /* of the loss */
    uint32_t *row;          /* numbers of the rows of a batch */
    asy_blas_orders orders; /* only used with one member */
    void *block; /* owned: all of the above, with parameters and statistics */
};

asy_err asy_blas_pop_new(const asy_net_shape *shape, uint32_t members,
                         uint32_t eval_rows, asy_pop **out);
void asy_blas_pop_free(asy_pop *p);
asy_err asy_blas_member_set(asy_pop *p, uint32_t m, const asy_member *member);
void asy_blas_write(asy_pop *p, uint32_t m, asy_role role, const float *x);
void asy_blas_read(asy_pop *p, uint32_t m, asy_role role, float *x);
