/* effect.h - the main effect of one parameter: how the score differs between its
 * levels.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "lab/trials.h"

enum { ASY_MAX_LEVELS = 24, ASY_DRAWS = 2000 };

typedef struct asy_level {
    char name[80];   /* "tanh", "3", "8 .. 23" */
    double from, to; /* least and largest value; NaN for texts */
    asy_mean score;
    double low, high; /* of the mean; NaN below two proposals */
} asy_level;

/* What was held back: the better and the worse level are chosen on one random half of
 * the proposals, their difference is measured on the other. */
typedef struct asy_holdout {
    size_t better, worse;
    double difference, low, high; /* better - worse; NaN when a half is too small */
    bool is_sure;                 /* the verdict is "holds" */
    const char *verdict; /* "holds", "weak", "fails", "too few trials"; static */
} asy_holdout;

typedef struct asy_effect {
    const asy_factor *factor;
    asy_level level[ASY_MAX_LEVELS];
    size_t levels;
    bool is_binned;
    size_t n, absent;      /* proposals with the parameter and a score; without it */
    double eta, low, high; /* share of the variance of the scores */
    double chance;         /* the share that a parameter without effect would show */
    asy_holdout holdout;
} asy_effect;

/* False when there is nothing to compare: fewer than two levels or no spread. */
bool asy_effect_measure(const asy_trials *t, size_t factor, asy_effect *out);
