/* field.c - reads JSON objects into structs by tables. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "base/text.h"
#include "nn/field.h"

enum { MAX_FIELDS = 32, SHOWN = 40 /* bytes of a text that a message shows */ };

void asy_place_put(asy_buf *b, const asy_place *at)
{
    if (at->up)
        asy_place_put(b, at->up);
    if (at->name)
        asy_buf_printf(b, "%s%s", at->up ? "." : "", at->name);
    else
        asy_buf_printf(b, "[%zu]", at->index);
}

static void put_got(asy_buf *b, const json_t *v)
{
    if (json_is_integer(v))
        asy_buf_printf(b, "%lld", (long long)json_integer_value(v));
    else if (json_is_real(v))
        asy_text_put_number(b, json_real_value(v));
    else if (json_is_string(v))
        asy_buf_printf(b, "\"%.*s\"", SHOWN, json_string_value(v));
    else
        asy_buf_puts(b, v ? asy_json_kind(v) : "nothing");
}

asy_err asy_field_expected(const asy_place *at, const char *what, const json_t *v)
{
    asy_buf b = {0};
    asy_place_put(&b, at);
    asy_buf_printf(&b, ": %s expected, got ", what);
    put_got(&b, v);
    asy_err e = asy_fail(ASY_EARG, "%s", asy_buf_text(&b));
    asy_buf_fini(&b);
    return e;
}

/* "whole number 1 .. 65536", "number > 0", "number >= 0 and < 1". */
static asy_err out_of_range(const asy_field *f, const asy_place *at, const json_t *v)
{
    asy_buf b = {0};
    if (f->kind == ASY_FIELD_WHOLE) {
        asy_buf_printf(&b, "whole number %.0f .. %.0f", f->min, f->max);
    } else {
        asy_buf_printf(&b, "number %s %g", f->open_min ? ">" : ">=", f->min);
        if (f->max < ASY_FIELD_MOST)
            asy_buf_printf(&b, " and %s %g", f->open_max ? "<" : "<=", f->max);
    }
    asy_err e = asy_field_expected(at, asy_buf_text(&b), v);
    asy_buf_fini(&b);
    return e;
}

/* Written so that NaN is outside every range. */
static bool in_range(const asy_field *f, double x)
{
    return (f->open_min ? x > f->min : x >= f->min) &&
           (f->open_max ? x < f->max : x <= f->max);
}

static asy_err read_number(const asy_field *f, const json_t *v, const asy_place *at,
                           void *slot)
{
    double x = json_is_number(v) ? json_number_value(v) : NAN;
    if (f->kind == ASY_FIELD_FLOAT)
        x = (float)x; /* what is kept must be in range, too */
    if (!in_range(f, x) || (f->kind == ASY_FIELD_WHOLE && x != floor(x)))
        return out_of_range(f, at, v);
    if (f->kind == ASY_FIELD_WHOLE)
        *(uint32_t *)slot = (uint32_t)x;
    else if (f->kind == ASY_FIELD_FLOAT)
        *(float *)slot = (float)x;
    else
        *(double *)slot = x;
    return ASY_OK;
}

static asy_err unknown_name(const asy_place *at, const char *const *names, unsigned n,
                            const json_t *v)
{
    asy_buf b = {0};
    const char *near =
        json_is_string(v) ? asy_text_nearest(json_string_value(v), names, n) : NULL;
    asy_place_put(&b, at);
    asy_buf_puts(&b, ": one of");
    for (unsigned i = 0; i < n; i++)
        asy_buf_printf(&b, "%s %s", i ? "," : "", names[i]);
    asy_buf_puts(&b, " expected, got ");
    put_got(&b, v);
    if (near)
        asy_buf_printf(&b, "; did you mean \"%s\"?", near);
    asy_err e = asy_fail(ASY_EARG, "%s", asy_buf_text(&b));
    asy_buf_fini(&b);
    return e;
}

asy_err asy_field_name(const json_t *v, const asy_place *at, const char *const *names,
                       unsigned n, unsigned *out)
{
    const char *text = json_string_value(v);
    for (unsigned i = 0; text && i < n; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = i;
            return ASY_OK;
        }
    return unknown_name(at, names, n, v);
}

asy_err asy_field_value(const asy_field *field, const json_t *v, const asy_place *at,
                        void *slot)
{
    if (field->kind == ASY_FIELD_NAME)
        return asy_field_name(v, at, field->names, field->count, slot);
    if (field->kind != ASY_FIELD_FLAG)
        return read_number(field, v, at, slot);
    if (!json_is_boolean(v))
        return asy_field_expected(at, "true or false", v);
    *(bool *)slot = json_is_true(v);
    return ASY_OK;
}

static asy_err read_value(const asy_field *f, const json_t *v, const asy_place *at,
                          void *into)
{
    if (f->kind == ASY_FIELD_CALL)
        return f->call(into, v, at);
    return asy_field_value(f, v, at, (char *)into + f->offset);
}

static asy_err unknown_key(const json_t *v, const asy_place *at, const asy_field *field,
                           size_t fields)
{
    const char *known[MAX_FIELDS];
    assert(fields <= MAX_FIELDS);
    for (size_t i = 0; i < fields; i++)
        known[i] = field[i].name;
    asy_buf where = {0};
    asy_place_put(&where, at);
    asy_err e = asy_json_only(v, asy_buf_text(&where), known, fields);
    asy_buf_fini(&where);
    return e;
}

static const asy_field *find(const asy_field *field, size_t fields, const char *name)
{
    for (size_t i = 0; i < fields; i++)
        if (strcmp(field[i].name, name) == 0)
            return &field[i];
    return NULL;
}

asy_err asy_field_read(const json_t *v, const asy_place *at, const asy_field *field,
                       size_t fields, void *into)
{
    if (!json_is_object(v))
        return asy_field_expected(at, "table", v);
    json_t *o = (json_t *)v; /* Jansson's iterators change nothing, but take json_t * */
    for (void *i = json_object_iter(o); i; i = json_object_iter_next(o, i)) {
        const asy_field *f = find(field, fields, json_object_iter_key(i));
        if (!f)
            return unknown_key(v, at, field, fields);
        asy_place here = {at, f->name, 0};
        const json_t *x = json_object_iter_value(i);
        asy_err e = json_is_null(x) ? ASY_OK : read_value(f, x, &here, into);
        if (e)
            return e;
    }
    return ASY_OK;
}
