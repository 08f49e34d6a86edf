/* gather.h - ends of trials: into the board, into the store, and on to the rule.
 *
 * What is ended here goes into the commit that is being filled (commit.h).
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "lab/session.h"
#include "lab/work.h"

/* Ends a trial with what a worker brought; a trial that has ended stays as it is. */
void asy_gather_outcome(asy_trial *t, const asy_outcome *o, const char *worker);
/* Ends a trial by the host's own decision. */
void asy_gather_close(asy_trial *t, asy_trial_state state, const char *reason);
/* Ends it like an earlier trial of the same key. */
void asy_gather_cached(asy_trial *t, const asy_row_trial *row);
/* Its end is durable: the rule is told, unless a replay will come to it. */
void asy_gather_durable(asy_trial *t);
/* Tells the rule once the trial's whole proposal is durable. */
void asy_gather_tell(asy_trial *t);
json_t *asy_gather_event(asy_session *s, uint32_t proposal);
void asy_gather_release(asy_session *s, uint32_t proposal); /* text nobody needs */
