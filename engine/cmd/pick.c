/* pick.c - which session and which trial a command line means. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/pick.h"
#include <stdio.h>
#include <string.h>
#include "base/json.h"
#include "base/text.h"

static const char *keep(asy_pick *p, const char *text)
{
    return asy_arena_strdup(&p->texts, text ? text : "");
}

static bool keep_session(void *ctx, const asy_row_session *row)
{
    asy_pick *p = ctx;
    asy_row_session *s = &p->session;
    *s = *row;
    s->name = keep(p, row->name);
    s->rule_name = keep(p, row->rule_name);
    s->rule = keep(p, row->rule);
    s->title = keep(p, row->title);
    s->options = keep(p, row->options);
    s->settings = keep(p, row->settings);
    s->dataset = keep(p, row->dataset);
    s->label = keep(p, row->label);
    s->prepared = keep(p, row->prepared);
    s->digest = keep(p, row->digest);
    s->error = keep(p, row->error);
    return false;
}

static bool keep_trial(void *ctx, const asy_row_trial *row)
{
    asy_pick *p = ctx;
    asy_row_trial *t = &p->trial;
    *t = *row;
    t->params = keep(p, row->params);
    t->design = keep(p, row->design);
    t->metrics = keep(p, row->metrics);
    t->reason = keep(p, row->reason);
    t->how = keep(p, row->how);
    t->worker = keep(p, row->worker);
    return false;
}

asy_err asy_pick_session(asy_store *s, const char *which, asy_pick *out)
{
    *out = (asy_pick){0};
    asy_err err = asy_store_find_session(s, which ? which : "last", keep_session, out);
    if (err)
        asy_pick_fini(out);
    return err;
}

/* Numbers of a session run from 1 without gaps. */
static asy_trial_query query_of(const asy_pick *p, int64_t number)
{
    return (asy_trial_query){.session = p->session.id,
                             .order = ASY_BY_NUMBER,
                             .skip = (uint64_t)number - 1,
                             .limit = 1};
}

static asy_trial_query best_query(const asy_pick *p)
{
    return (asy_trial_query){.session = p->session.id,
                             .states = 1U << ASY_TRIAL_DONE,
                             .order = ASY_BY_SCORE,
                             .descending = asy_pick_aim(&p->session).maximize,
                             .limit = 1};
}

static asy_err find_trial(asy_store *s, const char *text, asy_pick *p)
{
    int64_t number = 0;
    bool is_best = strcmp(text, "best") == 0;
    if (!is_best && (!asy_text_integer(text, strlen(text), &number) || number < 1))
        return asy_fail(
            ASY_EARG,
            "trial: a number (17), SESSION/number, or \"best\" expected, got \"%s\"",
            text);
    asy_trial_query q = is_best ? best_query(p) : query_of(p, number);
    asy_err err = asy_store_trials(s, &q, keep_trial, p);
    if (!err && p->trial.id == 0)
        err = asy_fail(ASY_EARG, "session %s has no trial %s; it has %llu",
                       p->session.name, text, (unsigned long long)p->session.trials);
    return err;
}

asy_err asy_pick_trial(asy_store *s, const char *session, const char *trial,
                       asy_pick *out)
{
    const char *slash = strrchr(trial, '/');
    char *named = slash ? asy_strndup(trial, (size_t)(slash - trial)) : NULL;
    asy_err err = asy_pick_session(s, named ? named : session, out);
    asy_free(named);
    if (!err)
        err = find_trial(s, slash ? slash + 1 : trial, out);
    if (err)
        asy_pick_fini(out);
    return err;
}

void asy_pick_fini(asy_pick *p)
{
    asy_arena_fini(&p->texts);
    *p = (asy_pick){0};
}

/* The part that a metric is measured on: the one its name begins with, else validation,
 * test or training, whichever has rows (see nn/metrics.h). */
static void pick_part(asy_aim *aim, const json_t *rows)
{
    static const char *const parts[] = {"validate", "test", "train"};
    for (size_t i = 0; i < 3 && !aim->part; i++) {
        size_t len = strlen(parts[i]);
        if (strncmp(aim->metric, parts[i], len) == 0 && aim->metric[len] == '_')
            aim->part = parts[i];
    }
    for (size_t i = 0; i < 3 && !aim->part; i++)
        if (json_integer_value(json_object_get(rows, parts[i])) > 0)
            aim->part = parts[i];
    if (aim->part)
        aim->rows = (uint64_t)json_integer_value(json_object_get(rows, aim->part));
}

asy_aim asy_pick_aim(const asy_row_session *session)
{
    asy_aim aim = {.metric = "score", .maximize = true, .done = session->done};
    json_t *settings;
    if (asy_json_parse(session->settings, strlen(session->settings), &settings))
        return aim;
    const json_t *o = json_array_get(json_object_get(settings, "objective"), 0);
    const char *metric = json_string_value(json_object_get(o, "metric"));
    if (metric)
        snprintf(aim.metric, sizeof aim.metric, "%s", metric);
    if (json_object_get(o, "maximize"))
        aim.maximize = json_is_true(json_object_get(o, "maximize"));
    const char *kind = json_string_value(json_object_get(settings, "kind"));
    if (kind && strcmp(kind, "design") == 0)
        pick_part(&aim, json_object_get(json_object_get(settings, "data"), "rows"));
    json_decref(settings);
    return aim;
}
