/* crc.h - the two variants of asy_crc32c() (hash.h); private to base and its tests.
 *
 * Both continue a CRC over more bytes; the caller inverts it before and after.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stddef.h>
#include <stdint.h>

uint32_t asy_crc32c_plain(uint32_t crc, const void *bytes, size_t len);

/* Only on CPUs that have SSE4.2. */
uint32_t asy_crc32c_sse42(uint32_t crc, const void *bytes, size_t len);
