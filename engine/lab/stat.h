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

/* The 95 % interval of a share that was seen in n tries (Wilson, 1927). */
void asy_stat_share(double share, uint64_t n, double *low, double *high);

/* Sorts x[n] and returns its quantile q (0 .. 1), interpolated between neighbours. */
void asy_stat_sort(double *x, size_t n);
double asy_stat_quantile(const double *sorted, size_t n, double q);

/* Random places for bootstrap draws, many millions of them: splitmix64, whose two
 * halves give two places. A sequence is known by seed and stream. */
typedef struct asy_dice {
    uint64_t state, have;
    unsigned left; /* halves of `have` not yet used */
} asy_dice;

asy_dice asy_dice_open(uint64_t seed, uint64_t stream);

/* 0 .. n-1, as even as 32 bits allow. */
static inline uint32_t asy_dice_below(asy_dice *d, uint32_t n)
{
    if (d->left == 0) {
        uint64_t z = d->state += 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        d->have = z ^ (z >> 31);
        d->left = 2;
    }
    d->left--;
    uint32_t half = (uint32_t)d->have;
    d->have >>= 32;
    return (uint32_t)(((uint64_t)half * n) >> 32);
}
