/* fake.c - a rule that answers calls from a thread, as a script in its process does. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include <ftw.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/queue.h"

/* --- the rule ------------------------------------------------------------------- */

struct asy_rule {
    asy_rule_sink sink;
    json_t *config;
    asy_queue *calls;
    pthread_t thread;
    int64_t n, made, ended, reports;
    double best;
    bool is_stopped;
};

static int64_t setting(const asy_rule *r, const char *name, int64_t fallback)
{
    json_t *v = json_object_get(r->config, name);
    return v ? json_is_boolean(v) ? json_is_true(v) : json_integer_value(v) : fallback;
}

static json_t *describe(asy_rule *r)
{
    json_t *v =
        json_pack("{s:s,s:s,s:s,s:I,s:I,s:{s:I},s:b,s:b}", "title", "fake", "kind",
                  setting(r, "own", 0) ? "trial" : "design", "form", "space", "repeats",
                  (json_int_t)setting(r, "repeats", 1), "folds",
                  (json_int_t)setting(r, "folds", 1), "strategy", "trials",
                  (json_int_t)r->n, "adaptive", (int)setting(r, "adapt", 0), "pruner",
                  (int)setting(r, "pruner", 0));
    json_t *steps = json_pack("[{s:s,s:i,s:i},{s:s}]", "op", "scale", "lo", 0, "hi", 1,
                              "op", "one_hot");
    if (setting(r, "function", 0))
        json_object_set_new(v, "prepare", json_true());
    else
        json_object_set(v, "prepare", steps);
    json_decref(steps);
    json_object_set_new(
        v, "limits", json_pack("{s:I}", "trials", (json_int_t)setting(r, "limit", 0)));
    return v;
}

/* Proposal k, from 1: all different, and with "adapt" a function of what was told. */
static json_t *proposal(asy_rule *r, int64_t k)
{
    json_t *params = json_pack("{s:f,s:I}", "x", (double)k / 7, "k", (json_int_t)k);
    json_t *own = json_object_get(r->config, "params");
    json_object_update(params, own);
    if (setting(r, "slow_from", 0) && k > setting(r, "slow_from", 0))
        json_object_set_new(params, "sleep", json_real(0.5));
    int64_t units = setting(r, "units", 4) + k % 3;
    if (setting(r, "adapt", 0))
        units += (int64_t)fabs(r->best * 1000) % 5;
    json_t *design =
        json_pack("{s:[{s:I}],s:I,s:i}", "hidden", "units", (json_int_t)units, "epochs",
                  (json_int_t)setting(r, "epochs", 2), "batch", 16);
    return json_pack("{s:o,s:o}", "params", params, "design", design);
}

static void add_scatter(asy_rule *r, json_t *commands)
{
    int64_t chunk = setting(r, "chunk", 500);
    int64_t ahead = setting(r, "ahead", 4000);
    while (r->made < r->n && r->made - r->ended < ahead) {
        json_t *list = json_array();
        for (int64_t i = 0; i < chunk && r->made < r->n; i++)
            json_array_append_new(list, proposal(r, ++r->made));
        json_array_append_new(commands,
                              json_pack("{s:s,s:o}", "do", "scatter", "trials", list));
    }
}

static json_t *commands_of(asy_rule *r)
{
    json_t *commands = json_array();
    int64_t cancel = setting(r, "cancel", 0);
    if (r->made == 0 || r->made < r->n)
        add_scatter(r, commands);
    if (cancel && r->ended == 0)
        json_array_append_new(commands, json_pack("{s:s,s:[I]}", "do", "cancel",
                                                  "numbers", (json_int_t)cancel));
    if (r->ended >= r->n || r->is_stopped)
        json_array_append_new(commands, json_pack("{s:s}", "do", "end"));
    return commands;
}

static void take_event(asy_rule *r, const json_t *e, json_t *commands)
{
    const json_t *trial = json_object_get(e, "trial"), *v;
    const json_t *report = json_object_get(e, "report");
    const json_t *scattered = json_object_get(e, "scattered");
    if (trial) {
        r->ended++;
        v = json_object_get(trial, "score");
        if (json_is_number(v) && json_number_value(v) > r->best)
            r->best = json_number_value(v);
    } else if (report && setting(r, "pruner", 0) &&
               json_integer_value(json_object_get(report, "epoch")) >= 2) {
        json_array_append_new(commands, json_pack("{s:s,s:O}", "do", "prune", "number",
                                                  json_object_get(report, "number")));
    } else if (scattered) { /* fewer than asked: the limit is reached */
        const json_t *numbers = json_object_get(scattered, "numbers");
        int64_t last = json_integer_value(json_array_get(numbers, 0)) +
                       json_integer_value(json_array_get(numbers, 1)) - 1;
        if (setting(r, "limit", 0) && last >= setting(r, "limit", 0))
            r->n = last;
    }
}

static json_t *resume(asy_rule *r, const json_t *call)
{
    size_t i;
    json_t *e, *prunes = json_array();
    json_array_foreach (json_object_get(call, "events"), i, e)
        take_event(r, e, prunes);
    json_t *commands = commands_of(r);
    json_array_extend(prunes, commands);
    json_decref(commands);
    return json_pack("{s:o,s:b}", "commands", prunes, "waiting", 1);
}

static json_t *answer(asy_rule *r, const json_t *call)
{
    const char *name = json_string_value(json_object_get(call, "call"));
    const char *fail = json_string_value(json_object_get(r->config, "fail"));
    if (fail && strcmp(fail, name) == 0)
        return NULL;
    if (strcmp(name, "describe") == 0)
        return describe(r);
    if (strcmp(name, "prepare") == 0)
        return json_pack("{s:[{s:s,s:i,s:i},{s:s}]}", "steps", "op", "scale", "lo", 0,
                         "hi", 1, "op", "one_hot");
    if (strcmp(name, "start") == 0)
        return json_pack("{s:o,s:b}", "commands", commands_of(r), "waiting", 1);
    return resume(r, call);
}

/* Once a process: a rule that dies, as when somebody kills it. */
static bool dies_now(asy_rule *r)
{
    static bool has_died;
    int64_t at = setting(r, "die_at", 0);
    if (!at || r->ended < at || has_died)
        return false;
    return has_died = true;
}

static void *rule_main(void *arg)
{
    asy_rule *r = arg;
    json_t *call;
    while ((call = asy_queue_pop(r->calls, UINT32_MAX)) != json_null()) {
        json_t *reply = answer(r, call);
        bool dies = dies_now(r);
        if (dies)
            json_decref(reply);
        char *message = reply && !dies ? NULL : asy_strdup("fake.lua:7: it went wrong");
        r->sink.on_reply(r->sink.ctx, r, dies ? NULL : reply, message, message != NULL);
        json_decref(call);
    }
    return NULL;
}

static asy_err rule_open(const char *name, const char *source, size_t len,
                         const json_t *options, const asy_rule_limits *limits,
                         const asy_rule_sink *sink, asy_rule **out)
{
    (void)name, (void)options, (void)limits;
    asy_rule *r = asy_alloc(1, sizeof *r);
    asy_err err = asy_json_parse(source, len, &r->config);
    if (err) {
        asy_free(r);
        return err;
    }
    r->sink = *sink;
    r->n = setting(r, "n", 10);
    r->calls = asy_queue_new();
    pthread_create(&r->thread, NULL, rule_main, r);
    *out = r;
    return ASY_OK;
}

static asy_err rule_call(asy_rule *r, const json_t *call)
{
    asy_queue_push(r->calls, json_deep_copy(call));
    return ASY_OK;
}

static asy_err rule_answer(asy_rule *r, const json_t *answer_tree)
{
    (void)r, (void)answer_tree;
    return ASY_OK;
}

static void rule_close(asy_rule *r)
{
    asy_queue_push(r->calls, json_null());
    pthread_join(r->thread, NULL);
    json_t *call;
    while ((call = asy_queue_pop(r->calls, 0)))
        json_decref(call);
    asy_queue_free(r->calls);
    json_decref(r->config);
    asy_free(r);
}

const asy_rule_ops fake_rules = {rule_open, rule_call, rule_answer, rule_close};

/* --- own trials --------------------------------------------------------------------
 */

struct asy_own {
    uint64_t seed;
};

static asy_err own_open(const char *name, const char *source, size_t len,
                        const json_t *options, const char *data_path, uint64_t seed,
                        const asy_rule_limits *limits, asy_own **out)
{
    (void)name, (void)source, (void)len, (void)options, (void)data_path, (void)limits;
    *out = asy_alloc(1, sizeof **out);
    (*out)->seed = seed;
    return ASY_OK;
}

static void run_one(const asy_own_trial *t, const asy_own_sink *sink)
{
    json_t *params;
    asy_own_result r = {.id = t->id, .seconds = 1e-6};
    if (asy_json_parse(t->params, t->params_len, &params))
        abort();
    if (json_is_true(json_object_get(params, "crash")))
        kill(getpid(), SIGKILL);
    double s = json_number_value(json_object_get(params, "sleep"));
    if (s > 0)
        asy_sleep_ms((uint32_t)(s * 1000));
    if (json_is_true(json_object_get(params, "fail")))
        r.message = "fake.lua:9: no";
    else
        r.metrics = json_pack("{s:O}", "score", json_object_get(params, "x"));
    json_decref(params);
    sink->on_result(sink->ctx, &r);
}

static asy_err own_run(asy_own *o, const asy_own_trial *trial, size_t n,
                       const asy_own_sink *sink)
{
    (void)o;
    for (size_t i = 0; i < n; i++)
        run_one(&trial[i], sink);
    return ASY_OK;
}

static void own_close(asy_own *o) { asy_free(o); }

const asy_own_ops fake_own = {own_open, own_run, own_close};

/* --- processes and folders --- */

static atomic_bool drain;

static void on_term(int signal)
{
    (void)signal;
    atomic_store(&drain, true);
}

int fake_worker_main(int argc, char **argv)
{
    if (argc < 3 || strcmp(argv[1], "worker") != 0)
        return -1;
    signal(SIGTERM, on_term);
    const asy_worker_config config = {.url = argv[2],
                                      .token = getenv("ASSAY_TOKEN"),
                                      .own = &fake_own,
                                      .drain = &drain};
    asy_err err = asy_worker_run(&config);
    if (err)
        fprintf(stderr, "worker: %s\n", asy_errmsg());
    return err != ASY_OK;
}

char *fake_folder(void)
{
    char *path = asy_strdup("/tmp/assay-test-XXXXXX");
    if (!mkdtemp(path))
        abort();
    return path;
}

static int remove_one(const char *path, const struct stat *st, int flag,
                      struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

void fake_folder_free(char *folder)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    asy_free(folder);
}

asy_err fake_host(const char *folder, uint32_t workers, asy_host **out)
{
    const asy_host_config config = {.folder = folder,
                                    .workers = workers,
                                    .program = "/proc/self/exe",
                                    .rules = &fake_rules,
                                    .beat_ms = 200};
    return asy_host_open(&config, out);
}

asy_err fake_start(asy_host *h, const char *source, uint64_t seed, int64_t *session)
{
    const asy_session_config config = {.rule_name = "fake.lua",
                                       .rule = source,
                                       .rule_len = strlen(source),
                                       .data_path =
                                           ASY_SOURCE_DIR "/tests/fixtures/iris.csv",
                                       .seed = seed};
    return asy_host_start(h, &config, session);
}

static bool keep_row(void *ctx, const asy_row_session *row)
{
    fake_row *f = ctx;
    f->state = row->state;
    f->done = row->done;
    f->failed = row->failed;
    f->pruned = row->pruned;
    f->cancelled = row->cancelled;
    f->cached = row->cached;
    f->trials = row->trials;
    snprintf(f->digest, sizeof f->digest, "%s", row->digest);
    snprintf(f->error, sizeof f->error, "%s", row->error);
    return false;
}

fake_row fake_session(asy_store *s, int64_t session)
{
    fake_row row = {0};
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)session);
    asy_store_flush(s);
    asy_store_find_session(s, id, keep_row, &row);
    return row;
}
