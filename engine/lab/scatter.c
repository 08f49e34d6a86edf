/* scatter.c - proposals of a rule become trials: repeats and folds, seeds and keys,
 * rows in the store, results from the cache. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/scatter.h"
#include <math.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "lab/core.h"
#include "lab/gather.h"
#include "lab/key.h"
#include "lab/replay.h"
#include "nn/design.h"

enum {
    MOST_PROPOSALS = 1000000, /* in one scatter */
    MOST_TRIALS = 10000000    /* in a session */
};

/* --- what the rule said ------------------------------------------------------------
 */

static char *canonical(const json_t *v)
{
    asy_buf b = {0};
    asy_json_canonical(&b, v);
    return asy_buf_take(&b);
}

static asy_err read_one(const asy_session *s, const json_t *v, asy_spec **out)
{
    const json_t *params = json_object_get(v, "params");
    const json_t *design = json_object_get(v, "design");
    asy_buf text = {0};
    if (params && !json_is_object(params) && !json_is_null(params) &&
        json_array_size(params) > 0)
        return asy_fail(ASY_ESCRIPT, "params: a table with names expected, got %s",
                        asy_json_kind(params));
    asy_err err = s->setup.is_own ? ASY_OK : asy_design_canonical(design, &text);
    if (err) {
        asy_buf_fini(&text);
        return err;
    }
    char *p = json_is_object(params) ? canonical(params) : asy_strdup("{}");
    *out = asy_spec_new(p, asy_buf_take(&text));
    return ASY_OK;
}

static void free_specs(asy_spec **spec, size_t n)
{
    for (size_t i = 0; i < n; i++)
        asy_spec_unref(spec[i]);
    asy_free(spec);
}

/* Reads all proposals, or none. *out has room for at least one. */
static asy_err read_specs(const asy_session *s, const json_t *list, asy_spec ***out)
{
    size_t n = json_array_size(list);
    if (n > MOST_PROPOSALS)
        return asy_fail(ASY_ESCRIPT, "scatter: at most %d designs at once, got %zu",
                        MOST_PROPOSALS, n);
    asy_spec **spec = asy_alloc(n + 1, sizeof(asy_spec *));
    for (size_t i = 0; i < n; i++) {
        asy_err err = read_one(s, json_array_get(list, i), &spec[i]);
        if (err) {
            free_specs(spec, i);
            return asy_fail_in(ASY_ESCRIPT, "scatter: design %zu", i + 1);
        }
    }
    *out = spec;
    return ASY_OK;
}

static asy_hash hash_specs(asy_spec *const *spec, size_t n)
{
    asy_hasher h;
    asy_hasher_init(&h);
    for (size_t i = 0; i < n; i++) { /* with their NULs: texts cannot run together */
        asy_hasher_add(&h, spec[i]->params, spec[i]->params_len + 1);
        asy_hasher_add(&h, spec[i]->design, spec[i]->design_len + 1);
    }
    return asy_hasher_end(&h);
}

/* --- trials --- */

static asy_hash key_of(const asy_session *s, const asy_trial *t)
{
    return asy_trial_key(&(asy_key_parts){
        .prepared = &s->prepared[t->fold].hash,
        .design = t->spec->design,
        .rule = s->rule_hash,
        .options = s->options_text,
        .params = t->spec->params,
        .session_seed = s->seed,
        .seed = t->seed,
    });
}

void asy_scatter_fill(asy_trial *t, asy_session *s, asy_spec *spec, asy_hash *key)
{
    uint32_t each = asy_session_each(s), i = (t->number - 1) % each;
    t->session = s;
    t->proposal = (t->number - 1) / each + 1;
    t->fold = (uint16_t)(i % s->setup.folds);
    t->repeat = (uint16_t)(i / s->setup.folds);
    t->seed = asy_trial_seed(s->seed, t->proposal, t->repeat);
    if (!t->spec) {
        t->spec = spec;
        spec->users++;
    }
    *key = key_of(s, t);
    t->check = asy_key_check(key);
}

static asy_row_trial row_of(const asy_trial *t, const asy_hash *key, int64_t now)
{
    return (asy_row_trial){
        .id = t->id,
        .session = t->session->id,
        .number = t->number,
        .proposal = t->proposal,
        .fold = t->fold,
        .state = ASY_TRIAL_QUEUED,
        .seed = t->seed,
        .key = *key,
        .params = t->spec->params,
        .design = t->spec->design,
        .score = NAN,
        .metrics = "{}",
        .reason = "",
        .how = "",
        .worker = "",
        .queued = now,
    };
}

/* --- the cache --- */

/* A row that outlives its callback. */
typedef struct found {
    asy_row_trial row;
    char *metrics, *reason, *how, *worker;
} found;

static bool keep_row(void *ctx, const asy_row_trial *row)
{
    found *f = ctx;
    f->row = *row;
    f->row.metrics = f->metrics = asy_strdup(row->metrics);
    f->row.reason = f->reason = asy_strdup(row->reason);
    f->row.how = f->how = asy_strdup(row->how);
    f->row.worker = f->worker = asy_strdup(row->worker);
    return false;
}

static void look_up(asy_trial *t, const asy_hash *key)
{
    found f = {0};
    if (!asy_store_by_key(t->session->host->store, key, keep_row, &f) && f.row.id)
        asy_gather_cached(t, &f.row);
    asy_free(f.metrics);
    asy_free(f.reason);
    asy_free(f.how);
    asy_free(f.worker);
}

/* --- a new scatter --- */

/* Trials, rows and keys of n proposals. */
static void make_trials(asy_session *s, asy_spec *const *spec, uint32_t n,
                        const asy_hash *specs, int32_t priority)
{
    asy_host *h = s->host;
    uint32_t each = asy_session_each(s), count = n * each;
    uint32_t first =
        asy_board_add(s->board, asy_store_next_trial(h->store, count), count);
    asy_row_trial *row = asy_alloc(count, sizeof *row);
    int64_t now = asy_wall_ms();
    for (uint32_t i = 0; i < count; i++) {
        asy_trial *t = asy_board_at(s->board, first + i);
        asy_hash key;
        asy_scatter_fill(t, s, spec[i / each], &key);
        t->priority = priority;
        row[i] = row_of(t, &key, now);
    }
    asy_commit *c = asy_commit_now(h);
    asy_commit_make(c, s, first, count);
    asy_commit_use(c);
    asy_store_scatter(h->store, s->id, s->seq, specs, s->talk.given, row, count,
                      asy_commit_done, c);
    for (uint32_t i = 0;
         s->has_twin && !s->is_fresh && !s->setup.has_pruner && i < count; i++)
        look_up(asy_board_at(s->board, first + i), &row[i].key);
    asy_free(row);
}

/* As many whole proposals as the limit leaves. */
static uint32_t cut_to_limit(const asy_session *s, size_t n)
{
    uint64_t most = asy_session_left(s) / asy_session_each(s);
    return (uint32_t)(n < most ? n : most);
}

static asy_err scatter_specs(asy_session *s, asy_spec **spec, size_t all,
                             int32_t priority)
{
    asy_hash specs = hash_specs(spec, all);
    uint32_t n = cut_to_limit(s, all);
    uint32_t matched = 0;
    asy_err err = ASY_OK;
    if (asy_board_count(s->board) + (uint64_t)n * asy_session_each(s) > MOST_TRIALS)
        return asy_fail(ASY_ESCRIPT, "scatter: a session has at most %d trials",
                        MOST_TRIALS);
    s->seq++;
    if (s->replay.is_on)
        err = asy_replay_scatter(s, &specs, spec, (uint32_t)all, priority, &matched);
    if (err)
        return err;
    if (matched)
        n = matched;
    else if (n)
        make_trials(s, spec, n, &specs, priority);
    asy_talk_tell_first(s, (asy_event){.kind = ASY_EVENT_SCATTERED,
                                       .number = s->proposals + 1,
                                       .n = n,
                                       .seq = s->seq});
    s->proposals += n;
    return ASY_OK;
}

static void keep_tag(asy_session *s, uint32_t first, const char *text)
{
    if (s->tags == s->tag_cap) {
        s->tag_cap = s->tag_cap ? 2 * s->tag_cap : 16;
        s->tag = asy_realloc(s->tag, s->tag_cap, sizeof *s->tag);
    }
    s->tag[s->tags++] = (asy_tag){first, s->proposals + 1 - first, asy_strdup(text)};
}

asy_err asy_scatter(asy_session *s, const json_t *command)
{
    const char *label;
    uint32_t first = s->proposals + 1;
    const json_t *list = json_object_get(command, "trials");
    size_t n = json_array_size(list);
    int64_t priority;
    asy_spec **spec = NULL;
    asy_err err = asy_json_get_int(command, "scatter", "priority", 0, &priority);
    if (!err)
        err = asy_json_get_text(command, "scatter", "label", "", &label);
    if (!err)
        err = read_specs(s, list, &spec);
    if (err)
        return err;
    if (priority > INT32_MAX || priority < INT32_MIN)
        priority = 0;
    err = scatter_specs(s, spec, n, (int32_t)priority);
    if (!err && *label)
        keep_tag(s, first, label);
    free_specs(spec, n);
    return err;
}
