/* json.c - trees of plain values: reading, writing, and checked fields. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include <math.h>
#include <string.h>
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

enum { DEPTH_LIMIT = 64, FILE_LIMIT = 64 << 20, FEW_KEYS = 32 };

static void *take_memory(size_t size) { return asy_realloc(NULL, 1, size); }

void asy_json_setup(void) { json_set_alloc_funcs(take_memory, asy_free); }

/* --- reading --------------------------------------------------------------------- */

static bool is_deeper_than(const json_t *v, int limit)
{
    const char *key;
    json_t *child;
    size_t i;
    if (!json_is_object(v) && !json_is_array(v))
        return false;
    if (limit == 0)
        return true;
    json_array_foreach (v, i, child)
        if (is_deeper_than(child, limit - 1))
            return true;
    json_object_foreach ((json_t *)(uintptr_t)v, key, child)
        if (is_deeper_than(child, limit - 1))
            return true;
    return false;
}

asy_err asy_json_parse(const char *text, size_t len, json_t **out)
{
    json_error_t error;
    *out = NULL;
    json_t *v = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!v)
        return asy_fail(ASY_EARG, "JSON, line %d, column %d: %s", error.line,
                        error.column, error.text);
    if (is_deeper_than(v, DEPTH_LIMIT)) {
        json_decref(v);
        return asy_fail(ASY_EARG, "JSON is nested deeper than %d", DEPTH_LIMIT);
    }
    *out = v;
    return ASY_OK;
}

asy_err asy_json_load(const char *path, json_t **out)
{
    asy_buf text = {0};
    *out = NULL;
    asy_err err = asy_file_read(path, FILE_LIMIT, &text);
    if (!err) {
        err = asy_json_parse(asy_buf_text(&text), text.len, out);
        if (err)
            asy_fail_in(err, "%s", path);
    }
    asy_buf_fini(&text);
    return err;
}

json_t *asy_json_real(double x) { return isfinite(x) ? json_real(x) : json_null(); }

/* --- writing --------------------------------------------------------------------- */

/* depth < 0: canonical, keys sorted, no blanks; else indented and in insertion order.
 */
static void write_value(asy_buf *b, const json_t *v, int depth);

static void write_escape(asy_buf *b, unsigned char c)
{
    switch (c) {
    case '"': asy_buf_puts(b, "\\\""); break;
    case '\\': asy_buf_puts(b, "\\\\"); break;
    case '\n': asy_buf_puts(b, "\\n"); break;
    case '\r': asy_buf_puts(b, "\\r"); break;
    case '\t': asy_buf_puts(b, "\\t"); break;
    default: asy_buf_printf(b, "\\u%04x", c); break;
    }
}

static void write_text(asy_buf *b, const char *text, size_t len)
{
    size_t from = 0;
    asy_buf_putc(b, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        asy_buf_add(b, text + from, i - from);
        write_escape(b, c);
        from = i + 1;
    }
    asy_buf_add(b, text + from, len - from);
    asy_buf_putc(b, '"');
}

static void write_line(asy_buf *b, int depth)
{
    if (depth < 0)
        return;
    asy_buf_putc(b, '\n');
    for (int i = 0; i < depth; i++)
        asy_buf_puts(b, "  ");
}

static int inside(int depth) { return depth < 0 ? depth : depth + 1; }

typedef struct member {
    const char *key;
    size_t len;
    const json_t *value;
} member;

static int compare_members(const member *a, const member *b)
{
    int order = memcmp(a->key, b->key, a->len < b->len ? a->len : b->len);
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

/* Insertion sort: objects are small and often sorted already. */
static void sort_members(member *m, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        member moving = m[i];
        size_t j = i;
        for (; j > 0 && compare_members(&moving, &m[j - 1]) < 0; j--)
            m[j] = m[j - 1];
        m[j] = moving;
    }
}

static void write_members(asy_buf *b, const member *m, size_t n, int depth)
{
    asy_buf_putc(b, '{');
    for (size_t i = 0; i < n; i++) {
        if (i)
            asy_buf_putc(b, ',');
        write_line(b, inside(depth));
        write_text(b, m[i].key, m[i].len);
        asy_buf_puts(b, depth < 0 ? ":" : ": ");
        write_value(b, m[i].value, inside(depth));
    }
    if (n)
        write_line(b, depth);
    asy_buf_putc(b, '}');
}

static void write_object(asy_buf *b, const json_t *v, int depth)
{
    member few[FEW_KEYS];
    size_t n = json_object_size(v), i = 0;
    member *m = n <= FEW_KEYS ? few : asy_alloc(n, sizeof *m);
    json_t *object = (json_t *)(uintptr_t)v; /* Jansson's iterator takes no const */
    for (void *at = json_object_iter(object); at;
         at = json_object_iter_next(object, at))
        m[i++] = (member){json_object_iter_key(at), json_object_iter_key_len(at),
                          json_object_iter_value(at)};
    if (depth < 0)
        sort_members(m, n);
    write_members(b, m, n, depth);
    if (m != few)
        asy_free(m);
}

/* Lists of plain values stay on one line, for people. */
static bool is_flat(const json_t *v)
{
    size_t i;
    json_t *child;
    json_array_foreach (v, i, child)
        if (json_is_object(child) || json_is_array(child))
            return false;
    return true;
}

static void write_array(asy_buf *b, const json_t *v, int depth)
{
    size_t n = json_array_size(v);
    bool flat = is_flat(v);
    asy_buf_putc(b, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            asy_buf_puts(b, flat && depth >= 0 ? ", " : ",");
        if (!flat)
            write_line(b, inside(depth));
        write_value(b, json_array_get(v, i), inside(depth));
    }
    if (n && !flat)
        write_line(b, depth);
    asy_buf_putc(b, ']');
}

/* -0 and 0 are equal numbers, so canonical text knows only 0. */
static void write_real(asy_buf *b, double x) { asy_text_put_number(b, x == 0 ? 0 : x); }

static void write_value(asy_buf *b, const json_t *v, int depth)
{
    switch (v ? json_typeof(v) : JSON_NULL) {
    case JSON_OBJECT: write_object(b, v, depth); break;
    case JSON_ARRAY: write_array(b, v, depth); break;
    case JSON_STRING: write_text(b, json_string_value(v), json_string_length(v)); break;
    case JSON_INTEGER: asy_text_put_integer(b, json_integer_value(v)); break;
    case JSON_REAL: write_real(b, json_real_value(v)); break;
    case JSON_TRUE: asy_buf_puts(b, "true"); break;
    case JSON_FALSE: asy_buf_puts(b, "false"); break;
    case JSON_NULL: asy_buf_puts(b, "null"); break;
    }
}

void asy_json_canonical(asy_buf *b, const json_t *v) { write_value(b, v, -1); }

void asy_json_pretty(asy_buf *b, const json_t *v) { write_value(b, v, 0); }

/* --- fields ---------------------------------------------------------------------- */

const char *asy_json_kind(const json_t *v)
{
    switch (v ? json_typeof(v) : JSON_NULL) {
    case JSON_OBJECT: return "table";
    case JSON_ARRAY: return "list";
    case JSON_STRING: return "text";
    case JSON_INTEGER: return "whole number";
    case JSON_REAL: return "number";
    case JSON_TRUE: return "true";
    case JSON_FALSE: return "false";
    case JSON_NULL: break;
    }
    return "nothing";
}

static asy_err wrong_kind(const char *where, const char *name, const char *expected,
                          const json_t *v)
{
    return asy_fail(ASY_EARG, "%s.%s: %s expected, got %s", where, name, expected,
                    asy_json_kind(v));
}

/* The field, or NULL when it is absent or null. */
static const json_t *field(const json_t *o, const char *name)
{
    const json_t *v = json_object_get(o, name);
    return json_is_null(v) ? NULL : v;
}

asy_err asy_json_get_int(const json_t *o, const char *where, const char *name,
                         int64_t fallback, int64_t *out)
{
    const json_t *v = field(o, name);
    double x = json_is_real(v) ? json_real_value(v) : 0.5;
    *out = fallback;
    if (json_is_integer(v))
        *out = json_integer_value(v);
    else if (v && x == floor(x) && fabs(x) <= 0x1p53)
        *out = (int64_t)x;
    else if (v)
        return wrong_kind(where, name, "whole number", v);
    return ASY_OK;
}

asy_err asy_json_get_number(const json_t *o, const char *where, const char *name,
                            double fallback, double *out)
{
    const json_t *v = field(o, name);
    *out = v ? json_number_value(v) : fallback;
    return v && !json_is_number(v) ? wrong_kind(where, name, "number", v) : ASY_OK;
}

asy_err asy_json_get_bool(const json_t *o, const char *where, const char *name,
                          bool fallback, bool *out)
{
    const json_t *v = field(o, name);
    *out = v ? json_is_true(v) : fallback;
    return v && !json_is_boolean(v) ? wrong_kind(where, name, "true or false", v)
                                    : ASY_OK;
}

asy_err asy_json_get_text(const json_t *o, const char *where, const char *name,
                          const char *fallback, const char **out)
{
    const json_t *v = field(o, name);
    *out = v ? json_string_value(v) : fallback;
    return v && !json_is_string(v) ? wrong_kind(where, name, "text", v) : ASY_OK;
}

static bool is_known(const char *key, const char *const *known, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(key, known[i]) == 0)
            return true;
    return false;
}

static asy_err unknown_key(const char *where, const char *key, const char *const *known,
                           size_t n)
{
    asy_buf text = {0};
    const char *near = asy_text_nearest(key, known, n);
    asy_buf_printf(&text, "%s: unknown key \"%s\"", where, key);
    if (near)
        asy_buf_printf(&text, " (did you mean \"%s\"?)", near);
    asy_buf_puts(&text, "; known keys: ");
    for (size_t i = 0; i < n; i++)
        asy_buf_printf(&text, "%s%s", i ? ", " : "", known[i]);
    asy_err err = asy_fail(ASY_EARG, "%s", asy_buf_text(&text));
    asy_buf_fini(&text);
    return err;
}

asy_err asy_json_only(const json_t *o, const char *where, const char *const *known,
                      size_t n)
{
    json_t *object = (json_t *)(uintptr_t)o;
    for (void *at = json_object_iter(object); at;
         at = json_object_iter_next(object, at))
        if (!is_known(json_object_iter_key(at), known, n))
            return unknown_key(where, json_object_iter_key(at), known, n);
    return ASY_OK;
}
