/* test_public.c - the C API for other programs, through its header alone. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "assay/assay.h"

static const char *const iris = ASY_SOURCE_DIR "/tests/fixtures/iris.csv";
static const char *const design =
    "{\"hidden\": [{\"units\": 16}], \"epochs\": 60, \"batch\": 8,"
    " \"optimizer\": {\"name\": \"adam\", \"rate\": 0.01}}";

static assay_data *open_iris(void)
{
    assay_data *d = assay_data_csv(iris, "Species", NULL, 1);
    if (!d)
        fail_msg("%s", assay_error());
    return d;
}

static void test_csv(void **state)
{
    (void)state;
    assay_data *d = open_iris();
    assert_int_equal(assay_data_inputs(d), 4);
    assert_int_equal(assay_data_outputs(d), 3);
    assert_int_equal(assay_data_rows(d, ASSAY_TRAIN), 120);
    assert_int_equal(assay_data_rows(d, ASSAY_VALIDATE), 0);
    assert_int_equal(assay_data_rows(d, ASSAY_TEST), 30);
    assay_model *m = assay_train(d, design, NULL);
    if (!m)
        fail_msg("%s", assay_error());
    assert_true(assay_model_metric(m, "test_accuracy") >= 0.9);
    assert_true(assay_model_metric(m, "accuracy") ==
                assay_model_metric(m, "test_accuracy"));
    assert_true(isnan(assay_model_metric(m, "validate_accuracy")));
    assert_true(isnan(assay_model_metric(m, "beauty")));
    assay_model_free(m);
    assay_data_free(d);
    assert_true(strlen(assay_version()) > 0);
}

static int stop_at_three(void *ctx, const assay_epoch *e)
{
    *(uint32_t *)ctx = e->epoch;
    return e->epoch == 3;
}

static void test_numbers(void **state)
{
    (void)state;
    enum { ROWS = 40 };
    float x[2 * ROWS], target[ROWS], y[ROWS];
    uint32_t epochs = 0;
    for (int i = 0; i < ROWS; i++) {
        x[2 * i] = (float)sin(i);
        x[2 * i + 1] = (float)cos(i);
        target[i] = x[2 * i] - x[2 * i + 1];
    }
    assay_data *d = assay_data_numbers(2, 1);
    assert_int_equal(assay_data_add_numbers(d, ASSAY_TRAIN, ROWS, x, target), 0);
    assert_int_equal(assay_data_add_numbers(d, ASSAY_VALIDATE, ROWS, x, target), 0);
    const char *linear = "{\"hidden\": [], \"epochs\": 300, \"batch\": 8,"
                         " \"optimizer\": {\"name\": \"sgd\", \"rate\": 0.1}}";
    assay_model *m = assay_train(d, linear, NULL);
    assert_non_null(m);
    assert_true(assay_model_metric(m, "r2") > 0.99);
    assert_int_equal(assay_model_inputs(m), 2);
    assert_int_equal(assay_model_outputs(m), 1);
    assert_int_equal(assay_model_predict(m, x, ROWS, y), 0);
    for (int i = 0; i < ROWS; i++)
        assert_float_equal(y[i], target[i], 0.05);
    assay_model_free(m);
    assay_options stop = {.on_epoch = stop_at_three, .ctx = &epochs};
    m = assay_train(d, linear, &stop);
    assert_non_null(m);
    assert_int_equal(epochs, 3);
    assay_model_free(m);
    assay_data_free(d);
}

static void test_seeds_and_files(void **state)
{
    (void)state;
    assay_data *d = open_iris();
    assay_options o = {.seed = 4};
    assay_model *a = assay_train(d, design, &o), *b = assay_train(d, design, &o);
    assert_non_null(a);
    assert_non_null(b);
    char path[] = P_tmpdir "/assay_public_XXXXXX";
    close(mkstemp(path));
    assert_int_equal(assay_model_save(a, path), 0);
    assay_model *c = assay_model_open(path);
    assert_non_null(c);
    float x[4] = {0.3f, 0.2f, 0.7f, 0.9f}, y[3][3];
    assert_int_equal(assay_model_predict(a, x, 1, y[0]), 0);
    assert_int_equal(assay_model_predict(b, x, 1, y[1]), 0);
    assert_int_equal(assay_model_predict(c, x, 1, y[2]), 0);
    assert_memory_equal(y[0], y[1], sizeof y[0]);
    assert_memory_equal(y[0], y[2], sizeof y[0]);
    assert_true(assay_model_metric(c, "train_loss") == assay_model_metric(a, "loss") ||
                assay_model_metric(c, "test_loss") == assay_model_metric(a, "loss"));
    unlink(path);
    assay_model_free(a);
    assay_model_free(b);
    assay_model_free(c);
    assay_data_free(d);
}

static void says(const char *part)
{
    if (!strstr(assay_error(), part))
        fail_msg("\"%s\" expected in: %s", part, assay_error());
}

static void test_bad_data(void **state)
{
    (void)state;
    const float x[4] = {1, 2, 3, 4};
    const int32_t label[2] = {0, 2};
    assert_null(assay_data_classes(0, 3));
    says("inputs >= 1");
    assert_null(assay_data_classes(2, 1));
    assert_null(assay_data_numbers(2, 0));
    assay_data *d = assay_data_classes(2, 2);
    assert_int_not_equal(assay_data_add_classes(d, ASSAY_TRAIN, 2, x, label), 0);
    says("class 0 .. 1 expected in row 1, got 2");
    assert_int_not_equal(assay_data_add_numbers(d, ASSAY_TRAIN, 2, x, x), 0);
    assert_int_not_equal(assay_data_add_classes(d, ASSAY_TRAIN, 0, x, label), 0);
    assert_int_not_equal(assay_data_add_classes(d, (assay_part)3, 1, x, label), 0);
    assert_null(assay_train(d, design, NULL));
    says("rows to train on");
    assert_int_equal(assay_data_add_classes(d, ASSAY_TRAIN, 1, x, label), 0);
    assert_int_not_equal(assay_data_add_classes(d, ASSAY_TRAIN, 1, x, label), 0);
    says("already");
    assert_null(assay_train(d, "{\"hiden\": []}", NULL));
    says("hidden");
    assert_null(assay_train(d, "{", NULL));
    says("design");
    assay_data_free(d);
    assay_data_free(NULL);
    assay_model_free(NULL);
}

static void test_bad_files(void **state)
{
    (void)state;
    assert_null(assay_data_csv("/nowhere.csv", "a", NULL, 1));
    says("/nowhere.csv");
    assert_null(assay_data_csv(iris, "Sepcies", NULL, 1));
    says("Species");
    assert_null(assay_data_csv(iris, "Species", "[{\"op\": \"scael\"}]", 1));
    says("scale");
    assert_null(assay_data_csv(iris, "Species", "[", 1));
    assert_null(assay_model_open(iris));
    says("iris.csv");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_seeds_and_files),
        cmocka_unit_test(test_bad_data),
        cmocka_unit_test(test_bad_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
