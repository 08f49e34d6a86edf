/* findings.h - what the trials of a session say. More kinds of finding come later; each
 * is one function that takes the loaded trials.
 */
#pragma once
#include "store/store.h"

/* A session's ended trials as columns: one row a proposal (mean over repeats and folds). */
typedef struct asy_frame_of_trials asy_trials;

asy_err asy_trials_load(asy_store *s, int64_t session, asy_trials **out);
void asy_trials_free(asy_trials *t);

/* The leaderboard: [{"rank","number","score","low","high" (95 % t interval when n > 1),
 * "n","params","design","seconds","parameters"}]. */
json_t *asy_trials_best(const asy_trials *t, size_t n);

/* For each parameter its main effect: levels (or quantile bins), mean score and a 95 %
 * percentile bootstrap interval (2,000 draws, seeded by the session); the share of variance
 * it explains (eta^2) with its interval; hold-out verdict: the direction found on one half
 * of the proposals holds on the other. And the least-squares line of training seconds
 * against layers and parameters with intervals. */
json_t *asy_trials_findings(const asy_trials *t);
