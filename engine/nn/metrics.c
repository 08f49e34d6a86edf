/* metrics.c - numbers that judge a network. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/text.h"
#include "nn/metrics.h"

const char *const asy_metric_names[ASY_METRIC_COUNT] = {
    "loss",     "accuracy", "top3", "top5", "balanced_accuracy", "f1", "auc",
    "log_loss", "rmse",     "mae",  "r2"};

static const bool larger_is_better[ASY_METRIC_COUNT] = {
    [ASY_METRIC_ACCURACY] = true, [ASY_METRIC_TOP3] = true,
    [ASY_METRIC_TOP5] = true,     [ASY_METRIC_BALANCED_ACCURACY] = true,
    [ASY_METRIC_F1] = true,       [ASY_METRIC_AUC] = true,
    [ASY_METRIC_R2] = true,
};

/* What a row says about belonging to class 1. */
struct asy_score {
    double score;
    int32_t label;
};

enum { HAS, GIVEN, RIGHT, COUNTS }; /* asy_judge.count[class][...] */

asy_err asy_judge_init(asy_judge *j, uint32_t width, uint32_t classes, uint64_t rows)
{
    *j = (asy_judge){.width = width, .classes = classes};
    if (classes > 0)
        j->count = asy_try_alloc((size_t)classes * COUNTS, sizeof *j->count);
    if (classes == 2)
        j->score = asy_try_alloc(rows ? rows : 1, sizeof *j->score);
    if ((classes == 0 || j->count) && (classes != 2 || j->score))
        return ASY_OK;
    asy_judge_fini(j);
    return asy_fail(ASY_ENOMEM, "no memory to judge %llu rows",
                    (unsigned long long)rows);
}

void asy_judge_fini(asy_judge *j)
{
    asy_free(j->count);
    asy_free(j->score);
    *j = (asy_judge){0};
}

/* ---- classification ---- */

static bool has_nan(const float *y, uint32_t width)
{
    bool found = false;
    for (uint32_t i = 0; i < width; i++)
        found |= isnan(y[i]) != 0;
    return found;
}

/* How many outputs stand before y[label] when sorted, the first of equals first. */
static uint32_t rank_of(const float *y, uint32_t width, uint32_t label)
{
    uint32_t before = 0;
    for (uint32_t i = 0; i < width; i++)
        before += i < label ? y[i] >= y[label] : y[i] > y[label];
    return before;
}

static uint32_t largest(const float *y, uint32_t width)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < width; i++)
        if (y[i] > y[best])
            best = i;
    return best;
}

static double log_loss_of(double p)
{
    const double least = 1e-15;
    return -log(fmin(fmax(p, least), 1 - least));
}

/* One output p stands for two: 1 - p and p. */
static void judge_one(asy_judge *j, double p, uint32_t label)
{
    uint32_t given = p > 0.5;
    j->count[given * COUNTS + GIVEN]++;
    j->count[label * COUNTS + RIGHT] += given == label;
    j->hits += given == label;
    j->log_loss += log_loss_of(label ? p : 1 - p);
}

static void judge_many(asy_judge *j, const float *y, uint32_t label)
{
    uint32_t before = rank_of(y, j->width, label);
    uint32_t given = before == 0 ? label : largest(y, j->width);
    j->count[given * COUNTS + GIVEN]++;
    j->count[label * COUNTS + RIGHT] += before == 0;
    j->hits += before == 0;
    j->hits3 += before < 3;
    j->hits5 += before < 5;
    j->log_loss += log_loss_of(y[label]);
}

static void judge_row(asy_judge *j, const float *y, uint32_t label)
{
    j->count[label * COUNTS + HAS]++;
    double score = j->width == 1 ? y[0] : (double)y[1] - y[0];
    if (j->score)
        j->score[j->scores++] = (struct asy_score){score, (int32_t)label};
    if (has_nan(y, j->width))
        j->log_loss = NAN;
    else if (j->width == 1)
        judge_one(j, y[0], label);
    else
        judge_many(j, y, label);
}

void asy_judge_classify(asy_judge *j, const float *y, uint32_t n, const int32_t *label)
{
    assert(j->classes == j->width || (j->classes == 2 && j->width == 1));
    j->rows += n;
    for (uint32_t i = 0; i < n; i++)
        judge_row(j, y + (size_t)i * j->width, (uint32_t)label[i]);
}

static int by_score(const void *a, const void *b)
{
    double x = ((const struct asy_score *)a)->score;
    double y = ((const struct asy_score *)b)->score;
    return (x > y) - (x < y);
}

/* Mann-Whitney: the sum of the ranks of class 1, equal scores sharing their mean rank.
 */
static double auc(asy_judge *j)
{
    double ranks = 0, ones = 0, n = (double)j->scores;
    for (uint64_t i = 0; i < j->scores; i++)
        if (isnan(j->score[i].score))
            return NAN;
    qsort(j->score, j->scores, sizeof *j->score, by_score);
    for (uint64_t first = 0, next; first < j->scores; first = next) {
        double in_tie = 0;
        for (next = first;
             next < j->scores && j->score[next].score == j->score[first].score; next++)
            in_tie += j->score[next].label;
        ranks += in_tie * ((double)(first + next + 1) / 2);
        ones += in_tie;
    }
    return (ranks - ones * (ones + 1) / 2) / (ones * (n - ones)); /* 0/0 is NaN */
}

static void end_classify(asy_judge *j, double *out)
{
    double n = (double)j->rows, classes = 0, recall = 0, f1 = 0;
    for (uint32_t c = 0; c < j->classes; c++) {
        const uint64_t *count = &j->count[(size_t)c * COUNTS];
        if (count[HAS] == 0)
            continue;
        classes++;
        recall += (double)count[RIGHT] / (double)count[HAS];
        f1 += 2 * (double)count[RIGHT] / (double)(count[HAS] + count[GIVEN]);
    }
    out[ASY_METRIC_ACCURACY] = (double)j->hits / n;
    out[ASY_METRIC_BALANCED_ACCURACY] = recall / classes;
    out[ASY_METRIC_F1] = f1 / classes;
    out[ASY_METRIC_LOG_LOSS] = j->log_loss / n;
    if (j->classes > 3)
        out[ASY_METRIC_TOP3] = (double)j->hits3 / n;
    if (j->classes > 5)
        out[ASY_METRIC_TOP5] = (double)j->hits5 / n;
    if (j->score)
        out[ASY_METRIC_AUC] = auc(j);
}

/* ---- regression ---- */

/* Mean and spread of the targets grow by Welford's rule, which loses no digits when the
 * mean is large against the spread. */
void asy_judge_regress(asy_judge *j, const float *y, uint32_t n, const float *target)
{
    j->rows += n;
    for (size_t i = 0; i < (size_t)n * j->width; i++) {
        double t = target[i], error = y[i] - t, off = t - j->mean_target;
        j->sum_squares += error * error;
        j->sum_abs += fabs(error);
        j->mean_target += off / (double)++j->targets;
        j->spread += off * (t - j->mean_target);
    }
}

static void end_regress(const asy_judge *j, double *out)
{
    double n = (double)j->targets;
    out[ASY_METRIC_RMSE] = sqrt(j->sum_squares / n);
    out[ASY_METRIC_MAE] = j->sum_abs / n;
    if (j->spread > 0)
        out[ASY_METRIC_R2] = 1 - j->sum_squares / j->spread;
}

void asy_judge_end(asy_judge *j, double out[ASY_METRIC_COUNT])
{
    for (int i = 0; i < ASY_METRIC_COUNT; i++)
        out[i] = NAN;
    if (j->rows == 0)
        return;
    if (j->classes > 0)
        end_classify(j, out);
    else
        end_regress(j, out);
}

/* ---- a whole part at once ---- */

void asy_metrics_classify(const float *y, uint32_t rows, uint32_t width,
                          uint32_t classes, const int32_t *label,
                          double out[ASY_METRIC_COUNT])
{
    asy_judge j;
    if (asy_judge_init(&j, width, classes, rows) == ASY_OK)
        asy_judge_classify(&j, y, rows, label);
    asy_judge_end(&j, out);
    asy_judge_fini(&j);
}

void asy_metrics_regress(const float *y, uint32_t rows, uint32_t width,
                         const float *target, double out[ASY_METRIC_COUNT])
{
    asy_judge j;
    if (asy_judge_init(&j, width, 0, rows) == ASY_OK)
        asy_judge_regress(&j, y, rows, target);
    asy_judge_end(&j, out);
    asy_judge_fini(&j);
}

/* ---- names ---- */

json_t *asy_metrics_json(const asy_metrics *m)
{
    json_t *o = json_object();
    for (int part = 0; part < ASY_PARTS; part++)
        for (int i = 0; i < ASY_METRIC_COUNT; i++) {
            char name[64];
            if (!isfinite(m->value[part][i]))
                continue;
            snprintf(name, sizeof name, "%s_%s", asy_part_names[part],
                     asy_metric_names[i]);
            json_object_set_new(o, name, asy_json_real(m->value[part][i]));
        }
    return o;
}

static const char *without_part(const char *name)
{
    for (int part = 0; part < ASY_PARTS; part++) {
        size_t n = strlen(asy_part_names[part]);
        if (strncmp(name, asy_part_names[part], n) == 0 && name[n] == '_')
            return name + n + 1;
    }
    return name;
}

static asy_err unknown_metric(const char *name)
{
    asy_buf known = {0};
    for (int i = 0; i < ASY_METRIC_COUNT; i++)
        asy_buf_printf(&known, "%s%s", i ? ", " : "", asy_metric_names[i]);
    const char *near =
        asy_text_nearest(without_part(name), asy_metric_names, ASY_METRIC_COUNT);
    asy_err e = asy_fail(ASY_EARG, "no metric \"%.40s\"%s%s%s; known: %s", name,
                         near ? "; did you mean \"" : "", near ? near : "",
                         near ? "\"?" : "", asy_buf_text(&known));
    asy_buf_fini(&known);
    return e;
}

asy_err asy_metric_direction(const char *name, bool *larger)
{
    for (int i = 0; i < ASY_METRIC_COUNT; i++)
        if (strcmp(without_part(name), asy_metric_names[i]) == 0) {
            *larger = larger_is_better[i];
            return ASY_OK;
        }
    return unknown_metric(name);
}
