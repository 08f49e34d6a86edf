/* blas_pop.c - memory of the `blas` backend: sizes, blocks, and the plain layout. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "math/blas_pop.h"
#include <string.h>
#include "base/mem.h"

static size_t padded(size_t n) { return (n + ASY_BLOCK - 1) / ASY_BLOCK * ASY_BLOCK; }

/* Long rows take an odd number of cache lines: with a power of two, a column of them
 * would fall into a few sets of the cache. */
static size_t leading(size_t n)
{
    enum { LONG_ROW = 8 * ASY_BLOCK };
    size_t ld = padded(n);
    return ld >= LONG_ROW && ld / ASY_BLOCK % 2 == 0 ? ld + ASY_BLOCK : ld;
}

/* ---- Carving one block into pieces ---- */

/* Walked twice: first without a block to count, then with one to hand out. */
typedef struct carver {
    char *block; /* NULL while counting */
    size_t used; /* bytes, a multiple of 64 */
} carver;

static void *carve(carver *c, size_t count, size_t size)
{
    char *piece = c->block ? c->block + c->used : NULL;
    c->used += (count * size + 63) / 64 * 64;
    return piece;
}

static float *carve_floats(carver *c, size_t n) { return carve(c, n, sizeof(float)); }

/* ---- The population ---- */

static size_t place(size_t *end, size_t n)
{
    size_t at = *end;
    *end += padded(n);
    return at;
}

static void place_layer(asy_pop *p, asy_blas_layer *l, const asy_layer_shape *shape)
{
    const size_t out = padded(shape->out);
    l->shape = *shape;
    l->panels = out / ASY_BLOCK;
    l->ld = leading(shape->out);
    l->w = place(&p->params, shape->in * out);
    l->b = place(&p->params, out);
    if (shape->batch_norm) {
        l->gamma = place(&p->params, out);
        l->beta = place(&p->params, out);
        l->mean = place(&p->statistics, out);
        l->var = place(&p->statistics, out);
    }
    if (l->ld > p->widest)
        p->widest = l->ld;
    if (shape->skip >= p->ring)
        p->ring = shape->skip + 1;
}

static size_t turned_size(const asy_net_shape *shape)
{
    size_t most = 0;
    for (uint32_t i = 1; i < shape->layers; i++) {
        size_t n = padded(shape->layer[i].in) * shape->layer[i].out;
        most = n > most ? n : most;
    }
    return most;
}

static void carve_pop(asy_pop *p, carver *c, const asy_net_shape *shape)
{
    const size_t rows = p->train_rows > p->eval_rows ? p->train_rows : p->eval_rows;
    p->layer = carve(c, shape->layers, sizeof *p->layer);
    p->member = carve(c, p->members, sizeof *p->member);
    p->turned = carve_floats(c, turned_size(shape));
    p->scratch = carve_floats(c, ASY_BLOCK * padded(shape->outputs));
    p->row = carve(c, rows, sizeof *p->row);
    p->orders.row = carve(c, ASY_BLAS_ORDERS, sizeof *p->orders.row);
}

static void carve_params(asy_pop *p, carver *c)
{
    for (uint32_t m = 0; m < p->members; m++) {
        float *param = carve_floats(c, p->params);
        float *statistics = carve_floats(c, p->statistics);
        if (c->block) {
            p->member[m].param = param;
            p->member[m].statistics = statistics;
        }
    }
}

/* Sizes that follow from the shape alone; the layers' own when there is room for them.
 */
static void measure(asy_pop *p, const asy_net_shape *shape)
{
    asy_blas_layer unused;
    p->params = p->statistics = p->widest = 0;
    p->ring = 2;
    for (uint32_t i = 0; i < shape->layers; i++) {
        asy_blas_layer *l = p->layer ? &p->layer[i] : &unused;
        *l = (asy_blas_layer){0};
        place_layer(p, l, &shape->layer[i]);
    }
}

asy_err asy_blas_pop_new(const asy_net_shape *shape, uint32_t members,
                         uint32_t eval_rows, asy_pop **out)
{
    asy_pop p = {.k = asy_kernels_get(),
                 .shape = *shape,
                 .x_ld = leading(shape->inputs),
                 .train_rows = padded(shape->batch),
                 .eval_rows = padded(eval_rows),
                 .members = members};
    carver count = {0};
    carve(&count, 1, sizeof p);
    *out = NULL;
    p.shape.layer = NULL;
    measure(&p, shape);
    carve_pop(&p, &count, shape);
    carve_params(&p, &count);
    char *block = asy_try_alloc_aligned(count.used, 1);
    if (!block)
        return asy_fail(ASY_ENOMEM, "no memory for %u networks of %zu parameters",
                        members, shape->params);
    carver hand = {.block = block};
    carve(&hand, 1, sizeof p);
    carve_pop(&p, &hand, shape);
    measure(&p, shape);
    carve_params(&p, &hand);
    p.block = block;
    *out = memcpy(block, &p, sizeof p);
    return ASY_OK;
}

void asy_blas_pop_free(asy_pop *p)
{
    if (!p)
        return;
    for (uint32_t m = 0; m < p->members; m++)
        asy_free(p->member[m].block);
    asy_free(p->block);
}

/* ---- A member ---- */

static void carve_trace(const asy_pop *p, carver *c, const asy_blas_layer *l,
                        const asy_layer_setting *s, asy_blas_trace *t)
{
    const size_t n = p->train_rows * l->ld;
    *t = (asy_blas_trace){0};
    if (l->shape.batch_norm) {
        t->normal = carve_floats(c, n);
        t->inverse = carve_floats(c, l->ld);
    }
    if (asy_act_needs_input(s->act))
        t->pre = carve_floats(c, n);
    if (s->dropout > 0)
        t->keep = carve_floats(c, n);
    t->out = t->act = carve_floats(c, n);
    if (s->dropout > 0 || l->shape.skip)
        t->out = carve_floats(c, n);
}

static void carve_rings(const asy_pop *p, carver *c, asy_blas_member *m)
{
    bool skips = p->ring > 2;
    for (uint32_t i = 0; i < p->shape.layers; i++)
        skips |= p->layer[i].shape.skip > 0;
    float **pending = carve(c, p->ring, sizeof *pending);
    float **eval = carve(c, p->ring, sizeof *eval);
    m->is_pending = carve(c, p->ring, sizeof *m->is_pending);
    for (uint32_t i = 0; i < p->ring; i++) {
        float *down = skips ? carve_floats(c, p->train_rows * p->widest) : NULL;
        float *out = carve_floats(c, p->eval_rows * p->widest);
        if (c->block) {
            pending[i] = down;
            eval[i] = out;
        }
    }
    m->pending = pending;
    m->eval = eval;
}

static void carve_member(const asy_pop *p, carver *c, asy_blas_member *m)
{
    const size_t rows = p->train_rows > p->eval_rows ? p->train_rows : p->eval_rows;
    const int slots = asy_optim_slots(&m->set.optim);
    asy_blas_trace unused;
    m->gradient = carve_floats(c, p->params);
    m->slot1 = slots > 0 ? carve_floats(c, p->params) : NULL;
    m->slot2 = slots > 1 ? carve_floats(c, p->params) : NULL;
    m->trace = carve(c, p->shape.layers, sizeof *m->trace);
    m->x = carve_floats(c, p->train_rows * p->x_ld);
    for (uint32_t i = 0; i < p->shape.layers; i++)
        carve_trace(p, c, &p->layer[i], &m->set.layer[i],
                    c->block ? &m->trace[i] : &unused);
    for (int i = 0; i < 2; i++)
        m->delta[i] = carve_floats(c, p->train_rows * p->widest);
    carve_rings(p, c, m);
    m->target = carve_floats(c, rows * p->shape.outputs);
    m->weight = m->set.class_weight ? carve_floats(c, rows) : NULL;
    m->label = carve(c, rows, sizeof *m->label);
}

/* Memory is kept from one member of a slot to the next: nothing that a pass reads is
 * left over from before, so only state has to be zeroed. */
static char *room_for(asy_blas_member *m, size_t bytes)
{
    if (bytes <= m->block_bytes)
        return m->block;
    asy_free(m->block);
    m->gradient = m->slot1 = m->slot2 = NULL;
    m->block = asy_try_alloc_aligned(bytes, 1);
    m->block_bytes = m->block ? bytes : 0;
    return m->block;
}

static void zero_state(const asy_pop *p, asy_blas_member *m)
{
    const size_t bytes = p->params * sizeof(float);
    memset(m->gradient, 0, bytes);
    if (m->slot1)
        memset(m->slot1, 0, bytes);
    if (m->slot2)
        memset(m->slot2, 0, bytes);
    memset(m->is_pending, 0, p->ring * sizeof *m->is_pending);
}

asy_err asy_blas_member_set(asy_pop *p, uint32_t i, const asy_member *member)
{
    asy_blas_member *m = &p->member[i];
    asy_blas_member fresh = {.set = *member,
                             .param = m->param,
                             .statistics = m->statistics,
                             .beta1_power = 1,
                             .beta2_power = 1,
                             .nadam = 1,
                             .epoch = UINT32_MAX};
    carver count = {0};
    carve_member(p, &count, &fresh);
    m->is_alive = false;
    carver hand = {.block = room_for(m, count.used)};
    if (!hand.block)
        return asy_fail(ASY_ENOMEM,
                        "no memory to train a network of %u layers: %zu bytes",
                        p->shape.layers, count.used);
    carve_member(p, &hand, &fresh);
    fresh.block = m->block;
    fresh.block_bytes = m->block_bytes;
    fresh.is_alive = true;
    *m = fresh;
    zero_state(p, m);
    return ASY_OK;
}

/* ---- The plain layout of backend.h ---- */

/* One piece of `rows` x `n`: panels inside, row-major outside. */
typedef struct piece {
    size_t rows, n;
    float *panels, *plain;
} piece;

static void copy_piece(piece c, bool inwards)
{
    for (size_t j = 0; j < c.n; j += ASY_BLOCK) {
        size_t bytes = (c.n - j < ASY_BLOCK ? c.n - j : ASY_BLOCK) * sizeof(float);
        for (size_t r = 0; r < c.rows; r++) {
            float *panel = c.panels + j * c.rows + r * ASY_BLOCK;
            float *plain = c.plain + r * c.n + j;
            memcpy(inwards ? panel : plain, inwards ? plain : panel, bytes);
        }
    }
}

static void copy_statistics(const asy_pop *p, float *mine, float *x, bool inwards)
{
    for (uint32_t i = 0; i < p->shape.layers; i++) {
        const asy_blas_layer *l = &p->layer[i];
        const asy_layer_shape *s = &l->shape;
        if (!s->batch_norm)
            continue;
        copy_piece((piece){1, s->out, mine + l->mean, x + s->mean}, inwards);
        copy_piece((piece){1, s->out, mine + l->var, x + s->var}, inwards);
    }
}

static void copy_params(const asy_pop *p, float *mine, float *x, bool inwards)
{
    for (uint32_t i = 0; i < p->shape.layers; i++) {
        const asy_blas_layer *l = &p->layer[i];
        const asy_layer_shape *s = &l->shape;
        copy_piece((piece){s->in, s->out, mine + l->w, x + s->w}, inwards);
        copy_piece((piece){1, s->out, mine + l->b, x + s->b}, inwards);
        if (!s->batch_norm)
            continue;
        copy_piece((piece){1, s->out, mine + l->gamma, x + s->gamma}, inwards);
        copy_piece((piece){1, s->out, mine + l->beta, x + s->beta}, inwards);
    }
}

static float *role_of(const asy_blas_member *m, asy_role role)
{
    switch (role) {
    case ASY_ROLE_PARAM: return m->param;
    case ASY_ROLE_GRADIENT: return m->gradient;
    case ASY_ROLE_STATISTICS: return m->statistics;
    case ASY_ROLE_SLOT1: return m->slot1;
    default: return m->slot2;
    }
}

static void copy_role(asy_pop *p, uint32_t m, asy_role role, float *x, bool inwards)
{
    float *mine = role_of(&p->member[m], role);
    if (mine && role == ASY_ROLE_STATISTICS)
        copy_statistics(p, mine, x, inwards);
    else if (mine)
        copy_params(p, mine, x, inwards);
}

/* copy_piece() reads the plain side only when the direction is inwards. */
void asy_blas_write(asy_pop *p, uint32_t m, asy_role role, const float *x)
{
    copy_role(p, m, role, (float *)(uintptr_t)x, true);
}

void asy_blas_read(asy_pop *p, uint32_t m, asy_role role, float *x)
{
    if (!role_of(&p->member[m], role))
        memset(x, 0, p->shape.params * sizeof *x);
    copy_role(p, m, role, x, false);
}
