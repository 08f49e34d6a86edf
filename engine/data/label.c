/* label.c - what is to be predicted: classes or a number, row by row. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/label.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/text.h"

enum { AUTO_CLASSES = 20, MAX_CLASSES = 65536 };

void asy_label_fini(asy_label *l)
{
    json_decref(l->names);
    asy_free(l->class_of);
    asy_free(l->row);
    *l = (asy_label){0};
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The distinct values of a number column in ascending order, up to `limit` + 1 of them,
 * by keeping a sorted list: few are expected. */
static uint32_t distinct_values(const asy_table *t, const double *x, uint32_t limit,
                                double *value)
{
    uint32_t n = 0;
    for (uint64_t r = 0; r < t->rows && n <= limit; r++) {
        if (isnan(x[r]) || bsearch(&x[r], value, n, sizeof *value, by_value))
            continue;
        uint32_t at = n++;
        for (; at > 0 && value[at - 1] > x[r]; at--)
            value[at] = value[at - 1];
        value[at] = x[r];
    }
    return n;
}

static bool looks_like_classes(const asy_table *t, const asy_column *c)
{
    double value[AUTO_CLASSES + 1];
    uint32_t n = distinct_values(t, c->number, AUTO_CLASSES, value);
    for (uint32_t i = 0; i < n; i++)
        if (value[i] != floor(value[i]))
            return false;
    return n <= AUTO_CLASSES && 2 * (uint64_t)n <= t->rows - c->missing;
}

bool asy_label_has_classes(const asy_table *t, uint32_t column)
{
    const asy_column *c = &t->column[column];
    return c->type == ASY_COLUMN_CATEGORY ||
           (c->type == ASY_COLUMN_NUMBER && looks_like_classes(t, c));
}

static asy_err new_classes(const asy_table *t, asy_label *l)
{
    l->class_of = asy_try_alloc(t->rows, sizeof *l->class_of);
    l->names = json_array();
    return l->class_of ? ASY_OK : asy_fail(ASY_ENOMEM, "no memory for the classes");
}

static asy_err classify_numbers(const asy_table *t, const asy_column *c, asy_label *l)
{
    double *value = asy_try_alloc(MAX_CLASSES + 1, sizeof *value);
    asy_err e =
        value ? new_classes(t, l) : asy_fail(ASY_ENOMEM, "no memory for classes");
    uint32_t n = e ? 0 : distinct_values(t, c->number, MAX_CLASSES, value);
    if (n > MAX_CLASSES)
        e = asy_fail(ASY_EARG, "label %s: more than %d classes", c->name, MAX_CLASSES);
    for (uint32_t i = 0; !e && i < n; i++) {
        asy_buf text = {0};
        asy_text_put_number(&text, value[i]);
        json_array_append_new(l->names, json_string(asy_buf_text(&text)));
        asy_buf_fini(&text);
    }
    for (uint64_t r = 0; !e && r < t->rows; r++) {
        const double *at = isnan(c->number[r]) ? NULL
                                               : bsearch(&c->number[r], value, n,
                                                         sizeof *value, by_value);
        l->class_of[r] = at ? (int32_t)(at - value) : -1;
    }
    l->classes = n;
    asy_free(value);
    return e;
}

static asy_err classify_names(const asy_table *t, const asy_column *c, asy_label *l)
{
    if (c->categories > MAX_CLASSES)
        return asy_fail(ASY_EARG, "label %s: %u classes; at most %d", c->name,
                        c->categories, MAX_CLASSES);
    asy_err e = new_classes(t, l);
    if (e)
        return e;
    memcpy(l->class_of, c->code, t->rows * sizeof *l->class_of);
    for (uint32_t i = 0; i < c->categories; i++)
        json_array_append_new(l->names, json_string(c->names[i]));
    l->classes = c->categories;
    return ASY_OK;
}

static asy_err list_rows(const asy_table *t, const asy_column *c, asy_label *l)
{
    l->row = asy_try_alloc(t->rows, sizeof *l->row);
    if (!l->row)
        return asy_fail(ASY_ENOMEM, "no memory for %llu rows",
                        (unsigned long long)t->rows);
    for (uint32_t r = 0; r < t->rows; r++) {
        bool present = l->classify ? l->class_of[r] >= 0 : !isnan(l->target[r]);
        if (present && !l->classify && isinf(l->target[r]))
            return asy_fail(ASY_EARG, "label %s, row %u: infinite", c->name, r + 1);
        if (present)
            l->row[l->count++] = r;
    }
    if (l->count == 0)
        return asy_fail(ASY_EARG, "label %s: all cells are missing", c->name);
    return ASY_OK;
}

static asy_err make(const asy_table *t, const asy_column *c, const char *task,
                    asy_label *l)
{
    if (c->type == ASY_COLUMN_IGNORED)
        return asy_fail(ASY_EARG, "label %s cannot be predicted: %s", c->name,
                        c->reason);
    bool number = c->type == ASY_COLUMN_NUMBER;
    uint32_t column = (uint32_t)(c - t->column);
    l->classify = strcmp(task, "classify") == 0 ||
                  (strcmp(task, "regress") != 0 && asy_label_has_classes(t, column));
    if (!l->classify && !number)
        return asy_fail(ASY_EARG,
                        "label %s: regression needs numbers, but cells are text "
                        "such as \"%s\"",
                        c->name, c->names[0]);
    asy_err e = ASY_OK;
    if (!l->classify)
        l->target = c->number;
    else
        e = number ? classify_numbers(t, c, l) : classify_names(t, c, l);
    if (!e)
        e = list_rows(t, c, l);
    if (!e && l->classify && l->classes < 2)
        e = asy_fail(ASY_EARG,
                     "label %s: all rows are of one class, \"%s\"; there is "
                     "nothing to learn",
                     c->name, json_string_value(json_array_get(l->names, 0)));
    return e;
}

asy_err asy_label_make(const asy_table *t, uint32_t column, const char *task,
                       asy_label *l)
{
    *l = (asy_label){0};
    asy_err e = make(t, &t->column[column], task, l);
    if (e)
        asy_label_fini(l);
    return e;
}
