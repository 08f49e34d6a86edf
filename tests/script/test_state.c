/* test_state.c - the memory budget of a state, and refused allocations. Limits that end
 * a process are tested with real processes, in test_rules.c. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <lauxlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "script/budget.h"
#include "script/core.h"
#include "script/env.h"
#include "script/random.h"
#include "script/state.h"
#include "script/trace.h"

static asy_state *open_state(uint64_t memory)
{
    asy_state_config config = {.memory = memory};
    asy_state *s;
    assert_int_equal(asy_state_new(&config, &s), ASY_OK);
    lua_State *L = asy_state_lua(s);
    asy_core_push(L, true);
    asy_env_provide(L, "assay.core");
    return s;
}

static asy_err run(asy_state *s, const char *text)
{
    lua_State *L = asy_state_lua(s);
    asy_err e = asy_env_load(L, "rule.lua", text, strlen(text));
    return e ? e : asy_lua_call(L, 0, 0);
}

static void test_cap(void **state)
{
    (void)state;
    asy_state *s = open_state(8 << 20);
    assert_int_equal(run(s, "local s = ('x'):rep(2^30)"), ASY_ENOMEM);
    assert_int_equal(run(s, "local t = {} for i = 1, 1e9 do t[i] = {i} end"),
                     ASY_ENOMEM);
    /* The state lives on. */
    asy_state_tidy(s);
    assert_int_equal(run(s, "local t = {} for i = 1, 1000 do t[i] = {i} end"), ASY_OK);
    asy_state_free(s);
}

static void test_matrices_count(void **state)
{
    (void)state;
    asy_state *s = open_state(8 << 20);
    if (run(s, "local matrix = require('assay').matrix\n"
               "local m, message, code = matrix.new(2000, 2000)\n" /* 16 MB */
               "assert(m == nil and code == 'ENOMEM', code)\n"
               "assert(message:find('memory limit'), message)\n"
               "for i = 1, 1000 do local a = matrix.new(500, 500) end\n" /* 1 MB each */
               "local kept, last = {}\n"
               "for i = 1, 100 do kept[i], last = matrix.new(500, 500) end\n"
               "assert(last)\n"
               "for i = 1, #kept do kept[i]:free() end\n"
               "assert(matrix.new(500, 500))\n"
               "local ok, why = pcall(function() return kept[1]:rows() end)\n"
               "assert(not ok and why:find('was freed'), why)"))
        fail_msg("%s", asy_errmsg());
    asy_state_free(s);
}

static void test_random(void **state)
{
    (void)state;
    asy_state *s = open_state(0);
    lua_State *L = asy_state_lua(s);
    double first[2];
    asy_env_push(L);
    lua_getfield(L, -1, "math");
    asy_random_math(L);
    lua_settop(L, 0);
    for (int i = 0; i < 2; i++) {
        asy_random_seed(L, 42, 7);
        assert_int_equal(run(s, "x = math.random() assert(x >= 0 and x < 1)\n"
                                "for i = 1, 100 do\n"
                                "  local n = math.random(6) assert(n >= 1 and n <= 6)\n"
                                "  n = math.random(-3, 3) assert(n >= -3 and n <= 3)\n"
                                "end\n"
                                "assert(not pcall(math.random, 0))\n"
                                "assert(not pcall(math.random, 2, 1))\n"
                                "assert(not pcall(math.random, 0/0))\n"
                                "math.randomseed(5) y = math.random()\n"
                                "math.randomseed(5) assert(y == math.random())\n"
                                "math.randomseed(6) assert(y ~= math.random())"),
                         ASY_OK);
        asy_env_push(L);
        lua_getfield(L, -1, "x");
        first[i] = lua_tonumber(L, -1);
        lua_settop(L, 0);
    }
    assert_true(first[0] == first[1]);
    asy_rng rng = asy_rng_open(asy_rng_key(42, 7), ASY_STREAM_RULE, 0);
    assert_true(first[0] == asy_rng_uniform(&rng));
    asy_state_free(s);
}

static void test_clock(void **state)
{
    (void)state;
    asy_state *s = open_state(0);
    assert_false(asy_state_is_late(s));
    asy_state_arm(s, "this", 5);
    asy_state_pause(s);
    asy_sleep_ms(10);
    assert_false(asy_state_is_late(s)); /* somebody else's time */
    asy_state_go_on(s);
    asy_sleep_ms(10);
    assert_false(asy_state_is_late(s)); /* nor is sleep our work */
    uint64_t end = asy_now_ms() + 10000;
    while (!asy_state_is_late(s) && asy_now_ms() < end)
        ;
    assert_true(asy_state_is_late(s));
    asy_state_arm(s, "", 0);
    assert_false(asy_state_is_late(s));
    asy_state_free(s);
}

/* Every allocation of start-up refused in turn: an error, no leak, no crash. The first
 * few are those of lua_newstate(), which LuaJIT does not survive. */
static void test_refused_allocations(void **state)
{
    (void)state;
    asy_state_config config = {.memory = 8 << 20};
    asy_state *s = NULL;
    asy_err e;
    long n = 12;
    do {
        asy_alloc_fail_after(n++);
        e = asy_state_new(&config, &s);
        if (e)
            assert_null(s);
    } while (e == ASY_ENOMEM && n < 5000);
    asy_alloc_fail_after(-1);
    assert_int_equal(e, ASY_OK);
    assert_true(n > 20);
    asy_state_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cap), cmocka_unit_test(test_matrices_count),
        cmocka_unit_test(test_random), cmocka_unit_test(test_clock),
        cmocka_unit_test(test_refused_allocations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
