/* simd_plain.h - 4 floats in plain C. Included by simd.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "math/simd_base.h"

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
#define EACH(type, expression) \
    type r; \
    for (int i = 0; i < V; i++) \
        r.x[i] = (expression); \
    return r
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
INLINE int32_t wrapped(uint32_t a) { return (int32_t)a; }
INLINE vi vi_add(vi a, vi b) { EACH(vi, wrapped((uint32_t)a.x[i] + (uint32_t)b.x[i])); }
INLINE vi vi_sub(vi a, vi b) { EACH(vi, wrapped((uint32_t)a.x[i] - (uint32_t)b.x[i])); }
INLINE vi vi_and(vi a, vi b) { EACH(vi, a.x[i] & b.x[i]); }
INLINE vi vi_or(vi a, vi b) { EACH(vi, a.x[i] | b.x[i]); }
INLINE vi vi_shl23(vi a) { EACH(vi, (int32_t)((uint32_t)a.x[i] << 23)); }
INLINE vi vi_sar(vi a, int n) { EACH(vi, a.x[i] >> n); }
INLINE vm vi_eq(vi a, vi b) { EACH(vm, -(a.x[i] == b.x[i])); }
/* Out-of-range values give INT32_MIN, as the x86 instruction does. */
INLINE vi vf_int(vf a)
{
    EACH(vi, fabsf(a.x[i]) < 2147483648.0f ? (int32_t)a.x[i] : INT32_MIN);
}
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

/* The first n < V values, the rest zero; and back, leaving the rest alone. */
INLINE vf vf_load_first(const float *p, size_t n)
{
    vf r = {{0}};
    memcpy(r.x, p, n * sizeof *p);
    return r;
}
INLINE void vf_store_first(float *p, vf a, size_t n) { memcpy(p, a.x, n * sizeof *p); }
