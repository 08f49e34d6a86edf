/* outcome.h - the answer of a session: for machines one JSON object, for people the
 * leaderboard and the findings. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/json.h"
#include "store/store.h"

/* {"session","rule","dataset","seed","trials":{"done","failed","pruned","cached"},
 * "best":{"trial","objective","design"}|null,"seconds","trials_per_second","digest"}.
 * Owned by the caller. */
asy_err asy_outcome_json(asy_store *s, int64_t session, json_t **out);

/* The same for people, on stdout. */
asy_err asy_outcome_print(asy_store *s, int64_t session);
