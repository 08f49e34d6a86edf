/* reference.c - a backend in plain loops and double precision. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "reference.h"

#define BN_EPS 1e-5
#define BN_MOMENTUM 0.1

typedef struct layer_state {
    double *sum;    /* x W + b */
    double *normal; /* normalised, before gamma and beta */
    double *before; /* what the activation gets */
    double *after;  /* what it gives */
    double *mask;   /* 0 or 1 / (1 - dropout) */
    double *y;      /* the layer's output */
    double *delta;  /* dloss / dy */
    double *spread; /* [out] 1 / sqrt(var + eps) of the batch */
} layer_state;

typedef struct member_state {
    asy_member m;
    bool alive;
    uint64_t step;
    double *param, *gradient, *slot1, *slot2, *statistics;
    double mu_product; /* nadam */
    double *x, *target;
    double *weight; /* [rows] of the batch, by class */
    int32_t *label;
    layer_state *layer;
    asy_totals totals;
} member_state;

struct asy_pop {
    const asy_net_shape *s;
    uint32_t members, most_rows, rows;
    bool has_label;
    member_state *member;
};

static double *numbers(size_t n) { return asy_alloc(n + 1, sizeof(double)); }

/* ---- life ---- */

static void open_layer(layer_state *l, size_t rows, const asy_layer_shape *s)
{
    double **piece[] = {&l->sum,  &l->normal, &l->before, &l->after,
                        &l->mask, &l->y,      &l->delta};
    for (size_t i = 0; i < sizeof piece / sizeof *piece; i++)
        *piece[i] = numbers(rows * s->out);
    l->spread = numbers(s->out);
}

static void open_member(member_state *m, const asy_net_shape *s, size_t rows)
{
    m->param = numbers(s->params);
    m->gradient = numbers(s->params);
    m->slot1 = numbers(s->params);
    m->slot2 = numbers(s->params);
    m->statistics = numbers(s->statistics);
    m->x = numbers(rows * s->inputs);
    m->target = numbers(rows * s->outputs);
    m->weight = numbers(rows);
    m->label = asy_alloc(rows, sizeof *m->label);
    m->layer = asy_alloc(s->layers, sizeof *m->layer);
    for (uint32_t i = 0; i < s->layers; i++)
        open_layer(&m->layer[i], rows, &s->layer[i]);
}

static asy_err pop_new(const asy_net_shape *shape, uint32_t members, uint32_t eval_rows,
                       asy_pop **out)
{
    asy_pop *p = asy_alloc(1, sizeof *p);
    p->s = shape;
    p->members = members;
    p->most_rows = eval_rows > shape->batch ? eval_rows : shape->batch;
    p->member = asy_alloc(members, sizeof *p->member);
    for (uint32_t i = 0; i < members; i++)
        open_member(&p->member[i], shape, p->most_rows);
    *out = p;
    return ASY_OK;
}

static void close_member(member_state *m, uint32_t layers)
{
    for (uint32_t i = 0; i < layers; i++) {
        layer_state *l = &m->layer[i];
        double *piece[] = {l->sum,  l->normal, l->before, l->after,
                           l->mask, l->y,      l->delta,  l->spread};
        for (size_t k = 0; k < sizeof piece / sizeof *piece; k++)
            asy_free(piece[k]);
    }
    double *piece[] = {m->param,      m->gradient, m->slot1,  m->slot2,
                       m->statistics, m->x,        m->target, m->weight};
    for (size_t k = 0; k < sizeof piece / sizeof *piece; k++)
        asy_free(piece[k]);
    asy_free(m->label);
    asy_free(m->layer);
}

static void pop_free(asy_pop *p)
{
    if (!p)
        return;
    for (uint32_t i = 0; i < p->members; i++)
        close_member(&p->member[i], p->s->layers);
    asy_free(p->member);
    asy_free(p);
}

static asy_err member_set(asy_pop *p, uint32_t i, const asy_member *member)
{
    member_state *m = &p->member[i];
    m->m = *member;
    m->alive = true;
    m->step = 0;
    m->mu_product = 1;
    memset(m->slot1, 0, p->s->params * sizeof *m->slot1);
    memset(m->slot2, 0, p->s->params * sizeof *m->slot2);
    memset(m->gradient, 0, p->s->params * sizeof *m->gradient);
    return ASY_OK;
}

static void member_stop(asy_pop *p, uint32_t m) { p->member[m].alive = false; }

/* ---- numbers in and out ---- */

static double *role_of(asy_pop *p, uint32_t i, asy_role role, size_t *n)
{
    member_state *m = &p->member[i];
    double *at[] = {m->param, m->gradient, m->statistics, m->slot1, m->slot2};
    *n = role == ASY_ROLE_STATISTICS ? p->s->statistics : p->s->params;
    return at[role];
}

static void write_role(asy_pop *p, uint32_t m, asy_role role, const float *x)
{
    size_t n;
    double *to = role_of(p, m, role, &n);
    for (size_t i = 0; i < n; i++)
        to[i] = x[i];
}

static void read_role(asy_pop *p, uint32_t m, asy_role role, float *x)
{
    size_t n;
    const double *from = role_of(p, m, role, &n);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)from[i];
}

double *asy_reference_params(asy_pop *p, uint32_t m) { return p->member[m].param; }

double *asy_reference_gradients(asy_pop *p, uint32_t m)
{
    return p->member[m].gradient;
}

/* ---- batches ---- */

static void take_row(const asy_net_shape *s, member_state *m, const asy_part *part,
                     uint32_t to, uint32_t row)
{
    for (uint32_t i = 0; i < s->inputs; i++)
        m->x[(size_t)to * s->inputs + i] = part->x[(size_t)row * s->inputs + i];
    double *target = m->target + (size_t)to * s->outputs;
    m->weight[to] = 1;
    for (uint32_t o = 0; part->target && o < s->outputs; o++)
        target[o] = part->target[(size_t)row * s->outputs + o];
    if (!part->label)
        return;
    m->label[to] = part->label[row];
    if (m->m.class_weight)
        m->weight[to] = m->m.class_weight[m->label[to]];
    for (uint32_t o = 0; o < s->outputs; o++)
        target[o] = s->outputs == 1 ? m->label[to] : (uint32_t)m->label[to] == o;
}

static void gather_train(asy_pop *p, const asy_part *part, uint32_t epoch,
                         uint32_t step)
{
    uint32_t first = step * p->s->batch, left = part->rows - first;
    p->rows = left < p->s->batch ? left : p->s->batch;
    p->has_label = part->label != NULL;
    for (uint32_t i = 0; i < p->members; i++) {
        asy_perm perm = asy_perm_make(p->member[i].m.shuffle, epoch, part->rows);
        for (uint32_t r = 0; r < p->rows; r++)
            take_row(p->s, &p->member[i], part, r, asy_perm_at(&perm, first + r));
    }
}

static void gather_eval(asy_pop *p, const asy_part *part, uint32_t first, uint32_t n)
{
    p->rows = n;
    p->has_label = part->label != NULL;
    for (uint32_t i = 0; i < p->members; i++)
        for (uint32_t r = 0; r < n; r++) {
            take_row(p->s, &p->member[i], part, r, first + r);
            p->member[i].weight[r] = 1; /* classes weigh only in training */
        }
}

/* ---- activations ---- */

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static double gelu_inner(double x)
{
    return sqrt(2 / acos(-1.0)) * (x + 0.044715 * x * x * x);
}

static double activate(asy_act f, double x)
{
    switch (f) {
    case ASY_ACT_RELU: return x > 0 ? x : 0;
    case ASY_ACT_LEAKY_RELU: return x > 0 ? x : 0.01 * x;
    case ASY_ACT_ELU: return x > 0 ? x : expm1(x);
    case ASY_ACT_GELU: return x / 2 * (1 + tanh(gelu_inner(x)));
    case ASY_ACT_SILU: return x * sigmoid(x);
    case ASY_ACT_TANH: return tanh(x);
    case ASY_ACT_SIGMOID: return sigmoid(x);
    case ASY_ACT_SOFTPLUS: return x > 30 ? x : log1p(exp(x));
    case ASY_ACT_SOFTSIGN: return x / (1 + fabs(x));
    case ASY_ACT_HARD_SIGMOID: return fmin(fmax(x / 6 + 0.5, 0), 1);
    default: return x;
    }
}

static double slope(asy_act f, double x)
{
    double s = sigmoid(x), t = tanh(x);
    switch (f) {
    case ASY_ACT_RELU: return x > 0;
    case ASY_ACT_LEAKY_RELU: return x > 0 ? 1 : 0.01;
    case ASY_ACT_ELU: return x > 0 ? 1 : exp(x);
    case ASY_ACT_GELU: {
        double g = tanh(gelu_inner(x));
        double inner = sqrt(2 / acos(-1.0)) * (1 + 3 * 0.044715 * x * x);
        return (1 + g) / 2 + x / 2 * (1 - g * g) * inner;
    }
    case ASY_ACT_SILU: return s + x * s * (1 - s);
    case ASY_ACT_TANH: return 1 - t * t;
    case ASY_ACT_SIGMOID: return s * (1 - s);
    case ASY_ACT_SOFTPLUS: return s;
    case ASY_ACT_SOFTSIGN: return 1 / ((1 + fabs(x)) * (1 + fabs(x)));
    case ASY_ACT_HARD_SIGMOID: return fabs(x) < 3 ? 1.0 / 6 : 0;
    default: return 1;
    }
}

/* ---- forward ---- */

static void affine(const asy_layer_shape *s, const double *param, const double *x,
                   uint32_t rows, double *y)
{
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t o = 0; o < s->out; o++) {
            double sum = param[s->b + o];
            for (uint32_t i = 0; i < s->in; i++)
                sum += x[(size_t)r * s->in + i] * param[s->w + (size_t)i * s->out + o];
            y[(size_t)r * s->out + o] = sum;
        }
}

/* The mean and variance of a column: of the batch, which moves the running ones, or the
 * running ones themselves. */
static void column_statistics(member_state *m, const asy_layer_shape *s,
                              const double *x, uint32_t rows, uint32_t o, asy_pass pass,
                              double *mean, double *var)
{
    double *running_mean = &m->statistics[s->mean + o];
    double *running_var = &m->statistics[s->var + o];
    *mean = *running_mean;
    *var = *running_var;
    if (pass == ASY_PASS_EVAL)
        return;
    *mean = *var = 0;
    for (uint32_t r = 0; r < rows; r++)
        *mean += x[(size_t)r * s->out + o] / rows;
    for (uint32_t r = 0; r < rows; r++)
        *var += pow(x[(size_t)r * s->out + o] - *mean, 2) / rows;
    *running_mean += BN_MOMENTUM * (*mean - *running_mean);
    if (rows > 1) /* one row says nothing about the variance */
        *running_var += BN_MOMENTUM * (*var * rows / (rows - 1) - *running_var);
}

static void normalise(member_state *m, const asy_layer_shape *s, layer_state *l,
                      uint32_t rows, asy_pass pass)
{
    for (uint32_t o = 0; o < s->out; o++) {
        double mean, var;
        column_statistics(m, s, l->sum, rows, o, pass, &mean, &var);
        l->spread[o] = 1 / sqrt(var + BN_EPS);
        for (uint32_t r = 0; r < rows; r++) {
            size_t i = (size_t)r * s->out + o;
            l->normal[i] = (l->sum[i] - mean) * l->spread[o];
            l->before[i] =
                l->normal[i] * m->param[s->gamma + o] + m->param[s->beta + o];
        }
    }
}

static void draw_mask(const member_state *m, uint32_t layer, size_t n, asy_pass pass,
                      double *mask)
{
    float rate = m->m.layer[layer].dropout;
    for (size_t i = 0; i < n; i++) {
        uint32_t counter[4] = {(uint32_t)(i / 4), (uint32_t)m->step, ASY_STREAM_DROPOUT,
                               layer};
        uint32_t word[4];
        mask[i] = 1;
        if (pass == ASY_PASS_EVAL || rate == 0)
            continue;
        asy_philox(m->m.key, counter, word);
        bool drop = word[i % 4] < (uint32_t)(rate * 0x1p32);
        mask[i] = drop ? 0 : 1 / (1 - (double)rate);
    }
}

static void forward_member(asy_pop *p, member_state *m, uint32_t layer, asy_pass pass)
{
    const asy_layer_shape *s = &p->s->layer[layer];
    layer_state *l = &m->layer[layer];
    size_t n = (size_t)p->rows * s->out;
    affine(s, m->param, layer ? m->layer[layer - 1].y : m->x, p->rows, l->sum);
    memcpy(l->before, l->sum, n * sizeof *l->sum);
    if (s->batch_norm)
        normalise(m, s, l, p->rows, pass);
    draw_mask(m, layer, n, pass, l->mask);
    for (size_t i = 0; i < n; i++) {
        l->after[i] = activate(m->m.layer[layer].act, l->before[i]);
        l->y[i] = l->after[i] * l->mask[i];
        if (s->skip)
            l->y[i] += m->layer[layer - s->skip].y[i];
    }
    if (pass == ASY_PASS_TRAIN)
        memset(l->delta, 0, n * sizeof *l->delta);
}

static void forward(asy_pop *p, uint32_t layer, asy_pass pass)
{
    for (uint32_t i = 0; i < p->members; i++)
        if (p->member[i].alive)
            forward_member(p, &p->member[i], layer, pass);
}

/* ---- loss ---- */

static void softmax(double *y, uint32_t n)
{
    double most = y[0], sum = 0;
    for (uint32_t i = 1; i < n; i++)
        most = fmax(most, y[i]);
    for (uint32_t i = 0; i < n; i++)
        sum += y[i] = exp(y[i] - most);
    for (uint32_t i = 0; i < n; i++)
        y[i] /= sum;
}

static double error_loss(asy_loss loss, double e)
{
    if (loss == ASY_LOSS_MSE)
        return e * e;
    if (loss == ASY_LOSS_MAE)
        return fabs(e);
    return fabs(e) <= 1 ? e * e / 2 : fabs(e) - 0.5;
}

static double error_slope(asy_loss loss, double e)
{
    if (loss == ASY_LOSS_MSE)
        return 2 * e;
    if (loss == ASY_LOSS_MAE)
        return (e > 0) - (e < 0);
    return fmin(fmax(e, -1), 1);
}

/* The row's loss; y becomes probabilities, delta the slope by the layer's output. */
static double row_loss(asy_loss loss, double *y, const double *target, uint32_t n,
                       double *delta)
{
    double sum = 0;
    if (loss == ASY_LOSS_BINARY_CROSS_ENTROPY) {
        double x = y[0], t = target[0];
        y[0] = sigmoid(x);
        delta[0] = y[0] - t;
        return fmax(x, 0) - x * t + log1p(exp(-fabs(x)));
    }
    if (loss == ASY_LOSS_CROSS_ENTROPY)
        softmax(y, n);
    for (uint32_t i = 0; i < n; i++) {
        bool entropy = loss == ASY_LOSS_CROSS_ENTROPY;
        if (entropy && target[i] > 0)
            sum -= log(y[i]);
        if (!entropy)
            sum += error_loss(loss, y[i] - target[i]) / n;
        delta[i] = entropy ? y[i] - target[i] : error_slope(loss, y[i] - target[i]) / n;
    }
    return sum;
}

static bool is_hit(const double *y, uint32_t n, int32_t label)
{
    uint32_t best = 0;
    if (n == 1)
        return (y[0] > 0.5) == label;
    for (uint32_t i = 1; i < n; i++)
        if (y[i] > y[best])
            best = i;
    return best == (uint32_t)label;
}

static void loss_member(asy_pop *p, member_state *m, asy_pass pass)
{
    uint32_t n = p->s->outputs;
    layer_state *last = &m->layer[p->s->layers - 1];
    for (uint32_t r = 0; r < p->rows; r++) {
        double *y = last->y + (size_t)r * n, *delta = last->delta + (size_t)r * n;
        double loss = row_loss(p->s->loss, y, m->target + (size_t)r * n, n, delta);
        m->totals.loss += m->weight[r] * loss;
        m->totals.hits += p->has_label && is_hit(y, n, m->label[r]);
        m->totals.rows++;
        for (uint32_t o = 0; pass == ASY_PASS_TRAIN && o < n; o++)
            delta[o] *= m->weight[r] / p->rows;
    }
}

static void loss(asy_pop *p, asy_pass pass)
{
    for (uint32_t i = 0; i < p->members; i++)
        if (p->member[i].alive)
            loss_member(p, &p->member[i], pass);
}

/* ---- backward ---- */

static void backward_normal(member_state *m, const asy_layer_shape *s, layer_state *l,
                            uint32_t rows, double *d)
{
    for (uint32_t o = 0; o < s->out; o++) {
        double sum = 0, along = 0, gamma = m->param[s->gamma + o];
        for (uint32_t r = 0; r < rows; r++) {
            size_t i = (size_t)r * s->out + o;
            sum += d[i];
            along += d[i] * l->normal[i];
        }
        m->gradient[s->gamma + o] = along;
        m->gradient[s->beta + o] = sum;
        for (uint32_t r = 0; r < rows; r++) {
            size_t i = (size_t)r * s->out + o;
            d[i] = gamma * l->spread[o] *
                   (d[i] - sum / rows - l->normal[i] * along / rows);
        }
    }
}

static void backward_affine(member_state *m, const asy_layer_shape *s, const double *x,
                            const double *d, uint32_t rows, double *dx, double l2)
{
    for (uint32_t o = 0; o < s->out; o++) {
        m->gradient[s->b + o] = 0;
        for (uint32_t r = 0; r < rows; r++)
            m->gradient[s->b + o] += d[(size_t)r * s->out + o];
    }
    for (uint32_t i = 0; i < s->in; i++)
        for (uint32_t o = 0; o < s->out; o++) {
            size_t w = s->w + (size_t)i * s->out + o;
            m->gradient[w] = l2 * m->param[w];
            for (uint32_t r = 0; r < rows; r++) {
                double by = d[(size_t)r * s->out + o];
                m->gradient[w] += x[(size_t)r * s->in + i] * by;
                if (dx)
                    dx[(size_t)r * s->in + i] += m->param[w] * by;
            }
        }
}

static void backward_member(asy_pop *p, member_state *m, uint32_t layer)
{
    const asy_layer_shape *s = &p->s->layer[layer];
    layer_state *l = &m->layer[layer], *below = layer ? l - 1 : NULL;
    for (size_t i = 0; i < (size_t)p->rows * s->out; i++) {
        if (s->skip)
            m->layer[layer - s->skip].delta[i] += l->delta[i];
        l->delta[i] *= l->mask[i] * slope(m->m.layer[layer].act, l->before[i]);
    }
    if (s->batch_norm)
        backward_normal(m, s, l, p->rows, l->delta);
    backward_affine(m, s, below ? below->y : m->x, l->delta, p->rows,
                    below ? below->delta : NULL, m->m.layer[layer].l2);
}

static void backward(asy_pop *p, uint32_t layer)
{
    for (uint32_t i = 0; i < p->members; i++)
        if (p->member[i].alive)
            backward_member(p, &p->member[i], layer);
}

/* ---- update ---- */

/* What all gradients are multiplied with before each is clipped alone. */
static double norm_scale(const asy_optim *o, const double *g, size_t n)
{
    double squares = 0;
    for (size_t i = 0; i < n; i++)
        squares += g[i] * g[i];
    double norm = sqrt(squares);
    return o->clip_norm > 0 && norm > o->clip_norm ? o->clip_norm / norm : 1;
}

static double clip_value(const asy_optim *o, double g)
{
    return o->clip_value > 0 ? fmin(fmax(g, -o->clip_value), o->clip_value) : g;
}

static double mu_of(const asy_optim *o, double t)
{
    return o->beta1 * (1 - 0.5 * pow(0.96, t * 4e-3));
}

/* The step of one parameter; t counts from 1. */
static double step_of(const asy_optim *o, double g, double *a, double *b, double rate,
                      double t, double mu_product)
{
    double b1 = o->beta1, b2 = o->beta2, rho = o->rho, eps = o->eps;
    if (o->kind == ASY_OPT_SGD) {
        *a = o->momentum * *a + g;
        return rate * (o->nesterov ? g + o->momentum * *a : *a);
    }
    if (o->kind == ASY_OPT_RMSPROP) {
        *a = rho * *a + (1 - rho) * g * g;
        return rate * g / (sqrt(*a) + eps);
    }
    if (o->kind == ASY_OPT_ADAGRAD) {
        *a += g * g;
        return rate * g / (sqrt(*a) + eps);
    }
    if (o->kind == ASY_OPT_ADADELTA) {
        *a = rho * *a + (1 - rho) * g * g;
        double d = sqrt(*b + eps) / sqrt(*a + eps) * g;
        *b = rho * *b + (1 - rho) * d * d;
        return rate * d;
    }
    *a = b1 * *a + (1 - b1) * g;
    *b = b2 * *b + (1 - b2) * g * g;
    double root = sqrt(*b / (1 - pow(b2, t))) + eps;
    if (o->kind != ASY_OPT_NADAM)
        return rate * *a / (1 - pow(b1, t)) / root;
    double mu = mu_of(o, t), next = mu_of(o, t + 1);
    return rate *
           ((1 - mu) / (1 - mu_product) * g + next / (1 - mu_product * next) * *a) /
           root;
}

static void update_member(asy_pop *p, member_state *m)
{
    const asy_optim *o = &m->m.optim;
    double rate = asy_schedule_rate(o, m->step, m->m.steps_per_epoch, m->m.steps_total);
    double t = (double)++m->step;
    m->mu_product *= mu_of(o, t);
    double scale = norm_scale(o, m->gradient, p->s->params);
    for (size_t i = 0; i < p->s->params; i++) {
        bool decoupled = o->kind == ASY_OPT_ADAMW;
        double g = clip_value(o, m->gradient[i] * scale) +
                   (decoupled ? 0 : o->decay * m->param[i]);
        double by = step_of(o, g, &m->slot1[i], &m->slot2[i], rate, t, m->mu_product);
        m->param[i] -= by + (decoupled ? rate * o->decay * m->param[i] : 0);
    }
}

static void update(asy_pop *p)
{
    for (uint32_t i = 0; i < p->members; i++)
        if (p->member[i].alive)
            update_member(p, &p->member[i]);
}

/* ---- results ---- */

static void outputs(asy_pop *p, uint32_t m, float *y)
{
    const layer_state *last = &p->member[m].layer[p->s->layers - 1];
    for (size_t i = 0; i < (size_t)p->rows * p->s->outputs; i++)
        y[i] = (float)last->y[i];
}

static asy_totals totals(asy_pop *p, uint32_t m) { return p->member[m].totals; }

static void totals_clear(asy_pop *p)
{
    for (uint32_t i = 0; i < p->members; i++)
        p->member[i].totals = (asy_totals){0};
}

const asy_backend asy_backend_reference = {
    .name = "reference",
    .pop_new = pop_new,
    .pop_free = pop_free,
    .member_set = member_set,
    .member_stop = member_stop,
    .write = write_role,
    .read = read_role,
    .gather_train = gather_train,
    .gather_eval = gather_eval,
    .forward = forward,
    .loss = loss,
    .backward = backward,
    .update = update,
    .outputs = outputs,
    .totals = totals,
    .totals_clear = totals_clear,
};
