/* simd_avx512.h - 16 floats with AVX-512. Included by simd.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#if defined(__AVX512F__)
#include <immintrin.h>
#include "math/simd_base.h"

enum { V = 16 };
typedef __m512 vf;
typedef __m512i vi;
typedef __mmask16 vm;

INLINE vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
INLINE void vf_store(float *p, vf a) { _mm512_storeu_ps(p, a); }
INLINE vf vf_set(float x) { return _mm512_set1_ps(x); }
INLINE vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
INLINE vf vf_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
INLINE vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
INLINE vf vf_div(vf a, vf b) { return _mm512_div_ps(a, b); }
INLINE vf vf_sqrt(vf a) { return _mm512_sqrt_ps(a); }
INLINE vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
INLINE vf vf_fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }
/* Where an operand is NaN, max and min give the second one. */
INLINE vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }
INLINE vf vf_min(vf a, vf b) { return _mm512_min_ps(a, b); }
INLINE vf vf_round(vf a) { return _mm512_roundscale_ps(a, 8); }
INLINE vm vf_lt(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
INLINE vm vf_eq(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
INLINE vf vf_if(vm m, vf yes, vf no) { return _mm512_mask_blend_ps(m, no, yes); }
INLINE vi vf_bits(vf a) { return _mm512_castps_si512(a); }
INLINE vf vi_float(vi a) { return _mm512_castsi512_ps(a); }
INLINE vi vi_set(int32_t x) { return _mm512_set1_epi32(x); }
INLINE vi vi_load(const int32_t *p) { return _mm512_loadu_si512(p); }
INLINE vi vi_add(vi a, vi b) { return _mm512_add_epi32(a, b); }
INLINE vi vi_sub(vi a, vi b) { return _mm512_sub_epi32(a, b); }
INLINE vi vi_and(vi a, vi b) { return _mm512_and_si512(a, b); }
INLINE vi vi_or(vi a, vi b) { return _mm512_or_si512(a, b); }
INLINE vi vi_shl23(vi a) { return _mm512_slli_epi32(a, 23); }
INLINE vi vi_sar(vi a, int n) { return _mm512_srai_epi32(a, (unsigned)n); }
INLINE vm vi_eq(vi a, vi b) { return _mm512_cmpeq_epi32_mask(a, b); }
INLINE vi vf_int(vf a) { return _mm512_cvtps_epi32(a); }
INLINE vf vi_value(vi a) { return _mm512_cvtepi32_ps(a); }
INLINE float vf_sum(vf a) { return _mm512_reduce_add_ps(a); }

/* Pairs, pairs of pairs, then the 128-bit quarters in two steps. */
INLINE void vf_transpose(vf r[V])
{
    vf t[V];
#pragma GCC unroll 8
    for (int i = 0; i < V; i += 2) {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
#define UNPACK_PD(half, a, b)                                                          \
    _mm512_castpd_ps(                                                                  \
        _mm512_unpack##half##_pd(_mm512_castps_pd(t[a]), _mm512_castps_pd(t[b])))
#pragma GCC unroll 4
    for (int i = 0; i < V; i += 4) {
        r[i] = UNPACK_PD(lo, i, i + 2);
        r[i + 1] = UNPACK_PD(hi, i, i + 2);
        r[i + 2] = UNPACK_PD(lo, i + 1, i + 3);
        r[i + 3] = UNPACK_PD(hi, i + 1, i + 3);
    }
#undef UNPACK_PD
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        vf even_low = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88);
        vf odd_low = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd);
        vf even_high = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
        vf odd_high = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
        r[i] = _mm512_shuffle_f32x4(even_low, even_high, 0x88);
        r[i + 4] = _mm512_shuffle_f32x4(odd_low, odd_high, 0x88);
        r[i + 8] = _mm512_shuffle_f32x4(even_low, even_high, 0xdd);
        r[i + 12] = _mm512_shuffle_f32x4(odd_low, odd_high, 0xdd);
    }
}

/* a 2^n for whole n, also where 2^n alone would overflow. */
INLINE vf vf_scale(vf a, vf n) { return _mm512_scalef_ps(a, n); }

/* The first n < V values, the rest zero; and back, leaving the rest alone. */
INLINE vf vf_load_first(const float *p, size_t n)
{
    return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}
INLINE void vf_store_first(float *p, vf a, size_t n)
{
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), a);
}
#endif
