/* test_random.c - masks and orders of rows hold the very integers of base/rng.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "isas.h"

static void test_masks(void **state)
{
    (void)state;
    enum { ROWS = 9, LD = 48 };
    const asy_key key = asy_rng_key(3, 9);
    const asy_kernels *k;
    for (EACH_ISA(k))
        for (size_t n = 1; n <= LD; n += 5) {
            float keep[ROWS * LD];
            for (uint32_t i = 0; i < ROWS * LD; i++)
                keep[i] = 7;
            const uint32_t threshold = 0x50000000u;
            k->random->mask(
                &(asy_mask){key, 77, 5, threshold, 1.5f, {ROWS, n, LD}, keep});
            for (uint32_t i = 0; i < ROWS * LD; i++) {
                uint32_t e = i / LD * (uint32_t)n + i % LD, word[4];
                uint32_t counter[4] = {e / 4, 77, ASY_STREAM_DROPOUT, 5};
                asy_philox(key, counter, word);
                float expected = word[e % 4] < threshold ? 0.0f : 1.5f;
                bool is_padding = i % LD / ASY_BLOCK <= (n - 1) / ASY_BLOCK;
                if (i % LD >= n)
                    expected = is_padding ? 0.0f : 7.0f;
                assert_true(keep[i] == expected);
            }
        }
}

static void test_rows(void **state)
{
    (void)state;
    const uint32_t sizes[] = {1, 2, 3, 5, 16, 17, 64, 100, 120, 1025, 70000};
    const asy_kernels *k;
    for (EACH_ISA(k))
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            const uint32_t n = sizes[s], first = n / 3, count = n - first;
            uint32_t *row = calloc(count + 16, sizeof *row);
            asy_perm p = asy_perm_make(asy_rng_key(1, s), 2, n);
            k->random->rows(&p, first, count, row);
            for (uint32_t i = 0; i < count; i++)
                assert_int_equal(row[i], asy_perm_at(&p, first + i));
            free(row);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masks),
        cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
