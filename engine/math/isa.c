/* isa.c - what the CPU can do, and whether OpenBLAS computes right on it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "math/isa.h"
#include <cblas.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

static const char *const isa_names[] = {"plain", "avx2", "avx512"};

const char *asy_isa_name(asy_isa isa) { return isa_names[isa]; }

asy_isa asy_isa_best(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        return ASY_ISA_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return ASY_ISA_AVX2;
#endif
    return ASY_ISA_PLAIN;
}

static asy_isa decide(void)
{
    asy_isa best = asy_isa_best();
    const char *wish = getenv("ASSAY_ISA");
    for (int i = 0; wish && i < (int)best; i++)
        if (strcmp(wish, isa_names[i]) == 0)
            return (asy_isa)i;
    return best;
}

asy_isa asy_isa_get(void)
{
    static _Atomic int known; /* 1 + the answer; deciding twice gives the same */
    int answer = known;
    if (!answer)
        known = answer = 1 + (int)decide();
    return (asy_isa)(answer - 1);
}

const char *asy_blas_core(void) { return openblas_get_corename(); }

void asy_blas_one_thread(void) { openblas_set_num_threads(1); }

/* Deterministic values in [-1, 1). */
static void fill(float *x, size_t n, uint32_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
    }
}

typedef struct shape {
    int m, n, k;
    bool turn_a, turn_b;
} shape;

/* Largest |OpenBLAS - plain loops| over an m x n product, per term of the sums. */
static double worst_error(shape s, const float *a, const float *b, float *c)
{
    cblas_sgemm(CblasRowMajor, s.turn_a ? CblasTrans : CblasNoTrans,
                s.turn_b ? CblasTrans : CblasNoTrans, s.m, s.n, s.k, 1, a,
                s.turn_a ? s.m : s.k, b, s.turn_b ? s.k : s.n, 0, c, s.n);
    double worst = 0;
    for (int i = 0; i < s.m; i++)
        for (int j = 0; j < s.n; j++) {
            double sum = 0;
            for (int t = 0; t < s.k; t++)
                sum += (double)(s.turn_a ? a[t * s.m + i] : a[i * s.k + t]) *
                       (s.turn_b ? b[j * s.k + t] : b[t * s.n + j]);
            double error = fabs(sum - c[i * s.n + j]) / s.k;
            worst = error <= worst ? worst : error; /* NaN becomes the worst */
        }
    return worst;
}

/* Odd sizes, thin ones, and each way of turning the operands: where kernels for a new
 * CPU have gone wrong. */
static const shape shapes[] = {{1, 1, 1, false, false},     {16, 16, 16, false, false},
                               {17, 5, 33, false, false},   {64, 32, 16, true, false},
                               {32, 64, 48, false, true},   {7, 96, 31, true, true},
                               {128, 10, 64, false, false}, {3, 130, 65, true, false},
                               {50, 50, 1, false, true},    {96, 96, 40, false, false},
                               {1, 100, 100, false, true},  {100, 1, 100, true, false}};

asy_err asy_blas_check(void)
{
    enum { MOST = 130 * 130 };
    float *x = asy_alloc(3 * MOST, sizeof *x);
    asy_err e = ASY_OK;
    asy_blas_one_thread();
    for (size_t i = 0; !e && i < sizeof shapes / sizeof *shapes; i++) {
        shape s = shapes[i];
        fill(x, MOST, 1);
        fill(x + MOST, MOST, 2);
        double error = worst_error(s, x, x + MOST, x + 2 * MOST);
        if (!(error < 1e-6))
            e = asy_fail(ASY_EARG,
                         "OpenBLAS computes wrong on this CPU: kernel %s, %dx%d by "
                         "%dx%d is off by %g; set OPENBLAS_CORETYPE=Haswell",
                         asy_blas_core(), s.m, s.k, s.k, s.n, error);
    }
    asy_free(x);
    return e;
}
