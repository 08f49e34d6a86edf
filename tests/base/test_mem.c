/* test_mem.c - memory: zeroed, checked, refused on demand; arenas. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "base/mem.h"

static int is_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return 0;
    return 1;
}

static void test_zeroed(void **state)
{
    (void)state;
    unsigned char *p = asy_alloc(1000, 3);
    assert_true(is_zero(p, 3000));
    asy_free(p);
    p = asy_try_alloc_aligned(33, 7);
    assert_true(is_zero(p, 231));
    assert_int_equal((uintptr_t)p % 64, 0);
    asy_free(p);
    asy_free(NULL);
}

static void test_nothing_is_not_a_refusal(void **state)
{
    (void)state;
    void *p = asy_try_alloc(0, 8), *q = asy_try_alloc_aligned(8, 0);
    assert_non_null(p);
    assert_non_null(q);
    p = asy_try_realloc(p, 0, 0);
    assert_non_null(p);
    asy_free(p);
    asy_free(q);
}

static void test_overflowing_product(void **state)
{
    (void)state;
    assert_null(asy_try_alloc(SIZE_MAX / 2, 3));
    assert_null(asy_try_alloc_aligned(SIZE_MAX / 4, 4));
    void *p = asy_alloc(1, 1);
    assert_null(asy_try_realloc(p, SIZE_MAX, SIZE_MAX));
    asy_free(p);
}

static void test_refused_on_demand(void **state)
{
    (void)state;
    asy_alloc_fail_after(2);
    void *a = asy_try_alloc(1, 1), *b = asy_try_alloc_aligned(1, 1);
    void *c = asy_try_alloc(1, 1), *d = asy_try_realloc(a, 2, 1);
    void *e = asy_alloc(1, 1);
    asy_alloc_fail_after(-1);
    assert_non_null(a);
    assert_non_null(b);
    assert_null(c);
    assert_null(d);
    assert_non_null(e);
    asy_free(a);
    asy_free(b);
    asy_free(e);
    asy_free(c = asy_try_alloc(1, 1));
    assert_non_null(c);
}

static void test_copies(void **state)
{
    (void)state;
    char *a = asy_strdup("iris"), *b = asy_strndup("irises", 4),
         *c = asy_memdup("x\0y", 3);
    assert_string_equal(a, b);
    assert_memory_equal(c, "x\0y", 3);
    assert_null(asy_strdup(NULL));
    asy_free(a);
    asy_free(b);
    asy_free(c);
}

static void test_arena(void **state)
{
    (void)state;
    asy_arena arena = {0};
    unsigned char *piece[500];
    for (size_t i = 0; i < 500; i++) {
        size_t size = i % 7 == 0 ? 50000 : i;
        piece[i] = asy_arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)piece[i] % 16, 0);
        assert_true(is_zero(piece[i], size));
        memset(piece[i], (int)i, size);
    }
    for (size_t i = 1; i < 500; i++)
        assert_int_equal(piece[i][0], i & 255);
    assert_string_equal(asy_arena_strdup(&arena, "kept"), "kept");
    asy_arena_fini(&arena);
    asy_arena_fini(&arena);
    assert_null(arena.head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zeroed),
        cmocka_unit_test(test_nothing_is_not_a_refusal),
        cmocka_unit_test(test_overflowing_product),
        cmocka_unit_test(test_refused_on_demand),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
