/* local.h - worker processes on this machine: started, watched, started again. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <sys/types.h>
#include "lab/host.h"

typedef struct asy_local {
    pid_t pid;        /* 0 = not running */
    uint64_t next_ms; /* when to start it again */
    uint64_t started_ms;
    uint32_t back_off; /* ms */
} asy_local;

asy_err asy_local_start(asy_host *h);
void asy_local_tick(asy_host *h, uint64_t now);
void asy_local_stop(asy_host *h);
