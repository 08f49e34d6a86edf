/* check.c - assay check: what a rule is, and what it would try first. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include "base/file.h"
#include "cmd/command.h"
#include "cmd/dry.h"
#include "cmd/report.h"
#include "cmd/term.h"
#include "data/csv.h"

enum { RULE_LIMIT = 4 << 20, SHOWN = 20 };

/* --- what the rule is --- */

static void say(const char *name, const asy_buf *text)
{
    asy_buf clean = {0};
    asy_put_clean(&clean, asy_buf_text(text));
    if (text->len)
        printf("  %-10s %s\n", name, asy_buf_text(&clean));
    asy_buf_fini(&clean);
}

/* "a, b, c" of one field of each item of a list. */
static void put_names(asy_buf *b, const json_t *list, const char *field)
{
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        const char *name = json_string_value(json_object_get(item, field));
        asy_buf_printf(b, "%s%s", i ? ", " : "", name ? name : "?");
    }
}

static void say_prepare(const json_t *told)
{
    asy_buf b = {0};
    const json_t *prepare = json_object_get(told, "prepare");
    if (json_is_true(prepare))
        asy_buf_puts(&b, "by a function");
    else
        put_names(&b, prepare, "op");
    say("prepare", &b);
    asy_buf_fini(&b);
}

static void say_strategy(const json_t *told)
{
    asy_buf b = {0};
    const json_t *s = json_object_get(told, "strategy");
    const char *name = json_string_value(json_object_get(s, "name"));
    const json_t *trials = json_object_get(s, "trials");
    if (name)
        asy_buf_puts(&b, name);
    if (name && json_is_number(trials)) {
        asy_buf_puts(&b, ", ");
        asy_report_value(&b, trials);
        asy_buf_puts(&b, " trials");
    }
    say("strategy", &b);
    asy_buf_fini(&b);
}

static void say_objective(const json_t *told)
{
    asy_buf b = {0};
    const json_t *o = json_array_get(json_object_get(told, "objective"), 0);
    const char *metric = json_string_value(json_object_get(o, "metric"));
    if (metric)
        asy_buf_printf(&b, "%s %s",
                       json_is_true(json_object_get(o, "maximize")) ? "maximize"
                                                                    : "minimize",
                       metric);
    say("objective", &b);
    asy_buf_fini(&b);
}

static void say_options(const json_t *told)
{
    const char *name;
    json_t *option;
    json_object_foreach (json_object_get(told, "options"), name, option) {
        asy_buf b = {0};
        const char *help = json_string_value(json_object_get(option, "help"));
        asy_buf_printf(&b, "--set %s=", name);
        asy_report_value(&b, json_object_get(option, "default"));
        if (help)
            asy_buf_printf(&b, "  (%s)", help);
        say("option", &b);
        asy_buf_fini(&b);
    }
}

static void say_data(const asy_dry *d)
{
    asy_buf b = {0};
    const asy_tensors *t = d->tensors;
    if (t) {
        asy_buf_printf(&b, "%u inputs, ", t->inputs);
        asy_buf_printf(&b, t->classes ? "%u classes" : "%u number to predict",
                       t->classes ? t->classes : t->outputs);
        for (int i = 0; i < ASY_PARTS; i++)
            if (t->part[i].rows)
                asy_buf_printf(&b, ", %u rows to %s", t->part[i].rows,
                               i == ASY_TRAIN ? "learn from" : asy_part_names[i]);
    }
    say("data", &b);
    asy_buf_fini(&b);
}

static void print_rule(const asy_dry *d)
{
    asy_buf space = {0};
    const char *title = json_string_value(json_object_get(d->told, "title"));
    printf("%s%s%s%s%s\n", asy_term_paint(stdout, ASY_BOLD), d->name,
           asy_term_paint(stdout, ASY_PLAIN), title ? ": " : "", title ? title : "");
    put_names(&space, json_object_get(d->told, "space"), "name");
    say("space", &space);
    say_strategy(d->told);
    say_prepare(d->told);
    say_objective(d->told);
    say_options(d->told);
    say_data(d);
    asy_buf_fini(&space);
}

/* --- what it would try -------------------------------------------------------------
 */

/* A proposal without parameters shows its design instead. */
static void add_design(asy_grid *g, const json_t *proposal)
{
    asy_buf b = {0};
    asy_json_canonical(&b, json_object_get(proposal, "design"));
    asy_grid_add(g, asy_buf_text(&b));
    asy_buf_fini(&b);
}

static void print_proposals(const json_t *proposals)
{
    const char *head[ASY_MOST_PARAMS + 2];
    asy_grid g;
    size_t i, n = 0;
    json_t *p;
    asy_params params = asy_report_params(proposals);
    bool with_count = json_object_get(json_array_get(proposals, 0), "parameters");
    if (with_count)
        head[n++] = ">learned";
    for (i = 0; i < params.n; i++)
        head[n++] = params.name[i];
    if (params.n == 0)
        head[n++] = "design";
    asy_grid_open(&g, head, n);
    json_array_foreach (proposals, i, p) {
        if (with_count)
            asy_grid_addf(&g, "%.0f",
                          json_number_value(json_object_get(p, "parameters")));
        if (params.n == 0)
            add_design(&g, p);
        asy_report_param_cells(&g, &params, p);
    }
    puts("\nfirst proposals");
    asy_grid_print(&g, stdout);
}

static void print_text(const asy_dry *d)
{
    print_rule(d);
    if (json_array_size(d->proposals))
        print_proposals(d->proposals);
    else
        puts("\nno proposals: the rule scatters nothing at its start");
}

static void print_json(const asy_dry *d)
{
    json_t *o = json_object();
    json_object_set_new(o, "file", json_string(d->name));
    json_object_set(o, "rule", d->told);
    json_object_set(o, "proposals", d->proposals);
    asy_print_json(o);
    json_decref(o);
}

/* --- the command --- */

static asy_err load_data(const asy_args *a, asy_dry *d)
{
    asy_csv_options guess = {.header = -1};
    const char *path = asy_args_text(a, "data"), *label = asy_args_text(a, "label");
    if (!path)
        return ASY_OK;
    asy_err err = asy_csv_load(path, &guess, &d->table);
    if (err)
        return err;
    d->label = d->table->columns - 1;
    return label ? asy_table_find(d->table, label, &d->label) : ASY_OK;
}

static int check(const asy_args *a)
{
    asy_buf source = {0};
    const char *path = asy_args_at(a, 0), *slash = strrchr(path, '/');
    asy_dry d = {.name = slash ? slash + 1 : path,
                 .options = asy_args_pairs(a, "set"),
                 .wanted = SHOWN,
                 .seed = asy_args_whole(a, "seed")};
    asy_err err = asy_file_read(path, RULE_LIMIT, &source);
    d.source = asy_buf_text(&source);
    d.len = source.len;
    if (!err)
        err = load_data(a, &d);
    if (!err)
        err = asy_dry_run(&d);
    if (!err && asy_args_flag(a, "json"))
        print_json(&d);
    else if (!err)
        print_text(&d);
    asy_dry_fini(&d);
    asy_buf_fini(&source);
    return err ? asy_cannot() : 0;
}

static const asy_option options[] = {
    {"data", ASY_OPTION_FILE, "F", NULL, "a CSV file: also tries the preparation"},
    {"label", ASY_OPTION_TEXT, "C", NULL,
     "column to predict: its name or number [the last]"},
    {"seed", ASY_OPTION_WHOLE, "N", "1", "seed of the proposals"},
    {"set", ASY_OPTION_PAIRS, "K=V", NULL, "options of the rule"},
    {"json", ASY_OPTION_FLAG, NULL, NULL, "print one JSON object"},
    {0}};

const asy_command asy_cmd_check = {
    .name = "check",
    .summary = "look at a rule and at what it would try, without training",
    .arguments = "RULE",
    .min_arguments = 1,
    .max_arguments = 1,
    .about =
        "Runs the rule up to its first proposals and checks each design. Nothing is\n"
        "trained and nothing is stored. Rules that look at the data need --data.\n",
    .options = options,
    .examples = "assay check rules/best_design.lua\n"
                "assay check my.lua --data my.csv --label outcome --set epochs=5\n",
    .run = check};
