/* test_train.c - the training loop: accuracy, determinism, populations, reasons to
 * stop. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "sample.h"

static asy_train_job job_of(const asy_design *d, const asy_tensors *data, uint64_t seed)
{
    return (asy_train_job){
        .design = d, .data = data, .seed = seed, .shared_seed = 1, .keep_model = true};
}

static asy_train_result train(const asy_train_job *job)
{
    asy_train_result r;
    if (asy_train(job, &r))
        fail_msg("%s", asy_errmsg());
    return r;
}

/* Trains a design given as text. */
static asy_train_result train_text(const char *design, const asy_tensors *data)
{
    asy_design *d = sample_design(design);
    asy_train_job job = job_of(d, data, 5);
    asy_train_result r = train(&job);
    asy_design_free(d);
    return r;
}

static void assert_same_bits(const asy_train_result *a, const asy_train_result *b)
{
    assert_int_equal(a->stop, b->stop);
    assert_int_equal(a->epochs, b->epochs);
    assert_int_equal(a->best_epoch, b->best_epoch);
    assert_int_equal(a->model_len, b->model_len);
    assert_memory_equal(a->model, b->model, a->model_len * sizeof *a->model);
    assert_memory_equal(a->curve, b->curve, a->epochs * sizeof *a->curve);
    assert_memory_equal(&a->metrics, &b->metrics, sizeof a->metrics);
}

/* ---- it learns ---- */

static void test_iris(void **state)
{
    (void)state;
    asy_tensors *data = sample_fixture("iris", false);
    asy_train_result r =
        train_text("{'hidden': [{'units': 16, 'repeat': 2}], 'epochs': 100, 'batch': 8,"
                   " 'optimizer': {'rate': 0.01}}",
                   data);
    double accuracy = r.metrics.value[ASY_TEST][ASY_METRIC_ACCURACY];
    assert_true(accuracy >= 0.93);
    assert_true(r.metrics.value[ASY_TRAIN][ASY_METRIC_ACCURACY] >= 0.93);
    assert_true(isnan(r.metrics.value[ASY_VALIDATE][ASY_METRIC_ACCURACY]));
    assert_int_equal(r.stop, ASY_STOP_EPOCHS);
    assert_int_equal(r.epochs, 100);
    assert_int_equal(r.params, 4 * 16 + 16 + 16 * 16 + 16 + 16 * 3 + 3);
    assert_int_equal(r.model_len, r.params);
    assert_true(r.flops > 0 && r.seconds > 0);
    assert_true(r.curve[99].train_loss < r.curve[0].train_loss);
    assert_int_equal(r.curve[99].epoch, 100);
    assert_true(isnan(r.curve[99].validate_loss));
    asy_train_result_fini(&r);
    sample_free(data);
}

static void test_digits(void **state)
{
    (void)state;
    asy_tensors *data = sample_fixture("digits", true);
    asy_train_result r = train_text("{'hidden': [{'units': 64}], 'epochs': 20,"
                                    " 'optimizer': {'rate': 0.003}}",
                                    data);
    assert_true(r.metrics.value[ASY_TEST][ASY_METRIC_ACCURACY] >= 0.95);
    assert_true(r.metrics.value[ASY_TEST][ASY_METRIC_TOP3] >= 0.98);
    assert_float_equal(r.curve[19].validate_accuracy,
                       r.metrics.value[ASY_VALIDATE][ASY_METRIC_ACCURACY], 1e-6);
    assert_float_equal(r.curve[19].validate_loss,
                       r.metrics.value[ASY_VALIDATE][ASY_METRIC_LOSS], 1e-6);
    asy_train_result_fini(&r);
    sample_free(data);
}

/* Mean squared error on tanh outputs, one row at a time. */
static void test_online(void **state)
{
    (void)state;
    asy_tensors *data = sample_fixture("iris", true);
    asy_train_result r = train_text(
        "{'hidden': [{'units': 8, 'activation': 'tanh'}], 'loss': 'mse', 'batch': 1,"
        " 'output': {'activation': 'tanh'}, 'epochs': 60,"
        " 'optimizer': {'name': 'sgd', 'rate': 0.05}}",
        data);
    assert_true(r.metrics.value[ASY_TEST][ASY_METRIC_ACCURACY] >= 0.9);
    assert_true(isnan(r.metrics.value[ASY_TEST][ASY_METRIC_LOG_LOSS]));
    asy_train_result_fini(&r);
    sample_free(data);
}

static void test_regression(void **state)
{
    (void)state;
    asy_tensors *data = sample_made_up(64, 3, 0, 1);
    float *target = (float *)data->part[ASY_TRAIN].target;
    for (int i = 0; i < 64; i++)
        target[i] =
            2 * data->part[ASY_TRAIN].x[3 * i] - data->part[ASY_TRAIN].x[3 * i + 2];
    asy_train_result r =
        train_text("{'hidden': [], 'epochs': 200, 'batch': 0, 'optimizer':"
                   " {'name': 'sgd', 'rate': 0.1, 'momentum': 0.5}}",
                   data);
    assert_true(r.metrics.value[ASY_TRAIN][ASY_METRIC_R2] > 0.999);
    assert_true(r.metrics.value[ASY_TRAIN][ASY_METRIC_RMSE] < 0.05);
    assert_true(isnan(r.curve[0].train_accuracy));
    asy_train_result_fini(&r);
    sample_free(data);
}

static void test_two_classes(void **state)
{
    (void)state;
    asy_tensors *data = sample_fixture("ionosphere", false);
    asy_train_result r =
        train_text("{'hidden': [{'units': 16}], 'loss':"
                   " 'binary_cross_entropy', 'class_weight': 'balanced',"
                   " 'epochs': 40, 'optimizer': {'rate': 0.01}}",
                   data);
    assert_true(r.metrics.value[ASY_TEST][ASY_METRIC_AUC] > 0.9);
    assert_true(r.metrics.value[ASY_TEST][ASY_METRIC_BALANCED_ACCURACY] > 0.8);
    asy_train_result_fini(&r);
    sample_free(data);
}

/* ---- the same bits ---- */

static const char *const varied =
    "{'hidden': [{'units': 16, 'dropout': 0.2, 'batch_norm': true, 'repeat': 3}],"
    " 'residual': 1, 'epochs': 6, 'patience': 2, 'optimizer': {'rate': 0.01}}";

static void test_repeats(void **state)
{
    (void)state;
    asy_tensors *data = sample_fixture("iris", true);
    asy_train_result a = train_text(varied, data), b = train_text(varied, data);
    assert_same_bits(&a, &b);
    asy_train_result_fini(&a);
    asy_train_result_fini(&b);
    sample_free(data);
}

/* Members that differ in seed, activation, rate, epochs and patience, together and
 * alone, by fresh trainers and by one that is used again. */
static void test_population(void **state)
{
    (void)state;
    static const char *const designs[] = {
        "{'hidden': [{'units': 12, 'dropout': 0.3, 'repeat': 2}], 'epochs': 5,"
        " 'batch': 7}",
        "{'hidden': [{'units': 12, 'activation': 'tanh', 'repeat': 2}], 'epochs': 9,"
        " 'batch': 7, 'optimizer': {'name': 'sgd', 'rate': 0.1}, 'shuffle': 'own'}",
        "{'hidden': [{'units': 12, 'l2': 0.1, 'repeat': 2}], 'epochs': 30, 'batch': 7,"
        " 'patience': 1, 'optimizer': {'name': 'rmsprop', 'rate': 0.1},"
        " 'class_weight': 'balanced'}",
    };
    enum { K = sizeof designs / sizeof *designs };
    asy_tensors *data = sample_fixture("iris", true);
    asy_design *d[K];
    asy_train_job job[K];
    asy_train_result together[K];
    for (int i = 0; i < K; i++) {
        d[i] = sample_design(designs[i]);
        job[i] = job_of(d[i], data, 100 + (uint64_t)i);
    }
    asy_trainer *t = asy_trainer_new(NULL), *again = asy_trainer_new(NULL);
    if (asy_trainer_run(t, job, K, together))
        fail_msg("%s", asy_errmsg());
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < K; i++) {
            asy_train_result alone;
            assert_int_equal(asy_trainer_run(again, &job[i], 1, &alone), ASY_OK);
            assert_same_bits(&together[i], &alone);
            asy_train_result_fini(&alone);
        }
    for (int i = 0; i < K; i++) {
        asy_train_result_fini(&together[i]);
        asy_design_free(d[i]);
    }
    asy_trainer_free(t);
    asy_trainer_free(again);
    sample_free(data);
}

static void test_unequal_shapes(void **state)
{
    (void)state;
    asy_tensors *data = sample_fixture("iris", true);
    asy_design *a = sample_design("{'hidden': [{'units': 4}]}");
    asy_design *b = sample_design("{'hidden': [{'units': 5}]}");
    asy_train_job job[] = {job_of(a, data, 1), job_of(b, data, 1)};
    asy_train_result r[2];
    asy_trainer *t = asy_trainer_new(NULL);
    assert_int_equal(asy_trainer_run(t, job, 2, r), ASY_EARG);
    assert_null(r[0].curve);
    assert_int_equal(asy_trainer_run(t, job, 0, r), ASY_OK);
    asy_trainer_free(t);
    asy_design_free(a);
    asy_design_free(b);
    sample_free(data);
}

/* Row order follows the session's seed, or with `own` the trial's. */
static void test_seeds(void **state)
{
    (void)state;
    asy_tensors *data = sample_fixture("iris", true);
    asy_design *shared = sample_design("{'hidden': [], 'init': 'zeros', 'epochs': 1}");
    asy_design *own =
        sample_design("{'hidden': [], 'init': 'zeros', 'epochs': 1, 'shuffle': 'own'}");
    asy_train_job job[] = {job_of(shared, data, 1), job_of(shared, data, 2),
                           job_of(own, data, 1), job_of(own, data, 2)};
    float loss[4];
    for (int i = 0; i < 4; i++) {
        asy_train_result r = train(&job[i]);
        loss[i] = r.curve[0].train_loss;
        asy_train_result_fini(&r);
    }
    assert_true(loss[0] == loss[1]); /* no random start: only the order could differ */
    assert_true(loss[2] != loss[3]);
    asy_design_free(shared);
    asy_design_free(own);
    sample_free(data);
}

typedef struct worker {
    const asy_train_job *job;
    asy_train_result result;
    asy_err err;
} worker;

static void *work(void *arg)
{
    worker *w = arg;
    w->err = asy_train(w->job, &w->result);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    asy_tensors *data = sample_fixture("iris", true);
    asy_design *d = sample_design(varied);
    asy_train_job job = job_of(d, data, 5);
    worker w[3] = {{.job = &job}, {.job = &job}, {.job = &job}};
    pthread_t thread[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, work, &w[i]), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(w[i].err, ASY_OK);
        assert_same_bits(&w[0].result, &w[i].result);
    }
    for (int i = 0; i < 3; i++)
        asy_train_result_fini(&w[i].result);
    asy_design_free(d);
    sample_free(data);
}

/* ---- reasons to stop ---- */

static void test_patience(void **state)
{
    (void)state;
    asy_tensors *data = sample_fixture("iris", true);
    asy_train_result r =
        train_text("{'hidden': [{'units': 32, 'repeat': 2}], 'epochs': 500, 'batch': 4,"
                   " 'patience': 5, 'optimizer': {'rate': 0.03}}",
                   data);
    assert_int_equal(r.stop, ASY_STOP_PATIENCE);
    assert_int_equal(r.best_epoch, r.epochs - 5);
    float best = r.curve[r.best_epoch - 1].validate_loss;
    for (uint32_t i = 0; i < r.epochs; i++)
        assert_true(r.curve[i].validate_loss >= best);
    assert_float_equal(r.metrics.value[ASY_VALIDATE][ASY_METRIC_LOSS], best, 1e-6);
    asy_train_result_fini(&r);
    r = train_text(
        "{'hidden': [{'units': 32, 'repeat': 2}], 'epochs': 500, 'batch': 4,"
        " 'patience': 5, 'restore_best': false, 'optimizer': {'rate': 0.03}}",
        data);
    assert_int_equal(r.best_epoch, r.epochs);
    assert_float_equal(r.metrics.value[ASY_VALIDATE][ASY_METRIC_LOSS],
                       r.curve[r.epochs - 1].validate_loss, 1e-6);
    asy_train_result_fini(&r);
    sample_free(data);
}

/* Without a validation part the training loss is watched. */
static void test_patience_in_training(void **state)
{
    (void)state;
    asy_tensors *data = sample_fixture("iris", false);
    asy_train_result r = train_text("{'hidden': [{'units': 4}], 'epochs': 100,"
                                    " 'patience': 2, 'min_delta': 0.5}",
                                    data);
    assert_int_equal(r.stop, ASY_STOP_PATIENCE);
    assert_int_equal(r.epochs, 3);
    assert_int_equal(r.best_epoch, 1);
    asy_train_result_fini(&r);
    sample_free(data);
}

static void reaches(const char *target, bool validate)
{
    char design[300];
    snprintf(design, sizeof design,
             "{'hidden': [{'units': 16}], 'epochs': 300, 'batch': 8, 'target': %s,"
             " 'optimizer': {'rate': 0.01}}",
             target);
    asy_tensors *data = sample_fixture("iris", validate);
    asy_train_result r = train_text(design, data);
    assert_int_equal(r.stop, ASY_STOP_TARGET);
    assert_true(r.epochs > 1 && r.epochs < 300);
    asy_train_result_fini(&r);
    sample_free(data);
}

static void test_target(void **state)
{
    (void)state;
    reaches("{'accuracy': 0.9}", true);
    reaches("{'accuracy': 0.9}", false);
    reaches("{'loss': 0.3}", true);
    reaches("{'f1': 0.9}", true);
    reaches("{'balanced_accuracy': 0.9}", false);
}

static void test_time(void **state)
{
    (void)state;
    asy_tensors *data = sample_fixture("iris", true);
    asy_train_result r = train_text(
        "{'hidden': [{'units': 4}], 'epochs': 1000000, 'max_seconds': 0.05}", data);
    assert_int_equal(r.stop, ASY_STOP_TIME);
    assert_true(r.seconds >= 0.05 && r.seconds < 5);
    assert_true(r.metrics.value[ASY_TEST][ASY_METRIC_LOSS] > 0);
    asy_train_result_fini(&r);
    sample_free(data);
}

static void test_divergence(void **state)
{
    (void)state;
    asy_tensors *data = sample_made_up(32, 3, 0, 1);
    asy_train_result r = train_text("{'hidden': [{'units': 8, 'activation': 'linear'}],"
                                    " 'optimizer': {'name': 'sgd', 'rate': 1e5},"
                                    " 'epochs': 50, 'patience': 3}",
                                    data);
    assert_int_equal(r.stop, ASY_STOP_DIVERGED);
    assert_true(r.epochs < 50);
    for (int i = 0; i < ASY_METRIC_COUNT; i++)
        assert_true(isnan(r.metrics.value[ASY_TRAIN][i]));
    asy_train_result_fini(&r);
    sample_free(data);
}

typedef struct watcher {
    uint32_t calls, until;
    asy_verdict then;
} watcher;

static asy_verdict watch(void *ctx, const asy_epoch *e)
{
    watcher *w = ctx;
    assert_int_equal(e->epoch, ++w->calls);
    return e->epoch >= w->until ? w->then : ASY_GO;
}

static void test_verdicts(void **state)
{
    (void)state;
    asy_tensors *data = sample_fixture("iris", true);
    asy_design *d = sample_design("{'hidden': [], 'epochs': 8}");
    asy_train_job job = job_of(d, data, 1);
    watcher w = {.until = 3, .then = ASY_PRUNE};
    job.on_epoch = watch;
    job.ctx = &w;
    asy_train_result r = train(&job);
    assert_int_equal(r.stop, ASY_STOP_PRUNED);
    assert_int_equal(r.epochs, 3);
    assert_true(r.metrics.value[ASY_TEST][ASY_METRIC_ACCURACY] >= 0);
    asy_train_result_fini(&r);
    w = (watcher){.until = 2, .then = ASY_CANCEL};
    r = train(&job);
    assert_int_equal(r.stop, ASY_STOP_CANCELLED);
    assert_int_equal(r.epochs, 2);
    asy_train_result_fini(&r);
    w = (watcher){.until = 8, .then = ASY_PRUNE};
    r = train(&job);
    assert_int_equal(r.stop, ASY_STOP_EPOCHS);
    assert_int_equal(w.calls, 8);
    asy_train_result_fini(&r);
    asy_design_free(d);
    sample_free(data);
}

/* ---- depth ---- */

static void test_depths(void **state)
{
    (void)state;
    asy_tensors *data = sample_fixture("iris", false);
    asy_train_result r = train_text("{'hidden': [], 'epochs': 2}", data);
    assert_int_equal(r.params, 4 * 3 + 3);
    asy_train_result_fini(&r);
    r = train_text("{'hidden': [{'units': 1}], 'epochs': 2}", data);
    assert_int_equal(r.params, 4 + 1 + 3 + 3);
    asy_train_result_fini(&r);
    r = train_text("{'hidden': [{'units': 4, 'activation': 'tanh', 'repeat': 20000}],"
                   " 'epochs': 1, 'batch': 0}",
                   data);
    assert_int_equal(r.epochs, 1);
    assert_true(isfinite(r.curve[0].train_loss));
    assert_int_equal(r.params, 20000 * 20 + 15);
    asy_train_result_fini(&r);
    sample_free(data);
}

/* ---- what is refused ---- */

static void test_bad_data(void **state)
{
    (void)state;
    asy_tensors *data = sample_fixture("iris", false);
    asy_design *d = sample_design("{'hidden': []}");
    asy_train_job job = job_of(d, data, 1);
    asy_train_result r;
    int32_t *label = (int32_t *)data->part[ASY_TEST].label, old = label[2];
    label[2] = 3;
    assert_int_equal(asy_train(&job, &r), ASY_EARG);
    assert_non_null(
        strstr(asy_errmsg(), "class 0 .. 2 expected in the test part, got 3"));
    label[2] = -1;
    assert_int_equal(asy_train(&job, &r), ASY_EARG);
    label[2] = old;
    data->part[ASY_TRAIN].rows = 0;
    assert_int_equal(asy_train(&job, &r), ASY_EARG);
    assert_null(r.curve);
    asy_design_free(d);
    sample_free(data);
}

static void test_no_memory(void **state)
{
    (void)state;
    asy_tensors *data = sample_fixture("ionosphere", true);
    asy_design *d = sample_design("{'hidden': [{'units': 4, 'batch_norm': true, 'init':"
                                  " 'orthogonal'}], 'epochs': 2, 'patience': 1,"
                                  " 'class_weight': 'balanced', 'target': {'auc': 1}}");
    asy_train_job job = job_of(d, data, 1);
    asy_train_result r = {0};
    long n = 0;
    asy_err e;
    do {
        asy_alloc_fail_after(n++);
        e = asy_train(&job, &r);
        asy_alloc_fail_after(-1);
        if (e)
            assert_null(r.curve);
    } while (e == ASY_ENOMEM && n < 200);
    assert_int_equal(e, ASY_OK);
    assert_true(n > 10);
    asy_train_result_fini(&r);
    asy_design_free(d);
    sample_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_iris),        cmocka_unit_test(test_digits),
        cmocka_unit_test(test_online),      cmocka_unit_test(test_regression),
        cmocka_unit_test(test_two_classes), cmocka_unit_test(test_repeats),
        cmocka_unit_test(test_population),  cmocka_unit_test(test_unequal_shapes),
        cmocka_unit_test(test_seeds),       cmocka_unit_test(test_threads),
        cmocka_unit_test(test_patience),    cmocka_unit_test(test_patience_in_training),
        cmocka_unit_test(test_target),      cmocka_unit_test(test_time),
        cmocka_unit_test(test_divergence),  cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_depths),      cmocka_unit_test(test_bad_data),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
