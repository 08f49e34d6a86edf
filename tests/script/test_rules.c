/* test_rules.c - rules in real child processes: replies, limits, deaths. This program
 * is its own rule host. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/talk.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "script/child.h"
#include "script/rulehost.h"

static const char good[] = "local assay = require 'assay'\n"
                           "return assay.rule {\n"
                           "  title = 'A title',\n"
                           "  space = { x = assay.space.int(1, 9) },\n"
                           "  strategy = assay.strategy.random { trials = 20 },\n"
                           "  design = function(p)\n"
                           "    return assay.net.mlp { hidden = { { units = p.x } } }\n"
                           "  end,\n"
                           "}\n";

static const char start[] =
    "{\"call\":\"start\",\"session\":{\"seed\":1,\"options\":{},\"parallel\":8,"
    "\"trials\":20,\"seconds\":0,\"data\":{\"inputs\":4,\"classes\":3,\"train_rows\":"
    "100}},"
    "\"left\":{\"trials\":20,\"seconds\":100},\"now\":0}";

static void test_replies(void **state)
{
    (void)state;
    talk t;
    talk_open(&t, good);
    talk_call(&t, "{\"call\":\"describe\"}");
    talk_call(&t, start); /* queued behind the first */
    reply r = talk_wait(&t);
    if (r.message)
        fail_msg("%s", r.message);
    assert_string_equal(json_string_value(json_object_get(r.tree, "title")), "A title");
    reply_fini(&r);
    r = talk_wait(&t);
    if (r.message)
        fail_msg("%s", r.message);
    const json_t *commands = json_object_get(r.tree, "commands");
    assert_true(json_array_size(commands) > 0);
    reply_fini(&r);
    talk_close(&t);
}

static void test_close_at_any_time(void **state)
{
    (void)state;
    talk t;
    talk_open(&t, good);
    talk_close(&t);
    talk_open(&t, good);
    talk_call(&t, "{\"call\":\"describe\"}");
    talk_call(&t, "{\"call\":\"describe\"}");
    talk_close(&t);
    talk_open(&t, "while true do end");
    talk_call(&t, "{\"call\":\"describe\"}");
    asy_sleep_ms(30);
    talk_close(&t);
}

static void test_wrong_rules(void **state)
{
    (void)state;
    expect_end("local x = 1\nlocal y = = 2", "rule.lua:2: unexpected symbol", &patient);
    expect_end(
        "local function f()\n  error('no')\nend\nf()",
        "rule.lua:2: no\n  rule.lua:2: in function 'f'\n  rule.lua:4: in the main",
        &patient);
    expect_end("return 5", "return assay.rule", &patient);
    expect_end("return require('assay').rule { titel = 'x' }", "titel", &patient);
    expect_end("", "return assay.rule", &patient);
    expect_end("\27LJ\2", "rule.lua", &patient);
    expect_end(
        "error(setmetatable({}, {__tostring = function() while true do end end}))",
        "no text but a table", &patient);
}

/* A failing call is told, and the rule goes on. */
static void test_failing_call(void **state)
{
    (void)state;
    talk t;
    talk_open(&t, good);
    talk_call(&t, "{\"call\":\"nothing\"}");
    talk_expect_failure(&t, "nothing", false);
    talk_call(&t, "{\"call\":\"describe\"}");
    reply r = talk_wait(&t);
    assert_non_null(r.tree);
    reply_fini(&r);
    talk_close(&t);
}

/* ThreadSanitizer holds signals back, and with them LuaJIT's profiler. */
static void skip_without_signals(void)
{
#if defined(__SANITIZE_THREAD__)
    skip();
#endif
}

static void test_time_limit(void **state)
{
    (void)state;
    skip_without_signals();
    static const char *const loops[] = {
        "local x = 0\nwhile true do x = x + 1 end",
        "local function f()\n  while true do pcall(function() while true do end end) "
        "end\n"
        "end f()",
        "local co = coroutine.wrap(function()\n  while true do pcall(error) end\nend) "
        "co()",
        "local t = {}\nwhile true do t[1] = tostring(#t) end",
        "::a::\ngoto a",
        "local s = string.rep('a', 1000)\nwhile true do s:gsub('a', function() end) "
        "end"};
    for (int jit = 0; jit < 2; jit++)
        for (size_t i = 0; i < sizeof loops / sizeof *loops; i++) {
            asy_rule_limits limits = quick;
            talk t;
            limits.jit = jit;
            limits.soft_ms = 150;
            limits.hard_ms = 10000; /* the soft limit is meant to end it */
            talk_open_with(&t, loops[i], &limits);
            talk_call(&t, "{\"call\":\"describe\"}");
            reply r = talk_wait(&t);
            if (!r.message ||
                !strstr(r.message, "time limit: loading the rule took longer") ||
                !strstr(r.message, "\n  rule.lua:"))
                fail_msg("loop %zu, jit %d: %s", i, jit,
                         r.message ? r.message : "a reply");
            assert_true(r.fatal);
            reply_fini(&r);
            talk_close(&t);
        }
}

/* The limit holds for calls as well as for loading, and names them. */
static void test_time_limit_of_calls(void **state)
{
    (void)state;
    skip_without_signals();
    const asy_rule_limits limits = {
        .soft_ms = 300, .hard_ms = 10000, .memory = 64 << 20};
    talk t;
    talk_open_with(&t,
                   "local assay = require 'assay'\n"
                   "return assay.rule {\n"
                   "  space = { x = assay.space.int(1, 9) },\n"
                   "  design = function()\n"
                   "    while true do end\n"
                   "  end,\n"
                   "}\n",
                   &limits);
    talk_call(&t, start);
    talk_call(&t, start);
    talk_expect_failure(&t, "rule.lua:5: time limit: proposing trials took longer than",
                        true);
    talk_expect_failure(&t, "rule.lua:5: time limit",
                        true); /* dead for later calls too */
    talk_call(&t, start);
    talk_expect_failure(&t, "rule.lua:5: time limit", true);
    talk_close(&t);
}

/* No hook reaches a C function: only the hard limit ends it. */
static void test_hard_limit(void **state)
{
    (void)state;
    uint64_t before = asy_now_ms();
    expect_end(
        "local s = ('a'):rep(28)\nreturn s:find(('a?'):rep(28) .. ('a'):rep(28))",
        "did not come back within 0.8 s", &quick);
    assert_true(asy_now_ms() - before >= 800);
}

static void test_memory_limit(void **state)
{
    (void)state;
    const asy_rule_limits small = {
        .soft_ms = 20000, .hard_ms = 25000, .memory = 20 << 20};
    expect_end("local t = {}\nfor i = 1, 1e9 do\n  t[i] = { i }\nend",
               "rule.lua:3: memory limit: the rule holds more than", &small);
    expect_end("local s = 'x'\nwhile true do\n  s = s .. s\nend", "mem", &small);
    expect_end("local s = ('x'):rep(2^30)", "not enough memory", &small);
    expect_end("local t = {}\nwhile true do\n  pcall(function()\n"
               "    while true do t[#t + 1] = ('x'):rep(1e6) .. #t end\n  end)\nend",
               "memory limit", &small);
    expect_end("local t = {}\nfor i = 1, 1e8 do\n  t[i] = coroutine.create(print)\nend",
               "memory limit", &small);
    expect_end("local m = require('assay').matrix local t = {}\n"
               "while true do t[#t + 1] = assert(m.new(1000, 1000)) end",
               "memory limit", &small);
}

/* The collector is asked before anybody is blamed: 12 MB live, 100 MB of garbage. */
static void test_garbage_is_no_crime(void **state)
{
    (void)state;
    for (int jit = 0; jit < 2; jit++) {
        asy_rule_limits limits = {
            .soft_ms = 20000, .hard_ms = 25000, .memory = 20 << 20, .jit = jit};
        talk t;
        char source[2048];
        snprintf(source, sizeof source,
                 "local live = {}\n"
                 "for i = 1, 12 do live[i] = ('x'):rep(1e6) .. i end\n"
                 "for i = 1, 100 do local s = ('y'):rep(1e6) .. i end\n"
                 "%s",
                 good);
        talk_open_with(&t, source, &limits);
        talk_call(&t, "{\"call\":\"describe\"}");
        reply r = talk_wait(&t);
        if (r.message)
            fail_msg("%s", r.message);
        reply_fini(&r);
        talk_close(&t);
    }
}

static void test_deep_recursion(void **state)
{
    (void)state;
    expect_end("local function f() return f() + 1 end f()", "stack overflow", &patient);
    expect_end("local s, f = 'x'\nf = function() return (s:gsub('x', f)) end f()",
               "rule.lua", &patient);
    expect_end("local function f() return coroutine.wrap(f)() end f()", "", &patient);
    expect_end("local function f(t) return (setmetatable({}, { __index = f })).x end\n"
               "return f({})",
               "", &patient);
    expect_end("return " /* nesting */
               "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((("
               "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((("
               "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((("
               "1",
               "rule.lua:1:", &patient);
}

static void test_log(void **state)
{
    (void)state;
    char source[1024];
    talk t;
    snprintf(source, sizeof source, "print('one', 2, nil, true)\nprint(('\\255x'))\n%s",
             good);
    talk_open(&t, source);
    talk_call(&t, "{\"call\":\"describe\"}");
    reply r = talk_wait(&t);
    assert_non_null(r.tree);
    assert_string_equal(asy_buf_text(&t.log), "one\t2\tnil\ttrue\n?x\n");
    reply_fini(&r);
    talk_close(&t);
    /* A flood is cut, and the rule goes on. */
    snprintf(source, sizeof source, "for i = 1, 60000 do print(('x'):rep(60)) end\n%s",
             good);
    asy_rule_limits limits = {.soft_ms = 20000, .hard_ms = 25000, .memory = 64 << 20};
    talk_open_with(&t, source, &limits);
    talk_call(&t, "{\"call\":\"describe\"}");
    r = talk_wait(&t);
    assert_non_null(r.tree);
    assert_in_range(t.lines, 10000, 20000);
    reply_fini(&r);
    talk_close(&t);
}

/* Queries go out and come back inside a call. */
static void test_query(void **state)
{
    (void)state;
    talk t;
    talk_open(&t, "local assay = require 'assay'\n"
                  "return assay.rule {\n"
                  "  prepare = function(data)\n"
                  "    return data:derive('d', function(row) return row.a * 2 end)\n"
                  "  end,\n"
                  "  space = { x = assay.space.int(1, 9) },\n"
                  "  design = function() return assay.net.mlp { hidden = {} } end,\n"
                  "}\n");
    t.answer = "{\"name\":\"a\",\"type\":\"number\",\"values\":[1,null,3]}";
    talk_call(
        &t, "{\"call\":\"prepare\",\"table\":{\"rows\":3,\"label\":\"b\",\"columns\":["
            "{\"name\":\"a\",\"type\":\"number\",\"missing\":1},"
            "{\"name\":\"b\",\"type\":\"category\",\"missing\":0}]}}");
    reply r = talk_wait(&t);
    /* Whatever the library makes of missing cells, it asked and got an answer. */
    assert_true(t.queries > 0);
    assert_false(r.fatal);
    reply_fini(&r);
    talk_close(&t);
}

static void test_huge_reply(void **state)
{
    (void)state;
    talk t;
    asy_rule_limits limits = {.soft_ms = 20000, .hard_ms = 25000, .memory = 512 << 20};
    talk_open_with(&t,
                   "local assay = require 'assay'\n"
                   "return assay.rule {\n"
                   "  description = ('x'):rep(17 * 2^20),\n"
                   "  space = { x = assay.space.int(1, 9) },\n"
                   "  design = function() return assay.net.mlp { hidden = {} } end,\n"
                   "}\n",
                   &limits);
    talk_call(&t, "{\"call\":\"describe\"}");
    talk_expect_failure(&t, "16 MiB", false);
    talk_close(&t);
}

/* A session that starts again draws the same numbers; another seed draws others. */
static void test_random(void **state)
{
    (void)state;
    json_t *said[3];
    for (int i = 0; i < 3; i++) {
        talk t;
        char call[512];
        snprintf(call, sizeof call, "%s", start);
        if (i == 2)
            memcpy(strstr(call, "\"seed\":1"), "\"seed\":2", 8);
        talk_open(
            &t,
            "local assay = require 'assay'\n"
            "for _ = 1, 3 do math.random() end\n"
            "return assay.rule { sweep = function(session)\n"
            "  local designs = {}\n"
            "  for name in pairs { b = 1, a = 1, d = 1, c = 1, e = 1 } do\n"
            "    designs[#designs + 1] = { params = { n = name, x = math.random() },\n"
            "      design = assay.net.mlp { hidden = {} } }\n"
            "  end\n"
            "  session:scatter(designs):all()\n"
            "end }\n");
        for (int extra = 0; extra < i; extra++)
            talk_call(&t, "{\"call\":\"describe\"}");
        talk_call(&t, call);
        for (int extra = 0; extra < i; extra++) {
            reply r = talk_wait(&t);
            reply_fini(&r);
        }
        reply r = talk_wait(&t);
        if (r.message)
            fail_msg("%s", r.message);
        said[i] = r.tree;
        talk_close(&t);
    }
    assert_true(json_equal(said[0], said[1]));
    assert_false(json_equal(said[0], said[2]));
    for (int i = 0; i < 3; i++)
        json_decref(said[i]);
}

/* Two rules know nothing of each other; many at once work. */
static void test_many(void **state)
{
    (void)state;
    enum { MANY = 6 };
    talk t[MANY];
    for (int i = 0; i < MANY; i++)
        talk_open_with(&t[i], i % 2 ? good : "while true do end",
                       i % 2 ? &patient : &quick);
    for (int i = 0; i < MANY; i++)
        talk_call(&t[i], "{\"call\":\"describe\"}");
    for (int i = 0; i < MANY; i++) {
        reply r = talk_wait(&t[i]);
        assert_int_equal(r.fatal, i % 2 == 0);
        reply_fini(&r);
    }
    for (int i = 0; i < MANY; i++)
        talk_close(&t[i]);
}

/* The child process of this one, which has a single one. */
static pid_t find_child(void)
{
    char path[64], text[32] = "";
    snprintf(path, sizeof path, "/proc/self/task");
    DIR *dir = opendir(path);
    pid_t child = 0;
    for (struct dirent *d; (d = readdir(dir));) {
        char file[300];
        snprintf(file, sizeof file, "/proc/self/task/%s/children", d->d_name);
        FILE *f = fopen(file, "r");
        if (f && fgets(text, sizeof text, f))
            child = (pid_t)strtol(text, NULL, 10);
        if (f)
            fclose(f);
    }
    closedir(dir);
    return child;
}

static void test_killed_from_outside(void **state)
{
    (void)state;
    talk t;
    talk_open(&t, good);
    talk_call(&t, "{\"call\":\"describe\"}");
    reply r = talk_wait(&t);
    reply_fini(&r);
    pid_t child = find_child();
    if (child <= 0)
        skip(); /* a kernel without /proc/.../children */
    assert_int_equal(kill(child, SIGKILL), 0);
    talk_call(&t, "{\"call\":\"describe\"}");
    talk_expect_failure(&t, "killed from outside", true);
    talk_close(&t);
}

static void test_no_leaks(void **state)
{
    (void)state;
    int before = count_open_files();
    for (int i = 0; i < 5; i++) {
        test_replies(NULL);
        expect_end("error('x')", "x", &patient);
    }
    assert_int_equal(count_open_files(), before);
    assert_int_equal(find_child() > 0, 0);
}

static void test_long_source(void **state)
{
    (void)state;
    asy_rule_sink sink = {.on_reply = on_reply};
    asy_rule *r = NULL;
    char *source = asy_alloc(1, 300 << 10);
    assert_int_equal(
        asy_script_rules.open("rule.lua", source, 300 << 10, NULL, &quick, &sink, &r),
        ASY_EARG);
    assert_non_null(strstr(asy_errmsg(), "256 KiB"));
    assert_null(r);
    asy_free(source);
    asy_script_rules.close(NULL);
}

/* 20,000 proposals of 6 parameters with their designs, child and parent together. */
static void test_speed(void **state)
{
    (void)state;
    talk t;
    asy_rule_limits limits = {
        .soft_ms = 30000, .hard_ms = 40000, .memory = 512 << 20, .jit = true};
    talk_open_with(
        &t,
        "local assay = require 'assay'\n"
        "return assay.rule { sweep = function(session)\n"
        "  local list = {}\n"
        "  for i = 1, 20000 do\n"
        "    list[i] = { params = { a = i, b = i % 7, c = 'relu', d = 0.1, e = i / 7,"
        " f = 32 }, design = assay.net.mlp { hidden = { { units = 1 + i % 50 } } } }\n"
        "  end\n"
        "  session:scatter(list):all()\n"
        "end }\n",
        &limits);
    talk_call(&t, "{\"call\":\"describe\"}");
    reply r = talk_wait(&t);
    reply_fini(&r);
    talk_call(&t, start);
    uint64_t before = asy_now_ms();
    r = talk_wait(&t);
    if (r.message)
        fail_msg("%s", r.message);
    print_message("20,000 proposals: %d ms\n", (int)(asy_now_ms() - before));
    reply_fini(&r);
    talk_close(&t);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], ASY_RULEHOST_ARG) == 0)
        return asy_rulehost_main();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_replies),
                                       cmocka_unit_test(test_close_at_any_time),
                                       cmocka_unit_test(test_wrong_rules),
                                       cmocka_unit_test(test_failing_call),
                                       cmocka_unit_test(test_time_limit),
                                       cmocka_unit_test(test_time_limit_of_calls),
                                       cmocka_unit_test(test_hard_limit),
                                       cmocka_unit_test(test_memory_limit),
                                       cmocka_unit_test(test_garbage_is_no_crime),
                                       cmocka_unit_test(test_deep_recursion),
                                       cmocka_unit_test(test_log),
                                       cmocka_unit_test(test_query),
                                       cmocka_unit_test(test_huge_reply),
                                       cmocka_unit_test(test_random),
                                       cmocka_unit_test(test_many),
                                       cmocka_unit_test(test_killed_from_outside),
                                       cmocka_unit_test(test_no_leaks),
                                       cmocka_unit_test(test_long_source),
                                       cmocka_unit_test(test_speed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
