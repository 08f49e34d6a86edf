/* init.c - first parameters of a network. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "nn/init.h"

static void fill_uniform(asy_rng *r, double limit, float *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        w[i] = (float)((2.0 * asy_rng_uniform_f(r) - 1.0) * limit);
}

static void fill_normal(asy_rng *r, double deviation, float *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        w[i] = (float)(asy_rng_normal(r) * deviation);
}

/* ---- orthogonal ---- */

/* Eight sums keep the additions from waiting for each other. */
static double dot(const double *a, const double *b, size_t n)
{
    double s[8] = {0}, sum = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t k = 0; k < 8; k++)
            s[k] += a[i + k] * b[i + k];
    for (; i < n; i++)
        sum += a[i] * b[i];
    return sum + ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

/* Modified Gram-Schmidt over v[count][len], count <= len. The diagonal of R is
 * positive, which makes Q evenly distributed over all orthonormal systems. */
static void orthonormalise(double *v, size_t count, size_t len)
{
    for (size_t i = 0; i < count; i++) {
        double *a = v + i * len;
        double scale = 1 / sqrt(dot(a, a, len));
        for (size_t k = 0; k < len; k++)
            a[k] *= scale;
        for (size_t j = i + 1; j < count; j++) {
            double *b = v + j * len, along = dot(a, b, len);
            for (size_t k = 0; k < len; k++)
                b[k] -= along * a[k];
        }
    }
}

static asy_err fill_orthogonal(asy_rng *r, size_t in, size_t out, float *w)
{
    size_t count = in < out ? in : out, len = in < out ? out : in;
    double *v = asy_try_alloc(count * len, sizeof *v);
    if (!v)
        return asy_fail(ASY_ENOMEM, "no memory for an orthogonal %zu x %zu start", in,
                        out);
    for (size_t i = 0; i < count * len; i++)
        v[i] = asy_rng_normal(r);
    orthonormalise(v, count, len);
    for (size_t i = 0; i < in; i++)
        for (size_t o = 0; o < out; o++)
            w[i * out + o] = (float)(in < out ? v[i * len + o] : v[o * len + i]);
    asy_free(v);
    return ASY_OK;
}

/* ---- layers ---- */

static asy_err fill_weights(asy_init init, asy_rng *r, const asy_layer_shape *l,
                            float *w)
{
    double in = l->in, out = l->out;
    size_t n = (size_t)l->in * l->out;
    switch (init) {
    case ASY_INIT_GLOROT_UNIFORM: fill_uniform(r, sqrt(6 / (in + out)), w, n); break;
    case ASY_INIT_GLOROT_NORMAL: fill_normal(r, sqrt(2 / (in + out)), w, n); break;
    case ASY_INIT_HE_UNIFORM: fill_uniform(r, sqrt(6 / in), w, n); break;
    case ASY_INIT_HE_NORMAL: fill_normal(r, sqrt(2 / in), w, n); break;
    case ASY_INIT_LECUN_UNIFORM: fill_uniform(r, sqrt(3 / in), w, n); break;
    case ASY_INIT_LECUN_NORMAL: fill_normal(r, sqrt(1 / in), w, n); break;
    case ASY_INIT_ORTHOGONAL: return fill_orthogonal(r, l->in, l->out, w);
    default: memset(w, 0, n * sizeof *w); break;
    }
    return ASY_OK;
}

static void fill_rest(const asy_layer_shape *l, float *params, float *statistics)
{
    memset(params + l->b, 0, l->out * sizeof *params);
    for (uint32_t i = 0; l->batch_norm && i < l->out; i++) {
        params[l->gamma + i] = 1;
        params[l->beta + i] = 0;
        statistics[l->mean + i] = 0;
        statistics[l->var + i] = 1;
    }
}

asy_err asy_init_fill(const asy_design *d, const asy_plan *p, asy_key key,
                      float *params, float *statistics)
{
    asy_err e = ASY_OK;
    for (uint32_t i = 0; i < p->shape.layers && !e; i++) {
        const asy_layer_shape *l = &p->layer[i];
        asy_init init = i < d->depth ? d->hidden[i].init : d->output.init;
        asy_rng r = asy_rng_open(key, ASY_STREAM_INIT, i);
        e = fill_weights(init, &r, l, params + l->w);
        fill_rest(l, params, statistics);
    }
    return e;
}
