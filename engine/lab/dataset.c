/* dataset.c - imports tables once and finds them again. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/dataset.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "data/csv.h"

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void asy_dataset_stem(const char *path, asy_buf *out)
{
    const char *base = base_of(path), *dot = strrchr(base, '.');
    asy_buf_add(out, base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
}

/* "data/<hash>.table", relative to the store's folder. */
static void relative_path(const asy_hash *hash, char out[96])
{
    char text[ASY_HASH_TEXT];
    asy_hash_text(hash, text);
    snprintf(out, 96, "data/%s.table", text);
}

static asy_err keep_table(asy_store *s, const asy_table *t)
{
    char relative[96];
    relative_path(&t->hash, relative);
    char *folder = asy_path_join(asy_store_folder(s), "data");
    char *path = asy_path_join(asy_store_folder(s), relative);
    asy_err err = ASY_OK;
    if (!asy_file_exists(path)) {
        err = asy_dir_make(folder);
        if (!err)
            err = asy_table_save(t, path);
    }
    asy_free(path);
    asy_free(folder);
    return err;
}

static asy_err keep_row(asy_store *s, const asy_table *t, const char *path,
                        const char *label)
{
    char relative[96];
    relative_path(&t->hash, relative);
    const asy_row_dataset row = {
        .hash = t->hash,
        .name = base_of(path),
        .path = relative,
        .rows = t->rows,
        .columns = t->columns,
        .label = label,
        .imported = asy_wall_ms(),
    };
    return asy_store_put_dataset(s, &row);
}

asy_err asy_dataset_import(asy_store *s, const char *path, const char *label,
                           asy_table **out)
{
    asy_table *t = NULL;
    uint32_t column;
    *out = NULL;
    asy_err err = asy_csv_load(path, &(asy_csv_options){.header = -1}, &t);
    if (!err && label)
        err = asy_table_find(t, label, &column);
    if (!err)
        err = keep_table(s, t);
    if (!err)
        err = keep_row(s, t, path, label);
    if (err) {
        asy_table_free(t);
        return err;
    }
    *out = t;
    return ASY_OK;
}

/* --- finding ----------------------------------------------------------------- */

typedef struct search {
    const char *which;
    char path[96];
    asy_buf *name;
    int64_t imported;
    uint32_t matches; /* datasets that fit by hash */
    bool is_found;
} search;

static bool look_at(void *ctx, const asy_row_dataset *d)
{
    search *f = ctx;
    char text[ASY_HASH_TEXT];
    asy_hash_text(&d->hash, text);
    size_t len = strlen(f->which);
    bool by_hash = len >= 4 && strncmp(text, f->which, len) == 0;
    bool by_name = d->name && strcmp(d->name, f->which) == 0;
    f->matches += by_hash;
    if ((!by_hash && !by_name) || (f->is_found && d->imported < f->imported))
        return true;
    f->is_found = true;
    f->imported = d->imported;
    relative_path(&d->hash, f->path);
    asy_buf_clear(f->name);
    asy_buf_puts(f->name, d->name ? d->name : text);
    return true;
}

asy_err asy_dataset_open(asy_store *s, const char *which, asy_table **out,
                         asy_buf *name)
{
    search f = {.which = which, .name = name};
    *out = NULL;
    asy_err err = asy_store_datasets(s, look_at, &f);
    if (err)
        return err;
    if (!f.is_found)
        return asy_fail(ASY_EARG,
                        "no dataset '%.80s' in the store; `assay data` lists them",
                        which);
    if (f.matches > 1)
        return asy_fail(ASY_EARG,
                        "'%.80s' begins the hash of %u datasets: give more of it",
                        which, f.matches);
    char *path = asy_path_join(asy_store_folder(s), f.path);
    err = asy_table_load(path, out);
    asy_free(path);
    return err;
}
