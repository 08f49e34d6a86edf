/* stat.c - the little statistics that findings need. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/stat.h"
#include <math.h>
#include <stdlib.h>
#include "base/rng.h"

/* From this many degrees of freedom on two terms of the expansion around the normal
 * distribution are exact to six digits. */
enum { MANY = 400 };

void asy_mean_add(asy_mean *m, double x)
{
    double d = x - m->mean;
    m->mean += d / (double)++m->n;
    m->squares += d * (x - m->mean);
}

double asy_mean_variance(const asy_mean *m)
{
    return m->n < 2 ? 0 : m->squares / (double)(m->n - 1);
}

/* P(|T| <= t) with t = sqrt(df) tan(angle): the finite sums for whole df, in powers of
 * the cosine (Abramowitz and Stegun 26.7.3 and 26.7.4). */
static double probability(uint64_t df, double angle)
{
    const double pi = acos(-1.0);
    double s = sin(angle), c = cos(angle), sum = 0;
    double term = df % 2 ? c : 1;
    for (uint64_t i = df % 2 ? 3 : 2; i <= df; i += 2) {
        sum += term;
        term *= c * c * (double)(i - 1) / (double)i;
    }
    return df % 2 ? 2 / pi * (angle + s * sum) : s * sum;
}

/* Bisection: the probability grows with the angle. */
static double few_degrees(uint64_t df, double confidence)
{
    double low = 0, high = acos(0.0);
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (probability(df, middle) < confidence)
            low = middle;
        else
            high = middle;
    }
    return sqrt((double)df) * tan((low + high) / 2);
}

/* The z with P(|Z| <= z) = confidence. */
static double normal(double confidence)
{
    double low = 0, high = 40;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (erf(middle / sqrt(2.0)) < confidence)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

double asy_stat_t(uint64_t df, double confidence)
{
    if (df < MANY)
        return few_degrees(df, confidence);
    double z = normal(confidence), n = (double)df;
    double first = (z * z * z + z) / 4;
    double second = (5 * pow(z, 5) + 16 * z * z * z + 3 * z) / 96;
    return z + first / n + second / (n * n);
}

double asy_mean_margin(const asy_mean *m)
{
    if (m->n < 2)
        return NAN;
    return asy_stat_t(m->n - 1, 0.95) * sqrt(asy_mean_variance(m) / (double)m->n);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void asy_stat_share(double share, uint64_t n, double *low, double *high)
{
    const double z = 1.959963984540054, zz = z * z / (double)n;
    double centre = (share + zz / 2) / (1 + zz);
    double half = z / (1 + zz) * sqrt((share * (1 - share) + zz / 4) / (double)n);
    *low = fmax(centre - half, 0);
    *high = fmin(centre + half, 1);
}

void asy_stat_sort(double *x, size_t n) { qsort(x, n, sizeof *x, by_value); }

double asy_stat_quantile(const double *sorted, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t below = (size_t)at;
    if (below + 1 >= n)
        return sorted[n - 1];
    return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

asy_dice asy_dice_open(uint64_t seed, uint64_t stream)
{
    asy_key key = asy_rng_key(seed, stream);
    return (asy_dice){.state = (uint64_t)key.k[0] << 32 | key.k[1]};
}
