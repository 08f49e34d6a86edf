/* test_cell.c - what cells say, and the dictionary that numbers texts. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include "base/mem.h"
#include "base/rng.h"
#include "csv_text.h"
#include "data/cell.h"
#include "data/dict.h"

static void missing_words(void **state)
{
    (void)state;
    static const char *const missing[] = {
        "",     "?",    "NA",   "N/A", "n/a", "#N/A", "<NA>", "NULL",
        "Null", "null", "None", "nan", "NaN", "NAN",  "-nan", "+NaN"};
    static const char *const present[] = {"-", "+", "none", "na", "nil",
                                          "0", " ", "nano", "NAs"};
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        assert_true(asy_cell_is_missing(missing[i], strlen(missing[i])));
    for (size_t i = 0; i < sizeof present / sizeof *present; i++)
        assert_false(asy_cell_is_missing(present[i], strlen(present[i])));
}

/* Every plain number gives back the text it was written as, and strtod's value. */
static void plain_numbers_come_back(void **state)
{
    (void)state;
    asy_rng rng = asy_rng_open(asy_rng_key(3, 0), ASY_STREAM_RULE, 0);
    asy_buf b = {0};
    for (int i = 0; i < 200000; i++) {
        char text[32] = "";
        size_t digits = 1 + asy_rng_below(&rng, 15),
               decimals = asy_rng_below(&rng, digits + 1);
        size_t at = 0;
        if (asy_rng_below(&rng, 2))
            text[at++] = '-';
        for (size_t k = 0; k < digits; k++) {
            if (k == digits - decimals)
                text[at++] = '.';
            text[at++] = (char)('0' + asy_rng_below(&rng, k % 3 ? 10 : 2));
        }
        double value, expected = strtod(text, NULL);
        uint8_t form;
        if (!asy_cell_plain_number(text, at, &value, &form)) {
            assert_true(expected == 0 && text[0] == '-'); /* -0 is an odd number */
            continue;
        }
        assert_true(value == expected && form != 0);
        asy_buf_clear(&b);
        asy_cell_put_plain(&b, value, form);
        assert_string_equal(asy_buf_text(&b), text);
    }
    asy_buf_fini(&b);
}

static void other_texts_are_not_plain(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",   "-",   ".",  "-.", "1.", "1e5", "+1", "1.2.3", "0x1", "1234567890123456",
        "1 ", "--1", "-0", "1-"};
    double value;
    uint8_t form;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_false(asy_cell_plain_number(texts[i], strlen(texts[i]), &value, &form));
    assert_true(asy_cell_odd_number("1e5", 3, &value) && value == 1e5);
    assert_true(asy_cell_odd_number("-0", 2, &value) && !signbit(value));
    assert_false(asy_cell_odd_number("nan", 3, &value));
    assert_false(asy_cell_odd_number("1,5", 3, &value));
}

static void dictionary_numbers_texts(void **state)
{
    (void)state;
    asy_dict d = {0};
    int32_t code;
    assert_int_equal(asy_dict_find(&d, "x", 1), -1);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 20000; i++) {
            char text[32];
            int len = snprintf(text, sizeof text, "%s%d",
                               i % 7 ? "" : "a long beginning ", i);
            assert_int_equal(asy_dict_intern(&d, text, (size_t)len, &code), ASY_OK);
            assert_int_equal(code, i);
            assert_string_equal(asy_dict_text(&d, code), text);
        }
    }
    assert_int_equal(d.count, 20000);
    assert_int_equal(asy_dict_find(&d, "", 0), -1);
    assert_int_equal(asy_dict_intern(&d, "", 0, &code), ASY_OK);
    assert_int_equal(asy_dict_find(&d, "", 0), 20000);
    assert_int_equal(asy_dict_intern(&d, "x\0y", 3, &code), ASY_OK);
    assert_int_equal(asy_dict_find(&d, "x", 1), -1);
    asy_dict_fini(&d);
}

static void dictionary_survives_refused_memory(void **state)
{
    (void)state;
    for (int n = 0; n < 20; n++) {
        asy_dict d = {0};
        int32_t code;
        asy_alloc_fail_after(n);
        for (int i = 0; i < 300; i++) {
            char text[16];
            int len = snprintf(text, sizeof text, "%d", i);
            if (asy_dict_intern(&d, text, (size_t)len, &code))
                break;
        }
        asy_alloc_fail_after(-1);
        uint32_t count = d.count;
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(asy_dict_find(&d, asy_dict_text(&d, (int32_t)i),
                                           strlen(asy_dict_text(&d, (int32_t)i))),
                             i);
        assert_int_equal(asy_dict_intern(&d, "after", 5, &code), ASY_OK);
        assert_int_equal(code, count);
        asy_dict_fini(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_words),
        cmocka_unit_test(plain_numbers_come_back),
        cmocka_unit_test(other_texts_are_not_plain),
        cmocka_unit_test(dictionary_numbers_texts),
        cmocka_unit_test(dictionary_survives_refused_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
