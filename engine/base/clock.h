/* clock.h - time. Leases and limits use the monotonic clock only. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdint.h>

uint64_t asy_now_ns(void); /* monotonic */
uint64_t asy_now_ms(void); /* monotonic */
int64_t asy_wall_ms(void); /* milliseconds since 1970, for records people read */
void asy_sleep_ms(uint32_t ms);
