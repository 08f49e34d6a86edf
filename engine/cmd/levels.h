/* levels.h - the levels of a parameter with their intervals, as people read them. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/json.h"

/* Prints "levels" of a parameter of asy_trials_findings(): name, n, mean, interval, and
 * a picture of it. A ! marks levels with few proposals. */
void asy_levels_print(const json_t *levels);
