/* test_filter.c - expressions over trials, cells for spreadsheets, pictures of letters.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>
#include <cmocka.h>
#include "cmd/chart.h"
#include "cmd/filter.h"
#include "cmd/grid.h"
#include "cmd/sheet.h"

static json_t *trial(void)
{
    json_t *t =
        json_loads("{\"number\":7,\"state\":\"done\",\"score\":0.9,\"cached\":false,"
                   "\"reason\":\"\",\"params\":{\"depth\":3,\"act\":\"tanh\","
                   "\"widths\":[8,16],\"none\":null},\"metrics\":{"
                   "\"test_accuracy\":0.9,\"train_accuracy\":0.95}}",
                   0, NULL);
    assert_non_null(t);
    return t;
}

static void expressions_are_judged(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool passes;
    } cases[] = {{"number = 7", true},
                 {"number==7.0", true},
                 {"number != 7", false},
                 {"depth<=3&&score>0.8", true},
                 {"depth < 3 and score > 0.8", false},
                 {"depth < 3 or score > 0.8", true},
                 {"depth<3||act=relu||act='tanh'", true},
                 {"depth = 9 and score = 9 or number >= 7 and state = done", true},
                 {"depth = 3 and score = 9 or number >= 7 and state != done", false},
                 {"accuracy > 0.92", false}, /* test comes before train */
                 {"train_accuracy > 0.92", true},
                 {"widths[2] = 16", true},
                 {"widths[3] = 16", false},
                 {"cached = false", true},
                 {"act = \"tanh\"", true},
                 {"act > 3", false},
                 {"none = 1", false}};
    json_t *t = trial();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        asy_filter *f;
        assert_int_equal(asy_filter_parse(cases[i].text, &f), ASY_OK);
        if (asy_filter_passes(f, t) != cases[i].passes)
            fail_msg("wrongly judged: %s", cases[i].text);
        asy_filter_free(f);
    }
    assert_true(asy_filter_passes(NULL, t));
    json_decref(t);
}

static void wrong_expressions_say_where(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",       "depth",     "depth >",
                                        "> 3",    "a > b",     "a = 1 xor b",
                                        "a = 'x", "a = 1 and", "a = 1 or or b = 2"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        asy_filter *f;
        if (asy_filter_parse(wrong[i], &f) != ASY_EARG)
            fail_msg("accepted: %s", wrong[i]);
        assert_null(f);
    }
}

static void unknown_fields_are_named(void **state)
{
    (void)state;
    json_t *t = trial();
    asy_filter *f;
    assert_int_equal(asy_filter_parse("acuracy > 1 or depth = 3", &f), ASY_OK);
    assert_true(asy_filter_passes(f, t));
    assert_int_equal(asy_filter_check(f, t), ASY_EARG);
    assert_non_null(strstr(asy_errmsg(), "did you mean \"accuracy\""));
    asy_filter_free(f);
    json_decref(t);
}

static void check_cell(const char *text, const char *expected)
{
    asy_buf b = {0};
    asy_sheet_text(&b, text);
    assert_string_equal(asy_buf_text(&b), expected);
    asy_buf_fini(&b);
}

static void formulas_are_made_harmless(void **state)
{
    (void)state;
    check_cell("plain", "plain");
    check_cell("", "");
    check_cell("=1+1", "'=1+1");
    check_cell("+1", "'+1");
    check_cell("-x", "'-x");
    check_cell("@SUM(A1)", "'@SUM(A1)");
    check_cell("=cmd|'/C calc'!A0,x", "\"'=cmd|'/C calc'!A0,x\"");
    check_cell("a\"b", "\"a\"\"b\"");
    check_cell("a\nb", "\"a\nb\"");
    check_cell("\tx", "\"'\tx\"");
    asy_buf b = {0};
    json_t *list = json_loads("[-1.5, 9007199254740993, true, null]", 0, NULL);
    for (size_t i = 0; i < 4; i++) {
        asy_sheet_value(&b, json_array_get(list, i));
        asy_buf_putc(&b, ';');
    }
    assert_string_equal(asy_buf_text(&b), "-1.5;9007199254740993;true;;");
    json_decref(list);
    asy_buf_fini(&b);
}

static void bars_and_intervals_fit(void **state)
{
    (void)state;
    asy_buf b = {0};
    asy_chart_bar(&b, 0.5, 10, false);
    assert_string_equal(asy_buf_text(&b), "#####");
    asy_buf_clear(&b);
    asy_chart_bar(&b, NAN, 10, false);
    asy_chart_bar(&b, -1, 10, true);
    assert_string_equal(asy_buf_text(&b), "");
    asy_chart_bar(&b, 7, 3, true);
    assert_string_equal(asy_buf_text(&b), "███");
    asy_buf_clear(&b);
    asy_chart_interval(&b, 1, 2, 3, 0, 4, 5, false);
    assert_string_equal(asy_buf_text(&b), " -o- ");
    asy_buf_clear(&b);
    asy_chart_interval(&b, NAN, 2, NAN, 2, 2, 5, false);
    assert_int_equal(b.len, 5);
    asy_buf_fini(&b);
}

static void points_land_in_the_plane(void **state)
{
    (void)state;
    static const double x[] = {1, 10, 100, NAN, 5}, y[] = {0, 1, 2, 1, INFINITY};
    asy_chart c = {.x = x,
                   .y = y,
                   .n = 5,
                   .x_name = "x",
                   .y_name = "y",
                   .log_x = true,
                   .width = 5,
                   .height = 3};
    asy_buf b = {0};
    asy_chart_points(&b, &c, false);
    assert_non_null(strstr(asy_buf_text(&b), "2 |    .\n"));
    assert_non_null(strstr(asy_buf_text(&b), "  |  .\n"));
    assert_non_null(strstr(asy_buf_text(&b), "0 |.\n"));
    assert_non_null(strstr(asy_buf_text(&b), "x (log scale)"));
    asy_buf_clear(&b);
    asy_chart_points(&b, &c, true);
    assert_non_null(strstr(asy_buf_text(&b), "⠈")); /* the dot at the upper right */
    asy_buf_clear(&b);
    c.n = 0;
    asy_chart_points(&b, &c, true);
    assert_int_equal(b.len, 0);
    asy_buf_fini(&b);
}

static void terminals_are_not_steered(void **state)
{
    (void)state;
    asy_buf b = {0};
    asy_put_clean(&b, "a\033[2Jb\xc2\x9b"
                      "c\x7f\u00e9");
    assert_string_equal(asy_buf_text(&b), "a?[2Jb?c?\u00e9");
    assert_int_equal(asy_text_width(asy_buf_text(&b)), 10);
    asy_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_are_judged),
        cmocka_unit_test(wrong_expressions_say_where),
        cmocka_unit_test(unknown_fields_are_named),
        cmocka_unit_test(formulas_are_made_harmless),
        cmocka_unit_test(bars_and_intervals_fit),
        cmocka_unit_test(points_land_in_the_plane),
        cmocka_unit_test(terminals_are_not_steered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
