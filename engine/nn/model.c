/* model.c - a trained network as a file, and at work. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/mem.h"
#include "nn/model.h"
#include "nn/plan.h"

enum { PIECES = 6 /* tensors of a layer, at most */ };

struct asy_model {
    asy_design *design; /* owned */
    asy_plan plan;
    asy_plan_data data;
    json_t *meta;  /* owned */
    float *values; /* [params + statistics], owned */
};

/* One tensor of a layer: where it lies among the values. */
typedef struct piece {
    const char *name;
    size_t at;
    uint32_t rank;
    uint64_t shape[2];
} piece;

static uint32_t pieces_of(const asy_plan *p, uint32_t layer, piece out[PIECES])
{
    const asy_layer_shape *l = &p->layer[layer];
    size_t statistics = p->shape.params;
    out[0] = (piece){"weight", l->w, 2, {l->in, l->out}};
    out[1] = (piece){"bias", l->b, 1, {l->out}};
    if (!l->batch_norm)
        return 2;
    out[2] = (piece){"gamma", l->gamma, 1, {l->out}};
    out[3] = (piece){"beta", l->beta, 1, {l->out}};
    out[4] = (piece){"mean", statistics + l->mean, 1, {l->out}};
    out[5] = (piece){"var", statistics + l->var, 1, {l->out}};
    return 6;
}

static size_t values_of(const asy_plan *p)
{
    return p->shape.params + p->shape.statistics;
}

/* ---- making ---- */

static json_t *meta_of(const json_t *design, const asy_tensors *data,
                       const json_t *about)
{
    static const char *const from_data[] = {"task", "label", "classes", "inputs",
                                            "fitted"};
    json_t *meta = json_object();
    json_object_set_new(meta, "design", json_deep_copy(design));
    json_object_set_new(meta, "shape",
                        json_pack("{s:i, s:i, s:i}", "inputs", (int)data->inputs,
                                  "classes", (int)data->classes, "outputs",
                                  (int)data->outputs));
    for (size_t i = 0; i < sizeof from_data / sizeof *from_data; i++) {
        json_t *v = json_object_get(data->meta, from_data[i]);
        if (v)
            json_object_set_new(meta, from_data[i], json_deep_copy(v));
    }
    json_t *more = json_deep_copy(about);
    if (more)
        json_object_update(meta, more);
    json_decref(more);
    return meta;
}

/* The design of m->meta for data of shape m->data. */
static asy_err build(asy_model *m)
{
    asy_err e = asy_design_parse(json_object_get(m->meta, "design"), &m->design);
    return e ? e : asy_plan_make(m->design, &m->data, &m->plan);
}

static asy_err make_room(asy_model *m)
{
    m->values = asy_try_alloc(values_of(&m->plan), sizeof *m->values);
    if (m->values)
        return ASY_OK;
    return asy_fail(ASY_ENOMEM, "no memory for a model of %zu numbers",
                    values_of(&m->plan));
}

asy_err asy_model_new(const asy_design *d, const json_t *design,
                      const asy_tensors *data, const float *values, size_t n,
                      const json_t *about, asy_model **out)
{
    (void)d; /* the JSON says the same */
    *out = NULL;
    asy_model *m = asy_alloc(1, sizeof *m);
    m->data = (asy_plan_data){data->inputs, data->classes, data->outputs, 1, 0};
    m->meta = meta_of(design, data, about);
    asy_err e = build(m);
    if (!e && n != values_of(&m->plan))
        e = asy_fail(ASY_EARG, "model: %zu numbers expected, got %zu",
                     values_of(&m->plan), n);
    if (!e)
        e = make_room(m);
    if (e) {
        asy_model_free(m);
        return e;
    }
    memcpy(m->values, values, n * sizeof *values);
    *out = m;
    return ASY_OK;
}

void asy_model_free(asy_model *m)
{
    if (!m)
        return;
    asy_design_free(m->design);
    asy_plan_fini(&m->plan);
    json_decref(m->meta);
    asy_free(m->values);
    asy_free(m);
}

const json_t *asy_model_meta(const asy_model *m) { return m->meta; }

uint32_t asy_model_outputs(const asy_model *m) { return m->plan.shape.outputs; }

uint32_t asy_model_inputs(const asy_model *m) { return m->plan.shape.inputs; }

/* ---- saving ---- */

static const char *tensor_name(asy_arena *a, uint32_t layer, const char *kind)
{
    char name[48];
    snprintf(name, sizeof name, "layer%u.%s", layer, kind);
    return asy_arena_strdup(a, name);
}

static size_t list_tensors(const asy_model *m, asy_arena *names, asy_tensor *tensor)
{
    size_t n = 0;
    for (uint32_t i = 0; i < m->plan.shape.layers; i++) {
        piece p[PIECES];
        uint32_t pieces = pieces_of(&m->plan, i, p);
        for (uint32_t k = 0; k < pieces; k++)
            tensor[n++] = (asy_tensor){.name = tensor_name(names, i, p[k].name),
                                       .dtype = "F32",
                                       .rank = p[k].rank,
                                       .shape = {p[k].shape[0], p[k].shape[1]},
                                       .data = m->values + p[k].at};
    }
    return n;
}

asy_err asy_model_save(const asy_model *m, const char *path)
{
    asy_arena names = {0};
    asy_buf meta = {0}, file = {0};
    asy_json_canonical(&meta, m->meta);
    json_t *metadata = json_pack("{s:s}", "assay", asy_buf_text(&meta));
    asy_tensor *tensor =
        asy_alloc((size_t)m->plan.shape.layers * PIECES, sizeof *tensor);
    size_t n = list_tensors(m, &names, tensor);
    asy_err e = asy_safetensors_write(&file, tensor, n, metadata);
    if (!e)
        e = asy_file_write(path, file.data, file.len);
    asy_free(tensor);
    json_decref(metadata);
    asy_buf_fini(&file);
    asy_buf_fini(&meta);
    asy_arena_fini(&names);
    return e;
}

/* ---- opening ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const asy_tensor *)a)->name, ((const asy_tensor *)b)->name);
}

static bool fits(const asy_tensor *t, const piece *p)
{
    return strcmp(t->dtype, "F32") == 0 && t->rank == p->rank &&
           t->shape[0] == p->shape[0] && (p->rank == 1 || t->shape[1] == p->shape[1]);
}

static asy_err take_piece(asy_model *m, const asy_tensor *tensor, size_t n,
                          uint32_t layer, const piece *p)
{
    char name[48];
    snprintf(name, sizeof name, "layer%u.%s", layer, p->name);
    asy_tensor key = {.name = name};
    const asy_tensor *t = bsearch(&key, tensor, n, sizeof *tensor, by_name);
    if (!t || !fits(t, p))
        return asy_fail(ASY_EARG,
                        "model: tensor %s of the design's shape expected, got %s", name,
                        t ? "another shape or type" : "none");
    size_t count = p->shape[0] * (p->rank == 2 ? p->shape[1] : 1);
    memcpy(m->values + p->at, t->data, count * sizeof *m->values);
    return ASY_OK;
}

/* Sorts tensors by name, then finds each that the design has. */
static asy_err take_tensors(asy_model *m, asy_tensor *tensor, size_t n)
{
    size_t taken = 0;
    qsort(tensor, n, sizeof *tensor, by_name);
    for (uint32_t i = 0; i < m->plan.shape.layers; i++) {
        piece p[PIECES];
        uint32_t pieces = pieces_of(&m->plan, i, p);
        for (uint32_t k = 0; k < pieces; k++, taken++) {
            asy_err e = take_piece(m, tensor, n, i, &p[k]);
            if (e)
                return e;
        }
    }
    if (n != taken)
        return asy_fail(ASY_EARG, "model: %zu tensors expected, got %zu", taken, n);
    return ASY_OK;
}

static asy_err read_count(const json_t *shape, const char *name, uint32_t *out)
{
    int64_t n = 0;
    asy_err e = asy_json_get_int(shape, "model.shape", name, 0, &n);
    if (!e && (n < 0 || n > INT32_MAX))
        e = asy_fail(ASY_EARG, "model.shape.%s: whole number 0 .. %d expected", name,
                     INT32_MAX);
    *out = (uint32_t)n;
    return e;
}

static asy_err read_meta(asy_model *m, const json_t *header)
{
    const json_t *text =
        json_object_get(json_object_get(header, "__metadata__"), "assay");
    if (!json_is_string(text))
        return asy_fail(ASY_EARG,
                        "model: __metadata__.assay expected, got none; was this "
                        "file made by `assay export`?");
    asy_err e =
        asy_json_parse(json_string_value(text), json_string_length(text), &m->meta);
    if (e)
        return asy_fail_in(e, "model: __metadata__.assay");
    const json_t *shape = json_object_get(m->meta, "shape");
    if (!json_is_object(shape))
        return asy_fail(ASY_EARG, "model.shape: table expected, got %s",
                        shape ? asy_json_kind(shape) : "nothing");
    m->data.train_rows = 1;
    e = read_count(shape, "inputs", &m->data.inputs);
    if (!e)
        e = read_count(shape, "classes", &m->data.classes);
    return e ? e : read_count(shape, "outputs", &m->data.outputs);
}

/* Values are as many as the file has bytes for, so a small file cannot ask for much. */
static asy_err check_size(const asy_model *m, const asy_map *file)
{
    if (values_of(&m->plan) <= file->len / sizeof(float))
        return ASY_OK;
    return asy_fail(ASY_EARG, "model: %zu numbers expected, the file has %zu bytes",
                    values_of(&m->plan), file->len);
}

static asy_err read_file(asy_model *m, const asy_map *file)
{
    asy_tensor *tensor = NULL;
    json_t *header = NULL;
    size_t n = 0;
    asy_err e = asy_safetensors_read(file->bytes, file->len, &tensor, &n, &header);
    if (e)
        return e;
    e = read_meta(m, header);
    if (!e)
        e = build(m);
    if (!e)
        e = check_size(m, file);
    if (!e)
        e = make_room(m);
    if (!e)
        e = take_tensors(m, tensor, n);
    asy_free(tensor);
    json_decref(header);
    return e;
}

asy_err asy_model_open(const char *path, asy_model **out)
{
    asy_map file = {0};
    *out = NULL;
    asy_err e = asy_map_open(path, &file);
    if (e)
        return e;
    asy_model *m = asy_alloc(1, sizeof *m);
    e = read_file(m, &file);
    asy_map_close(&file);
    if (e) {
        asy_model_free(m);
        return asy_fail_in(e, "%s", path);
    }
    *out = m;
    return ASY_OK;
}

/* ---- at work ---- */

/* A part of as many rows as go at once. They have no labels, but the loss ends the
 * network (softmax) and reads some, so it gets zeros. */
static asy_err blank_open(const asy_model *m, uint64_t rows, asy_part *out)
{
    uint32_t most = rows < m->plan.eval_rows ? (uint32_t)rows : m->plan.eval_rows;
    *out = (asy_part){.rows = most};
    if (m->data.classes > 0)
        out->label = asy_try_alloc(most, sizeof *out->label);
    else
        out->target = asy_try_alloc(most, m->plan.shape.outputs * sizeof *out->target);
    if (out->label || out->target)
        return ASY_OK;
    return asy_fail(ASY_ENOMEM, "no memory to predict %u rows", most);
}

static void blank_close(asy_part *blank)
{
    asy_free((void *)blank->label);
    asy_free((void *)blank->target);
}

static void predict_rows(const asy_model *m, const asy_backend *b, asy_pop *pop,
                         const asy_part *part, float *y)
{
    b->gather_eval(pop, part, 0, part->rows);
    for (uint32_t i = 0; i < m->plan.shape.layers; i++)
        b->forward(pop, i, ASY_PASS_EVAL);
    b->loss(pop, ASY_PASS_EVAL);
    b->outputs(pop, 0, y);
}

static void predict_all(const asy_model *m, const asy_backend *b, asy_pop *pop,
                        const asy_part *blank, const float *x, uint64_t rows, float *y)
{
    uint32_t most = blank->rows;
    for (uint64_t first = 0; first < rows; first += most) {
        asy_part part = *blank;
        part.x = x + first * asy_model_inputs(m);
        part.rows = rows - first < most ? (uint32_t)(rows - first) : most;
        predict_rows(m, b, pop, &part, y + first * asy_model_outputs(m));
    }
}

static asy_err fill_population(const asy_model *m, const asy_backend *b, asy_pop *pop)
{
    asy_member member = {.optim = m->design->optim,
                         .steps_per_epoch = 1,
                         .steps_total = 1,
                         .layer = m->plan.setting};
    asy_err e = b->member_set(pop, 0, &member);
    if (e)
        return e;
    b->write(pop, 0, ASY_ROLE_PARAM, m->values);
    b->write(pop, 0, ASY_ROLE_STATISTICS, m->values + m->plan.shape.params);
    return ASY_OK;
}

asy_err asy_model_predict(const asy_model *m, const float *x, uint64_t rows, float *y)
{
    const asy_backend *b = &asy_backend_blas;
    asy_pop *pop = NULL;
    asy_part part;
    if (rows == 0)
        return ASY_OK;
    asy_err e = blank_open(m, rows, &part);
    if (!e)
        e = b->pop_new(&m->plan.shape, 1, part.rows, &pop);
    if (!e)
        e = fill_population(m, b, pop);
    if (!e)
        predict_all(m, b, pop, &part, x, rows, y);
    if (pop)
        b->pop_free(pop);
    blank_close(&part);
    return e;
}

/* ---- as JSON ---- */

static json_t *list_of(const float *x, uint64_t n)
{
    json_t *list = json_array();
    for (uint64_t i = 0; i < n; i++)
        json_array_append_new(list, asy_json_real(x[i]));
    return list;
}

static json_t *piece_json(const asy_model *m, const piece *p)
{
    const float *x = m->values + p->at;
    if (p->rank == 1)
        return list_of(x, p->shape[0]);
    json_t *rows = json_array();
    for (uint64_t i = 0; i < p->shape[0]; i++)
        json_array_append_new(rows, list_of(x + i * p->shape[1], p->shape[1]));
    return rows;
}

json_t *asy_model_json(const asy_model *m)
{
    json_t *all = json_deep_copy(m->meta), *layers = json_array();
    for (uint32_t i = 0; i < m->plan.shape.layers; i++) {
        piece p[PIECES];
        uint32_t pieces = pieces_of(&m->plan, i, p);
        json_t *layer = json_object();
        for (uint32_t k = 0; k < pieces; k++)
            json_object_set_new(layer, p[k].name, piece_json(m, &p[k]));
        json_array_append_new(layers, layer);
    }
    json_object_set_new(all, "layers", layers);
    return all;
}
