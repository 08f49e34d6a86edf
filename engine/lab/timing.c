/* timing.c - the line of training time against the size of the network. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/timing.h"
#include <math.h>
#include <string.h>

enum { TERMS = 3, LEAST_ROWS = 10, DRAWS = 2000, DRAW_ROWS = 500 };

/* 1, layers, parameters, and the seconds. Layers and parameters are divided by their
 * largest value, so that the equations are well scaled. */
typedef struct sample {
    double x[TERMS], y;
} sample;

/* Normal equations: upper triangle of X'X, and X'y. */
typedef struct equations {
    double xx[TERMS][TERMS], xy[TERMS];
} equations;

static void add_sample(equations *q, const sample *s)
{
    for (int i = 0; i < TERMS; i++) {
        for (int k = 0; k < TERMS; k++)
            q->xx[i][k] += s->x[i] * s->x[k];
        q->xy[i] += s->x[i] * s->y;
    }
}

/* Gauss-Jordan on the diagonal. A term that the others explain gets no pivot and NaN;
 * it is left out of the line. */
static void solve(equations q, double beta[TERMS])
{
    double size[TERMS];
    bool used[TERMS] = {false};
    for (int i = 0; i < TERMS; i++)
        size[i] = q.xx[i][i];
    for (int p = 0; p < TERMS; p++) {
        if (!(q.xx[p][p] > 1e-9 * size[p]))
            continue;
        used[p] = true;
        for (int i = 0; i < TERMS; i++) {
            double f = i == p ? 0 : q.xx[i][p] / q.xx[p][p];
            for (int k = 0; k < TERMS && i != p; k++)
                q.xx[i][k] -= f * q.xx[p][k];
            q.xy[i] -= f * q.xy[p];
        }
    }
    for (int p = 0; p < TERMS; p++)
        beta[p] = used[p] ? q.xy[p] / q.xx[p][p] : NAN;
}

static double largest(const asy_trials *t, bool layers)
{
    double most = 0;
    for (size_t i = 0; i < t->rows; i++) {
        double v = layers ? t->row[i].layers : t->row[i].parameters;
        most = v > most ? v : most;
    }
    return most > 0 ? most : 1;
}

static size_t collect(const asy_trials *t, const double unit[TERMS], sample *s)
{
    size_t n = 0;
    for (size_t i = 0; i < t->rows; i++) {
        const asy_proposal *p = &t->row[i];
        if (p->seconds.n > 0 && !isnan(p->layers))
            s[n++] = (sample){{1, p->layers / unit[1], p->parameters / unit[2]},
                              p->seconds.mean};
    }
    return n;
}

/* The share of the variance of the seconds that the line explains. */
static double explained(const sample *s, size_t n, const double beta[TERMS])
{
    asy_mean all = {0};
    double left = 0;
    for (size_t i = 0; i < n; i++) {
        double y = s[i].y;
        asy_mean_add(&all, y);
        for (int k = 0; k < TERMS; k++)
            y -= isnan(beta[k]) ? 0 : beta[k] * s[i].x[k];
        left += y * y;
    }
    return all.squares > 0 ? 1 - left / all.squares : NAN;
}

/* Pairs drawn with replacement; of many only DRAW_ROWS, with the deviation scaled to
 * what all of them would show. */
static void bootstrap(const sample *s, size_t n, asy_dice dice,
                      const double beta[TERMS], double *draw)
{
    size_t m = n < DRAW_ROWS ? n : DRAW_ROWS;
    double scale = sqrt((double)m / (double)n);
    for (size_t b = 0; b < DRAWS; b++) {
        equations q = {{{0}}, {0}};
        double drawn[TERMS];
        for (size_t i = 0; i < m; i++)
            add_sample(&q, &s[asy_dice_below(&dice, (uint32_t)n)]);
        solve(q, drawn);
        for (int k = 0; k < TERMS; k++) {
            double d = isnan(drawn[k]) ? 0 : drawn[k] - beta[k];
            draw[(size_t)k * DRAWS + b] = beta[k] + d * scale;
        }
    }
}

static json_t *term(double value, double *draw, double unit)
{
    if (isnan(value))
        return json_null();
    asy_stat_sort(draw, DRAWS);
    json_t *o = json_object();
    json_object_set_new(o, "value", asy_json_real(value / unit));
    json_object_set_new(o, "low",
                        asy_json_real(asy_stat_quantile(draw, DRAWS, 0.025) / unit));
    json_object_set_new(o, "high",
                        asy_json_real(asy_stat_quantile(draw, DRAWS, 0.975) / unit));
    return o;
}

static json_t *line_of(const asy_trials *t, const sample *s, size_t n,
                       const double unit[TERMS])
{
    static const char *const names[TERMS] = {"base", "layer", "parameter"};
    equations q = {{{0}}, {0}};
    double beta[TERMS];
    double *draw = asy_alloc(TERMS * DRAWS, sizeof *draw);
    json_t *o = json_object();
    for (size_t i = 0; i < n; i++)
        add_sample(&q, &s[i]);
    solve(q, beta);
    bootstrap(s, n, asy_dice_open(t->seed, ASY_MAX_FACTORS), beta, draw);
    json_object_set_new(o, "n", json_integer((json_int_t)n));
    for (int k = 0; k < TERMS; k++)
        json_object_set_new(o, names[k], term(beta[k], draw + k * DRAWS, unit[k]));
    json_object_set_new(o, "r2", asy_json_real(explained(s, n, beta)));
    asy_free(draw);
    return o;
}

json_t *asy_timing_line(const asy_trials *t)
{
    const double unit[TERMS] = {1, largest(t, true), largest(t, false)};
    sample *s = asy_alloc(t->rows + 1, sizeof *s);
    size_t n = collect(t, unit, s);
    json_t *line = n < LEAST_ROWS ? json_null() : line_of(t, s, n, unit);
    asy_free(s);
    return line;
}
