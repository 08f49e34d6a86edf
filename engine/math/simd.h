/* simd.h - one vector type for the kernel files, which are compiled once for each
 * instruction set: 16 floats with AVX-512, 8 with AVX2, 4 in plain C.
 *
 * Only files named *_kernel.c include this. Everything in them is static but one table,
 * whose name ends in the instruction set: ASY_ISA_NAME(asy_vec) is asy_vec_avx512
 * there. A block of 16 floats (VB vectors) is the unit all arrays are padded to.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#define ASY_PASTE(a, b) a##_##b
#define ASY_PASTE_EXPANDED(a, b) ASY_PASTE(a, b)
#define ASY_ISA_NAME(name) ASY_PASTE_EXPANDED(name, ASY_ISA_SUFFIX)

#if defined(__AVX512F__)
#include "math/simd_avx512.h"
#elif defined(__AVX2__)
#include "math/simd_avx2.h"
#else
#include "math/simd_plain.h"
#endif

enum { BLOCK = 16, VB = BLOCK / V };

INLINE vf vf_zero(void) { return vf_set(0.0f); }
INLINE vf vf_neg(vf a) { return vf_sub(vf_set(-0.0f), a); }
INLINE vf vf_abs(vf a) { return vi_float(vi_and(vf_bits(a), vi_set(INT32_MAX))); }
INLINE vf vf_sign_of(vf a) { return vi_float(vi_and(vf_bits(a), vi_set(INT32_MIN))); }
INLINE vf vf_with_sign(vf a, vf sign)
{
    return vi_float(vi_or(vf_bits(a), vf_bits(sign)));
}

#if !defined(__AVX512F__)
/* In two factors, for 2^n alone may overflow where a 2^n does not. |n| < 250. */
INLINE vf vf_scale(vf a, vf n)
{
    vi whole = vf_int(n), half = vi_sar(whole, 1);
    vf first = vi_float(vi_shl23(vi_add(half, vi_set(127))));
    vf second = vi_float(vi_shl23(vi_add(vi_sub(whole, half), vi_set(127))));
    return vf_mul(vf_mul(a, first), second);
}
#endif
