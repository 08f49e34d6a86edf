/* replay.c - assay replay: trains a stored trial again and compares every bit. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include "base/file.h"
#include "cmd/command.h"
#include "cmd/grid.h"
#include "cmd/pick.h"
#include "cmd/trust.h"
#include "math/isa.h"
#include "nn/train.h"
#include "script/script.h"

/* A trial again: what the store says and what came out now. */
typedef struct replayed {
    asy_pick pick;
    asy_buf curve;  /* as stored */
    json_t *stored; /* metrics */
    json_t *again;  /* metrics */
    asy_buf curve_again;
    char how[64]; /* with which arithmetic now */
} replayed;

static void replayed_fini(replayed *r)
{
    json_decref(r->stored);
    json_decref(r->again);
    asy_buf_fini(&r->curve);
    asy_buf_fini(&r->curve_again);
    asy_pick_fini(&r->pick);
}

/* --- training ------------------------------------------------------------------------
 */

static bool has_result(asy_trial_state state)
{
    return state == ASY_TRIAL_DONE || state == ASY_TRIAL_PRUNED ||
           state == ASY_TRIAL_FAILED;
}

/* The prepared data of the trial's fold; the path is owned by the caller. */
static asy_err prepared_file(const asy_pick *p, const char *folder, asy_hash *hash,
                             char **path)
{
    json_t *list;
    *path = NULL;
    asy_err err =
        asy_json_parse(p->session.prepared, strlen(p->session.prepared), &list);
    const char *name = json_string_value(json_array_get(list, p->trial.fold));
    if (!err && (!name || !asy_hash_parse(name, hash)))
        err = asy_fail(ASY_EIO, "session %s names no prepared data for fold %u",
                       p->session.name, p->trial.fold);
    if (!err) {
        asy_buf text = {0};
        asy_buf_printf(&text, "%s/prepared/%s.safetensors", folder, name);
        *path = asy_buf_take(&text);
    }
    json_decref(list);
    return err;
}

/* Trials that somebody stopped from outside stop again after the same epoch. */
static asy_verdict stop_at_the_same_epoch(void *ctx, const asy_epoch *e)
{
    const asy_row_trial *t = ctx;
    bool was_stopped = t->state == ASY_TRIAL_PRUNED || strcmp(t->reason, "time") == 0;
    return was_stopped && e->epoch >= t->epochs ? ASY_PRUNE : ASY_GO;
}

static asy_err train_again(replayed *r, const json_t *tree, const asy_tensors *data)
{
    asy_design *design;
    asy_train_result result;
    asy_err err = asy_design_parse(tree, &design);
    if (err)
        return err;
    design->max_seconds = 0; /* the epochs of the stored trial count, not the clock */
    asy_train_job job = {.design = design,
                         .data = data,
                         .seed = r->pick.trial.seed,
                         .shared_seed = r->pick.session.seed,
                         .on_epoch = stop_at_the_same_epoch,
                         .ctx = &r->pick.trial};
    err = asy_train(&job, &result);
    if (!err) {
        r->again = asy_metrics_json(&result.metrics);
        asy_curve_encode(result.curve, result.epochs, &r->curve_again);
        snprintf(r->how, sizeof r->how, "%s/%s/%d",
                 asy_train_backend(design, data)->name, asy_isa_name(asy_isa_get()),
                 ASY_NUMERICS_VERSION);
    }
    asy_train_result_fini(&result);
    asy_design_free(design);
    return err;
}

static asy_err replay_design(replayed *r, const char *path, const asy_hash *hash)
{
    asy_tensors *data;
    json_t *tree = NULL;
    const char *text = r->pick.trial.design;
    asy_err err = asy_tensors_open(path, hash, &data);
    if (err)
        return err;
    err = asy_json_parse(text, strlen(text), &tree);
    if (!err)
        err = train_again(r, tree, data);
    json_decref(tree);
    asy_tensors_free(data);
    return err;
}

/* --- `trial =` rules --- */

static void take_result(void *ctx, const asy_own_result *result)
{
    replayed *r = ctx;
    r->again = result->metrics ? result->metrics : json_object();
}

static bool go_on(void *ctx, int64_t id, uint32_t epoch, double value)
{
    const replayed *r = ctx;
    (void)id;
    (void)value;
    return r->pick.trial.state != ASY_TRIAL_PRUNED || epoch < r->pick.trial.epochs;
}

static asy_err run_own(replayed *r, asy_own *own)
{
    const asy_row_trial *t = &r->pick.trial;
    asy_own_trial trial = {.id = t->id,
                           .seed = t->seed,
                           .params = t->params,
                           .params_len = strlen(t->params)};
    asy_own_sink sink = {.ctx = r, .on_result = take_result, .on_report = go_on};
    return asy_script_own.run(own, &trial, 1, &sink);
}

static asy_err replay_own(replayed *r, const char *path)
{
    const asy_row_session *s = &r->pick.session;
    asy_rule_limits limits = {.soft_ms = UINT32_MAX / 4,
                              .hard_ms = UINT32_MAX / 4 + 500,
                              .memory = (uint64_t)512 << 20,
                              .jit = true};
    json_t *options = NULL;
    asy_own *own;
    asy_err err = asy_json_parse(s->options, strlen(s->options), &options);
    if (!err)
        err = asy_script_own.open(s->rule_name, s->rule, strlen(s->rule), options, path,
                                  s->seed, &limits, &own);
    json_decref(options);
    if (err)
        return err;
    err = run_own(r, own);
    asy_script_own.close(own);
    return err;
}

/* --- comparing --- */

/* Shortest texts are equal exactly when the bits are. */
static bool same_value(const json_t *a, const json_t *b)
{
    asy_buf x = {0}, y = {0};
    asy_json_canonical(&x, a);
    asy_json_canonical(&y, b);
    bool is_same = strcmp(asy_buf_text(&x), asy_buf_text(&y)) == 0;
    asy_buf_fini(&x);
    asy_buf_fini(&y);
    return is_same;
}

static bool same_curve(const replayed *r)
{
    return r->curve.len == 0 ||
           (r->curve.len == r->curve_again.len &&
            memcmp(r->curve.data, r->curve_again.data, r->curve.len) == 0);
}

static bool is_same(const replayed *r)
{
    return same_value(r->stored, r->again) && same_curve(r);
}

static void add_metric(asy_grid *g, const char *name, const json_t *stored,
                       const json_t *again)
{
    asy_grid_add(g, name);
    asy_grid_addf(g, "%.17g", json_number_value(stored));
    asy_grid_addf(g, "%.17g", json_number_value(again));
    asy_grid_add(g, same_value(stored, again) ? "equal" : "DIFFERENT");
}

static void print_text(const replayed *r)
{
    static const char *const head[] = {"metric", "stored", "again", ""};
    asy_grid g;
    const char *name;
    json_t *stored;
    const asy_pick *p = &r->pick;
    asy_grid_open(&g, head, 4);
    json_object_foreach (r->stored, name, stored)
        add_metric(&g, name, stored, json_object_get(r->again, name));
    printf("trial %lld of %s: seed %llu, %s; now %s\n", (long long)p->trial.number,
           p->session.name, (unsigned long long)p->trial.seed, p->trial.how, r->how);
    asy_grid_print(&g, stdout);
    printf("%s: %zu metrics%s\n", is_same(r) ? "equal" : "different",
           json_object_size(r->stored), r->curve.len ? " and the curve" : "");
    if (!is_same(r) && strcmp(p->trial.how, r->how))
        puts("the arithmetic differs: equal bits are promised on one kind of CPU only");
}

static void print_json(const replayed *r)
{
    json_t *o = json_object();
    json_object_set_new(o, "session", json_string(r->pick.session.name));
    json_object_set_new(o, "trial", json_integer(r->pick.trial.number));
    json_object_set_new(o, "equal", json_boolean(is_same(r)));
    json_object_set_new(o, "how", json_string(r->pick.trial.how));
    json_object_set_new(o, "how_again", json_string(r->how));
    json_object_set(o, "metrics", r->stored);
    json_object_set(o, "metrics_again", r->again);
    json_object_set_new(o, "curve_equal", json_boolean(same_curve(r)));
    asy_print_json(o);
    json_decref(o);
}

/* --- the command --- */

static asy_err replay_trial(asy_store *s, replayed *r)
{
    char *path;
    asy_hash hash;
    const asy_row_trial *t = &r->pick.trial;
    if (!has_result(t->state))
        return asy_fail(ASY_EARG, "trial %lld is %s: it has no result to compare with",
                        (long long)t->number, asy_trial_state_names[t->state]);
    asy_err err = prepared_file(&r->pick, asy_store_folder(s), &hash, &path);
    if (!err)
        err = asy_json_parse(t->metrics, strlen(t->metrics), &r->stored);
    if (!err)
        err = asy_store_curve(s, t->cached_from ? t->cached_from : t->id, &r->curve);
    if (!err)
        err = *t->design ? replay_design(r, path, &hash) : replay_own(r, path);
    asy_free(path);
    return err;
}

static int replay(const asy_args *a)
{
    replayed r = {.how = "own/lua"};
    asy_store *store = NULL;
    int status = 1;
    asy_err err = asy_trust_blas(a);
    if (!err)
        err = asy_store_open_read(asy_args_text(a, "store"), &store);
    if (!err)
        err = asy_pick_trial(store, asy_args_text(a, "session"), asy_args_at(a, 0),
                             &r.pick);
    if (!err)
        err = replay_trial(store, &r);
    if (!err) {
        status = is_same(&r) ? 0 : 1;
        if (asy_args_flag(a, "json"))
            print_json(&r);
        else
            print_text(&r);
    }
    replayed_fini(&r);
    asy_store_close(store);
    return err ? asy_cannot() : status;
}

static const asy_option options[] = {
    {"store", ASY_OPTION_FOLDER, "DIR", "./assay-data", "where everything is kept"},
    {"session", ASY_OPTION_TEXT, "NAME", "last",
     "session of the trial: its name or number"},
    {"json", ASY_OPTION_FLAG, NULL, NULL, "print one JSON object"},
    {0}};

const asy_command asy_cmd_replay = {
    .name = "replay",
    .summary = "train a stored trial again and compare every bit",
    .arguments = "TRIAL",
    .min_arguments = 1,
    .max_arguments = 1,
    .about =
        "TRIAL is a number in the session, SESSION/number, or \"best\". Exit status 0\n"
        "when all metrics and the curve are equal, 1 when they are not.\n",
    .options = options,
    .examples = "assay replay 17\n"
                "assay replay iris-3/best --store ./assay-data\n",
    .run = replay};
