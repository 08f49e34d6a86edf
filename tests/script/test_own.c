/* test_own.c - trials of a rule's own function, in real child processes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/talk.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "data/csv.h"
#include "data/prepare.h"
#include "script/child.h"
#include "script/rulehost.h"

enum { MOST = 2000 };

/* What came back, by id. */
typedef struct results {
    size_t count, reports;
    int64_t last;
    double score[MOST + 1];
    char *message[MOST + 1];
} results;

static void on_result(void *ctx, const asy_own_result *r)
{
    results *all = ctx;
    assert_in_range(r->id, 1, MOST);
    assert_true(r->id > all->last); /* in order, each once */
    all->last = r->id;
    all->count++;
    assert_true(!r->metrics != !r->message);
    all->message[r->id] = asy_strdup(r->message);
    if (r->metrics)
        all->score[r->id] = json_number_value(json_object_get(r->metrics, "score"));
    json_decref(r->metrics);
}

static bool on_report(void *ctx, int64_t id, uint32_t epoch, double value)
{
    results *all = ctx;
    all->reports++;
    assert_true(value == (double)epoch * 0.5);
    return !(id == 2 && epoch == 3);
}

static void results_fini(results *r)
{
    for (size_t i = 0; i <= MOST; i++)
        asy_free(r->message[i]);
    *r = (results){0};
}

static asy_own *open_rule(const char *body, const char *data,
                          const asy_rule_limits *limits)
{
    char source[4096];
    asy_own *o;
    snprintf(source, sizeof source,
             "local assay = require 'assay'\n"
             "return assay.rule { space = { x = assay.space.int(1, 9) },\n"
             "trial = function(params, data, report)\n%s\nend }",
             body);
    if (asy_script_own.open("rule.lua", source, strlen(source), NULL, data, 11, limits,
                            &o))
        fail_msg("%s", asy_errmsg());
    return o;
}

/* Trials 1..n with seed 100 + id and {"x": id}. */
static void run(asy_own *o, size_t n, results *out)
{
    static char params[MOST][32];
    static asy_own_trial trials[MOST];
    asy_own_sink sink = {.ctx = out, .on_result = on_result, .on_report = on_report};
    for (size_t i = 0; i < n; i++) {
        snprintf(params[i], sizeof params[i], "{\"x\":%zu}", i + 1);
        trials[i] = (asy_own_trial){.id = (int64_t)i + 1,
                                    .seed = 101 + i,
                                    .params = params[i],
                                    .params_len = strlen(params[i])};
    }
    out->last = 0;
    if (asy_script_own.run(o, trials, n, &sink))
        fail_msg("%s", asy_errmsg());
    assert_int_equal(out->count, n);
}

static void test_results(void **state)
{
    (void)state;
    static results r;
    asy_own *o = open_rule("return { score = params.x * 2 }", NULL, &patient);
    run(o, 1000, &r);
    for (size_t i = 1; i <= 1000; i++)
        assert_true(r.score[i] == 2.0 * (double)i);
    results_fini(&r);
    run(o, 3, &r); /* the same child again */
    assert_true(r.score[3] == 6);
    results_fini(&r);
    asy_script_own.close(o);
}

static void test_packed_params(void **state)
{
    (void)state;
    static results r;
    asy_own *o = open_rule("return { score = params.x }", NULL, &patient);
    asy_own_trial t = {.id = 1, .params = "\x81\xa1x\x07", .params_len = 4};
    asy_own_sink sink = {.ctx = &r, .on_result = on_result};
    assert_int_equal(asy_script_own.run(o, &t, 1, &sink), ASY_OK);
    assert_true(r.score[1] == 7);
    results_fini(&r);
    asy_script_own.close(o);
}

/* math.random is seeded by (session, trial): the order of trials does not matter. */
static void test_seeds(void **state)
{
    (void)state;
    static results a, b;
    asy_own *o = open_rule("return { score = math.random() }", NULL, &patient);
    asy_own_sink sink = {.ctx = &b, .on_result = on_result};
    run(o, 10, &a);
    for (size_t i = 2; i <= 10; i++)
        assert_true(a.score[i] != a.score[i - 1]);
    asy_script_own.close(o);
    o = open_rule("return { score = math.random() }", NULL, &patient);
    asy_own_trial t = {.id = 9, .seed = 109, .params = "{}", .params_len = 2};
    assert_int_equal(asy_script_own.run(o, &t, 1, &sink), ASY_OK);
    assert_true(b.score[9] == a.score[9]);
    results_fini(&a);
    results_fini(&b);
    asy_script_own.close(o);
}

/* The trial that fails fails alone, however it does it. */
static void test_failures(void **state)
{
    (void)state;
    static results r;
    const asy_rule_limits limits = {
        .soft_ms = 300, .hard_ms = 2000, .memory = 24 << 20};
    asy_own *o =
        open_rule("if params.x == 2 then\n"
                  "  error('second')\n"
                  "elseif params.x == 4 then\n"
                  "  while true do end\n"
                  "elseif params.x == 6 then\n"
                  "  local t = {} while true do t[#t + 1] = ('x'):rep(1e5) .. #t end\n"
                  "elseif params.x == 8 then\n"
                  "  return { score = ('a'):rep(28):find(('a?'):rep(28) .. "
                  "('a'):rep(28)) }\n"
                  "elseif params.x == 10 then\n"
                  "  return { score = 'x' }\n"
                  "elseif params.x == 12 then\n"
                  "  return\n"
                  "elseif params.x == 14 then\n"
                  "  local s = ('x'):rep(2^30)\n"
                  "end\n"
                  "return { score = params.x }",
                  NULL, &limits);
    run(o, 40, &r);
    for (size_t i = 1; i <= 40; i++) {
        bool good = i % 2 || i > 14;
        if (good != !r.message[i])
            fail_msg("trial %zu: %s", i, r.message[i] ? r.message[i] : "no failure");
        if (good)
            assert_true(r.score[i] == (double)i);
    }
    assert_non_null(strstr(r.message[2], "rule.lua:5: second"));
    assert_non_null(
        strstr(r.message[4], "rule.lua:7: time limit: the trial took longer"));
    assert_non_null(strstr(r.message[6], "me")); /* whichever limit comes first */
    assert_non_null(strstr(r.message[8], "time limit: the trial did not end within"));
    assert_non_null(strstr(r.message[10], "score"));
    assert_non_null(strstr(r.message[12], "return"));
    assert_non_null(strstr(r.message[14], "memory"));
    results_fini(&r);
    asy_script_own.close(o);
}

static void test_rule_that_does_not_load(void **state)
{
    (void)state;
    static results r;
    asy_own *o = open_rule("local x = = 2", NULL, &patient);
    for (int i = 0; i < 2; i++) {
        run(o, 5, &r);
        assert_non_null(strstr(r.message[5], "rule.lua:4:"));
        results_fini(&r);
    }
    asy_script_own.close(o);
}

static void test_reports(void **state)
{
    (void)state;
    static results r;
    asy_own *o = open_rule("for epoch = 1, 5 do\n"
                           "  if report(epoch, epoch * 0.5) == false then\n"
                           "    return { score = epoch }\n"
                           "  end\n"
                           "end\n"
                           "return { score = 9 }",
                           NULL, &patient);
    run(o, 3, &r);
    assert_int_equal(r.reports, 5 + 3 + 5);
    assert_true(r.score[1] == 9 && r.score[2] == 3 && r.score[3] == 9);
    results_fini(&r);
    asy_script_own.close(o);
}

/* Prepared data reaches the trial through the lock-down, and it can train on it. */
static void test_data(void **state)
{
    (void)state;
    static results r;
    char folder[] = "/tmp/assay-own-XXXXXX", path[64];
    asy_table *table;
    asy_tensors *data;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/iris.safetensors", folder);
    asy_csv_options options = {.header = 1};
    assert_int_equal(
        asy_csv_load(ASY_SOURCE_DIR "/tests/fixtures/iris.csv", &options, &table),
        ASY_OK);
    json_t *steps = json_pack("[{s:s,s:i,s:i}]", "op", "scale", "lo", 0, "hi", 1);
    asy_prepare_job job = {
        .table = table, .label = 4, .steps = steps, .seed = 1, .folds = 1};
    if (asy_prepare_run(&job, &data))
        fail_msg("%s", asy_errmsg());
    assert_int_equal(asy_tensors_save(data, path), ASY_OK);
    asy_own *o = open_rule(
        "assert(data.inputs == 4 and data.classes == 3 and data.train.rows == 120)\n"
        "assert(data.train.x:rows() == 120 and data.train.y:max() == 3)\n"
        "assert(not pcall(function() data.train.x:fill(0) end))\n"
        "local r = assay.train(assay.net.mlp { hidden = { { units = 8 } }, epochs = 3 "
        "},"
        " data)\n"
        "assert(r.epochs == 3 and r.test_loss > 0)\n"
        "local x = data.train.x\n"
        "return { score = r.test_loss, sum = x:transpose():mul(x):sum() }",
        path, &patient);
    run(o, 20, &r);
    if (r.message[1])
        fail_msg("%s", r.message[1]);
    assert_true(r.score[1] > 0 && r.score[1] != r.score[2]);
    results_fini(&r);
    asy_script_own.close(o);
    o = open_rule("return { score = 1 }", "/nothing/here", &patient);
    run(o, 2, &r);
    assert_non_null(strstr(r.message[1], "/nothing/here"));
    results_fini(&r);
    asy_script_own.close(o);
    asy_tensors_free(data);
    asy_table_free(table);
    json_decref(steps);
    unlink(path);
    rmdir(folder);
}

static void test_speed(void **state)
{
    (void)state;
    static results r;
    asy_rule_limits limits = patient;
    limits.jit = true;
    asy_own *o = open_rule("return { score = 0 }", NULL, &limits);
    run(o, 1, &r); /* the child is up */
    results_fini(&r);
    uint64_t before = asy_now_ns();
    run(o, MOST, &r);
    double seconds = (double)(asy_now_ns() - before) / 1e9;
    print_message("no-op trials: %.0f a second\n", MOST / seconds);
    results_fini(&r);
    asy_script_own.close(o);
}

static void test_no_leaks(void **state)
{
    (void)state;
    int before = count_open_files();
    for (int i = 0; i < 5; i++) {
        test_packed_params(NULL);
        asy_own *o = open_rule("return { score = 1 }", NULL, &patient);
        asy_script_own.close(o); /* never run */
    }
    asy_script_own.close(NULL);
    assert_int_equal(count_open_files(), before);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], ASY_RULEHOST_ARG) == 0)
        return asy_rulehost_main();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results), cmocka_unit_test(test_packed_params),
        cmocka_unit_test(test_seeds),   cmocka_unit_test(test_failures),
        cmocka_unit_test(test_reports), cmocka_unit_test(test_rule_that_does_not_load),
        cmocka_unit_test(test_data),    cmocka_unit_test(test_speed),
        cmocka_unit_test(test_no_leaks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
