/* test_metrics.c - metrics against numbers worked out by hand and by scikit-learn. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "nn/metrics.h"

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-6)

/* Labels 0 0 1 1 2 2, given 0 1 1 1 2 0. */
static void test_three_classes(void **state)
{
    (void)state;
    const float y[] = {0.8f, 0.1f, 0.1f, 0.2f, 0.6f, 0.2f, 0.1f, 0.7f, 0.2f,
                       0.3f, 0.5f, 0.2f, 0.1f, 0.1f, 0.8f, 0.5f, 0.1f, 0.4f};
    const int32_t label[] = {0, 0, 1, 1, 2, 2};
    double m[ASY_METRIC_COUNT];
    asy_metrics_classify(y, 6, 3, 3, label, m);
    NEAR(m[ASY_METRIC_ACCURACY], 4.0 / 6);
    NEAR(m[ASY_METRIC_BALANCED_ACCURACY], (0.5 + 1 + 0.5) / 3);
    NEAR(m[ASY_METRIC_F1], (0.5 + 0.8 + 2.0 / 3) / 3);
    double sum = log(0.8) + log(0.2) + log(0.7) + log(0.5) + log(0.8) + log(0.4);
    NEAR(m[ASY_METRIC_LOG_LOSS], -sum / 6);
    assert_true(isnan(m[ASY_METRIC_AUC]));
    assert_true(isnan(m[ASY_METRIC_TOP3]));
    assert_true(isnan(m[ASY_METRIC_RMSE]));
    assert_true(isnan(m[ASY_METRIC_LOSS]));
}

/* A class without rows counts in neither mean. */
static void test_absent_class(void **state)
{
    (void)state;
    const float y[] = {1, 0, 0, 0, 0, 1};
    const int32_t label[] = {0, 1};
    double m[ASY_METRIC_COUNT];
    asy_metrics_classify(y, 2, 3, 3, label, m);
    NEAR(m[ASY_METRIC_BALANCED_ACCURACY], 0.5);
    NEAR(m[ASY_METRIC_F1], 0.5);
}

static void test_top(void **state)
{
    (void)state;
    const float y[] = {6, 5, 4, 3, 2, 1, 6, 5, 4, 3, 2, 1, 6, 5, 4, 3, 2, 1};
    const int32_t label[] = {2, 4, 5};
    double m[ASY_METRIC_COUNT];
    asy_metrics_classify(y, 3, 6, 6, label, m);
    NEAR(m[ASY_METRIC_TOP3], 1.0 / 3);
    NEAR(m[ASY_METRIC_TOP5], 2.0 / 3);
    NEAR(m[ASY_METRIC_ACCURACY], 0);
}

/* The first of equal outputs is the answer. */
static void test_ties(void **state)
{
    (void)state;
    const float y[] = {0.5f, 0.5f, 0.5f, 0.5f};
    const int32_t label[] = {0, 1};
    double m[ASY_METRIC_COUNT];
    asy_metrics_classify(y, 2, 2, 2, label, m);
    NEAR(m[ASY_METRIC_ACCURACY], 0.5);
    NEAR(m[ASY_METRIC_AUC], 0.5);
}

/* sklearn.metrics.roc_auc_score([0,0,1,1,1,0], [.1,.4,.35,.8,.4,.2]) = 0.8333... */
static void test_auc(void **state)
{
    (void)state;
    const float p[] = {0.1f, 0.4f, 0.35f, 0.8f, 0.4f, 0.2f};
    const int32_t label[] = {0, 0, 1, 1, 1, 0};
    double m[ASY_METRIC_COUNT];
    asy_metrics_classify(p, 6, 1, 2, label, m);
    NEAR(m[ASY_METRIC_AUC], (3 + 2.5 + 2) / 9.0);
    NEAR(m[ASY_METRIC_ACCURACY], 4.0 / 6);
    float two[12];
    for (int i = 0; i < 6; i++) {
        two[2 * i] = 1 - p[i];
        two[2 * i + 1] = p[i];
    }
    double n[ASY_METRIC_COUNT];
    asy_metrics_classify(two, 6, 2, 2, label, n);
    NEAR(n[ASY_METRIC_AUC], m[ASY_METRIC_AUC]);
    NEAR(n[ASY_METRIC_F1], m[ASY_METRIC_F1]);
    NEAR(n[ASY_METRIC_LOG_LOSS], m[ASY_METRIC_LOG_LOSS]);
    const int32_t alike[] = {1, 1, 1, 1, 1, 1};
    asy_metrics_classify(p, 6, 1, 2, alike, m);
    assert_true(isnan(m[ASY_METRIC_AUC]));
}

static void test_nan_and_infinity(void **state)
{
    (void)state;
    const float y[] = {NAN, 1, INFINITY, -INFINITY, 0, NAN, 0, 1};
    const int32_t label[] = {0, 0, 1, 1};
    double m[ASY_METRIC_COUNT];
    asy_metrics_classify(y, 4, 2, 2, label, m);
    NEAR(m[ASY_METRIC_ACCURACY], 0.5);
    assert_true(isnan(m[ASY_METRIC_AUC]));
    assert_true(isnan(m[ASY_METRIC_LOG_LOSS]));
    const float one[] = {NAN, 0.2f};
    asy_metrics_classify(one, 2, 1, 2, label, m);
    NEAR(m[ASY_METRIC_ACCURACY], 0.5);
    const float zero[] = {1, 0};
    const int32_t wrong[] = {1};
    asy_metrics_classify(zero, 1, 2, 2, wrong, m);
    NEAR(m[ASY_METRIC_LOG_LOSS], -log(1e-15));
    asy_metrics_classify(zero, 0, 2, 2, wrong, m);
    assert_true(isnan(m[ASY_METRIC_ACCURACY]));
}

/* sklearn: mse 0.375, mae 0.5, r2 0.9486081... */
static void test_regression(void **state)
{
    (void)state;
    const float t[] = {3, -0.5f, 2, 7}, y[] = {2.5f, 0, 2, 8};
    double m[ASY_METRIC_COUNT];
    asy_metrics_regress(y, 4, 1, t, m);
    NEAR(m[ASY_METRIC_RMSE], sqrt(0.375));
    NEAR(m[ASY_METRIC_MAE], 0.5);
    NEAR(m[ASY_METRIC_R2], 0.9486081370449679);
    assert_true(isnan(m[ASY_METRIC_ACCURACY]));
    const float flat[] = {2, 2, 2, 2};
    asy_metrics_regress(y, 4, 1, flat, m);
    assert_true(isnan(m[ASY_METRIC_R2]));
    const float lost[] = {NAN, 0, 0, 0};
    asy_metrics_regress(lost, 4, 1, t, m);
    assert_true(isnan(m[ASY_METRIC_RMSE]));
}

/* Large targets must not cost digits. */
static void test_far_from_zero(void **state)
{
    (void)state;
    const float t[] = {1e6f, 1e6f + 1, 1e6f + 2}, y[] = {1e6f, 1e6f + 1, 1e6f + 1};
    double m[ASY_METRIC_COUNT];
    asy_metrics_regress(y, 3, 1, t, m);
    NEAR(m[ASY_METRIC_R2], 0.5);
}

static void test_pieces(void **state)
{
    (void)state;
    float y[300];
    int32_t label[100];
    for (int i = 0; i < 100; i++) {
        label[i] = i * 7 % 3;
        for (int k = 0; k < 3; k++)
            y[3 * i + k] = (float)((i * 31 + k * 17) % 23);
    }
    double whole[ASY_METRIC_COUNT], pieces[ASY_METRIC_COUNT];
    asy_metrics_classify(y, 100, 3, 3, label, whole);
    asy_judge j;
    assert_int_equal(asy_judge_init(&j, 3, 3, 100), ASY_OK);
    asy_judge_classify(&j, y, 33, label);
    asy_judge_classify(&j, y + 99, 67, label + 33);
    asy_judge_end(&j, pieces);
    asy_judge_fini(&j);
    assert_memory_equal(whole, pieces, sizeof whole);
}

static void test_no_memory(void **state)
{
    (void)state;
    const float y[] = {1, 0};
    const int32_t label[] = {1};
    for (int n = 0; n < 2; n++) {
        double m[ASY_METRIC_COUNT];
        asy_judge j;
        asy_alloc_fail_after(n);
        assert_int_equal(asy_judge_init(&j, 2, 2, 5), ASY_ENOMEM);
        asy_metrics_classify(y, 1, 2, 2, label, m);
        asy_alloc_fail_after(-1);
        assert_true(isnan(m[ASY_METRIC_ACCURACY]));
    }
}

static void test_names(void **state)
{
    (void)state;
    bool larger;
    assert_int_equal(asy_metric_direction("accuracy", &larger), ASY_OK);
    assert_true(larger);
    assert_int_equal(asy_metric_direction("validate_loss", &larger), ASY_OK);
    assert_false(larger);
    assert_int_equal(asy_metric_direction("test_r2", &larger), ASY_OK);
    assert_true(larger);
    assert_int_equal(asy_metric_direction("test_acuracy", &larger), ASY_EARG);
    assert_non_null(strstr(asy_errmsg(), "did you mean \"accuracy\"?"));
    assert_int_equal(asy_metric_direction("", &larger), ASY_EARG);
}

static void test_json(void **state)
{
    (void)state;
    asy_metrics m;
    for (int p = 0; p < ASY_PARTS; p++)
        for (int i = 0; i < ASY_METRIC_COUNT; i++)
            m.value[p][i] = NAN;
    m.value[ASY_TEST][ASY_METRIC_ACCURACY] = 0.5;
    m.value[ASY_TRAIN][ASY_METRIC_LOSS] = 2;
    m.value[ASY_TEST][ASY_METRIC_LOSS] = INFINITY;
    json_t *o = asy_metrics_json(&m);
    assert_int_equal(json_object_size(o), 2);
    NEAR(json_number_value(json_object_get(o, "test_accuracy")), 0.5);
    NEAR(json_number_value(json_object_get(o, "train_loss")), 2);
    json_decref(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_classes), cmocka_unit_test(test_absent_class),
        cmocka_unit_test(test_top),           cmocka_unit_test(test_ties),
        cmocka_unit_test(test_auc),           cmocka_unit_test(test_nan_and_infinity),
        cmocka_unit_test(test_regression),    cmocka_unit_test(test_far_from_zero),
        cmocka_unit_test(test_pieces),        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_names),         cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
