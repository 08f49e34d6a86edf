/* effect.c - the main effect of one parameter: levels, bootstrap, and a second look. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/effect.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "base/text.h"

enum {
    FEW_VALUES = 12, /* numbers with at most so many values are their own levels */
    BIN_ROWS = 20,   /* proposals a bin should have */
    MAX_BINS = 8,
    DRAW_ROWS = 200, /* proposals of a level that a bootstrap draw takes at most */
    HALF_ROWS = 3    /* proposals that a level needs in each half */
};

/* The scores of the proposals that have the parameter, level by level. */
typedef struct groups {
    size_t n, levels;
    double *score;                   /* [n], owned */
    uint32_t *row;                   /* [n], the proposal; owned */
    size_t from[ASY_MAX_LEVELS + 1]; /* where each level begins in score */
} groups;

typedef struct cell {
    double value; /* or the rank of a text */
    uint32_t row;
} cell;

static int by_value(const void *a, const void *b)
{
    const cell *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return x->row < y->row ? -1 : 1;
}

/* --- levels --- */

/* The rank of each text by how often it occurs; those beyond the most levels share one.
 */
static void rank_texts(const asy_trials *t, const asy_factor *f, double *rank)
{
    uint32_t n = f->names.count;
    cell *count = asy_alloc(n + 1, sizeof *count);
    for (uint32_t k = 0; k < n; k++)
        count[k].row = k;
    for (size_t i = 0; i < t->rows; i++)
        if (f->code[i] >= 0)
            count[f->code[i]].value--;
    qsort(count, n, sizeof *count, by_value);
    for (uint32_t k = 0; k < n; k++)
        rank[count[k].row] = k < ASY_MAX_LEVELS - 1 ? k : ASY_MAX_LEVELS - 1;
    asy_free(count);
}

/* The cells that are present and scored, sorted by value. */
static cell *collect(const asy_trials *t, const asy_factor *f, asy_effect *out)
{
    cell *c = asy_alloc(t->rows + 1, sizeof *c);
    double *rank = asy_alloc(f->names.count + 1, sizeof *rank);
    if (f->has_text)
        rank_texts(t, f, rank);
    for (size_t i = 0; i < t->rows; i++) {
        bool present = f->has_text ? f->code[i] >= 0 : !isnan(f->number[i]);
        if (t->row[i].score.n == 0)
            continue;
        out->absent += !present;
        if (present)
            c[out->n++] =
                (cell){f->has_text ? rank[f->code[i]] : f->number[i], (uint32_t)i};
    }
    qsort(c, out->n, sizeof *c, by_value);
    asy_free(rank);
    return c;
}

static size_t count_values(const cell *c, size_t n)
{
    size_t values = 0;
    for (size_t i = 0; i < n; i++)
        values += i == 0 || c[i].value != c[i - 1].value;
    return values;
}

static void name_level(const asy_factor *f, const cell *c, size_t n, asy_level *l)
{
    asy_buf b = {0};
    l->from = f->has_text ? NAN : c[0].value;
    l->to = f->has_text ? NAN : c[n - 1].value;
    if (f->has_text && c[0].value == ASY_MAX_LEVELS - 1) {
        asy_buf_puts(&b, "(others)");
    } else if (f->has_text) {
        asy_buf_puts(&b, asy_dict_text(&f->names, f->code[c[0].row]));
    } else if (c[0].value == c[n - 1].value) {
        asy_text_put_number(&b, c[0].value);
    } else {
        asy_buf_printf(&b, "%.4g .. %.4g", c[0].value, c[n - 1].value);
    }
    snprintf(l->name, sizeof l->name, "%s", asy_buf_text(&b));
    asy_buf_fini(&b);
}

/* Cuts the sorted cells into levels: one a value, or bins of equal counts that never
 * part equal values. */
static void cut(const cell *c, asy_effect *out, groups *g)
{
    size_t values = count_values(c, out->n), bins = out->n / BIN_ROWS;
    size_t most = out->factor->has_text ? ASY_MAX_LEVELS : FEW_VALUES;
    out->is_binned = values > most;
    bins = bins < 2 ? 2 : bins > MAX_BINS ? MAX_BINS : bins;
    for (size_t i = 0; i < out->n; i++) {
        bool new_value = i == 0 || c[i].value != c[i - 1].value;
        bool due = !out->is_binned || i * bins >= out->n * g->levels;
        if (new_value && due)
            g->from[g->levels++] = i;
    }
    g->from[g->levels] = out->n;
}

static bool make_groups(const asy_trials *t, asy_effect *out, groups *g)
{
    cell *c = collect(t, out->factor, out);
    cut(c, out, g);
    g->n = out->n;
    g->score = asy_alloc(g->n + 1, sizeof *g->score);
    g->row = asy_alloc(g->n + 1, sizeof *g->row);
    for (size_t i = 0; i < g->n; i++) {
        g->row[i] = c[i].row;
        g->score[i] = t->row[c[i].row].score.mean;
    }
    out->levels = g->levels;
    for (size_t k = 0; k < g->levels; k++) {
        asy_level *l = &out->level[k];
        name_level(out->factor, c + g->from[k], g->from[k + 1] - g->from[k], l);
        for (size_t i = g->from[k]; i < g->from[k + 1]; i++)
            asy_mean_add(&l->score, g->score[i]);
    }
    asy_free(c);
    return g->levels >= 2;
}

/* --- the share of variance --- */

/* Sums of squares between and within levels of given sizes, means and variances. */
static void split_variance(const asy_effect *e, const double *mean,
                           const double *variance, double *between, double *within)
{
    double all = 0;
    *between = *within = 0;
    for (size_t k = 0; k < e->levels; k++)
        all += (double)e->level[k].score.n * mean[k];
    all /= (double)e->n;
    for (size_t k = 0; k < e->levels; k++) {
        double n = (double)e->level[k].score.n;
        *between += n * (mean[k] - all) * (mean[k] - all);
        *within += (n - 1) * variance[k];
    }
}

static bool measure_eta(asy_effect *e)
{
    double mean[ASY_MAX_LEVELS], variance[ASY_MAX_LEVELS], between, within;
    for (size_t k = 0; k < e->levels; k++) {
        mean[k] = e->level[k].score.mean;
        variance[k] = asy_mean_variance(&e->level[k].score);
    }
    split_variance(e, mean, variance, &between, &within);
    e->eta = between / (between + within);
    e->chance = (double)(e->levels - 1) / (double)(e->n - 1);
    return between + within > 0;
}

/* One bootstrap draw of a level: mean and variance of scores drawn with replacement. Of
 * a large level only some are drawn; the deviation from the whole is then scaled down
 * by sqrt(drawn / all), as it would be with all of them. */
static void draw_level(const double *score, const asy_mean *whole, asy_dice *dice,
                       double *mean, double *variance)
{
    size_t n = whole->n, m = n < DRAW_ROWS ? n : DRAW_ROWS;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < m; i++) {
        double d = score[asy_dice_below(dice, (uint32_t)n)] - whole->mean;
        sum += d;
        squares += d * d;
    }
    double shift = sum / (double)m, scale = sqrt((double)m / (double)n);
    double spread = m < 2 ? 0 : (squares - sum * shift) / (double)(m - 1);
    double v = asy_mean_variance(whole);
    *mean = whole->mean + shift * scale;
    *variance = v + (spread - v) * scale;
    *variance = *variance > 0 ? *variance : 0;
}

/* Levels drawn anew are further apart than those seen, by (levels - 1) variances: taken
 * off so that the draws of eta lie around eta. */
static double draw_eta(const asy_effect *e, const double *mean, const double *variance)
{
    double between, within;
    split_variance(e, mean, variance, &between, &within);
    double freedom = (double)(e->n - e->levels);
    double noise = freedom > 0 ? (double)(e->levels - 1) * within / freedom : 0;
    double all = between - noise + within;
    double eta = all > 0 ? (between - noise) / all : 0;
    return eta < 0 ? 0 : eta > 1 ? 1 : eta;
}

static void interval(double *draw, double *low, double *high)
{
    asy_stat_sort(draw, ASY_DRAWS);
    *low = asy_stat_quantile(draw, ASY_DRAWS, 0.025);
    *high = asy_stat_quantile(draw, ASY_DRAWS, 0.975);
}

static void bootstrap(const groups *g, asy_dice dice, asy_effect *e)
{
    double *draw = asy_alloc((e->levels + 1) * ASY_DRAWS, sizeof *draw);
    double *etas = draw + e->levels * ASY_DRAWS;
    for (size_t b = 0; b < ASY_DRAWS; b++) {
        double mean[ASY_MAX_LEVELS], variance[ASY_MAX_LEVELS];
        for (size_t k = 0; k < e->levels; k++) {
            draw_level(g->score + g->from[k], &e->level[k].score, &dice, &mean[k],
                       &variance[k]);
            draw[k * ASY_DRAWS + b] = mean[k];
        }
        etas[b] = draw_eta(e, mean, variance);
    }
    for (size_t k = 0; k < e->levels; k++) {
        asy_level *l = &e->level[k];
        l->low = l->high = NAN;
        if (l->score.n > 1)
            interval(draw + k * ASY_DRAWS, &l->low, &l->high);
    }
    interval(etas, &e->low, &e->high);
    asy_free(draw);
}

/* --- the second look --- */

/* Difference of two means with its 95 % interval (Welch). */
static void compare(const asy_mean *a, const asy_mean *b, asy_holdout *h)
{
    double x = asy_mean_variance(a) / (double)a->n,
           y = asy_mean_variance(b) / (double)b->n;
    double freedom =
        (x + y) * (x + y) / (x * x / (double)(a->n - 1) + y * y / (double)(b->n - 1));
    uint64_t df = freedom >= 1 ? (uint64_t)freedom : 1; /* NaN when nothing varies */
    double margin = asy_stat_t(df, 0.95) * sqrt(x + y);
    h->difference = a->mean - b->mean;
    h->low = h->difference - margin;
    h->high = h->difference + margin;
}

static void judge(bool maximize, asy_holdout *h)
{
    double gain = maximize ? h->difference : -h->difference;
    double surely = maximize ? h->low : -h->high;
    h->is_sure = surely > 0;
    h->verdict = h->is_sure ? "holds" : gain > 0 ? "weak" : "fails";
}

static void look_twice(const asy_trials *t, const groups *g, asy_key key, asy_effect *e)
{
    asy_mean first[ASY_MAX_LEVELS] = {{0}}, second[ASY_MAX_LEVELS] = {{0}};
    asy_perm order = asy_perm_make(key, 0, (uint32_t)t->rows);
    asy_holdout *h = &e->holdout;
    for (size_t k = 0; k < e->levels; k++)
        for (size_t i = g->from[k]; i < g->from[k + 1]; i++)
            asy_mean_add(asy_perm_at(&order, g->row[i]) % 2 ? &first[k] : &second[k],
                         g->score[i]);
    size_t good = ASY_MAX_LEVELS, bad = ASY_MAX_LEVELS;
    double sign = t->maximize ? 1 : -1;
    for (size_t k = 0; k < e->levels; k++) {
        if (first[k].n < HALF_ROWS || second[k].n < HALF_ROWS)
            continue;
        if (good == ASY_MAX_LEVELS || sign * first[k].mean > sign * first[good].mean)
            good = k;
        if (bad == ASY_MAX_LEVELS || sign * first[k].mean < sign * first[bad].mean)
            bad = k;
    }
    *h = (asy_holdout){.difference = NAN, .low = NAN, .high = NAN};
    h->verdict = "too few trials";
    if (good == bad)
        return;
    h->better = good;
    h->worse = bad;
    compare(&second[good], &second[bad], h);
    judge(t->maximize, h);
}

bool asy_effect_measure(const asy_trials *t, size_t factor, asy_effect *out)
{
    groups g = {0};
    *out = (asy_effect){.factor = &t->factor[factor]};
    bool found = make_groups(t, out, &g) && measure_eta(out);
    if (found) {
        asy_key key = asy_rng_key(t->seed, factor);
        bootstrap(&g, asy_dice_open(t->seed, factor), out);
        look_twice(t, &g, key, out);
    }
    asy_free(g.score);
    asy_free(g.row);
    return found;
}
