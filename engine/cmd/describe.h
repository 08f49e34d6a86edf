/* describe.h - a table as people read it: columns, types, gaps, and the label's
 * balance. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/json.h"

/* Prints what asy_table_describe() gave to stdout. label: a column's name, or NULL. */
void asy_describe_print(const char *name, const json_t *description, const char *label);
