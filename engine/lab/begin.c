/* begin.c - how a session begins: data in, the rule asked, data prepared, row written;
 * and how an earlier one is taken up again. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "data/label.h"
#include "data/prepare.h"
#include "lab/core.h"
#include "lab/dataset.h"
#include "lab/replay.h"

static asy_session *session_new(asy_host *h)
{
    asy_session *s = asy_alloc(1, sizeof *s);
    s->host = h;
    s->best = NAN;
    s->board = asy_board_new();
    s->created = asy_wall_ms();
    s->options = json_object();
    s->state = ASY_SESSION_RUNNING;
    return s;
}

static void join(asy_host *h, asy_session *s)
{
    h->session = asy_realloc(h->session, h->sessions + 1, sizeof(asy_session *));
    for (uint32_t i = 0; i < h->sessions; i++) /* begins level with the others */
        if (i == 0 || h->session[i]->charged < s->charged)
            s->charged = h->session[i]->charged;
    h->session[h->sessions++] = s;
    s->started_ms = s->saved_ms = s->mark[0].ms = s->mark[1].ms = asy_now_ms();
}

/* --- data ----------------------------------------------------------------------------
 */

static asy_err open_data(asy_session *s, const asy_session_config *c, asy_buf *stem)
{
    asy_buf name = {0};
    asy_err err;
    if (c->data_path) {
        err = asy_dataset_import(s->host->store, c->data_path, c->label, &s->table);
        asy_dataset_stem(c->data_path, stem);
    } else if (c->dataset) {
        err = asy_dataset_open(s->host->store, c->dataset, &s->table, &name);
        asy_dataset_stem(asy_buf_text(&name), stem);
    } else {
        err =
            asy_fail(ASY_EARG, "session: a data file or a dataset expected, got none");
    }
    asy_buf_fini(&name);
    return err;
}

static asy_err find_label(asy_session *s, const char *label)
{
    if (s->table->columns == 0)
        return asy_fail(ASY_EARG, "data: no columns");
    s->label_column = s->table->columns - 1;
    asy_err err = label ? asy_table_find(s->table, label, &s->label_column) : ASY_OK;
    if (err)
        return err;
    const asy_column *c = &s->table->column[s->label_column];
    if (c->type == ASY_COLUMN_IGNORED)
        return asy_fail(ASY_EARG, "label '%s' cannot be predicted: %s", c->name,
                        c->reason);
    s->label = asy_strdup(c->name);
    asy_hash_text(&s->table->hash, s->dataset);
    return ASY_OK;
}

/* --- the rule --- */

static asy_err describe(asy_session *s, json_t **told)
{
    json_t *call = json_pack("{s:s}", "call", "describe");
    asy_err err = asy_talk_ask(s, call, told);
    json_decref(call);
    if (err)
        return err;
    bool has_classes = asy_label_has_classes(s->table, s->label_column);
    err = asy_setup_read(*told, has_classes, &s->setup);
    if (err)
        return asy_fail_in(err, "%s", s->rule_name);
    const char *title = json_string_value(json_object_get(*told, "title"));
    s->title = asy_strdup(title ? title : s->rule_name);
    return ASY_OK;
}

/* The preparation: what the description lists, or what the rule's function makes of the
 * table. *steps is owned by the caller. */
static asy_err ask_steps(asy_session *s, const json_t *told, json_t **steps)
{
    json_t *prepare = json_object_get(told, "prepare");
    *steps = NULL;
    if (!json_is_true(prepare)) {
        *steps = json_is_array(prepare) ? json_incref(prepare) : json_array();
        return ASY_OK;
    }
    json_t *table = asy_table_describe(s->table);
    json_object_set_new(table, "label", json_string(s->label));
    json_t *call = json_pack("{s:s,s:o}", "call", "prepare", "table", table);
    json_t *reply;
    asy_err err = asy_talk_ask(s, call, &reply);
    json_decref(call);
    if (err)
        return err;
    json_t *list = json_object_get(reply, "steps");
    if (json_is_array(list))
        *steps = json_incref(list);
    else
        err = asy_fail(ASY_ESCRIPT, "%s: prepare: a list of steps expected, got %s",
                       s->rule_name, asy_json_kind(list));
    json_decref(reply);
    return err;
}

/* --- prepared data --- */

static json_t *shape_of(const asy_tensors *t)
{
    json_t *rows = json_object(), *shape = json_object();
    for (int i = 0; i < ASY_PARTS; i++)
        json_object_set_new(rows, asy_part_names[i], json_integer(t->part[i].rows));
    json_object_set_new(shape, "rows", rows);
    json_object_set_new(shape, "inputs", json_integer(t->inputs));
    json_object_set_new(shape, "classes", json_integer(t->classes));
    json_object_set_new(shape, "outputs", json_integer(t->outputs));
    return shape;
}

static char *prepared_path(const asy_session *s, const char *hash)
{
    asy_buf name = {0};
    asy_buf_printf(&name, "prepared/%s.safetensors", hash);
    char *path = asy_path_join(s->host->folder, asy_buf_text(&name));
    asy_buf_fini(&name);
    return path;
}

static asy_err keep_fold(asy_session *s, uint32_t fold, const asy_tensors *t)
{
    asy_prepared *p = &s->prepared[fold];
    p->hash = t->hash;
    asy_hash_text(&p->hash, p->text);
    p->path = prepared_path(s, p->text);
    if (!s->shape)
        s->shape = shape_of(t);
    return asy_file_exists(p->path) ? ASY_OK : asy_tensors_save(t, p->path);
}

static asy_err prepare_fold(asy_session *s, const json_t *steps, uint32_t fold)
{
    const asy_prepare_job job = {
        .table = s->table,
        .label = s->label_column,
        .steps = steps,
        .seed = s->seed,
        .folds = s->setup.folds,
        .fold = fold,
    };
    asy_tensors *t;
    asy_err err = asy_prepare_run(&job, &t);
    if (err)
        return err;
    err = asy_setup_check_label(&s->setup, s->label, t->classes);
    if (!err)
        err = keep_fold(s, fold, t);
    asy_tensors_free(t);
    return err;
}

static asy_err prepare_all(asy_session *s, const json_t *told)
{
    json_t *steps = asy_setup_steps(&s->setup, told);
    char *folder = asy_path_join(s->host->folder, "prepared");
    asy_err err = asy_dir_make(folder);
    asy_free(folder);
    s->prepared = asy_alloc(s->setup.folds, sizeof *s->prepared);
    json_t *list = json_array();
    for (uint32_t i = 0; !err && i < s->setup.folds; i++) {
        err = prepare_fold(s, steps, i);
        if (!err)
            json_array_append_new(list, json_string(s->prepared[i].text));
    }
    asy_buf text = {0};
    asy_json_canonical(&text, list);
    s->prepared_text = asy_buf_take(&text);
    json_decref(list);
    json_decref(steps);
    return err;
}

/* From the rule's source to its prepared data: the same for new and resumed sessions.
 */
static asy_err set_up(asy_session *s)
{
    json_t *told = NULL, *steps = NULL;
    asy_err err = asy_talk_open(s);
    if (!err)
        err = describe(s, &told);
    if (!err)
        err = ask_steps(s, told, &steps);
    if (!err)
        err = prepare_all(s, steps);
    asy_buf text = {0};
    if (!err) {
        json_object_set(s->setup.told, "data", s->shape);
        asy_json_canonical(&text, s->setup.told);
    }
    s->settings_text = asy_buf_take(&text);
    json_decref(told);
    json_decref(steps);
    return err;
}

/* --- names and twins --- */

typedef struct looking {
    asy_session *session;
    const char *stem;
    uint64_t most;
} looking;

static bool look_at(void *ctx, const asy_row_session *row)
{
    looking *l = ctx;
    size_t len = strlen(l->stem);
    if (strncmp(row->name, l->stem, len) == 0 && row->name[len] == '-') {
        uint64_t n = strtoull(row->name + len + 1, NULL, 10);
        l->most = n > l->most ? n : l->most;
    }
    asy_session *s = l->session;
    if (row->id != s->id && row->seed == s->seed && s->prepared_text &&
        strcmp(row->prepared, s->prepared_text) == 0)
        s->has_twin = true;
    return true;
}

/* Only a session with the same seed and the same prepared data can have equal trials.
 */
static asy_err look_around(asy_session *s, const char *stem)
{
    looking l = {.session = s, .stem = stem};
    asy_err err = asy_store_sessions(s->host->store, look_at, &l);
    if (!err && !s->name) {
        asy_buf name = {0};
        asy_buf_printf(&name, "%s-%llu", stem, (unsigned long long)l.most + 1);
        s->name = asy_buf_take(&name);
    }
    return err;
}

/* --- a new session --- */

static void take_rule(asy_session *s, const char *name, const char *source, size_t len)
{
    s->rule_name = asy_strdup(name ? name : "rule.lua");
    s->rule = asy_strndup(source, len);
    s->rule_len = len;
    asy_hash hash = asy_hash_of(source, len);
    asy_hash_text(&hash, s->rule_hash);
}

static void take_options(asy_session *s)
{
    asy_buf text = {0};
    asy_json_canonical(&text, s->options);
    s->options_text = asy_buf_take(&text);
}

static void take_limits(asy_session *s, uint64_t trials, double seconds)
{
    s->limit = trials ? trials : s->setup.trials;
    s->time_limit = seconds > 0 ? seconds : s->setup.seconds;
    /* Limits of the caller are part of the session: a resumed one keeps them. */
    json_t *limits = json_object();
    json_object_set_new(limits, "trials", json_integer((json_int_t)s->limit));
    json_object_set_new(limits, "time", asy_json_real(s->time_limit));
    json_object_set_new(limits, "parallel", json_integer(s->setup.parallel));
    json_object_set_new(s->setup.told, "limits", limits);
    asy_buf text = {0};
    asy_json_canonical(&text, s->setup.told);
    asy_free(s->settings_text);
    s->settings_text = asy_buf_take(&text);
}

static asy_err make_session(asy_session *s, const asy_session_config *c)
{
    asy_buf stem = {0};
    if (c->options) {
        json_decref(s->options);
        s->options = json_deep_copy(c->options);
    }
    s->seed = c->seed;
    s->is_fresh = c->fresh;
    s->name = asy_strdup(c->name);
    take_rule(s, c->rule_name, c->rule, c->rule_len);
    take_options(s);
    asy_err err = open_data(s, c, &stem);
    if (!err)
        err = find_label(s, c->label);
    if (!err)
        err = set_up(s);
    if (!err) {
        take_limits(s, c->trials, c->seconds);
        err = look_around(s, asy_buf_text(&stem));
    }
    if (!err) {
        asy_row_session row = asy_session_row(s);
        err = asy_store_new_session(s->host->store, &row, &s->id);
    }
    asy_buf_fini(&stem);
    return err;
}

asy_err asy_host_start(asy_host *h, const asy_session_config *config, int64_t *session)
{
    asy_session *s = session_new(h);
    asy_err err = make_session(s, config);
    if (!err) {
        join(h, s);
        err = asy_talk_start(s);
        if (err)
            asy_session_end(s, ASY_SESSION_FAILED, asy_errmsg());
        *session = s->id;
        return err;
    }
    asy_session_free(s);
    return err;
}

/* --- an earlier session --- */

typedef struct earlier {
    asy_session *session;
    char *settings, *prepared, *dataset;
    bool is_running;
} earlier;

static bool take_row(void *ctx, const asy_row_session *row)
{
    earlier *e = ctx;
    asy_session *s = e->session;
    s->id = row->id;
    s->name = asy_strdup(row->name);
    s->seed = row->seed;
    s->label = asy_strdup(row->label);
    s->seconds_before = row->seconds;
    s->created = row->created;
    take_rule(s, row->rule_name, row->rule, strlen(row->rule));
    json_t *options;
    if (!asy_json_parse(row->options, strlen(row->options), &options)) {
        json_decref(s->options);
        s->options = options;
    }
    e->settings = asy_strdup(row->settings);
    e->prepared = asy_strdup(row->prepared);
    e->dataset = asy_strdup(row->dataset);
    return false;
}

/* The limits that the session had, whoever had set them. */
static asy_err old_limits(asy_session *s, const char *settings)
{
    json_t *told;
    int64_t trials;
    double seconds;
    asy_err err = asy_json_parse(settings, strlen(settings), &told);
    if (err)
        return err;
    json_t *limits = json_object_get(told, "limits");
    err = asy_json_get_int(limits, "limits", "trials", 0, &trials);
    if (!err)
        err = asy_json_get_number(limits, "limits", "time", 0, &seconds);
    json_decref(told);
    if (!err)
        take_limits(s, trials > 0 ? (uint64_t)trials : 0, seconds);
    return err;
}

static asy_err open_again(asy_session *s, earlier *e)
{
    asy_buf name = {0};
    char *label = s->label;
    s->label = NULL;
    take_options(s);
    asy_err err = asy_dataset_open(s->host->store, e->dataset, &s->table, &name);
    if (!err)
        err = find_label(s, label);
    if (!err)
        err = set_up(s);
    if (!err)
        err = old_limits(s, e->settings);
    if (!err && strcmp(e->prepared, s->prepared_text) != 0)
        err = asy_fail(
            ASY_EARG,
            "session %s: its data are prepared differently by this version; run "
            "the rule as a new session",
            s->name);
    if (!err)
        err = look_around(s, "");
    if (!err)
        err = asy_replay_open(s);
    asy_free(label);
    asy_buf_fini(&name);
    return err;
}

asy_err asy_host_resume(asy_host *h, const char *which, int64_t *session)
{
    asy_session *s = session_new(h);
    earlier e = {.session = s};
    asy_err err = asy_store_find_session(h->store, which, take_row, &e);
    if (!err && asy_host_session(h, s->id))
        err = asy_fail(ASY_EARG, "session %s is under way already", s->name);
    if (!err)
        err = open_again(s, &e);
    asy_free(e.settings);
    asy_free(e.prepared);
    asy_free(e.dataset);
    if (err) {
        asy_session_free(s);
        return err;
    }
    if (s->time_limit > 0) /* the same time again */
        s->time_limit += s->seconds_before;
    join(h, s);
    asy_session_save(s);
    *session = s->id;
    err = asy_talk_start(s);
    if (err)
        asy_session_end(s, ASY_SESSION_FAILED, asy_errmsg());
    return err;
}
