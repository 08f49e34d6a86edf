/* elementary.h - exp, log and what follows from them, in every lane of a vector.
 *
 * Polynomials are least-maximum fits. Errors in ulp of float against double, which
 * tests/math/test_vec.c holds them to: exp 2, log 2, tanh 3, sigmoid 3, softplus 3. NaN
 * stays NaN. Only *_kernel.c files include this.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "math/simd.h"

/* x = n ln 2 + r with |r| <= ln 2 / 2; gives e^r - 1 = r + r^2 q(r). */
INLINE vf reduced_expm1(vf x, vf *n)
{
    *n = vf_round(vf_mul(x, vf_set(1.44269504f)));
    vf r = vf_fnma(*n, vf_set(0.693359375f), x);
    r = vf_fnma(*n, vf_set(-2.12194440e-4f), r);
    vf q = vf_fma(vf_set(0.00139475847f), r, vf_set(0.0083672395f));
    q = vf_fma(q, r, vf_set(0.0416662656f));
    q = vf_fma(q, r, vf_set(0.166665375f));
    q = vf_fma(q, r, vf_set(0.5f));
    return vf_fma(vf_mul(r, r), q, r);
}

/* Below -87.3 the result would be denormal; it becomes 0. */
INLINE vf vexp(vf x)
{
    vf n, low = vf_set(-87.33654f);
    vf p = reduced_expm1(vf_max(low, vf_min(vf_set(89.0f), x)), &n);
    vf e = vf_scale(vf_add(vf_set(1.0f), p), n);
    return vf_if(vf_lt(x, low), vf_zero(), e);
}

/* e^x - 1 for |x| <= 80, exact to the last places near 0 too. */
INLINE vf vexpm1(vf x)
{
    vf n, p = reduced_expm1(x, &n);
    vf power = vf_scale(vf_set(1.0f), n);
    return vf_fma(power, p, vf_sub(power, vf_set(1.0f)));
}

/* log x for normal positive x: x = 2^n (1 + f), f in [sqrt(1/2) - 1, sqrt(2) - 1). */
INLINE vf log_normal(vf x)
{
    vi n = vi_sar(vi_sub(vf_bits(x), vi_set(0x3f3504f3)), 23);
    vf f = vf_sub(vi_float(vi_sub(vf_bits(x), vi_shl23(n))), vf_set(1.0f));
    vf e = vi_value(n), ff = vf_mul(f, f);
    vf p = vf_fma(vf_set(-0.0763449743f), f, vf_set(0.12761578f));
    p = vf_fma(p, f, vf_set(-0.131601825f));
    p = vf_fma(p, f, vf_set(0.142017573f));
    p = vf_fma(p, f, vf_set(-0.166233569f));
    p = vf_fma(p, f, vf_set(0.200012267f));
    p = vf_fma(p, f, vf_set(-0.250008196f));
    p = vf_fma(p, f, vf_set(0.333333313f));
    vf tail = vf_fma(vf_mul(ff, f), p, vf_mul(e, vf_set(-2.12194440e-4f)));
    tail = vf_fnma(vf_set(0.5f), ff, tail);
    vf y = vf_fma(e, vf_set(0.693359375f), vf_add(f, tail));
    return vf_add(y, vf_sub(x, x)); /* the bits of a NaN would look like a number */
}

/* All of log: denormal, 0, negative, infinite. */
INLINE vf vlog(vf x)
{
    vm tiny = vf_lt(x, vf_set(1.17549435e-38f));
    vf y = log_normal(vf_if(tiny, vf_mul(x, vf_set(8388608.0f)), x));
    y = vf_if(tiny, vf_sub(y, vf_set(15.9423847f)), y);
    y = vf_if(vf_lt(x, vf_set(INFINITY)), y, x); /* infinity, NaN */
    y = vf_if(vf_lt(vf_zero(), x), y, vf_if(vf_lt(x, vf_zero()), vf_set(NAN), y));
    return vf_if(vf_eq(x, vf_zero()), vf_set(-INFINITY), y);
}

/* log(1 + y) for y in [0, 1]: the second term gives back what 1 + y rounded away. */
INLINE vf vlog1p(vf y)
{
    vf u = vf_add(vf_set(1.0f), y);
    return vf_add(log_normal(u), vf_div(vf_sub(y, vf_sub(u, vf_set(1.0f))), u));
}

/* (e^2a - 1) / (e^2a + 1) of a = |x|, which is 1 in float from 10 on. */
INLINE vf vtanh(vf x)
{
    vf a = vf_min(vf_set(10.0f), vf_abs(x));
    vf e = vexpm1(vf_add(a, a));
    return vf_with_sign(vf_div(e, vf_add(e, vf_set(2.0f))), vf_sign_of(x));
}

INLINE vf vsigmoid(vf x)
{
    vf one = vf_set(1.0f);
    return vf_div(one, vf_add(one, vexp(vf_neg(x))));
}

INLINE vf vsoftplus(vf x)
{
    return vf_add(vf_max(vf_zero(), x), vlog1p(vexp(vf_neg(vf_abs(x)))));
}
