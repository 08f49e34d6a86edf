/* levels.c - the levels of a parameter with their intervals. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/levels.h"
#include <math.h>
#include "cmd/chart.h"
#include "cmd/grid.h"

enum { PICTURE = 28 };

static double number(const json_t *o, const char *name)
{
    const json_t *v = json_object_get(o, name);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

/* The least and the most of all intervals, so that levels share one scale. */
static void range(const json_t *levels, double *least, double *most)
{
    const json_t *l;
    size_t i;
    *least = INFINITY;
    *most = -INFINITY;
    json_array_foreach (levels, i, l) {
        *least = fmin(*least, fmin(number(l, "mean"), number(l, "low")));
        *most = fmax(*most, fmax(number(l, "mean"), number(l, "high")));
    }
}

static void add_interval(asy_grid *g, const json_t *o)
{
    if (isfinite(number(o, "low")))
        asy_grid_addf(g, "[%.4g, %.4g]", number(o, "low"), number(o, "high"));
    else
        asy_grid_add(g, "");
}

void asy_levels_print(const json_t *levels)
{
    static const char *const heads[] = {">level", ">n", ">mean", "95 %", ""};
    asy_grid g;
    const json_t *l;
    size_t i;
    double least, most;
    bool fine = asy_chart_is_fine(stdout);
    range(levels, &least, &most);
    asy_grid_open(&g, heads, sizeof heads / sizeof *heads);
    json_array_foreach (levels, i, l) {
        asy_buf picture = {0};
        asy_chart_interval(&picture, number(l, "low"), number(l, "mean"),
                           number(l, "high"), least, most, PICTURE, fine);
        asy_grid_add(&g, json_string_value(json_object_get(l, "level")));
        asy_grid_addf(&g, "%.0f%s", number(l, "n"),
                      json_object_get(l, "few") ? "!" : "");
        asy_grid_addf(&g, "%.4g", number(l, "mean"));
        add_interval(&g, l);
        asy_grid_add(&g, asy_buf_text(&picture));
        asy_buf_fini(&picture);
    }
    asy_grid_print(&g, stdout);
}
