/* test_curve.c - learning curves as blobs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "nn/train.h"

static const asy_epoch epochs[] = {
    {1, 2.5f, 0.25f, 3, 0.5f}, {2, 1, NAN, NAN, NAN}, {3, INFINITY, 0, -1e-30f, 1}};

static void test_round_trip(void **state)
{
    (void)state;
    asy_buf b = {0};
    asy_epoch *curve;
    uint32_t n;
    asy_buf_puts(&b, "before");
    asy_curve_encode(epochs, 3, &b);
    assert_int_equal(b.len, 6 + 6 + 3 * 16);
    assert_int_equal(asy_curve_decode(b.data + 6, b.len - 6, &curve, &n), ASY_OK);
    assert_int_equal(n, 3);
    assert_memory_equal(curve, epochs, sizeof epochs);
    asy_free(curve);
    asy_buf_fini(&b);
}

static void test_empty(void **state)
{
    (void)state;
    asy_buf b = {0};
    asy_epoch *curve;
    uint32_t n = 9;
    asy_curve_encode(NULL, 0, &b);
    assert_int_equal(asy_curve_decode(b.data, b.len, &curve, &n), ASY_OK);
    assert_int_equal(n, 0);
    asy_free(curve);
    asy_buf_fini(&b);
}

/* The bytes are the format: files must be read by later versions on other machines. */
static void test_bytes(void **state)
{
    (void)state;
    static const unsigned char want[] = {1,    4,    1, 0, 0,    0,    0, 0,
                                         0x20, 0x40, 0, 0, 0x80, 0x3e, 0, 0,
                                         0x40, 0x40, 0, 0, 0,    0x3f};
    asy_buf b = {0};
    asy_curve_encode(epochs, 1, &b);
    assert_int_equal(b.len, sizeof want);
    assert_memory_equal(b.data, want, sizeof want);
    asy_buf_fini(&b);
}

static void refuse(const void *bytes, size_t len)
{
    asy_epoch *curve = (asy_epoch *)1;
    uint32_t n = 9;
    assert_int_equal(asy_curve_decode(bytes, len, &curve, &n), ASY_EARG);
    assert_null(curve);
    assert_int_equal(n, 0);
}

static void test_hostile(void **state)
{
    (void)state;
    asy_buf b = {0};
    asy_curve_encode(epochs, 3, &b);
    for (size_t len = 0; len < b.len; len++) {
        char *exact =
            asy_memdup(b.data, len + 1); /* so that the sanitizer sees the end */
        refuse(exact, len);
        asy_free(exact);
    }
    b.data[0] = 2;
    refuse(b.data, b.len);
    static const unsigned char huge[] = {1, 4, 255, 255, 255, 255, 0, 0};
    refuse(huge, sizeof huge);
    asy_buf_fini(&b);
}

static void test_no_memory(void **state)
{
    (void)state;
    asy_buf b = {0};
    asy_epoch *curve;
    uint32_t n;
    asy_curve_encode(epochs, 3, &b);
    asy_alloc_fail_after(0);
    assert_int_equal(asy_curve_decode(b.data, b.len, &curve, &n), ASY_ENOMEM);
    asy_alloc_fail_after(-1);
    assert_null(curve);
    asy_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_empty),
        cmocka_unit_test(test_bytes),      cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
