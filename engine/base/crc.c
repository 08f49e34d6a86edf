/* crc.c - CRC-32C without special instructions, and the choice between the variants. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc.h"
#include "base/hash.h"

/* The polynomial is 0x82F63B78, bits reversed; a nibble at a time keeps the table
 * small, and nearly every machine has the instruction. */
uint32_t asy_crc32c_plain(uint32_t crc, const void *bytes, size_t len)
{
    static const uint32_t table[16] = {0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1,
                                       0x417B1DBC, 0x5125DAD3, 0x61C69362, 0x7198540D,
                                       0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9,
                                       0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75};
    const unsigned char *p = bytes;
    for (; len; p++, len--) {
        crc = crc >> 4 ^ table[(crc ^ *p) & 15];
        crc = crc >> 4 ^ table[(crc ^ *p >> 4) & 15];
    }
    return crc;
}

uint32_t asy_crc32c(const void *bytes, size_t len)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("sse4.2"))
        return ~asy_crc32c_sse42(~0U, bytes, len);
#endif
    return ~asy_crc32c_plain(~0U, bytes, len);
}
