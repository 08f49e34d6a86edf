/* reference.h - training in double with plain loops: what backends are measured by.
 *
 * Written for reading, after backend.h, with nothing shared with the engine but names
 * and random numbers. Gradients are themselves checked against finite differences.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "math/backend.h"
#include "ref_act.h"

typedef struct ref_layer {
    double *normal, *inverse, *pre, *act, *keep, *out, *delta; /* (rows, out) each */
} ref_layer;

typedef struct ref_net {
    const asy_net_shape *shape;
    const asy_member *member;
    size_t room; /* rows */
    double *p, *g, *s1, *s2, *stat;
    double *x;      /* (rows, inputs) */
    int *label;     /* or -1 */
    double *target; /* (rows, outputs) */
    double *weight; /* [rows] */
    uint32_t rows;
    bool has_label;
    uint64_t step;
    ref_layer *layer;
    double loss_sum;
    uint64_t hits;
} ref_net;

static double *ref_zeros(size_t n) { return calloc(n ? n : 1, sizeof(double)); }

static ref_net *ref_new(const asy_net_shape *s, const asy_member *member, size_t room)
{
    ref_net *r = calloc(1, sizeof *r);
    *r = (ref_net){.shape = s, .member = member, .room = room};
    r->p = ref_zeros(s->params);
    r->g = ref_zeros(s->params);
    r->s1 = ref_zeros(s->params);
    r->s2 = ref_zeros(s->params);
    r->stat = ref_zeros(s->statistics);
    r->x = ref_zeros(room * s->inputs);
    r->target = ref_zeros(room * s->outputs);
    r->weight = ref_zeros(room);
    r->label = calloc(room, sizeof *r->label);
    r->layer = calloc(s->layers, sizeof *r->layer);
    for (uint32_t i = 0; i < s->layers; i++) {
        size_t n = room * s->layer[i].out;
        r->layer[i] =
            (ref_layer){ref_zeros(n), ref_zeros(n), ref_zeros(n), ref_zeros(n),
                        ref_zeros(n), ref_zeros(n), ref_zeros(n)};
    }
    return r;
}

static void ref_free(ref_net *r)
{
    for (uint32_t i = 0; i < r->shape->layers; i++) {
        ref_layer *l = &r->layer[i];
        double *all[] = {l->normal, l->inverse, l->pre,  l->act,
                         l->keep,   l->out,     l->delta};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            free(all[k]);
    }
    double *all[] = {r->p, r->g, r->s1, r->s2, r->stat, r->x, r->target, r->weight};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        free(all[k]);
    free(r->label);
    free(r->layer);
    free(r);
}

/* ---- Batches ---- */

static void ref_take_row(ref_net *r, const asy_part *part, uint32_t to, uint32_t from)
{
    const uint32_t inputs = r->shape->inputs, outputs = r->shape->outputs;
    for (uint32_t j = 0; j < inputs; j++)
        r->x[to * inputs + j] = part->x[from * inputs + j];
    r->label[to] = part->label ? part->label[from] : -1;
    for (uint32_t j = 0; j < outputs; j++)
        r->target[to * outputs + j] = part->target ? part->target[from * outputs + j]
                                                   : part->label[from] == (int)j;
    if (part->label && r->shape->loss == ASY_LOSS_BINARY_CROSS_ENTROPY)
        r->target[to] = part->label[from];
    const float *w = part->label ? r->member->class_weight : NULL;
    r->weight[to] = w ? w[part->label[from]] : 1;
    r->has_label = part->label;
}

static void ref_gather_train(ref_net *r, const asy_part *part, uint32_t epoch,
                             uint32_t step)
{
    asy_perm order = asy_perm_make(r->member->shuffle, epoch, part->rows);
    uint32_t first = step * r->shape->batch;
    r->rows =
        part->rows - first < r->shape->batch ? part->rows - first : r->shape->batch;
    for (uint32_t i = 0; i < r->rows; i++)
        ref_take_row(r, part, i, asy_perm_at(&order, first + i));
}

static void ref_gather_eval(ref_net *r, const asy_part *part, uint32_t first,
                            uint32_t n)
{
    r->rows = n;
    for (uint32_t i = 0; i < n; i++) {
        ref_take_row(r, part, i, first + i);
        r->weight[i] = 1;
    }
}

/* ---- Forward ---- */

static void ref_affine(const ref_net *r, uint32_t i, double *z)
{
    const asy_layer_shape *s = &r->shape->layer[i];
    const double *x = i ? r->layer[i - 1].out : r->x;
    for (uint32_t row = 0; row < r->rows; row++)
        for (uint32_t j = 0; j < s->out; j++) {
            double sum = r->p[s->b + j];
            for (uint32_t k = 0; k < s->in; k++)
                sum += x[row * s->in + k] * r->p[s->w + k * s->out + j];
            z[row * s->out + j] = sum;
        }
}

static void ref_normalize(ref_net *r, uint32_t i, bool training)
{
    const asy_layer_shape *s = &r->shape->layer[i];
    ref_layer *l = &r->layer[i];
    const double n = r->rows;
    for (uint32_t j = 0; j < s->out; j++) {
        double mean = r->stat[s->mean + j], var = r->stat[s->var + j];
        if (training) {
            double squares = 0;
            mean = 0;
            for (uint32_t row = 0; row < r->rows; row++)
                mean += l->pre[row * s->out + j] / n;
            for (uint32_t row = 0; row < r->rows; row++)
                squares += pow(l->pre[row * s->out + j] - mean, 2);
            var = squares / n;
            r->stat[s->mean + j] += 0.1 * (mean - r->stat[s->mean + j]);
            if (r->rows > 1)
                r->stat[s->var + j] += 0.1 * (squares / (n - 1) - r->stat[s->var + j]);
        }
        l->inverse[j] = 1 / sqrt(var + 1e-5);
        for (uint32_t row = 0; row < r->rows; row++) {
            double *z = &l->pre[row * s->out + j];
            l->normal[row * s->out + j] = (*z - mean) * l->inverse[j];
            *z = r->p[s->gamma + j] * l->normal[row * s->out + j] + r->p[s->beta + j];
        }
    }
}

/* The factor dropout puts on element e of a layer's outputs. */
static double ref_keep(const ref_net *r, uint32_t i, uint32_t e)
{
    const float dropout = r->member->layer[i].dropout;
    uint32_t counter[4] = {e / 4, (uint32_t)r->step, ASY_STREAM_DROPOUT, i}, word[4];
    asy_philox(r->member->key, counter, word);
    return word[e % 4] < (uint32_t)(dropout * 4294967296.0) ? 0 : 1 / (1.0 - dropout);
}

static void ref_forward(ref_net *r, uint32_t i, bool training)
{
    const asy_layer_shape *s = &r->shape->layer[i];
    const asy_layer_setting *set = &r->member->layer[i];
    ref_layer *l = &r->layer[i];
    ref_affine(r, i, l->pre);
    if (s->batch_norm)
        ref_normalize(r, i, training);
    for (uint32_t e = 0; e < r->rows * s->out; e++) {
        l->act[e] = ref_act(set->act, l->pre[e]);
        l->keep[e] = training && set->dropout > 0 ? ref_keep(r, i, e) : 1;
        l->out[e] = l->act[e] * l->keep[e];
        if (s->skip)
            l->out[e] += r->layer[i - s->skip].out[e];
    }
}

/* ---- Loss ---- */

static double ref_row_loss(const ref_net *r, uint32_t row, const double *y,
                           double *slope)
{
    const uint32_t n = r->shape->outputs;
    const double *t = r->target + row * n;
    double sum = 0, most = -INFINITY, loss = 0;
    for (uint32_t j = 0; j < n; j++)
        most = fmax(most, y[j]);
    for (uint32_t j = 0; j < n; j++)
        sum += exp(y[j] - most);
    for (uint32_t j = 0; j < n; j++) {
        double e = y[j] - t[j], sign = (e > 0) - (e < 0);
        switch (r->shape->loss) {
        case ASY_LOSS_CROSS_ENTROPY:
            slope[j] = exp(y[j] - most) / sum - t[j];
            loss += t[j] * (log(sum) + most - y[j]);
            break;
        case ASY_LOSS_BINARY_CROSS_ENTROPY:
            slope[j] = ref_sigmoid(y[j]) - t[j];
            loss += ref_act(ASY_ACT_SOFTPLUS, y[j]) - t[j] * y[j];
            break;
        case ASY_LOSS_MSE:
            slope[j] = 2 * e / n;
            loss += e * e / n;
            break;
        case ASY_LOSS_MAE:
            slope[j] = sign / n;
            loss += fabs(e) / n;
            break;
        default:
            slope[j] = (fabs(e) < 1 ? e : sign) / n;
            loss += (fabs(e) < 1 ? e * e / 2 : fabs(e) - 0.5) / n;
        }
    }
    return loss * r->weight[row];
}

static bool ref_is_hit(const ref_net *r, uint32_t row, const double *y)
{
    uint32_t best = 0;
    if (r->shape->outputs == 1)
        best = y[0] > 0;
    for (uint32_t j = 1; j < r->shape->outputs; j++)
        if (y[j] > y[best])
            best = j;
    return r->has_label && (int)best == r->label[row];
}

/* Adds to loss_sum and hits; leaves d (mean loss) / d y as the last layer's delta. */
static void ref_loss(ref_net *r)
{
    const uint32_t n = r->shape->outputs;
    ref_layer *last = &r->layer[r->shape->layers - 1];
    for (uint32_t row = 0; row < r->rows; row++) {
        double *slope = last->delta + row * n;
        r->loss_sum += ref_row_loss(r, row, last->out + row * n, slope);
        r->hits += ref_is_hit(r, row, last->out + row * n);
        for (uint32_t j = 0; j < n; j++)
            slope[j] *= r->weight[row] / r->rows;
    }
}

/* ---- Backward ---- */

static void ref_normalize_backward(ref_net *r, uint32_t i, double *d)
{
    const asy_layer_shape *s = &r->shape->layer[i];
    ref_layer *l = &r->layer[i];
    for (uint32_t j = 0; j < s->out; j++) {
        double sum = 0, product = 0;
        for (uint32_t row = 0; row < r->rows; row++) {
            sum += d[row * s->out + j];
            product += d[row * s->out + j] * l->normal[row * s->out + j];
        }
        r->g[s->beta + j] = sum;
        r->g[s->gamma + j] = product;
        for (uint32_t row = 0; row < r->rows; row++) {
            double *at = &d[row * s->out + j];
            *at -= (sum + l->normal[row * s->out + j] * product) / r->rows;
            *at *= r->p[s->gamma + j] * l->inverse[j];
        }
    }
}

/* Deltas of a layer's outputs must be complete: layers are walked from the last. */
static void ref_backward(ref_net *r, uint32_t i)
{
    const asy_layer_shape *s = &r->shape->layer[i];
    const asy_layer_setting *set = &r->member->layer[i];
    ref_layer *l = &r->layer[i];
    const double *x = i ? r->layer[i - 1].out : r->x;
    double *d = ref_zeros(r->rows * s->out);
    for (uint32_t e = 0; e < r->rows * s->out; e++) {
        if (s->skip)
            r->layer[i - s->skip].delta[e] += l->delta[e];
        d[e] = l->delta[e] * l->keep[e] * ref_slope(set->act, l->pre[e]);
    }
    if (s->batch_norm)
        ref_normalize_backward(r, i, d);
    for (uint32_t j = 0; j < s->out; j++) {
        r->g[s->b + j] = 0;
        for (uint32_t row = 0; row < r->rows; row++)
            r->g[s->b + j] += d[row * s->out + j];
        for (uint32_t k = 0; k < s->in; k++) {
            double sum = set->l2 * r->p[s->w + k * s->out + j];
            for (uint32_t row = 0; row < r->rows; row++)
                sum += x[row * s->in + k] * d[row * s->out + j];
            r->g[s->w + k * s->out + j] = sum;
        }
    }
    for (uint32_t row = 0; i > 0 && row < r->rows; row++)
        for (uint32_t k = 0; k < s->in; k++)
            for (uint32_t j = 0; j < s->out; j++)
                r->layer[i - 1].delta[row * s->in + k] +=
                    d[row * s->out + j] * r->p[s->w + k * s->out + j];
    free(d);
}

/* Forward, loss and all gradients of the current batch. */
static void ref_pass(ref_net *r)
{
    r->loss_sum = 0;
    r->hits = 0;
    for (uint32_t i = 0; i < r->shape->layers; i++) {
        ref_forward(r, i, true);
        memset(r->layer[i].delta, 0, r->room * r->shape->layer[i].out * sizeof(double));
    }
    ref_loss(r);
    for (uint32_t i = r->shape->layers; i-- > 0;)
        ref_backward(r, i);
}

/* What the gradients are of: the mean loss and l2/2 |W|^2. */
static double ref_objective(ref_net *r)
{
    r->loss_sum = 0;
    for (uint32_t i = 0; i < r->shape->layers; i++)
        ref_forward(r, i, true);
    ref_loss(r);
    double total = r->loss_sum / r->rows;
    for (uint32_t i = 0; i < r->shape->layers; i++) {
        const asy_layer_shape *s = &r->shape->layer[i];
        for (size_t k = 0; k < (size_t)s->in * s->out; k++)
            total += r->member->layer[i].l2 / 2.0 * pow(r->p[s->w + k], 2);
    }
    return total;
}

/* ---- Update ---- */

static double ref_rate(const ref_net *r)
{
    const asy_optim *o = &r->member->optim;
    const asy_schedule *s = &o->schedule;
    double t = (double)r->step, total = (double)r->member->steps_total;
    if (t < s->warmup)
        return o->rate * (t + 1) / s->warmup;
    t -= s->warmup;
    total -= s->warmup;
    double epoch = floor(t / (double)r->member->steps_per_epoch);
    switch (s->kind) {
    case ASY_SCHEDULE_STEP: return o->rate * pow(s->factor, floor(epoch / s->every));
    case ASY_SCHEDULE_EXPONENTIAL: return o->rate * pow(s->factor, epoch);
    case ASY_SCHEDULE_COSINE:
        return s->floor + (o->rate - s->floor) * (1 + cos(M_PI * t / total)) / 2;
    default: return o->rate;
    }
}

static double ref_nadam_mu(double beta1, double t)
{
    return beta1 * (1 - 0.5 * pow(0.96, t * 0.004));
}

static void ref_update_one(ref_net *r, size_t i, double g, double rate)
{
    const asy_optim *o = &r->member->optim;
    const double t = (double)r->step + 1;
    double *p = &r->p[i], *a = &r->s1[i], *b = &r->s2[i], product = 1, step;
    if (o->kind == ASY_OPT_ADAMW)
        *p -= rate * o->decay * *p;
    else
        g += o->decay * *p;
    switch (o->kind) {
    case ASY_OPT_SGD:
        *a = o->momentum * *a + g;
        *p -= rate * (o->nesterov ? g + o->momentum * *a : *a);
        return;
    case ASY_OPT_RMSPROP:
        *a = o->rho * *a + (1.0 - o->rho) * g * g;
        *p -= rate * g / (sqrt(*a) + o->eps);
        return;
    case ASY_OPT_ADAGRAD:
        *a += g * g;
        *p -= rate * g / (sqrt(*a) + o->eps);
        return;
    case ASY_OPT_ADADELTA:
        *a = o->rho * *a + (1.0 - o->rho) * g * g;
        step = sqrt(*b + o->eps) / sqrt(*a + o->eps) * g;
        *b = o->rho * *b + (1.0 - o->rho) * step * step;
        *p -= rate * step;
        return;
    default: break;
    }
    *a = o->beta1 * *a + (1.0 - o->beta1) * g;
    *b = o->beta2 * *b + (1.0 - o->beta2) * g * g;
    double root = sqrt(*b / (1 - pow(o->beta2, t))) + o->eps;
    if (o->kind != ASY_OPT_NADAM) {
        *p -= rate * *a / (1 - pow(o->beta1, t)) / root;
        return;
    }
    for (int k = 1; k <= (int)t; k++)
        product *= ref_nadam_mu(o->beta1, k);
    double now = ref_nadam_mu(o->beta1, t), next = ref_nadam_mu(o->beta1, t + 1);
    *p -= rate * (1 - now) / (1 - product) * g / root;
    *p -= rate * next / (1 - product * next) * *a / root;
}

static void ref_update(ref_net *r)
{
    const asy_optim *o = &r->member->optim;
    double norm = 0, scale = 1, rate = ref_rate(r);
    for (size_t i = 0; i < r->shape->params; i++)
        norm += r->g[i] * r->g[i];
    if (o->clip_norm > 0 && sqrt(norm) > o->clip_norm)
        scale = o->clip_norm / sqrt(norm);
    for (size_t i = 0; i < r->shape->params; i++) {
        double g = r->g[i] * scale;
        if (o->clip_value > 0)
            g = fmin(o->clip_value, fmax(-o->clip_value, g));
        ref_update_one(r, i, g, rate);
    }
    r->step++;
}
