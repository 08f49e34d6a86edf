/* design.h - a design: one network and how it is trained, from the JSON a rule makes.
 *
 * JSON form (all keys but `hidden` optional; defaults in brackets):
 *   {"hidden": [{"units", "activation" ["relu"], "dropout" [0], "l2" [0],
 *                "batch_norm" [false], "init" ["glorot_uniform"], "repeat" [1]} ...],
 *    "optimizer": {"name" ["adam"], "rate", "momentum", "nesterov", "rho", "beta1",
 * "beta2", "eps", "decay"}, "schedule": {"name" ["constant"], "factor", "every",
 * "floor", "warmup"}, "clip": {"norm", "value"}, "epochs" [30], "batch" [32; 0 = the
 * whole training part], "loss" [cross_entropy | mse by task], "output": {"activation"
 * [by loss], "init", "l2"}, "class_weight" [none; "balanced" or a list], "init"
 * [default for layers that name none], "residual" [0; k = every k layers], "patience"
 * [0 = off; epochs], "min_delta" [0], "restore_best" [true with patience], "target":
 * {metric: value}, "max_seconds" [0], "shuffle" ["shared" | "own"]} `optimizer` and
 * `schedule` may also be a name alone. A setting that the chosen optimizer or schedule
 * does not read is accepted and left out of the canonical text, so that a rule may give
 * one table for several optimizers. Places in messages count from 1:
 * `design.hidden[2].units: whole number 1 .. 65536 expected, got 0`.
 * `repeat` keeps deep designs small: 20,000 equal layers are one entry.
 * Classification into classes uses one output a class with cross_entropy, mse, mae and
 * huber, one output with binary_cross_entropy (two classes only). Targets are one-hot,
 * 1 for the class and 0 for the others, whatever the output activation: tanh outputs
 * learn 0 and 1, not -1 and 1. `output.activation` goes with mse, mae and huber;
 * "softmax" (cross_entropy) and "sigmoid" (binary_cross_entropy) are part of the loss
 * and may be named. `residual` = k adds the output of hidden layer i - k to that of
 * layer i for i = k, 2k, ... (counted from 0) where both are equally wide. `target`
 * stops training once the metric is reached; a bare metric name is measured on the
 * validation part if there is one, else on the training part, never on the test part.
 * `patience` watches the validation loss, or the training loss when there is no such
 * part. "balanced" gives class c of k classes the weight n / (k n_c), n_c of n rows
 * having it.
 */
#pragma once
#include "base/hash.h"
#include "base/json.h"
#include "data/tensors.h"
#include "math/backend.h"

enum { ASY_MAX_HIDDEN = 20000, ASY_MAX_UNITS = 65536 };

/* The most floats a network may learn: 8 GiB. */
#define ASY_MAX_PARAMS ((uint64_t)1 << 31)

typedef enum asy_init {
    ASY_INIT_GLOROT_UNIFORM,
    ASY_INIT_GLOROT_NORMAL,
    ASY_INIT_HE_UNIFORM,
    ASY_INIT_HE_NORMAL,
    ASY_INIT_LECUN_UNIFORM,
    ASY_INIT_LECUN_NORMAL,
    ASY_INIT_ORTHOGONAL,
    ASY_INIT_ZEROS,
    ASY_INIT_COUNT
} asy_init;

extern const char *const asy_init_names[ASY_INIT_COUNT];

typedef struct asy_dense {
    uint32_t units;
    asy_layer_setting setting; /* activation, dropout, l2 */
    bool batch_norm;
    asy_init init;
} asy_dense;

typedef struct asy_design {
    asy_dense *hidden; /* [depth], owned, repeats expanded */
    uint32_t depth;
    asy_dense output; /* units = 0: as the data says */
    asy_optim optim;  /* with schedule and clipping */
    asy_loss loss;
    bool loss_given; /* false: by the task */
    uint32_t epochs, batch;
    uint32_t residual;
    uint32_t patience;
    double min_delta;
    bool restore_best;
    const char *target_metric; /* static metric name or NULL */
    double target_value;
    double max_seconds;
    bool balanced;       /* class_weight = "balanced" */
    float *class_weight; /* [class_weights], owned, or NULL */
    uint32_t class_weights;
    bool own_shuffle; /* each seed its own order of rows; else by session seed */
} asy_design;

/* Checks everything and fills the defaults; unknown keys name the nearest and the known
 * ones. ASY_EARG with place, expectation and what came. *out is NULL on failure. */
asy_err asy_design_parse(const json_t *v, asy_design **out);
void asy_design_free(asy_design *d);

/* Checks JSON and appends its canonical text: defaults filled in, equal neighbours
 * merged by `repeat`, keys sorted. Equal designs give equal text. */
asy_err asy_design_canonical(const json_t *v, asy_buf *out);

/* Exact counts for a design on data of that shape (classes = 0: regression). */
typedef struct asy_design_cost {
    uint64_t params;        /* learned numbers */
    uint64_t flops_forward; /* a row: 2 in out + out a dense layer */
    uint64_t flops_train;   /* a row and epoch: forward, both gradients, update share */
    uint64_t bytes;         /* memory to train one member on `blas`, within a tenth */
} asy_design_cost;

/* flops_train adds to flops_forward: 2 in out + out for the gradients of W and b, 2 in
 * out for that of the input (not in the first layer), and the optimizer's operations a
 * parameter and step, shared among the rows. ASY_EARG when the design does not fit. */
asy_err asy_design_count(const asy_design *d, uint32_t inputs, uint32_t classes,
                         uint32_t outputs, uint32_t train_rows, asy_design_cost *out);
