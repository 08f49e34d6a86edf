/* names.h - a name from a rule to its place in a list, or an error that helps. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stddef.h>
#include "base/err.h"

/* *index = where `name` stands in names[0..n). Else ASY_EARG: "activation: unknown name
 * 'rleu'; did you mean 'relu'? Known: linear, relu, ...". */
asy_err asy_name_find(const char *what, const char *name, const char *const *names,
                      size_t n, size_t *index);
