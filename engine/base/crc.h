/* crc.h - the variant of asy_crc32c() (hash.h) that needs SSE4.2; private to base. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Continues `crc` (already inverted) over the bytes. Only on CPUs that have SSE4.2. */
uint32_t asy_crc32c_sse42(uint32_t crc, const void *bytes, size_t len);
