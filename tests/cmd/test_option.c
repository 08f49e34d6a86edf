/* test_option.c - command lines against option tables. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include "cmd/option.h"

static int nothing(const asy_args *a)
{
    (void)a;
    return 0;
}

static const asy_option options[] = {
    {"trials", ASY_OPTION_WHOLE, "N", "100", "how many"},
    {"rate", ASY_OPTION_NUMBER, "X", NULL, "how fast"},
    {"time", ASY_OPTION_DURATION, "T", NULL, "how long"},
    {"label", ASY_OPTION_TEXT, "C", NULL, "which column"},
    {"set", ASY_OPTION_PAIRS, "K=V", NULL, "options of the rule"},
    {"json", ASY_OPTION_FLAG, NULL, NULL, "for machines"},
    {0}};

static const asy_command command = {.name = "try",
                                    .summary = "try things",
                                    .arguments = "RULE [FILE]",
                                    .min_arguments = 1,
                                    .max_arguments = 2,
                                    .options = options,
                                    .examples =
                                        "assay try a.lua\nassay try b.lua --json\n",
                                    .run = nothing};

enum { MOST_WORDS = 16 };

/* A line of words, separated by single blanks, after "assay try". */
static asy_err parse(const char *line, asy_args **out)
{
    static char text[256];
    static char *argv[MOST_WORDS];
    int argc = 2;
    argv[0] = argv[1] = "assay";
    strcpy(text, line);
    for (char *p = strtok(text, " "); p; p = strtok(NULL, " "))
        argv[argc++] = p;
    argv[argc] = NULL;
    return asy_args_parse(&command, argc, argv, out);
}

static asy_args *good(const char *line)
{
    asy_args *a;
    if (parse(line, &a))
        fail_msg("%s: %s", line, asy_errmsg());
    return a;
}

static void test_fallbacks(void **state)
{
    (void)state;
    asy_args *a = good("a.lua");
    assert_int_equal(asy_args_whole(a, "trials"), 100);
    assert_string_equal(asy_args_text(a, "trials"), "100");
    assert_true(isnan(asy_args_number(a, "rate")));
    assert_null(asy_args_text(a, "label"));
    assert_false(asy_args_flag(a, "json"));
    assert_false(asy_args_given(a, "trials"));
    assert_int_equal(json_object_size(asy_args_pairs(a, "set")), 0);
    assert_int_equal(asy_args_count(a), 1);
    assert_string_equal(asy_args_at(a, 0), "a.lua");
    assert_null(asy_args_at(a, 1));
    asy_args_free(a);
}

static void test_values(void **state)
{
    (void)state;
    asy_args *a =
        good("--trials 5 a.lua --rate=0.5 --time 1h30m --label -1 x.csv --json");
    assert_int_equal(asy_args_whole(a, "trials"), 5);
    assert_true(asy_args_given(a, "trials"));
    assert_true(asy_args_number(a, "rate") == 0.5);
    assert_true(asy_args_number(a, "time") == 5400);
    assert_string_equal(asy_args_text(a, "label"), "-1");
    assert_true(asy_args_flag(a, "json"));
    assert_string_equal(asy_args_at(a, 1), "x.csv");
    asy_args_free(a);
}

static void test_last_one_wins(void **state)
{
    (void)state;
    asy_args *a = good("a --trials 5 --trials 6");
    assert_int_equal(asy_args_whole(a, "trials"), 6);
    asy_args_free(a);
}

static void test_dashes_end_options(void **state)
{
    (void)state;
    asy_args *a = good("-- --json --trials");
    assert_int_equal(asy_args_count(a), 2);
    assert_string_equal(asy_args_at(a, 0), "--json");
    assert_false(asy_args_flag(a, "json"));
    asy_args_free(a);
    a = good("-");
    assert_string_equal(asy_args_at(a, 0), "-");
    asy_args_free(a);
}

static void test_pairs(void **state)
{
    (void)state;
    asy_args *a = good("a --set epochs=50 rate=.5 act=relu --set deep=true "
                       "list=[1,2] none= eq=a=b");
    const json_t *set = asy_args_pairs(a, "set");
    assert_int_equal(json_integer_value(json_object_get(set, "epochs")), 50);
    assert_true(json_real_value(json_object_get(set, "rate")) == 0.5);
    assert_string_equal(json_string_value(json_object_get(set, "act")), "relu");
    assert_true(json_is_true(json_object_get(set, "deep")));
    assert_int_equal(json_array_size(json_object_get(set, "list")), 2);
    assert_string_equal(json_string_value(json_object_get(set, "none")), "");
    assert_string_equal(json_string_value(json_object_get(set, "eq")), "a=b");
    assert_int_equal(asy_args_count(a), 1);
    asy_args_free(a);
}

static void test_wrong_usage(void **state)
{
    (void)state;
    const struct {
        const char *line, *message;
    } cases[] = {
        {"", "RULE is missing"},
        {"a b c", "unexpected argument \"c\""},
        {"a --trails 5", "unknown option \"--trails\" (did you mean \"--trials\"?)"},
        {"a --banana", "unknown option \"--banana\""},
        {"a --trails=5", "unknown option \"--trails\" (did you mean \"--trials\"?)"},
        {"a -v", "unknown option \"-v\" (options start with --)"},
        {"a --trials", "--trials: a whole number expected after it"},
        {"a --trials five", "--trials: a whole number expected, got \"five\""},
        {"a --trials -1", "--trials: a whole number expected, got \"-1\""},
        {"a --trials 1e3", "--trials: a whole number expected, got \"1e3\""},
        {"a --trials 99999999999999999999",
         "--trials: a whole number expected, got \"99999999999999999999\""},
        {"a --rate=", "--rate: a number expected, got \"\""},
        {"a --time soon",
         "--time: a duration (90s, 10m, 1h30m) expected, got \"soon\""},
        {"a --json=yes", "--json takes no value"},
        {"a --set epochs", "--set: name=value expected, got \"epochs\""},
        {"a --set =5", "--set: name=value expected, got \"=5\""},
        {"a --set x=\xFF", "--set: \"x=\xFF\" is not UTF-8"},
        {"a --set \xFF=1", "--set: \"\xFF=1\" is not UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        asy_args *a;
        assert_int_equal(parse(cases[i].line, &a), ASY_EARG);
        assert_null(a);
        assert_string_equal(asy_errmsg(), cases[i].message);
    }
}

static void test_help(void **state)
{
    (void)state;
    asy_buf b = {0};
    asy_help_command(&b, &command);
    assert_string_equal(asy_buf_text(&b), "assay try - try things\n"
                                          "\n"
                                          "usage: assay try RULE [FILE] [options]\n"
                                          "\n"
                                          "options:\n"
                                          "  --trials N  how many [100]\n"
                                          "  --rate X    how fast\n"
                                          "  --time T    how long\n"
                                          "  --label C   which column\n"
                                          "  --set K=V   options of the rule\n"
                                          "  --json      for machines\n"
                                          "  --help      print this\n"
                                          "\n"
                                          "examples:\n"
                                          "  assay try a.lua\n"
                                          "  assay try b.lua --json\n");
    asy_buf_fini(&b);
}

/* What every entry of the real table must have. */
static void test_every_command(void **state)
{
    (void)state;
    for (size_t i = 0; asy_commands[i]; i++) {
        const asy_command *c = asy_commands[i];
        assert_non_null(c->run);
        assert_ptr_equal(asy_command_find(c->name), c);
        assert_true(strlen(c->summary) <= 66);
        assert_true(c->is_hidden || strstr(c->examples, "assay "));
        for (const asy_option *o = c->options; o && o->name; o++) {
            assert_int_equal(o->kind == ASY_OPTION_FLAG, o->argument == NULL);
            assert_true(strlen(o->help) <= 74);
        }
    }
    assert_null(asy_command_find("banana"));
    assert_string_equal(asy_command_nearest("rnu"), "run");
    assert_string_equal(asy_command_nearest("finding"), "findings");
    assert_null(asy_command_nearest("rule-host-x"));
}

int main(void)
{
    asy_json_setup();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fallbacks),     cmocka_unit_test(test_values),
        cmocka_unit_test(test_last_one_wins), cmocka_unit_test(test_dashes_end_options),
        cmocka_unit_test(test_pairs),         cmocka_unit_test(test_wrong_usage),
        cmocka_unit_test(test_help),          cmocka_unit_test(test_every_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
