/* test_parity.c - the blas backend against the float64 reference, step by step. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "nn/loop.h"
#include "reference.h"
#include "sample.h"

typedef struct pair {
    sample_net fast, slow;
    asy_design *parsed; /* the populations borrow from it */
    const char *design;
} pair;

static void open_pair(pair *p, const char *design, const asy_tensors *data)
{
    p->design = design;
    p->parsed = sample_design(design);
    sample_net_open(&p->fast, &asy_backend_blas, p->parsed, data, 11);
    sample_net_open(&p->slow, &asy_backend_reference, p->parsed, data, 11);
}

static void close_pair(pair *p)
{
    sample_net_close(&p->fast);
    sample_net_close(&p->slow);
    asy_design_free(p->parsed);
}

/* |a - b| against the largest number there: small ones may drown in float's rounding.
 */
static void compare(const pair *p, asy_role role, const char *what, int step,
                    double tol)
{
    const asy_net_shape *s = &p->fast.plan.shape;
    size_t n = role == ASY_ROLE_STATISTICS ? s->statistics : s->params;
    float *a = asy_alloc(n + 1, sizeof *a), *b = asy_alloc(n + 1, sizeof *b);
    p->fast.backend->read(p->fast.pop, 0, role, a);
    p->slow.backend->read(p->slow.pop, 0, role, b);
    double most = 1e-3;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs(b[i]));
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)a[i] - b[i]) <= tol * most))
            fail_msg("%s: step %d: %s %zu: blas %.9g, reference %.9g", p->design, step,
                     what, i, a[i], b[i]);
    asy_free(a);
    asy_free(b);
}

static void step_both(const pair *p, int step)
{
    const sample_net *net[] = {&p->fast, &p->slow};
    uint32_t steps = p->fast.plan.steps, at = (uint32_t)step;
    for (int i = 0; i < 2; i++)
        asy_loop_step(net[i]->backend, net[i]->pop, net[i]->plan.shape.layers,
                      &net[i]->part, at / steps, at % steps);
}

static void compare_totals(const pair *p)
{
    asy_totals a = p->fast.backend->totals(p->fast.pop, 0);
    asy_totals b = p->slow.backend->totals(p->slow.pop, 0);
    if (a.rows != b.rows || a.hits != b.hits ||
        fabs(a.loss - b.loss) > 1e-4 * fmax(1, b.loss))
        fail_msg("%s: rows %d %d, hits %d %d, loss %.9g %.9g", p->design, (int)a.rows,
                 (int)b.rows, (int)a.hits, (int)b.hits, a.loss, b.loss);
}

static void evaluate(const sample_net *n, float *y)
{
    n->backend->totals_clear(n->pop);
    n->backend->gather_eval(n->pop, &n->part, 0, n->part.rows);
    for (uint32_t i = 0; i < n->plan.shape.layers; i++)
        n->backend->forward(n->pop, i, ASY_PASS_EVAL);
    n->backend->loss(n->pop, ASY_PASS_EVAL);
    n->backend->outputs(n->pop, 0, y);
}

static void compare_outputs(const pair *p)
{
    size_t n = (size_t)p->fast.part.rows * p->fast.plan.shape.outputs;
    float *a = asy_alloc(n, sizeof *a), *b = asy_alloc(n, sizeof *b);
    evaluate(&p->fast, a);
    evaluate(&p->slow, b);
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)a[i] - b[i]) <= 1e-3 * fmax(1, fabs(b[i]))))
            fail_msg("%s: output %zu: blas %.9g, reference %.9g", p->design, i, a[i],
                     b[i]);
    compare_totals(p);
    asy_free(a);
    asy_free(b);
}

/* Twelve steps; each starts both from the reference's numbers, so that gradients
 * compare and errors do not grow. */
static void check(const char *design, const asy_tensors *data)
{
    pair p;
    open_pair(&p, design, data);
    for (int step = 0; step < 12; step++) {
        step_both(&p, step);
        compare(&p, ASY_ROLE_GRADIENT, "gradient", step, 1e-4);
        compare(&p, ASY_ROLE_PARAM, "parameter", step, 1e-3);
        compare(&p, ASY_ROLE_STATISTICS, "statistic", step, 1e-4);
    }
    compare_totals(&p);
    compare_outputs(&p);
    close_pair(&p);
}

static void check_text(uint32_t classes, uint32_t outputs, const char *format,
                       const char *name)
{
    char design[400];
    snprintf(design, sizeof design, format, name);
    asy_tensors *data = sample_made_up(45, 5, classes, outputs);
    check(design, data);
    sample_free(data);
}

static void test_activations(void **state)
{
    (void)state;
    for (int i = 0; i < ASY_ACT_COUNT; i++)
        check_text(3, 0,
                   "{'hidden': [{'units': 9, 'activation': '%s', 'repeat': 3}],"
                   " 'batch': 16, 'optimizer': {'name': 'sgd', 'rate': 0.1}}",
                   asy_act_names[i]);
}

static void test_losses(void **state)
{
    (void)state;
    for (int i = ASY_LOSS_MSE; i < ASY_LOSS_COUNT; i++) {
        const char *design = "{'hidden': [{'units': 9, 'activation': 'tanh'}],"
                             " 'loss': '%s', 'batch': 7, 'optimizer': 'sgd'}";
        check_text(0, 2, design, asy_loss_names[i]);
        check_text(5, 0, design, asy_loss_names[i]);
    }
    check_text(2, 0, "{'hidden': [{'units': 9}], 'loss': '%s', 'batch': 7}",
               "binary_cross_entropy");
    check_text(3, 0,
               "{'hidden': [{'units': 9}], 'loss': '%s', 'class_weight': [1, 0.5, 2]}",
               "cross_entropy");
    check_text(3, 0, "{'hidden': [], 'loss': 'mse', 'output': {'activation': '%s'}}",
               "tanh");
}

static void test_optimizers(void **state)
{
    (void)state;
    for (int i = 0; i < ASY_OPT_COUNT; i++)
        check_text(3, 0,
                   "{'hidden': [{'units': 9, 'activation': 'tanh'}], 'batch': 16,"
                   " 'optimizer': {'name': '%s', 'decay': 0.01}}",
                   asy_optimizer_names[i]);
    check_text(3, 0,
               "{'hidden': [{'units': 9}], 'optimizer': {'name': '%s',"
               " 'momentum': 0.9}}",
               "sgd");
    check_text(3, 0,
               "{'hidden': [{'units': 9}], 'optimizer': {'name': '%s',"
               " 'momentum': 0.9, 'nesterov': true}}",
               "sgd");
}

static void test_settings(void **state)
{
    (void)state;
    /* Batch norm cancels the bias before it, whose gradient is rounding alone; adam
     * would blow that up to whole steps, so those designs take sgd. */
    static const char *const designs[] = {
        "'hidden': []",
        "'hidden': [], 'batch': 1",
        "'hidden': [{'units': 17}], 'batch': 0",
        "'hidden': [{'units': 33, 'l2': 0.1}], 'output': {'l2': 0.2}",
        "'hidden': [{'units': 9, 'batch_norm': true, 'repeat': 2}], 'batch': 16,"
        " 'optimizer': {'name': 'sgd', 'rate': 0.1, 'momentum': 0.5}",
        "'hidden': [{'units': 9, 'batch_norm': true, 'activation': 'gelu'}], 'batch': "
        "9,"
        " 'optimizer': {'name': 'sgd', 'rate': 0.1}",
        "'hidden': [{'units': 37, 'dropout': 0.5, 'repeat': 3}], 'batch': 16",
        "'hidden': [{'units': 9, 'repeat': 5}], 'residual': 1",
        "'hidden': [{'units': 9, 'repeat': 6, 'activation': 'silu'}], 'residual': 2",
        "'hidden': [{'units': 9, 'repeat': 4, 'batch_norm': true, 'dropout': 0.2}],"
        " 'residual': 2, 'optimizer': 'sgd'",
        "'hidden': [{'units': 9}], 'clip': {'norm': 0.1}",
        "'hidden': [{'units': 9}], 'clip': {'value': 0.01}",
        "'hidden': [{'units': 9}], 'clip': {'norm': 0.5, 'value': 0.02}",
        "'hidden': [{'units': 9}], 'schedule': {'name': 'step', 'every': 1}",
        "'hidden': [{'units': 9}], 'schedule': {'name': 'exponential', 'warmup': 4}",
        "'hidden': [{'units': 9}], 'schedule': 'cosine', 'epochs': 3",
        "'hidden': [{'units': 130}, {'units': 3}, {'units': 70, 'activation': 'elu'}]",
    };
    for (size_t i = 0; i < sizeof designs / sizeof *designs; i++)
        check_text(4, 0, "{%s}", designs[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_losses),
        cmocka_unit_test(test_optimizers),
        cmocka_unit_test(test_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
