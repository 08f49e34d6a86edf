/* stat.h - the little statistics that findings need. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Mean and spread of numbers as they come (Welford). Zeroed memory is empty. */
typedef struct asy_mean {
    uint64_t n;
    double mean, squares; /* squares: sum of (x - mean)^2 */
} asy_mean;

void asy_mean_add(asy_mean *m, double x);
double asy_mean_variance(const asy_mean *m); /* with n - 1; 0 below two numbers */

/* The t with P(|T| <= t) = confidence for Student's distribution with df >= 1 degrees
 * of freedom. */
double asy_stat_t(uint64_t df, double confidence);

/* Half the width of the 95 % t interval of the mean; NaN below two numbers. */
double asy_mean_margin(const asy_mean *m);

/* Sorts x[n] and returns its quantile q (0 .. 1), interpolated between neighbours. */
void asy_stat_sort(double *x, size_t n);
double asy_stat_quantile(const double *sorted, size_t n, double q);
