/* trials.c - assay trials: the trials of a session, filtered, sorted, and exported. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/filter.h"
#include "cmd/grid.h"
#include "cmd/pick.h"
#include "cmd/sheet.h"
#include "cmd/view.h"

enum { SHOWN = 20, DIGITS = 5 };

/* The trials that pass, and the columns that any of them has. */
typedef struct selection {
    asy_filter *filter; /* or NULL; owned */
    bool with_design;
    json_t *trials; /* list; owned */
    json_t *fields; /* object: field name -> true, in order of appearance; owned */
    json_t *sample; /* a trial, passed or not, for messages; owned */
    const char *sort;
    bool is_sort_known;
} selection;

static void selection_fini(selection *s)
{
    asy_filter_free(s->filter);
    json_decref(s->trials);
    json_decref(s->fields);
    json_decref(s->sample);
}

static void note_fields(selection *s, const json_t *trial)
{
    json_t *names = asy_fields_of(trial), *name;
    size_t i;
    json_array_foreach (names, i, name)
        if (!json_object_get(s->fields, json_string_value(name)))
            json_object_set_new(s->fields, json_string_value(name), json_true());
    json_decref(names);
}

static bool take_trial(void *ctx, const asy_row_trial *row)
{
    selection *s = ctx;
    json_t *trial = asy_view_trial(row, s->with_design);
    if (!s->sample)
        s->sample = json_incref(trial);
    if (s->sort && asy_field_of(trial, s->sort))
        s->is_sort_known = true;
    if (asy_filter_passes(s->filter, trial)) {
        note_fields(s, trial);
        json_array_append(s->trials, trial);
    }
    json_decref(trial);
    return true;
}

/* --- sorting --- */

typedef struct sortable {
    const json_t *value;
    json_t *trial;
    size_t place;
    int sign; /* -1: descending */
} sortable;

/* Numbers before texts; trials without the field at the end, whatever the direction. */
static int by_field(const void *a, const void *b)
{
    const sortable *x = a, *y = b;
    int order = 0;
    if (!x->value || !y->value)
        order = (x->value == NULL) - (y->value == NULL);
    else if (json_is_number(x->value) && json_is_number(y->value)) {
        double p = json_number_value(x->value), q = json_number_value(y->value);
        order = x->sign * ((p > q) - (p < q));
    } else if (json_is_string(x->value) && json_is_string(y->value))
        order =
            x->sign * strcmp(json_string_value(x->value), json_string_value(y->value));
    else
        order = json_is_number(y->value) - json_is_number(x->value);
    return order ? order : (x->place > y->place) - (x->place < y->place);
}

static void sort(selection *s, const char *field, bool descending)
{
    size_t n = json_array_size(s->trials), i;
    json_t *trial, *sorted = json_array();
    sortable *order = asy_alloc(n + 1, sizeof *order);
    json_array_foreach (s->trials, i, trial)
        order[i] =
            (sortable){asy_field_of(trial, field), trial, i, descending ? -1 : 1};
    qsort(order, n, sizeof *order, by_field);
    for (i = 0; i < n; i++)
        json_array_append(sorted, order[i].trial);
    json_decref(s->trials);
    s->trials = sorted;
    asy_free(order);
}

/* --- printing --- */

static void cut(selection *s, uint64_t limit)
{
    for (size_t n = json_array_size(s->trials); limit && n > limit; n--)
        json_array_remove(s->trials, n - 1);
}

/* Columns are what the trials have, in the order in which it appears; the design last.
 */
static void print_csv(const selection *s)
{
    const char *name;
    json_t *trial, *unused;
    size_t i;
    asy_buf b = {0};
    json_object_foreach (s->fields, name, unused) {
        asy_buf_puts(&b, b.len ? "," : "");
        asy_sheet_text(&b, name);
    }
    asy_buf_puts(&b, s->with_design ? ",design\n" : "\n");
    json_array_foreach (s->trials, i, trial) {
        bool first = true;
        json_object_foreach (s->fields, name, unused) {
            asy_buf_puts(&b, first ? "" : ",");
            first = false;
            asy_sheet_value(&b, asy_field_of(trial, name));
        }
        if (s->with_design) {
            asy_buf_putc(&b, ',');
            asy_sheet_value(&b, json_object_get(trial, "design"));
        }
        asy_buf_putc(&b, '\n');
        fwrite(b.data, 1, b.len, stdout);
        asy_buf_clear(&b);
    }
    asy_buf_fini(&b);
}

static void add_number(asy_grid *g, const json_t *trial, const char *name)
{
    const json_t *v = asy_field_of(trial, name);
    if (json_is_number(v))
        asy_grid_addf(g, "%.*g", DIGITS, json_number_value(v));
    else
        asy_grid_add(g, "");
}

/* "depth=3 activation=tanh", or why a trial has no score. */
static void add_params(asy_grid *g, const json_t *trial)
{
    asy_buf b = {0};
    const char *name;
    json_t *v;
    json_object_foreach (json_object_get(trial, "params"), name, v) {
        asy_buf_printf(&b, "%s%s=", b.len ? " " : "", name);
        if (json_is_string(v))
            asy_buf_puts(&b, json_string_value(v));
        else if (json_is_real(v))
            asy_buf_printf(&b, "%.4g", json_real_value(v));
        else
            asy_json_canonical(&b, v);
    }
    asy_grid_add(g, asy_buf_text(&b));
    asy_buf_fini(&b);
}

static void print_lines(const selection *s, const char *metric, uint64_t limit)
{
    const char *heads[] = {">trial", "state",  metric,      ">epochs",
                           ">time",  "reason", "parameters"};
    char right[80];
    size_t n = json_array_size(s->trials), i;
    json_t *trial;
    asy_grid g;
    snprintf(right, sizeof right, ">%s", metric);
    heads[2] = right;
    asy_grid_open(&g, heads, sizeof heads / sizeof *heads);
    json_array_foreach (s->trials, i, trial) {
        asy_buf time = {0};
        if (i >= limit)
            break;
        asy_text_put_seconds(&time,
                             json_number_value(json_object_get(trial, "seconds")));
        add_number(&g, trial, "number");
        asy_grid_add(&g, json_string_value(json_object_get(trial, "state")));
        add_number(&g, trial, "score");
        add_number(&g, trial, "epochs");
        asy_grid_add(&g, asy_buf_text(&time));
        asy_grid_add(&g, json_string_value(json_object_get(trial, "reason")));
        add_params(&g, trial);
        asy_buf_fini(&time);
    }
    asy_grid_print(&g, stdout);
    if (n > limit)
        printf("%zu trials; --limit %zu shows them all\n", n, n);
}

/* --- the command --- */

static asy_err select_trials(asy_store *store, const asy_args *a, int64_t session,
                             selection *s)
{
    const char *where = asy_args_text(a, "where");
    asy_trial_query q = {.session = session, .order = ASY_BY_NUMBER};
    s->sort = asy_args_text(a, "sort");
    bool descending = asy_args_flag(a, "descending");
    asy_err err = where ? asy_filter_parse(where, &s->filter) : ASY_OK;
    if (!err)
        err = asy_store_trials(store, &q, take_trial, s);
    if (!err && s->sample)
        err = asy_filter_check(s->filter, s->sample);
    if (!err && s->sort && s->sample && !s->is_sort_known)
        err = asy_field_unknown(s->sample, s->sort);
    if (!err && s->sort)
        sort(s, s->sort, descending);
    return err;
}

static void print(const asy_args *a, selection *s, const asy_pick *p)
{
    asy_aim aim = asy_pick_aim(&p->session);
    uint64_t limit = asy_args_whole(a, "limit");
    bool is_table = !asy_args_flag(a, "json") && !asy_args_flag(a, "csv");
    if (!is_table)
        cut(s, limit);
    if (asy_args_flag(a, "json"))
        asy_print_json(s->trials);
    else if (asy_args_flag(a, "csv"))
        print_csv(s);
    else if (json_array_size(s->trials) == 0)
        puts("no such trials");
    else
        print_lines(s, aim.metric, limit ? limit : SHOWN);
}

static int trials(const asy_args *a)
{
    asy_store *store = NULL;
    asy_pick pick = {0};
    selection s = {.with_design = asy_args_flag(a, "design"),
                   .trials = json_array(),
                   .fields = json_object()};
    asy_err err = asy_store_open_read(asy_args_text(a, "store"), &store);
    if (!err)
        err = asy_pick_session(store, asy_args_at(a, 0), &pick);
    if (!err)
        err = select_trials(store, a, pick.session.id, &s);
    if (!err)
        print(a, &s, &pick);
    selection_fini(&s);
    asy_pick_fini(&pick);
    asy_store_close(store);
    return err ? asy_cannot() : 0;
}

static const asy_option options[] = {
    {"where", ASY_OPTION_TEXT, "EXPRESSION", NULL,
     "only trials of which this is true: 'accuracy > 0.9 and depth <= 4'"},
    {"sort", ASY_OPTION_TEXT, "FIELD", NULL, "order by a field [number]"},
    {"descending", ASY_OPTION_FLAG, NULL, NULL, "largest first"},
    {"limit", ASY_OPTION_WHOLE, "N", NULL,
     "at most so many [20; all with --csv, --json]"},
    {"design", ASY_OPTION_FLAG, NULL, NULL, "with the designs, in --csv and --json"},
    {"csv", ASY_OPTION_FLAG, NULL, NULL, "print CSV with every field"},
    {"json", ASY_OPTION_FLAG, NULL, NULL, "print a JSON list"},
    {"store", ASY_OPTION_FOLDER, "DIR", "./assay-data", "where everything is kept"},
    {0}};

const asy_command asy_cmd_trials = {
    .name = "trials",
    .summary = "list the trials of a session, or export them",
    .arguments = "[SESSION]",
    .max_arguments = 1,
    .about =
        "Fields are number, proposal, fold, state, score, reason, epochs, seconds, "
        "parameters, flops,\nseed, worker, cached, and every parameter and metric by "
        "its "
        "name. Comparisons are joined\nby `and` and `or`.\n",
    .options = options,
    .examples = "assay trials --where 'accuracy > 0.95 and depth <= 2' --sort seconds\n"
                "assay trials iris-3 --where 'state = failed'\n"
                "assay trials last --csv > trials.csv\n",
    .run = trials};
