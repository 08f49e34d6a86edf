/* test_design.c - designs from JSON: defaults, canonical text, hostile input. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "nn/design.h"

static json_t *json(const char *text)
{
    json_t *v = NULL;
    if (asy_json_parse(text, strlen(text), &v))
        fail_msg("%s: %s", text, asy_errmsg());
    return v;
}

static asy_design *parse(const char *text)
{
    json_t *v = json(text);
    asy_design *d = NULL;
    if (asy_design_parse(v, &d))
        fail_msg("%s: %s", text, asy_errmsg());
    json_decref(v);
    return d;
}

static char *canonical(const char *text)
{
    json_t *v = json(text);
    asy_buf b = {0};
    if (asy_design_canonical(v, &b))
        fail_msg("%s: %s", text, asy_errmsg());
    json_decref(v);
    return asy_buf_take(&b);
}

static void test_defaults(void **state)
{
    (void)state;
    asy_design *d = parse("{\"hidden\": [{\"units\": 16}]}");
    assert_int_equal(d->depth, 1);
    assert_int_equal(d->hidden[0].units, 16);
    assert_int_equal(d->hidden[0].setting.act, ASY_ACT_RELU);
    assert_int_equal(d->hidden[0].init, ASY_INIT_GLOROT_UNIFORM);
    assert_false(d->hidden[0].batch_norm);
    assert_int_equal(d->output.setting.act, ASY_ACT_LINEAR);
    assert_int_equal(d->optim.kind, ASY_OPT_ADAM);
    assert_float_equal(d->optim.rate, 1e-3, 1e-9);
    assert_int_equal(d->epochs, 30);
    assert_int_equal(d->batch, 32);
    assert_false(d->loss_given);
    assert_false(d->restore_best);
    assert_null(d->class_weight);
    assert_null(d->target_metric);
    asy_design_free(d);
}

static void test_everything(void **state)
{
    (void)state;
    asy_design *d = parse(
        "{\"hidden\": [{\"units\": 8, \"activation\": \"tanh\", \"dropout\": 0.25,"
        " \"l2\": 0.01, \"batch_norm\": true, \"init\": \"zeros\", \"repeat\": 3},"
        " {\"units\": 4.0}],"
        " \"init\": \"he_normal\", \"optimizer\": {\"rate\": 0.5, \"name\": \"sgd\","
        " \"momentum\": 0.9, \"nesterov\": true}, \"schedule\": {\"name\": \"step\","
        " \"every\": 7}, \"clip\": {\"norm\": 2, \"value\": 3}, \"epochs\": 5,"
        " \"batch\": 0, \"loss\": \"mse\", \"output\": {\"activation\": \"tanh\"},"
        " \"class_weight\": [1, 2.5], \"residual\": 2, \"patience\": 4,"
        " \"min_delta\": 0.125, \"target\": {\"accuracy\": 0.9}, \"max_seconds\": 60,"
        " \"shuffle\": \"own\"}");
    assert_int_equal(d->depth, 4);
    assert_int_equal(d->hidden[2].units, 8);
    assert_int_equal(d->hidden[2].setting.act, ASY_ACT_TANH);
    assert_float_equal(d->hidden[2].setting.dropout, 0.25, 0);
    assert_int_equal(d->hidden[2].init, ASY_INIT_ZEROS);
    assert_true(d->hidden[2].batch_norm);
    assert_int_equal(d->hidden[3].units, 4);
    assert_int_equal(d->hidden[3].init, ASY_INIT_HE_NORMAL);
    assert_int_equal(d->output.init, ASY_INIT_HE_NORMAL);
    assert_int_equal(d->optim.kind, ASY_OPT_SGD);
    assert_float_equal(d->optim.rate, 0.5, 0);
    assert_true(d->optim.nesterov);
    assert_int_equal(d->optim.schedule.kind, ASY_SCHEDULE_STEP);
    assert_int_equal(d->optim.schedule.every, 7);
    assert_float_equal(d->optim.schedule.factor, 0.5, 0);
    assert_float_equal(d->optim.clip_norm, 2, 0);
    assert_float_equal(d->optim.clip_value, 3, 0);
    assert_int_equal(d->class_weights, 2);
    assert_float_equal(d->class_weight[1], 2.5, 0);
    assert_true(d->restore_best);
    assert_string_equal(d->target_metric, "accuracy");
    assert_true(d->own_shuffle);
    asy_design_free(d);
}

/* Keys in any order: the optimizer's defaults do not undo clipping and schedule. */
static void test_order(void **state)
{
    (void)state;
    asy_design *d = parse("{\"clip\": {\"norm\": 1}, \"schedule\": \"cosine\","
                          " \"optimizer\": \"sgd\", \"hidden\": []}");
    assert_int_equal(d->optim.kind, ASY_OPT_SGD);
    assert_int_equal(d->optim.schedule.kind, ASY_SCHEDULE_COSINE);
    assert_float_equal(d->optim.clip_norm, 1, 0);
    assert_int_equal(d->depth, 0);
    asy_design_free(d);
}

static void same(const char *a, const char *b)
{
    char *x = canonical(a), *y = canonical(b), *again = canonical(x);
    assert_string_equal(x, y);
    assert_string_equal(again, x);
    asy_free(x);
    asy_free(y);
    asy_free(again);
}

static void differ(const char *a, const char *b)
{
    char *x = canonical(a), *y = canonical(b);
    assert_string_not_equal(x, y);
    asy_free(x);
    asy_free(y);
}

static void test_equal_text(void **state)
{
    (void)state;
    same("{\"hidden\": [{\"units\": 3}, {\"units\": 3}, {\"units\": 4}]}",
         "{\"hidden\": [{\"units\": 3, \"repeat\": 2}, {\"units\": 4}], \"epochs\": "
         "30}");
    same("{\"hidden\": [], \"optimizer\": \"adam\"}",
         "{\"hidden\": {}, \"optimizer\": {\"name\": \"adam\", \"rate\": 0.001,"
         " \"momentum\": 0.5}}");
    same("{\"hidden\": [{\"units\": 3, \"init\": \"zeros\"}], \"output\": {\"init\":"
         " \"zeros\"}}",
         "{\"hidden\": [{\"units\": 3}], \"init\": \"zeros\"}");
    same("{\"hidden\": [], \"loss\": \"cross_entropy\"}",
         "{\"hidden\": [], \"output\": {\"activation\": \"softmax\"}}");
    same("{\"hidden\": [], \"loss\": \"binary_cross_entropy\"}",
         "{\"hidden\": [], \"loss\": \"binary_cross_entropy\", \"output\":"
         " {\"activation\": \"sigmoid\"}}");
    same("{\"hidden\": [], \"patience\": 3}",
         "{\"hidden\": [], \"patience\": 3, \"restore_best\": true, \"loss\": null}");
    differ("{\"hidden\": []}", "{\"hidden\": [], \"loss\": \"mse\"}");
    differ("{\"hidden\": []}", "{\"hidden\": [], \"optimizer\": {\"rate\": 0.0011}}");
    differ("{\"hidden\": [{\"units\": 3}]}",
           "{\"hidden\": [{\"units\": 3, \"l2\": 1}]}");
}

static void test_canonical_form(void **state)
{
    (void)state;
    char *text = canonical("{\"hidden\": [{\"units\": 16, \"dropout\": 0.1,"
                           " \"repeat\": 2}], \"optimizer\": {\"rate\": 3e-4},"
                           " \"class_weight\": [1, 0.3], \"target\": {\"f1\": 0.95}}");
    assert_string_equal(
        text,
        "{\"batch\":32,\"class_weight\":[1,0.3],\"clip\":{\"norm\":0,\"value\":0},"
        "\"epochs\":30,\"hidden\":[{\"activation\":\"relu\",\"batch_norm\":false,"
        "\"dropout\":0.1,\"init\":\"glorot_uniform\",\"l2\":0,\"repeat\":2,\"units\":"
        "16}],"
        "\"max_seconds\":0,\"min_delta\":0,\"optimizer\":{\"beta1\":0.9,\"beta2\":0."
        "999,"
        "\"decay\":0,\"eps\":1e-08,\"name\":\"adam\",\"rate\":0.0003},\"output\":{"
        "\"init\":"
        "\"glorot_uniform\",\"l2\":0},\"patience\":0,\"residual\":0,\"restore_best\":"
        "false,"
        "\"schedule\":{\"name\":\"constant\",\"warmup\":0},\"shuffle\":\"shared\","
        "\"target\":{\"f1\":0.95}}");
    json_t *v = json(text); /* the same rules as all canonical JSON */
    asy_buf b = {0};
    asy_json_canonical(&b, v);
    assert_string_equal(asy_buf_text(&b), text);
    asy_buf_fini(&b);
    json_decref(v);
    asy_free(text);
}

static void test_deep(void **state)
{
    (void)state;
    const char *deep = "{\"hidden\": [{\"units\": 4, \"repeat\": 20000}]}";
    char *text = canonical(deep);
    assert_true(strlen(text) < 700);
    asy_free(text);
    asy_design *d = parse(deep);
    assert_int_equal(d->depth, 20000);
    assert_int_equal(d->hidden[19999].units, 4);
    asy_design_free(d);
}

typedef struct bad_case {
    const char *design;
    const char *says; /* part of the message */
} bad_case;

#define HIDDEN "\"hidden\": [{\"units\": 4}]"

static const bad_case bad[] = {
    {"3", "design: table expected, got 3"},
    {"[]", "design: table expected, got list"},
    {"null", "design: table expected"},
    {"{}", "design.hidden: list of layers expected, got nothing"},
    {"{\"hidden\": 3}", "design.hidden: list of layers expected, got 3"},
    {"{\"hidden\": null}", "design.hidden: list of layers expected"},
    {"{\"hidden\": {\"units\": 3}}", "design.hidden: list of layers expected"},
    {"{\"hidden\": [3]}", "design.hidden[1]: table expected, got 3"},
    {"{\"hidden\": [{}]}",
     "design.hidden[1].units: whole number 1 .. 65536 expected, got nothing"},
    {"{\"hidden\": [{\"units\": 4}, {\"units\": 0}]}",
     "design.hidden[2].units: whole number 1 .. 65536 expected, got 0"},
    {"{\"hidden\": [{\"units\": -1}]}", "got -1"},
    {"{\"hidden\": [{\"units\": 1.5}]}", "got 1.5"},
    {"{\"hidden\": [{\"units\": 65537}]}", "got 65537"},
    {"{\"hidden\": [{\"units\": 1e300}]}", "got 1e+300"},
    {"{\"hidden\": [{\"units\": 9223372036854775807}]}", "got 9223372036854775807"},
    {"{\"hidden\": [{\"units\": \"many\"}]}", "got \"many\""},
    {"{\"hidden\": [{\"units\": true}]}", "got true"},
    {"{\"hidden\": [{\"units\": 4, \"activation\": \"rleu\"}]}",
     "design.hidden[1].activation: one of linear, relu"},
    {"{\"hidden\": [{\"units\": 4, \"activation\": \"rleu\"}]}",
     "did you mean \"relu\"?"},
    {"{\"hidden\": [{\"units\": 4, \"activation\": 3}]}", "got 3"},
    {"{\"hidden\": [{\"units\": 4, \"dropout\": 1}]}",
     "design.hidden[1].dropout: number >= 0 and < 1 expected, got 1"},
    {"{\"hidden\": [{\"units\": 4, \"dropout\": -0.1}]}", "got -0.1"},
    {"{\"hidden\": [{\"units\": 4, \"dropout\": 0.99999999999}]}", "dropout"},
    {"{\"hidden\": [{\"units\": 4, \"l2\": -1}]}", "design.hidden[1].l2"},
    {"{\"hidden\": [{\"units\": 4, \"l2\": 1e40}]}", "design.hidden[1].l2"},
    {"{\"hidden\": [{\"units\": 4, \"batch_norm\": 1}]}",
     "true or false expected, got 1"},
    {"{\"hidden\": [{\"units\": 4, \"init\": \"xavier\"}]}", "glorot_uniform"},
    {"{\"hidden\": [{\"units\": 4, \"repeat\": 0}]}", "whole number 1 .. 20000"},
    {"{\"hidden\": [{\"units\": 4, \"repeat\": 20001}]}", "repeat"},
    {"{\"hidden\": [{\"units\": 4, \"repeat\": 15000}, {\"units\": 5, \"repeat\": "
     "15000}]}",
     "at most 20000 layers expected, got 30000"},
    {"{\"hidden\": [{\"units\": 65536, \"repeat\": 3}]}", "at most 2147483648 weights"},
    {"{\"hidden\": [{\"units\": 65536, \"repeat\": 20000}]}", "weights expected"},
    {"{\"hidden\": [{\"units\": 4, \"unit\": 4}]}", "units"},
    {"{\"hiden\": []}", "hidden"},
    {"{" HIDDEN ", \"epochs\": 0}", "design.epochs: whole number 1 .. 1000000"},
    {"{" HIDDEN ", \"epochs\": 1e9}", "design.epochs"},
    {"{" HIDDEN ", \"batch\": -1}", "design.batch"},
    {"{" HIDDEN ", \"batch\": 2.5}", "design.batch"},
    {"{" HIDDEN ", \"optimizer\": 3}", "design.optimizer: one of sgd"},
    {"{" HIDDEN ", \"optimizer\": \"adm\"}", "did you mean \"adam\"?"},
    {"{" HIDDEN ", \"optimizer\": {\"name\": 4}}", "design.optimizer.name"},
    {"{" HIDDEN ", \"optimizer\": {\"rate\": 0}}", "design.optimizer.rate: number > 0"},
    {"{" HIDDEN ", \"optimizer\": {\"rate\": 1e-60}}", "design.optimizer.rate"},
    {"{" HIDDEN ", \"optimizer\": {\"beta1\": 1}}", "design.optimizer.beta1"},
    {"{" HIDDEN ", \"optimizer\": {\"momentum\": 1.5}}", "design.optimizer.momentum"},
    {"{" HIDDEN ", \"optimizer\": {\"nesterov\": 1}}", "design.optimizer.nesterov"},
    {"{" HIDDEN ", \"optimizer\": {\"lr\": 1}}", "rate"},
    {"{" HIDDEN ", \"schedule\": \"cosinus\"}", "did you mean \"cosine\"?"},
    {"{" HIDDEN ", \"schedule\": {\"name\": \"step\", \"every\": 0}}",
     "design.schedule.every"},
    {"{" HIDDEN ", \"schedule\": {\"factor\": 0}}", "design.schedule.factor"},
    {"{" HIDDEN ", \"clip\": 1}", "design.clip: table expected"},
    {"{" HIDDEN ", \"clip\": {\"norm\": -1}}", "design.clip.norm"},
    {"{" HIDDEN ", \"clip\": {\"by\": 1}}", "norm"},
    {"{" HIDDEN ", \"loss\": \"crossentropy\"}", "did you mean \"cross_entropy\"?"},
    {"{" HIDDEN ", \"loss\": \"mse\", \"output\": {\"activation\": \"softmax\"}}",
     "\"softmax\" needs loss \"cross_entropy\""},
    {"{" HIDDEN
     ", \"loss\": \"cross_entropy\", \"output\": {\"activation\": \"tanh\"}}",
     "design.output.activation"},
    {"{" HIDDEN ", \"output\": {\"units\": 3}}", "design.output"},
    {"{" HIDDEN ", \"class_weight\": \"equal\"}",
     "design.class_weight: \"balanced\" or"},
    {"{" HIDDEN ", \"class_weight\": []}", "design.class_weight"},
    {"{" HIDDEN ", \"class_weight\": [1, -1]}", "design.class_weight[2]"},
    {"{" HIDDEN ", \"class_weight\": [1, \"a\"]}", "design.class_weight[2]"},
    {"{" HIDDEN ", \"residual\": -1}", "design.residual"},
    {"{" HIDDEN ", \"patience\": -1}", "design.patience"},
    {"{" HIDDEN ", \"min_delta\": -1}", "design.min_delta"},
    {"{" HIDDEN ", \"restore_best\": \"yes\"}", "design.restore_best: true or false"},
    {"{" HIDDEN ", \"target\": 3}", "design.target"},
    {"{" HIDDEN ", \"target\": {}}", "design.target"},
    {"{" HIDDEN ", \"target\": {\"acuracy\": 1}}", "did you mean \"accuracy\"?"},
    {"{" HIDDEN ", \"target\": {\"accuracy\": \"high\"}}", "design.target.accuracy"},
    {"{" HIDDEN ", \"max_seconds\": -1}", "design.max_seconds"},
    {"{" HIDDEN ", \"shuffle\": \"none\"}", "one of shared, own"},
    {"{" HIDDEN ", \"init\": 3}", "design.init"},
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char wrapped[512]; /* asy_json_parse may want a list or object at the top */
        snprintf(wrapped, sizeof wrapped, "[%s]", bad[i].design);
        json_t *v = json(wrapped);
        asy_design *d = (asy_design *)1;
        asy_buf b = {0};
        assert_int_equal(asy_design_parse(json_array_get(v, 0), &d), ASY_EARG);
        assert_null(d);
        if (!strstr(asy_errmsg(), bad[i].says))
            fail_msg("%s\n  said: %s\n  want: %s", bad[i].design, asy_errmsg(),
                     bad[i].says);
        assert_int_equal(asy_design_canonical(json_array_get(v, 0), &b), ASY_EARG);
        assert_int_equal(b.len, 0);
        asy_buf_fini(&b);
        json_decref(v);
    }
}

static void test_count(void **state)
{
    (void)state;
    asy_design *d =
        parse("{\"hidden\": [{\"units\": 16}, {\"units\": 8, \"batch_norm\":"
              " true}], \"optimizer\": \"sgd\", \"batch\": 16}");
    asy_design_cost c;
    assert_int_equal(asy_design_count(d, 4, 3, 3, 120, &c), ASY_OK);
    uint64_t params = 4 * 16 + 16 + 16 * 8 + 8 + 8 + 8 + 8 * 3 + 3;
    uint64_t products = 4 * 16 + 16 * 8 + 8 * 3;
    uint64_t forward = 2 * products + 16 + 8 + 3;
    uint64_t input = 2 * (16 * 8 + 8 * 3);
    uint64_t update = (2 * params * 8 + 119) / 120; /* 8 steps shared by 120 rows */
    assert_int_equal(c.params, params);
    assert_int_equal(c.flops_forward, forward);
    assert_int_equal(c.flops_train, 2 * forward + input + update);
    assert_true(c.bytes > 4 * 2 * params);
    asy_design_free(d);
}

static void misfit(const char *text, uint32_t classes, uint32_t rows, const char *says)
{
    asy_design *d = parse(text);
    asy_design_cost c;
    assert_int_equal(asy_design_count(d, 4, classes, classes ? classes : 1, rows, &c),
                     ASY_EARG);
    if (!strstr(asy_errmsg(), says))
        fail_msg("%s said: %s", text, asy_errmsg());
    asy_design_free(d);
}

static void test_misfits(void **state)
{
    (void)state;
    misfit("{" HIDDEN "}", 3, 0, "rows to train on");
    misfit("{" HIDDEN "}", 1, 10, "two classes");
    misfit("{" HIDDEN ", \"loss\": \"cross_entropy\"}", 0, 10, "numeric label");
    misfit("{" HIDDEN ", \"loss\": \"binary_cross_entropy\"}", 3, 10,
           "two classes, got 3");
    misfit("{" HIDDEN ", \"class_weight\": [1, 2]}", 3, 10, "each of 3 classes");
    misfit("{" HIDDEN ", \"class_weight\": \"balanced\"}", 0, 10, "numeric");
    misfit("{" HIDDEN ", \"output\": {\"activation\": \"tanh\"}}", 3, 10,
           "\"softmax\" expected");
    misfit("{\"hidden\": [{\"units\": 65536}, {\"units\": 32766}]}", 32, 10,
           "parameters");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_equal_text),
        cmocka_unit_test(test_canonical_form),
        cmocka_unit_test(test_deep),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_misfits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
