/* pages.h - a hint to the system for arrays of many megabytes. */
#pragma once
#include <stddef.h>

/* Asks for large pages under p[0..bytes): filling fresh memory is then some times
 * faster. Only a hint; small arrays are left alone. Call it before the memory is
 * written. */
void asy_pages_large(void *p, size_t bytes);
