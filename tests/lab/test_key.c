/* test_key.c - seeds and keys: equal for equal trials, different for different ones. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "lab/key.h"

static void test_seeds(void **state)
{
    (void)state;
    /* Fixed for ever: sessions of today must be repeatable tomorrow. */
    assert_true(asy_trial_seed(1, 1, 0) == asy_trial_seed(1, 1, 0));
    assert_true(asy_trial_seed(1, 1, 0) != asy_trial_seed(2, 1, 0));
    assert_true(asy_trial_seed(1, 1, 0) != asy_trial_seed(1, 2, 0));
    assert_true(asy_trial_seed(1, 1, 0) != asy_trial_seed(1, 1, 1));
    assert_true(asy_trial_seed(1, 1, 0) >> 63 == 0);
}

static asy_key_parts parts(const asy_hash *prepared)
{
    return (asy_key_parts){.prepared = prepared,
                           .design = "{\"epochs\":1}",
                           .rule = "r",
                           .options = "{}",
                           .params = "{\"a\":1}",
                           .session_seed = 1,
                           .seed = 2};
}

static bool differ(const asy_key_parts *a, const asy_key_parts *b)
{
    asy_hash x = asy_trial_key(a), y = asy_trial_key(b);
    return !asy_hash_equal(&x, &y);
}

static void test_keys(void **state)
{
    (void)state;
    const asy_hash data = {{1}}, other = {{2}};
    asy_key_parts a = parts(&data), b = parts(&data);
    assert_false(differ(&a, &b));
    b.params = "{\"a\":2}"; /* another way to the same design */
    assert_false(differ(&a, &b));
    b = parts(&other);
    assert_true(differ(&a, &b));
    b = parts(&data);
    b.seed = 3;
    assert_true(differ(&a, &b));
    b = parts(&data);
    b.session_seed = 3;
    assert_true(differ(&a, &b));
    b = parts(&data);
    b.design = "{\"epochs\":2}";
    assert_true(differ(&a, &b));
}

static void test_keys_of_own_trials(void **state)
{
    (void)state;
    const asy_hash data = {{1}};
    asy_key_parts a = parts(&data), b = parts(&data);
    a.design = b.design = "";
    assert_false(differ(&a, &b));
    b.params = "{\"a\":2}";
    assert_true(differ(&a, &b));
    b.params = a.params;
    b.rule = "r2";
    assert_true(differ(&a, &b));
    b.rule = "r{}"; /* texts must not run together */
    b.options = "";
    assert_true(differ(&a, &b));
}

static void test_check(void **state)
{
    (void)state;
    const asy_hash key = {{1, 2, 0, 0, 0, 0, 0, 0x80, 9}};
    assert_true(asy_key_check(&key) == 0x8000000000000201u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_keys_of_own_trials),
        cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
