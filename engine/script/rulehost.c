/* rulehost.c - the loop of a rule's process: a packet in, a packet out. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/rulehost.h"
#include <lauxlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/text.h"
#include "script/core.h"
#include "script/data.h"
#include "script/env.h"
#include "script/packet.h"
#include "script/lockdown.h"
#include "script/random.h"
#include "script/state.h"
#include "script/trace.h"
#include "script/value.h"
#include "script/wire.h"

#define TRIAL_DATA "assay.trial.data" /* registry */

enum { MOST_RESULT = 1 << 20 /* bytes of a trial's metrics */ };

typedef struct host {
    asy_wire wire;
    asy_state *state;
    lua_State *L;
    json_t *load; /* the LOAD packet */
    uint32_t soft_ms;
    uint64_t seed;    /* of the session */
    asy_unpack input; /* what the present call is given */
    int64_t trial_id;
    uint64_t trial_seed;
    asy_buf batch;  /* the trials being run */
    asy_buf result; /* of the present call or trial, packed */
    asy_buf query;
} host;

/* ---- What scripts reach through assay.core ---- */

static host *upvalue_host(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* query(table) -> the host's answer. */
static int core_query(lua_State *L)
{
    host *h = upvalue_host(L);
    asy_packet answer;
    luaL_checkany(L, 1);
    asy_buf_clear(&h->query);
    asy_err e = asy_value_pack(L, 1, "query", &h->query);
    if (!e)
        e = asy_wire_send(&h->wire, ASY_PACKET_QUERY, &h->query);
    asy_state_pause(h->state);
    if (!e)
        e = asy_wire_wait(&h->wire, ASY_PACKET_ANSWER, &answer);
    asy_state_go_on(h->state);
    asy_unpack u = e ? (asy_unpack){0} : asy_unpack_open(answer.body, answer.len);
    if (e || (e = asy_value_push(L, &u)))
        return asy_trace_raise(L, "%s", asy_errmsg());
    return 1;
}

static int core_log(lua_State *L)
{
    asy_wire_log(&upvalue_host(L)->wire, luaL_checkstring(L, 1));
    return 0;
}

/* own_report(id, epoch, value) -> go on? */
static int core_report(lua_State *L)
{
    host *h = upvalue_host(L);
    asy_packet answer;
    bool go = false;
    lua_Number epoch = luaL_checknumber(L, 2), value = luaL_checknumber(L, 3);
    luaL_argcheck(L, epoch >= 0 && epoch <= 4294967295.0, 2,
                  "epoch: number from 0 expected");
    asy_state_pause(h->state);
    asy_wire_report(&h->wire, h->trial_id, (uint64_t)epoch, value);
    asy_err e = asy_wire_wait(&h->wire, ASY_PACKET_VERDICT, &answer);
    asy_state_go_on(h->state);
    asy_unpack u = e ? (asy_unpack){0} : asy_unpack_open(answer.body, answer.len);
    if (e || (e = asy_unpack_bool(&u, &go)))
        return asy_trace_raise(L, "%s", asy_errmsg());
    lua_pushboolean(L, go);
    return 1;
}

/* print(...): one line of the log, through the script's own tostring. */
static int env_print(lua_State *L)
{
    int n = lua_gettop(L);
    lua_pushliteral(L, "");
    for (int i = 1; i <= n; i++) {
        lua_getglobal(L, "tostring");
        lua_pushvalue(L, i);
        lua_call(L, 1, 1);
        if (!lua_isstring(L, -1))
            return luaL_error(L, "print: tostring must return text");
        lua_pushstring(L, i < n ? "\t" : "");
        lua_concat(L, 3);
    }
    asy_wire_log(&upvalue_host(L)->wire, lua_tostring(L, -1));
    return 0;
}

static void set_function(lua_State *L, host *h, const char *name, lua_CFunction f)
{
    lua_pushlightuserdata(L, h);
    lua_pushcclosure(L, f, 1);
    lua_setfield(L, -2, name);
}

/* ---- Making the state ---- */

static void finish_environment(lua_State *L, host *h)
{
    lua_getfield(L, -1, "math");
    asy_random_math(L);
    lua_pop(L, 1);
    set_function(L, h, "print", env_print);
}

/* The prepared data of `trial` rules; its file stays mapped through the lock-down. */
static void open_data(lua_State *L, const char *path)
{
    if (!path)
        return;
    if (asy_tensors_open(path, NULL, asy_data_push(L)))
        asy_trace_raise(L, "%s", asy_errmsg());
    asy_data_finish(L);
    lua_setfield(L, LUA_REGISTRYINDEX, TRIAL_DATA);
}

/* Protected: the library is loaded before the lock-down, the rule after it. */
static int load_library(lua_State *L)
{
    host *h = lua_touserdata(L, 1);
    asy_core_push(L, true);
    set_function(L, h, "query", core_query);
    set_function(L, h, "log", core_log);
    set_function(L, h, "own_report", core_report);
    asy_env_provide(L, "assay.core");
    lua_pushvalue(L, LUA_GLOBALSINDEX);
    finish_environment(L, h);
    asy_env_push(L);
    finish_environment(L, h);
    asy_env_require(L, "assay");
    asy_env_require(L, "assay.host");
    open_data(L, json_string_value(json_object_get(h->load, "data")));
    return 0;
}

static void push_host_function(lua_State *L, const char *name)
{
    asy_env_require(L, "assay.host");
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
}

/* host.open(chunk, name, options) */
static int open_rule(lua_State *L)
{
    host *h = lua_touserdata(L, 1);
    const json_t *source = json_object_get(h->load, "source");
    const char *name = json_string_value(json_object_get(h->load, "name"));
    push_host_function(L, "open");
    if (asy_env_load(L, name, json_string_value(source), json_string_length(source)))
        return asy_trace_raise(L, "%s", asy_errmsg());
    lua_pushstring(L, name);
    asy_value_push_json(L, json_object_get(h->load, "options"));
    lua_call(L, 3, 0);
    return 0;
}

/* The value on top, packed as the result. */
static int keep_result(lua_State *L, host *h, const char *what)
{
    asy_buf_clear(&h->result);
    if (asy_value_pack(L, -1, what, &h->result))
        return asy_trace_raise(L, "%s", asy_errmsg());
    return 0;
}

typedef struct name_of_work {
    const char *call, *work;
} name_of_work;

/* What a call is about, for messages. Static. */
static const char *find_work(const char *call)
{
    static const name_of_work works[] = {{"describe", "describing the rule"},
                                         {"prepare", "preparing the data"},
                                         {"start", "proposing trials"},
                                         {"resume", "proposing trials"}};
    for (size_t i = 0; i < sizeof works / sizeof *works; i++)
        if (strcmp(works[i].call, call) == 0)
            return works[i].work;
    return "the call";
}

/* math.random begins anew with each start, so that a session that is run again draws
 * the same numbers. The call is the table at `call`. */
static void seed_session(lua_State *L, int call)
{
    lua_getfield(L, call, "session");
    if (lua_istable(L, -1)) {
        lua_getfield(L, -1, "seed");
        lua_Number seed = lua_tonumber(L, -1);
        bool fits = seed > -9.2e18 && seed < 9.2e18;
        asy_random_seed(L, fits ? (uint64_t)(int64_t)seed : 0, 0);
    }
    lua_settop(L, call);
}

/* The call is on top. */
static void begin_call(lua_State *L, host *h)
{
    if (!lua_istable(L, -1))
        asy_trace_raise(L, "call: table expected, got %s", luaL_typename(L, -1));
    lua_getfield(L, -1, "call");
    const char *name = lua_tostring(L, -1);
    lua_pop(L, 1);
    if (!name)
        name = "";
    if (strcmp(name, "start") == 0)
        seed_session(L, lua_gettop(L));
    asy_state_arm(h->state, find_work(name), h->soft_ms);
}

/* host.handle(call) -> reply */
static int handle_call(lua_State *L)
{
    host *h = lua_touserdata(L, 1);
    push_host_function(L, "handle");
    if (asy_value_push(L, &h->input))
        return asy_trace_raise(L, "%s", asy_errmsg());
    begin_call(L, h);
    lua_call(L, 1, 1);
    return keep_result(L, h, "reply");
}

/* host.trial(params, data, seed, id) -> metrics */
static int run_trial(lua_State *L)
{
    host *h = lua_touserdata(L, 1);
    push_host_function(L, "trial");
    if (asy_value_push(L, &h->input))
        return asy_trace_raise(L, "%s", asy_errmsg());
    lua_getfield(L, LUA_REGISTRYINDEX, TRIAL_DATA);
    lua_pushnumber(L, (lua_Number)h->trial_seed);
    lua_pushnumber(L, (lua_Number)h->trial_id);
    lua_call(L, 4, 1);
    return keep_result(L, h, "result");
}

/* Calls one of the functions above. */
static asy_err call_protected(host *h, lua_CFunction f)
{
    lua_pushcfunction(h->L, f);
    lua_pushlightuserdata(h->L, h);
    return asy_lua_call(h->L, 1, 0);
}

/* A limit was passed: nothing of the rule runs any more, only the message gets out. */
static void stop(void *ctx, const char *message)
{
    host *h = ctx;
    asy_wire_error(&h->wire, message, true);
    _exit(0);
}

/* Results that wait for company do not wait for a long trial. */
static void tick(void *ctx)
{
    host *h = ctx;
    asy_wire_flush(&h->wire);
}

static asy_err load_json(host *h)
{
    asy_packet f;
    asy_err e = asy_wire_wait(&h->wire, ASY_PACKET_LOAD, &f);
    if (!e)
        e = asy_unpack_value(f.body, f.len, &h->load);
    return e;
}

static asy_err make_state(host *h)
{
    int64_t memory, soft, seed;
    bool jit;
    asy_err e = asy_json_get_int(h->load, "load", "memory", 0, &memory);
    if (!e)
        e = asy_json_get_int(h->load, "load", "soft", 0, &soft);
    if (!e)
        e = asy_json_get_int(h->load, "load", "seed", 0, &seed);
    if (!e)
        e = asy_json_get_bool(h->load, "load", "jit", false, &jit);
    if (e)
        return e;
    h->soft_ms = (uint32_t)soft;
    h->seed = (uint64_t)seed;
    asy_state_config config = {
        .memory = (uint64_t)memory, .jit = jit, .stop = stop, .tick = tick, .ctx = h};
    asy_lockdown lock = {.memory = (uint64_t)memory, .jit = jit, .fd = ASY_RULEHOST_FD};
    e = asy_state_new(&config, &h->state);
    if (e)
        return e;
    h->L = asy_state_lua(h->state);
    e = call_protected(h, load_library);
    return e ? e : asy_lockdown_apply(&lock);
}

static asy_err load_rule(host *h)
{
    asy_err e = load_json(h);
    if (!e)
        e = make_state(h);
    if (e)
        return e;
    asy_random_seed(h->L, h->seed, 0);
    asy_state_arm(h->state, "loading the rule", h->soft_ms);
    e = call_protected(h, open_rule);
    asy_state_arm(h->state, "", 0);
    json_decref(h->load);
    h->load = NULL;
    return e;
}

/* ---- The loop ---- */

static void answer_call(host *h, const asy_packet *f)
{
    h->input = asy_unpack_open(f->body, f->len);
    asy_wire_next_call(&h->wire);
    asy_err e = call_protected(h, handle_call);
    asy_state_arm(h->state, "", 0);
    if (!e)
        e = asy_wire_send(&h->wire, ASY_PACKET_REPLY, &h->result);
    if (e)
        asy_wire_error(&h->wire, asy_errmsg(), e == ASY_ENOMEM);
    asy_state_tidy(h->state);
}

static void do_trial(host *h)
{
    uint64_t start = asy_now_ns();
    asy_random_seed(h->L, h->seed, h->trial_seed);
    asy_wire_next_call(&h->wire);
    asy_state_arm(h->state, "the trial", h->soft_ms);
    asy_err e = call_protected(h, run_trial);
    asy_state_arm(h->state, "", 0);
    double seconds = (double)(asy_now_ns() - start) / 1e9;
    if (!e && h->result.len > MOST_RESULT)
        e = asy_fail(ASY_ESCRIPT, "result: larger than 1 MiB");
    asy_wire_result(&h->wire, h->trial_id, seconds, e ? NULL : &h->result,
                    e ? asy_errmsg() : NULL);
    asy_state_tidy(h->state);
}

/* [[id, seed, params], ...] */
static asy_err do_trials(host *h, const asy_packet *f)
{
    /* A copy: a report inside a trial reads on and moves the packet's bytes. */
    asy_buf_clear(&h->batch);
    asy_buf_add(&h->batch, f->body, f->len);
    asy_unpack u = asy_unpack_open(h->batch.data, h->batch.len);
    uint32_t trials, parts;
    asy_err e = asy_unpack_array(&u, &trials);
    for (uint32_t i = 0; i < trials && !e; i++) {
        const void *params;
        size_t len;
        e = asy_unpack_array(&u, &parts);
        if (!e)
            e = asy_unpack_int(&u, &h->trial_id);
        if (!e)
            e = asy_unpack_uint(&u, &h->trial_seed);
        if (!e)
            e = asy_unpack_raw(&u, &params, &len);
        if (e)
            break;
        h->input = asy_unpack_open(params, len);
        do_trial(h);
    }
    asy_wire_flush(&h->wire);
    return e;
}

/* Until the other side closes. */
static asy_err serve(host *h)
{
    for (;;) {
        asy_packet f;
        asy_err e = asy_wire_wait(&h->wire, 0, &f);
        if (e)
            return e;
        if (f.type == ASY_PACKET_CALL)
            answer_call(h, &f);
        else if (f.type == ASY_PACKET_TRIALS)
            e = do_trials(h, &f);
        else
            e = asy_fail(ASY_EIO, "unexpected packet %d", (int)f.type);
        if (e)
            return e;
    }
}

int asy_rulehost_main(void)
{
    asy_lockdown_stack();
    host h = {.wire = {.fd = ASY_RULEHOST_FD}};
    if (load_rule(&h)) {
        asy_wire_error(&h.wire, asy_errmsg(), true);
    } else {
        asy_wire_ready(&h.wire);
        serve(&h);
    }
    /* The process is the only owner of everything; exit without the tidying that a
     * locked-down process could not finish. */
    _exit(0);
}
