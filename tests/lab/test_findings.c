/* test_findings.c - leaderboards and effects of sessions whose truth is known. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "lab/findings.h"

static const char settings[] =
    "{\"objective\":[{\"metric\":\"accuracy\",\"maximize\":true}],\"space\":["
    "{\"name\":\"depth\",\"type\":\"int\",\"lo\":1,\"hi\":8},"
    "{\"name\":\"rate\",\"type\":\"float\",\"log\":true}]}";

/* A store in a folder of its own, and the session that trials are put into. */
typedef struct fixture {
    char folder[64];
    asy_store *store;
    int64_t session, trials;
} fixture;

static void must(asy_err e)
{
    if (e)
        fail_msg("%s", asy_errmsg());
}

static void open_fixture(fixture *f, const char *about)
{
    snprintf(f->folder, sizeof f->folder, "/tmp/assay-findings-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    must(asy_store_open(f->folder, &f->store));
    asy_row_session row = {.name = "s-1",
                           .rule_name = "r.lua",
                           .rule = "",
                           .title = "",
                           .options = "{}",
                           .settings = about,
                           .dataset = "",
                           .label = "y",
                           .prepared = "[]",
                           .seed = 7,
                           .digest = "",
                           .error = ""};
    must(asy_store_new_session(f->store, &row, &f->session));
    f->trials = 0;
}

static void close_fixture(fixture *f)
{
    char command[96];
    asy_store_close(f->store);
    snprintf(command, sizeof command, "rm -r %s", f->folder);
    assert_int_equal(system(command), 0);
}

/* One trial that has ended. */
static void put(fixture *f, int64_t proposal, asy_trial_state state, double score,
                double seconds, uint64_t parameters, const char *params,
                const char *design)
{
    asy_row_trial t = {.id = asy_store_next_trial(f->store, 1),
                       .session = f->session,
                       .number = ++f->trials,
                       .proposal = proposal,
                       .params = params,
                       .design = design,
                       .score = NAN,
                       .metrics = "{}",
                       .reason = "",
                       .how = "",
                       .worker = ""};
    asy_hash none = {{0}};
    asy_store_scatter(f->store, f->session, f->trials, &none, 0, &t, 1, NULL, NULL);
    t.state = state;
    t.score = score;
    t.seconds = seconds;
    t.parameters = parameters;
    asy_store_end_trial(f->store, &t, NULL, 0, NULL, NULL);
}

static asy_trials *load(fixture *f)
{
    asy_trials *t;
    must(asy_store_flush(f->store));
    must(asy_trials_load(f->store, f->session, &t));
    return t;
}

static double number(const json_t *o, const char *name)
{
    const json_t *v = json_object_get(o, name);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static const char *text(const json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}

static const json_t *parameter(const json_t *findings, const char *name)
{
    const json_t *o;
    size_t i;
    json_array_foreach (json_object_get(findings, "parameters"), i, o)
        if (strcmp(text(o, "parameter"), name) == 0)
            return o;
    return NULL;
}

static void leaderboard_ranks_means(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, settings);
    put(&f, 1, ASY_TRIAL_DONE, 0.80, 1, 10, "{\"depth\":1}", "");
    put(&f, 1, ASY_TRIAL_DONE, 0.84, 3, 10, "{\"depth\":1}", "");
    put(&f, 2, ASY_TRIAL_DONE, 0.95, 1, 20, "{\"depth\":2}", "{\"hidden\":[]}");
    put(&f, 2, ASY_TRIAL_FAILED, NAN, 0, 0, "{\"depth\":2}", "");
    put(&f, 3, ASY_TRIAL_FAILED, NAN, 0, 0, "{\"depth\":3}", "");
    put(&f, 4, ASY_TRIAL_DONE, 0.10, 1, 10, "{\"depth\":4}", "");
    asy_trials *t = load(&f);
    json_t *best = asy_trials_best(t, 10);
    assert_int_equal(json_array_size(best), 3);
    const json_t *first = json_array_get(best, 0), *second = json_array_get(best, 1);
    assert_true(number(first, "number") == 3 && number(first, "score") == 0.95);
    assert_true(json_is_null(json_object_get(first, "low")));
    assert_true(number(first, "failed") == 1);
    assert_true(json_is_object(json_object_get(first, "design")));
    assert_true(json_is_null(json_object_get(second, "design")));
    assert_true(fabs(number(second, "score") - 0.82) < 1e-12);
    assert_true(fabs(number(second, "low") - (0.82 - 12.706205 * 0.02)) < 1e-6);
    assert_true(number(second, "high") == 1); /* as far as an accuracy goes */
    assert_true(number(second, "n") == 2 && number(second, "seconds") == 2);
    json_decref(best);
    best = asy_trials_best(t, 1);
    assert_int_equal(json_array_size(best), 1);
    json_decref(best);
    asy_trials_free(t);
    close_fixture(&f);
}

static void smaller_is_better_when_minimized(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, "{\"objective\":[{\"metric\":\"rmse\",\"maximize\":false}]}");
    put(&f, 1, ASY_TRIAL_DONE, 5, 1, 1, "{\"a\":1}", "");
    put(&f, 2, ASY_TRIAL_DONE, 3, 1, 1, "{\"a\":2}", "");
    asy_trials *t = load(&f);
    json_t *best = asy_trials_best(t, 5);
    assert_true(number(json_array_get(best, 0), "number") == 2);
    json_decref(best);
    asy_trials_free(t);
    close_fixture(&f);
}

/* Scores of n proposals: 0.1 for tanh, +0.02 a layer, noise of 0.05; `luck` and `rate`
 * do nothing, `drop` is there in every second proposal only. */
static void put_known(fixture *f, int n)
{
    asy_rng rng = asy_rng_open(asy_rng_key(11, 0), ASY_STREAM_RULE, 0);
    for (int i = 1; i <= n; i++) {
        char params[256], drop[32] = "";
        bool tanh_act = asy_rng_below(&rng, 2);
        int depth = 1 + (int)asy_rng_below(&rng, 8);
        if (i % 2)
            snprintf(drop, sizeof drop, ",\"drop\":%.3f", asy_rng_uniform(&rng));
        snprintf(params, sizeof params,
                 "{\"act\":\"%s\",\"depth\":%d,\"luck\":\"%c\",\"rate\":%.6f%s}",
                 tanh_act ? "tanh" : "relu", depth, 'a' + (int)asy_rng_below(&rng, 5),
                 pow(10, -4 + 3 * asy_rng_uniform(&rng)), drop);
        double score =
            0.6 + 0.1 * tanh_act + 0.02 * depth + 0.05 * asy_rng_normal(&rng);
        char design[64];
        snprintf(design, sizeof design, "{\"hidden\":[{\"units\":8,\"repeat\":%d}]}",
                 depth);
        int parameters = 100 + (int)asy_rng_below(&rng, 900);
        double seconds =
            0.5 + 0.25 * depth + 0.001 * parameters + 0.01 * asy_rng_normal(&rng);
        put(f, i, ASY_TRIAL_DONE, score, seconds, (uint64_t)parameters, params, design);
    }
}

static void contains(const json_t *o, const char *low, const char *high, double truth)
{
    if (!(number(o, low) <= truth && truth <= number(o, high)))
        fail_msg("[%g, %g] does not contain %g", number(o, low), number(o, high),
                 truth);
}

static void known_effects_are_found(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, settings);
    put_known(&f, 1500);
    asy_trials *t = load(&f);
    json_t *found = asy_trials_findings(t);
    const json_t *act = parameter(found, "act"), *depth = parameter(found, "depth");
    const json_t *luck = parameter(found, "luck"), *drop = parameter(found, "drop");
    assert_int_equal(json_array_size(json_object_get(found, "parameters")), 5);
    assert_ptr_equal(json_array_get(json_object_get(found, "parameters"), 0), act);
    /* variance: 0.0025 of act, 0.0021 of depth, 0.0025 of noise */
    contains(act, "eta2_low", "eta2_high", 0.0025 / 0.0071);
    contains(depth, "eta2_low", "eta2_high", 0.0021 / 0.0071);
    assert_true(number(act, "eta2_high") - number(act, "eta2_low") < 0.12);
    const json_t *held = json_object_get(act, "holdout");
    assert_string_equal(text(held, "verdict"), "holds");
    assert_string_equal(text(held, "better"), "tanh");
    contains(held, "low", "high", 0.1);
    assert_string_equal(text(json_object_get(depth, "holdout"), "better"), "8");
    contains(json_object_get(depth, "holdout"), "low", "high", 0.14);
    assert_non_null(strstr(text(act, "text"), "IF act = tanh THEN accuracy +0."));
    assert_non_null(strstr(text(luck, "text"), "no clear effect"));
    assert_true(number(luck, "eta2_low") <= number(luck, "eta2_by_chance"));
    assert_true(number(drop, "absent") == 750 && number(drop, "n") == 750);
    assert_true(json_is_true(json_object_get(drop, "bins")));
    assert_int_equal(json_array_size(json_object_get(drop, "levels")), 8);
    assert_true(json_is_true(json_object_get(parameter(found, "rate"), "log")));
    const json_t *level;
    size_t i;
    json_array_foreach (json_object_get(depth, "levels"), i, level) {
        assert_true(number(level, "from") == (double)i + 1);
        contains(level, "low", "high", number(level, "mean"));
        assert_true(number(level, "high") - number(level, "low") < 0.04);
    }
    json_decref(found);
    asy_trials_free(t);
    close_fixture(&f);
}

static void the_line_of_time_is_found(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, settings);
    put_known(&f, 400);
    asy_trials *t = load(&f);
    json_t *found = asy_trials_findings(t);
    const json_t *line = json_object_get(found, "time");
    assert_true(fabs(number(json_object_get(line, "layer"), "value") - 0.25) < 0.002);
    contains(json_object_get(line, "layer"), "low", "high", 0.25);
    contains(json_object_get(line, "parameter"), "low", "high", 0.001);
    contains(json_object_get(line, "base"), "low", "high", 0.5);
    assert_true(number(line, "r2") > 0.99);
    json_decref(found);
    asy_trials_free(t);
    close_fixture(&f);
}

/* 95 % intervals miss about one in twenty times: counted over sessions without effect.
 */
static void intervals_keep_their_promise(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, settings);
    asy_rng rng = asy_rng_open(asy_rng_key(5, 0), ASY_STREAM_RULE, 0);
    for (int i = 1; i <= 2000; i++) {
        char params[1024];
        int at = snprintf(params, sizeof params, "{");
        for (int k = 0; k < 20; k++)
            at += snprintf(params + at, sizeof params - (size_t)at, "%s\"p%d\":%d",
                           k ? "," : "", k, (int)asy_rng_below(&rng, 5));
        snprintf(params + at, sizeof params - (size_t)at, "}");
        put(&f, i, ASY_TRIAL_DONE, asy_rng_normal(&rng), 1, 1, params, "");
    }
    asy_trials *t = load(&f);
    json_t *found = asy_trials_findings(t);
    const json_t *o, *level;
    size_t i, k;
    int covered = 0, effects = 0, held = 0;
    json_array_foreach (json_object_get(found, "parameters"), i, o) {
        effects += number(o, "eta2_low") > number(o, "eta2_by_chance");
        held += strcmp(text(json_object_get(o, "holdout"), "verdict"), "holds") == 0;
        json_array_foreach (json_object_get(o, "levels"), k, level)
            covered += number(level, "low") <= 0 && number(level, "high") >= 0;
    }
    assert_in_range(covered, 88, 100); /* of 100 levels */
    assert_in_range(effects, 0, 3);    /* of 20 parameters */
    assert_in_range(held, 0, 3);
    json_decref(found);
    asy_trials_free(t);
    close_fixture(&f);
}

static void odd_sessions_are_fine(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, "{}");
    asy_trials *t = load(&f);
    json_t *found = asy_trials_findings(t), *best = asy_trials_best(t, 3);
    assert_int_equal(json_array_size(best), 0);
    assert_int_equal(json_array_size(json_object_get(found, "parameters")), 0);
    assert_true(json_is_null(json_object_get(found, "time")));
    json_decref(found);
    json_decref(best);
    asy_trials_free(t);
    put(&f, 1, ASY_TRIAL_DONE, 0.5, 1, 1,
        "{\"m\":1,\"b\":true,\"l\":[1,[2,{\"x\":3}]]}", "");
    put(&f, 2, ASY_TRIAL_DONE, 0.7, 1, 1, "{\"m\":\"one\",\"b\":false,\"n\":null}", "");
    put(&f, 3, ASY_TRIAL_PRUNED, 0.7, 1, 1, "{}", "");
    put(&f, 4, ASY_TRIAL_DONE, 0.7, 1, 1, "{}", "{\"hidden\":[{\"units\":3}]}");
    t = load(&f);
    found = asy_trials_findings(t);
    assert_non_null(parameter(found, "m"));
    assert_non_null(parameter(found, "b"));
    assert_string_equal(
        text(json_object_get(parameter(found, "m"), "holdout"), "verdict"),
        "too few trials");
    json_decref(found);
    asy_trials_free(t);
    close_fixture(&f);
}

/* Rules that scatter designs without parameters are judged by the designs. */
static void designs_speak_for_themselves(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, settings);
    for (int i = 1; i <= 40; i++) {
        char design[128];
        snprintf(design, sizeof design,
                 "{\"hidden\":[{\"units\":4,\"activation\":\"relu\",\"repeat\":%d}]}",
                 i % 4);
        put(&f, i, ASY_TRIAL_DONE, 0.9 - 0.1 * (i % 4) + 0.001 * i, 1, 1, "{}", design);
    }
    asy_trials *t = load(&f);
    json_t *found = asy_trials_findings(t);
    const json_t *layers = parameter(found, "layers");
    assert_non_null(layers);
    assert_true(json_is_true(json_object_get(layers, "of_design")));
    assert_null(parameter(found, "units")); /* all alike */
    assert_string_equal(text(json_object_get(layers, "holdout"), "better"), "0");
    json_decref(found);
    asy_trials_free(t);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaderboard_ranks_means),
        cmocka_unit_test(smaller_is_better_when_minimized),
        cmocka_unit_test(known_effects_are_found),
        cmocka_unit_test(the_line_of_time_is_found),
        cmocka_unit_test(intervals_keep_their_promise),
        cmocka_unit_test(odd_sessions_are_fine),
        cmocka_unit_test(designs_speak_for_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
