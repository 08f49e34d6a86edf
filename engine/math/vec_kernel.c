/* vec_kernel.c - activations, their derivatives and simple sums over arrays. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "math/elementary.h"
#include "math/kernels.h"

/* ---- Activations and derivatives ---- */

/* gelu(x) = x sigmoid(w(x)) with w = 2 sqrt(2/pi) (x + 0.044715 x^3), since
 * (1 + tanh u) / 2 = sigmoid(2u). */
INLINE vf gelu_inner(vf x)
{
    vf cubic = vf_fma(vf_mul(vf_set(0.044715f), vf_mul(x, x)), x, x);
    return vf_mul(vf_set(1.59576912f), cubic);
}

INLINE vf gelu_slope(vf x) /* w' */
{
    return vf_fma(vf_set(0.214064449f), vf_mul(x, x), vf_set(1.59576912f));
}

INLINE vf elu(vf x)
{
    vf below = vexpm1(vf_max(vf_set(-80.0f), vf_min(vf_zero(), x)));
    return vf_if(vf_lt(vf_zero(), x), x, below);
}

INLINE vf hard_sigmoid(vf x)
{
    vf y = vf_fma(x, vf_set(1.0f / 6), vf_set(0.5f));
    return vf_min(vf_set(1.0f), vf_max(vf_zero(), y));
}

INLINE vf activate(asy_act f, vf x)
{
    vf one = vf_set(1.0f), zero = vf_zero();
    switch (f) {
    case ASY_ACT_RELU: return vf_max(zero, x);
    case ASY_ACT_LEAKY_RELU: return vf_max(vf_mul(vf_set(0.01f), x), x);
    case ASY_ACT_ELU: return elu(x);
    case ASY_ACT_GELU: return vf_mul(x, vsigmoid(gelu_inner(x)));
    case ASY_ACT_SILU: return vf_mul(x, vsigmoid(x));
    case ASY_ACT_TANH: return vtanh(x);
    case ASY_ACT_SIGMOID: return vsigmoid(x);
    case ASY_ACT_SOFTPLUS: return vsoftplus(x);
    case ASY_ACT_SOFTSIGN: return vf_div(x, vf_add(one, vf_abs(x)));
    case ASY_ACT_HARD_SIGMOID: return hard_sigmoid(x);
    default: return x;
    }
}

/* f'(x) d, where y = f(x). */
INLINE vf slope(asy_act f, vf x, vf y, vf d)
{
    vf one = vf_set(1.0f), zero = vf_zero(), s;
    switch (f) {
    case ASY_ACT_RELU: return vf_if(vf_lt(zero, y), d, zero);
    case ASY_ACT_LEAKY_RELU: return vf_if(vf_lt(zero, y), d, vf_mul(vf_set(0.01f), d));
    case ASY_ACT_ELU: return vf_if(vf_lt(zero, y), d, vf_fma(d, y, d));
    case ASY_ACT_GELU:
        s = vsigmoid(gelu_inner(x));
        return vf_mul(d,
                      vf_fma(vf_mul(vf_mul(x, gelu_slope(x)), s), vf_sub(one, s), s));
    case ASY_ACT_SILU:
        s = vsigmoid(x);
        return vf_mul(d, vf_fma(vf_mul(x, s), vf_sub(one, s), s));
    case ASY_ACT_TANH: return vf_mul(d, vf_fnma(y, y, one));
    case ASY_ACT_SIGMOID: return vf_mul(d, vf_fnma(y, y, y));
    case ASY_ACT_SOFTPLUS: /* sigmoid(x) = 1 - e^-y */
        return vf_mul(d, vf_neg(vexpm1(vf_max(vf_set(-80.0f), vf_neg(y)))));
    case ASY_ACT_SOFTSIGN: s = vf_sub(one, vf_abs(y)); return vf_mul(d, vf_mul(s, s));
    case ASY_ACT_HARD_SIGMOID:
        return vf_if(vf_lt(zero, vf_mul(y, vf_sub(one, y))),
                     vf_mul(d, vf_set(1.0f / 6)), zero);
    default: return d;
    }
}

/* ---- Loops ---- */

INLINE void forward_row(asy_act f, size_t n, const float *x, float *y)
{
    size_t i = 0;
    for (; i + V <= n; i += V)
        vf_store(y + i, activate(f, vf_load(x + i)));
    if (i < n)
        vf_store_first(y + i, activate(f, vf_load_first(x + i, n - i)), n - i);
}

INLINE void backward_row(asy_act f, size_t n, const float *x, const float *y, float *d)
{
    size_t i = 0;
    for (; i + V <= n; i += V)
        vf_store(d + i, slope(f, vf_load(x + i), vf_load(y + i), vf_load(d + i)));
    if (i < n) {
        size_t left = n - i;
        vf s = slope(f, vf_load_first(x + i, left), vf_load_first(y + i, left),
                     vf_load_first(d + i, left));
        vf_store_first(d + i, s, left);
    }
}

/* Rows without gaps are one long row. */
INLINE asy_area joined(asy_area s)
{
    return s.ld == s.n ? (asy_area){1, s.rows * s.n, s.rows * s.n} : s;
}

INLINE void forward_area(asy_act f, asy_area s, const float *x, float *y)
{
    s = joined(s);
    for (size_t r = 0; r < s.rows; r++)
        forward_row(f, s.n, x + r * s.ld, y + r * s.ld);
}

INLINE void backward_area(asy_act f, asy_area s, const float *x, const float *y,
                          float *d)
{
    s = joined(s);
    for (size_t r = 0; r < s.rows; r++)
        backward_row(f, s.n, x + r * s.ld, y + r * s.ld, d + r * s.ld);
}

/* Calls `loop` with the activation as a constant, so that each gets a loop of its own.
 */
#define WITH_CONSTANT(f, loop, ...)                                                    \
    switch (f) {                                                                       \
    case ASY_ACT_RELU: loop(ASY_ACT_RELU, __VA_ARGS__); break;                         \
    case ASY_ACT_LEAKY_RELU: loop(ASY_ACT_LEAKY_RELU, __VA_ARGS__); break;             \
    case ASY_ACT_ELU: loop(ASY_ACT_ELU, __VA_ARGS__); break;                           \
    case ASY_ACT_GELU: loop(ASY_ACT_GELU, __VA_ARGS__); break;                         \
    case ASY_ACT_SILU: loop(ASY_ACT_SILU, __VA_ARGS__); break;                         \
    case ASY_ACT_TANH: loop(ASY_ACT_TANH, __VA_ARGS__); break;                         \
    case ASY_ACT_SIGMOID: loop(ASY_ACT_SIGMOID, __VA_ARGS__); break;                   \
    case ASY_ACT_SOFTPLUS: loop(ASY_ACT_SOFTPLUS, __VA_ARGS__); break;                 \
    case ASY_ACT_SOFTSIGN: loop(ASY_ACT_SOFTSIGN, __VA_ARGS__); break;                 \
    case ASY_ACT_HARD_SIGMOID: loop(ASY_ACT_HARD_SIGMOID, __VA_ARGS__); break;         \
    default: break;                                                                    \
    }

static void forward(asy_act f, asy_area s, const float *x, float *y)
{
    WITH_CONSTANT(f, forward_area, s, x, y)
    if (f == ASY_ACT_LINEAR && x != y)
        for (size_t r = 0; r < s.rows; r++)
            memcpy(y + r * s.ld, x + r * s.ld, s.n * sizeof *y);
}

static void backward(asy_act f, asy_area s, const float *x, const float *y,
                     float *d){WITH_CONSTANT(f, backward_area, s, x, y, d)}

#define MAP(name, expression)                                                          \
    static void name(size_t n, const float *x, float *y)                               \
    {                                                                                  \
        size_t i = 0;                                                                  \
        for (; i + V <= n; i += V) {                                                   \
            vf a = vf_load(x + i);                                                     \
            vf_store(y + i, expression);                                               \
        }                                                                              \
        if (i < n) {                                                                   \
            vf a = vf_load_first(x + i, n - i);                                        \
            vf_store_first(y + i, expression, n - i);                                  \
        }                                                                              \
    }
MAP(map_exp, vexp(a)) MAP(map_log, vlog(a))

    /* Simple enough for the compiler to vectorise. */
    static void add(size_t n, const float *restrict x, float *restrict y)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

static void add_scaled(size_t n, float s, const float *restrict x, float *restrict y)
{
    for (size_t i = 0; i < n; i++)
        y[i] += s * x[i];
}

static void mul(size_t n, const float *restrict x, float *restrict y)
{
    for (size_t i = 0; i < n; i++)
        y[i] *= x[i];
}

static void mul_into(size_t n, const float *restrict a, const float *restrict b,
                     float *restrict y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = a[i] * b[i];
}

/* Lanes sum a stretch in float, stretches add up in double. */
static double sum_squares(size_t n, const float *x)
{
    enum { STRETCH = 1024 };
    double total = 0;
    for (size_t from = 0; from < n; from += STRETCH) {
        size_t end = n - from < STRETCH ? n : from + STRETCH, i = from;
        vf s = vf_zero();
        for (; i + V <= end; i += V)
            s = vf_fma(vf_load(x + i), vf_load(x + i), s);
        if (i < end) {
            vf last = vf_load_first(x + i, end - i);
            s = vf_fma(last, last, s);
        }
        total += vf_sum(s);
    }
    return total;
}

static void take(asy_area s, const uint32_t *row, const float *from, float *to)
{
    const size_t whole = s.n / V * V, rest = s.n % V;
    for (size_t r = 0; r < s.rows; r++, to += s.ld) {
        const float *x = from + (size_t)row[r] * s.n;
        for (size_t j = 0; j < whole; j += V)
            vf_store(to + j, vf_load(x + j));
        if (rest)
            vf_store(to + whole, vf_load_first(x + whole, rest));
    }
}

const asy_vec_kernels ASY_ISA_NAME(asy_vec_kernels) = {.forward = forward,
                                                       .backward = backward,
                                                       .exp = map_exp,
                                                       .log = map_log,
                                                       .add = add,
                                                       .add_scaled = add_scaled,
                                                       .mul = mul,
                                                       .mul_into = mul_into,
                                                       .sum_squares = sum_squares,
                                                       .take = take};
