/* trust.c - makes sure that this process computes right before it trains. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/trust.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "math/isa.h"

/* Old and well tried; the faster first. */
static const char *const safer_cores[] = {"Haswell", "Sandybridge", "Prescott"};

/* The next core to try after the one in the environment, or NULL. */
static const char *next_core(void)
{
    const char *now = getenv("OPENBLAS_CORETYPE");
    size_t n = sizeof safer_cores / sizeof *safer_cores, i = 0;
    for (size_t k = 0; now && k < n; k++)
        if (strcmp(now, safer_cores[k]) == 0)
            i = k + 1;
    return i < n ? safer_cores[i] : NULL;
}

asy_err asy_trust_blas(const asy_args *a)
{
    asy_blas_one_thread();
    if (asy_blas_check() == ASY_OK)
        return ASY_OK;
    const char *core = next_core();
    if (!core)
        return asy_fail_in(ASY_EIO, "no kernel of OpenBLAS computes right on this CPU");
    asy_log(ASY_WARN, "%s; starting again with OPENBLAS_CORETYPE=%s", asy_errmsg(),
            core);
    setenv("OPENBLAS_CORETYPE", core, 1);
    execv("/proc/self/exe", asy_args_line(a));
    return asy_fail(ASY_EIO, "cannot start again: %s", strerror(errno));
}
