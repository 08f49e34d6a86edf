/* step_fill.c - fill_missing: a value, the mean, the median or the mode in place of
 * missing cells.
 *
 * In a category column the mode fills with the most frequent category; everything else
 * makes missing cells a category of their own, "missing".
 * Fitted: {op, fill: {column: number or category}, indicator: [columns]}.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/rng.h"
#include "data/step.h"

static const char own_category[] = "missing";

static bool always(const asy_feature *x) { return x->kind != ASY_FEATURE_HOT; }

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The longest run of equal values; the smallest value when runs are equally long. */
static double longest_run(const double *sorted, uint32_t n)
{
    uint32_t best = 0, start = 0;
    double value = sorted[0];
    for (uint32_t i = 1; i <= n; i++) {
        if (i < n && sorted[i] == sorted[start])
            continue;
        if (i - start > best) {
            best = i - start;
            value = sorted[start];
        }
        start = i;
    }
    return value;
}

/* The present training cells of a number column, into values[n]. */
static uint32_t gather(const asy_fit *fit, const double *x, double *values)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < fit->n; i++)
        if (!isnan(x[fit->row[i]]))
            values[n++] = x[fit->row[i]];
    return n;
}

static void exchange(double *a, double *b)
{
    double c = *a;
    *a = *b;
    *b = c;
}

/* Parts x[from..to] by the value at `from` (Hoare): nothing up to the returned place is
 * larger than anything behind it, and something is behind it. */
static int64_t partition(double *x, int64_t from, int64_t to)
{
    double pivot = x[from];
    int64_t i = from - 1, j = to + 1;
    for (;;) {
        do
            i++;
        while (x[i] < pivot);
        do
            j--;
        while (x[j] > pivot);
        if (i >= j)
            return j;
        exchange(&x[i], &x[j]);
    }
}

/* Puts the k-th smallest of x[n] in its place, with nothing larger before it. Pivots
 * are drawn at random, so no order of rows is slow. */
static double select_nth(double *x, uint32_t n, uint32_t k, asy_rng *rng)
{
    int64_t from = 0, to = (int64_t)n - 1;
    while (from < to) {
        exchange(&x[from],
                 &x[from + (int64_t)asy_rng_below(rng, (uint64_t)(to - from) + 1)]);
        int64_t last = partition(x, from, to);
        if (k <= last)
            to = last;
        else
            from = last + 1;
    }
    return x[k];
}

static double median(double *values, uint32_t n)
{
    asy_rng rng = asy_rng_open(asy_rng_key(n, 0), ASY_STREAM_SPLIT, 0);
    double upper = select_nth(values, n, n / 2, &rng);
    if (n % 2)
        return upper;
    double lower = values[0];
    for (uint32_t i = 1; i < n / 2; i++)
        lower = values[i] > lower ? values[i] : lower;
    return lower / 2 + upper / 2;
}

static double statistic(double *values, uint32_t n, const char *with)
{
    double sum = 0;
    if (strcmp(with, "mean") == 0) {
        for (uint32_t i = 0; i < n; i++)
            sum += values[i];
        return sum / n;
    }
    if (strcmp(with, "median") == 0)
        return median(values, n);
    qsort(values, n, sizeof *values, by_value);
    return longest_run(values, n);
}

static asy_err fit_number(const asy_fit *fit, const asy_feature *x, const json_t *with,
                          double *scratch, json_t **fill)
{
    if (json_is_number(with)) {
        *fill = json_real(json_number_value(with));
        return ASY_OK;
    }
    const char *how = json_is_string(with) ? json_string_value(with) : "mean";
    uint32_t n = gather(fit, x->number, scratch);
    if (n == 0)
        return asy_fail(ASY_EARG,
                        "column %s: there is no %s, all cells of the training part are "
                        "missing; drop the column or fill it with a number",
                        x->name, how);
    double value = statistic(scratch, n, how);
    if (!isfinite(value))
        return asy_fail(ASY_EARG,
                        "column %s: its %s is not finite; clip or drop the column",
                        x->name, how);
    *fill = json_real(value);
    return ASY_OK;
}

static asy_err fit_category(const asy_fit *fit, const asy_feature *x,
                            const json_t *with, json_t **fill)
{
    bool mode = json_is_string(with) && strcmp(json_string_value(with), "mode") == 0;
    uint32_t *count = asy_alloc(json_array_size(x->names) + 1, sizeof *count), best = 0;
    for (uint32_t i = 0; mode && i < fit->n; i++)
        if (x->code[fit->row[i]] >= 0)
            count[x->code[fit->row[i]]]++;
    for (uint32_t k = 1; mode && k < json_array_size(x->names); k++)
        best = count[k] > count[best] ? k : best;
    const json_t *name = json_array_get(x->names, best);
    *fill = json_string(mode && name ? json_string_value(name) : own_category);
    asy_free(count);
    return ASY_OK;
}

static bool lacks_cells(const asy_fit *fit, const asy_feature *x)
{
    for (uint32_t i = 0; i < fit->n; i++)
        if (x->kind == ASY_FEATURE_NUMBER ? isnan(x->number[fit->row[i]])
                                          : x->code[fit->row[i]] < 0)
            return true;
    return false;
}

asy_err asy_fill_fit(const asy_fit *fit, const json_t *step, json_t **fitted)
{
    const json_t *with = json_object_get(step, "with");
    uint8_t *mask;
    asy_err e = asy_step_select(fit, step, false, always, &mask);
    if (e)
        return e;
    json_t *fill = json_object(), *indicator = json_array();
    double *scratch = asy_try_alloc(fit->n, sizeof *scratch);
    e = scratch ? ASY_OK : asy_fail(ASY_ENOMEM, "no memory for %u rows", fit->n);
    for (uint32_t i = 0; !e && i < fit->frame->count; i++) {
        const asy_feature *x = &fit->frame->feature[i];
        json_t *value = NULL;
        if (!mask[i] || x->kind == ASY_FEATURE_HOT)
            continue;
        e = x->kind == ASY_FEATURE_NUMBER ? fit_number(fit, x, with, scratch, &value)
                                          : fit_category(fit, x, with, &value);
        if (!e)
            json_object_set_new(fill, x->name, value);
        if (!e && json_is_true(json_object_get(step, "indicator")) &&
            lacks_cells(fit, x))
            json_array_append_new(indicator, json_string(x->name));
    }
    asy_free(scratch);
    asy_free(mask);
    *fitted = json_pack("{s:s, s:o, s:o}", "op", "fill_missing", "fill", fill,
                        "indicator", indicator);
    return e;
}

/* Adds `name_missing`: 1 where the cell is missing. The feature may move meanwhile, so
 * it is spoken of by index. */
static asy_err add_indicator(asy_frame *f, uint32_t of)
{
    asy_buf name = {0};
    asy_buf_printf(&name, "%s_missing", f->feature[of].name);
    asy_feature *y = asy_frame_add(f, asy_buf_text(&name), ASY_FEATURE_NUMBER);
    asy_buf_fini(&name);
    double *out = y ? asy_frame_array(f, f->table->rows, sizeof *out) : NULL;
    if (!out)
        return y ? ASY_ENOMEM : ASY_EARG;
    const asy_feature *x = &f->feature[of];
    for (uint64_t r = 0; r < f->table->rows; r++)
        out[r] = x->kind == ASY_FEATURE_NUMBER ? isnan(x->number[r]) : x->code[r] < 0;
    y->number = out;
    y->own = true;
    return ASY_OK;
}

static asy_err fill_number(asy_frame *f, asy_feature *x, double value)
{
    bool any = false;
    for (uint64_t r = 0; !any && r < f->table->rows; r++)
        any = isnan(x->number[r]);
    if (!any)
        return ASY_OK;
    double *cell;
    asy_err e = asy_frame_numbers(f, x, &cell);
    for (uint64_t r = 0; !e && r < f->table->rows; r++)
        if (isnan(cell[r]))
            cell[r] = value;
    return e;
}

/* The code of a category, which is added to the feature's names when it is new. */
static int32_t code_of(asy_feature *x, const char *name)
{
    const json_t *item;
    size_t i;
    json_array_foreach (x->names, i, item)
        if (strcmp(json_string_value(item), name) == 0)
            return (int32_t)i;
    json_t *names = json_copy(x->names);
    json_array_append_new(names, json_string(name));
    json_decref(x->names);
    x->names = names;
    return (int32_t)json_array_size(names) - 1;
}

static asy_err fill_category(asy_frame *f, asy_feature *x, const char *name)
{
    int32_t *cell, code = code_of(x, name);
    asy_err e = asy_frame_codes(f, x, &cell);
    for (uint64_t r = 0; !e && r < f->table->rows; r++)
        if (cell[r] < 0)
            cell[r] = code;
    return e;
}

static bool is_listed(const json_t *list, const char *name)
{
    const json_t *item;
    size_t i;
    json_array_foreach (list, i, item)
        if (json_is_string(item) && strcmp(json_string_value(item), name) == 0)
            return true;
    return false;
}

asy_err asy_fill_apply(asy_frame *f, const json_t *fitted)
{
    const json_t *fill = json_object_get(fitted, "fill");
    const json_t *indicator = json_object_get(fitted, "indicator");
    asy_err e = ASY_OK;
    uint32_t count = f->count; /* indicators come after these */
    for (uint32_t i = 0; !e && i < count; i++) {
        const json_t *value = json_object_get(fill, f->feature[i].name);
        if (!value || f->feature[i].kind == ASY_FEATURE_HOT)
            continue;
        if (is_listed(indicator, f->feature[i].name))
            e = add_indicator(f, i);
        if (!e && f->feature[i].kind == ASY_FEATURE_NUMBER)
            e = fill_number(f, &f->feature[i], json_number_value(value));
        else if (!e && json_is_string(value))
            e = fill_category(f, &f->feature[i], json_string_value(value));
    }
    return e;
}
