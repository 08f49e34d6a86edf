/* bench.c - assay bench: how fast this machine trains the reference designs, on one
 * core.
 *
 * The data have the shapes of iris, digits and letter, drawn at random: what is timed
 * depends on shapes, not on values.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/trust.h"
#include "data/csv.h"
#include "math/isa.h"
#include "math/mat.h"
#include "nn/train.h"

enum { MOST_ROUNDS = 99, GEMM_SIDE = 512, ROUND_MS = 200 };

typedef struct shape {
    uint32_t rows, inputs, classes;
} shape;

static const shape iris = {150, 4, 3}, digits = {1797, 64, 10},
                   letter = {20000, 16, 26};

static const struct workload {
    const char *id, *words;
    const shape *shape;
    const char *design;
} workloads[] = {
    {"W1", "iris, 16-16 relu, adam, 50 epochs", &iris,
     "{\"hidden\":[{\"units\":16,\"repeat\":2}],\"batch\":16,\"epochs\":50}"},
    {"W2", "digits, 128-128 relu, adam, 20 epochs", &digits,
     "{\"hidden\":[{\"units\":128,\"repeat\":2}],\"batch\":64,\"epochs\":20}"},
    {"W3", "letter, 256-256 relu, adam, 5 epochs", &letter,
     "{\"hidden\":[{\"units\":256,\"repeat\":2}],\"batch\":128,\"epochs\":5}"},
    {"W4", "digits, 500 x 32 tanh, adam, 1 epoch", &digits,
     "{\"hidden\":[{\"units\":32,\"activation\":\"tanh\",\"repeat\":500}],\"batch\":64,"
     "\"epochs\":1}"},
    {"W5", "digits, 5 x 32 tanh, adam, 10 epochs", &digits,
     "{\"hidden\":[{\"units\":32,\"activation\":\"tanh\",\"repeat\":5}],\"batch\":32,"
     "\"epochs\":10}"},
    {"W6", "iris, 1000 x 4 relu, sgd, 5 epochs", &iris,
     "{\"hidden\":[{\"units\":4,\"repeat\":1000}],\"optimizer\":{\"name\":\"sgd\"},"
     "\"batch\":16,\"epochs\":5}"}};

enum { WORKLOADS = sizeof workloads / sizeof *workloads };

/* --- data --- */

/* Owns what a part points to. */
typedef struct made {
    asy_tensors tensors;
    float *x;
    int32_t *label;
} made;

static void made_fini(made *m)
{
    asy_free(m->x);
    asy_free(m->label);
}

/* Rows around the centre of their class; four fifths to learn from. */
static void made_init(made *m, const shape *s)
{
    asy_rng rng = asy_rng_open(asy_rng_key(1, s->rows), ASY_STREAM_SPLIT, 0);
    uint32_t train = s->rows / 5 * 4;
    *m = (made){.x = asy_alloc((size_t)s->rows * s->inputs, sizeof *m->x),
                .label = asy_alloc(s->rows, sizeof *m->label)};
    for (uint32_t i = 0; i < s->rows; i++) {
        m->label[i] = (int32_t)(i % s->classes);
        for (uint32_t k = 0; k < s->inputs; k++) {
            float centre = (float)((i % s->classes) * (k + 1) % 7) / 7;
            m->x[(size_t)i * s->inputs + k] = 0.5f * (centre + asy_rng_uniform_f(&rng));
        }
    }
    m->tensors =
        (asy_tensors){.inputs = s->inputs, .classes = s->classes, .outputs = 1};
    m->tensors.part[ASY_TRAIN] =
        (asy_tensors_part){.rows = train, .x = m->x, .label = m->label};
    m->tensors.part[ASY_TEST] =
        (asy_tensors_part){.rows = s->rows - train,
                           .x = m->x + (size_t)train * s->inputs,
                           .label = m->label + train};
}

/* --- timing --- */

/* Processor time: with one thread it is the clock's on an idle machine, and on a busy
 * one it still is that of this work. */
static uint64_t used_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

typedef struct timing {
    double seconds; /* a trial */
    double gflops;
} timing;

static int compare_timings(const void *a, const void *b)
{
    double x = ((const timing *)a)->seconds, y = ((const timing *)b)->seconds;
    return (x > y) - (x < y);
}

static timing median(timing *t, size_t n)
{
    qsort(t, n, sizeof *t, compare_timings);
    return t[n / 2];
}

/* Trials one after the other until the round's time is over. */
static asy_err time_round(asy_trainer *trainer, const asy_train_job *job, timing *out)
{
    uint64_t start = used_ns(), now = start;
    unsigned trials = 0;
    double flops = 0;
    do {
        asy_train_result result;
        asy_err err = asy_trainer_run(trainer, job, 1, &result);
        if (err)
            return err;
        flops += result.flops;
        asy_train_result_fini(&result);
        trials++;
        now = used_ns();
    } while (now - start < ROUND_MS * (uint64_t)1000000);
    double seconds = (double)(now - start) * 1e-9;
    *out = (timing){seconds / trials, flops / seconds * 1e-9};
    return ASY_OK;
}

static asy_err time_design(const asy_design *design, const asy_tensors *data,
                           size_t rounds, timing *out)
{
    timing each[MOST_ROUNDS];
    asy_train_job job = {.design = design, .data = data, .seed = 1, .shared_seed = 1};
    asy_trainer *trainer = asy_trainer_new(NULL);
    asy_err err = ASY_OK;
    for (size_t i = 0; i < rounds && !err; i++)
        err = time_round(trainer, &job, &each[i]);
    asy_trainer_free(trainer);
    if (!err)
        *out = median(each, rounds);
    return err;
}

static asy_err time_workload(const struct workload *w, size_t rounds, timing *out)
{
    json_t *tree;
    asy_design *design;
    made m;
    asy_err err = asy_json_parse(w->design, strlen(w->design), &tree);
    if (err)
        return err;
    err = asy_design_parse(tree, &design);
    json_decref(tree);
    if (err)
        return err;
    made_init(&m, w->shape);
    err = time_design(design, &m.tensors, rounds, out);
    made_fini(&m);
    asy_design_free(design);
    return err;
}

/* OpenBLAS's own rate on square matrices, in GFLOP/s. */
static asy_err time_gemm(size_t rounds, double *gflops)
{
    asy_mat a = {0}, b = {0}, y = {0};
    timing each[MOST_ROUNDS];
    asy_rng rng = asy_rng_open(asy_rng_key(1, 1), ASY_STREAM_RULE, 0);
    asy_err err = asy_mat_init(&a, GEMM_SIDE, GEMM_SIDE);
    if (!err)
        err = asy_mat_init(&b, GEMM_SIDE, GEMM_SIDE);
    if (!err) {
        asy_mat_fill_uniform(&a, 0, 1, &rng);
        asy_mat_fill_uniform(&b, 0, 1, &rng);
    }
    for (size_t i = 0; i < rounds && !err; i++) {
        uint64_t start = used_ns();
        for (int k = 0; k < 8 && !err; k++)
            err = asy_mat_mul(&y, &a, &b);
        each[i].seconds = (double)(used_ns() - start) * 1e-9 / 8;
    }
    if (!err)
        *gflops = 2.0 * GEMM_SIDE * GEMM_SIDE * GEMM_SIDE /
                  median(each, rounds).seconds * 1e-9;
    asy_mat_fini(&a);
    asy_mat_fini(&b);
    asy_mat_fini(&y);
    return err;
}

/* MB/s of reading a CSV file into a table. */
static asy_err time_csv(const char *path, size_t rounds, double *rate)
{
    timing each[MOST_ROUNDS];
    asy_map map;
    asy_err err = asy_map_open(path, &map);
    if (err)
        return err;
    double bytes = (double)map.len;
    asy_map_close(&map);
    for (size_t i = 0; i < rounds && !err; i++) {
        asy_table *table = NULL;
        uint64_t start = used_ns();
        err = asy_csv_load(path, &(asy_csv_options){.header = -1}, &table);
        each[i].seconds = (double)(used_ns() - start) * 1e-9;
        asy_table_free(table);
    }
    if (!err)
        *rate = bytes / median(each, rounds).seconds * 1e-6;
    return err;
}

/* --- the command --- */

/* 0 where nothing was timed. */
typedef struct figures {
    double gemm, csv;
    timing workload[WORKLOADS];
} figures;

static void print_workload(const struct workload *w, timing t)
{
    asy_buf time = {0};
    asy_text_put_seconds(&time, t.seconds);
    printf("%s  %-40s %10s a trial %8.1f/s %7.1f GFLOP/s\n", w->id, w->words,
           asy_buf_text(&time), 1 / t.seconds, t.gflops);
    asy_buf_fini(&time);
}

static void print_text(const figures *f)
{
    if (f->csv > 0) {
        printf("%.0f MB/s\n", f->csv);
        return;
    }
    printf("%s, OpenBLAS %s: %.1f GFLOP/s in products of %d x %d\n\n",
           asy_isa_name(asy_isa_get()), asy_blas_core(), f->gemm, GEMM_SIDE, GEMM_SIDE);
    for (size_t i = 0; i < WORKLOADS; i++)
        if (f->workload[i].seconds > 0)
            print_workload(&workloads[i], f->workload[i]);
}

static json_t *workloads_json(const figures *f)
{
    json_t *list = json_object();
    for (size_t i = 0; i < WORKLOADS; i++)
        if (f->workload[i].seconds > 0)
            json_object_set_new(list, workloads[i].id,
                                json_pack("{s:f,s:f}", "assay", f->workload[i].seconds,
                                          "gflops", f->workload[i].gflops));
    return list;
}

static void print_json(const figures *f)
{
    json_t *o = json_object();
    json_object_set_new(o, "isa", json_string(asy_isa_name(asy_isa_get())));
    json_object_set_new(o, "blas", json_string(asy_blas_core()));
    if (f->csv > 0)
        json_object_set_new(o, "csv", json_real(f->csv));
    if (f->gemm > 0)
        json_object_set_new(o, "sgemm_gflops", json_real(f->gemm));
    json_object_set_new(o, "workloads", workloads_json(f));
    asy_print_json(o);
    json_decref(o);
}

static asy_err time_all(const char *only, size_t rounds, figures *f)
{
    asy_err err = time_gemm(rounds, &f->gemm);
    for (size_t i = 0; i < WORKLOADS && !err; i++)
        if (!only || strcmp(only, workloads[i].id) == 0)
            err = time_workload(&workloads[i], rounds, &f->workload[i]);
    return err;
}

static bool is_known(const char *id)
{
    for (size_t i = 0; i < WORKLOADS; i++)
        if (strcmp(id, workloads[i].id) == 0)
            return true;
    return false;
}

static int bench(const asy_args *a)
{
    figures f = {0};
    const char *only = asy_args_text(a, "only"), *csv = asy_args_text(a, "csv");
    uint64_t rounds = asy_args_whole(a, "rounds");
    if (rounds < 1 || rounds > MOST_ROUNDS)
        return asy_wrong_usage(a, "--rounds: 1 to %d expected, got %llu", MOST_ROUNDS,
                               (unsigned long long)rounds);
    if (only && !is_known(only))
        return asy_wrong_usage(a, "--only: W1 to W%d expected, got '%s'", WORKLOADS,
                               only);
    asy_err err = asy_trust_blas(a);
    if (!err)
        err = csv ? time_csv(csv, rounds, &f.csv) : time_all(only, rounds, &f);
    if (!err && asy_args_flag(a, "json"))
        print_json(&f);
    else if (!err)
        print_text(&f);
    return err ? asy_cannot() : 0;
}

static const asy_option options[] = {
    {"rounds", ASY_OPTION_WHOLE, "N", "5", "rounds of each; medians are printed"},
    {"only", ASY_OPTION_TEXT, "W", NULL, "one of the designs: W1 to W6"},
    {"csv", ASY_OPTION_FILE, "FILE", NULL, "time reading this file instead"},
    {"json", ASY_OPTION_FLAG, NULL, NULL, "print one JSON object"},
    {0}};

const asy_command asy_cmd_bench = {
    .name = "bench",
    .summary = "time the reference designs on one core of this machine",
    .about =
        "Six designs from tiny to deep, on random data of the shapes of well-known\n"
        "tables. Seconds are those of the processor.\n",
    .options = options,
    .examples = "assay bench\nassay bench --rounds 9 --json\nassay bench --only W3\n",
    .run = bench};
