/* report.h - the leaderboard and the findings as people read them, on stdout. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/json.h"
#include "cmd/grid.h"
#include "cmd/pick.h"

/* best: what asy_trials_best() gave. */
void asy_report_best(const json_t *best, const asy_aim *aim);

/* findings: what asy_trials_findings() gave. */
void asy_report_findings(const json_t *findings, const asy_aim *aim);

/* The parameters that occur in a list of [{"params":{...}}], in order of appearance.
 * Names live as long as the list. */
enum { ASY_MOST_PARAMS = 32 };
typedef struct asy_params {
    const char *name[ASY_MOST_PARAMS];
    size_t n;
} asy_params;
asy_params asy_report_params(const json_t *rows);

/* A cell for each of them; empty where a row has none. */
void asy_report_param_cells(asy_grid *g, const asy_params *p, const json_t *row);

/* Text as it is, reals in four digits, the rest as JSON. */
void asy_report_value(asy_buf *b, const json_t *v);
