/* backend_blas.c - the operations of one training step on the CPU, one thread.
 *
 * Products run on the panel kernels of gemm_kernel.c, at every size: parameters already
 * lie as the kernel wants them, bias and relu ride along, and so they beat OpenBLAS
 * (0.3.21, one thread, its best kernels). GFLOP/s on one core of a Zen 5 at 3.6 GHz:
 *
 *     rows x out x in       AVX-512  OpenBLAS      AVX2  OpenBLAS
 *     16 x 16 x 16              176       119       113        32
 *     64 x 32 x 32              221       215       111        67
 *     64 x 128 x 128            224       175       112        92
 *     128 x 256 x 256           233       190       112       102
 *     512 x 512 x 512           205       203       113       103
 *     128 x 4096 x 4096         183       157
 *
 * Only gradients of very wide layers over very large batches are behind (2048 x 2048
 * over 1024 rows: 182 against 195). With one path for all sizes the result of a network
 * depends on nothing but itself.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>
#include "math/blas_pop.h"

typedef asy_blas_member member;
typedef asy_blas_layer layer;

/* ---- The batch ---- */

static void take_weights(const asy_pop *p, member *m)
{
    if (!m->weight || !m->has_label)
        return;
    const int32_t classes = (int32_t)p->shape.outputs;
    for (uint32_t i = 0; i < m->rows; i++) {
        /* Two classes on one output have two weights. */
        int32_t c = m->label[i], last = classes > 1 ? classes - 1 : 1;
        m->weight[i] = m->set.class_weight[c < 0 ? 0 : c > last ? last : c];
    }
}

/* The whole order of an epoch, from the store of orders; NULL where that has no room.
 */
static const uint32_t *stored_order(asy_pop *p, const member *m, uint32_t epoch,
                                    uint32_t rows)
{
    asy_blas_orders *o = &p->orders;
    const asy_key key = m->set.shuffle;
    const size_t padded = ((size_t)rows + ASY_BLOCK - 1) / ASY_BLOCK * ASY_BLOCK;
    if (p->members > 1 || (epoch + 1) * padded > ASY_BLAS_ORDERS)
        return NULL;
    if (o->rows != rows || o->key.k[0] != key.k[0] || o->key.k[1] != key.k[1]) {
        o->key = key;
        o->rows = rows;
        o->epochs = 0;
    }
    for (; o->epochs <= epoch; o->epochs++) {
        asy_perm perm = asy_perm_make(key, o->epochs, rows);
        p->k->random->rows(&perm, 0, rows, o->row + o->epochs * padded);
    }
    return o->row + epoch * padded;
}

/* The numbers of rows first .. first+n-1 in the member's order. */
static const uint32_t *rows_of(asy_pop *p, member *m, uint32_t epoch, uint32_t rows,
                               uint32_t first, uint32_t n)
{
    const uint32_t *stored = stored_order(p, m, epoch, rows);
    if (stored)
        return stored + first;
    if (m->epoch != epoch || m->perm.n != rows) {
        m->perm = asy_perm_make(m->set.shuffle, epoch, rows);
        m->epoch = epoch;
    }
    p->k->random->rows(&m->perm, first, n, p->row);
    return p->row;
}

static void gather_train_member(asy_pop *p, member *m, const asy_part *part,
                                uint32_t epoch, uint32_t step)
{
    const size_t inputs = p->shape.inputs, outputs = p->shape.outputs;
    const uint32_t first = step * p->shape.batch, left = part->rows - first;
    m->rows = left < p->shape.batch ? left : p->shape.batch;
    const uint32_t *row = rows_of(p, m, epoch, part->rows, first, m->rows);
    p->k->vec->take((asy_area){m->rows, inputs, p->x_ld}, row, part->x, m->x);
    m->in = m->x;
    m->in_ld = p->x_ld;
    m->has_label = part->label;
    for (uint32_t i = 0; part->label && i < m->rows; i++)
        m->label[i] = part->label[row[i]];
    for (uint32_t i = 0; part->target && i < m->rows; i++)
        memcpy(m->target + i * outputs, part->target + row[i] * outputs,
               outputs * sizeof(float));
    take_weights(p, m);
}

static void gather_train(asy_pop *p, const asy_part *part, uint32_t epoch,
                         uint32_t step)
{
    for (uint32_t i = 0; i < p->members; i++)
        if (p->member[i].is_alive)
            gather_train_member(p, &p->member[i], part, epoch, step);
}

static void gather_eval(asy_pop *p, const asy_part *part, uint32_t first, uint32_t n)
{
    const size_t inputs = p->shape.inputs, outputs = p->shape.outputs;
    for (uint32_t i = 0; i < p->members; i++) {
        member *m = &p->member[i];
        if (!m->is_alive)
            continue;
        m->rows = n;
        m->in = part->x + first * inputs;
        m->in_ld = inputs;
        m->has_label = part->label;
        if (part->label)
            memcpy(m->label, part->label + first, n * sizeof *m->label);
        if (part->target)
            memcpy(m->target, part->target + first * outputs,
                   n * outputs * sizeof *m->target);
    }
}

/* ---- Forward ---- */

/* The whole rows of a layer's outputs, padding of the last panel included. */
static asy_area area_of(const member *m, const layer *l)
{
    return (asy_area){m->rows, l->panels * ASY_BLOCK, l->ld};
}

/* z = x W + b, and relu at once when `floor` is 0. */
static void affine(const asy_pop *p, const member *m, uint32_t i, const float *x,
                   float floor, float *z)
{
    const layer *l = &p->layer[i];
    p->k->gemm->straight(&(asy_gemm){.m = m->rows,
                                     .panels = l->panels,
                                     .k = l->shape.in,
                                     .a = x,
                                     .lda = i ? p->layer[i - 1].ld : m->in_ld,
                                     .b = m->param + l->w,
                                     .ldb = ASY_BLOCK,
                                     .b_panel = (size_t)l->shape.in * ASY_BLOCK,
                                     .c = z,
                                     .ldc = l->ld,
                                     .c_panel = ASY_BLOCK,
                                     .bias = m->param + l->b,
                                     .floor = floor});
}

static asy_norm norm_of(const member *m, const layer *l)
{
    return (asy_norm){.area = area_of(m, l),
                      .gamma = m->param + l->gamma,
                      .beta = m->param + l->beta,
                      .mean = m->statistics + l->mean,
                      .var = m->statistics + l->var,
                      .gamma_grad = m->gradient + l->gamma,
                      .beta_grad = m->gradient + l->beta};
}

static void drop(const asy_pop *p, const member *m, uint32_t i)
{
    const layer *l = &p->layer[i];
    const asy_blas_trace *t = &m->trace[i];
    const float dropout = m->set.layer[i].dropout;
    p->k->random->mask(&(asy_mask){.key = m->set.key,
                                   .step = (uint32_t)m->step,
                                   .layer = i,
                                   .threshold = (uint32_t)(dropout * 4294967296.0),
                                   .scale = 1.0f / (1.0f - dropout),
                                   .area = {m->rows, l->shape.out, l->ld},
                                   .keep = t->keep});
    p->k->vec->mul_into(m->rows * l->ld, t->act, t->keep, t->out);
}

static void forward_train(asy_pop *p, member *m, uint32_t i)
{
    const layer *l = &p->layer[i];
    const asy_blas_trace *t = &m->trace[i];
    const asy_act act = m->set.layer[i].act;
    const float *x = i ? m->trace[i - 1].out : m->in;
    float *pre = t->pre ? t->pre : t->act, *z = t->normal ? t->normal : pre;
    const bool is_fused = act == ASY_ACT_RELU && z == t->act;
    affine(p, m, i, x, is_fused ? 0 : -INFINITY, z);
    if (t->normal) {
        asy_norm n = norm_of(m, l);
        n.inverse = t->inverse;
        n.normal = t->normal;
        n.y = pre;
        p->k->norm->train(&n);
    }
    if (!is_fused)
        p->k->vec->forward(act, area_of(m, l), pre, t->act);
    if (t->keep)
        drop(p, m, i);
    else if (t->out != t->act)
        memcpy(t->out, t->act, m->rows * l->ld * sizeof *t->out);
    if (l->shape.skip)
        p->k->vec->add(m->rows * l->ld, m->trace[i - l->shape.skip].out, t->out);
}

static void forward_eval(asy_pop *p, member *m, uint32_t i)
{
    const layer *l = &p->layer[i];
    const asy_act act = m->set.layer[i].act;
    const float *x = i ? m->eval[(i - 1) % p->ring] : m->in;
    float *y = m->eval[i % p->ring];
    const bool is_fused = act == ASY_ACT_RELU && !l->shape.batch_norm;
    affine(p, m, i, x, is_fused ? 0 : -INFINITY, y);
    if (l->shape.batch_norm) {
        asy_norm n = norm_of(m, l);
        n.normal = n.y = y;
        p->k->norm->eval(&n);
    }
    if (!is_fused)
        p->k->vec->forward(act, area_of(m, l), y, y);
    if (l->shape.skip)
        p->k->vec->add(m->rows * l->ld, m->eval[(i - l->shape.skip) % p->ring], y);
}

static void forward(asy_pop *p, uint32_t i, asy_pass pass)
{
    for (uint32_t j = 0; j < p->members; j++)
        if (p->member[j].is_alive)
            (pass == ASY_PASS_TRAIN ? forward_train : forward_eval)(p, &p->member[j],
                                                                    i);
}

/* ---- Loss ---- */

static void loss_member(asy_pop *p, member *m, asy_pass pass)
{
    const uint32_t last = p->shape.layers - 1;
    const bool training = pass == ASY_PASS_TRAIN;
    m->turn = 0;
    asy_loss_job job = {.loss = p->shape.loss,
                        .rows = m->rows,
                        .outputs = p->shape.outputs,
                        .ld = p->layer[last].ld,
                        .y = training ? m->trace[last].out : m->eval[last % p->ring],
                        .label = m->has_label ? m->label : NULL,
                        .target = m->target,
                        .weight = training && m->has_label ? m->weight : NULL,
                        .delta = training ? m->delta[0] : NULL,
                        .scratch = p->scratch};
    p->k->loss->run(&job);
    m->totals.loss += job.loss_sum;
    m->totals.hits += job.hits;
    m->totals.rows += m->rows;
}

static void loss(asy_pop *p, asy_pass pass)
{
    for (uint32_t i = 0; i < p->members; i++)
        if (p->member[i].is_alive)
            loss_member(p, &p->member[i], pass);
}

/* ---- Backward ---- */

/* A skip sends the delta of its layer's outputs down to those of its source too. */
static void send_down(const asy_pop *p, member *m, uint32_t source, size_t n,
                      const float *d)
{
    const uint32_t slot = source % p->ring;
    if (m->is_pending[slot])
        p->k->vec->add(n, d, m->pending[slot]);
    else
        memcpy(m->pending[slot], d, n * sizeof *d);
    m->is_pending[slot] = true;
}

static void take_pending(const asy_pop *p, member *m, uint32_t i, size_t n, float *d)
{
    const uint32_t slot = i % p->ring;
    if (m->is_pending[slot])
        p->k->vec->add(n, m->pending[slot], d);
    m->is_pending[slot] = false;
}

/* dW = x^T d + l2 W, db = column sums of d. */
static void gradients(const asy_pop *p, const member *m, uint32_t i, const float *d)
{
    const layer *l = &p->layer[i];
    const size_t n = l->shape.in * l->panels * ASY_BLOCK;
    p->k->gemm->turned(&(asy_gemm){.m = l->shape.in,
                                   .panels = l->panels,
                                   .k = m->rows,
                                   .a = i ? m->trace[i - 1].out : m->in,
                                   .lda = i ? p->layer[i - 1].ld : m->in_ld,
                                   .b = d,
                                   .ldb = l->ld,
                                   .b_panel = ASY_BLOCK,
                                   .c = m->gradient + l->w,
                                   .ldc = ASY_BLOCK,
                                   .c_panel = (size_t)l->shape.in * ASY_BLOCK,
                                   .sums = m->gradient + l->b});
    if (m->set.layer[i].l2 != 0)
        p->k->vec->add_scaled(n, m->set.layer[i].l2, m->param + l->w,
                              m->gradient + l->w);
}

/* The delta of the inputs, d W^T, into `down`. */
static void input_delta(const asy_pop *p, const member *m, uint32_t i, const float *d,
                        float *down)
{
    const layer *l = &p->layer[i], *below = &p->layer[i - 1];
    p->k->gemm->transpose(l->shape.in, l->shape.out, m->param + l->w, p->turned);
    p->k->gemm->straight(&(asy_gemm){.m = m->rows,
                                     .panels = below->panels,
                                     .k = l->shape.out,
                                     .a = d,
                                     .lda = l->ld,
                                     .b = p->turned,
                                     .ldb = ASY_BLOCK,
                                     .b_panel = (size_t)l->shape.out * ASY_BLOCK,
                                     .c = down,
                                     .ldc = below->ld,
                                     .c_panel = ASY_BLOCK,
                                     .floor = -INFINITY});
}

static void backward_member(asy_pop *p, member *m, uint32_t i)
{
    const layer *l = &p->layer[i];
    const asy_blas_trace *t = &m->trace[i];
    float *d = m->delta[m->turn];
    const size_t n = m->rows * l->ld;
    take_pending(p, m, i, n, d);
    if (l->shape.skip)
        send_down(p, m, i - l->shape.skip, n, d);
    if (t->keep)
        p->k->vec->mul(n, t->keep, d);
    p->k->vec->backward(m->set.layer[i].act, area_of(m, l), t->pre ? t->pre : t->act,
                        t->act, d);
    if (t->normal) {
        asy_norm b = norm_of(m, l);
        b.inverse = t->inverse;
        b.normal = t->normal;
        b.d = d;
        p->k->norm->backward(&b);
    }
    gradients(p, m, i, d);
    if (i > 0) {
        m->turn = !m->turn;
        input_delta(p, m, i, d, m->delta[m->turn]);
    }
}

static void backward(asy_pop *p, uint32_t i)
{
    for (uint32_t j = 0; j < p->members; j++)
        if (p->member[j].is_alive)
            backward_member(p, &p->member[j], i);
}

/* ---- Update ---- */

/* Dozat's momentum of step t, as PyTorch schedules it. */
static double nadam_momentum(double beta1, double t)
{
    return beta1 * (1 - 0.5 * pow(0.96, 0.004 * t));
}

/* Rates over the corrections for moments that started at zero. */
static void correct(member *m, double rate, asy_update *u)
{
    const asy_optim *o = &m->set.optim;
    const double t = (double)m->step + 1;
    m->beta1_power *= o->beta1;
    m->beta2_power *= o->beta2;
    u->var_scale = (float)(1 / sqrt(1 - m->beta2_power));
    if (o->kind == ASY_OPT_NADAM) {
        double now = nadam_momentum(o->beta1, t),
               next = nadam_momentum(o->beta1, t + 1);
        m->nadam *= now;
        u->gradient_rate = (float)(rate * (1 - now) / (1 - m->nadam));
        u->rate = (float)(rate * next / (1 - m->nadam * next));
    } else {
        u->rate = (float)(rate / (1 - m->beta1_power));
    }
}

/* The norm is clipped first, then each value. */
static float norm_scale(const asy_pop *p, const member *m)
{
    const float most = m->set.optim.clip_norm;
    if (!(most > 0))
        return 1;
    double norm = sqrt(p->k->vec->sum_squares(p->params, m->gradient));
    return norm > most ? (float)(most / norm) : 1;
}

static void update_member(const asy_pop *p, member *m)
{
    const asy_optim *o = &m->set.optim;
    const float rate =
        asy_schedule_rate(o, m->step, m->set.steps_per_epoch, m->set.steps_total);
    const bool decoupled = o->kind == ASY_OPT_ADAMW;
    asy_update u = {.kind = o->kind,
                    .nesterov = o->nesterov,
                    .n = p->params,
                    .p = m->param,
                    .slot1 = m->slot1,
                    .slot2 = m->slot2,
                    .g = m->gradient,
                    .scale = norm_scale(p, m),
                    .clip = o->clip_value > 0 ? o->clip_value : INFINITY,
                    .rate = rate,
                    .decay = decoupled ? 0 : o->decay,
                    .shrink = 1 - rate * o->decay,
                    .momentum = o->momentum,
                    .rho = o->rho,
                    .beta1 = o->beta1,
                    .beta2 = o->beta2,
                    .eps = o->eps};
    if (o->kind >= ASY_OPT_ADAM)
        correct(m, rate, &u);
    p->k->optim->update(&u);
    m->step++;
}

static void update(asy_pop *p)
{
    for (uint32_t i = 0; i < p->members; i++)
        if (p->member[i].is_alive)
            update_member(p, &p->member[i]);
}

/* ---- Results ---- */

static void outputs(asy_pop *p, uint32_t i, float *y)
{
    const uint32_t last = p->shape.layers - 1;
    const size_t n = p->shape.outputs, ld = p->layer[last].ld;
    const member *m = &p->member[i];
    for (size_t r = 0; r < m->rows; r++)
        memcpy(y + r * n, m->eval[last % p->ring] + r * ld, n * sizeof *y);
}

static asy_totals totals(asy_pop *p, uint32_t i) { return p->member[i].totals; }

static void totals_clear(asy_pop *p)
{
    for (uint32_t i = 0; i < p->members; i++)
        p->member[i].totals = (asy_totals){0};
}

static void member_stop(asy_pop *p, uint32_t i) { p->member[i].is_alive = false; }

const asy_backend asy_backend_blas = {.name = "blas",
                                      .pop_new = asy_blas_pop_new,
                                      .pop_free = asy_blas_pop_free,
                                      .member_set = asy_blas_member_set,
                                      .member_stop = member_stop,
                                      .write = asy_blas_write,
                                      .read = asy_blas_read,
                                      .gather_train = gather_train,
                                      .gather_eval = gather_eval,
                                      .forward = forward,
                                      .loss = loss,
                                      .backward = backward,
                                      .update = update,
                                      .outputs = outputs,
                                      .totals = totals,
                                      .totals_clear = totals_clear};
