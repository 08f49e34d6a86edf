/* toil.c - one trial after the other: designs by the training loop, `trial =` rules by
 * their sandbox. Whatever goes wrong in a trial is its result; whatever goes wrong with
 * its data hands it back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/toil.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "lab/board.h"
#include "math/isa.h"
#include "nn/train.h"

enum { MOST_OWN = 4096, PAUSE_MS = 500 };

/* `trial =` functions run in batches of about this long, so that orders get through. */
static const double OWN_SECONDS = 0.010;

struct asy_toil {
    asy_held *held;
    asy_fetch *fetch;
    const asy_own_ops *ops;
    asy_own *own; /* of one session and fold; NULL = none open */
    int64_t own_session;
    uint32_t own_fold;
    asy_trainer *trainer;
    char *text; /* the design parsed last, and its text: repeats share it */
    asy_design *design;
};

asy_toil *asy_toil_new(asy_held *held, asy_fetch *fetch, const asy_own_ops *own)
{
    asy_toil *t = asy_alloc(1, sizeof *t);
    *t = (asy_toil){
        .held = held, .fetch = fetch, .ops = own, .trainer = asy_trainer_new(NULL)};
    return t;
}

static void close_own(asy_toil *t)
{
    if (t->own)
        t->ops->close(t->own);
    t->own = NULL;
}

void asy_toil_free(asy_toil *t)
{
    if (!t)
        return;
    close_own(t);
    asy_trainer_free(t->trainer);
    asy_design_free(t->design);
    asy_free(t->text);
    asy_free(t);
}

static asy_slice slice_of(const char *text) { return (asy_slice){text, strlen(text)}; }

static asy_outcome outcome_of(const asy_job *j)
{
    return (asy_outcome){.trial = j->task.trial,
                         .lease = j->task.lease,
                         .check = j->task.check,
                         .state = ASY_TRIAL_DONE};
}

static void fail(asy_toil *t, asy_job *j, const char *reason)
{
    asy_outcome o = outcome_of(j);
    o.state = ASY_TRIAL_FAILED;
    o.reason = slice_of(reason);
    o.metrics = slice_of("{}");
    asy_held_finish(t->held, j, &o, 0.001);
}

/* --- designs ------------------------------------------------------------------------
 */

typedef struct watching {
    asy_toil *toil;
    asy_job *job;
    const asy_brief *brief;
} watching;

/* What a pruner judges: validation accuracy or loss, training ones where there is none.
 * A loss counts as negative where larger is better. */
static double value_of(const char *metric, const asy_epoch *e)
{
    bool larger = true;
    if (asy_metric_direction(metric, &larger))
        larger = true;
    bool validated = !isnan(e->validate_loss);
    double accuracy = validated ? e->validate_accuracy : e->train_accuracy;
    double loss = validated ? e->validate_loss : e->train_loss;
    if (!larger)
        return loss;
    return isnan(accuracy) ? -loss : accuracy;
}

static asy_verdict on_epoch(void *ctx, const asy_epoch *e)
{
    const watching *w = ctx;
    if (w->brief->wants_reports)
        asy_held_report(w->toil->held, w->job->task.lease, e->epoch,
                        value_of(w->brief->metric, e));
    switch (atomic_load(&w->job->order)) {
    case ASY_ORDER_PRUNE: return ASY_PRUNE;
    case ASY_ORDER_NONE: return ASY_GO;
    default: return ASY_CANCEL;
    }
}

static asy_err parse_design(asy_toil *t, const asy_task *task)
{
    if (t->text && strcmp(t->text, task->spec) == 0)
        return ASY_OK;
    asy_design_free(t->design);
    asy_free(t->text);
    t->design = NULL;
    t->text = NULL;
    json_t *v;
    asy_err err = asy_json_parse(task->spec, task->spec_len, &v);
    if (err)
        return err;
    err = asy_design_parse(v, &t->design);
    json_decref(v);
    if (!err)
        t->text = asy_strdup(task->spec);
    return err;
}

static asy_trial_state state_of(asy_stop stop)
{
    switch (stop) {
    case ASY_STOP_PRUNED: return ASY_TRIAL_PRUNED;
    case ASY_STOP_CANCELLED: return ASY_TRIAL_CANCELLED;
    case ASY_STOP_DIVERGED: return ASY_TRIAL_FAILED;
    default: return ASY_TRIAL_DONE;
    }
}

static void put_metrics(const asy_metrics *m, asy_buf *out)
{
    json_t *v = asy_metrics_json(m);
    asy_json_canonical(out, v);
    json_decref(v);
}

static void finish_design(asy_toil *t, asy_job *j, const asy_tensors *data,
                          const asy_train_result *r, double seconds)
{
    asy_buf metrics = {0}, curve = {0};
    char how[64];
    put_metrics(&r->metrics, &metrics);
    if (r->epochs)
        asy_curve_encode(r->curve, r->epochs, &curve);
    snprintf(how, sizeof how, "%s/%s/%d", asy_train_backend(t->design, data)->name,
             asy_isa_name(asy_isa_get()), ASY_NUMERICS_VERSION);
    asy_outcome o = outcome_of(j);
    o.state = state_of(r->stop);
    o.reason = slice_of(r->stop == ASY_STOP_EPOCHS ? "" : asy_stop_names[r->stop]);
    o.metrics = (asy_slice){metrics.data, metrics.len};
    o.how = slice_of(how);
    o.curve = (asy_slice){curve.data, curve.len};
    o.epochs = r->epochs;
    o.seconds = r->seconds;
    o.parameters = r->params;
    o.flops = r->flops;
    asy_held_finish(t->held, j, &o, seconds);
    asy_buf_fini(&metrics);
    asy_buf_fini(&curve);
}

static void train_design(asy_toil *t, const asy_brief *b, const asy_tensors *data,
                         asy_job *j)
{
    uint64_t start = asy_now_ns();
    asy_train_result r = {0};
    watching w = {t, j, b};
    asy_err err = parse_design(t, &j->task);
    const asy_train_job job = {.design = t->design,
                               .data = data,
                               .seed = j->task.seed,
                               .shared_seed = b->seed,
                               .on_epoch = on_epoch,
                               .ctx = &w};
    if (!err)
        err = asy_trainer_run(t->trainer, &job, 1, &r);
    double seconds = (double)(asy_now_ns() - start) / 1e9;
    if (err)
        fail(t, j, asy_errmsg());
    else if (r.stop == ASY_STOP_CANCELLED && atomic_load(&j->order) == ASY_ORDER_RECALL)
        asy_held_return(t->held, j);
    else
        finish_design(t, j, data, &r, seconds);
    asy_train_result_fini(&r);
}

/* --- `trial =` rules --- */

/* A batch that its sandbox runs; results come in any order, each once. */
typedef struct batch {
    asy_toil *toil;
    const asy_brief *brief;
    asy_job **job; /* [n]; NULL when finished */
    size_t n, at;  /* at: results come in order, so search from here */
    uint64_t last_ns;
} batch;

static asy_job **find_job(batch *b, int64_t id)
{
    for (size_t k = 0; k < b->n; k++) {
        size_t i = (b->at + k) % b->n;
        if (b->job[i] && b->job[i]->task.trial == id) {
            b->at = i;
            return &b->job[i];
        }
    }
    return NULL;
}

static void on_result(void *ctx, const asy_own_result *r)
{
    batch *b = ctx;
    asy_job **slot = find_job(b, r->id);
    uint64_t now = asy_now_ns();
    double seconds = (double)(now - b->last_ns) / 1e9;
    b->last_ns = now;
    if (slot) {
        asy_job *j = *slot;
        int order = atomic_load(&j->order);
        asy_buf metrics = {0};
        asy_outcome o = outcome_of(j);
        asy_json_canonical(&metrics, r->metrics ? r->metrics : json_null());
        if (!r->metrics)
            o.state = ASY_TRIAL_FAILED;
        else if (order == ASY_ORDER_PRUNE)
            o.state = ASY_TRIAL_PRUNED;
        else if (order == ASY_ORDER_CANCEL)
            o.state = ASY_TRIAL_CANCELLED;
        o.metrics =
            r->metrics ? (asy_slice){metrics.data, metrics.len} : slice_of("{}");
        o.reason = slice_of(r->message ? r->message : "");
        o.how = slice_of("lua");
        o.seconds = r->seconds;
        *slot = NULL;
        if (order == ASY_ORDER_RECALL)
            asy_held_return(b->toil->held, j);
        else
            asy_held_finish(b->toil->held, j, &o, seconds);
        asy_buf_fini(&metrics);
    }
    json_decref(r->metrics);
}

static bool on_report(void *ctx, int64_t id, uint32_t epoch, double value)
{
    batch *b = ctx;
    asy_job **slot = find_job(b, id);
    if (!slot)
        return false;
    if (b->brief->wants_reports)
        asy_held_report(b->toil->held, (*slot)->task.lease, epoch, value);
    return atomic_load(&(*slot)->order) == ASY_ORDER_NONE;
}

static asy_err open_own(asy_toil *t, const asy_brief *b, uint32_t fold,
                        const char *path)
{
    if (t->own && t->own_session == b->id && t->own_fold == fold)
        return ASY_OK;
    close_own(t);
    const json_t *source = json_object_get(b->tree, "rule");
    const char *name = json_string_value(json_object_get(b->tree, "rule_name"));
    if (!t->ops || !json_is_string(source))
        return asy_fail(ASY_EARG, "this worker cannot run `trial =` rules");
    const asy_rule_limits limits = {
        .soft_ms = 60000, .hard_ms = 65000, .memory = 512u << 20, .jit = true};
    asy_err err = t->ops->open(
        name ? name : "rule", json_string_value(source), json_string_length(source),
        json_object_get(b->tree, "options"), path, b->seed, &limits, &t->own);
    if (err) {
        t->own = NULL;
        return err;
    }
    t->own_session = b->id;
    t->own_fold = fold;
    return ASY_OK;
}

/* Trials that the sandbox left without a result fail with its message. */
static void fail_rest(asy_toil *t, asy_job **job, size_t n, const char *message)
{
    for (size_t i = 0; i < n; i++)
        if (job[i])
            fail(t, job[i], message);
}

static void run_own(asy_toil *t, const asy_brief *b, const char *path, asy_job **job,
                    size_t n)
{
    asy_err err = open_own(t, b, job[0]->task.fold, path);
    if (err) {
        fail_rest(t, job, n, asy_errmsg());
        return;
    }
    asy_own_trial *trial = asy_alloc(n, sizeof *trial);
    for (size_t i = 0; i < n; i++)
        trial[i] = (asy_own_trial){job[i]->task.trial, job[i]->task.seed,
                                   job[i]->task.spec, job[i]->task.spec_len};
    batch x = {.toil = t, .brief = b, .job = job, .n = n, .last_ns = asy_now_ns()};
    const asy_own_sink sink = {
        .ctx = &x, .on_result = on_result, .on_report = on_report};
    err = t->ops->run(t->own, trial, n, &sink);
    fail_rest(t, job, n, err ? asy_errmsg() : "the trial gave no result");
    if (err)
        close_own(t);
    asy_free(trial);
}

/* --- the loop --- */

/* How many trials to take: `trial =` ones in batches, because a sandbox is a pipe away.
 */
static size_t batch_size(asy_toil *t)
{
    double mean = asy_held_mean(t->held);
    double n = mean > 0 ? OWN_SECONDS / mean : 1;
    return n < 1 ? 1 : n > MOST_OWN ? MOST_OWN : (size_t)n;
}

static void run_jobs(asy_toil *t, asy_job **job, size_t n)
{
    const asy_brief *b = asy_fetch_brief(t->fetch, job[0]->task.session);
    const asy_tensors *data;
    const char *path;
    asy_err err = b ? asy_fetch_data(t->fetch, b, job[0]->task.fold, &data, &path)
                    : asy_fail(ASY_EARG, "a session that nobody told about");
    if (err) {
        asy_log(ASY_WARN, "worker: %s", asy_errmsg());
        for (size_t i = 0; i < n; i++)
            asy_held_return(t->held, job[i]);
        asy_sleep_ms(PAUSE_MS);
    } else if (b->is_own) {
        run_own(t, b, path, job, n);
    } else {
        for (size_t i = 0; i < n; i++)
            train_design(t, b, data, job[i]);
    }
}

void asy_toil_run(asy_toil *t)
{
    asy_job *job[MOST_OWN];
    while (!asy_held_is_stopped(t->held)) {
        size_t n = asy_held_take(t->held, job, batch_size(t));
        if (n)
            run_jobs(t, job, n);
    }
}
