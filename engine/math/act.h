/* act.h - activation functions, by name and over arrays of float. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stddef.h>
#include "base/err.h"

typedef enum asy_act {
    ASY_ACT_LINEAR,       /* x */
    ASY_ACT_RELU,         /* max(0, x) */
    ASY_ACT_LEAKY_RELU,   /* x > 0 ? x : 0.01 x */
    ASY_ACT_ELU,          /* x > 0 ? x : exp(x) - 1 */
    ASY_ACT_GELU,         /* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
    ASY_ACT_SILU,         /* x sigmoid(x) */
    ASY_ACT_TANH,         /* tanh x */
    ASY_ACT_SIGMOID,      /* 1 / (1 + exp(-x)) */
    ASY_ACT_SOFTPLUS,     /* log(1 + exp(x)) */
    ASY_ACT_SOFTSIGN,     /* x / (1 + |x|) */
    ASY_ACT_HARD_SIGMOID, /* clip(x/6 + 1/2, 0, 1) */
    ASY_ACT_COUNT
} asy_act;

/* Names as rules write them, in the order of the enum. */
extern const char *const asy_act_names[ASY_ACT_COUNT];

/* ASY_EARG with the nearest and all known names when there is none. */
asy_err asy_act_parse(const char *name, asy_act *out);

/* y[i] = f(x[i]); y may be x. */
void asy_act_forward(asy_act f, size_t n, const float *x, float *y);

/* d[i] *= f'(x[i]). Most derivatives follow from y = f(x); gelu, silu need x itself, so
 * both are given (x may be NULL where asy_act_needs_input() is 0). */
void asy_act_backward(asy_act f, size_t n, const float *x, const float *y, float *d);

/* 1 when the derivative cannot be had from the output alone. */
int asy_act_needs_input(asy_act f);
