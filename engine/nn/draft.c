/* draft.c - reads the JSON of a design; every table of keys and ranges stands here. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stddef.h>
#include <string.h>
#include "base/mem.h"
#include "nn/draft.h"
#include "nn/field.h"
#include "nn/metrics.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* Ends of ranges where nature gives none. */
#define MOST_EPOCHS 1e6
#define MOST_ROWS 2147483647.0

_Static_assert(sizeof(asy_act) == sizeof(unsigned), "names are read into enums");

const char *const asy_init_names[ASY_INIT_COUNT] = {
    "glorot_uniform", "glorot_normal", "he_uniform", "he_normal",
    "lecun_uniform",  "lecun_normal",  "orthogonal", "zeros"};

/* ---- hidden layers ---- */

static const asy_field run_fields[] = {
    {"units", ASY_FIELD_WHOLE, offsetof(asy_run, layer.units), .min = 1,
     .max = ASY_MAX_UNITS},
    {"activation", ASY_FIELD_NAME, offsetof(asy_run, layer.setting.act),
     .names = asy_act_names, .count = ASY_ACT_COUNT},
    {"dropout", ASY_FIELD_FLOAT, offsetof(asy_run, layer.setting.dropout), .max = 1,
     .open_max = true},
    {"l2", ASY_FIELD_FLOAT, offsetof(asy_run, layer.setting.l2), .max = ASY_FIELD_MOST},
    {"batch_norm", ASY_FIELD_FLAG, .offset = offsetof(asy_run, layer.batch_norm)},
    {"init", ASY_FIELD_NAME, offsetof(asy_run, layer.init), .names = asy_init_names,
     .count = ASY_INIT_COUNT},
    {"repeat", ASY_FIELD_WHOLE, offsetof(asy_run, count), .min = 1,
     .max = ASY_MAX_HIDDEN},
};

/* Field by field, since padding does not count. */
static bool same_layer(const asy_dense *a, const asy_dense *b)
{
    return a->units == b->units && a->setting.act == b->setting.act &&
           a->setting.dropout == b->setting.dropout && a->setting.l2 == b->setting.l2 &&
           a->batch_norm == b->batch_norm && a->init == b->init;
}

static void append(asy_draft *d, const asy_run *run)
{
    if (d->runs > 0 && same_layer(&d->run[d->runs - 1].layer, &run->layer))
        d->run[d->runs - 1].count += run->count;
    else
        d->run[d->runs++] = *run;
    d->design.depth += run->count;
}

static asy_err read_run(asy_draft *d, const json_t *v, const asy_place *at)
{
    asy_run run = {.layer = {.setting.act = ASY_ACT_RELU, .init = d->init}, .count = 1};
    asy_err e = asy_field_read(v, at, run_fields, COUNT(run_fields), &run);
    if (e)
        return e;
    if (run.layer.units == 0) {
        asy_place units = {at, "units", 0};
        return asy_field_expected(&units, "whole number 1 .. 65536", NULL);
    }
    if (d->design.depth + run.count > ASY_MAX_HIDDEN)
        return asy_fail(ASY_EARG,
                        "design.hidden: at most %d layers expected, got %u or more",
                        ASY_MAX_HIDDEN, d->design.depth + run.count);
    append(d, &run);
    return ASY_OK;
}

/* An empty Lua table may arrive as an object; it is no layer either way. */
static asy_err read_hidden(void *into, const json_t *v, const asy_place *at)
{
    asy_draft *d = into;
    size_t n = json_array_size(v);
    if (!json_is_array(v) && !(json_is_object(v) && json_object_size(v) == 0))
        return asy_field_expected(at, "list of layers", v);
    if (n > ASY_MAX_HIDDEN)
        return asy_fail(ASY_EARG, "design.hidden: at most %d layers expected, got %zu",
                        ASY_MAX_HIDDEN, n);
    d->run = asy_alloc(n + 1, sizeof *d->run);
    asy_err e = ASY_OK;
    for (size_t i = 0; i < n && !e; i++) {
        asy_place here = {at, NULL, i + 1};
        e = read_run(d, json_array_get(v, i), &here);
    }
    return e;
}

/* ---- output layer ---- */

/* The softmax of cross_entropy and the sigmoid of binary_cross_entropy belong to the
 * loss; naming them is allowed and changes nothing. "softmax" alone asks for
 * cross_entropy. */
static asy_err read_output_activation(void *into, const json_t *v, const asy_place *at)
{
    asy_draft *d = into;
    const char *text = json_string_value(v);
    if (!text || strcmp(text, "softmax") != 0)
        return asy_field_name(v, at, asy_act_names, ASY_ACT_COUNT,
                              &d->design.output.setting.act);
    d->softmax = true;
    return ASY_OK;
}

static const asy_field output_fields[] = {
    {"activation", ASY_FIELD_CALL, .call = read_output_activation},
    {"init", ASY_FIELD_NAME, offsetof(asy_draft, design.output.init),
     .names = asy_init_names, .count = ASY_INIT_COUNT},
    {"l2", ASY_FIELD_FLOAT, offsetof(asy_draft, design.output.setting.l2),
     .max = ASY_FIELD_MOST},
};

static asy_err read_output(void *into, const json_t *v, const asy_place *at)
{
    return asy_field_read(v, at, output_fields, COUNT(output_fields), into);
}

/* ---- optimizer, schedule, clipping ---- */

static asy_err read_kind(void *into, const json_t *v, const asy_place *at)
{
    (void)into, (void)v, (void)at; /* read before the others: it sets their defaults */
    return ASY_OK;
}

/* The name of {"name": ...} or of a plain text. */
static const json_t *name_of(const json_t *v)
{
    return json_is_object(v) ? json_object_get(v, "name") : v;
}

static asy_err read_nesterov(void *into, const json_t *v, const asy_place *at)
{
    asy_optim *o = into;
    if (!json_is_boolean(v))
        return asy_field_expected(at, "true or false", v);
    o->nesterov = json_is_true(v);
    return ASY_OK;
}

static const asy_field optim_fields[] = {
    {"name", ASY_FIELD_CALL, .call = read_kind},
    {"rate", ASY_FIELD_FLOAT, offsetof(asy_optim, rate), .max = 1e6, .open_min = true},
    {"momentum", ASY_FIELD_FLOAT, offsetof(asy_optim, momentum), .max = 1,
     .open_max = true},
    {"nesterov", ASY_FIELD_CALL, .call = read_nesterov},
    {"rho", ASY_FIELD_FLOAT, offsetof(asy_optim, rho), .max = 1, .open_max = true},
    {"beta1", ASY_FIELD_FLOAT, offsetof(asy_optim, beta1), .max = 1, .open_max = true},
    {"beta2", ASY_FIELD_FLOAT, offsetof(asy_optim, beta2), .max = 1, .open_max = true},
    {"eps", ASY_FIELD_FLOAT, offsetof(asy_optim, eps), .max = 1, .open_min = true},
    {"decay", ASY_FIELD_FLOAT, offsetof(asy_optim, decay), .max = 1e6},
};

/* Defaults of the kind, but the schedule and clipping that other keys have set. */
static void start_optim(asy_optim *o, asy_optimizer kind)
{
    asy_optim fresh = asy_optim_default(kind);
    fresh.schedule = o->schedule;
    fresh.clip_norm = o->clip_norm;
    fresh.clip_value = o->clip_value;
    *o = fresh;
}

static asy_err read_optimizer(void *into, const json_t *v, const asy_place *at)
{
    asy_draft *d = into;
    const json_t *name = name_of(v);
    unsigned kind = ASY_OPT_ADAM;
    asy_place here = {at, "name", 0};
    asy_err e = ASY_OK;
    if (name && !json_is_null(name))
        e = asy_field_name(name, name == v ? at : &here, asy_optimizer_names,
                           ASY_OPT_COUNT, &kind);
    if (e)
        return e;
    start_optim(&d->design.optim, kind);
    if (json_is_string(v))
        return ASY_OK;
    return asy_field_read(v, at, optim_fields, COUNT(optim_fields), &d->design.optim);
}

static const asy_field schedule_fields[] = {
    {"name", ASY_FIELD_CALL, .call = read_kind},
    {"factor", ASY_FIELD_FLOAT, offsetof(asy_schedule, factor), .max = 1,
     .open_min = true},
    {"every", ASY_FIELD_WHOLE, offsetof(asy_schedule, every), .min = 1,
     .max = MOST_EPOCHS},
    {"floor", ASY_FIELD_FLOAT, offsetof(asy_schedule, floor), .max = 1e6},
    {"warmup", ASY_FIELD_WHOLE, offsetof(asy_schedule, warmup), .max = 1e9},
};

static asy_err read_schedule(void *into, const json_t *v, const asy_place *at)
{
    asy_draft *d = into;
    const json_t *name = name_of(v);
    unsigned kind = ASY_SCHEDULE_CONSTANT;
    asy_place here = {at, "name", 0};
    asy_err e = ASY_OK;
    if (name && !json_is_null(name))
        e = asy_field_name(name, name == v ? at : &here, asy_schedule_names,
                           ASY_SCHEDULE_COUNT, &kind);
    if (e)
        return e;
    d->design.optim.schedule = asy_draft_schedule(kind);
    if (json_is_string(v))
        return ASY_OK;
    return asy_field_read(v, at, schedule_fields, COUNT(schedule_fields),
                          &d->design.optim.schedule);
}

asy_schedule asy_draft_schedule(asy_schedule_kind kind)
{
    return (asy_schedule){.kind = kind,
                          .factor = kind == ASY_SCHEDULE_EXPONENTIAL ? 0.95f : 0.5f,
                          .every = 10};
}

static const asy_field clip_fields[] = {
    {"norm", ASY_FIELD_FLOAT, offsetof(asy_optim, clip_norm), .max = ASY_FIELD_MOST},
    {"value", ASY_FIELD_FLOAT, offsetof(asy_optim, clip_value), .max = ASY_FIELD_MOST},
};

static asy_err read_clip(void *into, const json_t *v, const asy_place *at)
{
    asy_draft *d = into;
    return asy_field_read(v, at, clip_fields, COUNT(clip_fields), &d->design.optim);
}

/* ---- the rest ---- */

static asy_err read_loss(void *into, const json_t *v, const asy_place *at)
{
    asy_design *d = &((asy_draft *)into)->design;
    unsigned loss = 0;
    asy_err e = asy_field_name(v, at, asy_loss_names, ASY_LOSS_COUNT, &loss);
    d->loss = loss;
    d->loss_given = !e;
    return e;
}

static asy_err read_class_weight(void *into, const json_t *v, const asy_place *at)
{
    asy_design *d = &((asy_draft *)into)->design;
    const char *text = json_string_value(v);
    size_t n = json_array_size(v);
    d->balanced = text && strcmp(text, "balanced") == 0;
    if (d->balanced)
        return ASY_OK;
    if (n == 0 || n > ASY_MAX_UNITS)
        return asy_field_expected(at, "\"balanced\" or a list of a number each class",
                                  v);
    d->class_weight = asy_alloc(n, sizeof *d->class_weight);
    d->class_weights = (uint32_t)n;
    static const asy_field element = {NULL, ASY_FIELD_FLOAT, .max = 1e6};
    asy_err e = ASY_OK;
    for (size_t i = 0; i < n && !e; i++) {
        asy_place here = {at, NULL, i + 1};
        e = asy_field_value(&element, json_array_get(v, i), &here, &d->class_weight[i]);
    }
    return e;
}

static asy_err read_restore(void *into, const json_t *v, const asy_place *at)
{
    asy_draft *d = into;
    if (!json_is_boolean(v))
        return asy_field_expected(at, "true or false", v);
    d->design.restore_best = json_is_true(v);
    d->restore_given = true;
    return ASY_OK;
}

static asy_err read_target(void *into, const json_t *v, const asy_place *at)
{
    asy_design *d = &((asy_draft *)into)->design;
    static const asy_field value = {NULL, ASY_FIELD_NUMBER, .min = -ASY_FIELD_MOST,
                                    .max = ASY_FIELD_MOST};
    if (!json_is_object(v) || json_object_size(v) != 1)
        return asy_field_expected(at, "table with one metric, {accuracy = 0.95},", v);
    void *i = json_object_iter((json_t *)v);
    json_t *name = json_string(json_object_iter_key(i));
    asy_place here = {at, json_object_iter_key(i), 0};
    unsigned metric = 0;
    asy_err e = asy_field_name(name, at, asy_metric_names, ASY_METRIC_COUNT, &metric);
    json_decref(name);
    if (!e)
        e = asy_field_value(&value, json_object_iter_value(i), &here, &d->target_value);
    if (!e)
        d->target_metric = asy_metric_names[metric];
    return e;
}

static asy_err read_shuffle(void *into, const json_t *v, const asy_place *at)
{
    static const char *const names[] = {"shared", "own"};
    unsigned own = 0;
    asy_err e = asy_field_name(v, at, names, COUNT(names), &own);
    ((asy_draft *)into)->design.own_shuffle = own;
    return e;
}

static const asy_field draft_fields[] = {
    {"hidden", ASY_FIELD_CALL, .call = read_hidden},
    {"optimizer", ASY_FIELD_CALL, .call = read_optimizer},
    {"schedule", ASY_FIELD_CALL, .call = read_schedule},
    {"clip", ASY_FIELD_CALL, .call = read_clip},
    {"epochs", ASY_FIELD_WHOLE, offsetof(asy_draft, design.epochs), .min = 1,
     .max = MOST_EPOCHS},
    {"batch", ASY_FIELD_WHOLE, offsetof(asy_draft, design.batch), .max = MOST_ROWS},
    {"loss", ASY_FIELD_CALL, .call = read_loss},
    {"output", ASY_FIELD_CALL, .call = read_output},
    {"class_weight", ASY_FIELD_CALL, .call = read_class_weight},
    {"init", ASY_FIELD_NAME, offsetof(asy_draft, init), .names = asy_init_names,
     .count = ASY_INIT_COUNT},
    {"residual", ASY_FIELD_WHOLE, offsetof(asy_draft, design.residual),
     .max = ASY_MAX_HIDDEN},
    {"patience", ASY_FIELD_WHOLE, offsetof(asy_draft, design.patience),
     .max = MOST_EPOCHS},
    {"min_delta", ASY_FIELD_NUMBER, offsetof(asy_draft, design.min_delta),
     .max = ASY_FIELD_MOST},
    {"restore_best", ASY_FIELD_CALL, .call = read_restore},
    {"target", ASY_FIELD_CALL, .call = read_target},
    {"max_seconds", ASY_FIELD_NUMBER, offsetof(asy_draft, design.max_seconds),
     .max = 1e9},
    {"shuffle", ASY_FIELD_CALL, .call = read_shuffle},
};

/* Layers take their default from `init`, so it is read before them. */
static void start(asy_draft *d, const json_t *v)
{
    unsigned init = ASY_INIT_GLOROT_UNIFORM;
    const char *text = json_string_value(json_object_get(v, "init"));
    for (unsigned i = 0; text && i < ASY_INIT_COUNT; i++)
        if (strcmp(text, asy_init_names[i]) == 0)
            init = i;
    d->init = init;
    d->design = (asy_design){.epochs = 30, .batch = 32, .output.init = init};
    d->design.optim = asy_optim_default(ASY_OPT_ADAM);
    d->design.optim.schedule = asy_draft_schedule(ASY_SCHEDULE_CONSTANT);
}

/* ---- what several keys say together ---- */

static asy_err check_output(asy_draft *draft)
{
    asy_design *d = &draft->design;
    asy_act act = d->output.setting.act;
    if (draft->softmax && !d->loss_given) {
        d->loss = ASY_LOSS_CROSS_ENTROPY;
        d->loss_given = true;
    }
    if (draft->softmax && d->loss != ASY_LOSS_CROSS_ENTROPY)
        return asy_fail(ASY_EARG,
                        "design.output.activation: \"softmax\" needs loss "
                        "\"cross_entropy\", got loss \"%s\"",
                        asy_loss_names[d->loss]);
    if (!d->loss_given)
        return ASY_OK;
    if (d->loss == ASY_LOSS_BINARY_CROSS_ENTROPY && act == ASY_ACT_SIGMOID)
        d->output.setting.act = act = ASY_ACT_LINEAR;
    return asy_draft_check_loss(d->loss, act);
}

asy_err asy_draft_check_loss(asy_loss loss, asy_act act)
{
    bool squashes =
        loss == ASY_LOSS_CROSS_ENTROPY || loss == ASY_LOSS_BINARY_CROSS_ENTROPY;
    if (!squashes || act == ASY_ACT_LINEAR)
        return ASY_OK;
    return asy_fail(
        ASY_EARG,
        "design.output.activation: \"%s\" expected with loss \"%s\", got "
        "\"%s\"; leave it out, or choose loss \"mse\", \"mae\" or \"huber\"",
        loss == ASY_LOSS_CROSS_ENTROPY ? "softmax" : "sigmoid", asy_loss_names[loss],
        asy_act_names[act]);
}

/* Refuses what no machine trains before anybody adds it up in 32 bits. */
static asy_err check_weights(const asy_draft *d)
{
    double weights = 0, in = 0;
    for (uint32_t i = 0; i < d->runs; i++) {
        double out = d->run[i].layer.units;
        weights += in * out + out * out * (d->run[i].count - 1);
        in = out;
    }
    if (weights <= (double)ASY_MAX_PARAMS)
        return ASY_OK;
    return asy_fail(ASY_EARG, "design.hidden: at most %.0f weights expected, got %.0f",
                    (double)ASY_MAX_PARAMS, weights);
}

static asy_err finish(asy_draft *d, const json_t *v)
{
    asy_place root = {NULL, "design", 0}, hidden = {&root, "hidden", 0};
    if (!d->run)
        return asy_field_expected(&hidden, "list of layers",
                                  json_object_get(v, "hidden"));
    if (!d->restore_given)
        d->design.restore_best = d->design.patience > 0;
    asy_err e = check_output(d);
    return e ? e : check_weights(d);
}

asy_err asy_draft_read(const json_t *v, asy_draft *out)
{
    asy_place root = {NULL, "design", 0};
    *out = (asy_draft){0};
    start(out, v);
    asy_err e = asy_field_read(v, &root, draft_fields, COUNT(draft_fields), out);
    if (!e)
        e = finish(out, v);
    if (e)
        asy_draft_fini(out);
    return e;
}

void asy_draft_fini(asy_draft *d)
{
    asy_free(d->run);
    asy_free(d->design.class_weight);
    *d = (asy_draft){0};
}
