/* mem.h - the only place that asks the system for memory.
 *
 * asy_alloc() is for small things whose size we chose: it never fails (the process
 * ends when the machine has nothing left). asy_try_alloc() is for any size that came
 * from a script, a file or a peer: it may return NULL and checks the multiplication.
 * All memory is zeroed, and all of it is given back with asy_free(). Thread-safe.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stddef.h>

void *asy_alloc(size_t count, size_t size);
void *asy_try_alloc(size_t count, size_t size);

/* Grows or shrinks; new bytes are NOT zeroed. asy_try_realloc() leaves `p` valid
 * when it returns NULL. */
void *asy_realloc(void *p, size_t count, size_t size);
void *asy_try_realloc(void *p, size_t count, size_t size);

/* Aligned to 64 bytes, zeroed; may return NULL. Give back with asy_free(). */
void *asy_try_alloc_aligned(size_t count, size_t size);

void asy_free(void *p);

/* A copy of the text, owned by the caller. asy_strdup(NULL) is NULL. */
char *asy_strdup(const char *text);
char *asy_strndup(const char *text, size_t len);
void *asy_memdup(const void *bytes, size_t len);

/* Test hook: the n-th asy_try_*() call from now (0 = the next) and all after it
 * return NULL; -1 switches it off. Per process. */
void asy_alloc_fail_after(long n);

/* An arena: many small pieces, freed together. Zeroed memory is an empty arena. */
typedef struct asy_arena {
    struct asy_arena_block *head; /* owned, newest first */
    size_t used;                  /* bytes used in head */
} asy_arena;

/* Zeroed, aligned to 16 bytes, never NULL; lives until asy_arena_fini(). */
void *asy_arena_alloc(asy_arena *a, size_t size);
char *asy_arena_strdup(asy_arena *a, const char *text);
void asy_arena_fini(asy_arena *a);
