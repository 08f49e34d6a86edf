/* report.c - the leaderboard and the findings as people read them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/report.h"
#include <stdio.h>
#include <string.h>
#include "base/text.h"
#include "cmd/grid.h"
#include "cmd/term.h"
#include "lab/stat.h"

static double number(const json_t *o, const char *name)
{
    return json_number_value(json_object_get(o, name));
}

void asy_report_value(asy_buf *b, const json_t *v)
{
    if (json_is_string(v))
        asy_buf_puts(b, json_string_value(v));
    else if (json_is_real(v))
        asy_buf_printf(b, "%.4g", json_real_value(v));
    else if (v)
        asy_json_canonical(b, v);
}

/* --- names of parameters -----------------------------------------------------------
 */

static bool has_name(const asy_params *p, const char *name)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->name[i], name) == 0)
            return true;
    return false;
}

asy_params asy_report_params(const json_t *rows)
{
    asy_params p = {0};
    size_t i;
    json_t *row, *value;
    const char *name;
    json_array_foreach (rows, i, row)
        json_object_foreach (json_object_get(row, "params"), name, value)
            if (p.n < ASY_MOST_PARAMS && !has_name(&p, name))
                p.name[p.n++] = name;
    return p;
}

void asy_report_param_cells(asy_grid *g, const asy_params *p, const json_t *row)
{
    for (size_t i = 0; i < p->n; i++) {
        asy_buf b = {0};
        asy_report_value(&b,
                         json_object_get(json_object_get(row, "params"), p->name[i]));
        asy_grid_add(g, asy_buf_text(&b));
        asy_buf_fini(&b);
    }
}

/* --- the leaderboard ---------------------------------------------------------------
 */

/* Which columns this board needs: no intervals where nothing was repeated, no sizes
 * where the rule trains by itself. */
typedef struct board {
    bool has_intervals, has_sizes;
    asy_params params;
} board;

static board board_of(const json_t *best)
{
    board b = {.params = asy_report_params(best)};
    size_t i;
    json_t *row;
    json_array_foreach (best, i, row) {
        b.has_intervals |= json_is_number(json_object_get(row, "low"));
        b.has_sizes |= number(row, "parameters") > 0;
    }
    return b;
}

static void open_grid(asy_grid *g, const asy_aim *aim, const board *b)
{
    const char *head[ASY_MOST_PARAMS + 8] = {">rank", ">trial", aim->metric};
    size_t n = 3;
    if (b->has_intervals) {
        head[n++] = "95 % interval";
        head[n++] = ">n";
    }
    head[n++] = ">time";
    if (b->has_sizes)
        head[n++] = ">learned";
    for (size_t i = 0; i < b->params.n; i++)
        head[n++] = b->params.name[i];
    asy_grid_open(g, head, n);
}

static void add_interval(asy_grid *g, const json_t *row)
{
    if (json_is_number(json_object_get(row, "low")))
        asy_grid_addf(g, "[%.4g, %.4g]", number(row, "low"), number(row, "high"));
    else
        asy_grid_add(g, "");
    asy_grid_addf(g, "%.0f", number(row, "n"));
}

static void add_row(asy_grid *g, const json_t *row, const board *b)
{
    asy_buf time = {0};
    asy_text_put_seconds(&time, number(row, "seconds"));
    asy_grid_addf(g, "%.0f", number(row, "rank"));
    asy_grid_addf(g, "%.0f", number(row, "number"));
    asy_grid_addf(g, "%.4g", number(row, "score"));
    if (b->has_intervals)
        add_interval(g, row);
    asy_grid_add(g, asy_buf_text(&time));
    if (b->has_sizes)
        asy_grid_addf(g, "%.0f", number(row, "parameters"));
    asy_report_param_cells(g, &b->params, row);
    asy_buf_fini(&time);
}

static bool is_accuracy(const char *metric)
{
    size_t len = strlen(metric), tail = strlen("accuracy");
    return len >= tail && strcmp(metric + len - tail, "accuracy") == 0 &&
           !strstr(metric, "balanced");
}

/* How far the first place can be trusted: a share of few rows is known badly, and the
 * first of many was lucky on the very rows that chose it. */
static void print_doubts(const json_t *best, const asy_aim *aim)
{
    double score = number(json_array_get(best, 0), "score"), low, high;
    if (!aim->part || aim->rows == 0)
        return;
    printf("judged on %llu %s rows", (unsigned long long)aim->rows, aim->part);
    if (is_accuracy(aim->metric) && score >= 0 && score <= 1) {
        asy_stat_share(score, aim->rows, &low, &high);
        printf(", so %.4g there may be %.3g .. %.3g in truth (95 %%)", score, low,
               high);
    }
    if (aim->done > 1)
        printf("; the first of %llu is also the luckiest",
               (unsigned long long)aim->done);
    putchar('\n');
}

void asy_report_best(const json_t *best, const asy_aim *aim)
{
    asy_grid g;
    size_t i;
    json_t *row;
    if (json_array_size(best) == 0) {
        puts("\nno trial was scored");
        return;
    }
    board b = board_of(best);
    printf("\nthe %s %s first\n", aim->maximize ? "largest" : "smallest", aim->metric);
    open_grid(&g, aim, &b);
    json_array_foreach (best, i, row)
        add_row(&g, row, &b);
    asy_grid_print(&g, stdout);
    print_doubts(best, aim);
}

/* --- findings ------------------------------------------------------------------------
 */

/* The share of the variance beyond what chance alone would show. */
static double share(const json_t *f)
{
    double eta2 = number(f, "eta2"), chance = number(f, "eta2_by_chance");
    return eta2 > chance && chance < 1 ? (eta2 - chance) / (1 - chance) : 0;
}

void asy_report_findings(const json_t *findings, const asy_aim *aim)
{
    static const char *const head[] = {">share", "what made the difference"};
    asy_grid g;
    size_t i;
    json_t *f;
    const json_t *list = json_object_get(findings, "parameters");
    if (json_array_size(list) == 0)
        return;
    asy_grid_open(&g, head, 2);
    json_array_foreach (list, i, f) {
        const char *text = json_string_value(json_object_get(f, "text"));
        asy_grid_addf(&g, "%.0f %%", 100 * share(f));
        asy_grid_add(&g, text ? text : "");
    }
    putchar('\n');
    asy_grid_print(&g, stdout);
    printf("share: of the variance of %s, beyond chance; assay findings tells more\n",
           aim->metric);
}
