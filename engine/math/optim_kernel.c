/* optim_kernel.c - one pass over all parameters: clip, decay, moments, step. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "math/kernels.h"
#include "math/simd.h"

/* k a + (1 - k) b; k (a - b) + b would lose b's last places when a is small. */
INLINE vf mix(vf k, vf a, vf b)
{
    return vf_fma(k, a, vf_mul(vf_sub(vf_set(1.0f), k), b));
}

typedef struct moments {
    vf mean, root; /* of g; sqrt of that of g^2, corrected, plus eps */
} moments;

INLINE moments adam_moments(const asy_update *u, size_t i, vf g)
{
    vf m = mix(vf_set(u->beta1), vf_load(u->slot1 + i), g);
    vf v = mix(vf_set(u->beta2), vf_load(u->slot2 + i), vf_mul(g, g));
    vf_store(u->slot1 + i, m);
    vf_store(u->slot2 + i, v);
    return (moments){m, vf_fma(vf_sqrt(v), vf_set(u->var_scale), vf_set(u->eps))};
}

/* The new parameters from the old ones p and the gradient g. */
INLINE vf step(asy_optimizer kind, const asy_update *u, size_t i, vf p, vf g)
{
    vf rate = vf_set(u->rate), eps = vf_set(u->eps), rho = vf_set(u->rho), s, t;
    moments m;
    switch (kind) {
    case ASY_OPT_SGD:
        if (!u->slot1)
            return vf_fnma(rate, g, p);
        s = vf_fma(vf_set(u->momentum), vf_load(u->slot1 + i), g);
        vf_store(u->slot1 + i, s);
        return vf_fnma(rate, u->nesterov ? vf_fma(vf_set(u->momentum), s, g) : s, p);
    case ASY_OPT_RMSPROP:
        s = mix(rho, vf_load(u->slot1 + i), vf_mul(g, g));
        vf_store(u->slot1 + i, s);
        return vf_fnma(rate, vf_div(g, vf_add(vf_sqrt(s), eps)), p);
    case ASY_OPT_ADAGRAD:
        s = vf_fma(g, g, vf_load(u->slot1 + i));
        vf_store(u->slot1 + i, s);
        return vf_fnma(rate, vf_div(g, vf_add(vf_sqrt(s), eps)), p);
    case ASY_OPT_ADADELTA:
        s = mix(rho, vf_load(u->slot1 + i), vf_mul(g, g));
        t = vf_load(u->slot2 + i);
        g = vf_mul(g, vf_sqrt(vf_div(vf_add(t, eps), vf_add(s, eps))));
        vf_store(u->slot1 + i, s);
        vf_store(u->slot2 + i, mix(rho, t, vf_mul(g, g)));
        return vf_fnma(rate, g, p);
    case ASY_OPT_NADAM:
        m = adam_moments(u, i, g);
        s = vf_fma(rate, m.mean, vf_mul(vf_set(u->gradient_rate), g));
        return vf_sub(p, vf_div(s, m.root));
    case ASY_OPT_ADAMW: p = vf_mul(p, vf_set(u->shrink)); /* fall through */
    default: m = adam_moments(u, i, g); return vf_fnma(rate, vf_div(m.mean, m.root), p);
    }
}

INLINE void update_all(asy_optimizer kind, const asy_update *u)
{
    const vf scale = vf_set(u->scale), clip = vf_set(u->clip), decay = vf_set(u->decay);
    for (size_t i = 0; i < u->n; i += V) {
        vf p = vf_load(u->p + i), g = vf_mul(vf_load(u->g + i), scale);
        g = vf_min(clip, vf_max(vf_neg(clip), g));
        vf_store(u->p + i, step(kind, u, i, p, vf_fma(decay, p, g)));
    }
}

static void update(const asy_update *u)
{
    switch (u->kind) {
    case ASY_OPT_SGD: update_all(ASY_OPT_SGD, u); break;
    case ASY_OPT_RMSPROP: update_all(ASY_OPT_RMSPROP, u); break;
    case ASY_OPT_ADAGRAD: update_all(ASY_OPT_ADAGRAD, u); break;
    case ASY_OPT_ADADELTA: update_all(ASY_OPT_ADADELTA, u); break;
    case ASY_OPT_ADAM: update_all(ASY_OPT_ADAM, u); break;
    case ASY_OPT_ADAMW: update_all(ASY_OPT_ADAMW, u); break;
    default: update_all(ASY_OPT_NADAM, u); break;
    }
}

const asy_optim_kernels ASY_ISA_NAME(asy_optim_kernels) = {.update = update};
