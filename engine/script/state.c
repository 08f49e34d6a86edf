/* state.c - memory cap, time limit and their messages. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/state.h"
#include <lauxlib.h>
#include <luajit.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include "base/mem.h"
#include "base/text.h"
#include "script/budget.h"
#include "script/env.h"
#include "script/trace.h"

/* Garbage is collected early (the heap is at most 1.1 times what lives), because LuaJIT
 * has no emergency collection when the cap is met. */
enum { GC_PAUSE = 110, GC_STEPMUL = 400 };

struct asy_state {
    lua_State *L;
    asy_budget budget;
    bool jit;
    bool is_full;            /* the cap was passed: the next tick looks closer */
    uint64_t deadline;       /* spent_ns(); 0: none */
    uint64_t limit_ms, left; /* of the present call; ns left while paused */
    const char *what;
    void (*stop)(void *ctx, const char *message);
    void (*tick)(void *ctx);
    void *ctx;
    void (*signal)(int); /* the profiler's signal handler */
};

static const char key; /* its address names the state in the registry */

/* ---- Memory ---- */

/* One allocation may go beyond the cap by half, so that the check at the next line can
 * say where it happened. Beyond that Lua raises "not enough memory" without a line. */
static bool is_refused(asy_state *s, uint64_t old_size, uint64_t size)
{
    uint64_t used = s->budget.used - old_size + size;
    if (s->budget.cap == 0 || used <= s->budget.cap)
        return false;
    if (used > s->budget.cap + s->budget.cap / 2)
        return true;
    if (!s->is_full && s->signal) {
        s->is_full = true;
        s->signal(SIGPROF);
    }
    return false;
}

static void *reallocate(void *ctx, void *p, size_t old_size, size_t size)
{
    asy_state *s = ctx;
    if (!p)
        old_size = 0;
    if (size == 0) {
        asy_free(p);
        s->budget.used -= old_size;
        return NULL;
    }
    if (size > old_size && is_refused(s, old_size, size))
        return NULL;
    void *q = asy_try_realloc(p, size, 1);
    if (q)
        s->budget.used += size - old_size;
    return q;
}

/* ---- Limits ---- */

/* Processor time of this process: a busy machine is not the script's fault. */
static uint64_t spent_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Text of a limit in the message: "2 s", "128 MB". */
static void stop_for(asy_state *s, lua_State *L, const char *limit)
{
    char place[256], trace[1536];
    asy_buf b = {0};
    asy_trace_place(L, place, sizeof place);
    asy_trace_text(L, 0, trace, sizeof trace);
    asy_buf_printf(&b, "%s%s%s", place, limit, trace);
    s->stop(s->ctx, asy_buf_text(&b));
    asy_buf_fini(&b);
}

static void stop_late(asy_state *s, lua_State *L)
{
    asy_buf b = {0};
    asy_buf_printf(&b, "time limit: %s took longer than ", s->what);
    asy_text_put_seconds(&b, (double)s->limit_ms / 1e3);
    stop_for(s, L, asy_buf_text(&b));
    asy_buf_fini(&b);
}

static void stop_full(asy_state *s, lua_State *L)
{
    asy_buf b = {0};
    asy_buf_puts(&b, "memory limit: the rule holds more than ");
    asy_text_put_bytes(&b, (double)s->budget.cap);
    stop_for(s, L, asy_buf_text(&b));
    asy_buf_fini(&b);
}

/* Called by LuaJIT between two lines of the script, in interpreted and compiled code,
 * about every 10 ms of processor time and when the allocator asks for it. */
static void look_at_limits(void *data, lua_State *L, int samples, int vmstate)
{
    asy_state *s = data;
    (void)samples;
    (void)vmstate;
    if (s->tick)
        s->tick(s->ctx);
    if (asy_state_is_late(s))
        stop_late(s, L);
    if (!s->is_full)
        return;
    s->is_full = false;
    lua_gc(L, LUA_GCCOLLECT, 0);
    if (s->budget.used > s->budget.cap - s->budget.cap / 20)
        stop_full(s, L);
}

/* LuaJIT checks its profiler in compiled loops, which no hook reaches; mode "l" puts a
 * check at every line. We need its handler to ask for a check from the allocator. */
static void watch(asy_state *s)
{
    struct sigaction installed;
    luaJIT_profile_start(s->L, "li10", look_at_limits, s);
    if (sigaction(SIGPROF, NULL, &installed) == 0)
        s->signal = installed.sa_handler;
}

void asy_state_arm(asy_state *s, const char *what, uint32_t ms)
{
    s->what = what;
    s->limit_ms = ms;
    s->left = 0;
    s->deadline = ms ? spent_ns() + (uint64_t)ms * 1000000 : 0;
}

void asy_state_pause(asy_state *s)
{
    if (s->deadline == 0)
        return;
    uint64_t now = spent_ns();
    s->left = s->deadline > now ? s->deadline - now : 1;
    s->deadline = 0;
}

void asy_state_go_on(asy_state *s)
{
    if (s->left)
        s->deadline = spent_ns() + s->left;
    s->left = 0;
}

bool asy_state_is_late(const asy_state *s)
{
    return s->deadline && spent_ns() > s->deadline;
}

/* ---- Life ---- */

static int open_protected(lua_State *L)
{
    asy_state *s = lua_touserdata(L, 1);
    lua_pushlightuserdata(L, (void *)&key);
    lua_pushlightuserdata(L, s);
    lua_rawset(L, LUA_REGISTRYINDEX);
    asy_budget_set(L, &s->budget);
    lua_gc(L, LUA_GCSETPAUSE, GC_PAUSE);
    lua_gc(L, LUA_GCSETSTEPMUL, GC_STEPMUL);
    asy_env_open(L, s->jit);
    return 0;
}

asy_err asy_state_new(const asy_state_config *config, asy_state **out)
{
    asy_state *s = asy_alloc(1, sizeof *s);
    *out = NULL;
    s->jit = config->jit;
    s->stop = config->stop;
    s->tick = config->tick;
    s->ctx = config->ctx;
    s->what = "the rule";
    s->L = lua_newstate(reallocate, s);
    s->budget.cap =
        config->memory; /* not before: LuaJIT does not survive a refusal there */
    asy_err e = s->L ? ASY_OK : asy_fail(ASY_ENOMEM, "no memory for a Lua state");
    if (!e && lua_cpcall(s->L, open_protected, s))
        e = asy_fail(ASY_ENOMEM, "no memory for Lua's libraries");
    if (e) {
        asy_state_free(s);
        return e;
    }
    if (s->stop)
        watch(s);
    *out = s;
    return ASY_OK;
}

void asy_state_free(asy_state *s)
{
    if (!s)
        return;
    if (s->L && s->stop)
        luaJIT_profile_stop(s->L);
    s->signal = NULL;
    if (s->L)
        lua_close(s->L);
    asy_free(s);
}

lua_State *asy_state_lua(asy_state *s) { return s->L; }

asy_state *asy_state_of(lua_State *L)
{
    lua_pushlightuserdata(L, (void *)&key);
    lua_rawget(L, LUA_REGISTRYINDEX);
    asy_state *s = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return s;
}

void asy_state_tidy(asy_state *s)
{
    if (s->budget.cap && s->budget.used > s->budget.cap / 2)
        lua_gc(s->L, LUA_GCCOLLECT, 0);
}
