/* reference.h - the table of math/backend.h in plain loops and double precision: what
 * the fast backends are compared with, and where gradients are checked. */
#pragma once
#include "math/backend.h"

extern const asy_backend asy_backend_reference;

/* A member's numbers, to be read and changed: [params] each. */
double *asy_reference_params(asy_pop *p, uint32_t m);
double *asy_reference_gradients(asy_pop *p, uint32_t m);
