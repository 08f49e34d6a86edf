/* pack.c - MessagePack: the encoder over msgpack-c, the tree decoder over the cursor.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pack.h"
#include <msgpack/pack.h>
#include <string.h>

/* --- encoding -------------------------------------------------------------------- */

static int append(void *ctx, const char *bytes, size_t len)
{
    asy_buf_add(ctx, bytes, len);
    return 0;
}

static msgpack_packer packer_on(asy_buf *b)
{
    return (msgpack_packer){.data = b, .callback = append};
}

void asy_pack_map(asy_buf *b, uint32_t n)
{
    msgpack_packer p = packer_on(b);
    msgpack_pack_map(&p, n);
}

void asy_pack_array(asy_buf *b, uint32_t n)
{
    msgpack_packer p = packer_on(b);
    msgpack_pack_array(&p, n);
}

static void pack_text(asy_buf *b, const char *text, size_t len)
{
    msgpack_packer p = packer_on(b);
    msgpack_pack_str_with_body(&p, text, len);
}

void asy_pack_text(asy_buf *b, const char *text) { pack_text(b, text, strlen(text)); }

void asy_pack_bin(asy_buf *b, const void *bytes, size_t len)
{
    msgpack_packer p = packer_on(b);
    msgpack_pack_bin(&p, len);
    asy_buf_add(b, bytes, len);
}

void asy_pack_int(asy_buf *b, int64_t x)
{
    msgpack_packer p = packer_on(b);
    msgpack_pack_int64(&p, x);
}

void asy_pack_uint(asy_buf *b, uint64_t x)
{
    msgpack_packer p = packer_on(b);
    msgpack_pack_uint64(&p, x);
}

void asy_pack_real(asy_buf *b, double x)
{
    msgpack_packer p = packer_on(b);
    msgpack_pack_double(&p, x);
}

void asy_pack_bool(asy_buf *b, bool x) { asy_buf_putc(b, (char)(x ? 0xC3 : 0xC2)); }

void asy_pack_nil(asy_buf *b) { asy_buf_putc(b, (char)0xC0); }

static void pack_array(asy_buf *b, const json_t *v)
{
    asy_pack_array(b, (uint32_t)json_array_size(v));
    for (size_t i = 0; i < json_array_size(v); i++)
        asy_pack_value(b, json_array_get(v, i));
}

static void pack_object(asy_buf *b, const json_t *v)
{
    json_t *object = (json_t *)(uintptr_t)v; /* Jansson's iterator takes no const */
    asy_pack_map(b, (uint32_t)json_object_size(v));
    for (void *at = json_object_iter(object); at;
         at = json_object_iter_next(object, at)) {
        pack_text(b, json_object_iter_key(at), json_object_iter_key_len(at));
        asy_pack_value(b, json_object_iter_value(at));
    }
}

void asy_pack_value(asy_buf *b, const json_t *v)
{
    switch (v ? json_typeof(v) : JSON_NULL) {
    case JSON_OBJECT: pack_object(b, v); break;
    case JSON_ARRAY: pack_array(b, v); break;
    case JSON_STRING: pack_text(b, json_string_value(v), json_string_length(v)); break;
    case JSON_INTEGER: asy_pack_int(b, json_integer_value(v)); break;
    case JSON_REAL: asy_pack_real(b, json_real_value(v)); break;
    case JSON_TRUE: asy_pack_bool(b, true); break;
    case JSON_FALSE: asy_pack_bool(b, false); break;
    case JSON_NULL: asy_pack_nil(b); break;
    }
}

/* --- trees ----------------------------------------------------------------------- */

enum { DEPTH_LIMIT = 32 };

static json_t *unpack_tree(asy_unpack *u, int depth);

static json_t *unpack_array(asy_unpack *u, int depth)
{
    uint32_t n;
    if (asy_unpack_array(u, &n))
        return NULL;
    json_t *list = json_array();
    for (uint32_t i = 0; i < n && !u->err; i++)
        json_array_append_new(list, unpack_tree(u, depth));
    return list;
}

static json_t *unpack_map(asy_unpack *u, int depth)
{
    uint32_t n;
    if (asy_unpack_map(u, &n))
        return NULL;
    json_t *object = json_object();
    for (uint32_t i = 0; i < n && !u->err; i++) {
        const char *key;
        size_t len;
        if (!asy_unpack_text(u, &key, &len))
            json_object_setn_new_nocheck(object, key, len, unpack_tree(u, depth));
    }
    if (!u->err && json_object_size(object) != n)
        u->err = asy_fail(ASY_EARG, "message: a map has the same key twice");
    return object;
}

static json_t *unpack_string(asy_unpack *u, asy_unpack_kind kind)
{
    const void *bytes = NULL;
    const char *text = NULL;
    size_t len = 0;
    asy_err err = kind == ASY_UNPACK_BIN ? asy_unpack_bin(u, &bytes, &len)
                                         : asy_unpack_text(u, &text, &len);
    return err ? NULL : json_stringn_nocheck(bytes ? bytes : text, len);
}

static json_t *unpack_integer(asy_unpack *u)
{
    int64_t x;
    return asy_unpack_int(u, &x) ? NULL : json_integer(x);
}

static json_t *unpack_real(asy_unpack *u)
{
    double x;
    return asy_unpack_real(u, &x) ? NULL : asy_json_real(x);
}

static json_t *unpack_bool(asy_unpack *u)
{
    bool x;
    return asy_unpack_bool(u, &x) ? NULL : json_boolean(x);
}

/* NULL or a partial tree once u->err is set; appending NULL to a list is refused by
 * Jansson, so nothing leaks. */
static json_t *unpack_tree(asy_unpack *u, int depth)
{
    asy_unpack_kind kind = asy_unpack_peek(u);
    if (depth == 0 && (kind == ASY_UNPACK_MAP || kind == ASY_UNPACK_ARRAY)) {
        u->err = asy_fail(ASY_EARG, "message: nested deeper than %d", DEPTH_LIMIT);
        return NULL;
    }
    switch (kind) {
    case ASY_UNPACK_MAP: return unpack_map(u, depth - 1);
    case ASY_UNPACK_ARRAY: return unpack_array(u, depth - 1);
    case ASY_UNPACK_TEXT:
    case ASY_UNPACK_BIN: return unpack_string(u, kind);
    case ASY_UNPACK_INT: return unpack_integer(u);
    case ASY_UNPACK_REAL: return unpack_real(u);
    case ASY_UNPACK_BOOL: return unpack_bool(u);
    case ASY_UNPACK_NIL: return asy_unpack_skip(u) ? NULL : json_null();
    case ASY_UNPACK_OTHER: asy_unpack_skip(u); break;
    }
    if (!u->err)
        u->err = asy_fail(ASY_EARG, "message: a kind of value that has no place here");
    return NULL;
}

asy_err asy_unpack_value(const void *bytes, size_t len, json_t **out)
{
    asy_unpack u = asy_unpack_open(bytes, len);
    *out = unpack_tree(&u, DEPTH_LIMIT);
    if (!u.err && u.p != u.end)
        u.err = asy_fail(ASY_EARG, "message: %zu bytes after its end",
                         (size_t)(u.end - u.p));
    if (u.err) {
        json_decref(*out);
        *out = NULL;
    }
    return u.err;
}
