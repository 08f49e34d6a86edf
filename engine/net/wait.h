/* wait.h - waiting with a limit by the monotonic clock. Inside net only. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* A condition whose timed waits go by the monotonic clock. */
void asy_wait_init(pthread_cond_t *c);
/* That clock, ms from now. */
struct timespec asy_wait_deadline(uint32_t ms);
