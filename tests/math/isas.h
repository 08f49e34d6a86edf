/* isas.h - runs a test on every instruction set this CPU has. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "math/kernels.h"

/* for (EACH_ISA(k)) ... with k the kernels of one set after the other. */
#define EACH_ISA(k)                                                                    \
    int isa_ = 0;                                                                      \
    isa_ <= (int)asy_isa_best() && (k = asy_kernels_of((asy_isa)isa_)) != NULL;        \
    isa_++
