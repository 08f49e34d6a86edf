/* step.c - the table of steps, their columns, and the simple ones: keep, drop, log,
 * clip, derive. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/step.h"
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "base/text.h"

bool asy_feature_is_number(const asy_feature *x)
{
    return x->kind == ASY_FEATURE_NUMBER;
}
bool asy_feature_is_category(const asy_feature *x)
{
    return x->kind == ASY_FEATURE_CATEGORY;
}

/* --- which columns --- */

static asy_err index_features(const asy_frame *f, asy_dict *names)
{
    asy_err e = ASY_OK;
    int32_t code;
    for (uint32_t i = 0; !e && i < f->count; i++)
        e = asy_dict_intern(names, f->feature[i].name, strlen(f->feature[i].name),
                            &code);
    return e;
}

/* A name that is no feature: fine when lenient and it is in the data set. */
static asy_err explain_absence(const asy_fit *fit, const char *name, bool lenient)
{
    uint32_t column;
    asy_err e = asy_table_find(fit->frame->table, name, &column);
    if (e || lenient)
        return e;
    const asy_column *c = &fit->frame->table->column[column];
    if (column == fit->label)
        return asy_fail(ASY_EARG, "column %s is the label", c->name);
    return asy_fail(ASY_EARG, "column %s is no feature any more: %s", c->name,
                    c->reason ? c->reason : "a step before has dropped or replaced it");
}

asy_err asy_step_select(const asy_fit *fit, const json_t *step, bool lenient,
                        bool (*wanted)(const asy_feature *x), uint8_t **mask)
{
    const asy_frame *f = fit->frame;
    const json_t *list = json_object_get(step, "columns"), *item;
    asy_dict names = {0};
    size_t i;
    asy_err e = ASY_OK;
    *mask = asy_alloc(f->count + 1, 1);
    for (uint32_t c = 0; !json_is_array(list) && c < f->count; c++)
        (*mask)[c] = wanted(&f->feature[c]);
    if (json_is_array(list))
        e = index_features(f, &names);
    json_array_foreach (list, i, item) {
        const char *name = json_string_value(item);
        int32_t at = e || !name ? -1 : asy_dict_find(&names, name, strlen(name));
        if (at >= 0)
            (*mask)[at] = 1;
        else if (!e)
            e = name ? explain_absence(fit, name, lenient)
                     : asy_fail(ASY_EARG, "columns: a list of names expected");
    }
    asy_dict_fini(&names);
    if (e) {
        asy_free(*mask);
        *mask = NULL;
    }
    return e;
}

/* --- the columns of the table --- */

/* The categories that the rows have, in order of code. */
static json_t *names_in_rows(const asy_column *c, const uint32_t *row, uint32_t n)
{
    json_t *names = json_array();
    uint8_t *seen = asy_alloc(c->categories + 1, 1);
    for (uint32_t i = 0; i < n; i++)
        if (c->code[row[i]] >= 0)
            seen[c->code[row[i]]] = 1;
    for (uint32_t k = 0; k < c->categories; k++)
        if (seen[k])
            json_array_append_new(names, json_string(c->names[k]));
    asy_free(seen);
    return names;
}

json_t *asy_step_fit_columns(const asy_table *t, uint32_t label, const char *by,
                             const uint32_t *row, uint32_t n)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < t->columns; i++) {
        const asy_column *c = &t->column[i];
        if (i == label || c->type == ASY_COLUMN_IGNORED ||
            (by && strcmp(by, c->name) == 0))
            continue;
        json_t *o = json_pack("{s:s}", "name", c->name);
        if (c->type == ASY_COLUMN_CATEGORY)
            json_object_set_new(o, "names", names_in_rows(c, row, n));
        json_array_append_new(list, o);
    }
    return json_pack("{s:s, s:o}", "op", "columns", "columns", list);
}

static asy_err index_names(const json_t *names, asy_dict *d)
{
    const json_t *item;
    size_t i;
    int32_t code;
    asy_err e = ASY_OK;
    json_array_foreach (names, i, item) {
        e = json_is_string(item) ? ASY_OK : asy_fail(ASY_EARG, "a category is no text");
        if (!e)
            e = asy_dict_intern(d, json_string_value(item), json_string_length(item),
                                &code);
        if (e)
            break;
    }
    return e;
}

static int32_t code_of_number(const asy_dict *d, double x, asy_buf *text)
{
    if (isnan(x))
        return ASY_CODE_MISSING;
    asy_buf_clear(text);
    asy_text_put_number(text, x);
    int32_t code = asy_dict_find(d, text->data, text->len);
    return code < 0 ? ASY_CODE_UNSEEN : code;
}

/* A column that holds categories here may hold numbers in another file ("1", "2"): they
 * are matched by their shortest text. */
static void map_codes(const asy_column *c, uint64_t rows, const asy_dict *d,
                      int32_t *code)
{
    asy_buf text = {0};
    int32_t *to = asy_alloc(c->categories + 1, sizeof *to);
    for (uint32_t k = 0; k < c->categories; k++) {
        to[k] = asy_dict_find(d, c->names[k], strlen(c->names[k]));
        to[k] = to[k] < 0 ? ASY_CODE_UNSEEN : to[k];
    }
    for (uint64_t r = 0; r < rows; r++) {
        code[r] = ASY_CODE_MISSING;
        if (c->code && c->code[r] >= 0)
            code[r] = to[c->code[r]];
        else if (c->number)
            code[r] = code_of_number(d, c->number[r], &text);
    }
    asy_free(to);
    asy_buf_fini(&text);
}

static bool is_without_cells(const asy_column *c)
{
    return c->type == ASY_COLUMN_IGNORED && c->reason == asy_ignored_empty;
}

static asy_err add_category(asy_frame *f, const asy_column *c, json_t *names)
{
    asy_dict d = {0};
    if (c->type == ASY_COLUMN_IGNORED && !c->number && !is_without_cells(c))
        return asy_fail(ASY_EARG, "column %s: categories expected, but it is %s",
                        c->name, c->reason);
    asy_feature *x = asy_frame_add(f, c->name, ASY_FEATURE_CATEGORY);
    int32_t *code = x ? asy_frame_array(f, f->table->rows, sizeof *code) : NULL;
    if (!code)
        return x ? ASY_ENOMEM : ASY_EARG;
    x->names = json_incref(names);
    x->code = code;
    x->own = true;
    asy_err e = index_names(names, &d);
    if (!e)
        map_codes(c, f->table->rows, &d, code);
    asy_dict_fini(&d);
    return e;
}

static asy_err add_number(asy_frame *f, const asy_column *c)
{
    if (!c->number && !is_without_cells(c))
        return asy_fail(ASY_EARG, "column %s: numbers expected, but it has text%s%s%s",
                        c->name, c->categories ? " such as \"" : "",
                        c->categories ? c->names[0] : "", c->categories ? "\"" : "");
    asy_feature *x = asy_frame_add(f, c->name, ASY_FEATURE_NUMBER);
    if (!x)
        return ASY_EARG;
    x->number = c->number;
    if (c->number)
        return ASY_OK;
    double *empty = asy_frame_array(f, f->table->rows, sizeof *empty);
    if (!empty)
        return ASY_ENOMEM;
    for (uint64_t r = 0; r < f->table->rows; r++)
        empty[r] = NAN;
    x->number = empty;
    x->own = true;
    return ASY_OK;
}

static asy_err index_columns(const asy_table *t, asy_dict *d)
{
    asy_err e = ASY_OK;
    int32_t code;
    for (uint32_t i = 0; !e && i < t->columns; i++)
        e = asy_dict_intern(d, t->column[i].name, strlen(t->column[i].name), &code);
    return e;
}

asy_err asy_step_apply_columns(asy_frame *f, const json_t *fitted)
{
    const json_t *list = json_object_get(fitted, "columns"), *o;
    asy_dict d = {0};
    size_t i;
    asy_err e = index_columns(f->table, &d);
    json_array_foreach (list, i, o) {
        const char *name = json_string_value(json_object_get(o, "name"));
        json_t *names = json_object_get(o, "names");
        int32_t at = name && !e ? asy_dict_find(&d, name, strlen(name)) : -1;
        if (!e && at < 0)
            e = asy_fail(ASY_EARG, "column %s is missing in this table",
                         name ? name : "(unnamed)");
        if (e)
            break;
        const asy_column *c = &f->table->column[at];
        e = names ? add_category(f, c, names) : add_number(f, c);
    }
    asy_dict_fini(&d);
    return e;
}

/* --- simple steps --- */

static bool never(const asy_feature *x)
{
    (void)x;
    return false;
}

/* The names of the features in the mask, or not in it. */
static json_t *list_names(const asy_frame *f, const uint8_t *mask, bool in)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < f->count; i++)
        if ((mask[i] != 0) == in)
            json_array_append_new(list, json_string(f->feature[i].name));
    return list;
}

static asy_err fit_keep_or_drop(const asy_fit *fit, const json_t *step, json_t **fitted)
{
    uint8_t *mask;
    bool keep = strcmp(json_string_value(json_object_get(step, "op")), "keep") == 0;
    asy_err e = asy_step_select(fit, step, true, never, &mask);
    if (e)
        return e;
    *fitted = json_pack("{s:s, s:o}", "op", "drop", "columns",
                        list_names(fit->frame, mask, !keep));
    asy_free(mask);
    return ASY_OK;
}

/* The mask of the features that a fitted step names. */
static asy_err mask_of(const asy_frame *f, const json_t *fitted, uint8_t **mask)
{
    const asy_fit nowhere = {.frame = (asy_frame *)(uintptr_t)f, .label = UINT32_MAX};
    return asy_step_select(&nowhere, fitted, false, never, mask);
}

static asy_err apply_drop(asy_frame *f, const json_t *fitted)
{
    uint8_t *mask;
    asy_err e = mask_of(f, fitted, &mask);
    if (!e)
        asy_frame_drop(f, mask);
    if (!e)
        asy_free(mask);
    return e;
}

/* log and clip learn nothing: only which columns they change is fitted. */
static asy_err fit_names(const asy_fit *fit, const json_t *step, json_t **fitted)
{
    uint8_t *mask;
    asy_err e = asy_step_select(fit, step, false, asy_feature_is_number, &mask);
    for (uint32_t i = 0; !e && i < fit->frame->count; i++)
        if (mask[i] && fit->frame->feature[i].kind == ASY_FEATURE_CATEGORY)
            e = asy_fail(ASY_EARG, "column %s holds categories, not numbers",
                         fit->frame->feature[i].name);
    if (!e) {
        *fitted = json_deep_copy(step);
        json_object_set_new(*fitted, "columns", list_names(fit->frame, mask, true));
    }
    asy_free(mask);
    return e;
}

static asy_err apply_each(asy_frame *f, const json_t *fitted, double low, double high,
                          bool is_log)
{
    uint8_t *mask;
    asy_err e = mask_of(f, fitted, &mask);
    for (uint32_t i = 0; !e && i < f->count; i++) {
        double *x;
        if (!mask[i])
            continue;
        e = asy_frame_numbers(f, &f->feature[i], &x);
        for (uint64_t r = 0; !e && is_log && r < f->table->rows; r++)
            x[r] = copysign(log1p(fabs(x[r])), x[r]);
        for (uint64_t r = 0; !e && !is_log && r < f->table->rows; r++)
            x[r] = x[r] < low ? low : x[r] > high ? high : x[r];
    }
    asy_free(mask);
    return e;
}

static asy_err apply_log(asy_frame *f, const json_t *fitted)
{
    return apply_each(f, fitted, 0, 0, true);
}

static asy_err apply_clip(asy_frame *f, const json_t *fitted)
{
    double low, high;
    asy_err e = asy_json_get_number(fitted, "clip", "lo", -INFINITY, &low);
    if (!e)
        e = asy_json_get_number(fitted, "clip", "hi", INFINITY, &high);
    return e ? e : apply_each(f, fitted, low, high, false);
}

static asy_err add_derived(asy_frame *f, const char *name, double **out)
{
    for (uint32_t i = 0; i < f->count; i++)
        if (strcmp(f->feature[i].name, name) == 0)
            return asy_fail(ASY_EARG, "derive: there is a column %s already", name);
    asy_feature *x = asy_frame_add(f, name, ASY_FEATURE_NUMBER);
    *out = x ? asy_frame_array(f, f->table->rows, sizeof **out) : NULL;
    if (!*out)
        return x ? ASY_ENOMEM : ASY_EARG;
    x->number = *out;
    x->own = true;
    return ASY_OK;
}

/* The values come from the rule, one a row, so they are put in place while fitting. */
static asy_err fit_derive(const asy_fit *fit, const json_t *step, json_t **fitted)
{
    const char *name = json_string_value(json_object_get(step, "name"));
    const json_t *values = json_object_get(step, "values"), *v;
    double *x = NULL;
    size_t i;
    if (json_array_size(values) != fit->frame->table->rows)
        return asy_fail(ASY_EARG, "derive %s: %llu values expected, one a row, got %zu",
                        name, (unsigned long long)fit->frame->table->rows,
                        json_array_size(values));
    asy_err e = add_derived(fit->frame, name, &x);
    if (e)
        return e;
    json_array_foreach (values, i, v)
        x[i] = json_is_number(v) ? json_number_value(v) : NAN;
    *fitted = json_pack("{s:s, s:s}", "op", "derive", "name", name);
    return ASY_OK;
}

/* On the data it was fitted on the column is there; a new table must bring it along. */
static asy_err apply_derive(asy_frame *f, const json_t *fitted)
{
    const char *name = json_string_value(json_object_get(fitted, "name"));
    for (uint32_t i = 0; name && i < f->count; i++)
        if (strcmp(f->feature[i].name, name) == 0)
            return ASY_OK;
    for (uint32_t i = 0; name && i < f->table->columns; i++)
        if (strcmp(f->table->column[i].name, name) == 0)
            return add_number(f, &f->table->column[i]);
    return asy_fail(
        ASY_EARG, "column %s is computed by the rule; add it to this table to predict",
        name ? name : "(unnamed)");
}

const asy_step *asy_step_find(const char *op)
{
    static const asy_step steps[] = {
        {"fill_missing", asy_fill_fit, asy_fill_apply},
        {"scale", asy_scale_fit, asy_scale_apply},
        {"standardize", asy_standardize_fit, asy_scale_apply},
        {"one_hot", asy_hot_fit, asy_hot_apply},
        {"drop", fit_keep_or_drop, apply_drop},
        {"keep", fit_keep_or_drop, apply_drop},
        {"log", fit_names, apply_log},
        {"clip", fit_names, apply_clip},
        {"derive", fit_derive, apply_derive},
    };
    for (size_t i = 0; op && i < sizeof steps / sizeof *steps; i++)
        if (strcmp(steps[i].op, op) == 0)
            return &steps[i];
    return NULL;
}
