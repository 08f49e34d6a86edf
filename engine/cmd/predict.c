/* predict.c - assay predict: applies an exported network to a CSV file. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/sheet.h"
#include "data/csv.h"
#include "data/prepare.h"
#include "nn/model.h"

/* The model, the table, and the network's outputs for each of its rows. */
typedef struct prediction {
    asy_model *model;
    asy_table *table;
    const json_t *classes; /* of the model; empty for regression */
    const char *label;     /* "" when the model does not say */
    bool has_probabilities;
    double shift, scale; /* target = output * scale + shift */
    float *y;            /* (rows, outputs), owned */
    uint64_t rows;
    uint32_t outputs;
} prediction;

static void prediction_fini(prediction *p)
{
    asy_model_free(p->model);
    asy_table_free(p->table);
    asy_free(p->y);
}

/* --- the network at work --- */

static asy_err read_meta(prediction *p)
{
    const json_t *meta = asy_model_meta(p->model);
    const json_t *scale = json_object_get(meta, "label_scale");
    const char *loss =
        json_string_value(json_object_get(json_object_get(meta, "design"), "loss"));
    const char *label = json_string_value(json_object_get(meta, "label"));
    p->classes = json_object_get(meta, "classes");
    p->label = label ? label : "";
    p->outputs = asy_model_outputs(p->model);
    p->has_probabilities = !loss || strstr(loss, "cross_entropy") != NULL;
    p->scale = 1;
    if (json_array_size(scale) == 2) {
        p->shift = json_number_value(json_array_get(scale, 0));
        p->scale = json_number_value(json_array_get(scale, 1));
    }
    size_t n = json_array_size(p->classes);
    if (n > 0 && p->outputs != n && !(p->outputs == 1 && n == 2))
        return asy_fail(ASY_EARG, "the model has %u outputs for %zu classes",
                        p->outputs, n);
    return ASY_OK;
}

static asy_err run_model(prediction *p)
{
    const json_t *fitted = json_object_get(asy_model_meta(p->model), "fitted");
    uint32_t inputs;
    float *x = NULL;
    asy_err err = asy_prepare_apply(fitted, p->table, &x, &p->rows, &inputs);
    if (!err && inputs != asy_model_inputs(p->model))
        err = asy_fail(ASY_EARG, "the model has %u inputs, its preparation makes %u",
                       asy_model_inputs(p->model), inputs);
    if (!err && !(p->y = asy_try_alloc(p->rows * p->outputs, sizeof *p->y)))
        err = asy_fail(ASY_ENOMEM, "no memory for %llu predictions",
                       (unsigned long long)p->rows);
    if (!err)
        err = asy_model_predict(p->model, x, p->rows, p->y);
    asy_free(x);
    return err;
}

static asy_err predict_table(const char *model, const char *data, prediction *p)
{
    asy_err err = asy_model_open(model, &p->model);
    if (!err)
        err = read_meta(p);
    if (!err)
        err = asy_csv_load(data, NULL, &p->table);
    if (!err) {
        err = run_model(p);
        if (err)
            asy_fail_in(err, "%s", data);
    }
    return err;
}

/* --- answers
 * ------------------------------------------------------------------------------------
 */

/* One output for two classes is the probability of the second. */
static double output_of(const prediction *p, uint64_t row, uint32_t class)
{
    const float *y = p->y + row * p->outputs;
    if (p->outputs == 1 && json_array_size(p->classes) == 2)
        return class ? y[0] : 1 - (double)y[0];
    return y[class];
}

static const char *class_name(const prediction *p, uint32_t class)
{
    const char *name = json_string_value(json_array_get(p->classes, class));
    return name ? name : "";
}

static uint32_t best_class(const prediction *p, uint64_t row)
{
    uint32_t best = 0;
    for (uint32_t k = 1; k < json_array_size(p->classes); k++)
        if (output_of(p, row, k) > output_of(p, row, best))
            best = k;
    return best;
}

static bool classifies(const prediction *p) { return json_array_size(p->classes) > 0; }

static double target_of(const prediction *p, uint64_t row)
{
    return p->y[row * p->outputs] * p->scale + p->shift;
}

/* --- how right they are, where the table has the label --- */

typedef struct verdict {
    uint64_t n;       /* rows with a label */
    const char *name; /* of the measure */
    double value;
} verdict;

/* The label of a row as text; "" when missing. */
static const char *true_class(const asy_column *c, uint64_t row, asy_buf *scratch)
{
    asy_buf_clear(scratch);
    if (c->code)
        return c->code[row] < 0 ? "" : c->names[c->code[row]];
    if (c->number && !isnan(c->number[row]))
        asy_text_put_number(scratch, c->number[row]);
    return asy_buf_text(scratch);
}

static verdict judge(const prediction *p)
{
    verdict v = {.name = classifies(p) ? "accuracy" : "rmse"};
    asy_buf scratch = {0};
    const asy_column *c = NULL;
    for (uint32_t i = 0; i < p->table->columns; i++)
        if (*p->label && strcmp(p->table->column[i].name, p->label) == 0)
            c = &p->table->column[i];
    for (uint64_t r = 0; c && classifies(p) && r < p->rows; r++) {
        const char *is = true_class(c, r, &scratch);
        v.n += *is != '\0';
        v.value += *is && strcmp(is, class_name(p, best_class(p, r))) == 0;
    }
    for (uint64_t r = 0; c && c->number && !classifies(p) && r < p->rows; r++) {
        double e = target_of(p, r) - c->number[r];
        v.n += !isnan(e);
        v.value += isnan(e) ? 0 : e * e;
    }
    if (v.n > 0)
        v.value = classifies(p) ? v.value / (double)v.n : sqrt(v.value / (double)v.n);
    asy_buf_fini(&scratch);
    return v;
}

/* --- writing
 * ---------------------------------------------------------------------------------------
 */

static void put_heads(asy_buf *b, const prediction *p)
{
    asy_buf_puts(b, "row,prediction");
    for (uint32_t k = 0; k < json_array_size(p->classes); k++) {
        asy_buf name = {0};
        asy_buf_printf(&name, "%s_%s", p->has_probabilities ? "p" : "output",
                       class_name(p, k));
        asy_buf_putc(b, ',');
        asy_sheet_text(b, asy_buf_text(&name));
        asy_buf_fini(&name);
    }
    asy_buf_putc(b, '\n');
}

static void put_row(asy_buf *b, const prediction *p, uint64_t row)
{
    asy_buf_printf(b, "%llu,", (unsigned long long)row + 1);
    if (classifies(p))
        asy_sheet_text(b, class_name(p, best_class(p, row)));
    else
        asy_buf_printf(b, "%.9g", target_of(p, row));
    for (uint32_t k = 0; k < json_array_size(p->classes); k++)
        asy_buf_printf(b, ",%.6g", output_of(p, row, k));
    asy_buf_putc(b, '\n');
}

static asy_err write_rows(const prediction *p, FILE *f)
{
    asy_buf b = {0};
    put_heads(&b, p);
    for (uint64_t r = 0; r < p->rows; r++) {
        put_row(&b, p, r);
        if (b.len > 1 << 16 || r + 1 == p->rows) {
            fwrite(b.data, 1, b.len, f);
            asy_buf_clear(&b);
        }
    }
    asy_buf_fini(&b);
    return fflush(f) == 0 && !ferror(f) ? ASY_OK
                                        : asy_fail(ASY_EIO, "cannot write: %m");
}

/* Beside its place first, so that no half-written file takes the name. */
static asy_err write_file(const prediction *p, const char *path)
{
    asy_buf beside = {0};
    asy_buf_printf(&beside, "%s.%ld.part", path, (long)getpid());
    FILE *f = fopen(asy_buf_text(&beside), "wb");
    asy_err err = f ? write_rows(p, f) : asy_fail(ASY_EIO, "cannot be made: %m");
    if (f && fclose(f) != 0 && !err)
        err = asy_fail(ASY_EIO, "cannot write: %m");
    if (!err && rename(asy_buf_text(&beside), path) != 0)
        err = asy_fail(ASY_EIO, "cannot be renamed: %m");
    if (err) {
        (void)unlink(asy_buf_text(&beside));
        asy_fail_in(err, "%s", path);
    }
    asy_buf_fini(&beside);
    return err;
}

static void print_json(const prediction *p, const verdict *v)
{
    json_t *o = json_object(), *list = json_array();
    for (uint64_t r = 0; r < p->rows; r++)
        json_array_append_new(list, classifies(p)
                                        ? json_string(class_name(p, best_class(p, r)))
                                        : asy_json_real(target_of(p, r)));
    json_object_set_new(o, "rows", json_integer((json_int_t)p->rows));
    json_object_set_new(o, "label", json_string(p->label));
    if (v->n > 0) {
        json_object_set_new(o, "labelled", json_integer((json_int_t)v->n));
        json_object_set_new(o, v->name, asy_json_real(v->value));
    }
    json_object_set_new(o, "predictions", list);
    asy_print_json(o);
    json_decref(o);
}

static asy_err answer(const asy_args *a, const prediction *p)
{
    const char *path = asy_args_text(a, "out");
    verdict v = judge(p);
    asy_err err = ASY_OK;
    if (path)
        err = write_file(p, path);
    if (!err && asy_args_flag(a, "json"))
        print_json(p, &v);
    else if (!err && !path)
        err = write_rows(p, stdout);
    if (!err && path && !asy_args_flag(a, "json"))
        printf("%s: %llu predictions\n", path, (unsigned long long)p->rows);
    if (!err && v.n > 0)
        fprintf(stderr, "%s %.4g over %llu rows that have a label\n", v.name, v.value,
                (unsigned long long)v.n);
    return err;
}

static int predict(const asy_args *a)
{
    prediction p = {0};
    const char *data = asy_args_text(a, "data");
    if (!data)
        return asy_wrong_usage(a, "--data FILE expected");
    asy_err err = predict_table(asy_args_at(a, 0), data, &p);
    if (!err)
        err = answer(a, &p);
    prediction_fini(&p);
    return err ? asy_cannot() : 0;
}

static const asy_option options[] = {
    {"data", ASY_OPTION_FILE, "FILE", NULL,
     "a CSV file with the columns of the training data"},
    {"out", ASY_OPTION_FILE, "FILE", NULL, "where to write CSV [standard output]"},
    {"json", ASY_OPTION_FLAG, NULL, NULL, "print one JSON object"},
    {0}};

const asy_command asy_cmd_predict = {
    .name = "predict",
    .summary = "apply an exported network to a CSV file",
    .arguments = "MODEL",
    .min_arguments = 1,
    .max_arguments = 1,
    .about =
        "The file's columns are matched by name and prepared as the training data "
        "were. Each "
        "row gives\nits number, the prediction, and the probability of each class. "
        "Where the "
        "file has the label,\nstandard error says how many predictions are right.\n",
    .options = options,
    .examples = "assay predict model.safetensors --data new.csv\n"
                "assay predict model.safetensors --data new.csv --out answers.csv\n",
    .run = predict};
