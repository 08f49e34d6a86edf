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

/* has_classes: the label has classes, as asy_label_has_classes() sees it. */
asy_err asy_setup_read(const json_t *described, bool has_classes, asy_setup *out);

/* The steps of the preparation with the task that the objective asks for: a label of
 * few whole numbers is a number when its rmse is wanted. Owned by the caller. */
json_t *asy_setup_steps(const asy_setup *s, const json_t *steps);

/* ASY_EARG when the built-in trainer has no such metric for a label of that many
 * classes (0: a number). Metrics of `trial =` rules are their own. */
asy_err asy_setup_check_label(const asy_setup *s, const char *label, uint32_t classes);

void asy_setup_fini(asy_setup *s);
