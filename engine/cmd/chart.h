/* chart.h - pictures out of letters: bars, and points in a plane. On a terminal with
 * UTF-8 they use block and Braille letters, elsewhere ASCII.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "base/buf.h"

/* True when `f` is a terminal and the locale (LC_ALL, LC_CTYPE, LANG) is UTF-8. */
bool asy_chart_is_fine(FILE *f);

/* Appends a bar of share (0 .. 1) of `width` letters. */
void asy_chart_bar(asy_buf *b, double share, unsigned width, bool fine);

/* Appends an interval on a line of `width` letters from `least` to `most`: "  --o--- ".
 */
void asy_chart_interval(asy_buf *b, double low, double middle, double high,
                        double least, double most, unsigned width, bool fine);

typedef struct asy_chart {
    const double *x, *y; /* [n] */
    size_t n;
    const char *x_name, *y_name;
    bool log_x;             /* all x are above 0 */
    unsigned width, height; /* letters of the plane */
} asy_chart;

/* Appends the points with axes, a line each row. Points that are not finite are left
 * out. */
void asy_chart_points(asy_buf *b, const asy_chart *c, bool fine);
