/* test_backend.c - the blas backend against double-precision training, step by step.
 *
 * Runs once for each instruction set (see CMakeLists.txt). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/mem.h"
#include "math/backend.h"
#include "reference.h"

enum { MAX_LAYERS = 48, MAX_CLASSES = 8 };

/* A network, its data and its settings; start from a default and change what matters.
 */
typedef struct net_case {
    uint32_t rows, inputs, outputs, batch, depth, width, eval_rows;
    asy_loss loss;
    asy_act act, output_act;
    asy_optim optim;
    bool batch_norm, has_targets;
    uint32_t skip, every; /* layers every, 2 every, ... add the one `skip` below */
    float dropout, l2;
    const float *class_weight;
    uint32_t steps;
} net_case;

static net_case plain_case(void)
{
    return (net_case){.rows = 21,
                      .inputs = 5,
                      .outputs = 3,
                      .batch = 8,
                      .depth = 2,
                      .width = 7,
                      .eval_rows = 6,
                      .act = ASY_ACT_TANH,
                      .optim = asy_optim_default(ASY_OPT_ADAM),
                      .every = 1,
                      .steps = 6};
}

/* A case made ready: shape, settings, data, a start. */
typedef struct setup {
    net_case c;
    asy_layer_shape layer[MAX_LAYERS];
    asy_layer_setting setting[MAX_LAYERS];
    asy_net_shape shape;
    asy_member member;
    asy_part part;
    float *x, *target, *start;
    int32_t *label;
} setup;

static size_t place(size_t *end, size_t n)
{
    *end += n;
    return *end - n;
}

static void make_layer(setup *s, uint32_t i)
{
    const net_case *c = &s->c;
    const bool last = i == c->depth;
    asy_layer_shape *l = &s->layer[i];
    l->in = i ? c->width : c->inputs;
    l->out = last ? c->outputs : c->width;
    l->w = place(&s->shape.params, (size_t)l->in * l->out);
    l->b = place(&s->shape.params, l->out);
    l->batch_norm = c->batch_norm && !last;
    if (l->batch_norm) {
        l->gamma = place(&s->shape.params, l->out);
        l->beta = place(&s->shape.params, l->out);
        l->mean = place(&s->shape.statistics, l->out);
        l->var = place(&s->shape.statistics, l->out);
    }
    if (c->skip && !last && i >= c->skip && i % c->every == 0)
        l->skip = c->skip;
    s->setting[i] = (asy_layer_setting){.act = last ? c->output_act : c->act,
                                        .dropout = last ? 0 : c->dropout,
                                        .l2 = c->l2};
}

static void make_data(setup *s, asy_rng *rng)
{
    const net_case *c = &s->c;
    const uint32_t classes = c->outputs > 1 ? c->outputs : 2;
    s->x = calloc((size_t)c->rows * c->inputs, sizeof *s->x);
    s->label = calloc(c->rows, sizeof *s->label);
    s->target = calloc((size_t)c->rows * c->outputs, sizeof *s->target);
    for (uint32_t i = 0; i < c->rows; i++) {
        s->label[i] = (int32_t)asy_rng_below(rng, classes);
        for (uint32_t j = 0; j < c->inputs; j++)
            s->x[i * c->inputs + j] = (float)asy_rng_normal(rng);
        for (uint32_t j = 0; j < c->outputs; j++)
            s->target[i * c->outputs + j] = (float)(2 * asy_rng_normal(rng));
    }
    s->part = (asy_part){.rows = c->rows,
                         .x = s->x,
                         .label = c->has_targets ? NULL : s->label,
                         .target = c->has_targets ? s->target : NULL};
}

static void make_start(setup *s, asy_rng *rng)
{
    s->start = calloc(s->shape.params, sizeof *s->start);
    for (uint32_t i = 0; i < s->shape.layers; i++) {
        const asy_layer_shape *l = &s->layer[i];
        const double scale = 1 / sqrt(l->in);
        for (size_t k = 0; k < (size_t)l->in * l->out; k++)
            s->start[l->w + k] = (float)(scale * asy_rng_normal(rng));
        for (uint32_t k = 0; k < l->out; k++)
            s->start[l->b + k] = (float)(0.1 * asy_rng_normal(rng));
        for (uint32_t k = 0; l->batch_norm && k < l->out; k++) {
            s->start[l->gamma + k] = (float)(1 + 0.1 * asy_rng_normal(rng));
            s->start[l->beta + k] = (float)(0.1 * asy_rng_normal(rng));
        }
    }
}

static setup *make(net_case c)
{
    setup *s = calloc(1, sizeof *s);
    asy_rng rng = asy_rng_open(asy_rng_key(11, c.width), ASY_STREAM_INIT, c.depth);
    const uint64_t per_epoch = (c.rows + c.batch - 1) / c.batch;
    s->c = c;
    s->shape = (asy_net_shape){.inputs = c.inputs,
                               .outputs = c.outputs,
                               .layers = c.depth + 1,
                               .layer = s->layer,
                               .batch = c.batch,
                               .loss = c.loss};
    for (uint32_t i = 0; i <= c.depth; i++)
        make_layer(s, i);
    s->member = (asy_member){.key = asy_rng_key(1, 2),
                             .shuffle = asy_rng_key(3, 4),
                             .optim = c.optim,
                             .steps_per_epoch = per_epoch,
                             .steps_total = 4 * per_epoch,
                             .layer = s->setting,
                             .class_weight = c.class_weight};
    make_data(s, &rng);
    make_start(s, &rng);
    return s;
}

static void unmake(setup *s)
{
    free(s->x);
    free(s->label);
    free(s->target);
    free(s->start);
    free(s);
}

/* ---- Moving numbers between the two ---- */

static const asy_backend *const backend = &asy_backend_blas;

static void pull(asy_pop *p, asy_role role, double *to, size_t n)
{
    float *x = calloc(n ? n : 1, sizeof *x);
    backend->read(p, 0, role, x);
    for (size_t i = 0; i < n; i++)
        to[i] = x[i];
    free(x);
}

static void follow(asy_pop *p, ref_net *r)
{
    pull(p, ASY_ROLE_PARAM, r->p, r->shape->params);
    pull(p, ASY_ROLE_SLOT1, r->s1, r->shape->params);
    pull(p, ASY_ROLE_SLOT2, r->s2, r->shape->params);
    pull(p, ASY_ROLE_STATISTICS, r->stat, r->shape->statistics);
}

/* Fails when any |backend - reference| is over tolerance times the largest |reference|.
 */
static void assert_close(asy_pop *p, asy_role role, const double *expected, size_t n,
                         double tolerance)
{
    double *x = ref_zeros(n), largest = 1e-12;
    pull(p, role, x, n);
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(expected[i]));
    for (size_t i = 0; i < n; i++)
        if (!(fabs(x[i] - expected[i]) <= tolerance * largest))
            fail_msg("role %d, number %zu of %zu: %.9g, expected %.9g", role, i, n,
                     x[i], expected[i]);
    free(x);
}

static void step_backend(asy_pop *p, const setup *s, uint32_t epoch, uint32_t step)
{
    backend->gather_train(p, &s->part, epoch, step);
    for (uint32_t i = 0; i < s->shape.layers; i++)
        backend->forward(p, i, ASY_PASS_TRAIN);
    backend->loss(p, ASY_PASS_TRAIN);
    for (uint32_t i = s->shape.layers; i-- > 0;)
        backend->backward(p, i);
}

static void compare_totals(asy_pop *p, const ref_net *r)
{
    asy_totals t = backend->totals(p, 0);
    assert_int_equal(t.rows, r->rows);
    assert_int_equal(t.hits, r->hits);
    assert_true(fabs(t.loss - r->loss_sum) <= 2e-5 * (fabs(r->loss_sum) + r->rows));
}

static asy_pop *start(const setup *s, uint32_t members)
{
    asy_pop *p;
    assert_int_equal(backend->pop_new(&s->shape, members, s->c.eval_rows, &p), ASY_OK);
    for (uint32_t m = 0; m < members; m++) {
        assert_int_equal(backend->member_set(p, m, &s->member), ASY_OK);
        backend->write(p, m, ASY_ROLE_PARAM, s->start);
    }
    return p;
}

/* Each step starts from the backend's state, so errors do not add up; the update starts
 * from the backend's gradient, since adam turns a tiny difference there into a whole
 * step. */
static void compare_training(asy_pop *p, ref_net *r, const setup *s)
{
    const uint32_t per_epoch = (uint32_t)s->member.steps_per_epoch;
    for (uint32_t t = 0; t < s->c.steps; t++) {
        backend->totals_clear(p);
        follow(p, r);
        ref_gather_train(r, &s->part, t / per_epoch, t % per_epoch);
        step_backend(p, s, t / per_epoch, t % per_epoch);
        ref_pass(r);
        compare_totals(p, r);
        assert_close(p, ASY_ROLE_GRADIENT, r->g, s->shape.params, 4e-5);
        assert_close(p, ASY_ROLE_STATISTICS, r->stat, s->shape.statistics, 1e-5);
        pull(p, ASY_ROLE_GRADIENT, r->g, s->shape.params);
        backend->update(p);
        ref_update(r);
        assert_close(p, ASY_ROLE_PARAM, r->p, s->shape.params, 2e-6);
        if (asy_optim_slots(&s->member.optim) > 0)
            assert_close(p, ASY_ROLE_SLOT1, r->s1, s->shape.params, 1e-5);
        if (asy_optim_slots(&s->member.optim) > 1)
            assert_close(p, ASY_ROLE_SLOT2, r->s2, s->shape.params, 1e-5);
    }
}

static void compare_outputs(asy_pop *p, const ref_net *r)
{
    const uint32_t n = r->shape->outputs;
    const double *out = r->layer[r->shape->layers - 1].out;
    float *y = calloc((size_t)r->rows * n, sizeof *y);
    backend->outputs(p, 0, y);
    for (uint32_t row = 0; row < r->rows; row++) {
        double sum = 0;
        for (uint32_t j = 0; j < n; j++)
            sum += exp(out[row * n + j]);
        for (uint32_t j = 0; j < n; j++) {
            double expected = out[row * n + j];
            if (r->shape->loss == ASY_LOSS_CROSS_ENTROPY)
                expected = exp(expected) / sum;
            if (r->shape->loss == ASY_LOSS_BINARY_CROSS_ENTROPY)
                expected = ref_sigmoid(expected);
            assert_true(fabs(y[row * n + j] - expected) <= 2e-5 * (1 + fabs(expected)));
        }
    }
    free(y);
}

static void compare_evaluation(asy_pop *p, ref_net *r, const setup *s)
{
    const uint32_t last = s->shape.layers;
    follow(p, r);
    for (uint32_t first = 0; first < s->c.rows; first += s->c.eval_rows) {
        uint32_t left = s->c.rows - first;
        uint32_t n = left < s->c.eval_rows ? left : s->c.eval_rows;
        backend->totals_clear(p);
        backend->gather_eval(p, &s->part, first, n);
        ref_gather_eval(r, &s->part, first, n);
        r->loss_sum = 0;
        r->hits = 0;
        for (uint32_t i = 0; i < last; i++) {
            backend->forward(p, i, ASY_PASS_EVAL);
            ref_forward(r, i, false);
        }
        backend->loss(p, ASY_PASS_EVAL);
        ref_loss(r);
        compare_totals(p, r);
        compare_outputs(p, r);
    }
}

/* Central differences of the reference against its own gradients. */
static void check_gradients(ref_net *r)
{
    const double h = 1e-5;
    const size_t n = r->shape->params, stride = n / 97 + 1;
    ref_pass(r);
    double *g = ref_zeros(n), largest = 1e-9;
    memcpy(g, r->g, n * sizeof *g);
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(g[i]));
    for (size_t i = 0; i < n; i += stride) {
        double old = r->p[i];
        r->p[i] = old + h;
        double up = ref_objective(r);
        r->p[i] = old - h;
        double slope = (up - ref_objective(r)) / (2 * h);
        r->p[i] = old;
        if (!(fabs(slope - g[i]) <= 1e-5 * largest + 1e-8))
            fail_msg("gradient %zu of %zu: %.9g, difference says %.9g", i, n, g[i],
                     slope);
    }
    free(g);
}

static void check(net_case c)
{
    setup *s = make(c);
    asy_pop *p = start(s, 1);
    const uint32_t room = c.batch > c.eval_rows ? c.batch : c.eval_rows;
    ref_net *r = ref_new(&s->shape, &s->member, room);
    follow(p, r);
    ref_gather_train(r, &s->part, 0, 0);
    check_gradients(r);
    compare_training(p, r, s);
    compare_evaluation(p, r, s);
    ref_free(r);
    backend->pop_free(p);
    unmake(s);
}

/* ---- The cases ---- */

static void test_activations(void **state)
{
    (void)state;
    for (int f = 0; f < ASY_ACT_COUNT; f++) {
        net_case c = plain_case();
        c.act = (asy_act)f;
        check(c);
    }
}

static void test_losses_of_classes(void **state)
{
    (void)state;
    for (int loss = 0; loss < ASY_LOSS_COUNT; loss++) {
        net_case c = plain_case();
        c.loss = (asy_loss)loss;
        c.outputs = loss == ASY_LOSS_BINARY_CROSS_ENTROPY ? 1 : 3;
        c.output_act =
            loss > ASY_LOSS_BINARY_CROSS_ENTROPY ? ASY_ACT_TANH : ASY_ACT_LINEAR;
        check(c);
    }
}

static void test_losses_of_targets(void **state)
{
    (void)state;
    for (int loss = ASY_LOSS_MSE; loss < ASY_LOSS_COUNT; loss++)
        for (uint32_t outputs = 1; outputs < 4; outputs += 2) {
            net_case c = plain_case();
            c.loss = (asy_loss)loss;
            c.outputs = outputs;
            c.has_targets = true;
            check(c);
        }
}

static void test_optimizers(void **state)
{
    (void)state;
    for (int kind = 0; kind < ASY_OPT_COUNT; kind++)
        for (int decayed = 0; decayed < 2; decayed++) {
            net_case c = plain_case();
            c.optim = asy_optim_default((asy_optimizer)kind);
            c.optim.decay = decayed ? 0.03f : 0;
            c.steps = 12;
            check(c);
        }
}

static void test_momentum(void **state)
{
    (void)state;
    for (int nesterov = 0; nesterov < 2; nesterov++) {
        net_case c = plain_case();
        c.optim = asy_optim_default(ASY_OPT_SGD);
        c.optim.momentum = 0.9f;
        c.optim.nesterov = nesterov;
        check(c);
    }
}

static void test_clipping(void **state)
{
    (void)state;
    for (int both = 0; both < 3; both++) {
        net_case c = plain_case();
        c.optim = asy_optim_default(ASY_OPT_SGD);
        c.optim.clip_norm = both != 1 ? 0.05f : 0;
        c.optim.clip_value = both != 0 ? 0.01f : 0;
        check(c);
    }
}

static void test_schedules(void **state)
{
    (void)state;
    for (int kind = 0; kind < ASY_SCHEDULE_COUNT; kind++)
        for (uint32_t warmup = 0; warmup < 8; warmup += 4) {
            net_case c = plain_case();
            c.optim.schedule = (asy_schedule){.kind = (asy_schedule_kind)kind,
                                              .factor = 0.5f,
                                              .every = 2,
                                              .floor = 1e-4f,
                                              .warmup = warmup};
            c.steps = 12;
            check(c);
        }
}

static void test_batch_norm(void **state)
{
    (void)state;
    for (int act = 0; act < ASY_ACT_COUNT; act++) {
        net_case c = plain_case();
        c.batch_norm = true;
        c.act = (asy_act)act;
        check(c);
    }
    net_case last_of_one = plain_case(); /* the last batch holds one row */
    last_of_one.batch_norm = true;
    last_of_one.rows = 17;
    check(last_of_one);
}

static void test_dropout(void **state)
{
    (void)state;
    for (int act = 0; act < ASY_ACT_COUNT; act++) {
        net_case c = plain_case();
        c.dropout = 0.3f;
        c.act = (asy_act)act;
        c.width = 37;
        check(c);
    }
}

static void test_skips(void **state)
{
    (void)state;
    for (uint32_t skip = 1; skip < 5; skip++)
        for (uint32_t every = 1; every < 4; every++) {
            net_case c = plain_case();
            c.depth = 7;
            c.skip = skip;
            c.every = every;
            check(c);
        }
}

static void test_l2(void **state)
{
    (void)state;
    net_case c = plain_case();
    c.l2 = 0.05f;
    check(c);
}

static void test_class_weights(void **state)
{
    (void)state;
    static const float weight[3] = {0.25f, 1, 4};
    const asy_loss losses[] = {ASY_LOSS_CROSS_ENTROPY, ASY_LOSS_MSE,
                               ASY_LOSS_BINARY_CROSS_ENTROPY};
    for (int i = 0; i < 3; i++) {
        net_case c = plain_case();
        c.loss = losses[i];
        c.outputs = i == 2 ? 1 : 3;
        c.class_weight = weight;
        check(c);
    }
}

static void test_everything_together(void **state)
{
    (void)state;
    static const float weight[4] = {0.5f, 1, 2, 1};
    for (int act = 0; act < ASY_ACT_COUNT; act++) {
        net_case c = plain_case();
        c.depth = 6;
        c.width = 19;
        c.outputs = 4;
        c.act = (asy_act)act;
        c.batch_norm = true;
        c.dropout = 0.2f;
        c.l2 = 0.01f;
        c.skip = 2;
        c.class_weight = weight;
        c.optim = asy_optim_default(ASY_OPT_NADAM);
        c.optim.clip_norm = 1;
        check(c);
    }
}

static void test_shapes(void **state)
{
    (void)state;
    const uint32_t shapes[][6] = {/* rows inputs outputs batch depth width */
                                  {9, 3, 4, 4, 0, 1},       {5, 1, 2, 1, 1, 1},
                                  {40, 33, 17, 40, 1, 70},  {70, 16, 26, 64, 2, 48},
                                  {33, 64, 10, 32, 1, 129}, {20, 4, 3, 16, 40, 4},
                                  {30, 17, 33, 29, 2, 31},  {26, 5, 2, 13, 1, 160}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const uint32_t *n = shapes[i];
        net_case c = plain_case();
        c.rows = n[0];
        c.inputs = n[1];
        c.outputs = n[2];
        c.batch = n[3];
        c.depth = n[4];
        c.width = n[5];
        c.eval_rows = 7;
        c.steps = 3;
        c.act = i % 2 ? ASY_ACT_RELU : ASY_ACT_TANH;
        check(c);
    }
}

/* ---- Members ---- */

static void train_some(asy_pop *p, const setup *s)
{
    for (uint32_t t = 0; t < s->c.steps; t++) {
        step_backend(p, s, t / 3, t % 3);
        backend->update(p);
    }
}

/* Three different members together give the bits each gives alone. */
static void test_members_do_not_mix(void **state)
{
    (void)state;
    net_case cases[3] = {plain_case(), plain_case(), plain_case()};
    cases[1].act = ASY_ACT_GELU;
    cases[1].dropout = 0.4f;
    cases[2].optim = asy_optim_default(ASY_OPT_ADADELTA);
    cases[2].l2 = 0.1f;
    setup *s[3] = {make(cases[0]), make(cases[1]), make(cases[2])};
    const size_t bytes = s[0]->shape.params * sizeof(float);
    asy_pop *together = start(s[0], 3);
    float *a = malloc(bytes), *b = malloc(bytes);
    for (uint32_t m = 1; m < 3; m++)
        assert_int_equal(backend->member_set(together, m, &s[m]->member), ASY_OK);
    train_some(together, s[0]);
    for (uint32_t m = 0; m < 3; m++) {
        asy_pop *alone = start(s[m], 1);
        train_some(alone, s[m]);
        backend->read(together, m, ASY_ROLE_PARAM, a);
        backend->read(alone, 0, ASY_ROLE_PARAM, b);
        assert_memory_equal(a, b, bytes);
        backend->pop_free(alone);
        unmake(s[m]);
    }
    free(a);
    free(b);
    backend->pop_free(together);
}

/* Whatever a slot held before, the next member gives the bits it gives in a new one:
 * another activation, order of rows, optimizer, and memory of another size. */
static void test_a_slot_is_used_again(void **state)
{
    (void)state;
    net_case cases[4] = {plain_case(), plain_case(), plain_case(), plain_case()};
    cases[1].act = ASY_ACT_GELU;
    cases[1].dropout = 0.4f;
    cases[2].optim = asy_optim_default(ASY_OPT_SGD);
    cases[3].output_act = ASY_ACT_SILU;
    asy_pop *used = NULL;
    for (int i = 0; i < 4; i++) {
        setup *s = make(cases[i]);
        s->member.shuffle = asy_rng_key(7, (uint64_t)i / 2);
        const size_t bytes = s->shape.params * sizeof(float);
        float *a = malloc(bytes), *b = malloc(bytes);
        asy_pop *fresh = start(s, 1);
        if (!used)
            used = start(s, 1);
        assert_int_equal(backend->member_set(used, 0, &s->member), ASY_OK);
        backend->write(used, 0, ASY_ROLE_PARAM, s->start);
        train_some(used, s);
        train_some(fresh, s);
        backend->read(used, 0, ASY_ROLE_PARAM, a);
        backend->read(fresh, 0, ASY_ROLE_PARAM, b);
        assert_memory_equal(a, b, bytes);
        backend->pop_free(fresh);
        free(a);
        free(b);
        unmake(s);
    }
    backend->pop_free(used);
}

static void test_a_stopped_member_stands_still(void **state)
{
    (void)state;
    setup *s = make(plain_case());
    asy_pop *p = start(s, 2);
    const size_t bytes = s->shape.params * sizeof(float);
    float *x = malloc(bytes);
    backend->member_stop(p, 1);
    train_some(p, s);
    backend->read(p, 1, ASY_ROLE_PARAM, x);
    assert_memory_equal(x, s->start, bytes);
    backend->read(p, 0, ASY_ROLE_PARAM, x);
    assert_memory_not_equal(x, s->start, bytes);
    assert_int_equal(backend->totals(p, 1).rows, 0);
    /* Set again, it starts afresh from its parameters. */
    assert_int_equal(backend->member_set(p, 1, &s->member), ASY_OK);
    backend->read(p, 1, ASY_ROLE_PARAM, x);
    assert_memory_equal(x, s->start, bytes);
    free(x);
    backend->pop_free(p);
    unmake(s);
}

static void test_a_broken_number_shows(void **state)
{
    (void)state;
    for (int loss = 0; loss < ASY_LOSS_COUNT; loss++) {
        net_case c = plain_case();
        c.loss = (asy_loss)loss;
        c.outputs = loss == ASY_LOSS_BINARY_CROSS_ENTROPY ? 1 : 3;
        setup *s = make(c);
        s->start[s->layer[2].w + 1] = NAN; /* reaches one output only */
        asy_pop *p = start(s, 1);
        step_backend(p, s, 0, 0);
        assert_true(isnan(backend->totals(p, 0).loss));
        backend->pop_free(p);
        unmake(s);
    }
}

static void test_memory_refused(void **state)
{
    (void)state;
    setup *s = make(plain_case());
    asy_pop *p = (asy_pop *)s;
    asy_alloc_fail_after(0);
    assert_int_equal(backend->pop_new(&s->shape, 1, 4, &p), ASY_ENOMEM);
    assert_null(p);
    asy_alloc_fail_after(1);
    assert_int_equal(backend->pop_new(&s->shape, 1, 4, &p), ASY_OK);
    assert_int_equal(backend->member_set(p, 0, &s->member), ASY_ENOMEM);
    asy_alloc_fail_after(-1);
    backend->pop_free(p);
    backend->pop_free(NULL);
    unmake(s);
}

static void test_find(void **state)
{
    (void)state;
    assert_ptr_equal(asy_backend_find("blas"), backend);
    assert_null(asy_backend_find("abacus"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_losses_of_classes),
        cmocka_unit_test(test_losses_of_targets),
        cmocka_unit_test(test_optimizers),
        cmocka_unit_test(test_momentum),
        cmocka_unit_test(test_clipping),
        cmocka_unit_test(test_schedules),
        cmocka_unit_test(test_batch_norm),
        cmocka_unit_test(test_dropout),
        cmocka_unit_test(test_skips),
        cmocka_unit_test(test_l2),
        cmocka_unit_test(test_class_weights),
        cmocka_unit_test(test_everything_together),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_members_do_not_mix),
        cmocka_unit_test(test_a_slot_is_used_again),
        cmocka_unit_test(test_a_stopped_member_stands_still),
        cmocka_unit_test(test_a_broken_number_shows),
        cmocka_unit_test(test_memory_refused),
        cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
