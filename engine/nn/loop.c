/* loop.c - the one training loop. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "nn/loop.h"

/* No reason to stop yet. */
enum { GO_ON = ASY_STOP_COUNT };

/* The part that decides about stopping; never the test part. */
static asy_part_name watched(const asy_loop *l)
{
    return l->data->part[ASY_VALIDATE].rows > 0 ? ASY_VALIDATE : ASY_TRAIN;
}

static asy_part part_of(const asy_loop *l, asy_part_name name)
{
    const asy_tensors_part *p = &l->data->part[name];
    return (asy_part){
        .rows = p->rows, .x = p->x, .label = p->label, .target = p->target};
}

/* ---- passes ---- */

void asy_loop_step(const asy_backend *b, asy_pop *p, uint32_t layers,
                   const asy_part *part, uint32_t epoch, uint32_t step)
{
    b->gather_train(p, part, epoch, step);
    for (uint32_t i = 0; i < layers; i++)
        b->forward(p, i, ASY_PASS_TRAIN);
    b->loss(p, ASY_PASS_TRAIN);
    for (uint32_t i = layers; i-- > 0;)
        b->backward(p, i);
    b->update(p);
}

static bool is_over_time(const asy_loop *l, const asy_loop_member *m)
{
    double limit = m->job->design->max_seconds;
    return limit > 0 && (double)(asy_now_ns() - l->started_ns) > limit * 1e9;
}

/* Members without a limit are asked first, so this costs nothing where none has one. */
static bool all_over_time(const asy_loop *l)
{
    for (uint32_t i = 0; i < l->members; i++)
        if (l->member[i].is_active && !is_over_time(l, &l->member[i]))
            return false;
    return true;
}

static void train_epoch(const asy_loop *l, uint32_t epoch)
{
    asy_part part = part_of(l, ASY_TRAIN);
    l->backend->totals_clear(l->pop);
    for (uint32_t step = 0; step < l->plan->steps; step++) {
        asy_loop_step(l->backend, l->pop, l->plan->shape.layers, &part, epoch, step);
        if (all_over_time(l))
            break;
    }
}

static void forward_eval(const asy_loop *l, const asy_part *part, uint32_t first,
                         uint32_t rows)
{
    l->backend->gather_eval(l->pop, part, first, rows);
    for (uint32_t i = 0; i < l->plan->shape.layers; i++)
        l->backend->forward(l->pop, i, ASY_PASS_EVAL);
    l->backend->loss(l->pop, ASY_PASS_EVAL);
}

static void judge_rows(const asy_loop *l, const asy_part *part, uint32_t first,
                       uint32_t rows)
{
    for (uint32_t i = 0; i < l->members; i++) {
        asy_loop_member *m = &l->member[i];
        if (!m->is_active)
            continue;
        l->backend->outputs(l->pop, i, l->outputs);
        if (part->label)
            asy_judge_classify(&m->judge, l->outputs, rows, part->label + first);
        else
            asy_judge_regress(&m->judge, l->outputs, rows,
                              part->target + (size_t)first * m->judge.width);
    }
}

/* An EVAL pass over a part: totals, and judgement when wanted. */
static void evaluate(const asy_loop *l, asy_part_name name, bool judging)
{
    asy_part part = part_of(l, name);
    l->backend->totals_clear(l->pop);
    for (uint32_t first = 0; first < part.rows; first += l->plan->eval_rows) {
        uint32_t left = part.rows - first;
        uint32_t rows = left < l->plan->eval_rows ? left : l->plan->eval_rows;
        forward_eval(l, &part, first, rows);
        if (judging)
            judge_rows(l, &part, first, rows);
    }
}

/* ---- judging ---- */

static void end_judges(const asy_loop *l)
{
    for (uint32_t i = 0; i < l->members; i++)
        asy_judge_fini(&l->member[i].judge);
}

static asy_err start_judges(const asy_loop *l, asy_part_name name)
{
    asy_err e = ASY_OK;
    for (uint32_t i = 0; i < l->members && !e; i++)
        e = asy_judge_init(&l->member[i].judge, l->plan->shape.outputs,
                           l->data->classes, l->data->part[name].rows);
    return e;
}

/* Log loss reads outputs as probabilities, which only the cross-entropies promise. */
static void take_metrics(const asy_loop *l, uint32_t i, asy_part_name name)
{
    double *value = l->member[i].result->metrics.value[name];
    asy_loss loss = l->plan->shape.loss;
    asy_totals totals = l->backend->totals(l->pop, i);
    asy_judge_end(&l->member[i].judge, value);
    value[ASY_METRIC_LOSS] = totals.loss / (double)totals.rows;
    if (loss != ASY_LOSS_CROSS_ENTROPY && loss != ASY_LOSS_BINARY_CROSS_ENTROPY)
        value[ASY_METRIC_LOG_LOSS] = NAN;
}

/* All metrics of the active members on a part. */
static asy_err judge_part(const asy_loop *l, asy_part_name name)
{
    asy_err e = start_judges(l, name);
    if (!e) {
        evaluate(l, name, true);
        for (uint32_t i = 0; i < l->members; i++)
            if (l->member[i].is_active)
                take_metrics(l, i, name);
    }
    end_judges(l);
    return e;
}

/* A member with the parameters it has kept, ready to compute. */
static asy_err seat(const asy_loop *l, uint32_t i)
{
    const asy_loop_member *m = &l->member[i];
    asy_err e = ASY_OK;
    if (m->is_stopped)
        e = l->backend->member_set(l->pop, i, &m->setting);
    if (e)
        return e;
    l->backend->write(l->pop, i, ASY_ROLE_PARAM, m->kept);
    l->backend->write(l->pop, i, ASY_ROLE_STATISTICS, m->kept + m->params);
    return ASY_OK;
}

/* Members come back with the parameters they are judged by. Diverged ones have none. */
static asy_err judge_all(const asy_loop *l)
{
    bool any = false;
    asy_err e = ASY_OK;
    for (uint32_t i = 0; i < l->members && !e; i++) {
        asy_loop_member *m = &l->member[i];
        m->is_active = m->result->stop != ASY_STOP_DIVERGED;
        any |= m->is_active;
        if (m->is_active)
            e = seat(l, i);
    }
    for (int name = 0; any && name < ASY_PARTS && !e; name++)
        if (l->data->part[name].rows > 0)
            e = judge_part(l, name);
    return e;
}

/* ---- the end of an epoch ---- */

static asy_err add_to_curve(asy_loop_member *m, const asy_epoch *epoch)
{
    asy_train_result *r = m->result;
    if (r->epochs == m->curve_cap) {
        uint32_t most = m->job->design->epochs;
        uint32_t cap = m->curve_cap ? 2 * m->curve_cap : 64;
        cap = cap < most ? cap : most;
        asy_epoch *curve = asy_try_realloc(r->curve, cap, sizeof *curve);
        if (!curve)
            return asy_fail(ASY_ENOMEM, "no memory for a curve of %u epochs", cap);
        r->curve = curve;
        m->curve_cap = cap;
    }
    r->curve[r->epochs++] = *epoch;
    return ASY_OK;
}

static float accuracy_of(const asy_loop *l, const asy_totals *t)
{
    return l->data->classes > 0 ? (float)((double)t->hits / (double)t->rows) : NAN;
}

/* A target that is neither loss nor accuracy needs a judgement of its own each epoch.
 */
static bool wants_judgement(const asy_loop_member *m)
{
    const char *name = m->job->design->target_metric;
    return name && name != asy_metric_names[ASY_METRIC_LOSS] &&
           name != asy_metric_names[ASY_METRIC_ACCURACY];
}

static asy_err validate(const asy_loop *l)
{
    bool judging = false;
    for (uint32_t i = 0; i < l->members; i++)
        judging |= l->member[i].is_active && wants_judgement(&l->member[i]);
    if (judging)
        return judge_part(l, watched(l));
    if (watched(l) == ASY_VALIDATE)
        evaluate(l, ASY_VALIDATE, false);
    return ASY_OK;
}

/* Records what the epoch showed, for all active members. */
static asy_err record_epoch(const asy_loop *l, uint32_t epoch)
{
    asy_err e = ASY_OK;
    for (uint32_t i = 0; i < l->members && !e; i++) {
        if (!l->member[i].is_active)
            continue;
        asy_totals t = l->backend->totals(l->pop, i);
        asy_epoch seen = {.epoch = epoch,
                          .train_loss = (float)(t.loss / (double)t.rows),
                          .train_accuracy = accuracy_of(l, &t),
                          .validate_loss = NAN,
                          .validate_accuracy = NAN};
        e = add_to_curve(&l->member[i], &seen);
    }
    if (!e)
        e = validate(l);
    for (uint32_t i = 0; i < l->members && !e && watched(l) == ASY_VALIDATE; i++) {
        if (!l->member[i].is_active)
            continue;
        asy_totals t = l->backend->totals(l->pop, i);
        asy_epoch *last = &l->member[i].result->curve[epoch - 1];
        last->validate_loss = (float)(t.loss / (double)t.rows);
        last->validate_accuracy = accuracy_of(l, &t);
    }
    return e;
}

static double watched_loss(const asy_loop *l, const asy_epoch *e)
{
    return watched(l) == ASY_VALIDATE ? e->validate_loss : e->train_loss;
}

static void keep(const asy_loop *l, uint32_t i)
{
    asy_loop_member *m = &l->member[i];
    l->backend->read(l->pop, i, ASY_ROLE_PARAM, m->kept);
    l->backend->read(l->pop, i, ASY_ROLE_STATISTICS, m->kept + m->params);
    m->result->best_epoch = m->result->epochs;
}

static void note_best(const asy_loop *l, uint32_t i, double loss)
{
    asy_loop_member *m = &l->member[i];
    const asy_design *d = m->job->design;
    m->waited++;
    if (!(loss < m->best_loss - d->min_delta) && m->result->epochs > 1)
        return;
    m->best_loss = loss;
    m->waited = 0;
    if (d->restore_best)
        keep(l, i);
}

static bool has_reached_target(const asy_loop *l, const asy_loop_member *m,
                               const asy_epoch *e)
{
    const asy_design *d = m->job->design;
    bool validating = watched(l) == ASY_VALIDATE, larger = false;
    double value = NAN;
    if (!d->target_metric)
        return false;
    for (int k = 0; k < ASY_METRIC_COUNT; k++)
        if (d->target_metric == asy_metric_names[k])
            value = m->result->metrics.value[watched(l)][k];
    if (d->target_metric == asy_metric_names[ASY_METRIC_LOSS])
        value = watched_loss(l, e);
    else if (d->target_metric == asy_metric_names[ASY_METRIC_ACCURACY])
        value = validating ? e->validate_accuracy : e->train_accuracy;
    asy_metric_direction(d->target_metric, &larger);
    return larger ? value >= d->target_value : value <= d->target_value;
}

/* Why the member stops after this epoch, or GO_ON. A pruner's word in the last epoch
 * comes too late: the training is complete. */
static int reason_to_stop(const asy_loop *l, const asy_loop_member *m,
                          const asy_epoch *e, asy_verdict verdict)
{
    const asy_design *d = m->job->design;
    if (verdict == ASY_CANCEL)
        return ASY_STOP_CANCELLED;
    if (has_reached_target(l, m, e))
        return ASY_STOP_TARGET;
    if (e->epoch >= d->epochs)
        return ASY_STOP_EPOCHS;
    if (d->patience > 0 && m->waited >= d->patience)
        return ASY_STOP_PATIENCE;
    if (verdict == ASY_PRUNE)
        return ASY_STOP_PRUNED;
    return is_over_time(l, m) ? ASY_STOP_TIME : GO_ON;
}

static int close_epoch(const asy_loop *l, uint32_t i, const asy_epoch *e)
{
    const asy_loop_member *m = &l->member[i];
    double loss = watched_loss(l, e);
    asy_verdict verdict = ASY_GO;
    if (!isfinite(e->train_loss) || !isfinite(loss))
        return ASY_STOP_DIVERGED;
    note_best(l, i, loss);
    if (m->job->on_epoch)
        verdict = m->job->on_epoch(m->job->ctx, e);
    return reason_to_stop(l, m, e, verdict);
}

static void clear_metrics(asy_metrics *m)
{
    for (int part = 0; part < ASY_PARTS; part++)
        for (int i = 0; i < ASY_METRIC_COUNT; i++)
            m->value[part][i] = NAN;
}

static void stop_member(const asy_loop *l, uint32_t i, asy_stop stop)
{
    asy_loop_member *m = &l->member[i];
    asy_train_result *r = m->result;
    r->stop = stop;
    r->flops = m->flops_an_epoch * r->epochs;
    r->seconds = (double)(asy_now_ns() - l->started_ns) * 1e-9;
    if (!m->job->design->restore_best || stop == ASY_STOP_DIVERGED)
        keep(l, i);
    if (stop == ASY_STOP_DIVERGED)
        clear_metrics(&r->metrics);
    m->is_active = false;
}

static asy_err end_epoch(const asy_loop *l, uint32_t epoch)
{
    asy_err e = record_epoch(l, epoch);
    for (uint32_t i = 0; i < l->members && !e; i++) {
        asy_loop_member *m = &l->member[i];
        if (!m->is_active)
            continue;
        int reason = close_epoch(l, i, &m->result->curve[epoch - 1]);
        if (reason != GO_ON)
            stop_member(l, i, reason);
    }
    return e;
}

/* ---- the whole ---- */

static asy_err start(asy_loop *l)
{
    asy_err e = ASY_OK;
    l->started_ns = asy_now_ns();
    for (uint32_t i = 0; i < l->members && !e; i++) {
        asy_loop_member *m = &l->member[i];
        m->is_active = true;
        m->is_stopped = true; /* not yet in the backend */
        m->best_loss = INFINITY;
        clear_metrics(&m->result->metrics);
        m->result->params = m->params;
        e = seat(l, i);
        m->is_stopped = false;
    }
    return e;
}

/* True while members are active; then those that are not stop costing anything. */
static bool go_on(const asy_loop *l)
{
    bool any = false;
    for (uint32_t i = 0; i < l->members; i++)
        any |= l->member[i].is_active;
    for (uint32_t i = 0; any && i < l->members; i++) {
        asy_loop_member *m = &l->member[i];
        if (m->is_active || m->is_stopped)
            continue;
        l->backend->member_stop(l->pop, i);
        m->is_stopped = true;
    }
    return any;
}

asy_err asy_loop_run(asy_loop *l)
{
    asy_err e = start(l);
    for (uint32_t epoch = 0; !e && go_on(l); epoch++) {
        train_epoch(l, epoch);
        e = end_epoch(l, epoch + 1);
    }
    return e ? e : judge_all(l);
}
