/* act.c - activation functions by name, on the kernels of this CPU. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "math/act.h"
#include "math/kernels.h"
#include "math/names.h"

const char *const asy_act_names[ASY_ACT_COUNT] = {
    "linear", "relu",    "leaky_relu", "elu",      "gelu",        "silu",
    "tanh",   "sigmoid", "softplus",   "softsign", "hard_sigmoid"};

asy_err asy_act_parse(const char *name, asy_act *out)
{
    size_t i;
    asy_err e = asy_name_find("activation", name, asy_act_names, ASY_ACT_COUNT, &i);
    if (!e)
        *out = (asy_act)i;
    return e;
}

void asy_act_forward(asy_act f, size_t n, const float *x, float *y)
{
    asy_kernels_get()->vec->forward(f, (asy_area){1, n, n}, x, y);
}

void asy_act_backward(asy_act f, size_t n, const float *x, const float *y, float *d)
{
    asy_kernels_get()->vec->backward(f, (asy_area){1, n, n}, x ? x : y, y, d);
}

int asy_act_needs_input(asy_act f) { return f == ASY_ACT_GELU || f == ASY_ACT_SILU; }
