/* table.c - a typed table: its life, its names, and what it looks like. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/table.h"
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "base/text.h"

enum { EXAMPLES = 5, SHOWN_NAMES = 12, SHOWN_COUNTS = 20 };

const char *const asy_ignored_empty = "all cells are missing";
const char *const asy_ignored_ids = "text that nearly never repeats, like names or ids";
const char *const asy_ignored_index = "counts the rows";

asy_table *asy_table_new(void) { return asy_alloc(1, sizeof(asy_table)); }

static void free_column(asy_column *c)
{
    for (uint32_t i = 0; i < c->categories; i++)
        asy_free(c->names[i]);
    asy_free(c->names);
    asy_free(c->code);
    asy_free(c->number);
    asy_free(c->name);
}

void asy_table_free(asy_table *t)
{
    if (!t)
        return;
    for (uint32_t i = 0; i < t->columns; i++)
        free_column(&t->column[i]);
    asy_free(t->column);
    asy_free(t);
}

/* --- finding ------------------------------------------------------------------------
 */

static bool find_by_number(const asy_table *t, const char *text, uint32_t *column)
{
    int64_t n;
    if (!asy_text_integer(text, strlen(text), &n))
        return false;
    if (n < 0)
        n += (int64_t)t->columns + 1;
    if (n < 1 || n > t->columns)
        return false;
    *column = (uint32_t)n - 1;
    return true;
}

static asy_err fail_unknown(const asy_table *t, const char *name)
{
    asy_buf b = {0};
    const char **names = asy_alloc(t->columns, sizeof *names);
    for (uint32_t i = 0; i < t->columns; i++)
        names[i] = t->column[i].name;
    const char *near = asy_text_nearest(name, names, t->columns);
    asy_buf_printf(&b, "no column is named \"%s\"", name);
    if (near)
        asy_buf_printf(&b, "; did you mean \"%s\"?", near);
    asy_buf_puts(&b, " The columns are: ");
    for (uint32_t i = 0; i < t->columns && i < SHOWN_NAMES; i++)
        asy_buf_printf(&b, "%s%s", i ? ", " : "", names[i]);
    if (t->columns > SHOWN_NAMES)
        asy_buf_printf(&b, ", ... (%u in all)", t->columns);
    asy_err e = asy_fail(ASY_EARG, "%s", asy_buf_text(&b));
    asy_buf_fini(&b);
    asy_free(names);
    return e;
}

asy_err asy_table_find(const asy_table *t, const char *name, uint32_t *column)
{
    for (uint32_t i = 0; i < t->columns; i++) {
        if (strcmp(t->column[i].name, name) == 0) {
            *column = i;
            return ASY_OK;
        }
    }
    return find_by_number(t, name, column) ? ASY_OK : fail_unknown(t, name);
}

/* --- describing ----------------------------------------------------------------------
 */

/* Number columns of few values may be classes: their counts, by value. */
static void describe_values(const asy_table *t, const asy_column *c, json_t *o)
{
    double value[SHOWN_COUNTS];
    uint64_t count[SHOWN_COUNTS] = {0};
    size_t n = 0, i;
    for (uint64_t r = 0; r < t->rows; r++) {
        if (isnan(c->number[r]))
            continue;
        for (i = 0; i < n && value[i] != c->number[r]; i++)
            ;
        if (i == SHOWN_COUNTS)
            return;
        value[i] = c->number[r];
        n += i == n;
        count[i]++;
    }
    json_t *values = json_array();
    for (double last = -INFINITY; json_array_size(values) < n;) {
        size_t least = n;
        for (i = 0; i < n; i++)
            if ((least == n || value[i] < value[least]) &&
                (value[i] > last || json_array_size(values) == 0))
                least = i;
        last = value[least];
        json_array_append_new(values,
                              json_pack("{s:o, s:I}", "value", asy_json_real(last),
                                        "count", (json_int_t)count[least]));
    }
    json_object_set_new(o, "values", values);
}

/* Mean and standard deviation (n - 1) with the second pass around the mean, so that
 * large offsets cost no digits. Infinite cells make both infinite or undefined: shown
 * as null. */
static void describe_number(const asy_table *t, const asy_column *c, json_t *o)
{
    double low = INFINITY, high = -INFINITY, sum = 0, squares = 0;
    double n = (double)(t->rows - c->missing);
    for (uint64_t r = 0; r < t->rows; r++) {
        double x = c->number[r];
        if (isnan(x))
            continue;
        low = x < low ? x : low;
        high = x > high ? x : high;
        sum += x;
    }
    double mean = sum / n;
    for (uint64_t r = 0; r < t->rows; r++)
        if (!isnan(c->number[r]))
            squares += (c->number[r] - mean) * (c->number[r] - mean);
    json_object_set_new(o, "min", asy_json_real(low));
    json_object_set_new(o, "max", asy_json_real(high));
    json_object_set_new(o, "mean", asy_json_real(mean));
    json_object_set_new(o, "std", asy_json_real(n > 1 ? sqrt(squares / (n - 1)) : 0));
    json_t *examples = json_array();
    for (uint64_t r = 0; r < t->rows && json_array_size(examples) < EXAMPLES; r++)
        if (!isnan(c->number[r]))
            json_array_append_new(examples, asy_json_real(c->number[r]));
    json_object_set_new(o, "examples", examples);
    describe_values(t, c, o);
}

/* The counts of the most frequent categories, largest first, in order of code if equal.
 */
static json_t *top_counts(const asy_column *c, uint64_t *count)
{
    json_t *top = json_array();
    for (uint32_t i = 0; i < c->categories && i < SHOWN_COUNTS; i++) {
        uint32_t best = 0;
        for (uint32_t k = 1; k < c->categories; k++)
            if (count[k] > count[best])
                best = k;
        json_array_append_new(top, json_pack("{s:s, s:I}", "name", c->names[best],
                                             "count", (json_int_t)count[best]));
        count[best] = 0;
    }
    return top;
}

static void describe_category(const asy_table *t, const asy_column *c, json_t *o)
{
    uint64_t *count = asy_alloc(c->categories + 1, sizeof *count);
    for (uint64_t r = 0; r < t->rows; r++)
        if (c->code[r] >= 0)
            count[c->code[r]]++;
    json_object_set_new(o, "categories", json_integer(c->categories));
    json_object_set_new(o, "top", top_counts(c, count));
    json_t *examples = json_array();
    for (uint32_t i = 0; i < c->categories && i < EXAMPLES; i++)
        json_array_append_new(examples, json_string(c->names[i]));
    json_object_set_new(o, "examples", examples);
    asy_free(count);
}

json_t *asy_table_describe(const asy_table *t)
{
    static const char *const types[] = {"number", "category", "ignored"};
    json_t *columns = json_array();
    for (uint32_t i = 0; i < t->columns; i++) {
        const asy_column *c = &t->column[i];
        json_t *o = json_pack("{s:s, s:s, s:I}", "name", c->name, "type",
                              types[c->type], "missing", (json_int_t)c->missing);
        if (c->type == ASY_COLUMN_NUMBER)
            describe_number(t, c, o);
        else if (c->type == ASY_COLUMN_CATEGORY)
            describe_category(t, c, o);
        else
            json_object_set_new(o, "reason", json_string(c->reason));
        json_array_append_new(columns, o);
    }
    return json_pack("{s:I, s:o}", "rows", (json_int_t)t->rows, "columns", columns);
}
