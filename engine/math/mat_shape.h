/* mat_shape.h - what the mat*.c files share: rows, and results of the right shape. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "math/mat.h"

static inline float *asy_mat_row(const asy_mat *m, size_t i)
{
    return m->x + i * m->stride;
}

/* Makes an empty y rows x cols; a y that is not empty must be so already. */
asy_err asy_mat_want(asy_mat *y, size_t rows, size_t cols, const char *what);

/* True when writing to one could change the other. */
bool asy_mat_overlaps(const asy_mat *a, const asy_mat *b);
