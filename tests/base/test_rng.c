/* test_rng.c - Philox, its readers, permutations. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/rng.h"

/* Vectors of the Random123 distribution. */
static void test_philox_known_answers(void **state)
{
    (void)state;
    const struct {
        asy_key key;
        uint32_t counter[4], expected[4];
    } cases[] = {
        {{{0, 0}}, {0, 0, 0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{{0xffffffff, 0xffffffff}},
         {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{{0xa4093822, 0x299f31d0}},
         {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}};
    for (size_t i = 0; i < 3; i++) {
        uint32_t out[4];
        asy_philox(cases[i].key, cases[i].counter, out);
        assert_memory_equal(out, cases[i].expected, sizeof out);
    }
}

static void test_reader_is_philox_in_order(void **state)
{
    (void)state;
    asy_key key = asy_rng_key(7, 3);
    asy_rng r = asy_rng_open(key, ASY_STREAM_INIT, 5);
    for (uint32_t block = 0; block < 3; block++) {
        uint32_t counter[4] = {block, 5, ASY_STREAM_INIT, 0}, out[4];
        asy_philox(key, counter, out);
        for (int i = 0; i < 4; i++)
            assert_int_equal(asy_rng_u32(&r), out[i]);
    }
    asy_rng fork = r;
    assert_true(asy_rng_u64(&fork) == asy_rng_u64(&r));
}

static void test_keys_differ(void **state)
{
    (void)state;
    for (uint64_t number = 1; number < 1000; number++) {
        asy_key a = asy_rng_key(1, 0), b = asy_rng_key(1, number),
                c = asy_rng_key(number, 1);
        assert_memory_not_equal(&a, &b, sizeof a);
        if (number != 1) {
            asy_key d = asy_rng_key(1, number);
            assert_memory_not_equal(&c, &d, sizeof c);
        }
    }
}

/* Mean and variance within five standard errors. */
static void test_uniform_and_normal(void **state)
{
    (void)state;
    enum { N = 200000 };
    asy_rng r = asy_rng_open(asy_rng_key(3, 3), ASY_STREAM_RULE, 0);
    double sum = 0, sum_normal = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        double u = asy_rng_uniform(&r), z = asy_rng_normal(&r);
        float f = asy_rng_uniform_f(&r);
        assert_true(u >= 0 && u < 1 && f >= 0 && f < 1);
        sum += u;
        sum_normal += z;
        squares += z * z;
    }
    assert_true(fabs(sum / N - 0.5) < 5 * sqrt(1.0 / 12 / N));
    assert_true(fabs(sum_normal / N) < 5 * sqrt(1.0 / N));
    assert_true(fabs(squares / N - 1) < 5 * sqrt(2.0 / N));
}

static void test_below(void **state)
{
    (void)state;
    asy_rng r = asy_rng_open(asy_rng_key(4, 4), ASY_STREAM_RULE, 0);
    int seen[7] = {0};
    for (int i = 0; i < 70000; i++)
        seen[asy_rng_below(&r, 7)]++;
    for (int i = 0; i < 7; i++)
        assert_true(abs(seen[i] - 10000) < 500);
    assert_int_equal(asy_rng_below(&r, 1), 0);
    assert_int_equal(asy_rng_below(&r, 0), 0);
    uint64_t wide = (uint64_t)3 << 62;
    for (int i = 0; i < 1000; i++)
        assert_true(asy_rng_below(&r, wide) < wide);
}

static void test_shuffle(void **state)
{
    (void)state;
    asy_rng r = asy_rng_open(asy_rng_key(5, 5), ASY_STREAM_SHUFFLE, 0);
    uint32_t x[100], sum = 0, moved = 0;
    for (uint32_t i = 0; i < 100; i++)
        x[i] = i;
    asy_rng_shuffle(&r, x, 100);
    for (uint32_t i = 0; i < 100; i++) {
        sum += x[i];
        moved += x[i] != i;
    }
    assert_int_equal(sum, 4950);
    assert_true(moved > 80);
    asy_rng_shuffle(&r, x, 0);
}

static void check_bijective(uint32_t n, uint32_t epoch)
{
    asy_perm p = asy_perm_make(asy_rng_key(n, epoch), epoch, n);
    unsigned char *seen = asy_alloc(n, 1);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = asy_perm_at(&p, i);
        assert_true(at < n);
        assert_false(seen[at]);
        seen[at] = 1;
    }
    asy_free(seen);
}

static void test_permutation_is_bijective(void **state)
{
    (void)state;
    for (uint32_t n = 1; n < 300; n++)
        check_bijective(n, n % 5);
    check_bijective(1024, 0);
    check_bijective(16000, 1);
    check_bijective(65537, 2);
    asy_perm p = asy_perm_make(asy_rng_key(1, 1), 0, UINT32_MAX);
    assert_true(asy_perm_at(&p, UINT32_MAX - 1) < UINT32_MAX);
}

/* Over many keys every row lands on every place equally often (chi-square). */
static void test_permutation_is_even(void **state)
{
    (void)state;
    enum { N = 12, KEYS = 24000 };
    uint32_t count[N][N] = {{0}};
    for (uint32_t k = 0; k < KEYS; k++) {
        asy_perm p = asy_perm_make(asy_rng_key(9, k), k % 3, N);
        for (uint32_t i = 0; i < N; i++)
            count[i][asy_perm_at(&p, i)]++;
    }
    double chi = 0, expected = (double)KEYS / N;
    for (int i = 0; i < N * N; i++) {
        double d = count[i / N][i % N] - expected;
        chi += d * d / expected;
    }
    double freedom = (N - 1) * (N - 1);
    assert_true(chi < freedom + 6 * sqrt(2 * freedom));
}

/* Neighbours must not stay neighbours: the pair (p(0), p(1)) is even as well. */
static void test_pairs_are_even(void **state)
{
    (void)state;
    enum { N = 8, KEYS = 56000 };
    uint32_t count[N][N] = {{0}};
    for (uint32_t k = 0; k < KEYS; k++) {
        asy_perm p = asy_perm_make(asy_rng_key(10, k), 0, N);
        count[asy_perm_at(&p, 0)][asy_perm_at(&p, 1)]++;
    }
    double chi = 0, expected = (double)KEYS / (N * (N - 1));
    for (int i = 0; i < N * N; i++) {
        double d = count[i / N][i % N] - expected;
        chi += i / N == i % N ? 0 : d * d / expected;
    }
    double freedom = N * (N - 1) - 1;
    assert_true(chi < freedom + 6 * sqrt(2 * freedom));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_philox_known_answers),
        cmocka_unit_test(test_reader_is_philox_in_order),
        cmocka_unit_test(test_keys_differ),
        cmocka_unit_test(test_uniform_and_normal),
        cmocka_unit_test(test_below),
        cmocka_unit_test(test_shuffle),
        cmocka_unit_test(test_permutation_is_bijective),
        cmocka_unit_test(test_permutation_is_even),
        cmocka_unit_test(test_pairs_are_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
