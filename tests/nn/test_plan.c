/* test_plan.c - the network that a design makes on given data. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "nn/plan.h"
#include "sample.h"

static asy_plan plan_of(const char *text, asy_plan_data data)
{
    asy_design *d = sample_design(text);
    asy_plan p;
    if (asy_plan_make(d, &data, &p))
        fail_msg("%s: %s", text, asy_errmsg());
    asy_design_free(d);
    return p;
}

static const asy_plan_data iris = {4, 3, 3, 120, 120};

static void test_layout(void **state)
{
    (void)state;
    asy_plan p =
        plan_of("{'hidden': [{'units': 5, 'batch_norm': true}, {'units': 2}]}", iris);
    assert_int_equal(p.shape.layers, 3);
    assert_int_equal(p.shape.inputs, 4);
    assert_int_equal(p.shape.outputs, 3);
    assert_int_equal(p.shape.loss, ASY_LOSS_CROSS_ENTROPY);
    const asy_layer_shape *l = p.shape.layer;
    assert_int_equal(l[0].w, 0);
    assert_int_equal(l[0].b, 20);
    assert_int_equal(l[0].gamma, 25);
    assert_int_equal(l[0].beta, 30);
    assert_int_equal(l[0].mean, 0);
    assert_int_equal(l[0].var, 5);
    assert_int_equal(l[1].w, 35);
    assert_int_equal(l[2].in, 2);
    assert_int_equal(l[2].out, 3);
    assert_int_equal(p.shape.params, 35 + 12 + 9);
    assert_int_equal(p.shape.statistics, 10);
    asy_plan_fini(&p);
}

static void test_steps(void **state)
{
    (void)state;
    asy_plan p = plan_of("{'hidden': [], 'batch': 32}", iris);
    assert_int_equal(p.shape.batch, 32);
    assert_int_equal(p.steps, 4);
    asy_plan_fini(&p);
    p = plan_of("{'hidden': [], 'batch': 0}", iris);
    assert_int_equal(p.shape.batch, 120);
    assert_int_equal(p.steps, 1);
    asy_plan_fini(&p);
    p = plan_of("{'hidden': [], 'batch': 1000}", iris);
    assert_int_equal(p.shape.batch, 120);
    asy_plan_fini(&p);
    p = plan_of("{'hidden': [], 'batch': 1}", iris);
    assert_int_equal(p.steps, 120);
    asy_plan_fini(&p);
}

static void test_skips(void **state)
{
    (void)state;
    asy_plan p =
        plan_of("{'hidden': [{'units': 4, 'repeat': 5}, {'units': 5}, {'units':"
                " 4}], 'residual': 2}",
                iris);
    static const uint32_t skip[] = {0, 0, 2, 0, 2, 0, 2, 0};
    for (uint32_t i = 0; i < p.shape.layers; i++)
        assert_int_equal(p.layer[i].skip, skip[i]);
    asy_plan_fini(&p);
    p = plan_of("{'hidden': [{'units': 4}, {'units': 5}, {'units': 5}], 'residual': 1}",
                iris);
    assert_int_equal(p.layer[0].skip, 0);
    assert_int_equal(p.layer[1].skip, 0);
    assert_int_equal(p.layer[2].skip, 1);
    assert_int_equal(p.layer[3].skip, 0); /* the output layer, whatever its width */
    asy_plan_fini(&p);
}

static void test_outputs(void **state)
{
    (void)state;
    asy_plan p = plan_of("{'hidden': [], 'loss': 'binary_cross_entropy'}",
                         (asy_plan_data){4, 2, 2, 10, 10});
    assert_int_equal(p.shape.outputs, 1);
    asy_plan_fini(&p);
    p = plan_of("{'hidden': []}", (asy_plan_data){4, 0, 7, 10, 10});
    assert_int_equal(p.shape.outputs, 7);
    assert_int_equal(p.shape.loss, ASY_LOSS_MSE);
    asy_plan_fini(&p);
}

/* Neither wide, deep, nor far-skipping networks evaluate in buffers without bound. */
static void test_eval_rows(void **state)
{
    (void)state;
    asy_plan_data many = {4, 3, 3, 100000, 100000};
    asy_plan p = plan_of("{'hidden': []}", iris);
    assert_int_equal(p.eval_rows, 120);
    asy_plan_fini(&p);
    p = plan_of("{'hidden': [{'units': 4, 'repeat': 20000}]}", many);
    assert_int_equal(p.eval_rows, 1024);
    asy_plan_fini(&p);
    p = plan_of("{'hidden': [{'units': 30000}]}", many);
    assert_int_equal(p.eval_rows, 32);
    asy_plan_fini(&p);
    p = plan_of("{'hidden': [{'units': 8, 'repeat': 20000}], 'residual': 10000}", many);
    assert_true(p.eval_rows <= 64);
    asy_plan_fini(&p);
}

static void test_same_shape(void **state)
{
    (void)state;
    static const char *const designs[] = {
        "{'hidden': [{'units': 4}]}",
        "{'hidden': [{'units': 4, 'activation': 'tanh', 'l2': 1}], 'epochs': 3}",
        "{'hidden': [{'units': 5}]}",
        "{'hidden': [{'units': 4, 'batch_norm': true}]}",
        "{'hidden': [{'units': 4}, {'units': 4}]}",
        "{'hidden': [{'units': 4}], 'batch': 7}",
        "{'hidden': [{'units': 4}], 'loss': 'mse'}",
    };
    asy_plan first = plan_of(designs[0], iris);
    for (size_t i = 0; i < sizeof designs / sizeof *designs; i++) {
        asy_plan p = plan_of(designs[i], iris);
        assert_int_equal(asy_plan_same_shape(&first, &p), i < 2);
        asy_plan_fini(&p);
    }
    asy_plan_fini(&first);
}

static void test_no_memory(void **state)
{
    (void)state;
    asy_design *d = sample_design("{'hidden': [{'units': 4}]}");
    for (int n = 0; n < 2; n++) {
        asy_plan p;
        asy_alloc_fail_after(n);
        assert_int_equal(asy_plan_make(d, &iris, &p), ASY_ENOMEM);
        asy_alloc_fail_after(-1);
        assert_null(p.layer);
        asy_plan_fini(&p);
    }
    asy_design_free(d);
}

/* Memory grows with what it is made of. */
static void test_cost(void **state)
{
    (void)state;
    static const char *const rising[] = {
        "{'hidden': [{'units': 64}], 'optimizer': 'sgd'}",
        "{'hidden': [{'units': 64}], 'optimizer': 'adam'}",
        "{'hidden': [{'units': 64, 'dropout': 0.5}], 'optimizer': 'adam'}",
        "{'hidden': [{'units': 64, 'dropout': 0.5, 'batch_norm': true}]}",
        "{'hidden': [{'units': 64, 'dropout': 0.5, 'batch_norm': true}], 'batch': 0}",
    };
    uint64_t before = 0;
    for (size_t i = 0; i < sizeof rising / sizeof *rising; i++) {
        asy_design *d = sample_design(rising[i]);
        asy_design_cost c;
        assert_int_equal(asy_design_count(d, 4, 3, 3, 120, &c), ASY_OK);
        assert_true(c.bytes > before);
        before = c.bytes;
        asy_design_free(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),    cmocka_unit_test(test_steps),
        cmocka_unit_test(test_skips),     cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_eval_rows), cmocka_unit_test(test_same_shape),
        cmocka_unit_test(test_no_memory), cmocka_unit_test(test_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
