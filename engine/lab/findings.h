/* findings.h - what the trials of a session say. More kinds of finding come later; each
 * is one function that takes the loaded trials.
 */
#pragma once
#include "base/json.h"
#include "store/store.h"

/* A session's ended trials as columns: one row a proposal (mean over repeats and
 * folds). */
typedef struct asy_frame_of_trials asy_trials;

asy_err asy_trials_load(asy_store *s, int64_t session, asy_trials **out);
void asy_trials_free(asy_trials *t);

/* The leaderboard, best first: [{"rank","number" (of the proposal's first
 * trial),"score", "low","high" (95 % t interval of the mean over repeats and folds,
 * null when n = 1),"n", "failed","params","design","seconds","parameters"}]. */
json_t *asy_trials_best(const asy_trials *t, size_t n);

/* {"metric","maximize","adaptive","proposals","trials":{by state},"notes":[...],
 *  "time": see lab/timing.h,
 *  "parameters":[{"parameter","n","absent","bins","log","text",
 *    "levels":[{"level","from","to","n","mean","low","high","few"?}],
 *    "eta2","eta2_low","eta2_high","eta2_by_chance",
 *    "holdout":{"verdict","better","worse","difference","low","high"}}]}
 * Parameters come by the share of the variance of the scores they explain (eta^2),
 * largest first. Numbers with more than 12 values are cut into bins of equal counts.
 * Intervals are 95 % percentile bootstrap intervals of 2,000 draws, seeded by the
 * session; a draw takes at most 200 proposals of a level and is scaled to what all
 * would show. The hold-out verdict: the better and the worse level are chosen on one
 * random half of the proposals and compared on the other: "holds" (the interval
 * excludes 0), "weak" (same direction), "fails", "too few trials". Rules that name no
 * parameters are judged by what their designs differ in. Proposals in which a
 * conditional parameter is absent are only counted. */
json_t *asy_trials_findings(const asy_trials *t);
