/* test_gradient.c - the reference's gradients against finite differences, in double
 * precision, for every kind of layer, activation and loss. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "base/mem.h"
#include "reference.h"
#include "sample.h"

/* The loss of the first batch with the weights as they are, and what l2 adds. */
static double loss_now(const sample_net *n)
{
    const asy_backend *b = n->backend;
    const double *p = asy_reference_params(n->pop, 0);
    b->totals_clear(n->pop);
    b->gather_train(n->pop, &n->part, 0, 0);
    for (uint32_t i = 0; i < n->plan.shape.layers; i++)
        b->forward(n->pop, i, ASY_PASS_TRAIN);
    b->loss(n->pop, ASY_PASS_TRAIN);
    asy_totals t = b->totals(n->pop, 0);
    double sum = t.loss / (double)t.rows;
    for (uint32_t i = 0; i < n->plan.shape.layers; i++) {
        const asy_layer_shape *l = &n->plan.layer[i];
        for (size_t w = l->w; w < l->b; w++)
            sum += 0.5 * (double)n->plan.setting[i].l2 * p[w] * p[w];
    }
    return sum;
}

static void check_one(const sample_net *n, size_t i, double gradient,
                      const char *design)
{
    const double h = 1e-5;
    double *p = asy_reference_params(n->pop, 0), old = p[i];
    p[i] = old + h;
    double above = loss_now(n);
    p[i] = old - h;
    double below = loss_now(n);
    p[i] = old;
    double numeric = (above - below) / (2 * h);
    if (fabs(numeric - gradient) > 1e-6 * fmax(1, fabs(numeric)))
        fail_msg("%s: parameter %zu: numeric %g, gradient %g", design, i, numeric,
                 gradient);
}

static void check(const char *design, uint32_t classes, uint32_t outputs)
{
    asy_tensors *data = sample_made_up(7, 3, classes, outputs);
    asy_design *d = sample_design(design);
    sample_net n;
    sample_net_open(&n, &asy_backend_reference, d, data, 3);
    double *p = asy_reference_params(n.pop, 0);
    for (size_t i = 0; i < n.plan.shape.params; i++)
        p[i] += 0.1 * sin((double)(3 * i + 1)); /* no parameter stays at 0 or 1 */
    loss_now(&n);
    for (uint32_t i = n.plan.shape.layers; i-- > 0;)
        n.backend->backward(n.pop, i);
    size_t params = n.plan.shape.params;
    double *g = asy_memdup(asy_reference_gradients(n.pop, 0), params * sizeof *g);
    for (size_t i = 0; i < params; i++)
        check_one(&n, i, g[i], design);
    asy_free(g);
    sample_net_close(&n);
    asy_design_free(d);
    sample_free(data);
}

static void test_activations(void **state)
{
    (void)state;
    for (int act = 0; act < ASY_ACT_COUNT; act++) {
        char design[200];
        snprintf(design, sizeof design,
                 "{'hidden': [{'units': 4, 'activation': '%s', 'repeat': 2}]}",
                 asy_act_names[act]);
        check(design, 3, 0);
    }
}

static void test_losses(void **state)
{
    (void)state;
    check("{'hidden': [{'units': 4}]}", 3, 0);
    check("{'hidden': [{'units': 4}], 'loss': 'binary_cross_entropy'}", 2, 0);
    for (int loss = ASY_LOSS_MSE; loss < ASY_LOSS_COUNT; loss++) {
        char design[200];
        snprintf(design, sizeof design, "{'hidden': [{'units': 4}], 'loss': '%s'}",
                 asy_loss_names[loss]);
        check(design, 0, 2);
        check(design, 3, 0);
    }
    check("{'hidden': [], 'loss': 'mse', 'output': {'activation': 'tanh', 'l2': 0.1}}",
          3, 0);
    check("{'hidden': [{'units': 4}], 'class_weight': [1, 0.5, 3]}", 3, 0);
}

static void test_layers(void **state)
{
    (void)state;
    check("{'hidden': []}", 3, 0);
    check("{'hidden': [{'units': 4, 'l2': 0.3}]}", 3, 0);
    check("{'hidden': [{'units': 4, 'batch_norm': true, 'activation': 'tanh'}]}", 3, 0);
    check("{'hidden': [{'units': 8, 'dropout': 0.4, 'repeat': 2}]}", 3, 0);
    check(
        "{'hidden': [{'units': 4, 'repeat': 5, 'activation': 'silu'}], 'residual': 1}",
        3, 0);
    check("{'hidden': [{'units': 4, 'repeat': 5, 'activation': 'elu'}], 'residual': 2}",
          3, 0);
    check("{'hidden': [{'units': 4, 'repeat': 3, 'activation': 'tanh', 'dropout': 0.2,"
          " 'batch_norm': true, 'l2': 0.01}, {'units': 5}], 'residual': 2}",
          3, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_losses),
        cmocka_unit_test(test_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
