/* test_isa.c - the instruction set in use, and the check of OpenBLAS. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "math/isa.h"
#include "math/kernels.h"

/* The environment can only lower it, and it never changes again. */
static void test_the_choice_is_made_once(void **state)
{
    (void)state;
    setenv("ASSAY_ISA", "plain", 1);
    assert_int_equal(asy_isa_get(), ASY_ISA_PLAIN);
    setenv("ASSAY_ISA", "avx512", 1);
    assert_int_equal(asy_isa_get(), ASY_ISA_PLAIN);
    assert_true(asy_isa_best() >= asy_isa_get());
    assert_ptr_equal(asy_kernels_get(), asy_kernels_of(ASY_ISA_PLAIN));
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(asy_isa_name(ASY_ISA_PLAIN), "plain");
    assert_string_equal(asy_isa_name(ASY_ISA_AVX2), "avx2");
    assert_string_equal(asy_isa_name(ASY_ISA_AVX512), "avx512");
}

static void test_openblas_is_right_here(void **state)
{
    (void)state;
    if (asy_blas_check() != ASY_OK)
        fail_msg("%s", asy_errmsg());
    assert_true(strlen(asy_blas_core()) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_choice_is_made_once),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_openblas_is_right_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
