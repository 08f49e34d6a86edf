/* loss_kernel.c - value, hits and delta of a batch in one go, V rows at a time.
 *
 * Rows are turned into lanes: V rows of outputs are transposed into `scratch`, where
 * output j of all of them is one vector. So no sum, maximum or arg-max ever runs across
 * a vector, however few outputs there are.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "math/elementary.h"
#include "math/kernels.h"

/* V rows of the batch on their way through a loss. */
typedef struct lanes {
    const asy_loss_job *job;
    float *y;     /* [outputs][V]: outputs, then whatever replaces them */
    size_t row;   /* the first of the V rows */
    vi label;     /* -1 where rows have targets */
    vf weight;    /* of the row in the loss */
    vf share;     /* of the row in the mean: weight / rows */
    vf best, arg; /* largest output and its number */
    vf loss;
} lanes;

static void turn_in(const lanes *l)
{
    const asy_loss_job *job = l->job;
    for (size_t j = 0; j < job->outputs; j += V) {
        vf t[V];
        for (size_t i = 0; i < V; i++)
            t[i] = vf_load(job->y + (l->row + i) * job->ld + j);
        vf_transpose(t);
        for (size_t i = 0; i < V; i++)
            vf_store(l->y + (j + i) * V, t[i]);
    }
}

/* Writes the scratch to rows of `to`; the padding past the outputs becomes 0. */
static void turn_out(const lanes *l, float *to)
{
    const asy_loss_job *job = l->job;
    const size_t padded = (job->outputs + BLOCK - 1) / BLOCK * BLOCK;
    for (size_t j = 0; j < padded; j += V) {
        vf t[V];
        for (size_t i = 0; i < V; i++)
            t[i] = j + i < job->outputs ? vf_load(l->y + (j + i) * V) : vf_zero();
        vf_transpose(t);
        for (size_t i = 0; i < V; i++)
            vf_store(to + (l->row + i) * job->ld + j, t[i]);
    }
}

/* 1 in lanes whose label is class j, else 0; or the j-th target. */
INLINE vf target(const lanes *l, size_t j)
{
    const asy_loss_job *job = l->job;
    if (job->label)
        return vf_if(vi_eq(l->label, vi_set((int32_t)j)), vf_set(1.0f), vf_zero());
    float t[V];
    for (size_t i = 0; i < V; i++)
        t[i] = job->target[(l->row + i) * job->outputs + j];
    return vf_load(t);
}

static void find_best(lanes *l)
{
    l->best = vf_load(l->y);
    l->arg = vf_zero();
    for (size_t j = 1; j < l->job->outputs; j++) {
        vf y = vf_load(l->y + j * V);
        vm better = vf_lt(l->best, y);
        l->best = vf_if(better, y, l->best);
        l->arg = vf_if(better, vf_set((float)j), l->arg);
    }
    if (l->job->outputs == 1) { /* the sign decides between class 0 and 1 */
        vf edge = vf_zero();
        l->arg = vf_if(vf_lt(edge, l->best), vf_set(1.0f), vf_zero());
    }
}

/* p = softmax(y), loss = -log p[label], delta = (p - target) share. */
static void cross_entropy(lanes *l)
{
    const size_t n = l->job->outputs;
    vf sum = vf_zero(), at_label = vf_zero();
    for (size_t j = 0; j < n; j++) {
        vf z = vf_sub(vf_load(l->y + j * V), l->best), e = vexp(z);
        at_label = vf_if(vi_eq(l->label, vi_set((int32_t)j)), z, at_label);
        sum = vf_add(sum, e);
        vf_store(l->y + j * V, e);
    }
    l->loss = vf_sub(log_normal(sum), at_label);
    vf inverse = vf_div(vf_set(1.0f), sum);
    for (size_t j = 0; j < n; j++) {
        vf p = vf_mul(vf_load(l->y + j * V), inverse);
        if (l->job->delta)
            p = vf_mul(vf_sub(p, target(l, j)), l->share);
        vf_store(l->y + j * V, p);
    }
}

/* p = sigmoid(y), loss = log(1 + e^y) - t y, delta = (p - t) share. */
static void binary_cross_entropy(lanes *l)
{
    vf y = vf_load(l->y), t = vi_value(l->label), p = vsigmoid(y);
    l->loss = vf_fnma(t, y, vsoftplus(y));
    vf_store(l->y, l->job->delta ? vf_mul(vf_sub(p, t), l->share) : p);
}

/* One output's share of the loss and the slope, for the losses of y - t. */
INLINE vf distance(asy_loss loss, vf e, vf *slope)
{
    vf size = vf_abs(e), one = vf_set(1.0f);
    vf sign = vf_if(vf_eq(e, vf_zero()), e, vf_with_sign(one, vf_sign_of(e)));
    vm near = vf_lt(size, one);
    switch (loss) {
    case ASY_LOSS_MAE: *slope = vf_if(vf_eq(e, e), sign, e); return size;
    case ASY_LOSS_HUBER:
        *slope = vf_if(near, e, vf_if(vf_eq(e, e), sign, e));
        return vf_if(near, vf_mul(vf_set(0.5f), vf_mul(e, e)),
                     vf_sub(size, vf_set(0.5f)));
    default: *slope = vf_add(e, e); return vf_mul(e, e);
    }
}

static void distances(lanes *l)
{
    const size_t n = l->job->outputs;
    vf part = vf_set(1.0f / (float)n), share = vf_mul(l->share, part);
    l->loss = vf_zero();
    for (size_t j = 0; j < n; j++) {
        vf slope, e = vf_sub(vf_load(l->y + j * V), target(l, j));
        l->loss = vf_fma(distance(l->job->loss, e, &slope), part, l->loss);
        if (l->job->delta)
            vf_store(l->y + j * V, vf_mul(slope, share));
    }
}

static lanes open_lanes(const asy_loss_job *job, size_t row)
{
    lanes l = {.job = job, .y = job->scratch, .row = row, .label = vi_set(-1)};
    if (job->label)
        l.label = vi_load(job->label + row);
    l.weight = job->weight ? vf_load(job->weight + row) : vf_set(1.0f);
    l.share = vf_div(l.weight, vf_set((float)job->rows));
    return l;
}

/* Adds up the lanes that hold rows of the batch. */
static void count(asy_loss_job *job, const lanes *l)
{
    static const float lane[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                   8, 9, 10, 11, 12, 13, 14, 15};
    vf one = vf_set(1.0f), zero = vf_zero();
    vm valid = vf_lt(vf_load(lane), vf_set((float)(job->rows - l->row)));
    vf hit = vf_if(vf_eq(l->arg, vi_value(l->label)), one, zero);
    job->loss_sum += vf_sum(vf_if(valid, vf_mul(l->loss, l->weight), zero));
    job->hits += (size_t)vf_sum(vf_if(valid, hit, zero));
}

static void run(asy_loss_job *job)
{
    job->loss_sum = 0;
    job->hits = 0;
    for (size_t row = 0; row < job->rows; row += V) {
        lanes l = open_lanes(job, row);
        turn_in(&l);
        find_best(&l);
        switch (job->loss) {
        case ASY_LOSS_CROSS_ENTROPY: cross_entropy(&l); break;
        case ASY_LOSS_BINARY_CROSS_ENTROPY: binary_cross_entropy(&l); break;
        default: distances(&l); break;
        }
        count(job, &l);
        if (job->delta)
            turn_out(&l, job->delta);
        else if (job->loss <= ASY_LOSS_BINARY_CROSS_ENTROPY)
            turn_out(&l, job->y);
    }
}

const asy_loss_kernels ASY_ISA_NAME(asy_loss_kernels) = {.run = run};
