/* test_json.c - trees: parsing, canonical text, checked fields. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/json.h"

static json_t *parse(const char *text)
{
    json_t *v;
    assert_int_equal(asy_json_parse(text, strlen(text), &v), ASY_OK);
    return v;
}

static void expect_canonical(const char *text, const char *expected)
{
    asy_buf b = {0};
    json_t *v = parse(text), *again;
    asy_json_canonical(&b, v);
    assert_string_equal(asy_buf_text(&b), expected);
    assert_int_equal(asy_json_parse(b.data, b.len, &again), ASY_OK);
    asy_buf_clear(&b);
    asy_json_canonical(&b, again);
    assert_string_equal(asy_buf_text(&b), expected);
    json_decref(v);
    json_decref(again);
    asy_buf_fini(&b);
}

static void test_canonical(void **state)
{
    (void)state;
    expect_canonical(" { \"b\" : 1 , \"a\" : [ 2.50 , true , null ] } ",
                     "{\"a\":[2.5,true,null],\"b\":1}");
    expect_canonical("{\"aa\":1,\"a\":2,\"B\":3}", "{\"B\":3,\"a\":2,\"aa\":1}");
    expect_canonical("[3.0, -0.0, 1e-5, 0.1, 1e300, -17]",
                     "[3,0,1e-05,0.1,1e+300,-17]");
    expect_canonical("\"\\u00e9\\n\\\"\\\\\\u0001\"", "\"\xC3\xA9\\n\\\"\\\\\\u0001\"");
    expect_canonical("{}", "{}");
    expect_canonical("[]", "[]");
}

static void test_many_keys_are_sorted(void **state)
{
    (void)state;
    json_t *o = json_object();
    asy_buf b = {0};
    for (int i = 99; i >= 0; i--) {
        char key[16];
        snprintf(key, sizeof key, "k%02d", i);
        json_object_set_new(o, key, json_integer(i));
    }
    asy_json_canonical(&b, o);
    assert_memory_equal(b.data, "{\"k00\":0,\"k01\":1,", 17);
    assert_non_null(strstr(b.data, ",\"k98\":98,\"k99\":99}"));
    json_decref(o);
    asy_buf_fini(&b);
}

static void test_pretty(void **state)
{
    (void)state;
    asy_buf b = {0};
    json_t *v = parse("{\"b\":[1,2.5],\"a\":{\"x\":[{}]},\"e\":[]}");
    asy_json_pretty(&b, v);
    assert_string_equal(asy_buf_text(&b),
                        "{\n  \"b\": [1, 2.5],\n  \"a\": {\n    \"x\": [\n"
                        "      {}\n    ]\n  },\n  \"e\": []\n}");
    json_decref(v);
    asy_buf_fini(&b);
}

static void test_faults(void **state)
{
    (void)state;
    const char *bad[] = {
        "",    "{",        "[1,]",          "{\"a\":1,\"a\":2}",    "nul",
        "1 2", "\"\xFF\"", "{\"a\":1e999}", "99999999999999999999", "\"\\u0000\""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_t *v;
        assert_int_equal(asy_json_parse(bad[i], strlen(bad[i]), &v), ASY_EARG);
        assert_null(v);
    }
    json_t *v;
    assert_int_equal(asy_json_parse("{\n \"a\": }", 9, &v), ASY_EARG);
    assert_non_null(strstr(asy_errmsg(), "line 2, column 7"));
}

static void test_depth(void **state)
{
    (void)state;
    char text[5000];
    json_t *v;
    for (int depth = 1; depth <= 2000; depth = depth < 70 ? depth + 1 : depth * 3) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        asy_err err = asy_json_parse(text, 2 * (size_t)depth, &v);
        assert_int_equal(err, depth <= 64 ? ASY_OK : ASY_EARG);
        json_decref(v);
    }
}

static void test_load(void **state)
{
    (void)state;
    char path[] = "/tmp/assay-json-XXXXXX";
    close(mkstemp(path));
    json_t *v;
    assert_int_equal(asy_file_write(path, "{\"a\": 1}", 8), ASY_OK);
    assert_int_equal(asy_json_load(path, &v), ASY_OK);
    assert_int_equal(json_integer_value(json_object_get(v, "a")), 1);
    json_decref(v);
    assert_int_equal(asy_file_write(path, "{\"a\" 1}", 7), ASY_OK);
    assert_int_equal(asy_json_load(path, &v), ASY_EARG);
    assert_memory_equal(asy_errmsg(), path, strlen(path));
    unlink(path);
    assert_int_equal(asy_json_load(path, &v), ASY_EIO);
}

static void test_real(void **state)
{
    (void)state;
    json_t *x = asy_json_real(1.5), *y = asy_json_real(NAN),
           *z = asy_json_real(-INFINITY);
    assert_true(json_real_value(x) == 1.5);
    assert_true(json_is_null(y) && json_is_null(z));
    json_decref(x);
}

static void test_fields(void **state)
{
    (void)state;
    json_t *o =
        parse("{\"n\":3,\"r\":2.0,\"h\":0.5,\"t\":\"x\",\"b\":true,\"z\":null}");
    int64_t n;
    double x;
    bool b;
    const char *t;
    assert_int_equal(asy_json_get_int(o, "net", "n", 9, &n), ASY_OK);
    assert_int_equal(n, 3);
    assert_int_equal(asy_json_get_int(o, "net", "r", 9, &n), ASY_OK);
    assert_int_equal(n, 2);
    assert_int_equal(asy_json_get_int(o, "net", "z", 9, &n), ASY_OK);
    assert_int_equal(n, 9);
    assert_int_equal(asy_json_get_int(o, "net", "h", 9, &n), ASY_EARG);
    assert_string_equal(asy_errmsg(), "net.h: whole number expected, got number");
    assert_int_equal(asy_json_get_number(o, "net", "n", 9, &x), ASY_OK);
    assert_true(x == 3);
    assert_int_equal(asy_json_get_number(o, "net", "t", 9, &x), ASY_EARG);
    assert_string_equal(asy_errmsg(), "net.t: number expected, got text");
    assert_int_equal(asy_json_get_bool(o, "net", "b", false, &b), ASY_OK);
    assert_true(b);
    assert_int_equal(asy_json_get_bool(o, "net", "none", true, &b), ASY_OK);
    assert_true(b);
    assert_int_equal(asy_json_get_bool(o, "net", "n", true, &b), ASY_EARG);
    assert_int_equal(asy_json_get_text(o, "net", "t", "", &t), ASY_OK);
    assert_string_equal(t, "x");
    assert_int_equal(asy_json_get_text(o, "net", "none", "default", &t), ASY_OK);
    assert_string_equal(t, "default");
    assert_int_equal(asy_json_get_text(o, "net", "b", "", &t), ASY_EARG);
    assert_string_equal(asy_errmsg(), "net.b: text expected, got true");
    json_decref(o);
}

static void test_only(void **state)
{
    (void)state;
    static const char *const known[] = {"units", "activation", "dropout"};
    json_t *o = parse("{\"units\":3,\"activaton\":\"relu\"}");
    assert_int_equal(asy_json_only(o, "layer 2", known, 3), ASY_EARG);
    assert_string_equal(
        asy_errmsg(),
        "layer 2: unknown key \"activaton\" (did you mean \"activation\"?); "
        "known keys: units, activation, dropout");
    json_object_del(o, "activaton");
    assert_int_equal(asy_json_only(o, "layer 2", known, 3), ASY_OK);
    json_decref(o);
}

int main(void)
{
    asy_json_setup();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canonical), cmocka_unit_test(test_many_keys_are_sorted),
        cmocka_unit_test(test_pretty),    cmocka_unit_test(test_faults),
        cmocka_unit_test(test_depth),     cmocka_unit_test(test_load),
        cmocka_unit_test(test_real),      cmocka_unit_test(test_fields),
        cmocka_unit_test(test_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
