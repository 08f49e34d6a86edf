/* test_objective.c - scores out of metrics. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "lab/objective.h"

static const asy_objective accuracy = {"accuracy", true};

static double score(const char *text)
{
    double x;
    assert_int_equal(asy_objective_score(&accuracy, text, strlen(text), &x), ASY_OK);
    return x;
}

static void test_scores(void **state)
{
    (void)state;
    assert_true(score("{\"accuracy\":0.5}") == 0.5);
    assert_true(score(" { \"loss\" : 1e-3 , \"test_accuracy\" : 0.75 } ") == 0.75);
    assert_true(score("{\"train_accuracy\":1,\"test_accuracy\":0.7}") == 0.7);
    assert_true(score("{\"validate_accuracy\":0.6,\"test_accuracy\":0.7}") == 0.6);
    assert_true(score("{\"accuracy\":0.1,\"validate_accuracy\":0.6}") == 0.1);
    assert_true(score("{\"a\":null,\"b\":true,\"c\":\"x\\\"}\",\"accuracy\":-2}") ==
                -2);
    assert_true(isnan(score("{}")));
    assert_true(isnan(score("{\"accuracy\":null}")));
    assert_true(isnan(score("{\"my_accuracy\":1,\"accuracy2\":1}")));
}

static void test_malformed(void **state)
{
    (void)state;
    const char *const wrong[] = {"",
                                 "{",
                                 "[1]",
                                 "{\"a\"}",
                                 "{\"a\":}",
                                 "{\"a\":1,}",
                                 "{\"a\":{}}",
                                 "{\"a\":[]}",
                                 "{\"a\":1}x",
                                 "{\"a:1}",
                                 "{\"a\":tru}",
                                 "{\"a\":1 \"b\":2}",
                                 "{\"a\":--1}",
                                 "{\"a\\",
                                 "null"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        double x = 1;
        assert_int_equal(asy_objective_score(&accuracy, wrong[i], strlen(wrong[i]), &x),
                         ASY_EARG);
        assert_true(isnan(x));
    }
}

static void test_better(void **state)
{
    (void)state;
    const asy_objective loss = {"loss", false};
    assert_true(asy_objective_better(&accuracy, 2, 1));
    assert_false(asy_objective_better(&accuracy, 1, 1));
    assert_true(asy_objective_better(&loss, 1, 2));
    assert_true(asy_objective_better(&loss, 1, NAN));
    assert_false(asy_objective_better(&loss, NAN, 1));
    assert_false(asy_objective_better(&loss, NAN, NAN));
}

static void test_defaults(void **state)
{
    (void)state;
    asy_objective o;
    assert_int_equal(asy_objective_read(NULL, false, true, &o), ASY_OK);
    assert_string_equal(o.metric, "accuracy");
    assert_true(o.maximize);
    assert_int_equal(asy_objective_read(NULL, false, false, &o), ASY_OK);
    assert_string_equal(o.metric, "rmse");
    assert_false(o.maximize);
    assert_int_equal(asy_objective_read(NULL, true, true, &o), ASY_OK);
    assert_string_equal(o.metric, "score");
    json_t *v =
        json_pack("[{s:s,s:b},{s:s}]", "metric", "loss", "maximize", 0, "metric", "f1");
    assert_int_equal(asy_objective_read(v, false, true, &o), ASY_OK);
    assert_string_equal(o.metric, "loss");
    assert_false(o.maximize);
    json_decref(v);
    v = json_pack("{s:i}", "metric", 3);
    assert_int_equal(asy_objective_read(v, false, true, &o), ASY_EARG);
    json_decref(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_better),
        cmocka_unit_test(test_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
