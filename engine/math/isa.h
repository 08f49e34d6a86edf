/* isa.h - which instructions this process uses, and whether OpenBLAS can be trusted. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/err.h"

typedef enum asy_isa { ASY_ISA_PLAIN, ASY_ISA_AVX2, ASY_ISA_AVX512 } asy_isa;

/* The best the CPU has, or what ASSAY_ISA=plain|avx2|avx512 lowers it to. Constant for
 * the life of the process. */
asy_isa asy_isa_get(void);
const char *asy_isa_name(asy_isa isa);

/* The best the CPU has, whatever the environment says. */
asy_isa asy_isa_best(void);

/* Makes OpenBLAS use the calling thread only; call it before any product. */
void asy_blas_one_thread(void);

/* Compares OpenBLAS's sgemm with plain loops on a dozen shapes (2 ms). ASY_EARG with
 * the kernel's name and the worst shape when they differ. */
asy_err asy_blas_check(void);

/* "Haswell", "SkylakeX", ...: the kernels OpenBLAS runs. Static. */
const char *asy_blas_core(void);
