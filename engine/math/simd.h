/* simd.h - one vector type for the kernel files, which are compiled once for each
 * instruction set: 16 floats with AVX-512, 8 with AVX2, 4 in plain C.
 *
 * Only files named *_kernel.c include this. Everything in them is static but one table,
 * whose name ends in the instruction set: ASY_ISA_NAME(asy_vec) is asy_vec_avx512
 * there. A block of 16 floats (VB vectors) is the unit all arrays are padded to.
 */
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

#define ASY_PASTE(a, b) a##_##b
#define ASY_PASTE_EXPANDED(a, b) ASY_PASTE(a, b)
#define ASY_ISA_NAME(name) ASY_PASTE_EXPANDED(name, ASY_ISA_SUFFIX)

/* Kernels are pieces of one loop body: without inlining the vectors go through memory.
 */
#define INLINE static inline __attribute__((always_inline, unused))

#if defined(__AVX512F__)
#include <immintrin.h>

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

#elif defined(__AVX2__)
#include <immintrin.h>

enum { V = 8 };
typedef __m256 vf;
typedef __m256i vi;
typedef __m256 vm;

INLINE vf vf_load(const float *p) { return _mm256_loadu_ps(p); }
INLINE void vf_store(float *p, vf a) { _mm256_storeu_ps(p, a); }
INLINE vf vf_set(float x) { return _mm256_set1_ps(x); }
INLINE vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
INLINE vf vf_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
INLINE vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
INLINE vf vf_div(vf a, vf b) { return _mm256_div_ps(a, b); }
INLINE vf vf_sqrt(vf a) { return _mm256_sqrt_ps(a); }
INLINE vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
INLINE vf vf_fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }
INLINE vf vf_max(vf a, vf b) { return _mm256_max_ps(a, b); }
INLINE vf vf_min(vf a, vf b) { return _mm256_min_ps(a, b); }
INLINE vf vf_round(vf a) { return _mm256_round_ps(a, 8); }
INLINE vm vf_lt(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
INLINE vm vf_eq(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
INLINE vf vf_if(vm m, vf yes, vf no) { return _mm256_blendv_ps(no, yes, m); }
INLINE vi vf_bits(vf a) { return _mm256_castps_si256(a); }
INLINE vf vi_float(vi a) { return _mm256_castsi256_ps(a); }
INLINE vi vi_set(int32_t x) { return _mm256_set1_epi32(x); }
INLINE vi vi_load(const int32_t *p) { return _mm256_loadu_si256((const void *)p); }
INLINE vi vi_add(vi a, vi b) { return _mm256_add_epi32(a, b); }
INLINE vi vi_sub(vi a, vi b) { return _mm256_sub_epi32(a, b); }
INLINE vi vi_and(vi a, vi b) { return _mm256_and_si256(a, b); }
INLINE vi vi_or(vi a, vi b) { return _mm256_or_si256(a, b); }
INLINE vi vi_shl23(vi a) { return _mm256_slli_epi32(a, 23); }
INLINE vi vi_sar(vi a, int n) { return _mm256_srai_epi32(a, n); }
INLINE vm vi_eq(vi a, vi b) { return _mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b)); }
INLINE vi vf_int(vf a) { return _mm256_cvtps_epi32(a); }
INLINE vf vi_value(vi a) { return _mm256_cvtepi32_ps(a); }
INLINE float vf_sum(vf a)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

INLINE void vf_transpose(vf r[V])
{
    vf t[V];
#pragma GCC unroll 4
    for (int i = 0; i < V; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < V; i += 4) {
        r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        vf low = r[i], high = r[i + 4];
        r[i] = _mm256_permute2f128_ps(low, high, 0x20);
        r[i + 4] = _mm256_permute2f128_ps(low, high, 0x31);
    }
}

#else

enum { V = 4 };
typedef struct vf {
    float x[V];
} vf;
typedef struct vi {
    int32_t x[V];
} vi;
typedef struct vm {
    int32_t x[V];
} vm; /* 0 or -1 */

// clang-format off
#define EACH(type, expression) type r; for (int i = 0; i < V; i++) r.x[i] = (expression); return r
INLINE vf vf_load(const float *p) { vf r; memcpy(&r, p, sizeof r); return r; }
INLINE void vf_store(float *p, vf a) { memcpy(p, &a, sizeof a); }
INLINE vf vf_set(float x) { EACH(vf, x); }
INLINE vf vf_add(vf a, vf b) { EACH(vf, a.x[i] + b.x[i]); }
INLINE vf vf_sub(vf a, vf b) { EACH(vf, a.x[i] - b.x[i]); }
INLINE vf vf_mul(vf a, vf b) { EACH(vf, a.x[i] * b.x[i]); }
INLINE vf vf_div(vf a, vf b) { EACH(vf, a.x[i] / b.x[i]); }
INLINE vf vf_sqrt(vf a) { EACH(vf, sqrtf(a.x[i])); }
INLINE vf vf_fma(vf a, vf b, vf c) { EACH(vf, a.x[i] * b.x[i] + c.x[i]); }
INLINE vf vf_fnma(vf a, vf b, vf c) { EACH(vf, c.x[i] - a.x[i] * b.x[i]); }
INLINE vf vf_max(vf a, vf b) { EACH(vf, a.x[i] > b.x[i] ? a.x[i] : b.x[i]); }
INLINE vf vf_min(vf a, vf b) { EACH(vf, a.x[i] < b.x[i] ? a.x[i] : b.x[i]); }
/* To even for |a| < 2^22, which is all the kernels ask. */
INLINE vf vf_round(vf a) { EACH(vf, (a.x[i] + 12582912.0f) - 12582912.0f); }
INLINE vm vf_lt(vf a, vf b) { EACH(vm, -(a.x[i] < b.x[i])); }
INLINE vm vf_eq(vf a, vf b) { EACH(vm, -(a.x[i] == b.x[i])); }
INLINE vi vf_bits(vf a) { vi r; memcpy(&r, &a, sizeof r); return r; }
INLINE vf vi_float(vi a) { vf r; memcpy(&r, &a, sizeof r); return r; }
INLINE vf vf_if(vm m, vf yes, vf no)
{
    vi a = vf_bits(yes), b = vf_bits(no), r;
    for (int i = 0; i < V; i++)
        r.x[i] = (a.x[i] & m.x[i]) | (b.x[i] & ~m.x[i]);
    return vi_float(r);
}
INLINE vi vi_set(int32_t x) { EACH(vi, x); }
INLINE vi vi_load(const int32_t *p) { vi r; memcpy(&r, p, sizeof r); return r; }
INLINE vi vi_add(vi a, vi b) { EACH(vi, (int32_t)((uint32_t)a.x[i] + (uint32_t)b.x[i])); }
INLINE vi vi_sub(vi a, vi b) { EACH(vi, (int32_t)((uint32_t)a.x[i] - (uint32_t)b.x[i])); }
INLINE vi vi_and(vi a, vi b) { EACH(vi, a.x[i] & b.x[i]); }
INLINE vi vi_or(vi a, vi b) { EACH(vi, a.x[i] | b.x[i]); }
INLINE vi vi_shl23(vi a) { EACH(vi, (int32_t)((uint32_t)a.x[i] << 23)); }
INLINE vi vi_sar(vi a, int n) { EACH(vi, a.x[i] >> n); }
INLINE vm vi_eq(vi a, vi b) { EACH(vm, -(a.x[i] == b.x[i])); }
/* Out-of-range values give INT32_MIN, as the x86 instruction does. */
INLINE vi vf_int(vf a) { EACH(vi, fabsf(a.x[i]) < 2147483648.0f ? (int32_t)a.x[i] : INT32_MIN); }
INLINE vf vi_value(vi a) { EACH(vf, (float)a.x[i]); }
INLINE float vf_sum(vf a) { return (a.x[0] + a.x[2]) + (a.x[1] + a.x[3]); }
#undef EACH
// clang-format on

INLINE void vf_transpose(vf r[V])
{
    for (int i = 0; i < V; i++)
        for (int j = 0; j < i; j++) {
            float swap = r[i].x[j];
            r[i].x[j] = r[j].x[i];
            r[j].x[i] = swap;
        }
}

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

/* The first n < V values, the rest zero; and back, leaving the rest alone. */
#if defined(__AVX512F__)
INLINE vf vf_load_first(const float *p, size_t n)
{
    return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}
INLINE void vf_store_first(float *p, vf a, size_t n)
{
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), a);
}
#elif defined(__AVX2__)
INLINE __m256i first_lanes(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
INLINE vf vf_load_first(const float *p, size_t n)
{
    return _mm256_maskload_ps(p, first_lanes(n));
}
INLINE void vf_store_first(float *p, vf a, size_t n)
{
    _mm256_maskstore_ps(p, first_lanes(n), a);
}
#else
INLINE vf vf_load_first(const float *p, size_t n)
{
    vf r = {{0}};
    memcpy(r.x, p, n * sizeof *p);
    return r;
}
INLINE void vf_store_first(float *p, vf a, size_t n) { memcpy(p, a.x, n * sizeof *p); }
#endif
