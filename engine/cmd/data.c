/* data.c - assay data: which datasets are in the store, and what is in one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "cmd/command.h"
#include "cmd/describe.h"
#include "cmd/grid.h"
#include "cmd/view.h"
#include "data/csv.h"
#include "lab/dataset.h"

/* --- the list --- */

static bool take_tree(void *ctx, const asy_row_dataset *d)
{
    json_array_append_new(ctx, asy_view_dataset(d));
    return true;
}

static bool take_line(void *ctx, const asy_row_dataset *d)
{
    asy_grid *g = ctx;
    char hash[ASY_HASH_TEXT];
    asy_buf when = {0};
    asy_hash_text(&d->hash, hash);
    asy_view_time(&when, d->imported);
    asy_grid_addf(g, "%.12s", hash);
    asy_grid_addf(g, "%llu", (unsigned long long)d->rows);
    asy_grid_addf(g, "%llu", (unsigned long long)d->columns);
    asy_grid_add(g, asy_buf_text(&when));
    asy_grid_add(g, d->label ? d->label : "");
    asy_grid_add(g, d->name ? d->name : "");
    asy_buf_fini(&when);
    return true;
}

static asy_err list(asy_store *s, bool as_json)
{
    static const char *const heads[] = {"dataset",  ">rows", ">columns",
                                        "imported", "label", "name"};
    asy_err err;
    if (as_json) {
        json_t *all = json_array();
        err = asy_store_datasets(s, take_tree, all);
        if (!err)
            asy_print_json(all);
        json_decref(all);
        return err;
    }
    asy_grid g;
    asy_grid_open(&g, heads, sizeof heads / sizeof *heads);
    err = asy_store_datasets(s, take_line, &g);
    if (!err && g.cells == g.columns)
        puts("no datasets; `assay import FILE` takes one in");
    else if (!err)
        asy_grid_print(&g, stdout);
    asy_grid_fini(&g);
    return err;
}

/* --- one of them --- */

/* The default label that the dataset of this hash was imported with. */
typedef struct labelled {
    asy_hash hash;
    asy_buf label;
} labelled;

static bool take_label(void *ctx, const asy_row_dataset *d)
{
    labelled *l = ctx;
    if (!asy_hash_equal(&d->hash, &l->hash))
        return true;
    if (d->label)
        asy_buf_puts(&l->label, d->label);
    return false;
}

static asy_err print_table(const asy_table *t, const char *name, const char *label,
                           bool as_json)
{
    uint32_t column = 0;
    asy_err err = label ? asy_table_find(t, label, &column) : ASY_OK;
    if (err)
        return err;
    json_t *about = asy_table_describe(t);
    if (as_json)
        asy_print_json(about);
    else
        asy_describe_print(name, about, label ? t->column[column].name : NULL);
    json_decref(about);
    return ASY_OK;
}

static asy_err describe(asy_store *s, const asy_args *a)
{
    asy_table *t;
    asy_buf name = {0};
    labelled l = {0};
    const char *label = asy_args_text(a, "label");
    asy_err err = asy_dataset_open(s, asy_args_at(a, 0), &t, &name);
    if (!err)
        l.hash = t->hash;
    if (!err && !label)
        err = asy_store_datasets(s, take_label, &l);
    if (!err && !label && l.label.len > 0)
        label = asy_buf_text(&l.label);
    if (!err)
        err = print_table(t, asy_buf_text(&name), label, asy_args_flag(a, "json"));
    asy_buf_fini(&l.label);
    asy_buf_fini(&name);
    asy_table_free(t);
    return err;
}

/* A file that was never imported may be looked at as well. */
static asy_err describe_file(const asy_args *a)
{
    asy_table *t;
    const char *path = asy_args_at(a, 0);
    asy_err err = asy_csv_load(path, NULL, &t);
    if (!err)
        err = print_table(t, path, asy_args_text(a, "label"), asy_args_flag(a, "json"));
    asy_table_free(t);
    return err;
}

static const asy_option options[] = {
    {"label", ASY_OPTION_TEXT, "COLUMN", NULL, "show the balance of its classes"},
    {"store", ASY_OPTION_FOLDER, "DIR", "./assay-data", "where everything is kept"},
    {"json", ASY_OPTION_FLAG, NULL, NULL, "print JSON"},
    {0}};

static int data(const asy_args *a)
{
    asy_store *store = NULL;
    const char *which = asy_args_at(a, 0);
    if (which && asy_file_exists(which))
        return describe_file(a) ? asy_cannot() : 0;
    asy_err err = asy_store_open_read(asy_args_text(a, "store"), &store);
    if (!err)
        err = which ? describe(store, a) : list(store, asy_args_flag(a, "json"));
    asy_store_close(store);
    return err ? asy_cannot() : 0;
}

const asy_command asy_cmd_data = {
    .name = "data",
    .summary = "list the datasets, or describe one",
    .arguments = "[DATASET]",
    .max_arguments = 1,
    .about = "DATASET is a name, the beginning of a hash, or a CSV file.\n",
    .options = options,
    .examples = "assay data\n"
                "assay data iris.csv --label Species\n"
                "assay data 3f9c --json\n",
    .run = data};
