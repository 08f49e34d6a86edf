/* backend.h - the table of operations that the one training loop (nn/loop.c) is
 * written on, for populations of K networks of one shape.
 *
 * Operations speak of (population, layer, role), never of pointers and strides: how a
 * backend lays its members out is its own affair. `blas` loops over members, `lanes`
 * interleaves them, `cuda` keeps an arena a member on the device. K = 1 is not special.
 *
 * One step of the loop is
 *
 *     gather(step)                   rows of the batch, for every member
 *     forward(0) ... forward(L-1)    affine, batch norm, activation, dropout, skip
 *     loss                           value, hits, and the delta at the outputs
 *     backward(L-1) ... backward(0)  gradients of W, b, gamma, beta; input delta
 *     update                         clip, schedule, optimizer
 *
 * Operations may be asynchronous but keep their order; only read(), outputs() and
 * totals() wait. No operation allocates. A population belongs to one thread.
 * The result for a member does not depend on the other members.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/rng.h"
#include "math/act.h"
#include "math/loss.h"
#include "math/optim.h"

/* What all members of a population share about one layer. The last layer is the output.
 */
typedef struct asy_layer_shape {
    uint32_t in, out;
    bool batch_norm;
    uint32_t skip; /* adds the output of layer (this - skip) after the activation; 0 =
                      no. The widths are equal, skip <= this layer's number. */
    /* Offsets, in floats, into a member's parameters. W is (in, out) row-major, b
     * (out); gamma and beta (out) only with batch_norm. */
    size_t w, b, gamma, beta;
    /* Offsets into a member's statistics: running mean and variance (out) each. */
    size_t mean, var;
} asy_layer_shape;

typedef struct asy_net_shape {
    uint32_t inputs, outputs; /* outputs = width of the last layer */
    uint32_t layers;          /* hidden layers + 1 */
    const asy_layer_shape *layer;
    size_t params;     /* floats a member learns */
    size_t statistics; /* floats of running statistics */
    uint32_t batch;    /* rows a training step */
    asy_loss loss;
} asy_net_shape;

/* What may differ between members, layer by layer. For the output layer `act` is
 * applied after the affine map and before the loss; softmax and sigmoid of the
 * cross-entropies belong to the loss, so there `act` is ASY_ACT_LINEAR. */
typedef struct asy_layer_setting {
    asy_act act;
    float dropout; /* share of outputs zeroed while training; the rest is scaled up */
    float l2;      /* adds l2 * W to the gradient of W (loss + l2/2 |W|^2) */
} asy_layer_setting;

typedef struct asy_member {
    asy_key key; /* dropout masks: stream DROPOUT, counter (element/4, step, layer) */
    asy_key shuffle; /* order of the rows: asy_perm_make(shuffle, epoch, rows) */
    asy_optim optim;
    uint64_t steps_per_epoch, steps_total; /* for the schedule */
    const asy_layer_setting *layer; /* [layers], borrowed for the member's life */
    /* [classes] or NULL; borrowed. Scales a row's loss and delta while training; an
     * EVAL pass counts every row alike. The mean is over rows, not over weights. */
    const float *class_weight;
} asy_member;

/* The rows a population learns from; borrowed, read-only, row-major. */
typedef struct asy_part {
    uint32_t rows;
    const float *x;       /* (rows, inputs) */
    const int32_t *label; /* (rows) class index; NULL for regression */
    const float *target;  /* (rows, outputs); NULL for class labels */
} asy_part;

typedef enum asy_pass {
    ASY_PASS_TRAIN, /* dropout on, batch statistics, keeps what backward needs */
    ASY_PASS_EVAL   /* dropout off, running statistics */
} asy_pass;

typedef enum asy_role {
    ASY_ROLE_PARAM,      /* [params] */
    ASY_ROLE_GRADIENT,   /* [params], of the last backward: with l2, before clipping and
                            the optimizer's decay */
    ASY_ROLE_STATISTICS, /* [statistics] */
    ASY_ROLE_SLOT1,      /* [params], optimizer state */
    ASY_ROLE_SLOT2
} asy_role;

/* Sums since the last totals_clear(). */
typedef struct asy_totals {
    double loss;   /* sum over rows of the row's loss (without l2) */
    uint64_t hits; /* rows whose arg-max (or sign, one output) is the label */
    uint64_t rows;
} asy_totals;

typedef struct asy_pop asy_pop; /* a backend's population; opaque to the loop */

typedef struct asy_backend {
    const char *name; /* "blas", "lanes", "cuda" */

    /* Room for `members` networks. eval_rows: the most rows an EVAL pass takes at once.
     * ASY_ENOMEM when refused. Parameters, statistics and slots start at zero. */
    asy_err (*pop_new)(const asy_net_shape *shape, uint32_t members, uint32_t eval_rows,
                       asy_pop **out);
    void (*pop_free)(asy_pop *p);

    /* Puts a member into a slot: settings, zeroed slots and gradients, step 0, alive.
     * Parameters and statistics stay as they are. ASY_ENOMEM: then it is not alive. */
    asy_err (*member_set)(asy_pop *p, uint32_t m, const asy_member *member);
    /* A stopped member costs nothing and keeps its parameters. */
    void (*member_stop)(asy_pop *p, uint32_t m);

    void (*write)(asy_pop *p, uint32_t m, asy_role role, const float *x);
    void (*read)(asy_pop *p, uint32_t m, asy_role role, float *x);

    /* TRAIN: rows step*batch .. of the member's shuffled order of `part` in `epoch`
     * (the last batch may be short). EVAL: rows first .. first+n-1 in their own order.
     */
    void (*gather_train)(asy_pop *p, const asy_part *part, uint32_t epoch,
                         uint32_t step);
    void (*gather_eval)(asy_pop *p, const asy_part *part, uint32_t first, uint32_t n);

    void (*forward)(asy_pop *p, uint32_t layer, asy_pass pass);
    /* Adds to totals; TRAIN also makes deltas. */
    void (*loss)(asy_pop *p, asy_pass pass);
    void (*backward)(asy_pop *p, uint32_t layer);
    void (*update)(asy_pop *p);

    /* The batch's outputs after softmax / sigmoid, of an EVAL pass whose loss has run:
     * (rows, outputs). */
    void (*outputs)(asy_pop *p, uint32_t m, float *y);
    asy_totals (*totals)(asy_pop *p, uint32_t m);
    void (*totals_clear)(asy_pop *p);
} asy_backend;

extern const asy_backend asy_backend_blas;

/* The backend of that name, or NULL. */
const asy_backend *asy_backend_find(const char *name);
