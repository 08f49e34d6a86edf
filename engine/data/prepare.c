/* prepare.c - from a table to tensors, and the same again for another table. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/prepare.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "data/frame.h"
#include "data/label.h"
#include "data/layout.h"
#include "data/parts.h"
#include "data/step.h"

/* Everything between the table and the tensors. */
typedef struct work {
    const asy_prepare_job *job;
    asy_label label;
    asy_parts parts;
    asy_frame frame;
    json_t *fitted;      /* list */
    double shift, scale; /* of a standardized regression label: (y - shift) / scale */
} work;

/* The last step of that op, or NULL. */
static const json_t *find_step(const json_t *steps, const char *op)
{
    const json_t *step, *found = NULL;
    size_t i;
    json_array_foreach (steps, i, step)
        if (strcmp(json_string_value(json_object_get(step, "op")), op) == 0)
            found = step;
    return found;
}

static uint64_t seed_of(const work *w, const json_t *step)
{
    const json_t *seed = json_object_get(step, "seed");
    return json_is_integer(seed) ? (uint64_t)json_integer_value(seed) : w->job->seed;
}

/* --- the label and the rows --- */

static asy_err make_label(work *w)
{
    const json_t *task = find_step(w->job->steps, "task");
    if (w->job->label >= w->job->table->columns)
        return asy_fail(ASY_EARG, "label: column %u of %u", w->job->label + 1,
                        w->job->table->columns);
    const char *name = task ? json_string_value(json_object_get(task, "task")) : "auto";
    asy_err e = asy_label_make(w->job->table, w->job->label, name, &w->label);
    uint64_t dropped = w->job->table->rows - w->label.count;
    if (!e && dropped > 0)
        asy_log(ASY_INFO, "%llu rows have no label and are left out",
                (unsigned long long)dropped);
    return e;
}

static asy_err draw_parts(work *w)
{
    const asy_parts_job job = {.table = w->job->table,
                               .label = &w->label,
                               .split = find_step(w->job->steps, "split"),
                               .seed = w->job->seed,
                               .folds = w->job->folds,
                               .fold = w->job->fold};
    if (job.folds > 1 && job.fold >= job.folds)
        return asy_fail(ASY_EARG, "fold %u of %u", job.fold, job.folds);
    return asy_parts_draw(&job, &w->parts);
}

/* Statistics have been fitted by now: rows drawn twice do not count twice in them. */
static asy_err order_training_rows(work *w)
{
    const json_t *balance = find_step(w->job->steps, "balance");
    const json_t *shuffle = find_step(w->job->steps, "shuffle");
    asy_err e = ASY_OK;
    if (balance) {
        const char *how = json_string_value(json_object_get(balance, "how"));
        e = asy_parts_balance(&w->parts, &w->label, strcmp(how, "over") == 0,
                              seed_of(w, balance));
    }
    if (!e && shuffle)
        asy_parts_shuffle(&w->parts, seed_of(w, shuffle));
    return e;
}

/* {op:"standardize", label:true}: mean and deviation of the training part's targets. */
static void fit_target(work *w)
{
    const uint32_t *row = w->parts.row[ASY_TRAIN];
    uint32_t n = w->parts.count[ASY_TRAIN];
    const json_t *step;
    bool wanted = false;
    size_t i;
    double sum = 0, squares = 0;
    w->scale = 1;
    json_array_foreach (w->job->steps, i, step)
        wanted |= json_is_true(json_object_get(step, "label"));
    if (!wanted || w->label.classify)
        return;
    for (uint32_t k = 0; k < n; k++)
        sum += w->label.target[row[k]];
    w->shift = sum / n;
    for (uint32_t k = 0; k < n; k++) {
        double d = w->label.target[row[k]] - w->shift;
        squares += d * d;
    }
    w->scale = squares > 0 ? sqrt(squares / n) : 1;
}

/* --- the features --- */

static asy_err run_step(work *w, const asy_fit *fit, const json_t *step)
{
    const char *op = json_string_value(json_object_get(step, "op"));
    const asy_step *s = asy_step_find(op);
    bool label_only = json_is_true(json_object_get(step, "label")) &&
                      !json_is_array(json_object_get(step, "columns"));
    json_t *fitted = NULL;
    if (!s || label_only)
        return ASY_OK;
    asy_err e = s->fit(fit, step, &fitted);
    if (!e && fitted)
        e = s->apply(&w->frame, fitted);
    if (!e && fitted)
        json_array_append(w->fitted, fitted);
    json_decref(fitted);
    return e;
}

static asy_err run_steps(work *w)
{
    const asy_table *t = w->job->table;
    const asy_fit fit = {.frame = &w->frame,
                         .label = w->job->label,
                         .row = w->parts.row[ASY_TRAIN],
                         .n = w->parts.count[ASY_TRAIN]};
    const json_t *split = find_step(w->job->steps, "split"), *step;
    const char *by = json_string_value(json_object_get(split, "by"));
    uint32_t by_column;
    size_t i;
    if (by && !asy_table_find(t, by, &by_column))
        by = t->column[by_column].name;
    json_t *columns = asy_step_fit_columns(t, fit.label, by, fit.row, fit.n);
    w->fitted = json_array();
    w->frame.table = t;
    asy_err e = asy_step_apply_columns(&w->frame, columns);
    json_array_append_new(w->fitted, columns);
    json_array_foreach (w->job->steps, i, step) {
        if (!e && (e = run_step(w, &fit, step)))
            asy_fail_in(e, "prepare[%zu] %s", i + 1,
                        json_string_value(json_object_get(step, "op")));
    }
    if (!e && w->frame.count == 0)
        e = asy_fail(ASY_EARG, "prepare: no column is left to learn from");
    return e ? e : asy_frame_check(&w->frame, w->label.row, w->label.count);
}

/* --- the tensors --- */

static json_t *make_meta(const work *w)
{
    const asy_table *t = w->job->table;
    json_t *inputs = json_array();
    for (uint32_t i = 0; i < w->frame.count; i++)
        json_array_append_new(inputs, json_string(w->frame.feature[i].name));
    json_t *meta = json_pack(
        "{s:s, s:s, s:o, s:O, s:I}", "label", t->column[w->job->label].name, "task",
        w->label.classify ? "classify" : "regress", "inputs", inputs, "fitted",
        w->fitted, "dropped_rows", (json_int_t)(t->rows - w->label.count));
    json_object_set_new(meta, "classes",
                        w->label.classify ? json_incref(w->label.names) : json_array());
    if (w->shift != 0 || w->scale != 1)
        json_object_set_new(meta, "label_scale",
                            json_pack("[f, f]", w->shift, w->scale));
    return meta;
}

enum { KINDS = 3, TENSORS = KINDS * ASY_PARTS };

/* The tensors that will be there, without data: x, y and row of each part with rows. */
static size_t plan_tensors(const work *w, asy_tensor *tensor, char name[TENSORS][32])
{
    static const char *const kinds[KINDS] = {"x", "y", "row"};
    size_t n = 0;
    for (int p = 0; p < ASY_PARTS; p++) {
        for (int k = 0; w->parts.count[p] > 0 && k < KINDS; k++) {
            bool real = k == 0 || (k == 1 && !w->label.classify);
            snprintf(name[n], 32, "%s_%s", kinds[k], asy_part_names[p]);
            tensor[n] =
                (asy_tensor){.name = name[n],
                             .dtype = real ? "F32" : "I32",
                             .rank = real ? 2 : 1,
                             .shape = {w->parts.count[p], k == 0 ? w->frame.count : 1}};
            n++;
        }
    }
    return n;
}

static asy_err fill_answers(const work *w, const uint32_t *row, uint32_t n, void *out)
{
    int32_t *class_of = out;
    float *target = out;
    for (uint32_t i = 0; w->label.classify && i < n; i++)
        class_of[i] = w->label.class_of[row[i]];
    for (uint32_t i = 0; !w->label.classify && i < n; i++) {
        target[i] = (float)((w->label.target[row[i]] - w->shift) / w->scale);
        if (!isfinite(target[i]))
            return asy_fail(ASY_EARG,
                            "label, row %u: %g is too large; standardize the label",
                            row[i] + 1, w->label.target[row[i]]);
    }
    return ASY_OK;
}

/* Fills the tensors in the order of plan_tensors(). */
static asy_err fill_tensors(const work *w, const uint64_t *offset, char *data)
{
    asy_err e = ASY_OK;
    size_t n = 0;
    for (int p = 0; !e && p < ASY_PARTS; p++) {
        const uint32_t *row = w->parts.row[p];
        uint32_t count = w->parts.count[p];
        if (count == 0)
            continue;
        asy_frame_encode(&w->frame, row, count, (float *)(void *)(data + offset[n]));
        e = fill_answers(w, row, count, data + offset[n + 1]);
        memcpy(data + offset[n + 2], row, count * sizeof *row);
        n += KINDS;
    }
    return e;
}

static asy_err make_tensors(const work *w, asy_tensors **out)
{
    asy_tensor tensor[TENSORS];
    char name[TENSORS][32];
    uint64_t offset[TENSORS], total = 0;
    asy_buf head = {0}, text = {0};
    json_t *meta = make_meta(w);
    asy_json_canonical(&text, meta);
    json_t *metadata = json_pack("{s:s}", "assay", asy_buf_text(&text));
    size_t n = plan_tensors(w, tensor, name);
    asy_tensors *t = asy_alloc(1, sizeof *t);
    asy_err e = asy_layout_make(tensor, n, metadata, &head, offset, &total);
    if (!e && !(t->heap = asy_try_alloc_aligned(total, 1)))
        e = asy_fail(ASY_ENOMEM, "no memory for prepared data of %llu bytes",
                     (unsigned long long)total);
    if (!e) {
        t->heap_len = total;
        memcpy(t->heap, head.data, head.len);
        e = fill_tensors(w, offset, (char *)t->heap + head.len);
    }
    json_decref(metadata);
    json_decref(meta);
    asy_buf_fini(&text);
    asy_buf_fini(&head);
    if (!e)
        return asy_tensors_adopt(t, out);
    asy_tensors_free(t);
    return e;
}

asy_err asy_prepare_run(const asy_prepare_job *job, asy_tensors **out)
{
    work w = {.job = job};
    *out = NULL;
    asy_err e = asy_prepare_check(job->steps);
    if (!e)
        e = make_label(&w);
    if (!e)
        e = draw_parts(&w);
    if (!e)
        fit_target(&w);
    if (!e)
        e = run_steps(&w);
    if (!e)
        e = order_training_rows(&w);
    if (!e)
        e = make_tensors(&w, out);
    json_decref(w.fitted);
    asy_frame_fini(&w.frame);
    asy_parts_fini(&w.parts);
    asy_label_fini(&w.label);
    return e;
}

/* --- again, on another table --- */

static asy_err apply_all(asy_frame *f, const json_t *fitted)
{
    const json_t *entry;
    size_t i;
    asy_err e = ASY_OK;
    json_array_foreach (fitted, i, entry) {
        const char *op = json_string_value(json_object_get(entry, "op"));
        const asy_step *step = asy_step_find(op);
        if (i == 0 && op && strcmp(op, "columns") == 0)
            e = asy_step_apply_columns(f, entry);
        else if (i > 0 && step)
            e = step->apply(f, entry);
        else
            e = asy_fail(ASY_EARG, "the fitted preparation has an unknown entry \"%s\"",
                         op ? op : "");
        if (e)
            break;
    }
    if (!e && f->count == 0)
        e = asy_fail(ASY_EARG, "the fitted preparation has no columns");
    return e;
}

asy_err asy_prepare_apply(const json_t *fitted, const asy_table *table, float **x,
                          uint64_t *rows, uint32_t *inputs)
{
    asy_frame f = {.table = table};
    *x = NULL;
    *rows = 0;
    *inputs = 0;
    asy_err e = table->rows > INT32_MAX
                    ? asy_fail(ASY_EARG, "more than %d rows", INT32_MAX)
                    : apply_all(&f, fitted);
    if (!e)
        e = asy_frame_check(&f, NULL, (uint32_t)table->rows);
    if (!e && !(*x = asy_try_alloc(table->rows * f.count, sizeof **x)))
        e = asy_fail(ASY_ENOMEM, "no memory for %llu rows of %u inputs",
                     (unsigned long long)table->rows, f.count);
    if (!e) {
        *rows = table->rows;
        *inputs = f.count;
        asy_frame_encode(&f, NULL, (uint32_t)table->rows, *x);
    }
    asy_frame_fini(&f);
    return e;
}
