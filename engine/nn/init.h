/* init.h - first parameters of a network. */
#pragma once
#include "base/rng.h"
#include "nn/plan.h"

/* Fills params[shape.params] and statistics[shape.statistics]: W as each layer's `init`
 * says, b and beta 0, gamma 1, running mean 0, running variance 1. Numbers come from
 * stream INIT of `key`, index = layer, computed in double and rounded, so that all
 * machines agree. With W (in, out) and n(s) normal of deviation s:
 *   glorot  uniform +-sqrt(6 / (in + out))   normal n(sqrt(2 / (in + out)))
 *   he      uniform +-sqrt(6 / in)           normal n(sqrt(2 / in))
 *   lecun   uniform +-sqrt(3 / in)           normal n(sqrt(1 / in))
 *   orthogonal: the shorter side's vectors are orthonormal, evenly drawn
 * ASY_ENOMEM when orthogonal finds no room to work. */
asy_err asy_init_fill(const asy_design *d, const asy_plan *p, asy_key key,
                      float *params, float *statistics);
