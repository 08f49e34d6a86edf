/* report.h - the leaderboard and the findings as people read them, on stdout. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/json.h"
#include "cmd/pick.h"

/* best: what asy_trials_best() gave. */
void asy_report_best(const json_t *best, const asy_aim *aim);

/* findings: what asy_trials_findings() gave. */
void asy_report_findings(const json_t *findings, const asy_aim *aim);
