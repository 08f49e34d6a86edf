/* simd_base.h - what the vectors of every instruction set need. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Kernels are pieces of one loop body: not inlined, their vectors go through memory. */
#define INLINE static inline __attribute__((always_inline, unused))
