/* view.h - rows of the store as trees, for JSON output and for filters. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/json.h"
#include "store/store.h"

/* Owned by the caller. */
json_t *asy_view_dataset(const asy_row_dataset *d);

/* {"number","proposal","fold","state","score","reason","epochs","seconds","parameters",
 * "flops","seed","worker","cached","how","params":{...},"metrics":{...}}; with_design
 * adds the design. */
json_t *asy_view_trial(const asy_row_trial *t, bool with_design);

/* "2026-03-01 14:05" in local time; "" for 0. */
void asy_view_time(asy_buf *b, int64_t wall_ms);
