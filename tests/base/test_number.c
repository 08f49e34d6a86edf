/* test_number.c - numbers, durations and sizes from text and to text. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "base/text.h"

static double number(const char *text)
{
    double x = 12345;
    return asy_text_number(text, strlen(text), &x) ? x : 999;
}

static int is_number(const char *text)
{
    double x;
    return asy_text_number(text, strlen(text), &x);
}

static void test_numbers(void **state)
{
    (void)state;
    const char *good[] = {"0",
                          "-0",
                          "1",
                          "+1.5",
                          ".5",
                          "5.",
                          "1e3",
                          "1E-3",
                          "-1.25e+2",
                          "0x1p-3",
                          "0X1F",
                          "1e308",
                          "1e-320",
                          "4.9e-324",
                          "1e400",
                          "123456789012345678901234567890",
                          "0.1234567890123456789",
                          "9007199254740993",
                          "1.7976931348623157e308",
                          "00012",
                          "3.0000000000000000000000000000000000000000001"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(number(good[i]) == strtod(good[i], NULL));
    assert_true(isinf(number("inf")) && isinf(number("-Infinity")));
    assert_true(isnan(number("NaN")) && isnan(number("nan")));
    assert_true(signbit(number("-0")));
    assert_true(number(" \t1.5\t ") == 1.5);
}

static void test_not_numbers(void **state)
{
    (void)state;
    const char *bad[] = {"",        " ",    ".",     "-",    "+",   "e5",  "1e",
                         "1e+",     "1..2", "1.2.3", "1,5",  "1 2", "--1", "0x",
                         "abc",     "1a",   "NA",    "?",    "\n1", "1\n", "1e5.5",
                         "infinit", "nanx", "\v1",   "1_000"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (is_number(bad[i]))
            fail_msg("\"%s\" was taken for a number", bad[i]);
    double x;
    assert_false(asy_text_number("1\0002", 3, &x));
    assert_false(asy_text_number(NULL, 0, &x));
}

static void test_long_numbers(void **state)
{
    (void)state;
    char digits[2001];
    memset(digits, '0', 2000);
    digits[2000] = '\0';
    digits[0] = '.';
    digits[1999] = '7';
    assert_true(number(digits) == 0);
    memset(digits, '9', 300);
    digits[300] = '\0';
    assert_true(number(digits) == 1e300);
}

/* Every route through the parser agrees with the C library's, bit for bit. */
static void test_numbers_like_strtod(void **state)
{
    (void)state;
    asy_rng r = asy_rng_open(asy_rng_key(1, 1), ASY_STREAM_RULE, 0);
    for (int i = 0; i < 200000; i++) {
        char text[64];
        int digits = 1 + (int)asy_rng_below(&r, 20);
        double x =
            (asy_rng_uniform(&r) - 0.5) * pow(10, (double)asy_rng_below(&r, 60) - 30);
        snprintf(text, sizeof text, i & 1 ? "%.*g" : "%.*e", digits, x);
        double expected = strtod(text, NULL), got = number(text);
        if (memcmp(&expected, &got, sizeof got))
            fail_msg("%s read as %.17g", text, got);
    }
}

static int integer(const char *text, int64_t *x)
{
    return asy_text_integer(text, strlen(text), x);
}

static void test_integers(void **state)
{
    (void)state;
    int64_t x;
    assert_true(integer("-42", &x) && x == -42);
    assert_true(integer(" +7 ", &x) && x == 7);
    assert_true(integer("9223372036854775807", &x) && x == INT64_MAX);
    assert_true(integer("-9223372036854775808", &x) && x == INT64_MIN);
    assert_false(integer("9223372036854775808", &x));
    assert_false(integer("-9223372036854775809", &x));
    assert_false(integer("99999999999999999999", &x));
    assert_false(integer("", &x));
    assert_false(integer("-", &x));
    assert_false(integer("1.0", &x));
    assert_false(integer("0x10", &x));
}

static double seconds(const char *text)
{
    double x = -1;
    return asy_text_duration(text, &x) ? x : -1;
}

static void test_durations(void **state)
{
    (void)state;
    assert_true(seconds("2.5") == 2.5);
    assert_true(seconds("90s") == 90);
    assert_true(seconds("10m") == 600);
    assert_true(seconds("1h30m") == 5400);
    assert_true(seconds("250ms") == 0.25);
    assert_true(seconds("1d") == 86400);
    const char *bad[] = {"",    "m",     "10x",   "1h30", "-5",
                         "5 m", "1h-3m", "1..5s", "10mm", "inf"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (seconds(bad[i]) != -1)
            fail_msg("\"%s\" was taken for a duration", bad[i]);
}

static void test_byte_counts(void **state)
{
    (void)state;
    uint64_t n;
    assert_true(asy_text_bytes("64k", &n) && n == 65536);
    assert_true(asy_text_bytes("1.5G", &n) && n == 1610612736);
    assert_true(asy_text_bytes("10", &n) && n == 10);
    assert_true(asy_text_bytes("2MiB", &n) && n == 2097152);
    assert_false(asy_text_bytes("2Q", &n));
    assert_false(asy_text_bytes("99999999999T", &n));
    assert_false(asy_text_bytes("", &n));
    assert_false(asy_text_bytes("1k2", &n));
}

static const char *put(asy_buf *b, double x)
{
    asy_buf_clear(b);
    asy_text_put_number(b, x);
    return asy_buf_text(b);
}

static void test_put_number(void **state)
{
    (void)state;
    asy_buf b = {0};
    const struct {
        double x;
        const char *text;
    } cases[] = {{0, "0"},
                 {-0.0, "-0"},
                 {3, "3"},
                 {-12, "-12"},
                 {0.1, "0.1"},
                 {-2.5, "-2.5"},
                 {1e-5, "1e-05"},
                 {0.0001, "0.0001"},
                 {1e300, "1e+300"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {1.0 / 3, "0.3333333333333333"},
                 {9007199254740992, "9007199254740992"},
                 {123456789.125, "123456789.125"},
                 {1e15, "1000000000000000"},
                 {5e-324, "5e-324"},
                 {100.5, "100.5"},
                 {0.05, "0.05"},
                 {DBL_MAX, "1.7976931348623157e+308"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(put(&b, cases[i].x), cases[i].text);
    assert_string_equal(put(&b, NAN), "nan");
    assert_string_equal(put(&b, -INFINITY), "-inf");
    asy_buf_fini(&b);
}

/* Reads back as the same bits, and no %g with fewer digits does. */
static void test_put_number_is_shortest(void **state)
{
    (void)state;
    asy_buf b = {0};
    asy_rng r = asy_rng_open(asy_rng_key(2, 1), ASY_STREAM_RULE, 0);
    for (int i = 0; i < 50000; i++) {
        double x = asy_rng_uniform(&r) * pow(10, (double)asy_rng_below(&r, 40) - 20);
        if (i % 3 == 0)
            x = nearbyint(x * 1000) / 1000;
        const char *text = put(&b, x);
        assert_true(strtod(text, NULL) == x);
        char shorter[40];
        int precision = 1;
        do
            snprintf(shorter, sizeof shorter, "%.*g", precision, x);
        while (strtod(shorter, NULL) != x && precision++ < 17);
        if (x != floor(x) && strcmp(shorter, text))
            fail_msg("%s is not as short as %s", text, shorter);
    }
    asy_buf_fini(&b);
}

static void test_put_integer(void **state)
{
    (void)state;
    asy_buf b = {0};
    asy_text_put_integer(&b, INT64_MIN);
    asy_buf_putc(&b, ' ');
    asy_text_put_integer(&b, INT64_MAX);
    asy_buf_putc(&b, ' ');
    asy_text_put_integer(&b, 0);
    assert_string_equal(asy_buf_text(&b), "-9223372036854775808 9223372036854775807 0");
    asy_buf_fini(&b);
}

static void test_for_people(void **state)
{
    (void)state;
    asy_buf b = {0};
    const double times[] = {0.0045, 1.2, 59.94, 59.96, 200, 3599.6, 7260, NAN};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        asy_text_put_seconds(&b, times[i]);
        asy_buf_putc(&b, '|');
    }
    assert_string_equal(asy_buf_text(&b), "4.5 ms|1.2 s|59.9 s|1 min 0 s|3 min 20 s|"
                                          "1 h 0 min|2 h 1 min|?|");
    asy_buf_clear(&b);
    const double sizes[] = {0, 999, 1000, 12345678, 999950, 2e18};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        asy_text_put_bytes(&b, sizes[i]);
        asy_buf_putc(&b, '|');
    }
    assert_string_equal(asy_buf_text(&b), "0 B|999 B|1.0 kB|12.3 MB|1.0 MB|2000.0 PB|");
    asy_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_not_numbers),
        cmocka_unit_test(test_long_numbers),
        cmocka_unit_test(test_numbers_like_strtod),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_byte_counts),
        cmocka_unit_test(test_put_number),
        cmocka_unit_test(test_put_number_is_shortest),
        cmocka_unit_test(test_put_integer),
        cmocka_unit_test(test_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
