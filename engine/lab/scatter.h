/* scatter.h - proposals of a rule become trials: repeats and folds, seeds and keys,
 * rows in the store, results from the cache.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "lab/session.h"

/* The command {"do":"scatter",...}. ASY_ESCRIPT names the design that is wrong. */
asy_err asy_scatter(asy_session *s, const json_t *command);
/* Place, seed, spec and key of a trial whose number is set. */
void asy_scatter_fill(asy_trial *t, asy_session *s, asy_spec *spec, asy_hash *key);
