/* plan.c - a design on data of a given shape: the network it makes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "base/mem.h"
#include "nn/draft.h"
#include "nn/plan.h"

/* Rows of an EVAL pass: enough to be worth the call, few enough for a layer's outputs
 * to stay in the cache, and for all outputs that wait for a skip to stay small. */
enum {
    EVAL_MOST = 1024,
    EVAL_LEAST = 32,
    LAYER_FLOATS = 1 << 18,
    WAIT_FLOATS = 1 << 22
};

asy_loss asy_plan_loss(const asy_design *d, uint32_t classes)
{
    if (d->loss_given)
        return d->loss;
    return classes > 0 ? ASY_LOSS_CROSS_ENTROPY : ASY_LOSS_MSE;
}

static asy_err check_loss(const asy_design *d, const asy_plan_data *data)
{
    asy_loss loss = asy_plan_loss(d, data->classes);
    bool entropy =
        loss == ASY_LOSS_CROSS_ENTROPY || loss == ASY_LOSS_BINARY_CROSS_ENTROPY;
    if (data->classes == 0 && entropy)
        return asy_fail(ASY_EARG,
                        "design.loss: \"mse\", \"mae\" or \"huber\" expected for a "
                        "numeric label, got \"%s\"",
                        asy_loss_names[loss]);
    if (loss == ASY_LOSS_BINARY_CROSS_ENTROPY && data->classes != 2)
        return asy_fail(
            ASY_EARG,
            "design.loss: binary_cross_entropy needs a label of two classes, "
            "got %u; use \"cross_entropy\"",
            data->classes);
    if (d->class_weights > 0 && d->class_weights != data->classes)
        return asy_fail(
            ASY_EARG,
            "design.class_weight: a number for each of %u classes expected, "
            "got %u",
            data->classes, d->class_weights);
    if (d->balanced && data->classes == 0)
        return asy_fail(
            ASY_EARG, "design.class_weight: \"balanced\" needs a label of classes, got "
                      "a numeric one");
    return asy_draft_check_loss(loss, d->output.setting.act);
}

static asy_err check_data(const asy_design *d, const asy_plan_data *data)
{
    if (data->train_rows == 0)
        return asy_fail(ASY_EARG, "data: rows to train on expected, got none");
    if (data->inputs == 0)
        return asy_fail(ASY_EARG, "data: one input column or more expected, got none");
    if (data->classes == 1)
        return asy_fail(ASY_EARG, "data: two classes or more expected, got one");
    if (data->classes == 0 && data->outputs == 0)
        return asy_fail(ASY_EARG, "data: a label expected, got none");
    return check_loss(d, data);
}

static uint32_t width_of_output(const asy_design *d, const asy_plan_data *data)
{
    if (asy_plan_loss(d, data->classes) == ASY_LOSS_BINARY_CROSS_ENTROPY)
        return 1;
    return data->classes > 0 ? data->classes : data->outputs;
}

static uint32_t skip_of(const asy_design *d, uint32_t i)
{
    uint32_t k = d->residual;
    bool here = k > 0 && i < d->depth && i >= k && i % k == 0;
    return here && d->hidden[i].units == d->hidden[i - k].units ? k : 0;
}

static void lay_out(asy_net_shape *s, asy_layer_shape *l)
{
    l->w = s->params;
    l->b = l->w + (size_t)l->in * l->out;
    s->params = l->b + l->out;
    if (!l->batch_norm)
        return;
    l->gamma = s->params;
    l->beta = l->gamma + l->out;
    s->params = l->beta + l->out;
    l->mean = s->statistics;
    l->var = l->mean + l->out;
    s->statistics = l->var + l->out;
}

/* Fails before the sum can leave 64 bits: 20,001 layers of 2^32 weights stay below. */
static asy_err add_layers(asy_plan *p, const asy_design *d)
{
    asy_net_shape *s = &p->shape;
    uint32_t in = s->inputs;
    for (uint32_t i = 0; i < s->layers; i++) {
        const asy_dense *dense = i < d->depth ? &d->hidden[i] : &d->output;
        uint32_t out = i < d->depth ? dense->units : s->outputs;
        p->layer[i] = (asy_layer_shape){.in = in,
                                        .out = out,
                                        .batch_norm = dense->batch_norm,
                                        .skip = skip_of(d, i)};
        p->setting[i] = dense->setting;
        lay_out(s, &p->layer[i]);
        in = out;
    }
    if (s->params > ASY_MAX_PARAMS)
        return asy_fail(ASY_EARG, "design: at most %llu parameters expected, got %llu",
                        (unsigned long long)ASY_MAX_PARAMS,
                        (unsigned long long)s->params);
    return ASY_OK;
}

static uint32_t rows_to_judge(const asy_net_shape *s, uint32_t most_rows)
{
    uint64_t widest = s->inputs, waiting = 2;
    for (uint32_t i = 0; i < s->layers; i++) {
        const asy_layer_shape *l = &s->layer[i];
        widest = l->out > widest ? l->out : widest;
        waiting = l->skip >= waiting ? l->skip + 1 : waiting;
    }
    uint64_t rows = LAYER_FLOATS / widest, room = WAIT_FLOATS / (waiting * widest);
    rows = room < rows ? room : rows;
    if (rows > EVAL_MOST)
        rows = EVAL_MOST;
    if (rows < EVAL_LEAST)
        rows = EVAL_LEAST;
    return most_rows > 0 && most_rows < rows ? most_rows : (uint32_t)rows;
}

asy_err asy_plan_make(const asy_design *d, const asy_plan_data *data, asy_plan *out)
{
    *out = (asy_plan){0};
    asy_err e = check_data(d, data);
    if (e)
        return e;
    uint32_t rows = data->train_rows, layers = d->depth + 1;
    uint32_t batch = d->batch == 0 || d->batch > rows ? rows : d->batch;
    asy_plan p = {.layer = asy_try_alloc(layers, sizeof *p.layer),
                  .setting = asy_try_alloc(layers, sizeof *p.setting),
                  .train_rows = rows,
                  .steps = (uint32_t)(((uint64_t)rows + batch - 1) / batch)};
    p.shape = (asy_net_shape){.inputs = data->inputs,
                              .outputs = width_of_output(d, data),
                              .layers = layers,
                              .layer = p.layer,
                              .batch = batch,
                              .loss = asy_plan_loss(d, data->classes)};
    if (!p.layer || !p.setting)
        e = asy_fail(ASY_ENOMEM, "no memory for a network of %u layers", layers);
    else
        e = add_layers(&p, d);
    if (e) {
        asy_plan_fini(&p);
        return e;
    }
    p.eval_rows = rows_to_judge(&p.shape, data->most_rows);
    *out = p;
    return ASY_OK;
}

void asy_plan_fini(asy_plan *p)
{
    asy_free(p->layer);
    asy_free(p->setting);
    *p = (asy_plan){0};
}

static bool same_layer(const asy_layer_shape *a, const asy_layer_shape *b)
{
    return a->in == b->in && a->out == b->out && a->batch_norm == b->batch_norm &&
           a->skip == b->skip;
}

bool asy_plan_same_shape(const asy_plan *a, const asy_plan *b)
{
    const asy_net_shape *x = &a->shape, *y = &b->shape;
    bool same = x->inputs == y->inputs && x->layers == y->layers &&
                x->batch == y->batch && x->loss == y->loss &&
                a->eval_rows == b->eval_rows;
    for (uint32_t i = 0; same && i < x->layers; i++)
        same = same_layer(&a->layer[i], &b->layer[i]);
    return same;
}
