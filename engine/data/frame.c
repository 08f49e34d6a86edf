/* frame.c - the features of a table while they are being prepared. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/frame.h"
#include <float.h>
#include <math.h>
#include <string.h>
#include "base/mem.h"

enum { MAX_FEATURES = 1000000, ENCODE_ROWS = 64 };

void asy_frame_fini(asy_frame *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        asy_free(f->feature[i].name);
        json_decref(f->feature[i].names);
    }
    for (size_t i = 0; i < f->kept_count; i++)
        asy_free(f->kept[i]);
    asy_free(f->feature);
    asy_free(f->kept);
    *f = (asy_frame){0};
}

asy_feature *asy_frame_add(asy_frame *f, const char *name, asy_feature_kind kind)
{
    if (f->count == MAX_FEATURES) {
        asy_fail(ASY_EARG,
                 "more than %d inputs; give one_hot a max_categories, or drop "
                 "columns",
                 MAX_FEATURES);
        return NULL;
    }
    if (f->count == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 64;
        f->feature = asy_realloc(f->feature, f->cap, sizeof *f->feature);
    }
    f->feature[f->count] = (asy_feature){.name = asy_strdup(name), .kind = kind};
    return &f->feature[f->count++];
}

void asy_frame_drop(asy_frame *f, const uint8_t *drop)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < f->count; i++) {
        if (drop[i]) {
            asy_free(f->feature[i].name);
            json_decref(f->feature[i].names);
        } else {
            f->feature[kept++] = f->feature[i];
        }
    }
    f->count = kept;
}

void *asy_frame_array(asy_frame *f, size_t count, size_t size)
{
    void *p = asy_try_alloc(count, size);
    if (!p) {
        asy_fail(ASY_ENOMEM, "no memory for a column of %zu rows", count);
        return NULL;
    }
    if (f->kept_count == f->kept_cap) {
        f->kept_cap = f->kept_cap ? f->kept_cap * 2 : 64;
        f->kept = asy_realloc(f->kept, f->kept_cap, sizeof *f->kept);
    }
    return f->kept[f->kept_count++] = p;
}

asy_err asy_frame_numbers(asy_frame *f, asy_feature *x, double **out)
{
    size_t rows = f->table->rows;
    if (!x->own || x->kind == ASY_FEATURE_HOT) {
        double *copy = asy_frame_array(f, rows, sizeof *copy);
        if (!copy)
            return ASY_ENOMEM;
        if (x->kind == ASY_FEATURE_NUMBER)
            memcpy(copy, x->number, rows * sizeof *copy);
        for (size_t r = 0; x->kind == ASY_FEATURE_HOT && r < rows; r++)
            copy[r] = x->code[r] == x->hot;
        x->kind = ASY_FEATURE_NUMBER;
        x->number = copy;
        x->own = true;
    }
    *out = (double *)(uintptr_t)x->number;
    return ASY_OK;
}

asy_err asy_frame_codes(asy_frame *f, asy_feature *x, int32_t **out)
{
    if (!x->own) {
        int32_t *copy = asy_frame_array(f, f->table->rows, sizeof *copy);
        if (!copy)
            return ASY_ENOMEM;
        memcpy(copy, x->code, f->table->rows * sizeof *copy);
        x->code = copy;
        x->own = true;
    }
    *out = (int32_t *)(uintptr_t)x->code;
    return ASY_OK;
}

/* --- out to the network --- */

static uint32_t row_at(const uint32_t *row, uint32_t i) { return row ? row[i] : i; }

static asy_err check_numbers(const asy_feature *x, const uint32_t *row, uint32_t n,
                             uint32_t *missing, uint32_t *first)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t r = row_at(row, i);
        double v = x->number[r];
        if (fabs(v) <= FLT_MAX)
            continue;
        if (!isnan(v))
            return asy_fail(
                ASY_EARG, "column %s, row %u: %s; clip the column or drop it", x->name,
                r + 1, isinf(v) ? "infinite" : "too large for a float32");
        *first = *missing ? *first : r + 1;
        ++*missing;
    }
    return ASY_OK;
}

asy_err asy_frame_check(const asy_frame *f, const uint32_t *row, uint32_t n)
{
    for (uint32_t c = 0; c < f->count; c++) {
        const asy_feature *x = &f->feature[c];
        uint32_t missing = 0, first = 0;
        asy_err e = ASY_OK;
        if (x->kind == ASY_FEATURE_NUMBER)
            e = check_numbers(x, row, n, &missing, &first);
        for (uint32_t i = 0; x->kind == ASY_FEATURE_CATEGORY && i < n; i++) {
            if (x->code[row_at(row, i)] != ASY_CODE_MISSING)
                continue;
            first = missing ? first : row_at(row, i) + 1;
            missing++;
        }
        if (e)
            return e;
        if (missing)
            return asy_fail(
                ASY_EARG,
                "column %s: %u of %u cells are missing, the first in row %u; "
                "use fill_missing or drop the column",
                x->name, missing, n, first);
    }
    return ASY_OK;
}

static void encode_column(const asy_feature *x, const uint32_t *row, uint32_t from,
                          uint32_t to, float *out, size_t stride)
{
    switch (x->kind) {
    case ASY_FEATURE_NUMBER:
        for (uint32_t i = from; i < to; i++, out += stride)
            *out = (float)x->number[row_at(row, i)];
        break;
    case ASY_FEATURE_HOT:
        for (uint32_t i = from; i < to; i++, out += stride)
            *out = x->code[row_at(row, i)] == x->hot;
        break;
    case ASY_FEATURE_CATEGORY: /* an unseen category is coded -1 */
        for (uint32_t i = from; i < to; i++, out += stride)
            *out = (float)(x->code[row_at(row, i)] < 0 ? -1 : x->code[row_at(row, i)]);
        break;
    }
}

/* In stripes of rows, so that the lines of x that a column writes stay in the cache. */
void asy_frame_encode(const asy_frame *f, const uint32_t *row, uint32_t n, float *x)
{
    for (uint32_t at = 0; at < n; at += ENCODE_ROWS) {
        uint32_t to = n - at < ENCODE_ROWS ? n : at + ENCODE_ROWS;
        for (uint32_t c = 0; c < f->count; c++)
            encode_column(&f->feature[c], row, at, to, x + (size_t)at * f->count + c,
                          f->count);
    }
}
