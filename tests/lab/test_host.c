/* test_host.c - whole sessions: a host, real workers in processes, a fake rule. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "fake.h"

/* Runs one session to its end in a folder; its row. */
static fake_row run_in(const char *folder, const char *source, uint32_t workers,
                       uint64_t seed)
{
    asy_host *h;
    int64_t session;
    assert_int_equal(fake_host(folder, workers, &h), ASY_OK);
    assert_int_equal(fake_start(h, source, seed, &session), ASY_OK);
    assert_int_equal(asy_host_run(h, NULL), ASY_OK);
    fake_row row = fake_session(asy_host_store(h), session);
    asy_host_close(h);
    return row;
}

static fake_row run(const char *source, uint32_t workers, uint64_t seed)
{
    char *folder = fake_folder();
    fake_row row = run_in(folder, source, workers, seed);
    fake_folder_free(folder);
    return row;
}

static void test_one_design(void **state)
{
    (void)state;
    fake_row row = run("{\"n\": 1}", 1, 1);
    assert_string_equal(row.error, "");
    assert_int_equal(row.state, ASY_SESSION_DONE);
    assert_int_equal(row.done, 1);
}

static void test_same_digest_for_any_workers(void **state)
{
    (void)state;
    fake_row one = run("{\"n\": 40, \"repeats\": 2}", 1, 7);
    fake_row three = run("{\"n\": 40, \"repeats\": 2}", 3, 7);
    fake_row other = run("{\"n\": 40, \"repeats\": 2}", 1, 8);
    assert_int_equal(one.done, 80);
    assert_int_equal(strlen(one.digest), 64);
    assert_string_equal(one.digest, three.digest);
    assert_string_not_equal(one.digest, other.digest);
}

static void test_own_trials(void **state)
{
    (void)state;
    fake_row row = run("{\"n\": 3000, \"own\": true}", 2, 1);
    assert_int_equal(row.state, ASY_SESSION_DONE);
    assert_int_equal(row.done, 3000);
}

static void test_failed_trials_are_results(void **state)
{
    (void)state;
    fake_row row =
        run("{\"n\": 20, \"own\": true, \"params\": {\"fail\": true}}", 1, 1);
    assert_int_equal(row.state, ASY_SESSION_DONE);
    assert_int_equal(row.failed, 20);
}

/* --- folds, and rows -----------------------------------------------------------------
 */

typedef struct seen {
    int64_t number, told[64];
    uint32_t rows, folds[8];
    uint64_t seed;
} seen;

static bool see(void *ctx, const asy_row_trial *row)
{
    seen *s = ctx;
    assert_int_equal(row->number, ++s->number);
    assert_int_equal(row->proposal, (row->number + 5) / 6);
    assert_in_range(row->told, 1, 12);
    s->told[row->told]++;
    s->folds[row->fold]++;
    assert_false(isnan(row->score));
    assert_true(strstr(row->metrics, "\"test_accuracy\":") != NULL);
    assert_true(strstr(row->how, "blas/") == row->how);
    assert_int_equal(row->epochs, 2);
    if (row->fold) /* all folds of a repeat have its seed */
        assert_true(row->seed == s->seed);
    else
        assert_true(row->seed != s->seed);
    s->seed = row->seed;
    s->rows++;
    return true;
}

static void test_repeats_and_folds(void **state)
{
    (void)state;
    char *folder = fake_folder();
    asy_host *h;
    int64_t session;
    seen s = {0};
    assert_int_equal(fake_host(folder, 1, &h), ASY_OK);
    assert_int_equal(
        fake_start(h, "{\"n\": 2, \"repeats\": 2, \"folds\": 3}", 5, &session), ASY_OK);
    assert_int_equal(asy_host_run(h, NULL), ASY_OK);
    const asy_trial_query q = {.session = session};
    assert_int_equal(asy_store_trials(asy_host_store(h), &q, see, &s), ASY_OK);
    assert_int_equal(s.rows, 12);
    assert_true(s.folds[0] == 4 && s.folds[1] == 4 && s.folds[2] == 4);
    for (int i = 1; i <= 12; i++)
        assert_int_equal(s.told[i], 1);
    asy_host_close(h);
    fake_folder_free(folder);
}

/* --- the cache --- */

static void test_cache(void **state)
{
    (void)state;
    char *folder = fake_folder();
    fake_row first = run_in(folder, "{\"n\": 30}", 1, 3);
    fake_row again = run_in(folder, "{\"n\": 40}", 1, 3);
    fake_row other = run_in(folder, "{\"n\": 30}", 1, 4);
    assert_int_equal(first.cached, 0);
    assert_int_equal(again.cached, 30);
    assert_int_equal(again.done, 40);
    assert_int_equal(other.cached, 0);
    fake_row same = run_in(folder, "{\"n\": 30}", 0, 3); /* nothing is left to do */
    assert_int_equal(same.cached, 30);
    assert_string_equal(same.digest, first.digest);
    fake_folder_free(folder);
}

/* --- commands and limits --- */

static void test_cancel(void **state)
{
    (void)state;
    fake_row row = run("{\"n\": 4, \"own\": true, \"cancel\": 4}", 1, 1);
    assert_int_equal(row.cancelled, 1);
    assert_int_equal(row.done, 3);
}

static void test_prune(void **state)
{
    (void)state;
    fake_row row = run("{\"n\": 2, \"epochs\": 1000000, \"pruner\": true}", 1, 1);
    assert_int_equal(row.state, ASY_SESSION_DONE);
    assert_int_equal(row.pruned, 2);
}

static void test_trial_limit(void **state)
{
    (void)state;
    fake_row row = run("{\"n\": 50, \"own\": true, \"limit\": 20, \"chunk\": 8}", 1, 1);
    assert_string_equal(row.error, "");
    assert_int_equal(row.state, ASY_SESSION_DONE);
    assert_int_equal(row.trials, 20);
}

/* --- stop and resume --- */

typedef struct stopper {
    uint64_t after; /* ended trials */
    bool is_over;
} stopper;

static void on_progress(void *ctx, const asy_progress *p)
{
    stopper *s = ctx;
    s->is_over = p->done >= s->after;
}

static bool on_stop(void *ctx) { return ((stopper *)ctx)->is_over; }

static void stop_after(asy_host *h, uint64_t n)
{
    stopper s = {.after = n};
    const asy_host_watch watch = {.ctx = &s, .progress = on_progress, .stop = on_stop};
    assert_int_equal(asy_host_run(h, &watch), ASY_OK);
}

/* Stopped twice and resumed twice in new hosts; adaptive, so that a replay that told
 * the results in another order would be found out. One worker: the order is the same.
 */
static void test_resume(void **state)
{
    (void)state;
    static const char source[] =
        "{\"n\": 60, \"adapt\": true, \"chunk\": 4, \"ahead\": 4,"
        " \"epochs\": 200}";
    char *folder = fake_folder();
    asy_host *h;
    int64_t session, resumed;
    assert_int_equal(fake_host(folder, 1, &h), ASY_OK);
    assert_int_equal(fake_start(h, source, 9, &session), ASY_OK);
    stop_after(h, 5);
    fake_row row = fake_session(asy_host_store(h), session);
    assert_int_equal(row.state, ASY_SESSION_STOPPED);
    assert_in_range(row.done, 5, 59);
    asy_host_close(h);

    assert_int_equal(fake_host(folder, 1, &h), ASY_OK);
    assert_int_equal(asy_host_resume(h, "last", &resumed), ASY_OK);
    assert_int_equal(resumed, session);
    stop_after(h, row.done + 5);
    asy_host_close(h);

    assert_int_equal(fake_host(folder, 1, &h), ASY_OK);
    assert_int_equal(asy_host_resume(h, "iris-1", &resumed), ASY_OK);
    assert_int_equal(asy_host_run(h, NULL), ASY_OK);
    fake_row end = fake_session(asy_host_store(h), session);
    asy_host_close(h);
    assert_string_equal(end.error, "");
    assert_int_equal(end.state, ASY_SESSION_DONE);
    assert_int_equal(end.done, 60);
    assert_int_equal(end.trials, 60);
    fake_folder_free(folder);
    fake_row straight = run(source, 1, 9);
    assert_string_equal(end.digest, straight.digest);
}

/* A limit of time leaves a session that goes on where it ended. */
static void test_time_limit(void **state)
{
    (void)state;
    static const char source[] =
        "{\"n\": 60, \"own\": true, \"params\": {\"sleep\": 0.02}}";
    char *folder = fake_folder();
    asy_host *h;
    int64_t session;
    const asy_session_config config = {.rule_name = "fake.lua",
                                       .rule = source,
                                       .rule_len = strlen(source),
                                       .data_path =
                                           ASY_SOURCE_DIR "/tests/fixtures/iris.csv",
                                       .seed = 1,
                                       .seconds = 0.5};
    fake_row row = {0};
    assert_int_equal(fake_host(folder, 1, &h), ASY_OK);
    assert_int_equal(asy_host_start(h, &config, &session), ASY_OK);
    assert_int_equal(asy_host_run(h, NULL), ASY_OK);
    row = fake_session(asy_host_store(h), session);
    assert_int_equal(row.state, ASY_SESSION_STOPPED);
    assert_in_range(row.done, 1, 59);
    asy_host_close(h);
    for (int i = 0; i < 20 && row.state == ASY_SESSION_STOPPED; i++) {
        assert_int_equal(fake_host(folder, 1, &h), ASY_OK);
        assert_int_equal(asy_host_resume(h, "last", &session), ASY_OK);
        assert_int_equal(asy_host_run(h, NULL), ASY_OK);
        row = fake_session(asy_host_store(h), session);
        asy_host_close(h);
    }
    assert_int_equal(row.state, ASY_SESSION_DONE);
    assert_int_equal(row.done, 60);
    fake_folder_free(folder);
}

/* The first trials are quick and the worker gets many; then each takes long: those that
 * are not begun go to the worker that has none. */
static void test_recall(void **state)
{
    (void)state;
    uint64_t start = asy_now_ms();
    fake_row row = run("{\"n\": 320, \"own\": true, \"slow_from\": 300}", 2, 1);
    assert_int_equal(row.state, ASY_SESSION_DONE);
    assert_int_equal(row.done, 320);
    assert_in_range(asy_now_ms() - start, 0, 60000);
}

/* Two sessions at once share the workers, and both end. */
static void test_two_sessions(void **state)
{
    (void)state;
    char *folder = fake_folder();
    asy_host *h;
    int64_t a, b;
    assert_int_equal(fake_host(folder, 2, &h), ASY_OK);
    assert_int_equal(fake_start(h, "{\"n\": 600, \"own\": true}", 1, &a), ASY_OK);
    assert_int_equal(fake_start(h, "{\"n\": 30}", 2, &b), ASY_OK);
    assert_int_equal(asy_host_run(h, NULL), ASY_OK);
    assert_int_equal(fake_session(asy_host_store(h), a).done, 600);
    assert_int_equal(fake_session(asy_host_store(h), b).done, 30);
    asy_host_close(h);
    fake_folder_free(folder);
}

static void test_rule_process_dies(void **state)
{
    (void)state;
    fake_row row = run("{\"n\": 80, \"own\": true, \"chunk\": 10, \"ahead\": 10,"
                       " \"repeats\": 2, \"die_at\": 25}",
                       1, 1);
    assert_string_equal(row.error, "");
    assert_int_equal(row.state, ASY_SESSION_DONE);
    assert_int_equal(row.done, 160);
    assert_int_equal(row.trials, 160);
}

/* --- failures --- */

static void test_rule_fails_at_start(void **state)
{
    (void)state;
    char *folder = fake_folder();
    asy_host *h;
    int64_t session;
    assert_int_equal(fake_host(folder, 0, &h), ASY_OK);
    assert_int_equal(fake_start(h, "{\"fail\": \"describe\"}", 1, &session),
                     ASY_ESCRIPT);
    assert_string_equal(asy_errmsg(), "fake.lua:7: it went wrong");
    assert_int_equal(
        fake_start(h, "{\"fail\": \"prepare\", \"function\": true}", 1, &session),
        ASY_ESCRIPT);
    assert_int_equal(fake_start(h, "{\"function\": true}", 1, &session), ASY_OK);
    asy_host_close(h);
    fake_folder_free(folder);
}

static void test_rule_fails_later(void **state)
{
    (void)state;
    fake_row row = run("{\"n\": 5, \"own\": true, \"fail\": \"resume\"}", 1, 1);
    assert_int_equal(row.state, ASY_SESSION_FAILED);
    assert_string_equal(row.error, "fake.lua:7: it went wrong");
}

static void test_wrong_design(void **state)
{
    (void)state;
    fake_row row = run("{\"n\": 3, \"units\": -9}", 1, 1);
    assert_int_equal(row.state, ASY_SESSION_FAILED);
    assert_true(strstr(row.error, "design 1") != NULL);
}

static void test_poison(void **state)
{
    (void)state;
    uint64_t start = asy_now_ms();
    fake_row row =
        run("{\"n\": 2, \"own\": true, \"params\": {\"crash\": true}}", 2, 1);
    assert_int_equal(row.state, ASY_SESSION_DONE);
    assert_int_equal(row.failed, 2);
    assert_in_range(asy_now_ms() - start, 0, 60000);
}

int main(int argc, char **argv)
{
    int status = fake_worker_main(argc, argv);
    if (status >= 0)
        return status;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_design),
        cmocka_unit_test(test_same_digest_for_any_workers),
        cmocka_unit_test(test_own_trials),
        cmocka_unit_test(test_failed_trials_are_results),
        cmocka_unit_test(test_repeats_and_folds),
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_prune),
        cmocka_unit_test(test_trial_limit),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_time_limit),
        cmocka_unit_test(test_recall),
        cmocka_unit_test(test_two_sessions),
        cmocka_unit_test(test_rule_process_dies),
        cmocka_unit_test(test_rule_fails_at_start),
        cmocka_unit_test(test_rule_fails_later),
        cmocka_unit_test(test_wrong_design),
        cmocka_unit_test(test_poison),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
