/* verb.c - the table of verbs, and trees of rows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/verb.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/text.h"
#include "lab/command.h"
#include "lab/core.h"
#include "lab/findings.h"
#include "nn/train.h"

/* --- arguments ----------------------------------------------------------------- */

static const char *text_of(const json_t *args, const char *name)
{
    return json_string_value(json_object_get(args, name));
}

static int64_t whole_of(const json_t *args, const char *name, int64_t fallback)
{
    const json_t *v = json_object_get(args, name);
    return json_is_integer(v) ? json_integer_value(v) : fallback;
}

/* --- rows as trees ---------------------------------------------------------------- */

static void put_text(json_t *v, const char *name, const char *text)
{
    json_object_set_new(v, name, text ? json_string(text) : json_null());
}

static void put_whole(json_t *v, const char *name, uint64_t x)
{
    json_object_set_new(v, name, json_integer((json_int_t)x));
}

/* Text that is JSON, as the tree it describes; what is not stays text. */
static void put_json(json_t *v, const char *name, const char *text)
{
    json_t *tree = NULL;
    if (!text || !*text)
        tree = json_null();
    else if (asy_json_parse(text, strlen(text), &tree))
        tree = json_string(text);
    json_object_set_new(v, name, tree);
}

const char *asy_verb_state(asy_session_state state)
{
    static const char *const names[] = {"running", "paused", "done", "failed",
                                        "stopped"};
    return state < sizeof names / sizeof *names ? names[state] : "unknown";
}

json_t *asy_verb_session(const asy_row_session *r)
{
    json_t *v = json_object(), *trials = json_object();
    put_whole(v, "id", (uint64_t)r->id);
    put_text(v, "name", r->name);
    put_text(v, "title", r->title);
    put_text(v, "state", asy_verb_state(r->state));
    put_text(v, "rule", r->rule_name);
    put_text(v, "dataset", r->dataset);
    put_text(v, "label", r->label);
    put_whole(v, "seed", r->seed);
    put_whole(trials, "made", r->trials);
    put_whole(trials, "done", r->done);
    put_whole(trials, "failed", r->failed);
    put_whole(trials, "pruned", r->pruned);
    put_whole(trials, "cancelled", r->cancelled);
    put_whole(trials, "cached", r->cached);
    json_object_set_new(v, "trials", trials);
    json_object_set_new(v, "seconds", asy_json_real(r->seconds));
    put_text(v, "digest", r->digest);
    put_text(v, "error", r->error);
    put_whole(v, "created", (uint64_t)r->created);
    put_whole(v, "ended", (uint64_t)r->ended);
    return v;
}

static json_t *trial_tree(const asy_row_trial *r)
{
    json_t *v = json_object();
    put_whole(v, "id", (uint64_t)r->id);
    put_whole(v, "session", (uint64_t)r->session);
    put_whole(v, "number", (uint64_t)r->number);
    put_whole(v, "proposal", (uint64_t)r->proposal);
    put_whole(v, "fold", r->fold);
    put_text(v, "state", asy_trial_state_names[r->state]);
    put_text(v, "reason", r->reason);
    put_whole(v, "seed", r->seed);
    json_object_set_new(v, "score", asy_json_real(r->score));
    put_json(v, "metrics", r->metrics);
    put_json(v, "params", r->params);
    put_json(v, "design", r->design);
    put_whole(v, "epochs", r->epochs);
    json_object_set_new(v, "seconds", asy_json_real(r->seconds));
    put_whole(v, "parameters", r->parameters);
    json_object_set_new(v, "flops", asy_json_real(r->flops));
    put_text(v, "how", r->how);
    put_text(v, "worker", r->worker);
    json_object_set_new(v, "cached", json_boolean(r->cached_from != 0));
    return v;
}

static bool add_session(void *ctx, const asy_row_session *row)
{
    json_array_append_new(ctx, asy_verb_session(row));
    return true;
}

static bool add_trial(void *ctx, const asy_row_trial *row)
{
    json_array_append_new(ctx, trial_tree(row));
    return true;
}

static bool add_dataset(void *ctx, const asy_row_dataset *d)
{
    char hash[ASY_HASH_TEXT];
    json_t *v = json_object();
    asy_hash_text(&d->hash, hash);
    put_text(v, "hash", hash);
    put_text(v, "name", d->name);
    put_whole(v, "rows", d->rows);
    put_whole(v, "columns", d->columns);
    put_text(v, "label", d->label);
    put_whole(v, "imported", (uint64_t)d->imported);
    json_array_append_new(ctx, v);
    return true;
}

/* Hands a list out, or frees it when reading failed. */
static asy_err give(asy_err err, json_t *list, json_t **out)
{
    if (err)
        json_decref(list);
    else
        *out = list;
    return err;
}

/* --- reading -------------------------------------------------------------------------
 */

static asy_err do_datasets(asy_store *s, asy_host *h, const json_t *args, json_t **out)
{
    (void)h, (void)args;
    json_t *list = json_array();
    return give(asy_store_datasets(s, add_dataset, list), list, out);
}

static asy_err do_sessions(asy_store *s, asy_host *h, const json_t *args, json_t **out)
{
    (void)h, (void)args;
    json_t *list = json_array();
    return give(asy_store_sessions(s, add_session, list), list, out);
}

static bool keep_session(void *ctx, const asy_row_session *row)
{
    json_t *v = asy_verb_session(row);
    put_json(v, "options", row->options);
    put_json(v, "settings", row->settings);
    put_json(v, "prepared", row->prepared);
    put_text(v, "source", row->rule);
    *(json_t **)ctx = v;
    return false;
}

static asy_err do_session(asy_store *s, asy_host *h, const json_t *args, json_t **out)
{
    (void)h;
    return asy_store_find_session(s, text_of(args, "session"), keep_session, out);
}

static bool keep_id(void *ctx, const asy_row_session *row)
{
    *(int64_t *)ctx = row->id;
    return false;
}

static asy_err read_state(const char *state, uint32_t *states)
{
    *states = 0;
    for (int i = 0; state && i < ASY_TRIAL_STATES; i++)
        if (strcmp(asy_trial_state_names[i], state) == 0)
            *states = 1u << i;
    if (state && !*states)
        return asy_fail(ASY_EARG,
                        "state: one of queued, leased, running, done, failed, "
                        "pruned, cancelled expected, got '%.40s'",
                        state);
    return ASY_OK;
}

static asy_err read_order(const char *order, asy_trial_query *q)
{
    q->order = ASY_BY_NUMBER;
    if (!order || strcmp(order, "number") == 0)
        return ASY_OK;
    q->order = ASY_BY_SCORE;
    q->descending = strcmp(order, "highest") == 0;
    if (q->descending || strcmp(order, "lowest") == 0)
        return ASY_OK;
    return asy_fail(ASY_EARG, "order: number, highest or lowest expected, got '%.40s'",
                    order);
}

static asy_err do_trials(asy_store *s, asy_host *h, const json_t *args, json_t **out)
{
    (void)h;
    asy_trial_query q = {.skip = (uint64_t)whole_of(args, "skip", 0),
                         .limit = (uint64_t)whole_of(args, "limit", 0)};
    asy_err err =
        asy_store_find_session(s, text_of(args, "session"), keep_id, &q.session);
    if (!err)
        err = read_state(text_of(args, "state"), &q.states);
    if (!err)
        err = read_order(text_of(args, "order"), &q);
    if (err)
        return err;
    json_t *list = json_array();
    return give(asy_store_trials(s, &q, add_trial, list), list, out);
}

static asy_err do_trial(asy_store *s, asy_host *h, const json_t *args, json_t **out)
{
    (void)h;
    json_t *list = json_array();
    asy_err err = asy_store_trial(s, whole_of(args, "trial", 0), add_trial, list);
    if (!err && json_array_size(list) == 0)
        err = asy_fail(ASY_EARG, "no trial %lld in the store",
                       (long long)whole_of(args, "trial", 0));
    if (!err)
        *out = json_incref(json_array_get(list, 0));
    json_decref(list);
    return err;
}

static json_t *curve_tree(const asy_epoch *curve, uint32_t n)
{
    static const char *const names[] = {"train_loss", "train_accuracy", "validate_loss",
                                        "validate_accuracy"};
    json_t *v = json_object();
    for (int k = 0; k < 4; k++) {
        json_t *list = json_array();
        for (uint32_t i = 0; i < n; i++) {
            const float x[] = {curve[i].train_loss, curve[i].train_accuracy,
                               curve[i].validate_loss, curve[i].validate_accuracy};
            json_array_append_new(list, asy_json_real(x[k]));
        }
        json_object_set_new(v, names[k], list);
    }
    return v;
}

static asy_err do_curve(asy_store *s, asy_host *h, const json_t *args, json_t **out)
{
    (void)h;
    asy_buf blob = {0};
    asy_epoch *curve = NULL;
    uint32_t n = 0;
    asy_err err = asy_store_curve(s, whole_of(args, "trial", 0), &blob);
    if (!err && blob.len)
        err = asy_curve_decode(blob.data, blob.len, &curve, &n);
    if (!err)
        *out = curve_tree(curve, n);
    asy_free(curve);
    asy_buf_fini(&blob);
    return err;
}

static asy_err load_trials(asy_store *s, const json_t *args, asy_trials **out)
{
    int64_t id;
    asy_err err = asy_store_find_session(s, text_of(args, "session"), keep_id, &id);
    return err ? err : asy_trials_load(s, id, out);
}

static asy_err do_best(asy_store *s, asy_host *h, const json_t *args, json_t **out)
{
    (void)h;
    asy_trials *t;
    asy_err err = load_trials(s, args, &t);
    if (err)
        return err;
    *out = asy_trials_best(t, (size_t)whole_of(args, "n", 10));
    asy_trials_free(t);
    return ASY_OK;
}

static asy_err do_findings(asy_store *s, asy_host *h, const json_t *args, json_t **out)
{
    (void)h;
    asy_trials *t;
    asy_err err = load_trials(s, args, &t);
    if (err)
        return err;
    *out = asy_trials_findings(t);
    asy_trials_free(t);
    return ASY_OK;
}

/* --- changing --- */

static asy_err live_session(asy_store *s, asy_host *h, const json_t *args,
                            asy_session **out)
{
    int64_t id;
    asy_err err = asy_store_find_session(s, text_of(args, "session"), keep_id, &id);
    if (err)
        return err;
    *out = asy_host_session(h, id);
    if (*out && asy_session_is_open(*out))
        return ASY_OK;
    return asy_fail(ASY_EARG, "session %s is not under way", text_of(args, "session"));
}

static asy_err do_stop(asy_store *s, asy_host *h, const json_t *args, json_t **out)
{
    asy_session *x;
    asy_err err = live_session(s, h, args, &x);
    if (err)
        return err;
    asy_session_end(x, ASY_SESSION_STOPPED, NULL);
    *out = json_object();
    return ASY_OK;
}

static asy_err do_cancel(asy_store *s, asy_host *h, const json_t *args, json_t **out)
{
    asy_session *x;
    asy_err err = live_session(s, h, args, &x);
    if (err)
        return err;
    asy_command_cancel(x, whole_of(args, "proposal", 0));
    *out = json_object();
    return ASY_OK;
}

/* --- the table --- */

#define SESSION                                                                        \
    {                                                                                  \
        "session", ASY_VERB_TEXT, true, "its number, its name, or last"                \
    }

// clang-format off
const asy_verb asy_verbs[] = {
    {"datasets", "imported data", 0, {{0}}, do_datasets},
    {"sessions", "all sessions", 0, {{0}}, do_sessions},
    {"session", "one session with its rule and settings", 0, {SESSION}, do_session},
    {"trials", "trials of a session", 0,
     {SESSION,
      {"state", ASY_VERB_TEXT, false, "only those: done, failed, ..."},
      {"order", ASY_VERB_TEXT, false, "number, highest or lowest score first"},
      {"skip", ASY_VERB_WHOLE, false, "so many at the beginning"},
      {"limit", ASY_VERB_WHOLE, false, "so many at most"}},
     do_trials},
    {"trial", "one trial", 0,
     {{"trial", ASY_VERB_WHOLE, true, "its id"}}, do_trial},
    {"curve", "a trial's numbers after each epoch", 0,
     {{"trial", ASY_VERB_WHOLE, true, "its id"}}, do_curve},
    {"best", "the leaderboard", 0,
     {SESSION, {"n", ASY_VERB_WHOLE, false, "so many at most; 10"}}, do_best},
    {"findings", "what made the difference", 0, {SESSION}, do_findings},
    {"stop", "stop a session; it can be resumed", ASY_VERB_CHANGES, {SESSION}, do_stop},
    {"cancel", "cancel a proposal's trials", ASY_VERB_CHANGES,
     {SESSION, {"proposal", ASY_VERB_WHOLE, true, "its number"}}, do_cancel},
    {0}};
// clang-format on

static asy_err check_one(const asy_verb *v, const asy_verb_arg *a, const json_t *args)
{
    const json_t *x = json_object_get(args, a->name);
    if (!x || json_is_null(x))
        return a->is_required ? asy_fail(ASY_EARG, "%s: '%s' is missing: %s", v->name,
                                         a->name, a->help)
                              : ASY_OK;
    bool fits = a->type == ASY_VERB_TEXT
                    ? json_is_string(x)
                    : json_is_integer(x) && json_integer_value(x) >= 0;
    if (fits)
        return ASY_OK;
    return asy_fail(ASY_EARG, "%s.%s: %s expected, got %s", v->name, a->name,
                    a->type == ASY_VERB_TEXT ? "text" : "whole number >= 0",
                    asy_json_kind(x));
}

static asy_err check_args(const asy_verb *v, const json_t *args)
{
    const char *known[ASY_VERB_ARGS];
    size_t n = 0;
    asy_err err = ASY_OK;
    if (args && !json_is_object(args))
        return asy_fail(ASY_EARG, "%s: an object of arguments expected, got %s",
                        v->name, asy_json_kind(args));
    while (n < ASY_VERB_ARGS && v->arg[n].name) {
        known[n] = v->arg[n].name;
        n++;
    }
    if (args)
        err = asy_json_only(args, v->name, known, n);
    for (size_t i = 0; !err && i < n; i++)
        err = check_one(v, &v->arg[i], args);
    return err;
}

static asy_err unknown_verb(const char *name)
{
    const char *known[32];
    size_t n = 0;
    for (const asy_verb *v = asy_verbs; v->name && n < 32; v++)
        known[n++] = v->name;
    const char *near = asy_text_nearest(name, known, n);
    return asy_fail(ASY_EARG, "no verb '%.40s'%s%s", name, near ? "; nearest: " : "",
                    near ? near : "");
}

asy_err asy_verb_do(asy_store *s, asy_host *h, const char *name, const json_t *args,
                    json_t **out)
{
    const asy_verb *v = asy_verbs;
    *out = NULL;
    while (v->name && strcmp(v->name, name) != 0)
        v++;
    if (!v->name)
        return unknown_verb(name);
    if (v->flags & ASY_VERB_CHANGES && !h)
        return asy_fail(ASY_EARG, "%s: only a running host can do that", name);
    asy_err err = check_args(v, args);
    return err ? err : v->act(s, h, args, out);
}
