/* test_setup.c - descriptions of rules: defaults, limits, nonsense. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "lab/setup.h"

static asy_err read_text(const char *text, asy_setup *out)
{
    json_t *v;
    assert_int_equal(asy_json_parse(text, strlen(text), &v), ASY_OK);
    asy_err err = asy_setup_read(v, true, out);
    json_decref(v);
    return err;
}

static void test_defaults(void **state)
{
    (void)state;
    asy_setup s;
    assert_int_equal(read_text("{}", &s), ASY_OK);
    assert_false(s.is_own || s.is_adaptive || s.has_pruner);
    assert_true(s.repeats == 1 && s.folds == 1 && s.trials == 0 && s.parallel == 0);
    const json_t *o = json_array_get(json_object_get(s.told, "objective"), 0);
    assert_string_equal(json_string_value(json_object_get(o, "metric")), "accuracy");
    asy_setup_fini(&s);
    assert_int_equal(read_text("{\"form\":\"sweep\"}", &s), ASY_OK);
    assert_true(s.is_adaptive);
    asy_setup_fini(&s);
    asy_setup_fini(&s);
}

static void test_all_keys(void **state)
{
    (void)state;
    asy_setup s;
    assert_int_equal(
        read_text("{\"kind\":\"trial\",\"repeats\":3,\"folds\":5,\"pruner\":true,"
                  "\"limits\":{\"trials\":100,\"time\":1.5,\"parallel\":2},"
                  "\"strategy\":{\"name\":\"random\",\"trials\":40},"
                  "\"objective\":[{\"metric\":\"loss\",\"maximize\":false}]}",
                  &s),
        ASY_OK);
    assert_true(s.is_own && s.has_pruner && s.repeats == 3 && s.folds == 5);
    assert_true(s.trials == 100 && s.seconds == 1.5 && s.parallel == 2 &&
                s.planned == 40);
    assert_string_equal(s.objective.metric, "loss");
    asy_setup_fini(&s);
}

static void test_objective_and_label(void **state)
{
    (void)state;
    asy_setup s;
    json_t *none = json_array();
    const char *rmse = "{\"objective\":{\"metric\":\"test_rmse\",\"maximize\":false}}";
    assert_int_equal(read_text(rmse, &s), ASY_OK);
    json_t *steps = asy_setup_steps(&s, none);
    const json_t *task = json_object_get(json_array_get(steps, 0), "task");
    assert_string_equal(json_string_value(task), "regress");
    assert_int_equal(asy_setup_check_label(&s, "y", 0), ASY_OK);
    json_decref(steps);
    asy_setup_fini(&s);
    assert_int_equal(read_text("{}", &s), ASY_OK);
    steps = asy_setup_steps(&s, none);
    assert_int_equal(json_array_size(steps), 0);
    assert_int_equal(asy_setup_check_label(&s, "y", 3), ASY_OK);
    assert_int_equal(asy_setup_check_label(&s, "price", 0), ASY_EARG);
    assert_true(strstr(asy_errmsg(), "'accuracy' needs a label with classes") != NULL);
    assert_true(strstr(asy_errmsg(), "'price'") != NULL);
    json_decref(steps);
    json_decref(none);
    asy_setup_fini(&s);
}

static void test_nonsense(void **state)
{
    (void)state;
    const char *const wrong[] = {"[]",
                                 "{\"kind\":\"dance\"}",
                                 "{\"kind\":1}",
                                 "{\"repeats\":0}",
                                 "{\"repeats\":1001}",
                                 "{\"folds\":\"x\"}",
                                 "{\"limits\":{\"trials\":-1}}",
                                 "{\"limits\":{\"time\":-1}}",
                                 "{\"objective\":{\"metric\":\"\"}}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        asy_setup s;
        assert_int_equal(read_text(wrong[i], &s), ASY_EARG);
        assert_ptr_equal(s.told, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_all_keys),
        cmocka_unit_test(test_objective_and_label),
        cmocka_unit_test(test_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
