/* sample.c - small data sets and networks for the tests of training. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "nn/init.h"
#include "sample.h"

enum { MAX_CLASSES = 32, MAX_ROWS = 20000 };

/* ---- data ---- */

typedef struct raw {
    uint32_t rows, inputs, classes;
    float *x;
    int32_t *label;
    char name[MAX_CLASSES][64];
} raw;

static int32_t class_of(raw *r, const char *name)
{
    for (uint32_t c = 0; c < r->classes; c++)
        if (strcmp(r->name[c], name) == 0)
            return (int32_t)c;
    assert_true(r->classes < MAX_CLASSES);
    snprintf(r->name[r->classes], sizeof r->name[0], "%.60s", name);
    return (int32_t)r->classes++;
}

static void read_row(raw *r, char *line)
{
    char *cell = line;
    for (uint32_t i = 0; i < r->inputs; i++) {
        r->x[(size_t)r->rows * r->inputs + i] = strtof(cell + (*cell == '"'), NULL);
        cell += strcspn(cell, ",") + 1;
    }
    cell[strcspn(cell, "\r\n")] = '\0';
    r->label[r->rows++] = class_of(r, cell);
}

static raw read_fixture(const char *name)
{
    char path[512], line[4096];
    snprintf(path, sizeof path, "%s/tests/fixtures/%s.csv", ASY_SOURCE_DIR, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    raw r = {0};
    for (const char *c = line; *c; c++)
        r.inputs += *c == ',';
    r.x = asy_alloc((size_t)MAX_ROWS * r.inputs, sizeof *r.x);
    r.label = asy_alloc(MAX_ROWS, sizeof *r.label);
    while (fgets(line, sizeof line, f))
        read_row(&r, line);
    fclose(f);
    return r;
}

static void scale(raw *r)
{
    for (uint32_t i = 0; i < r->inputs; i++) {
        float least = r->x[i], most = least;
        for (uint32_t k = 0; k < r->rows; k++) {
            float x = r->x[(size_t)k * r->inputs + i];
            least = x < least ? x : least;
            most = x > most ? x : most;
        }
        for (uint32_t k = 0; k < r->rows; k++) {
            float *x = &r->x[(size_t)k * r->inputs + i];
            *x = most > least ? (*x - least) / (most - least) : 0;
        }
    }
}

static void open_part(asy_tensors_part *p, uint32_t rows, uint32_t inputs)
{
    p->x = asy_alloc((size_t)rows * inputs + 1, sizeof *p->x);
    p->label = asy_alloc(rows + 1, sizeof *p->label);
}

static void add_row(asy_tensors_part *p, const raw *r, uint32_t row)
{
    memcpy((float *)p->x + (size_t)p->rows * r->inputs, r->x + (size_t)row * r->inputs,
           r->inputs * sizeof *r->x);
    ((int32_t *)p->label)[p->rows++] = r->label[row];
}

asy_tensors *sample_fixture(const char *name, bool validate)
{
    raw r = read_fixture(name);
    scale(&r);
    asy_tensors *t = asy_alloc(1, sizeof *t);
    t->inputs = r.inputs;
    t->classes = t->outputs = r.classes;
    for (int part = 0; part < ASY_PARTS; part++)
        open_part(&t->part[part], r.rows, r.inputs);
    for (uint32_t i = 0; i < r.rows; i++) {
        asy_part_name part = i % 5 == 0               ? ASY_TEST
                             : i % 5 == 1 && validate ? ASY_VALIDATE
                                                      : ASY_TRAIN;
        add_row(&t->part[part], &r, i);
    }
    asy_free(r.x);
    asy_free(r.label);
    return t;
}

asy_tensors *sample_made_up(uint32_t rows, uint32_t inputs, uint32_t classes,
                            uint32_t outputs)
{
    asy_rng rng = asy_rng_open(asy_rng_key(7, 7), ASY_STREAM_SPLIT, 0);
    asy_tensors *t = asy_alloc(1, sizeof *t);
    asy_tensors_part *p = &t->part[ASY_TRAIN];
    t->inputs = inputs;
    t->classes = classes;
    t->outputs = classes ? classes : outputs;
    p->rows = rows;
    float *x = asy_alloc((size_t)rows * inputs, sizeof *x);
    int32_t *label = asy_alloc(rows, sizeof *label);
    float *target = asy_alloc((size_t)rows * t->outputs, sizeof *target);
    for (size_t i = 0; i < (size_t)rows * inputs; i++)
        x[i] = (float)asy_rng_normal(&rng);
    for (uint32_t i = 0; i < rows; i++)
        label[i] = classes ? (int32_t)asy_rng_below(&rng, classes) : 0;
    for (size_t i = 0; i < (size_t)rows * t->outputs; i++)
        target[i] = (float)asy_rng_normal(&rng);
    p->x = x;
    p->label = classes ? label : NULL;
    p->target = classes ? NULL : target;
    asy_free(classes ? (void *)target : (void *)label);
    return t;
}

void sample_free(asy_tensors *t)
{
    for (int part = 0; part < ASY_PARTS; part++) {
        asy_free((void *)t->part[part].x);
        asy_free((void *)t->part[part].label);
        asy_free((void *)t->part[part].target);
    }
    json_decref(t->meta);
    asy_free(t);
}

/* ---- designs and networks ---- */

asy_design *sample_design(const char *text)
{
    char *quoted = asy_strdup(text);
    json_t *v = NULL;
    asy_design *d = NULL;
    for (char *c = quoted; *c; c++)
        if (*c == '\'')
            *c = '"';
    if (asy_json_parse(quoted, strlen(quoted), &v) || asy_design_parse(v, &d))
        fail_msg("%s: %s", quoted, asy_errmsg());
    json_decref(v);
    asy_free(quoted);
    return d;
}

void sample_net_open(sample_net *n, const asy_backend *backend, const asy_design *d,
                     const asy_tensors *data, uint64_t seed)
{
    const asy_tensors_part *p = &data->part[ASY_TRAIN];
    asy_plan_data shape = {data->inputs, data->classes, data->outputs, p->rows,
                           p->rows};
    *n = (sample_net){
        .backend = backend,
        .part = {.rows = p->rows, .x = p->x, .label = p->label, .target = p->target}};
    if (asy_plan_make(d, &shape, &n->plan))
        fail_msg("%s", asy_errmsg());
    asy_member m = {.key = asy_rng_key(seed, 0),
                    .shuffle = asy_rng_key(seed, 1),
                    .optim = d->optim,
                    .steps_per_epoch = n->plan.steps,
                    .steps_total = (uint64_t)n->plan.steps * d->epochs,
                    .layer = n->plan.setting,
                    .class_weight = d->class_weight};
    n->values = asy_alloc(n->plan.shape.params + n->plan.shape.statistics + 1,
                          sizeof *n->values);
    float *statistics = n->values + n->plan.shape.params;
    assert_int_equal(asy_init_fill(d, &n->plan, m.key, n->values, statistics), ASY_OK);
    assert_int_equal(backend->pop_new(&n->plan.shape, 1, n->plan.eval_rows, &n->pop),
                     ASY_OK);
    assert_int_equal(backend->member_set(n->pop, 0, &m), ASY_OK);
    backend->write(n->pop, 0, ASY_ROLE_PARAM, n->values);
    backend->write(n->pop, 0, ASY_ROLE_STATISTICS, statistics);
    backend->totals_clear(n->pop);
}

void sample_net_close(sample_net *n)
{
    n->backend->pop_free(n->pop);
    asy_plan_fini(&n->plan);
    asy_free(n->values);
}
