/* train.c - from jobs to results: makes the plan, the population, the first parameters.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "nn/init.h"
#include "nn/loop.h"
#include "nn/train.h"

const char *const asy_stop_names[ASY_STOP_COUNT] = {
    "epochs", "patience", "target", "time", "pruned", "cancelled", "diverged"};

struct asy_trainer {
    const asy_backend *forced; /* NULL: by design */

    /* The population of the last run, used again when the next has its shape. */
    const asy_backend *backend;
    asy_pop *pop;
    uint32_t members;
    asy_plan plan; /* the pop borrows its shape */

    /* Of the run under way. */
    asy_loop_member *member; /* [members] */
    asy_plan *own;           /* [members]: each member's settings */
    float **class_weight;    /* [members]: balanced weights, or NULL */
    float *kept;             /* [members][params + statistics] */
    float *outputs;          /* [eval_rows * outputs] */
};

const asy_backend *asy_train_backend(const asy_design *d, const asy_tensors *data)
{
    (void)d, (void)data;
    return &asy_backend_blas;
}

asy_trainer *asy_trainer_new(const asy_backend *backend)
{
    asy_trainer *t = asy_alloc(1, sizeof *t);
    t->forced = backend;
    return t;
}

/* ---- the population ---- */

static void drop_population(asy_trainer *t)
{
    if (t->pop)
        t->backend->pop_free(t->pop);
    t->pop = NULL;
    asy_plan_fini(&t->plan);
    asy_free(t->member);
    asy_free(t->own);
    asy_free(t->class_weight);
    asy_free(t->kept);
    asy_free(t->outputs);
    t->member = NULL;
    t->own = NULL;
    t->class_weight = NULL;
    t->kept = t->outputs = NULL;
    t->members = 0;
}

void asy_trainer_free(asy_trainer *t)
{
    if (!t)
        return;
    drop_population(t);
    asy_free(t);
}

static size_t floats_a_member(const asy_plan *p)
{
    return p->shape.params + p->shape.statistics;
}

/* Takes the plan, whatever happens. */
static asy_err new_population(asy_trainer *t, const asy_backend *backend, uint32_t n,
                              asy_plan *plan_take)
{
    drop_population(t);
    asy_plan *p = &t->plan;
    *p = *plan_take;
    *plan_take = (asy_plan){0};
    t->backend = backend;
    asy_err e = backend->pop_new(&p->shape, n, p->eval_rows, &t->pop);
    if (e) {
        t->pop = NULL;
        drop_population(t);
        return e;
    }
    t->member = asy_try_alloc(n, sizeof *t->member);
    t->own = asy_try_alloc(n, sizeof *t->own);
    t->class_weight = asy_try_alloc(n, sizeof *t->class_weight);
    t->kept = asy_try_alloc(n, floats_a_member(p) * sizeof *t->kept);
    t->outputs = asy_try_alloc(p->eval_rows, p->shape.outputs * sizeof *t->outputs);
    if (t->member && t->own && t->class_weight && t->kept && t->outputs) {
        t->members = n;
        return ASY_OK;
    }
    drop_population(t);
    return asy_fail(ASY_ENOMEM, "no memory to train %u networks", n);
}

/* ---- checks ---- */

static asy_err check_labels(const asy_tensors *data)
{
    for (int part = 0; part < ASY_PARTS; part++) {
        const asy_tensors_part *p = &data->part[part];
        bool classify = data->classes > 0;
        if (p->rows > 0 && (!p->x || (classify ? !p->label : !p->target)))
            return asy_fail(ASY_EARG, "data: the %s part has rows but no labels",
                            asy_part_names[part]);
        for (uint32_t i = 0; classify && i < p->rows; i++)
            if ((uint32_t)p->label[i] >= data->classes)
                return asy_fail(ASY_EARG,
                                "data: class 0 .. %u expected in the %s part, got %d",
                                data->classes - 1, asy_part_names[part], p->label[i]);
    }
    return ASY_OK;
}

static asy_err plan_of(const asy_train_job *job, asy_plan *out)
{
    const asy_tensors *t = job->data;
    asy_plan_data data = {.inputs = t->inputs,
                          .classes = t->classes,
                          .outputs = t->outputs,
                          .train_rows = t->part[ASY_TRAIN].rows};
    for (int part = 0; part < ASY_PARTS; part++)
        if (t->part[part].rows > data.most_rows)
            data.most_rows = t->part[part].rows;
    return asy_plan_make(job->design, &data, out);
}

/* ---- members ---- */

/* n / (k n_c): classes weigh the same, rows 1 on average. Absent classes weigh nothing.
 */
static float *balanced_weights(const asy_tensors *data)
{
    const asy_tensors_part *p = &data->part[ASY_TRAIN];
    float *w = asy_try_alloc(data->classes, sizeof *w);
    uint32_t *rows = asy_try_alloc(data->classes, sizeof *rows);
    for (uint32_t i = 0; w && rows && i < p->rows; i++)
        rows[p->label[i]]++;
    for (uint32_t c = 0; w && rows && c < data->classes; c++)
        w[c] = rows[c] ? (float)(p->rows / ((double)data->classes * rows[c])) : 0;
    if (!rows) {
        asy_free(w);
        w = NULL;
    }
    asy_free(rows);
    return w;
}

static asy_member setting_of(const asy_train_job *job, const asy_plan *p,
                             const float *class_weight)
{
    uint64_t order = job->design->own_shuffle ? job->seed : job->shared_seed;
    return (asy_member){.key = asy_rng_key(job->seed, 0),
                        .shuffle = asy_rng_key(order, 1),
                        .optim = job->design->optim,
                        .steps_per_epoch = p->steps,
                        .steps_total = (uint64_t)p->steps * job->design->epochs,
                        .layer = p->setting,
                        .class_weight = class_weight};
}

static asy_err start_member(asy_trainer *t, uint32_t i, const asy_train_job *job,
                            asy_train_result *result)
{
    const asy_plan *p = &t->own[i];
    const asy_design *d = job->design;
    asy_loop_member *m = &t->member[i];
    if (d->balanced && !(t->class_weight[i] = balanced_weights(job->data)))
        return asy_fail(ASY_ENOMEM, "no memory for class weights");
    const float *weight = d->balanced ? t->class_weight[i] : d->class_weight;
    asy_design_cost cost = asy_plan_count(p, d);
    *m = (asy_loop_member){.job = job,
                           .result = result,
                           .setting = setting_of(job, p, weight),
                           .kept = t->kept + i * floats_a_member(p),
                           .params = p->shape.params};
    m->flops_an_epoch = (double)cost.flops_train * p->train_rows;
    return asy_init_fill(d, p, m->setting.key, m->kept, m->kept + m->params);
}

static void end_members(asy_trainer *t)
{
    for (uint32_t i = 0; i < t->members; i++) {
        asy_plan_fini(&t->own[i]);
        asy_free(t->class_weight[i]);
        t->class_weight[i] = NULL;
    }
}

/* ---- runs ---- */

static asy_err prepare(asy_trainer *t, const asy_train_job *jobs, uint32_t n)
{
    asy_plan first;
    const asy_backend *backend =
        t->forced ? t->forced : asy_train_backend(jobs[0].design, jobs[0].data);
    asy_err e = check_labels(jobs[0].data);
    if (!e)
        e = plan_of(&jobs[0], &first);
    if (e)
        return e;
    bool same = t->pop && t->backend == backend && t->members == n &&
                asy_plan_same_shape(&t->plan, &first);
    if (!same)
        return new_population(t, backend, n, &first);
    asy_plan_fini(&first);
    return ASY_OK;
}

static asy_err start_members(asy_trainer *t, const asy_train_job *jobs,
                             asy_train_result *results)
{
    asy_err e = ASY_OK;
    for (uint32_t i = 0; i < t->members && !e; i++) {
        e = plan_of(&jobs[i], &t->own[i]);
        if (!e && (jobs[i].data != jobs[0].data ||
                   !asy_plan_same_shape(&t->plan, &t->own[i])))
            e = asy_fail(ASY_EARG, "job %u: the shape and data of job 1 expected",
                         i + 1);
        if (!e)
            e = start_member(t, i, &jobs[i], &results[i]);
    }
    return e;
}

static asy_err take_models(const asy_trainer *t)
{
    size_t len = floats_a_member(&t->plan);
    for (uint32_t i = 0; i < t->members; i++) {
        asy_train_result *r = t->member[i].result;
        if (!t->member[i].job->keep_model)
            continue;
        r->model = asy_try_alloc(len, sizeof *r->model);
        if (!r->model)
            return asy_fail(ASY_ENOMEM, "no memory to keep a model of %zu numbers",
                            len);
        memcpy(r->model, t->member[i].kept, len * sizeof *r->model);
        r->model_len = len;
    }
    return ASY_OK;
}

static asy_err run_loop(asy_trainer *t, const asy_train_job *jobs)
{
    asy_loop loop = {.backend = t->backend,
                     .pop = t->pop,
                     .plan = &t->plan,
                     .data = jobs[0].data,
                     .member = t->member,
                     .members = t->members,
                     .outputs = t->outputs};
    asy_err e = asy_loop_run(&loop);
    return e ? e : take_models(t);
}

asy_err asy_trainer_run(asy_trainer *t, const asy_train_job *jobs, uint32_t n,
                        asy_train_result *results)
{
    memset(results, 0, n * sizeof *results);
    if (n == 0)
        return ASY_OK;
    asy_err e = prepare(t, jobs, n);
    if (e)
        return e;
    e = start_members(t, jobs, results);
    if (!e)
        e = run_loop(t, jobs);
    end_members(t);
    for (uint32_t i = 0; e && i < n; i++)
        asy_train_result_fini(&results[i]);
    return e;
}

asy_err asy_train(const asy_train_job *job, asy_train_result *out)
{
    asy_trainer *t = asy_trainer_new(NULL);
    asy_err e = asy_trainer_run(t, job, 1, out);
    asy_trainer_free(t);
    return e;
}

void asy_train_result_fini(asy_train_result *r)
{
    asy_free(r->curve);
    asy_free(r->model);
    *r = (asy_train_result){0};
}
