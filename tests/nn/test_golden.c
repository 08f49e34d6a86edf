/* test_golden.c - runs that PyTorch made (golden.py), repeated step by step. */
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

typedef struct golden {
    const char *name;
    json_t *json;
    asy_design *design;
    asy_tensors *data;
} golden;

static void read_floats(const golden *g, const char *key, float *to, size_t n)
{
    const json_t *list = json_object_get(g->json, key);
    assert_int_equal(json_array_size(list), n);
    for (size_t i = 0; i < n; i++)
        to[i] = (float)json_number_value(json_array_get(list, i));
}

static uint32_t count_of(const golden *g, const char *key)
{
    return (uint32_t)json_integer_value(json_object_get(g->json, key));
}

static golden open_golden(const char *name)
{
    char path[512];
    golden g = {.name = name};
    snprintf(path, sizeof path, "%s/tests/fixtures/golden_%s.json", ASY_SOURCE_DIR,
             name);
    if (asy_json_load(path, &g.json) ||
        asy_design_parse(json_object_get(g.json, "design"), &g.design))
        fail_msg("%s", asy_errmsg());
    uint32_t inputs = count_of(&g, "inputs"), classes = count_of(&g, "classes");
    size_t rows = json_array_size(json_object_get(g.json, "x")) / inputs;
    size_t targets = json_array_size(json_object_get(g.json, "target"));
    g.data =
        sample_made_up((uint32_t)rows, inputs, classes, (uint32_t)(targets / rows));
    asy_tensors_part *p = &g.data->part[ASY_TRAIN];
    read_floats(&g, "x", (float *)p->x, rows * inputs);
    if (p->target)
        read_floats(&g, "target", (float *)p->target, targets);
    for (size_t i = 0; p->label && i < rows; i++)
        ((int32_t *)p->label)[i] = (int32_t)json_number_value(
            json_array_get(json_object_get(g.json, "target"), i));
    return g;
}

static void close_golden(golden *g)
{
    json_decref(g->json);
    asy_design_free(g->design);
    sample_free(g->data);
}

/* The rows of a batch as a part of their own: whatever order the backend takes them in,
 * they are one step. */
static void step(const sample_net *n, const json_t *batch, const golden *g)
{
    enum { MOST = 64 };
    float x[MOST], target[MOST];
    int32_t label[MOST];
    const asy_tensors_part *p = &g->data->part[ASY_TRAIN];
    uint32_t inputs = g->data->inputs, outputs = g->data->outputs;
    asy_part part = {.rows = (uint32_t)json_array_size(batch),
                     .x = x,
                     .label = p->label ? label : NULL,
                     .target = p->target ? target : NULL};
    assert_true(part.rows * inputs <= MOST);
    for (uint32_t i = 0; i < part.rows; i++) {
        size_t row = (size_t)json_integer_value(json_array_get(batch, i));
        memcpy(x + i * inputs, p->x + row * inputs, inputs * sizeof *x);
        if (p->target)
            memcpy(target + i * outputs, p->target + row * outputs,
                   outputs * sizeof *target);
        else
            label[i] = p->label[row];
    }
    asy_loop_step(n->backend, n->pop, n->plan.shape.layers, &part, 0, 0);
}

static void compare(const golden *g, const char *what, const float *got, size_t n,
                    double tol)
{
    float *want = asy_alloc(n, sizeof *want);
    read_floats(g, what, want, n);
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)got[i] - want[i]) <= tol * fmax(1, fabs(want[i]))))
            fail_msg("%s: %s %zu: %.9g expected, got %.9g", g->name, what, i, want[i],
                     got[i]);
    asy_free(want);
}

static void run_steps(const golden *g, const sample_net *n, double tol)
{
    const json_t *batches = json_object_get(g->json, "batches");
    size_t steps = json_array_size(batches);
    float *loss = asy_alloc(steps, sizeof *loss);
    for (size_t i = 0; i < steps; i++) {
        n->backend->totals_clear(n->pop);
        step(n, json_array_get(batches, i), g);
        asy_totals t = n->backend->totals(n->pop, 0);
        loss[i] = (float)(t.loss / (double)t.rows);
    }
    compare(g, "losses", loss, steps, tol);
    asy_free(loss);
}

static void run_eval(const golden *g, const sample_net *n, double tol)
{
    size_t count = (size_t)n->part.rows * n->plan.shape.outputs;
    float *y = asy_alloc(count, sizeof *y);
    n->backend->gather_eval(n->pop, &n->part, 0, n->part.rows);
    for (uint32_t i = 0; i < n->plan.shape.layers; i++)
        n->backend->forward(n->pop, i, ASY_PASS_EVAL);
    n->backend->loss(n->pop, ASY_PASS_EVAL);
    n->backend->outputs(n->pop, 0, y);
    compare(g, "outputs", y, count, tol);
    asy_free(y);
}

static void check(const char *name, const asy_backend *backend, double tol)
{
    golden g = open_golden(name);
    sample_net n;
    sample_net_open(&n, backend, g.design, g.data, 1);
    size_t params = n.plan.shape.params;
    read_floats(&g, "start", n.values, params);
    backend->write(n.pop, 0, ASY_ROLE_PARAM, n.values);
    run_steps(&g, &n, tol);
    backend->read(n.pop, 0, ASY_ROLE_PARAM, n.values);
    compare(&g, "end", n.values, params, tol);
    run_eval(&g, &n, tol);
    sample_net_close(&n);
    close_golden(&g);
}

static const char *const names[] = {"relu_adam",     "tanh_momentum", "norm_residual",
                                    "huber_rmsprop", "nadam_clip",    "adamw",
                                    "adagrad",       "adadelta"};

static void test_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check(names[i], &asy_backend_reference, 2e-6);
}

static void test_blas(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check(names[i], &asy_backend_blas, 2e-4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_blas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
