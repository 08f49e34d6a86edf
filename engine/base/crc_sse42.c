/* crc_sse42.c - CRC-32C by the CPU's own instruction, eight bytes at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc.h"
#include <nmmintrin.h>
#include <string.h>

uint32_t asy_crc32c_sse42(uint32_t crc, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    uint64_t wide = crc;
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        wide = _mm_crc32_u64(wide, word);
    }
    crc = (uint32_t)wide;
    for (; len; p++, len--)
        crc = _mm_crc32_u8(crc, *p);
    return crc;
}
