/* kernels.c - the table of inner loops for the instruction set in use. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "math/kernels.h"

#define DECLARE(isa)                                                                   \
    extern const asy_gemm_kernels asy_gemm_kernels_##isa;                              \
    extern const asy_vec_kernels asy_vec_kernels_##isa;                                \
    extern const asy_norm_kernels asy_norm_kernels_##isa;                              \
    extern const asy_random_kernels asy_random_kernels_##isa;                          \
    extern const asy_loss_kernels asy_loss_kernels_##isa;                              \
    extern const asy_optim_kernels asy_optim_kernels_##isa

#define TABLE(isa)                                                                     \
    {                                                                                  \
        &asy_gemm_kernels_##isa, &asy_vec_kernels_##isa, &asy_norm_kernels_##isa,      \
            &asy_random_kernels_##isa, &asy_loss_kernels_##isa,                        \
            &asy_optim_kernels_##isa                                                   \
    }

DECLARE(plain);
#if defined(__x86_64__)
DECLARE(avx2);
DECLARE(avx512);
#endif

static const asy_kernels tables[] = {
    [ASY_ISA_PLAIN] = TABLE(plain),
#if defined(__x86_64__)
    [ASY_ISA_AVX2] = TABLE(avx2),
    [ASY_ISA_AVX512] = TABLE(avx512),
#endif
};

const asy_kernels *asy_kernels_of(asy_isa isa)
{
    return isa <= asy_isa_best() ? &tables[isa] : NULL;
}

const asy_kernels *asy_kernels_get(void) { return &tables[asy_isa_get()]; }
