/* train.h - trains a design on prepared data: the one training loop (see loop.c).
 *
 * A population is K trials of one shape in lockstep. K = 1 is not special.
 */
#pragma once
#include "data/tensors.h"
#include "nn/design.h"
#include "nn/metrics.h"

/* Bumped whenever arithmetic changes: part of every trial's key. */
enum { ASY_NUMERICS_VERSION = 1 };

typedef enum asy_stop {
    ASY_STOP_EPOCHS,   /* all epochs done */
    ASY_STOP_PATIENCE, /* no better validation loss for `patience` epochs */
    ASY_STOP_TARGET,   /* the target metric was reached */
    ASY_STOP_TIME,     /* max_seconds of the design */
    ASY_STOP_PRUNED,   /* told so by on_epoch */
    ASY_STOP_CANCELLED,
    ASY_STOP_DIVERGED, /* loss became NaN or infinite */
    ASY_STOP_COUNT
} asy_stop;
extern const char *const asy_stop_names[ASY_STOP_COUNT];

/* What an epoch showed. */
typedef struct asy_epoch {
    uint32_t epoch;                   /* from 1 */
    float train_loss, train_accuracy; /* while training; NaN accuracy in regression */
    float validate_loss, validate_accuracy; /* NaN when there is no validation part */
} asy_epoch;

typedef enum asy_verdict { ASY_GO, ASY_PRUNE, ASY_CANCEL } asy_verdict;

typedef struct asy_train_job {
    const asy_design *design;
    const asy_tensors *data;
    uint64_t seed;        /* of the trial */
    uint64_t shared_seed; /* of the session: row order unless own_shuffle */
    bool keep_model;      /* fill result->params / statistics */
    /* Called after each epoch but one that diverged; may be NULL. From the training
     * thread. A pruner should judge validate_loss or validate_accuracy if there is a
     * validation part, else the train ones; the test part is never looked at here. */
    asy_verdict (*on_epoch)(void *ctx, const asy_epoch *e);
    void *ctx;
} asy_train_job;

typedef struct asy_train_result {
    asy_stop stop;
    asy_metrics metrics; /* of all present parts; all NaN when diverged */
    uint32_t epochs;     /* trained */
    uint32_t
        best_epoch; /* whose weights the metrics are of (restore_best), else epochs */
    double seconds; /* wall clock of training alone */
    uint64_t params;
    double flops;     /* done in training */
    asy_epoch *curve; /* [epochs], owned */
    float *model;     /* [params + statistics] when keep_model; owned */
    size_t model_len;
} asy_train_result;

/* Trains one design: a trainer used once. Errors are the caller's (shapes that do not
 * fit the data, memory); divergence is a result, not an error. Equal jobs give equal
 * bits. */
asy_err asy_train(const asy_train_job *job, asy_train_result *out);
void asy_train_result_fini(asy_train_result *r);

/* A trainer keeps its populations and scratch from run to run, for callers that train
 * thousands of small networks. One thread at a time; any number of trainers. */
typedef struct asy_trainer asy_trainer;

/* backend: NULL chooses by asy_train_backend(). */
asy_trainer *asy_trainer_new(const asy_backend *backend);
void asy_trainer_free(asy_trainer *t);

/* Trains n jobs of one shape (equal data, layer sizes, batch and loss) as one
 * population and fills results[n]. Each result equals that of the job alone, bit for
 * bit. ASY_EARG when a design does not fit the data or the jobs differ in shape;
 * ASY_ENOMEM. On failure all results are empty. */
asy_err asy_trainer_run(asy_trainer *t, const asy_train_job *jobs, uint32_t n,
                        asy_train_result *results);

/* Which backend a design gets: a function of the design and the data's shape alone. */
const asy_backend *asy_train_backend(const asy_design *d, const asy_tensors *data);

/* The curve as one blob and back: little-endian, version byte, epochs, float32 columns.
 */
void asy_curve_encode(const asy_epoch *curve, uint32_t n, asy_buf *out);
asy_err asy_curve_decode(const void *bytes, size_t len, asy_epoch **curve, uint32_t *n);
