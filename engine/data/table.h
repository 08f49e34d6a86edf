/* table.h - a typed table: the dataset as imported, before any preparation. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"

typedef enum asy_column_type {
    ASY_COLUMN_NUMBER,   /* double; NaN is a missing cell */
    ASY_COLUMN_CATEGORY, /* code into names; -1 is a missing cell */
    ASY_COLUMN_IGNORED   /* id-like text or all missing: kept by name and reason only */
} asy_column_type;

/* Reasons for ASY_COLUMN_IGNORED. */
extern const char *const asy_ignored_empty; /* all cells are missing */
extern const char *const asy_ignored_ids;   /* text that nearly never repeats */
extern const char *const asy_ignored_index; /* counts the rows; its numbers are kept */

typedef struct asy_column {
    char *name; /* unique within the table; owned */
    asy_column_type type;
    const char *reason; /* why it is ignored; static, or NULL */
    double *number;     /* [rows] for NUMBER; owned */
    int32_t *code;      /* [rows] for CATEGORY; owned */
    char **names;       /* [categories], in order of first appearance; owned */
    uint32_t categories;
    uint64_t missing; /* missing cells */
} asy_column;

typedef struct asy_table {
    uint64_t rows;
    uint32_t columns;
    asy_column *column; /* owned */
    asy_hash hash;      /* of names, types and cells: equal content, equal hash */
} asy_table;

asy_table *asy_table_new(void);
void asy_table_free(asy_table *t);

/* Recomputes t->hash after the columns are filled. */
void asy_table_seal(asy_table *t);

/* By name, or by number from 1 when no name matches ("5"; "-1" is the last). ASY_EARG
 * with the nearest and the known names. */
asy_err asy_table_find(const asy_table *t, const char *name, uint32_t *column);

/* {"rows", "columns": [{"name","type","missing", "examples",
 *   number:   "min","max","mean","std", and "values": [{"value","count"}...] in
 * ascending order when there are at most 20 of them category: "categories", "top":
 * [{"name","count"}...], the most frequent 20 ignored:  "reason"}...]}: what `assay
 * data` and the page show. Owned by the caller. */
json_t *asy_table_describe(const asy_table *t);

/* Columnar binary file (our own layout, versioned, checksummed) for re-reading at once.
 */
asy_err asy_table_save(const asy_table *t, const char *path);
asy_err asy_table_load(const char *path, asy_table **out);
