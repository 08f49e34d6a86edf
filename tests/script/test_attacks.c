/* test_attacks.c - the known attacks on Lua sandboxes, each in a rule of its own: every
 * one ends in an error, a stop or nothing, and the parent lives. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/talk.h"
#include "script/child.h"
#include "script/rulehost.h"

typedef struct attack {
    const char *name, *source;
    const char *end; /* text of the failure; NULL: it loads and ends as a rule without
                        `return` does */
} attack;

static const attack attacks[] = {
    {"endless loop", "while true do end", "time limit"},
    {"arithmetic", "local x = 0 while true do x = x + 1 end", "time limit"},
    {"swallows errors", "while true do pcall(function() while true do end end) end",
     "time limit"},
    {"nested handlers",
     "local function f() while true do end end\n"
     "while true do xpcall(function() pcall(f) end, f) end",
     "time limit"},
    {"in a coroutine",
     "coroutine.wrap(function() pcall(function() while true do end end) while true do "
     "end "
     "end)()",
     "time limit"},
    {"finalizer", "newproxy(true)", "attempt to call"},
    {"backtracking",
     "local s = ('a'):rep(30) s:find(('a?'):rep(30) .. ('a'):rep(30) .. 'b')",
     "did not come back"},
    {"2 GB text", "local s = ('x'):rep(2^31 - 1000)", "memory"},
    {"doubling", "local s = 'x' while true do s = s .. s end", "memory"},
    {"table bomb", "local t = {} while true do t[#t + 1] = {} end", "memory"},
    {"swallows memory errors",
     "local t = {} while true do pcall(function() t[#t + 1] = ('x'):rep(2^20) .. #t "
     "end) end",
     "memory"},
    {"expansion", "local s = ('a'):rep(2^20) s = s:gsub('a', ('b'):rep(2^10))",
     "memory"},
    {"collector", "collectgarbage('stop')", "attempt to call"},
    {"recursion", "local function f() return 1 + f() end f()", "stack overflow"},
    {"C recursion", "local s, f = 'x' f = function() return (s:gsub('x', f)) end f()",
     ""},
    {"nested source", "load('return ' .. ('('):rep(1e5) .. '1' .. (')'):rep(1e5))",
     NULL},
    {"huge source",
     "local t = {} for i = 1, 7e4 do t[i] = 'x' .. i .. ' = \"k' .. i .. '\"' end\n"
     "load(table.concat(t, '\\n'))",
     NULL},
    {"bytecode", "string.dump(function() end)", "attempt to call"},
    {"bytecode text", "assert(load('\\27LJ\\2\\2\\0\\0') == nil)", NULL},
    {"getfenv", "getfenv(0).os.exit()", "attempt to call"},
    {"require ffi", "require 'ffi'", "there is no 'ffi'"},
    {"ffi by literal", "local x = 1LL local y = package.loaded.ffi",
     "attempt to index"},
    {"buffers", "require 'string.buffer'", "there is no"},
    {"debug", "debug.sethook()", "attempt to index"},
    {"jit", "jit.on()", "attempt to index"},
    {"string metatable", "getmetatable('').__index = {}", "attempt to index"},
    {"string table", "for k in pairs(string) do string[k] = nil end", NULL},
    {"looping tostring",
     "error(setmetatable({}, {__tostring = function() while true do end end}))",
     "no text but a table"},
    {"nil error", "error(nil)", "no text but a nil"},
    {"NUL in error", "error('a\\0b')", "a"},
    {"print flood", "while true do print(('x'):rep(1000)) end", "time limit"},
    {"unpack bomb", "unpack({}, 1, 1e8)", "too many results"},
    {"bad order",
     "local t = {} for i = 1, 1e5 do t[i] = i % 7 end\n"
     "table.sort(t, function() return true end)",
     "invalid order"},
    {"execute", "os.execute('true')", "attempt to index"},
    {"open", "io.open('/etc/passwd')", "attempt to index"},
    {"exit", "os.exit()", "attempt to index"},
    {"coroutines", "local t = {} while true do t[#t + 1] = coroutine.create(print) end",
     "memory"},
    {"cdata metatable", "assert(getmetatable(1LL) == nil)", NULL},
    {"recursion by coroutines", "local function f() return coroutine.wrap(f)() end f()",
     ""},
    {"sort in sort",
     "local function f() table.sort({ 1, 2, 3 }, f) return false end f()",
     "stack overflow"},
    {"tostring for ever",
     "local t = setmetatable({}, {}) getmetatable(t).__tostring = function(x) "
     "return tostring(x) end tostring(t)",
     "time limit"},
    {"environment", "setmetatable(_G, {__index = error}) rawset(_G, 'print', nil)",
     NULL},
    {"string churn", "::a:: local s = ('x'):rep(100) .. 'y' goto a", "time limit"},
    {"endless pairs",
     "local t = setmetatable({}, {}) while true do for _ in pairs(t) do end end",
     "time limit"},
    {"query flood", "require('assay.core').query()", "not for rules"},
    {"matrix outside", "local m = require('assay').matrix.new(2, 2) m:get(3, 3)",
     "from 1 to 2"},
    {"matrix confused", "local m = require('assay').matrix.new(2, 2) m.get('x', 1, 1)",
     "matrix expected"},
    {"matrix huge", "assert(require('assay').matrix.new(2^40, 2^40))", "memory limit"},
    {"file of a matrix", "require('assay').matrix.load('/etc/passwd')",
     "attempt to call"},
    {"data of a file", "require('assay').data.load('/etc/passwd')",
     "cannot read files"}};

static void test_attacks(void **state)
{
    (void)state;
    int before = count_open_files();
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        const char *end = attacks[i].end ? attacks[i].end : "return assay.rule";
        bool is_loop = strstr(end, "time limit") || strstr(end, "did not come back");
        talk t;
        asy_rule_limits limits = is_loop ? quick : patient;
        limits.memory = 24 << 20;
        talk_open_with(&t, attacks[i].source, &limits);
        talk_call(&t, "{\"call\":\"describe\"}");
        reply r = talk_wait(&t);
        if (!r.message || !strstr(r.message, end) || strstr(r.message, "sandbox") ||
            strstr(r.message, "crashed"))
            fail_msg("%s: '%s' expected, got '%s'", attacks[i].name, end,
                     r.message ? r.message : "a reply");
        assert_true(r.fatal);
        reply_fini(&r);
        talk_close(&t);
    }
    assert_int_equal(count_open_files(), before);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], ASY_RULEHOST_ARG) == 0)
        return asy_rulehost_main();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_attacks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
