/* setup.h - what a rule said about itself ("describe"), checked and with its defaults.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "lab/objective.h"

typedef struct asy_setup {
    bool is_own;      /* `trial =` functions instead of designs */
    bool is_adaptive; /* its next designs depend on results */
    bool has_pruner;
    asy_objective objective;
    uint32_t repeats, folds;
    uint64_t trials; /* limits; 0 = none */
    double seconds;
    uint32_t parallel;
    uint64_t planned; /* proposals the strategy will make; 0 = not known */
    json_t *told;     /* the whole description with the objective filled in; owned */
} asy_setup;

enum { ASY_MAX_REPEATS = 1000, ASY_MAX_FOLDS = 1000 };

/* has_classes: the label is a category. */
asy_err asy_setup_read(const json_t *described, bool has_classes, asy_setup *out);
void asy_setup_fini(asy_setup *s);
