/* trials.c - loads the trials of a session as columns, and ranks them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/trials.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"

enum { MAX_DEPTH = 4 };

void asy_trials_free(asy_trials *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->factors; i++) {
        asy_free(t->factor[i].number);
        asy_free(t->factor[i].code);
        asy_dict_fini(&t->factor[i].names);
    }
    asy_free(t->factor);
    asy_free(t->row);
    json_decref(t->space);
    asy_arena_fini(&t->texts);
    asy_free(t);
}

/* --- parameters --- */

static void clear_cells(asy_factor *f, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        f->number[i] = NAN;
        f->code[i] = -1;
    }
}

/* The column of that name; a new one when there is room, else NULL. */
static asy_factor *factor_of(asy_trials *t, const char *name, bool is_derived)
{
    for (size_t i = 0; i < t->factors; i++)
        if (strcmp(t->factor[i].name, name) == 0)
            return &t->factor[i];
    if (t->factors == ASY_MAX_FACTORS) {
        t->left_out++;
        return NULL;
    }
    if (!t->factor)
        t->factor = asy_alloc(ASY_MAX_FACTORS, sizeof *t->factor);
    asy_factor *f = &t->factor[t->factors++];
    f->name = asy_arena_strdup(&t->texts, name);
    f->is_derived = is_derived;
    f->number = asy_alloc(t->cap, sizeof *f->number);
    f->code = asy_alloc(t->cap, sizeof *f->code);
    clear_cells(f, 0, t->cap);
    return f;
}

static asy_err set_text(asy_factor *f, size_t row, const char *text)
{
    f->has_text = true;
    return asy_dict_intern(&f->names, text, strlen(text), &f->code[row]);
}

static asy_err set_cell(asy_trials *t, const char *name, const json_t *v,
                        bool is_derived)
{
    if (json_is_null(v))
        return ASY_OK;
    asy_factor *f = factor_of(t, name, is_derived);
    if (!f)
        return ASY_OK;
    if (json_is_number(v)) {
        f->number[t->rows - 1] = json_number_value(v);
        return ASY_OK;
    }
    return set_text(f, t->rows - 1,
                    json_is_boolean(v) ? json_is_true(v) ? "true" : "false"
                                       : json_string_value(v));
}

/* Lists and tables are taken apart: widths[1], widths[2], layer.units. */
static asy_err set_value(asy_trials *t, const char *name, const json_t *v, int depth)
{
    asy_buf inner = {0};
    const char *key;
    json_t *item;
    size_t i;
    asy_err e = ASY_OK;
    if (!json_is_array(v) && !json_is_object(v))
        return set_cell(t, name, v, false);
    if (depth == 0)
        return ASY_OK;
    json_array_foreach (v, i, item) {
        asy_buf_clear(&inner);
        asy_buf_printf(&inner, "%s[%zu]", name, i + 1);
        if (!e)
            e = set_value(t, asy_buf_text(&inner), item, depth - 1);
    }
    json_object_foreach ((json_t *)(uintptr_t)v, key, item) {
        asy_buf_clear(&inner);
        asy_buf_printf(&inner, "%s%s%s", name, *name ? "." : "", key);
        if (!e)
            e = set_value(t, asy_buf_text(&inner), item, depth - 1);
    }
    asy_buf_fini(&inner);
    return e;
}

/* Hidden layers with their repeats. */
static double count_layers(const json_t *design)
{
    const json_t *layer;
    size_t i;
    double n = 0;
    json_array_foreach (json_object_get(design, "hidden"), i, layer) {
        const json_t *repeat = json_object_get(layer, "repeat");
        n += json_is_number(repeat) ? json_number_value(repeat) : 1;
    }
    return n;
}

/* A rule that names no parameters is judged by what its designs differ in. */
static asy_err derive_factors(asy_trials *t, const json_t *design)
{
    const json_t *layer = json_array_get(json_object_get(design, "hidden"), 0);
    const json_t *optimizer = json_object_get(design, "optimizer");
    const struct {
        const char *name;
        const json_t *value;
    } part[] = {{"units", json_object_get(layer, "units")},
                {"activation", json_object_get(layer, "activation")},
                {"dropout", json_object_get(layer, "dropout")},
                {"init", json_object_get(layer, "init")},
                {"optimizer", json_object_get(optimizer, "name")},
                {"rate", json_object_get(optimizer, "rate")},
                {"epochs", json_object_get(design, "epochs")},
                {"batch", json_object_get(design, "batch")}};
    json_t *layers = json_real(count_layers(design));
    asy_err e = set_cell(t, "layers", layers, true);
    json_decref(layers);
    for (size_t i = 0; !e && i < sizeof part / sizeof *part; i++)
        if (json_is_number(part[i].value) || json_is_string(part[i].value))
            e = set_cell(t, part[i].name, part[i].value, true);
    return e;
}

/* --- rows --- */

static void grow(asy_trials *t)
{
    size_t cap = t->cap ? t->cap * 2 : 256;
    t->row = asy_realloc(t->row, cap, sizeof *t->row);
    for (size_t i = 0; i < t->factors; i++) {
        asy_factor *f = &t->factor[i];
        f->number = asy_realloc(f->number, cap, sizeof *f->number);
        f->code = asy_realloc(f->code, cap, sizeof *f->code);
        clear_cells(f, t->cap, cap);
    }
    t->cap = cap;
}

static asy_err new_row(asy_trials *t, const asy_row_trial *r)
{
    json_t *params = NULL, *design = NULL;
    if (t->rows == t->cap)
        grow(t);
    asy_proposal *p = &t->row[t->rows++];
    *p = (asy_proposal){.proposal = r->proposal, .number = r->number, .layers = NAN};
    p->params = asy_arena_strdup(&t->texts, r->params);
    p->design = asy_arena_strdup(&t->texts, r->design);
    asy_err e = asy_json_parse(r->params, strlen(r->params), &params);
    if (!e)
        e = set_value(t, "", params, MAX_DEPTH);
    if (!e && *r->design)
        e = asy_json_parse(r->design, strlen(r->design), &design);
    if (!e && design)
        p->layers = count_layers(design);
    if (!e && design && json_object_size(params) == 0)
        e = derive_factors(t, design);
    json_decref(params);
    json_decref(design);
    return e;
}

static void count_state(asy_trials *t, const asy_row_trial *r)
{
    t->done += r->state == ASY_TRIAL_DONE;
    t->failed += r->state == ASY_TRIAL_FAILED;
    t->pruned += r->state == ASY_TRIAL_PRUNED;
    t->cancelled += r->state == ASY_TRIAL_CANCELLED;
    t->cached += r->state == ASY_TRIAL_DONE && r->cached_from != 0;
}

typedef struct loading {
    asy_trials *trials;
    asy_err err;
} loading;

/* Trials come by number, so those of one proposal are neighbours. */
static bool take_trial(void *ctx, const asy_row_trial *r)
{
    loading *l = ctx;
    asy_trials *t = l->trials;
    count_state(t, r);
    if (t->rows == 0 || t->row[t->rows - 1].proposal != r->proposal)
        l->err = new_row(t, r);
    else
        t->has_repeats = true;
    if (l->err)
        return false;
    asy_proposal *p = &t->row[t->rows - 1];
    p->failed += r->state == ASY_TRIAL_FAILED;
    if (r->state != ASY_TRIAL_DONE)
        return true;
    if (isfinite(r->score))
        asy_mean_add(&p->score, r->score);
    if (r->cached_from == 0 && r->seconds > 0)
        asy_mean_add(&p->seconds, r->seconds);
    p->parameters = (double)r->parameters;
    return true;
}

/* --- the session --- */

static bool take_session(void *ctx, const asy_row_session *s)
{
    loading *l = ctx;
    asy_trials *t = l->trials;
    json_t *settings;
    t->seed = s->seed;
    t->maximize = true;
    snprintf(t->metric, sizeof t->metric, "score");
    l->err = asy_json_parse(s->settings, strlen(s->settings), &settings);
    if (l->err)
        return false;
    const json_t *aim = json_array_get(json_object_get(settings, "objective"), 0);
    const char *metric = json_string_value(json_object_get(aim, "metric"));
    if (metric)
        snprintf(t->metric, sizeof t->metric, "%s", metric);
    if (json_object_get(aim, "maximize"))
        t->maximize = json_is_true(json_object_get(aim, "maximize"));
    t->is_adaptive = json_is_true(json_object_get(settings, "adaptive"));
    t->space = json_incref(json_object_get(settings, "space"));
    json_decref(settings);
    return false;
}

/* A list's parameters are searched as its inner one says. */
static bool is_log(const json_t *space, const char *name)
{
    const json_t *p;
    size_t i, stem = strcspn(name, "[");
    json_array_foreach (space, i, p) {
        const char *known = json_string_value(json_object_get(p, "name"));
        if (!known || strlen(known) != stem || strncmp(known, name, stem) != 0)
            continue;
        const json_t *inner = json_object_get(p, "inner");
        return json_is_true(json_object_get(inner ? inner : p, "log"));
    }
    return false;
}

/* A column with any text holds texts only: its numbers become their shortest text. */
static asy_err settle(asy_trials *t, asy_factor *f)
{
    asy_buf text = {0};
    asy_err e = ASY_OK;
    f->is_log = is_log(t->space, f->name);
    for (size_t i = 0; !e && f->has_text && i < t->rows; i++) {
        if (isnan(f->number[i]))
            continue;
        asy_buf_clear(&text);
        asy_text_put_number(&text, f->number[i]);
        e = set_text(f, i, asy_buf_text(&text));
    }
    asy_buf_fini(&text);
    return e;
}

asy_err asy_trials_load(asy_store *s, int64_t session, asy_trials **out)
{
    char id[24];
    loading l = {.trials = asy_alloc(1, sizeof *l.trials)};
    asy_trial_query q = {.session = session, .order = ASY_BY_NUMBER};
    *out = NULL;
    l.trials->session = session;
    snprintf(id, sizeof id, "%lld", (long long)session);
    asy_err e = asy_store_find_session(s, id, take_session, &l);
    if (!e && !l.err)
        e = asy_store_trials(s, &q, take_trial, &l);
    if (!e)
        e = l.err;
    for (size_t i = 0; !e && i < l.trials->factors; i++)
        e = settle(l.trials, &l.trials->factor[i]);
    if (e)
        asy_trials_free(l.trials);
    else
        *out = l.trials;
    return e;
}

/* --- the leaderboard --- */

typedef struct place {
    double score;
    size_t row;
} place;

/* Best first; `score` is negated when smaller is better. Equals: the earlier one. */
static int by_place(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->row < y->row ? -1 : 1;
}

static void set_tree(json_t *o, const char *name, const char *text)
{
    json_t *v = NULL;
    if (!*text || asy_json_parse(text, strlen(text), &v))
        v = json_null();
    json_object_set_new(o, name, v);
}

/* Metrics that lie between 0 and 1; their intervals end there too. */
static bool is_share(const char *metric)
{
    static const char *const shares[] = {"accuracy", "f1", "auc", "top3", "top5"};
    size_t len = strlen(metric);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        size_t tail = strlen(shares[i]);
        if (len >= tail && strcmp(metric + len - tail, shares[i]) == 0)
            return true;
    }
    return false;
}

static json_t *board_entry(const asy_trials *t, const asy_proposal *p, size_t rank)
{
    json_t *o = json_object();
    double margin = asy_mean_margin(&p->score);
    double low = p->score.mean - margin, high = p->score.mean + margin;
    if (is_share(t->metric) && low < 0)
        low = 0;
    if (is_share(t->metric) && high > 1)
        high = 1;
    json_object_set_new(o, "rank", json_integer((json_int_t)rank));
    json_object_set_new(o, "number", json_integer(p->number));
    json_object_set_new(o, "score", asy_json_real(p->score.mean));
    json_object_set_new(o, "low", asy_json_real(low));
    json_object_set_new(o, "high", asy_json_real(high));
    json_object_set_new(o, "n", json_integer((json_int_t)p->score.n));
    json_object_set_new(o, "failed", json_integer(p->failed));
    set_tree(o, "params", p->params);
    set_tree(o, "design", p->design);
    json_object_set_new(o, "seconds",
                        asy_json_real(p->seconds.n ? p->seconds.mean : NAN));
    json_object_set_new(o, "parameters", json_integer((json_int_t)p->parameters));
    return o;
}

json_t *asy_trials_best(const asy_trials *t, size_t n)
{
    place *order = asy_alloc(t->rows + 1, sizeof *order);
    json_t *list = json_array();
    size_t scored = 0;
    for (size_t i = 0; i < t->rows; i++) {
        double score = t->row[i].score.mean;
        if (t->row[i].score.n > 0)
            order[scored++] = (place){t->maximize ? score : -score, i};
    }
    qsort(order, scored, sizeof *order, by_place);
    for (size_t i = 0; i < scored && i < n; i++)
        json_array_append_new(list, board_entry(t, &t->row[order[i].row], i + 1));
    asy_free(order);
    return list;
}
