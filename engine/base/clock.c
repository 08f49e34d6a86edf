/* clock.c - time from the system's clocks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include <errno.h>
#include <time.h>

static uint64_t read_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

uint64_t asy_now_ns(void) { return read_ns(CLOCK_MONOTONIC); }

uint64_t asy_now_ms(void) { return asy_now_ns() / 1000000U; }

int64_t asy_wall_ms(void) { return (int64_t)(read_ns(CLOCK_REALTIME) / 1000000U); }

void asy_sleep_ms(uint32_t ms)
{
    struct timespec left = {.tv_sec = ms / 1000,
                            .tv_nsec = (long)(ms % 1000) * 1000000L};
    while (nanosleep(&left, &left) && errno == EINTR)
        ;
}
