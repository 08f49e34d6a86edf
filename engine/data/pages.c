/* pages.c - a hint to the system for arrays of many megabytes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/pages.h"
#include <stdint.h>
#include <sys/mman.h>

enum { LARGE_PAGE = 2 << 20 };

void asy_pages_large(void *p, size_t bytes)
{
    uintptr_t from = ((uintptr_t)p + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
    uintptr_t to = ((uintptr_t)p + bytes) / LARGE_PAGE * LARGE_PAGE;
    if (bytes >= 2 * (size_t)LARGE_PAGE && to > from)
        (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
}
