/* optim.h - optimizers and learning-rate schedules: settings and formulas.
 *
 * The updates follow the papers and agree with PyTorch's defaults where both exist:
 * sgd (momentum, Nesterov: v = mu v + g; p -= r (g + mu v) or r v), rmsprop, adagrad,
 * adadelta, adam (Kingma & Ba 2015), adamw (Loshchilov & Hutter 2019), nadam (Dozat
 * 2016, with PyTorch's momentum schedule). `decay` is an L2 term added to the gradient,
 * but decoupled (p -= r decay p) in adamw. Of clip_norm and clip_value the norm comes
 * first.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

typedef enum asy_optimizer {
    ASY_OPT_SGD,
    ASY_OPT_RMSPROP,
    ASY_OPT_ADAGRAD,
    ASY_OPT_ADADELTA,
    ASY_OPT_ADAM,
    ASY_OPT_ADAMW,
    ASY_OPT_NADAM,
    ASY_OPT_COUNT
} asy_optimizer;

extern const char *const asy_optimizer_names[ASY_OPT_COUNT];
asy_err asy_optimizer_parse(const char *name, asy_optimizer *out);

typedef enum asy_schedule_kind {
    ASY_SCHEDULE_CONSTANT,
    ASY_SCHEDULE_STEP,        /* rate * factor^floor(epoch / every) */
    ASY_SCHEDULE_EXPONENTIAL, /* rate * factor^epoch */
    ASY_SCHEDULE_COSINE, /* floor + (rate - floor) (1 + cos(pi t / T)) / 2, by step */
    ASY_SCHEDULE_COUNT
} asy_schedule_kind;

extern const char *const asy_schedule_names[ASY_SCHEDULE_COUNT];

typedef struct asy_schedule {
    asy_schedule_kind kind;
    float factor;    /* step, exponential; default 0.5, 0.95 */
    uint32_t every;  /* step: epochs; default 10 */
    float floor;     /* cosine: last rate; default 0 */
    uint32_t warmup; /* steps of linear warm-up before the schedule; default 0 */
} asy_schedule;

typedef struct asy_optim {
    asy_optimizer kind;
    float rate;         /* defaults: sgd 0.01, adadelta 1, nadam 2e-3, else 1e-3 */
    float momentum;     /* sgd; 0 */
    int nesterov;       /* sgd; 0 */
    float rho;          /* rmsprop 0.99, adadelta 0.9 */
    float beta1, beta2; /* adam family; 0.9, 0.999 */
    float eps;          /* 1e-8 (adagrad 1e-10, adadelta 1e-6) */
    float decay;        /* 0; adamw 0.01 */
    float clip_norm;    /* 0 = off: g *= c / |g| when |g| over all parameters > c */
    float clip_value;   /* 0 = off: each g clipped to [-c, c] */
    asy_schedule schedule;
} asy_optim;

/* All fields at the defaults of `kind`. */
asy_optim asy_optim_default(asy_optimizer kind);

/* Vectors of state a parameter needs beside itself: 0, 1 or 2. */
int asy_optim_slots(const asy_optim *o);

/* The rate for step t (from 0) of `total`, with `per_epoch` steps an epoch. Warm-up
 * ends at the full rate; the schedule's own time starts after it. */
float asy_schedule_rate(const asy_optim *o, uint64_t t, uint64_t per_epoch,
                        uint64_t total);
