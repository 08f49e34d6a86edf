/* dry.c - a dry run of a rule. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/dry.h"
#include <string.h>
#include "base/mem.h"
#include "cmd/ask.h"
#include "data/label.h"
#include "data/prepare.h"
#include "nn/design.h"

/* --- what the rule may ask --- */

static json_t *error_of(const char *text)
{
    json_t *v = json_object();
    json_object_set_new(v, "error", json_string(text));
    return v;
}

static json_t *cell(const asy_column *c, uint64_t row)
{
    if (c->type == ASY_COLUMN_NUMBER)
        return asy_json_real(c->number[row]);
    if (c->type == ASY_COLUMN_CATEGORY && c->code[row] >= 0)
        return json_string(c->names[c->code[row]]);
    return json_null();
}

static json_t *answer_column(const asy_dry *d, const char *name)
{
    uint32_t column;
    if (!d->table)
        return error_of("there are no data: give --data");
    if (asy_table_find(d->table, name, &column))
        return error_of(asy_errmsg());
    const asy_column *c = &d->table->column[column];
    json_t *list = json_array(), *v = json_object();
    for (uint64_t i = 0; i < d->table->rows; i++)
        json_array_append_new(list, cell(c, i));
    json_object_set_new(v, "name", json_string(c->name));
    json_object_set_new(v, "values", list);
    return v;
}

static asy_err count(const asy_dry *d, const json_t *tree, asy_design_cost *cost)
{
    asy_design *design;
    const asy_tensors *t = d->tensors;
    asy_err err = asy_design_parse(tree, &design);
    if (err)
        return err;
    err = asy_design_count(design, t->inputs, t->classes, t->outputs,
                           t->part[ASY_TRAIN].rows, cost);
    asy_design_free(design);
    return err;
}

static json_t *answer_count(const asy_dry *d, const json_t *tree)
{
    asy_design_cost cost;
    if (!d->tensors)
        return error_of("there are no data: give --data");
    if (count(d, tree, &cost))
        return error_of(asy_errmsg());
    json_t *v = json_object();
    json_object_set_new(v, "parameters", json_integer((json_int_t)cost.params));
    json_object_set_new(v, "flops_forward",
                        json_integer((json_int_t)cost.flops_forward));
    json_object_set_new(v, "flops", json_integer((json_int_t)cost.flops_train));
    json_object_set_new(v, "memory", json_integer((json_int_t)cost.bytes));
    return v;
}

static json_t *answer(void *ctx, const json_t *query)
{
    const asy_dry *d = ctx;
    const json_t *column = json_object_get(query, "column");
    const json_t *design = json_object_get(query, "count");
    if (json_is_string(column))
        return answer_column(d, json_string_value(column));
    if (design)
        return answer_count(d, design);
    return json_array(); /* trials, the best, curves: there are none */
}

/* --- describing and preparing --- */

static json_t *described_table(const asy_dry *d)
{
    json_t *table = asy_table_describe(d->table);
    json_object_set_new(table, "label", json_string(d->table->column[d->label].name));
    return table;
}

static asy_err describe(asy_dry *d, asy_asker *asker)
{
    json_t *reply, *call = json_pack("{s:s}", "call", "describe");
    asy_err err = asy_asker_ask(asker, call, &reply);
    json_decref(call);
    bool has_classes = !d->table || asy_label_has_classes(d->table, d->label);
    if (!err)
        err = asy_setup_read(reply, has_classes, &d->setup);
    if (!err) {
        d->told = json_incref(d->setup.told);
        d->is_own = d->setup.is_own;
    }
    json_decref(reply);
    return err;
}

/* The steps as a list, or those that the rule's function makes; owned by the caller. */
static asy_err find_steps(asy_dry *d, asy_asker *asker, json_t **steps)
{
    json_t *prepare = json_object_get(d->told, "prepare"), *reply;
    *steps = json_is_array(prepare) ? json_incref(prepare) : NULL;
    if (!json_is_true(prepare) || !d->table)
        return ASY_OK;
    json_t *call =
        json_pack("{s:s,s:o}", "call", "prepare", "table", described_table(d));
    asy_err err = asy_asker_ask(asker, call, &reply);
    json_decref(call);
    if (!err)
        *steps = json_incref(json_object_get(reply, "steps"));
    json_decref(reply);
    return err;
}

static asy_err prepare(asy_dry *d, asy_asker *asker)
{
    json_t *steps;
    asy_err err = find_steps(d, asker, &steps);
    if (!err && steps)
        err = asy_prepare_check(steps);
    if (!err && d->table) {
        json_t *none = json_array();
        json_t *all = asy_setup_steps(&d->setup, steps ? steps : none);
        const asy_prepare_job job = {.table = d->table,
                                     .label = d->label,
                                     .steps = all,
                                     .seed = d->seed,
                                     .folds = 1};
        err = asy_prepare_run(&job, &d->tensors);
        if (!err)
            err = asy_setup_check_label(&d->setup, d->table->column[d->label].name,
                                        d->tensors->classes);
        json_decref(all);
        json_decref(none);
    }
    json_decref(steps);
    return err;
}

/* --- proposals --- */

static json_t *shape(const asy_tensors *t)
{
    json_t *rows = json_object(), *o = json_object();
    for (int i = 0; i < ASY_PARTS; i++)
        json_object_set_new(rows, asy_part_names[i], json_integer(t->part[i].rows));
    json_object_set_new(o, "rows", rows);
    json_object_set_new(o, "inputs", json_integer(t->inputs));
    json_object_set_new(o, "classes", json_integer(t->classes));
    json_object_set_new(o, "outputs", json_integer(t->outputs));
    return o;
}

static json_t *start_call(const asy_dry *d)
{
    json_t *session = json_object(), *call = json_object();
    json_object_set_new(session, "seed", json_integer((json_int_t)d->seed));
    json_object_set_new(session, "options",
                        d->options ? json_incref((json_t *)d->options) : json_object());
    json_object_set_new(session, "parallel", json_integer((json_int_t)d->wanted));
    json_object_set_new(session, "trials", json_integer((json_int_t)d->wanted));
    json_object_set_new(session, "seconds", json_real(0));
    if (d->tensors)
        json_object_set_new(session, "data", shape(d->tensors));
    if (d->table)
        json_object_set_new(session, "table", described_table(d));
    json_object_set_new(call, "call", json_string("start"));
    json_object_set_new(call, "session", session);
    return call;
}

static asy_err add_proposal(asy_dry *d, json_t *trial)
{
    json_t *o = json_object();
    const json_t *design = json_object_get(trial, "design");
    asy_design_cost cost = {0};
    asy_buf canonical = {0};
    asy_err err = ASY_OK;
    if (!d->is_own)
        err = asy_design_canonical(design, &canonical);
    if (!err && !d->is_own && d->tensors)
        err = count(d, design, &cost);
    if (err)
        asy_fail_in(err, "proposal %zu", json_array_size(d->proposals) + 1);
    json_object_set(o, "params", json_object_get(trial, "params"));
    json_object_set(o, "design", (json_t *)design);
    if (cost.params)
        json_object_set_new(o, "parameters", json_integer((json_int_t)cost.params));
    json_array_append_new(d->proposals, o);
    asy_buf_fini(&canonical);
    return err;
}

static asy_err take_scatter(asy_dry *d, const json_t *command)
{
    size_t i;
    json_t *trial;
    json_array_foreach (json_object_get(command, "trials"), i, trial) {
        asy_err err =
            json_array_size(d->proposals) < d->wanted ? add_proposal(d, trial) : 0;
        if (err)
            return err;
    }
    return ASY_OK;
}

static asy_err take_commands(asy_dry *d, const json_t *reply, bool *is_waiting)
{
    size_t i;
    json_t *command;
    asy_err err = ASY_OK;
    const json_t *list = json_object_get(reply, "commands");
    *is_waiting =
        !json_is_false(json_object_get(reply, "waiting")) || json_array_size(list) == 0;
    json_array_foreach (list, i, command) {
        const char *what = json_string_value(json_object_get(command, "do"));
        if (!err && what && strcmp(what, "scatter") == 0)
            err = take_scatter(d, command);
    }
    return err;
}

static json_t *resume_call(const asy_dry *d)
{
    return json_pack("{s:s,s:[],s:{s:I,s:f},s:f}", "call", "resume", "events", "left",
                     "trials", (json_int_t)d->wanted, "seconds", 0.0, "now", 0.0);
}

static asy_err propose(asy_dry *d, asy_asker *asker)
{
    bool is_waiting = false;
    json_t *call = start_call(d);
    asy_err err = ASY_OK;
    d->proposals = json_array();
    while (!err && !is_waiting && json_array_size(d->proposals) < d->wanted) {
        json_t *reply;
        err = asy_asker_ask(asker, call, &reply);
        json_decref(call);
        call = resume_call(d);
        if (!err)
            err = take_commands(d, reply, &is_waiting);
        json_decref(reply);
    }
    json_decref(call);
    return err;
}

asy_err asy_dry_run(asy_dry *d)
{
    asy_asker *asker;
    asy_err err =
        asy_asker_open(d->name, d->source, d->len, d->options, answer, d, &asker);
    if (err)
        return err;
    err = describe(d, asker);
    if (!err)
        err = prepare(d, asker);
    if (!err)
        err = propose(d, asker);
    asy_asker_close(asker);
    return err;
}

void asy_dry_fini(asy_dry *d)
{
    asy_table_free(d->table);
    asy_tensors_free(d->tensors);
    asy_setup_fini(&d->setup);
    json_decref(d->told);
    json_decref(d->proposals);
    *d = (asy_dry){0};
}
