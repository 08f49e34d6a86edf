/* public.c - include/assay/assay.h: the engine for other programs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>
#include "assay/assay.h"
#include "base/mem.h"
#include "data/csv.h"
#include "data/prepare.h"
#include "nn/model.h"

/* Data that came from arrays owns them; data that was prepared owns `prepared`. */
struct assay_data {
    asy_tensors own;
    asy_tensors *prepared;
};

struct assay_model {
    asy_model *model;
};

const char *assay_version(void) { return ASY_VERSION; }

const char *assay_error(void) { return asy_errmsg(); }

static const asy_tensors *tensors_of(const assay_data *d)
{
    return d->prepared ? d->prepared : &d->own;
}

/* ---- data ---- */

static assay_data *data_new(uint32_t inputs, uint32_t classes, uint32_t outputs)
{
    assay_data *d = asy_alloc(1, sizeof *d);
    d->own.inputs = inputs;
    d->own.classes = classes;
    d->own.outputs = outputs;
    return d;
}

assay_data *assay_data_classes(uint32_t inputs, uint32_t classes)
{
    if (inputs > 0 && classes >= 2)
        return data_new(inputs, classes, classes);
    asy_fail(ASY_EARG, "data: inputs >= 1 and classes >= 2 expected, got %u and %u",
             inputs, classes);
    return NULL;
}

assay_data *assay_data_numbers(uint32_t inputs, uint32_t outputs)
{
    if (inputs > 0 && outputs > 0)
        return data_new(inputs, 0, outputs);
    asy_fail(ASY_EARG, "data: inputs >= 1 and outputs >= 1 expected, got %u and %u",
             inputs, outputs);
    return NULL;
}

static asy_err check_part(const assay_data *d, assay_part part, uint32_t rows,
                          bool classify)
{
    if ((unsigned)part >= ASY_PARTS)
        return asy_fail(ASY_EARG, "data: part 0 .. 2 expected, got %d", (int)part);
    if (d->prepared || d->own.part[part].rows > 0)
        return asy_fail(ASY_EARG, "data: the %s part has its rows already",
                        asy_part_names[part]);
    if (rows == 0)
        return asy_fail(ASY_EARG, "data: rows expected for the %s part, got none",
                        asy_part_names[part]);
    if (classify != (d->own.classes > 0))
        return asy_fail(ASY_EARG, "data: %s expected, got %s",
                        classify ? "numbers" : "classes",
                        classify ? "classes" : "numbers");
    return ASY_OK;
}

static void *copy_of(const void *x, size_t rows, size_t row_bytes)
{
    void *copy = asy_try_alloc(rows, row_bytes);
    if (copy)
        memcpy(copy, x, rows * row_bytes);
    return copy;
}

/* Keeps the rows of a part, or neither of its copies when one was refused. */
static asy_err keep_part(asy_tensors_part *p, uint32_t rows)
{
    if (p->x && (p->label || p->target)) {
        p->rows = rows;
        return ASY_OK;
    }
    asy_free((void *)p->x);
    asy_free((void *)p->label);
    asy_free((void *)p->target);
    *p = (asy_tensors_part){0};
    return asy_fail(ASY_ENOMEM, "no memory for %u rows", rows);
}

static asy_err check_classes(const assay_data *d, uint32_t rows, const int32_t *label)
{
    for (uint32_t i = 0; i < rows; i++)
        if ((uint32_t)label[i] >= d->own.classes)
            return asy_fail(ASY_EARG, "data: class 0 .. %u expected in row %u, got %d",
                            d->own.classes - 1, i, label[i]);
    return ASY_OK;
}

int assay_data_add_classes(assay_data *d, assay_part part, uint32_t rows,
                           const float *x, const int32_t *label)
{
    asy_err e = check_part(d, part, rows, true);
    if (!e)
        e = check_classes(d, rows, label);
    if (e)
        return e;
    asy_tensors_part *p = &d->own.part[part];
    p->x = copy_of(x, rows, d->own.inputs * sizeof *x);
    p->label = copy_of(label, rows, sizeof *label);
    return keep_part(p, rows);
}

int assay_data_add_numbers(assay_data *d, assay_part part, uint32_t rows,
                           const float *x, const float *target)
{
    asy_err e = check_part(d, part, rows, false);
    if (e)
        return e;
    asy_tensors_part *p = &d->own.part[part];
    p->x = copy_of(x, rows, d->own.inputs * sizeof *x);
    p->target = copy_of(target, rows, d->own.outputs * sizeof *target);
    return keep_part(p, rows);
}

static const char default_steps[] = "[{\"op\": \"fill_missing\", \"with\": 0},"
                                    " {\"op\": \"scale\", \"lo\": 0, \"hi\": 1},"
                                    " {\"op\": \"one_hot\"}]";

static asy_err prepare(const asy_table *table, const char *label, const char *steps,
                       uint64_t seed, asy_tensors **out)
{
    asy_prepare_job job = {.table = table, .seed = seed, .folds = 1};
    json_t *list = NULL;
    const char *text = steps ? steps : default_steps;
    asy_err e = asy_table_find(table, label, &job.label);
    if (!e)
        e = asy_json_parse(text, strlen(text), &list);
    job.steps = list;
    if (!e)
        e = asy_prepare_run(&job, out);
    json_decref(list);
    return e;
}

assay_data *assay_data_csv(const char *path, const char *label, const char *steps,
                           uint64_t seed)
{
    static const asy_csv_options guess = {.header = -1};
    asy_table *table = NULL;
    asy_tensors *prepared = NULL;
    asy_err e = asy_csv_load(path, &guess, &table);
    if (!e)
        e = prepare(table, label, steps, seed, &prepared);
    asy_table_free(table);
    if (e)
        return NULL;
    assay_data *d = asy_alloc(1, sizeof *d);
    d->prepared = prepared;
    return d;
}

uint32_t assay_data_rows(const assay_data *d, assay_part part)
{
    return (unsigned)part < ASY_PARTS ? tensors_of(d)->part[part].rows : 0;
}

uint32_t assay_data_inputs(const assay_data *d) { return tensors_of(d)->inputs; }

uint32_t assay_data_outputs(const assay_data *d)
{
    const asy_tensors *t = tensors_of(d);
    return t->classes > 0 ? t->classes : t->outputs;
}

void assay_data_free(assay_data *d)
{
    if (!d)
        return;
    for (int part = 0; part < ASY_PARTS; part++) {
        asy_free((void *)d->own.part[part].x);
        asy_free((void *)d->own.part[part].label);
        asy_free((void *)d->own.part[part].target);
    }
    asy_tensors_free(d->prepared);
    asy_free(d);
}

/* ---- training ---- */

static asy_verdict tell(void *ctx, const asy_epoch *e)
{
    const assay_options *o = ctx;
    assay_epoch seen = {.epoch = e->epoch,
                        .train_loss = e->train_loss,
                        .train_accuracy = e->train_accuracy,
                        .validate_loss = e->validate_loss,
                        .validate_accuracy = e->validate_accuracy};
    return o->on_epoch && o->on_epoch(o->ctx, &seen) ? ASY_CANCEL : ASY_GO;
}

static assay_model *wrap(asy_model *model_take)
{
    assay_model *m = asy_alloc(1, sizeof *m);
    m->model = model_take;
    return m;
}

static asy_err make_model(const asy_design *d, const json_t *json,
                          const asy_tensors *data, const asy_train_result *r,
                          assay_model **out)
{
    asy_model *model = NULL;
    if (r->stop == ASY_STOP_DIVERGED)
        return asy_fail(ASY_EARG, "training diverged in epoch %u: try a lower rate",
                        r->epochs);
    json_t *about = json_object();
    json_object_set_new(about, "metrics", asy_metrics_json(&r->metrics));
    asy_err e = asy_model_new(d, json, data, r->model, r->model_len, about, &model);
    json_decref(about);
    if (!e)
        *out = wrap(model);
    return e;
}

static asy_err train(const asy_tensors *data, const json_t *json,
                     const assay_options *o, assay_model **out)
{
    asy_design *d = NULL;
    asy_train_result r = {0};
    asy_err e = asy_design_parse(json, &d);
    asy_train_job job = {.design = d,
                         .data = data,
                         .seed = o->seed,
                         .shared_seed = o->seed,
                         .keep_model = true,
                         .on_epoch = tell,
                         .ctx = (void *)o};
    if (!e)
        e = asy_train(&job, &r);
    if (!e)
        e = make_model(d, json, data, &r, out);
    asy_train_result_fini(&r);
    asy_design_free(d);
    return e;
}

assay_model *assay_train(const assay_data *d, const char *design,
                         const assay_options *options)
{
    static const assay_options none = {0};
    json_t *json = NULL;
    assay_model *m = NULL;
    if (asy_json_parse(design, strlen(design), &json)) {
        asy_fail_in(ASY_EARG, "design");
        return NULL;
    }
    train(tensors_of(d), json, options ? options : &none, &m);
    json_decref(json);
    return m;
}

/* ---- models ---- */

double assay_model_metric(const assay_model *m, const char *name)
{
    static const asy_part_name order[] = {ASY_VALIDATE, ASY_TEST, ASY_TRAIN};
    const json_t *all = json_object_get(asy_model_meta(m->model), "metrics");
    const json_t *value = json_object_get(all, name);
    for (int i = 0; i < ASY_PARTS && !value; i++) {
        char full[64];
        snprintf(full, sizeof full, "%s_%.40s", asy_part_names[order[i]], name);
        value = json_object_get(all, full);
    }
    return json_is_number(value) ? json_number_value(value) : NAN;
}

int assay_model_predict(const assay_model *m, const float *x, uint64_t rows, float *y)
{
    return asy_model_predict(m->model, x, rows, y);
}

uint32_t assay_model_inputs(const assay_model *m) { return asy_model_inputs(m->model); }

uint32_t assay_model_outputs(const assay_model *m)
{
    return asy_model_outputs(m->model);
}

int assay_model_save(const assay_model *m, const char *path)
{
    return asy_model_save(m->model, path);
}

assay_model *assay_model_open(const char *path)
{
    asy_model *model = NULL;
    return asy_model_open(path, &model) ? NULL : wrap(model);
}

void assay_model_free(assay_model *m)
{
    if (!m)
        return;
    asy_model_free(m->model);
    asy_free(m);
}
