/* trust.h - makes sure that this process computes right before it trains. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "cmd/option.h"

/* One BLAS thread, and kernels that agree with plain loops. OpenBLAS picks its kernels
 * before main(): on a mismatch the program starts again with a safer core type, says
 * so, and this does not return. ASY_EIO when no kernel is right. */
asy_err asy_trust_blas(const asy_args *a);
