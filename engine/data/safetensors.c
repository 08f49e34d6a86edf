/* safetensors.c - the .safetensors format, written and read.
 *
 * u64 length of the header, the header (a JSON object: name -> dtype, shape, offsets of
 * its first and last byte in the data), the data. The format forbids holes in the data,
 * so only the first tensor is aligned to 64 bytes, by blanks at the end of the header;
 * the others follow at multiples of their element size because all elements have four
 * bytes. Format: https://github.com/huggingface/safetensors
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/layout.h"
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

enum { ALIGN = 64, MAX_HEADER = 16 << 20, MAX_TENSORS = 1 << 20 };

static size_t dtype_size(const char *dtype)
{
    static const struct {
        const char *name;
        size_t size;
    } known[] = {{"F32", 4},  {"I32", 4}, {"F64", 8}, {"I64", 8}, {"F16", 2},
                 {"BF16", 2}, {"I16", 2}, {"I8", 1},  {"U8", 1},  {"BOOL", 1}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, dtype) == 0)
            return known[i].size;
    return 0;
}

/* Bytes of a tensor, or false when that overflows or the type is not known. */
static bool tensor_bytes(const asy_tensor *t, uint64_t *bytes)
{
    uint64_t n = dtype_size(t->dtype);
    if (n == 0)
        return false;
    for (uint32_t i = 0; i < t->rank; i++)
        if (__builtin_mul_overflow(n, t->shape[i], &n))
            return false;
    *bytes = n;
    return true;
}

/* --- writing --- */

static json_t *describe(const asy_tensor *t, uint64_t at, uint64_t bytes)
{
    json_t *shape = json_array();
    for (uint32_t i = 0; i < t->rank; i++)
        json_array_append_new(shape, json_integer((json_int_t)t->shape[i]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", t->dtype, "shape", shape,
                     "data_offsets", (json_int_t)at, (json_int_t)(at + bytes));
}

asy_err asy_layout_make(const asy_tensor *tensor, size_t n, const json_t *metadata,
                        asy_buf *head, uint64_t *offset, uint64_t *total)
{
    json_t *header = json_object();
    uint64_t at = 0, bytes = 0;
    asy_err e = ASY_OK;
    if (metadata)
        json_object_set_new(header, "__metadata__", json_deep_copy(metadata));
    for (size_t i = 0; !e && i < n; i++) {
        offset[i] = at;
        if (!tensor_bytes(&tensor[i], &bytes) || at > INT64_MAX - bytes)
            e = asy_fail(ASY_EARG, "tensor %s: too large, or of unknown type",
                         tensor[i].name);
        else
            json_object_set_new(header, tensor[i].name,
                                describe(&tensor[i], at, bytes));
        at += bytes;
    }
    asy_buf text = {0};
    asy_json_canonical(&text, header);
    json_decref(header);
    while ((8 + text.len) % ALIGN != 0)
        asy_buf_putc(&text, ' ');
    uint64_t len = text.len;
    if (!e && len > MAX_HEADER)
        e = asy_fail(ASY_EARG,
                     "the description takes %llu bytes; at most %d fit a file",
                     (unsigned long long)len, MAX_HEADER);
    asy_buf_add(head, &len, 8);
    asy_buf_add(head, text.data, text.len);
    asy_buf_fini(&text);
    *total = head->len + at;
    return e;
}

asy_err asy_safetensors_write(asy_buf *out, const asy_tensor *tensor, size_t n,
                              const json_t *metadata)
{
    asy_buf head = {0};
    uint64_t *offset = asy_alloc(n + 1, sizeof *offset), total = 0, bytes = 0;
    asy_err e = asy_layout_make(tensor, n, metadata, &head, offset, &total);
    if (!e)
        asy_buf_add(out, head.data, head.len);
    for (size_t i = 0; !e && i < n; i++) {
        (void)tensor_bytes(&tensor[i], &bytes); /* the layout has checked it */
        asy_buf_add(out, tensor[i].data, bytes);
    }
    asy_buf_fini(&head);
    asy_free(offset);
    return e;
}

/* --- reading --- */

/* A tensor of the header beside where its bytes lie, to find overlaps. */
typedef struct span {
    uint64_t from, to;
} span;

static int by_start(const void *a, const void *b)
{
    const span *x = a, *y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return (x->to > y->to) - (x->to < y->to);
}

static bool whole_number(const json_t *v, uint64_t *out)
{
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return false;
    *out = (uint64_t)json_integer_value(v);
    return true;
}

static asy_err read_tensor(const char *name, const json_t *o, asy_tensor *t,
                           span *where)
{
    const json_t *shape = json_object_get(o, "shape");
    const json_t *offsets = json_object_get(o, "data_offsets");
    uint64_t bytes;
    t->name = name;
    t->dtype = json_string_value(json_object_get(o, "dtype"));
    t->rank = (uint32_t)json_array_size(shape);
    if (!t->dtype || dtype_size(t->dtype) == 0)
        return asy_fail(ASY_EARG, "tensor %s: unknown dtype", name);
    if (t->rank < 1 || t->rank > 2)
        return asy_fail(ASY_EARG, "tensor %s: shape of one or two sides expected",
                        name);
    for (uint32_t i = 0; i < t->rank; i++)
        if (!whole_number(json_array_get(shape, i), &t->shape[i]))
            return asy_fail(ASY_EARG, "tensor %s: a side is no whole number", name);
    if (!tensor_bytes(t, &bytes))
        return asy_fail(ASY_EARG, "tensor %s: the shape is too large", name);
    if (json_array_size(offsets) != 2 ||
        !whole_number(json_array_get(offsets, 0), &where->from) ||
        !whole_number(json_array_get(offsets, 1), &where->to) ||
        where->to < where->from || where->to - where->from != bytes)
        return asy_fail(ASY_EARG, "tensor %s: data_offsets do not fit its shape", name);
    return ASY_OK;
}

/* Tensors must fill the data from end to end, each once. */
static asy_err check_spans(span *where, size_t n, uint64_t data_len)
{
    uint64_t at = 0;
    qsort(where, n, sizeof *where, by_start);
    for (size_t i = 0; i < n; i++) {
        if (where[i].from != at || where[i].to > data_len)
            return asy_fail(ASY_EARG, "tensors overlap, leave a hole, or pass the end");
        at = where[i].to;
    }
    if (at != data_len)
        return asy_fail(ASY_EARG, "the data has %llu bytes, its tensors %llu",
                        (unsigned long long)data_len, (unsigned long long)at);
    return ASY_OK;
}

static asy_err read_header(const void *bytes, size_t len, json_t **header, size_t *data)
{
    uint64_t header_len;
    if (len < 8)
        return asy_fail(ASY_EARG, "too short for a .safetensors file");
    memcpy(&header_len, bytes, 8);
    if (header_len > MAX_HEADER || header_len > len - 8)
        return asy_fail(ASY_EARG,
                        "not a .safetensors file: a header of %llu bytes in %zu",
                        (unsigned long long)header_len, len);
    *data = 8 + (size_t)header_len;
    asy_err e = asy_json_parse((const char *)bytes + 8, (size_t)header_len, header);
    if (e)
        return e;
    if (!json_is_object(*header) || json_object_size(*header) > MAX_TENSORS)
        return asy_fail(ASY_EARG, "the header is not an object of tensors");
    return ASY_OK;
}

static asy_err read_tensors(const unsigned char *data, size_t data_len, json_t *header,
                            asy_tensor *tensor, size_t *n)
{
    span *where = asy_alloc(json_object_size(header) + 1, sizeof *where);
    asy_err e = ASY_OK;
    const char *name;
    json_t *o;
    json_object_foreach (header, name, o) {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        e = read_tensor(name, o, &tensor[*n], &where[*n]);
        if (!e && where[*n].to > data_len)
            e = asy_fail(ASY_EARG, "tensor %s: passes the end of the file", name);
        if (e)
            break;
        tensor[*n].data = data + where[*n].from;
        if ((uintptr_t)tensor[*n].data % dtype_size(tensor[*n].dtype) != 0) {
            e = asy_fail(ASY_EARG, "tensor %s: its bytes are not aligned", name);
            break;
        }
        (*n)++;
    }
    if (!e)
        e = check_spans(where, *n, data_len);
    asy_free(where);
    return e;
}

asy_err asy_safetensors_read(const void *bytes, size_t len, asy_tensor **tensor,
                             size_t *n, json_t **header)
{
    size_t data = 0;
    *tensor = NULL;
    *n = 0;
    *header = NULL;
    asy_err e = read_header(bytes, len, header, &data);
    if (!e)
        *tensor = asy_alloc(json_object_size(*header) + 1, sizeof **tensor);
    if (!e)
        e = read_tensors((const unsigned char *)bytes + data, len - data, *header,
                         *tensor, n);
    if (!e)
        return ASY_OK;
    asy_free(*tensor);
    json_decref(*header);
    *tensor = NULL;
    *header = NULL;
    *n = 0;
    return e;
}
