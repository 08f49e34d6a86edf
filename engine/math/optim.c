/* optim.c - optimizers by name, their defaults, and learning-rate schedules. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "math/optim.h"
#include <math.h>
#include "math/names.h"

const char *const asy_optimizer_names[ASY_OPT_COUNT] = {
    "sgd", "rmsprop", "adagrad", "adadelta", "adam", "adamw", "nadam"};

const char *const asy_schedule_names[ASY_SCHEDULE_COUNT] = {"constant", "step",
                                                            "exponential", "cosine"};

asy_err asy_optimizer_parse(const char *name, asy_optimizer *out)
{
    size_t i;
    asy_err e =
        asy_name_find("optimizer", name, asy_optimizer_names, ASY_OPT_COUNT, &i);
    if (!e)
        *out = (asy_optimizer)i;
    return e;
}

asy_optim asy_optim_default(asy_optimizer kind)
{
    asy_optim o = {.kind = kind,
                   .rate = 1e-3f,
                   .rho = 0.99f,
                   .beta1 = 0.9f,
                   .beta2 = 0.999f,
                   .eps = 1e-8f,
                   .schedule = {.factor = 0.5f, .every = 10}};
    switch (kind) {
    case ASY_OPT_SGD: o.rate = 0.01f; break;
    case ASY_OPT_ADAGRAD:
        o.rate = 0.01f;
        o.eps = 1e-10f;
        break;
    case ASY_OPT_ADADELTA:
        o.rate = 1.0f;
        o.rho = 0.9f;
        o.eps = 1e-6f;
        break;
    case ASY_OPT_ADAMW: o.decay = 0.01f; break;
    case ASY_OPT_NADAM: o.rate = 2e-3f; break;
    default: break;
    }
    return o;
}

int asy_optim_slots(const asy_optim *o)
{
    switch (o->kind) {
    case ASY_OPT_SGD: return o->momentum != 0;
    case ASY_OPT_RMSPROP:
    case ASY_OPT_ADAGRAD: return 1;
    default: return 2;
    }
}

static double scheduled(const asy_optim *o, uint64_t t, uint64_t per_epoch,
                        uint64_t total)
{
    const asy_schedule *s = &o->schedule;
    double epoch = (double)(t / (per_epoch ? per_epoch : 1)), every = s->every;
    switch (s->kind) {
    case ASY_SCHEDULE_STEP:
        return o->rate * pow(s->factor, floor(epoch / (every > 0 ? every : 1)));
    case ASY_SCHEDULE_EXPONENTIAL: return o->rate * pow(s->factor, epoch);
    case ASY_SCHEDULE_COSINE: {
        double part = t < total ? (double)t / (double)total : 1;
        double wave = (1 + cos(3.14159265358979323846 * part)) / 2;
        return s->floor + ((double)o->rate - s->floor) * wave;
    }
    default: return o->rate;
    }
}

float asy_schedule_rate(const asy_optim *o, uint64_t t, uint64_t per_epoch,
                        uint64_t total)
{
    const uint64_t warmup = o->schedule.warmup;
    if (t < warmup)
        return (float)(o->rate * ((double)(t + 1) / (double)warmup));
    return (float)scheduled(o, t - warmup, per_epoch,
                            total > warmup ? total - warmup : 0);
}
