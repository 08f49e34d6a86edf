/* mem.c - memory from the system, counted and checked in one place. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64, ARENA_BLOCK = 16 * 1024, ARENA_ALIGNMENT = 16 };

/* Tests only: calls left before asy_try_*() is refused; negative = off. */
static atomic_long fail_after = -1;

void asy_alloc_fail_after(long n) { atomic_store(&fail_after, n); }

/* True when this call is to be refused. The counter stops at zero, so every later call
 * is refused too. */
static int is_refused(void)
{
    long left = atomic_load_explicit(&fail_after, memory_order_relaxed);
    while (left > 0)
        if (atomic_compare_exchange_weak(&fail_after, &left, left - 1))
            return 0;
    return left == 0;
}

static int product_overflows(size_t count, size_t size)
{
    return size && count > SIZE_MAX / 2 / size;
}

static void *or_die(void *p, size_t count, size_t size)
{
    if (!p) {
        fprintf(stderr, "assay: out of memory (%zu x %zu bytes)\n", count, size);
        abort();
    }
    return p;
}

/* malloc(0) may be NULL, which here means refused. */
static size_t at_least_one(size_t bytes) { return bytes ? bytes : 1; }

static void *zeroed(size_t count, size_t size)
{
    if (product_overflows(count, size))
        return NULL;
    return calloc(1, at_least_one(count * size));
}

static void *resized(void *p, size_t count, size_t size)
{
    if (product_overflows(count, size))
        return NULL;
    return realloc(p, at_least_one(count * size));
}

void *asy_alloc(size_t count, size_t size)
{
    return or_die(zeroed(count, size), count, size);
}

void *asy_try_alloc(size_t count, size_t size)
{
    return is_refused() ? NULL : zeroed(count, size);
}

void *asy_realloc(void *p, size_t count, size_t size)
{
    return or_die(resized(p, count, size), count, size);
}

void *asy_try_realloc(void *p, size_t count, size_t size)
{
    return is_refused() ? NULL : resized(p, count, size);
}

void *asy_try_alloc_aligned(size_t count, size_t size)
{
    if (is_refused() || product_overflows(count, size))
        return NULL;
    size_t bytes = at_least_one(count * size);
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *p = aligned_alloc(ALIGNMENT, bytes);
    if (p)
        memset(p, 0, bytes);
    return p;
}

void asy_free(void *p) { free(p); }

char *asy_strdup(const char *text)
{
    return text ? asy_strndup(text, strlen(text)) : NULL;
}

char *asy_strndup(const char *text, size_t len)
{
    char *copy = asy_realloc(NULL, len + 1, 1);
    if (len)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

void *asy_memdup(const void *bytes, size_t len)
{
    void *copy = asy_realloc(NULL, len, 1);
    if (len)
        memcpy(copy, bytes, len);
    return copy;
}

struct asy_arena_block {
    struct asy_arena_block *older;
    size_t size; /* of bytes[] */
    _Alignas(ARENA_ALIGNMENT) unsigned char bytes[];
};

/* A piece too big for a normal block gets one of its own size. */
static void arena_grow(asy_arena *a, size_t need)
{
    size_t size = need > ARENA_BLOCK ? need : ARENA_BLOCK;
    struct asy_arena_block *block = asy_alloc(1, sizeof *block + size);
    block->older = a->head;
    block->size = size;
    a->head = block;
    a->used = 0;
}

void *asy_arena_alloc(asy_arena *a, size_t size)
{
    if (size > SIZE_MAX / 4)
        or_die(NULL, 1, size);
    size = (size + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
    if (!a->head || size > a->head->size - a->used)
        arena_grow(a, size);
    void *p = a->head->bytes + a->used;
    a->used += size;
    return p;
}

char *asy_arena_strdup(asy_arena *a, const char *text)
{
    size_t len = strlen(text) + 1;
    return memcpy(asy_arena_alloc(a, len), text, len);
}

void asy_arena_fini(asy_arena *a)
{
    while (a->head) {
        struct asy_arena_block *older = a->head->older;
        asy_free(a->head);
        a->head = older;
    }
    a->used = 0;
}
