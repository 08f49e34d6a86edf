/* import.c - assay import: takes a CSV file into the store and says what is in it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "cmd/command.h"
#include "cmd/describe.h"
#include "lab/dataset.h"

static const asy_option options[] = {
    {"data", ASY_OPTION_FILE, "FILE", NULL, "the CSV file, instead of the argument"},
    {"label", ASY_OPTION_TEXT, "COLUMN", NULL,
     "what is to be predicted, by name or number (-1 is the last)"},
    {"store", ASY_OPTION_FOLDER, "DIR", "./assay-data", "where everything is kept"},
    {"json", ASY_OPTION_FLAG, NULL, NULL, "print one JSON object"},
    {0}};

/* The label as the table names it: it may have been given by number. */
static const char *label_name(const asy_table *t, const char *label)
{
    uint32_t column;
    if (!label || asy_table_find(t, label, &column))
        return NULL;
    return t->column[column].name;
}

static void say(const asy_args *a, const char *path, const asy_table *t)
{
    char hash[ASY_HASH_TEXT];
    const char *slash = strrchr(path, '/');
    const char *label = label_name(t, asy_args_text(a, "label"));
    json_t *about = asy_table_describe(t);
    asy_hash_text(&t->hash, hash);
    if (asy_args_flag(a, "json")) {
        json_object_set_new(about, "name", json_string(slash ? slash + 1 : path));
        json_object_set_new(about, "hash", json_string(hash));
        json_object_set_new(about, "label", label ? json_string(label) : json_null());
        asy_print_json(about);
    } else {
        asy_describe_print(slash ? slash + 1 : path, about, label);
        printf("\ndataset %.16s\n", hash);
    }
    json_decref(about);
}

static int import(const asy_args *a)
{
    const char *path = asy_args_at(a, 0) ? asy_args_at(a, 0) : asy_args_text(a, "data");
    asy_store *store = NULL;
    asy_table *t = NULL;
    if (!path)
        return asy_wrong_usage(a, "a CSV file expected");
    asy_err err = asy_store_open(asy_args_text(a, "store"), &store);
    if (!err)
        err = asy_dataset_import(store, path, asy_args_text(a, "label"), &t);
    if (!err)
        say(a, path, t);
    asy_table_free(t);
    asy_store_close(store);
    return err ? asy_cannot() : 0;
}

const asy_command asy_cmd_import = {
    .name = "import",
    .summary = "take a CSV file into the store and describe it",
    .arguments = "[FILE]",
    .max_arguments = 1,
    .about =
        "Separator, header and types are found by looking at the file. A file that is "
        "there already\nis not stored twice.\n",
    .options = options,
    .examples = "assay import iris.csv --label Species\n"
                "assay import table.csv --store ./assay-data --json\n",
    .run = import};
