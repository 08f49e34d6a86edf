/* tensors.c - prepared data as a .safetensors file. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/tensors.h"
#include <string.h>
#include "base/mem.h"
#include "data/layout.h"

enum { MAX_INPUTS = 1 << 24 };

const char *const asy_part_names[ASY_PARTS] = {"train", "validate", "test"};

static const void *file_bytes(const asy_tensors *t, size_t *len)
{
    *len = t->heap ? t->heap_len : t->map.len;
    return t->heap ? t->heap : t->map.bytes;
}

void asy_tensors_free(asy_tensors *t)
{
    if (!t)
        return;
    json_decref(t->meta);
    asy_free(t->heap);
    if (t->map.bytes)
        asy_map_close(&t->map);
    asy_free(t);
}

/* --- the parts --- */

/* The tensor `kind`_`part`, or NULL; fails when its type or shape is not as said. */
static asy_err find_tensor(const asy_tensor *tensor, size_t n, const char *kind,
                           const char *part, const char *dtype, uint32_t rank,
                           const asy_tensor **out)
{
    char name[32];
    snprintf(name, sizeof name, "%s_%s", kind, part);
    *out = NULL;
    for (size_t i = 0; i < n; i++)
        if (strcmp(tensor[i].name, name) == 0)
            *out = &tensor[i];
    if (!*out)
        return ASY_OK;
    if (strcmp((*out)->dtype, dtype) != 0 || (*out)->rank != rank)
        return asy_fail(ASY_EARG, "%s: %s with %u sides expected", name, dtype, rank);
    if ((*out)->shape[0] == 0 || (*out)->shape[0] > INT32_MAX)
        return asy_fail(ASY_EARG, "%s: 1 to %d rows expected", name, INT32_MAX);
    return ASY_OK;
}

static asy_err check_labels(const asy_tensors_part *p, uint32_t classes,
                            const char *part)
{
    for (uint32_t i = 0; i < p->rows; i++)
        if (p->label[i] < 0 || (uint32_t)p->label[i] >= classes)
            return asy_fail(ASY_EARG, "y_%s: class %d of %u in row %u", part,
                            p->label[i], classes, i);
    return ASY_OK;
}

static asy_err read_answers(const asy_tensors *t, const asy_tensor *y, const char *part,
                            asy_tensors_part *p)
{
    if (t->classes > 0) {
        p->label = y->data;
        return check_labels(p, t->classes, part);
    }
    if (y->shape[1] != t->outputs)
        return asy_fail(ASY_EARG, "y_%s: %u columns expected", part, t->outputs);
    p->target = y->data;
    return ASY_OK;
}

static asy_err read_part(asy_tensors *t, const asy_tensor *tensor, size_t n, int which)
{
    const char *part = asy_part_names[which];
    const asy_tensor *x, *y, *row;
    bool classify = t->classes > 0;
    asy_err e = find_tensor(tensor, n, "x", part, "F32", 2, &x);
    if (!e)
        e = find_tensor(tensor, n, "y", part, classify ? "I32" : "F32",
                        classify ? 1 : 2, &y);
    if (!e)
        e = find_tensor(tensor, n, "row", part, "I32", 1, &row);
    if (e || (!x && !y && !row))
        return e;
    if (!x || !y || !row || y->shape[0] != x->shape[0] || row->shape[0] != x->shape[0])
        return asy_fail(ASY_EARG, "part %s: x, y and row of equal length expected",
                        part);
    if (x->shape[1] != t->inputs)
        return asy_fail(ASY_EARG, "x_%s: %u columns expected, got %llu", part,
                        t->inputs, (unsigned long long)x->shape[1]);
    asy_tensors_part *p = &t->part[which];
    p->rows = (uint32_t)x->shape[0];
    p->x = x->data;
    p->row = row->data;
    return read_answers(t, y, part, p);
}

/* --- the description --- */

static asy_err read_meta(asy_tensors *t, const json_t *header)
{
    const json_t *text =
        json_object_get(json_object_get(header, "__metadata__"), "assay");
    const char *task = NULL;
    if (!json_is_string(text))
        return asy_fail(ASY_EARG, "__metadata__.assay is missing: not prepared data");
    asy_err e =
        asy_json_parse(json_string_value(text), json_string_length(text), &t->meta);
    if (!e)
        e = asy_json_get_text(t->meta, "meta", "task", "", &task);
    if (e)
        return e;
    const json_t *classes = json_object_get(t->meta, "classes");
    const json_t *inputs = json_object_get(t->meta, "inputs");
    bool classify = strcmp(task, "classify") == 0;
    if (!classify && strcmp(task, "regress") != 0)
        return asy_fail(ASY_EARG, "meta.task: classify or regress expected");
    if (json_array_size(inputs) < 1 || json_array_size(inputs) > MAX_INPUTS)
        return asy_fail(ASY_EARG, "meta.inputs: a list of names expected");
    if (classify &&
        (json_array_size(classes) < 2 || json_array_size(classes) > INT32_MAX))
        return asy_fail(ASY_EARG, "meta.classes: two classes or more expected");
    t->inputs = (uint32_t)json_array_size(inputs);
    t->classes = classify ? (uint32_t)json_array_size(classes) : 0;
    t->outputs = 1;
    return ASY_OK;
}

static asy_err read_all(asy_tensors *t)
{
    size_t len, n = 0;
    const void *bytes = file_bytes(t, &len);
    asy_tensor *tensor = NULL;
    json_t *header = NULL;
    asy_err e = asy_safetensors_read(bytes, len, &tensor, &n, &header);
    if (!e)
        e = read_meta(t, header);
    for (int i = 0; !e && i < ASY_PARTS; i++)
        e = read_part(t, tensor, n, i);
    if (!e && t->part[ASY_TRAIN].rows == 0)
        e = asy_fail(ASY_EARG, "there is no training part");
    asy_free(tensor);
    json_decref(header);
    return e;
}

asy_err asy_tensors_adopt(asy_tensors *t, asy_tensors **out)
{
    size_t len;
    const void *bytes = file_bytes(t, &len);
    *out = NULL;
    t->hash = asy_hash_of(bytes, len);
    asy_err e = read_all(t);
    if (e)
        asy_tensors_free(t);
    else
        *out = t;
    return e;
}

/* --- files --- */

asy_err asy_tensors_open(const char *path, const asy_hash *expect, asy_tensors **out)
{
    *out = NULL;
    asy_tensors *t = asy_alloc(1, sizeof *t);
    asy_err e = asy_map_open(path, &t->map);
    if (e) {
        asy_free(t);
        return e;
    }
    e = asy_tensors_adopt(t, &t);
    if (!e && expect && !asy_hash_equal(expect, &t->hash)) {
        asy_tensors_free(t);
        e = asy_fail(ASY_EARG, "the file's bytes are not those that were prepared");
    }
    if (e)
        return asy_fail_in(e, "%s", path);
    *out = t;
    return ASY_OK;
}

asy_err asy_tensors_save(const asy_tensors *t, const char *path)
{
    size_t len;
    const void *bytes = file_bytes(t, &len);
    return asy_file_write(path, bytes, len);
}
