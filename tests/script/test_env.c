/* test_env.c - what a rule can reach, and what it cannot. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>
#include "script/core.h"
#include "script/embed.h"
#include "script/env.h"
#include "script/trace.h"

static int setup(void **state)
{
    lua_State *L = luaL_newstate();
    asy_env_open(L, false);
    asy_core_push(L, true);
    asy_env_provide(L, "assay.core");
    *state = L;
    return 0;
}

static int teardown(void **state)
{
    lua_close(*state);
    return 0;
}

/* Runs rule text; on failure the message is asy_errmsg(). */
static asy_err run(lua_State *L, const char *text)
{
    asy_err e = asy_env_load(L, "rule.lua", text, strlen(text));
    return e ? e : asy_lua_call(L, 0, 0);
}

static void must(lua_State *L, const char *text)
{
    if (run(L, text))
        fail_msg("%s\n%s", text, asy_errmsg());
}

static void must_fail(lua_State *L, const char *text, const char *message)
{
    if (!run(L, text))
        fail_msg("%s: no error", text);
    if (!strstr(asy_errmsg(), message))
        fail_msg("%s: '%s' expected, got '%s'", text, message, asy_errmsg());
}

static void test_absent(void **state)
{
    static const char *const absent[] = {
        "os",     "io",      "debug",       "package",        "ffi",          "jit",
        "module", "dofile",  "loadfile",    "newproxy",       "getfenv",      "setfenv",
        "gcinfo", "_LOADED", "string.dump", "collectgarbage", "string.buffer"};
    char text[128];
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        snprintf(text, sizeof text, "assert(%s == nil)", absent[i]);
        must(*state, text);
        snprintf(text, sizeof text, "assert(_G.%s == nil)", absent[i]);
        must(*state, text);
    }
    must(*state, "for _, t in ipairs {string, table, math, bit, coroutine} do "
                 "for k, v in pairs(t) do assert(type(v) ~= 'table') end end");
}

static void test_present(void **state)
{
    must(*state, "assert(('x'):rep(3) == 'xxx' and #table.concat({1, 2}) == 2)\n"
                 "assert(math.floor(2.5) == 2 and bit.band(6, 3) == 2)\n"
                 "local co = coroutine.wrap(function() coroutine.yield(7) end)\n"
                 "assert(co() == 7 and select('#', unpack({1, 2})) == 2)\n"
                 "assert(pcall(error) == false and tonumber('0x10') == 16)\n"
                 "assert(load('return 4')() == 4 and loadstring('return 5')() == 5)\n"
                 "local n = 0\n"
                 "local parts = {'return ', '1 + ', '1'}\n"
                 "assert(load(function() n = n + 1 return parts[n] end)() == 2)\n"
                 "x = 1 assert(load('return x')() == 1)\n"
                 "assert(load('return x', 'c', 't', {x = 2})() == 2)\n"
                 "assert(getmetatable(setmetatable({}, {__metatable = 9})) == 9)");
}

static void test_no_bytecode(void **state)
{
    lua_State *L = *state;
    must(L, "local f, message = load('\\27LJ\\2\\2') assert(f == nil and message)");
    must(L, "local f = load(function() return nil end) assert(f)");
    must(L, "assert(not load('return 1', 'c', 'b', nil) == false)"); /* mode is not
                                                                        theirs */
    assert_int_equal(asy_env_load(L, "rule.lua", "\27LJ\2\2", 5), ASY_ESCRIPT);
    assert_int_equal(lua_gettop(L), 0);
}

static void test_require(void **state)
{
    must(*state, "assert(require('assay').rule)");
    must(*state, "assert(require('assay') == require('assay'))");
    must(*state, "assert(require('assay.space') == require('assay').space)");
    must_fail(*state, "require('assay.core')", "not for rules");
    must_fail(*state, "require('assay.host')", "not for rules");
    must_fail(*state, "require('os')", "there is no 'os' here");
    must_fail(*state, "require('ffi')", "there is no 'ffi' here");
    must_fail(*state, "require('assay/../assay/core')", "there is no");
    must_fail(*state, "require('assay/core')", "there is no");
    must_fail(*state, "require('assay/host')", "there is no");
}

/* 1LL loads the FFI inside LuaJIT; nothing leads to it. */
static void test_no_ffi(void **state)
{
    must(*state, "local x = 1LL assert(ffi == nil and not pcall(require, 'ffi'))");
    must(*state, "local x = 1LL assert(getmetatable(x) == nil)");
}

static void test_strings_are_sealed(void **state)
{
    must(*state, "assert(getmetatable('') == nil)");
    must(*state, "string.upper = nil assert(('x'):upper() == 'X')");
    must(*state, "assert(not pcall(setmetatable, '', {}))");
}

/* LuaJIT's own order changes from process to process. */
static void test_pairs(void **state)
{
    must(*state, "local seen = {}\n"
                 "local t = { z = 1, a = 2, ab = 3, [10] = 4, [-1] = 5, [1.5] = 6,\n"
                 "            [true] = 7, [false] = 8, [1] = 9 }\n"
                 "for k, v in pairs(t) do\n"
                 "  assert(t[k] == v)\n"
                 "  seen[#seen + 1] = tostring(k)\n"
                 "end\n"
                 "local order = table.concat(seen, ' ')\n"
                 "assert(order == '-1 1 1.5 10 a ab z false true', order)");
    must(*state, "local n = 0 for i, v in pairs { 5, 6, 7 } do n = n + i * v end\n"
                 "assert(n == 38) for _ in pairs {} do error() end");
    must(*state, "local t, n = {}, 0 for i = 1, 300 do t['k' .. i] = i end\n"
                 "for k in pairs(t) do n = n + 1 t[k] = nil end\n"
                 "assert(n == 300 and next(t) == nil)");
    must(*state, "local t = { a = 1, b = 2 } for k in pairs(t) do t.b = nil assert(k "
                 "== 'a') end");
    must_fail(*state, "pairs(3)", "table expected");
}

static void test_messages(void **state)
{
    must_fail(*state, "local x = 1\nlocal y = = 2", "rule.lua:2:");
    must_fail(
        *state, "local function f() error('no') end\nlocal function g() f() end\ng()",
        "rule.lua:1: no\n  rule.lua:1: in function 'f'\n  rule.lua:2: in function 'g'\n"
        "  rule.lua:3: in the main part");
    must_fail(*state, "error({message = 'inside'})", "inside");
    must_fail(*state, "error(nil)", "no text but a nil value");
    must_fail(
        *state,
        "error(setmetatable({}, {__tostring = function() while true do end end}))",
        "no text but a table value");
    must_fail(*state, "local function f() return f() + 1 end f()", "stack overflow");
    assert_null(strstr(asy_errmsg(), "[C]"));
    must(*state, "#!/usr/bin/env assay\nassert(true)");
    must_fail(*state, "#!/usr/bin/env assay\nerror('two')", "rule.lua:2: two");
}

/* Every file of the library is in the program. */
static void test_embedded(void **state)
{
    (void)state;
    const char *const folders[] = {"lua/assay", "lua/assay/strategy"};
    int found = 0;
    for (size_t i = 0; i < 2; i++) {
        char path[512];
        snprintf(path, sizeof path, ASY_SOURCE_DIR "/%s", folders[i]);
        DIR *dir = opendir(path);
        assert_non_null(dir);
        for (struct dirent *d; (d = readdir(dir));) {
            char name[600];
            size_t len = strlen(d->d_name);
            if (len < 5 || strcmp(d->d_name + len - 4, ".lua"))
                continue;
            snprintf(name, sizeof name, "%s/%s", folders[i], d->d_name);
            const asy_embedded *f = asy_embedded_files;
            while (f->name && strcmp(f->name, name))
                f++;
            if (!f->name)
                fail_msg("%s is not listed in engine/script/CMakeLists.txt", name);
            assert_int_equal(strlen(f->text), f->len);
            found++;
        }
        closedir(dir);
    }
    assert_true(found > 5);
    assert_non_null(asy_embedded_module("assay"));
    assert_null(asy_embedded_module("assay.nothing"));
    assert_null(asy_embedded_module(""));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_absent),  TEST(test_present),  TEST(test_no_bytecode),
        TEST(test_require), TEST(test_no_ffi),   TEST(test_strings_are_sealed),
        TEST(test_pairs),   TEST(test_messages), TEST(test_embedded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
