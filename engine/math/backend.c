/* backend.c - backends by name. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "math/backend.h"
#include <string.h>

static const asy_backend *const backends[] = {&asy_backend_blas};

const asy_backend *asy_backend_find(const char *name)
{
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i];
    return NULL;
}
