/* query.c - what a rule may ask while it runs. Answers are plain trees; what cannot be
 * answered is {"error": text}. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/query.h"
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "lab/core.h"
#include "nn/design.h"
#include "nn/train.h"

static json_t *error_of(const char *text)
{
    json_t *v = json_object();
    json_object_set_new(v, "error", json_string(text));
    return v;
}

/* --- trials ------------------------------------------------------------------------
 */

typedef struct listing {
    asy_session *session; /* whose labels count; NULL = another session's trials */
    const char *label;    /* NULL = any */
    int64_t first, last;  /* numbers */
    uint32_t each;
    json_t *list;
} listing;

static json_t *tree_of(const char *text)
{
    json_t *v;
    return asy_json_parse(text, strlen(text), &v) ? json_object() : v;
}

static json_t *trial_tree(const asy_row_trial *row)
{
    json_t *v = json_object();
    json_object_set_new(v, "id", json_integer(row->id));
    json_object_set_new(v, "number", json_integer(row->proposal));
    json_object_set_new(v, "fold", json_integer(row->fold));
    json_object_set_new(v, "state", json_string(asy_trial_state_names[row->state]));
    json_object_set_new(v, "reason", json_string(row->reason));
    json_object_set_new(v, "score", asy_json_real(row->score));
    json_object_set_new(v, "metrics", tree_of(row->metrics));
    json_object_set_new(v, "params", tree_of(row->params));
    if (*row->design)
        json_object_set_new(v, "design", tree_of(row->design));
    json_object_set_new(v, "seed", json_integer((json_int_t)row->seed));
    json_object_set_new(v, "epochs", json_integer(row->epochs));
    json_object_set_new(v, "seconds", asy_json_real(row->seconds));
    json_object_set_new(v, "parameters", json_integer((json_int_t)row->parameters));
    json_object_set_new(v, "flops", asy_json_real(row->flops));
    json_object_set_new(v, "worker", json_string(row->worker));
    json_object_set_new(v, "cached", json_boolean(row->cached_from != 0));
    return v;
}

static bool has_label(const asy_session *s, int64_t proposal, const char *label)
{
    for (uint32_t i = 0; i < s->tags; i++) {
        const asy_tag *tag = &s->tag[i];
        if (proposal >= tag->first && proposal < (int64_t)tag->first + tag->n)
            return strcmp(tag->text, label) == 0;
    }
    return false;
}

static bool list_row(void *ctx, const asy_row_trial *row)
{
    listing *l = ctx;
    if (row->proposal < l->first || row->proposal > l->last)
        return true;
    if (l->label && !(l->session && has_label(l->session, row->proposal, l->label)))
        return true;
    json_array_append_new(l->list, trial_tree(row));
    return true;
}

static bool take_id(void *ctx, const asy_row_session *row)
{
    *(int64_t *)ctx = row->id;
    return false;
}

/* The session of the filter: this one, or an earlier one by name or number. */
static asy_err which_session(asy_session *s, const json_t *filter, int64_t *id)
{
    const json_t *which = json_object_get(filter, "session");
    *id = s->id;
    if (json_is_integer(which)) {
        *id = json_integer_value(which);
        return ASY_OK;
    }
    const char *name = json_string_value(which);
    return name ? asy_store_find_session(s->host->store, name, take_id, id) : ASY_OK;
}

static uint32_t states_of(const char *state)
{
    for (uint32_t i = 0; state && i < ASY_TRIAL_STATES; i++)
        if (strcmp(asy_trial_state_names[i], state) == 0)
            return 1u << i;
    return 1u << ASY_TRIAL_DONE | 1u << ASY_TRIAL_FAILED | 1u << ASY_TRIAL_PRUNED |
           1u << ASY_TRIAL_CANCELLED;
}

static json_t *answer_trials(asy_session *s, const json_t *filter)
{
    listing l = {.first = 1, .last = INT64_MAX};
    asy_trial_query q = {
        .states = states_of(json_string_value(json_object_get(filter, "state")))};
    asy_err err = which_session(s, filter, &q.session);
    if (!err)
        err = asy_json_get_int(filter, "filter", "first", 1, &l.first);
    if (!err)
        err = asy_json_get_int(filter, "filter", "last", INT64_MAX, &l.last);
    if (err)
        return error_of(asy_errmsg());
    l.session = q.session == s->id ? s : NULL;
    l.label = json_string_value(json_object_get(filter, "label"));
    l.list = json_array();
    if (asy_store_trials(s->host->store, &q, list_row, &l)) {
        json_decref(l.list);
        return error_of(asy_errmsg());
    }
    return l.list;
}

static json_t *answer_best(asy_session *s, const json_t *n)
{
    listing l = {.first = 1, .last = INT64_MAX, .list = json_array()};
    json_int_t limit = json_integer_value(n);
    asy_trial_query q = {.session = s->id,
                         .states = 1u << ASY_TRIAL_DONE,
                         .order = ASY_BY_SCORE,
                         .descending = s->setup.objective.maximize,
                         .limit = limit > 0 ? (uint64_t)limit : 1};
    if (!asy_store_trials(s->host->store, &q, list_row, &l))
        return l.list;
    json_decref(l.list);
    return error_of(asy_errmsg());
}

/* --- curves, columns, counts --- */

static float point_of(const asy_epoch *e, const char *metric)
{
    if (strcmp(metric, "train_accuracy") == 0)
        return e->train_accuracy;
    if (strcmp(metric, "validate_accuracy") == 0)
        return e->validate_accuracy;
    if (strcmp(metric, "validate_loss") == 0)
        return e->validate_loss;
    if (strcmp(metric, "accuracy") == 0)
        return isnan(e->validate_accuracy) ? e->train_accuracy : e->validate_accuracy;
    return e->train_loss;
}

static json_t *answer_curve(asy_session *s, const json_t *query)
{
    json_int_t proposal = json_integer_value(json_object_get(query, "curve"));
    const char *metric = json_string_value(json_object_get(query, "metric"));
    asy_trial *t =
        proposal > 0
            ? asy_board_at(s->board, (uint64_t)(proposal - 1) * asy_session_each(s) + 1)
            : NULL;
    asy_buf blob = {0};
    asy_epoch *curve = NULL;
    uint32_t n = 0;
    json_t *list = json_array();
    if (t && metric && !asy_store_curve(s->host->store, t->id, &blob) && blob.len &&
        !asy_curve_decode(blob.data, blob.len, &curve, &n))
        for (uint32_t i = 0; i < n; i++)
            json_array_append_new(list, asy_json_real(point_of(&curve[i], metric)));
    asy_free(curve);
    asy_buf_fini(&blob);
    return list;
}

static json_t *cell(const asy_column *c, uint64_t row)
{
    if (c->type == ASY_COLUMN_NUMBER)
        return asy_json_real(c->number[row]);
    if (c->type == ASY_COLUMN_CATEGORY && c->code[row] >= 0)
        return json_string(c->names[c->code[row]]);
    return json_null();
}

static json_t *answer_column(asy_session *s, const char *name)
{
    uint32_t column;
    if (asy_table_find(s->table, name, &column))
        return error_of(asy_errmsg());
    json_t *list = json_array(), *v = json_object();
    for (uint64_t i = 0; i < s->table->rows; i++)
        json_array_append_new(list, cell(&s->table->column[column], i));
    json_object_set_new(v, "name", json_string(s->table->column[column].name));
    json_object_set_new(v, "values", list);
    return v;
}

static json_t *answer_count(asy_session *s, const json_t *design)
{
    asy_design *d;
    asy_design_cost cost;
    if (!s->shape)
        return error_of("count: the data are not prepared yet");
    asy_err err = asy_design_parse(design, &d);
    if (err)
        return error_of(asy_errmsg());
    const json_t *rows = json_object_get(s->shape, "rows");
    err = asy_design_count(
        d, (uint32_t)json_integer_value(json_object_get(s->shape, "inputs")),
        (uint32_t)json_integer_value(json_object_get(s->shape, "classes")),
        (uint32_t)json_integer_value(json_object_get(s->shape, "outputs")),
        (uint32_t)json_integer_value(json_object_get(rows, "train")), &cost);
    asy_design_free(d);
    if (err)
        return error_of(asy_errmsg());
    json_t *v = json_object();
    json_object_set_new(v, "parameters", json_integer((json_int_t)cost.params));
    json_object_set_new(v, "flops_forward",
                        json_integer((json_int_t)cost.flops_forward));
    json_object_set_new(v, "flops", json_integer((json_int_t)cost.flops_train));
    json_object_set_new(v, "memory", json_integer((json_int_t)cost.bytes));
    return v;
}

json_t *asy_query_answer(asy_session *s, const json_t *query)
{
    const json_t *v;
    if ((v = json_object_get(query, "column")) && json_is_string(v))
        return answer_column(s, json_string_value(v));
    if (json_object_get(query, "curve"))
        return answer_curve(s, query);
    if ((v = json_object_get(query, "trials")))
        return answer_trials(s, v);
    if ((v = json_object_get(query, "best")))
        return answer_best(s, v);
    if ((v = json_object_get(query, "count")))
        return answer_count(s, v);
    return error_of("unknown query");
}
