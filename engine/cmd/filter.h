/* filter.h - which trials a person wants: "accuracy > 0.9 and depth <= 4 or state =
 * failed".
 *
 * A field is a name of asy_view_trial(), a parameter (widths[2] for an element of a
 * list), or a metric, also by its bare name. `and` binds closer than `or`; && and ||
 * will do. A comparison with a field that a trial does not have is false.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include "base/json.h"

typedef struct asy_filter asy_filter;

/* ASY_EARG says where the text goes wrong. */
asy_err asy_filter_parse(const char *text, asy_filter **out);
void asy_filter_free(asy_filter *f);

/* trial: as asy_view_trial() makes it. A NULL filter lets all pass. */
bool asy_filter_passes(asy_filter *f, const json_t *trial);

/* Fails when some field was in none of the trials so far; names the nearest of `trial`.
 */
asy_err asy_filter_check(const asy_filter *f, const json_t *trial);

/* The value of a field of a trial, borrowed; NULL when it has none. */
const json_t *asy_field_of(const json_t *trial, const char *name);

/* The names of all fields of a trial, as texts in a list owned by the caller. */
json_t *asy_fields_of(const json_t *trial);

/* ASY_EARG: "no field is named ...", with the nearest and all known names. */
asy_err asy_field_unknown(const json_t *trial, const char *name);
