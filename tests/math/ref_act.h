/* ref_act.h - activations and their derivatives in double, by their formulas. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <math.h>
#include "math/act.h"

static double ref_sigmoid(double x) { return 1 / (1 + exp(-x)); }

static double ref_act(asy_act f, double x)
{
    switch (f) {
    case ASY_ACT_RELU: return x > 0 ? x : 0;
    case ASY_ACT_LEAKY_RELU: return x > 0 ? x : 0.01 * x;
    case ASY_ACT_ELU: return x > 0 ? x : expm1(x);
    case ASY_ACT_GELU:
        return x / 2 * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case ASY_ACT_SILU: return x * ref_sigmoid(x);
    case ASY_ACT_TANH: return tanh(x);
    case ASY_ACT_SIGMOID: return ref_sigmoid(x);
    case ASY_ACT_SOFTPLUS: return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
    case ASY_ACT_SOFTSIGN: return x / (1 + fabs(x));
    case ASY_ACT_HARD_SIGMOID: return fmin(1, fmax(0, x / 6 + 0.5));
    default: return x;
    }
}

static double ref_slope(asy_act f, double x)
{
    double t, s;
    switch (f) {
    case ASY_ACT_RELU: return x > 0;
    case ASY_ACT_LEAKY_RELU: return x > 0 ? 1 : 0.01;
    case ASY_ACT_ELU: return x > 0 ? 1 : exp(x);
    case ASY_ACT_GELU:
        t = tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x));
        return (1 + t) / 2 +
               x / 2 * (1 - t * t) * sqrt(2 / M_PI) * (1 + 3 * 0.044715 * x * x);
    case ASY_ACT_SILU: s = ref_sigmoid(x); return s * (1 + x * (1 - s));
    case ASY_ACT_TANH: return 1 - tanh(x) * tanh(x);
    case ASY_ACT_SIGMOID: return ref_sigmoid(x) * (1 - ref_sigmoid(x));
    case ASY_ACT_SOFTPLUS: return ref_sigmoid(x);
    case ASY_ACT_SOFTSIGN: return 1 / ((1 + fabs(x)) * (1 + fabs(x)));
    case ASY_ACT_HARD_SIGMOID: return fabs(x) < 3 ? 1.0 / 6 : 0;
    default: return 1;
    }
}
