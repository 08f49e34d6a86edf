/* worker.h - a worker: takes leases from a host, trains, gives results back. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdatomic.h>
#include "lab/rule.h"

typedef struct asy_worker_config {
    const char *url;        /* of the host */
    const char *token;      /* 64 hex digits, from the environment or a file */
    const char *cache;      /* folder for prepared data; NULL: a temporary one */
    const asy_own_ops *own; /* how `trial =` functions are run */
    const atomic_bool
        *drain; /* set by SIGTERM: finish or return leases, leave. Lock-free */
} asy_worker_config;

/* Runs until the host says so, drain is set, or the host has been gone for a minute.
 * ASY_EARG: rejected (wrong token, other version). */
asy_err asy_worker_run(const asy_worker_config *config);
