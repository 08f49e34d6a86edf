/* timing.h - the line of training time against the size of the network. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "lab/trials.h"

/* seconds = base + a_layer * layers + a_parameter * parameters, by least squares, each
 * with a 95 % percentile bootstrap interval: {"n", "base", "layer", "parameter", "r2"},
 * the terms as {"value", "low", "high"}. A term whose quantity does not vary, or only
 * together with the other, is null. Null when fewer than ten proposals were timed. */
json_t *asy_timing_line(const asy_trials *t);
