/* test_value.c - Lua values to MessagePack and trees, and back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <lauxlib.h>
#include <lualib.h>
#include <string.h>
#include "base/rng.h"
#include "script/value.h"

static int setup(void **state)
{
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    asy_value_prepare(L);
    *state = L;
    return 0;
}

static int teardown(void **state)
{
    lua_close(*state);
    return 0;
}

static void eval(lua_State *L, const char *text)
{
    if (luaL_loadstring(L, text) || lua_pcall(L, 0, 1, 0))
        fail_msg("%s: %s", text, lua_tostring(L, -1));
}

/* A Lua expression as canonical JSON. */
static void expect_json(lua_State *L, const char *expression, const char *expected)
{
    char text[256];
    json_t *v;
    asy_buf b = {0};
    snprintf(text, sizeof text, "return %s", expression);
    eval(L, text);
    int top = lua_gettop(L);
    if (asy_value_json(L, -1, "value", &v))
        fail_msg("%s: %s", expression, asy_errmsg());
    assert_int_equal(lua_gettop(L), top);
    asy_json_canonical(&b, v);
    assert_string_equal(asy_buf_text(&b), expected);
    json_decref(v);
    asy_buf_fini(&b);
    lua_pop(L, 1);
}

static void expect_refused(lua_State *L, const char *code, const char *message)
{
    asy_buf b = {0};
    asy_buf_puts(&b, "before");
    eval(L, code);
    int top = lua_gettop(L);
    assert_int_equal(asy_value_pack(L, -1, "value", &b), ASY_ESCRIPT);
    if (!strstr(asy_errmsg(), message))
        fail_msg("%s: '%s' expected, got '%s'", code, message, asy_errmsg());
    assert_string_equal(asy_buf_text(&b), "before");
    assert_int_equal(lua_gettop(L), top);
    asy_buf_fini(&b);
    lua_pop(L, 1);
}

static void test_out(void **state)
{
    lua_State *L = *state;
    expect_json(L, "nil", "null");
    expect_json(L, "true", "true");
    expect_json(L, "1", "1");
    expect_json(L, "-0.5", "-0.5");
    expect_json(L, "2^53", "9007199254740992");
    expect_json(L, "-2^53 - 2", "-9007199254740994");
    expect_json(L, "0/0", "null");
    expect_json(L, "1/0", "null");
    expect_json(L, "'h\\195\\169'", "\"h\xC3\xA9\"");
    expect_json(L, "{}", "[]");
    expect_json(L, "{1, {2, 'x'}, {a = {b = false}}}",
                "[1,[2,\"x\"],{\"a\":{\"b\":false}}]");
    expect_json(L, "(function() local t = {} t[3]=3 t[2]=2 t[1]=1 return t end)()",
                "[1,2,3]");
    expect_json(L, "setmetatable({x = 1}, {__index = function() error('no') end})",
                "{\"x\":1}");
}

static void test_refused(void **state)
{
    lua_State *L = *state;
    expect_refused(L, "return print", "value: function cannot be sent");
    expect_refused(L, "return {a = {1, 2, print}}",
                   "value.a[3]: function cannot be sent");
    expect_refused(L, "return {1, nil, 3}", "hole");
    expect_refused(L, "return {[2] = 1}", "hole");
    expect_refused(L, "return {[0.5] = 1}", "odd keys");
    expect_refused(L, "return {1, 2, x = 3}", "text keys and other keys");
    expect_refused(L, "return {[true] = 1}", "odd keys");
    expect_refused(L, "return '\\255'", "UTF-8");
    expect_refused(L, "return {['\\255'] = 1}", "UTF-8");
    expect_refused(L, "local t = {} t.t = t return t", "table inside itself");
    expect_refused(L, "local t = {} for i = 1, 40 do t = {t} end return t", "too deep");
    expect_refused(
        L,
        "local s = ('x'):rep(1e6) local t = {} for i = 1, 20 do t[i] = s end "
        "return t",
        "16 MiB");
    expect_refused(L, "local s = ('x'):rep(17 * 2^20) return s", "16 MiB");
}

static void test_marks(void **state)
{
    lua_State *L = *state;
    asy_buf b = {0};
    json_t *v;
    lua_newtable(L);
    asy_value_mark(L, -1);
    assert_int_equal(asy_value_json(L, -1, "value", &v), ASY_OK);
    assert_true(json_is_object(v));
    asy_pack_value(&b, v);
    json_decref(v);
    lua_pop(L, 1);
    /* An empty object that came in goes out as one. */
    asy_unpack u = asy_unpack_open(b.data, b.len);
    assert_int_equal(asy_value_push(L, &u), ASY_OK);
    assert_int_equal(asy_value_json(L, -1, "value", &v), ASY_OK);
    assert_true(json_is_object(v));
    json_decref(v);
    asy_buf_fini(&b);
    lua_pop(L, 1);
}

static void test_in(void **state)
{
    lua_State *L = *state;
    const char *text =
        "{\"list\":[1,null,\"x\",[]],\"gone\":null,\"yes\":true,\"r\":0.25,"
        "\"big\":18014398509481985,\"deep\":{\"a\":{\"b\":[{}]}}}";
    const char *check =
        "local v, w = ... for _, t in ipairs {v, w} do "
        "assert(t.list[1] == 1 and t.list[2] ~= t.list[2] and t.list[3] == 'x') "
        "assert(#t.list == 4 and #t.list[4] == 0 and t.gone == nil and t.yes == true) "
        "assert(t.r == 0.25 and t.big == 2^54 and next(t.deep.a.b[1]) == nil) end";
    json_t *v;
    asy_buf b = {0};
    assert_int_equal(asy_json_parse(text, strlen(text), &v), ASY_OK);
    asy_pack_value(&b, v);
    assert_int_equal(luaL_loadstring(L, check), 0);
    asy_unpack u = asy_unpack_open(b.data, b.len);
    assert_int_equal(asy_value_push(L, &u), ASY_OK);
    asy_value_push_json(L, v);
    if (lua_pcall(L, 2, 0, 0))
        fail_msg("%s", lua_tostring(L, -1));
    json_decref(v);
    asy_buf_fini(&b);
}

/* Bytes cut off or changed give an error or another value, never a crash, and leave the
 * stack as it was on failure. */
static void test_hostile(void **state)
{
    lua_State *L = *state;
    const char *text = "{\"list\":[1,null,\"x\",[1.5,-3]],\"o\":{\"a\":{\"b\":[{}]}}}";
    json_t *v;
    asy_buf b = {0};
    assert_int_equal(asy_json_parse(text, strlen(text), &v), ASY_OK);
    asy_pack_value(&b, v);
    json_decref(v);
    for (size_t cut = 0; cut < b.len; cut++) {
        asy_unpack u = asy_unpack_open(b.data, cut);
        assert_int_not_equal(asy_value_push(L, &u), ASY_OK);
        assert_int_equal(lua_gettop(L), 0);
    }
    asy_rng rng = asy_rng_open(asy_rng_key(5, 6), ASY_STREAM_RULE, 0);
    for (int i = 0; i < 5000; i++) {
        char copy[128];
        assert_true(b.len < sizeof copy);
        memcpy(copy, b.data, b.len);
        copy[asy_rng_below(&rng, b.len)] = (char)asy_rng_below(&rng, 256);
        asy_unpack u = asy_unpack_open(copy, b.len);
        asy_err e = asy_value_push(L, &u);
        assert_int_equal(lua_gettop(L), e ? 0 : 1);
        lua_settop(L, 0);
    }
    char deep[4096];
    memset(deep, 0x91, sizeof deep); /* [[[[... */
    asy_unpack u = asy_unpack_open(deep, sizeof deep);
    assert_int_not_equal(asy_value_push(L, &u), ASY_OK);
    asy_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_marks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_in, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
