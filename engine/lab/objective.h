/* objective.h - what a session optimizes, and how a trial's metrics become its score.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "base/json.h"

typedef struct asy_objective {
    char metric[64];
    bool maximize;
} asy_objective;

/* From "objective" of a described rule (NULL: accuracy for classes, rmse for numbers,
 * score for `trial =` rules). Of a list the first counts. */
asy_err asy_objective_read(const json_t *v, bool is_own, bool has_classes,
                           asy_objective *out);

/* Checks that text[0..len) is a flat JSON object of numbers, booleans, short texts and
 * nulls, and finds the objective in it: by its name, or a bare name as its validate_,
 * test_ or train_ form, whichever comes first in that order. *score is NaN when absent.
 */
asy_err asy_objective_score(const asy_objective *o, const char *text, size_t len,
                            double *score);

/* True when score a is better than b; anything beats NaN. */
bool asy_objective_better(const asy_objective *o, double a, double b);
