/* design.h - a design: one network and how it is trained, from the JSON a rule makes.
 *
 * JSON form (all keys but `hidden` optional; defaults in brackets):
 *   {"hidden": [{"units", "activation" ["relu"], "dropout" [0], "l2" [0],
 *                "batch_norm" [false], "init" ["glorot_uniform"], "repeat" [1]} ...],
 *    "optimizer": {"name" ["adam"], "rate", "momentum", "nesterov", "rho", "beta1", "beta2",
 *                  "eps", "decay"},
 *    "schedule": {"name" ["constant"], "factor", "every", "floor", "warmup"},
 *    "clip": {"norm", "value"},
 *    "epochs" [30], "batch" [32; 0 = the whole training part],
 *    "loss" [cross_entropy | mse by task], "output": {"activation" [by loss], "init", "l2"},
 *    "class_weight" [none; "balanced" or a list],
 *    "init" [default for layers that name none], "residual" [0; k = every k layers],
 *    "patience" [0 = off; epochs], "min_delta" [0], "restore_best" [true with patience],
 *    "target": {metric: value}, "max_seconds" [0], "shuffle" ["shared" | "own"]}
 * `repeat` keeps deep designs small: 20,000 equal layers are one entry.
 * Classification into classes uses one output a class with cross_entropy, mse, mae and
 * huber (targets one-hot), one output with binary_cross_entropy.
 */
#pragma once
#include "base/hash.h"
#include "base/json.h"
#include "data/tensors.h"
#include "math/backend.h"

enum { ASY_MAX_HIDDEN = 20000, ASY_MAX_UNITS = 65536 };

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
    asy_dense output;  /* units = 0: as the data says */
    asy_optim optim;   /* with schedule and clipping */
    asy_loss loss;
    bool loss_given;   /* false: by the task */
    uint32_t epochs, batch;
    uint32_t residual;
    uint32_t patience;
    double min_delta;
    bool restore_best;
    const char *target_metric; /* static metric name or NULL */
    double target_value;
    double max_seconds;
    bool balanced;          /* class_weight = "balanced" */
    float *class_weight;    /* [class_weights], owned, or NULL */
    uint32_t class_weights;
    bool own_shuffle;       /* each seed its own order of rows; else by session seed */
} asy_design;

/* Checks everything and fills the defaults; unknown keys name the known ones. */
asy_err asy_design_parse(const json_t *v, asy_design **out);
void asy_design_free(asy_design *d);

/* Checks JSON and appends its canonical text: defaults filled in, equal neighbours
 * merged by `repeat`, keys sorted. Equal designs give equal text. */
asy_err asy_design_canonical(const json_t *v, asy_buf *out);

/* Exact counts for a design on data of that shape (classes = 0: regression). */
typedef struct asy_design_cost {
    uint64_t params;         /* learned numbers */
    uint64_t flops_forward;  /* a row: 2 in out + out a dense layer */
    uint64_t flops_train;    /* a row and epoch: forward, both gradients, update share */
    uint64_t bytes;          /* memory to train one member on `blas` */
} asy_design_cost;
asy_err asy_design_count(const asy_design *d, uint32_t inputs, uint32_t classes,
                         uint32_t outputs, uint32_t train_rows, asy_design_cost *out);
