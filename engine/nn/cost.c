/* cost.c - what a design costs: parameters, operations, memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/plan.h"

/* Operations of an update, a parameter and step; square roots and divisions count one.
 */
static uint64_t update_flops(const asy_optim *o)
{
    switch (o->kind) {
    case ASY_OPT_SGD: return o->momentum > 0 ? 4 : 2;
    case ASY_OPT_RMSPROP: return 8;
    case ASY_OPT_ADAGRAD: return 6;
    case ASY_OPT_ADADELTA: return 13;
    case ASY_OPT_ADAM: return 12;
    case ASY_OPT_ADAMW: return 14;
    default: return 15;
    }
}

static void count_flops(const asy_plan *p, const asy_design *d, asy_design_cost *cost)
{
    for (uint32_t i = 0; i < p->shape.layers; i++) {
        const asy_layer_shape *l = &p->layer[i];
        uint64_t products = 2 * (uint64_t)l->in * l->out;
        cost->flops_forward += products + l->out;
        cost->flops_train += 2 * products + 2 * (uint64_t)l->out; /* forward, W and b */
        cost->flops_train += i > 0 ? products : 0;                /* input */
    }
    uint64_t updates = p->shape.params * update_flops(&d->optim) * p->steps;
    cost->flops_train += (updates + p->train_rows - 1) / p->train_rows;
}

/* `blas` works on blocks of 16. */
static uint64_t blocks(uint64_t n) { return (n + 15) / 16 * 16; }

/* Outputs of a layer that training keeps for each row: those of the activation, and of
 * what stands before and behind it. */
static uint64_t kept_outputs(const asy_layer_shape *l, const asy_layer_setting *s)
{
    uint64_t after = s->dropout > 0 ? 2 : l->skip > 0;
    uint64_t before = l->batch_norm + (uint64_t)asy_act_needs_input(s->act);
    return 1 + before + after;
}

static uint64_t count_bytes(const asy_plan *p, const asy_design *d)
{
    uint64_t params = 0, kept = blocks(p->shape.inputs), widest = 0, ring = 2,
             turned = 0;
    bool skips = false;
    for (uint32_t i = 0; i < p->shape.layers; i++) {
        const asy_layer_shape *l = &p->layer[i];
        uint64_t out = blocks(l->out), transposed = blocks(l->in) * l->out;
        params += (l->in + 1 + 2 * (uint64_t)l->batch_norm) * out;
        kept += kept_outputs(l, &p->setting[i]) * out;
        widest = out > widest ? out : widest;
        ring = l->skip >= ring ? l->skip + 1 : ring;
        skips |= l->skip > 0;
        turned = i > 0 && transposed > turned ? transposed : turned;
    }
    uint64_t train = blocks(p->shape.batch), eval = blocks(p->eval_rows);
    uint64_t vectors = 2 + (uint64_t)asy_optim_slots(&d->optim);
    uint64_t floats = vectors * params + turned + p->shape.params /* what is kept */;
    floats += train * (kept + 2 * widest + (skips ? ring * widest : 0));
    floats += eval * (ring * widest + 2 * (uint64_t)p->shape.outputs);
    return sizeof(float) * (floats + 2 * p->shape.statistics);
}

asy_design_cost asy_plan_count(const asy_plan *p, const asy_design *d)
{
    asy_design_cost c = {.params = p->shape.params, .bytes = count_bytes(p, d)};
    count_flops(p, d, &c);
    return c;
}

asy_err asy_design_count(const asy_design *d, uint32_t inputs, uint32_t classes,
                         uint32_t outputs, uint32_t train_rows, asy_design_cost *out)
{
    asy_plan p;
    *out = (asy_design_cost){0};
    asy_plan_data data = {inputs, classes, outputs, train_rows, train_rows};
    asy_err e = asy_plan_make(d, &data, &p);
    if (!e)
        *out = asy_plan_count(&p, d);
    asy_plan_fini(&p);
    return e;
}
