/* step_hot.c - one_hot: a category column becomes an input for each category.
 *
 * Categories of the training part get an input, the most frequent max_categories of
 * them when there is a limit; all others are zero in every input. Fitted: {op, columns:
 * {column: [categories]}}.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/text.h"
#include "data/step.h"

typedef struct tally {
    uint32_t code, count;
} tally;

static int by_count(const void *a, const void *b)
{
    const tally *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return x->code < y->code ? -1 : 1;
}

static int by_code(const void *a, const void *b)
{
    const tally *x = a, *y = b;
    return (x->code > y->code) - (x->code < y->code);
}

/* The names of the `limit` most frequent categories, in order of code. */
static json_t *frequent(const asy_fit *fit, const asy_feature *x, size_t limit)
{
    size_t n = json_array_size(x->names);
    tally *t = asy_alloc(n + 1, sizeof *t);
    for (uint32_t k = 0; k < n; k++)
        t[k].code = k;
    for (uint32_t i = 0; i < fit->n; i++)
        if (x->code[fit->row[i]] >= 0)
            t[x->code[fit->row[i]]].count++;
    qsort(t, n, sizeof *t, by_count);
    while (n > 0 && t[n - 1].count == 0)
        n--;
    n = n < limit ? n : limit;
    qsort(t, n, sizeof *t, by_code);
    json_t *names = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append(names, json_array_get(x->names, t[i].code));
    asy_free(t);
    return names;
}

/* A number column that the step names is taken for categories by the text of its
 * values. */
static asy_err number_names(const asy_fit *fit, const asy_feature *x, size_t limit,
                            json_t **names)
{
    asy_dict d = {0};
    asy_buf text = {0};
    int32_t code;
    asy_err e = ASY_OK;
    for (uint32_t i = 0; !e && i < fit->n; i++) {
        double v = x->number[fit->row[i]];
        asy_buf_clear(&text);
        asy_text_put_number(&text, v);
        if (!isnan(v))
            e = asy_dict_intern(&d, text.data, text.len, &code);
        if (!e && d.count > limit)
            e = asy_fail(ASY_EARG,
                         "column %s has more than %zu different numbers; bin it, or "
                         "leave it out of one_hot",
                         x->name, limit);
    }
    *names = json_array();
    for (uint32_t k = 0; k < d.count; k++)
        json_array_append_new(*names, json_string(asy_dict_text(&d, (int32_t)k)));
    asy_buf_fini(&text);
    asy_dict_fini(&d);
    return e;
}

asy_err asy_hot_fit(const asy_fit *fit, const json_t *step, json_t **fitted)
{
    int64_t limit;
    uint8_t *mask = NULL;
    json_t *columns = json_object();
    asy_err e = asy_json_get_int(step, "one_hot", "max_categories", INT32_MAX, &limit);
    if (!e)
        e = asy_step_select(fit, step, false, asy_feature_is_category, &mask);
    for (uint32_t i = 0; !e && i < fit->frame->count; i++) {
        const asy_feature *x = &fit->frame->feature[i];
        json_t *names = NULL;
        if (!mask[i])
            continue;
        if (x->kind == ASY_FEATURE_CATEGORY)
            names = frequent(fit, x, (size_t)limit);
        else if (x->kind == ASY_FEATURE_NUMBER)
            e = number_names(fit, x, limit < 1000 ? (size_t)limit : 1000, &names);
        if (names)
            json_object_set_new(columns, x->name, names);
    }
    asy_free(mask);
    *fitted = json_pack("{s:s, s:o}", "op", "one_hot", "columns", columns);
    return e;
}

/* Codes of a feature as indices into the fitted names. */
static asy_err codes_by_names(asy_frame *f, const asy_feature *x, const json_t *names,
                              int32_t **out)
{
    asy_dict d = {0};
    asy_buf text = {0};
    const json_t *item;
    size_t i;
    int32_t code;
    asy_err e = ASY_OK;
    json_array_foreach (names, i, item) {
        if (!json_is_string(item))
            e = asy_fail(ASY_EARG, "one_hot: a category is no text");
        if (!e)
            e = asy_dict_intern(&d, json_string_value(item), json_string_length(item),
                                &code);
    }
    size_t n = json_array_size(x->names);
    int32_t *to = asy_alloc(n + 1, sizeof *to);
    for (size_t k = 0; !e && k < n; k++) {
        const char *name = json_string_value(json_array_get(x->names, k));
        to[k] = asy_dict_find(&d, name, strlen(name));
    }
    *out = e ? NULL : asy_frame_array(f, f->table->rows, sizeof **out);
    for (uint64_t r = 0; *out && r < f->table->rows; r++) {
        asy_buf_clear(&text);
        if (x->kind == ASY_FEATURE_CATEGORY) {
            (*out)[r] = x->code[r] < 0 ? -1 : to[x->code[r]];
        } else {
            asy_text_put_number(&text, x->number[r]);
            (*out)[r] = asy_dict_find(&d, asy_buf_text(&text), text.len);
        }
    }
    asy_free(to);
    asy_buf_fini(&text);
    asy_dict_fini(&d);
    return *out ? ASY_OK : ASY_ENOMEM;
}

static asy_err add_inputs(asy_frame *f, uint32_t of, const json_t *names)
{
    int32_t *code;
    const json_t *item;
    size_t k;
    asy_err e = codes_by_names(f, &f->feature[of], names, &code);
    asy_buf name = {0};
    json_array_foreach (names, k, item) {
        if (e)
            break;
        asy_buf_clear(&name);
        asy_buf_printf(&name, "%s=%s", f->feature[of].name, json_string_value(item));
        asy_feature *x = asy_frame_add(f, asy_buf_text(&name), ASY_FEATURE_HOT);
        if (!x) {
            e = ASY_EARG;
            break;
        }
        x->code = code;
        x->hot = (int32_t)k;
    }
    asy_buf_fini(&name);
    return e;
}

/* The inputs come after the other features; the column itself goes. */
asy_err asy_hot_apply(asy_frame *f, const json_t *fitted)
{
    const json_t *columns = json_object_get(fitted, "columns");
    uint32_t count = f->count;
    uint8_t *gone = asy_alloc(count + 1, 1);
    asy_err e = ASY_OK;
    for (uint32_t i = 0; !e && i < count; i++) {
        const json_t *names = json_object_get(columns, f->feature[i].name);
        if (!names || f->feature[i].kind == ASY_FEATURE_HOT)
            continue;
        gone[i] = 1;
        e = add_inputs(f, i, names);
    }
    uint8_t *drop = asy_alloc(f->count + 1, 1);
    for (uint32_t i = 0; i < count; i++)
        drop[i] = gone[i];
    if (!e)
        asy_frame_drop(f, drop);
    asy_free(drop);
    asy_free(gone);
    return e;
}
