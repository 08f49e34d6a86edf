/* random.c - Philox streams as Lua objects, and math.random on top of one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/random.h"
#include <lauxlib.h>
#include <math.h>
#include <stdbool.h>

#define RANDOM "assay.Random"
#define MATH "assay.random.math" /* registry: the generator behind math.random */

static const char *const stream_names[] = {"init",    "shuffle", "dropout",  "split",
                                           "balance", "rule",    "strategy", NULL};

typedef struct generator {
    asy_rng rng;
    uint64_t seed; /* for math.randomseed */
} generator;

static generator *check_generator(lua_State *L)
{
    return luaL_checkudata(L, 1, RANDOM);
}

/* A whole number as 64 bits; negative ones keep their two's complement. */
static uint64_t check_whole(lua_State *L, int index, lua_Number fallback)
{
    lua_Number x = luaL_optnumber(L, index, fallback);
    luaL_argcheck(L, x == floor(x) && fabs(x) <= 1.8446744073709551615e19, index,
                  "whole number expected");
    if (x >= 1.8446744073709551615e19)
        return UINT64_MAX;
    return x < 0 ? (uint64_t) - (int64_t)fmin(-x, 9.2e18) : (uint64_t)x;
}

static generator *push_generator(lua_State *L)
{
    generator *g = lua_newuserdata(L, sizeof *g);
    *g = (generator){0};
    luaL_getmetatable(L, RANDOM);
    lua_setmetatable(L, -2);
    return g;
}

static int random_new(lua_State *L)
{
    uint64_t seed = check_whole(L, 1, 0);
    int stream = luaL_checkoption(L, 2, NULL, stream_names);
    uint64_t number = check_whole(L, 3, 0);
    uint64_t index = check_whole(L, 4, 0);
    generator *g = push_generator(L);
    g->seed = seed;
    g->rng = asy_rng_open(asy_rng_key(seed, number),
                          (asy_stream)(ASY_STREAM_INIT + stream), (uint32_t)index);
    return 1;
}

/* lo .. hi, both included. */
static lua_Number draw_between(lua_State *L, asy_rng *rng, lua_Number lo, lua_Number hi)
{
    const lua_Number most = 9007199254740992.0; /* 2^53 */
    lo = ceil(lo);
    hi = floor(hi);
    if (!(lo <= hi) || fabs(lo) > most || fabs(hi) > most)
        luaL_error(L, "random: no whole number from %f to %f", lo, hi);
    return lo + (lua_Number)asy_rng_below(rng, (uint64_t)(hi - lo) + 1);
}

static int random_uniform(lua_State *L)
{
    lua_pushnumber(L, asy_rng_uniform(&check_generator(L)->rng));
    return 1;
}

static int random_normal(lua_State *L)
{
    lua_pushnumber(L, asy_rng_normal(&check_generator(L)->rng));
    return 1;
}

static int random_u32(lua_State *L)
{
    lua_pushnumber(L, asy_rng_u32(&check_generator(L)->rng));
    return 1;
}

static int random_integer(lua_State *L)
{
    generator *g = check_generator(L);
    lua_Number lo = luaL_checknumber(L, 2), hi = luaL_checknumber(L, 3);
    lua_pushnumber(L, draw_between(L, &g->rng, lo, hi));
    return 1;
}

static int random_uniforms(lua_State *L)
{
    generator *g = check_generator(L);
    lua_Number n = luaL_checknumber(L, 2);
    luaL_argcheck(L, n >= 0 && n <= 1e7, 2, "0 to 10 million expected");
    lua_createtable(L, (int)n, 0);
    for (int i = 1; i <= (int)n; i++) {
        lua_pushnumber(L, asy_rng_uniform(&g->rng));
        lua_rawseti(L, -2, i);
    }
    return 1;
}

static int random_shuffle(lua_State *L)
{
    generator *g = check_generator(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    for (int i = (int)lua_objlen(L, 2); i > 1; i--) {
        int j = 1 + (int)asy_rng_below(&g->rng, (uint64_t)i);
        lua_rawgeti(L, 2, i);
        lua_rawgeti(L, 2, j);
        lua_rawseti(L, 2, i);
        lua_rawseti(L, 2, j);
    }
    return 1;
}

/* math.random(), (m), (m, n), as in Lua. */
static int math_random(lua_State *L)
{
    generator *g = lua_touserdata(L, lua_upvalueindex(1));
    if (lua_gettop(L) == 0) {
        lua_pushnumber(L, asy_rng_uniform(&g->rng));
        return 1;
    }
    bool two = lua_gettop(L) > 1;
    lua_Number lo = two ? luaL_checknumber(L, 1) : 1;
    lua_pushnumber(L, draw_between(L, &g->rng, lo, luaL_checknumber(L, two ? 2 : 1)));
    return 1;
}

/* Another stream of the same session: still repeatable. */
static int math_randomseed(lua_State *L)
{
    generator *g = lua_touserdata(L, lua_upvalueindex(1));
    asy_key key = asy_rng_key(g->seed, check_whole(L, 1, 0));
    g->rng = asy_rng_open(key, ASY_STREAM_RULE, 1);
    return 0;
}

static const luaL_Reg methods[] = {{"uniform", random_uniform},
                                   {"normal", random_normal},
                                   {"u32", random_u32},
                                   {"integer", random_integer},
                                   {"uniforms", random_uniforms},
                                   {"shuffle", random_shuffle},
                                   {NULL, NULL}};

static void make_metatable(lua_State *L)
{
    if (luaL_newmetatable(L, RANDOM)) {
        lua_newtable(L);
        luaL_setfuncs(L, methods, 0);
        lua_setfield(L, -2, "__index");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_pop(L, 1);
}

void asy_random_push(lua_State *L)
{
    make_metatable(L);
    lua_pushcfunction(L, random_new);
}

/* Pushes the generator behind math.random, making it at need. */
static generator *push_math_generator(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, MATH);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        make_metatable(L);
        push_generator(L);
        lua_pushvalue(L, -1);
        lua_setfield(L, LUA_REGISTRYINDEX, MATH);
    }
    return lua_touserdata(L, -1);
}

void asy_random_math(lua_State *L)
{
    push_math_generator(L);
    lua_pushvalue(L, -1);
    lua_pushcclosure(L, math_random, 1);
    lua_setfield(L, -3, "random");
    lua_pushcclosure(L, math_randomseed, 1);
    lua_setfield(L, -2, "randomseed");
}

void asy_random_seed(lua_State *L, uint64_t seed, uint64_t number)
{
    generator *g = push_math_generator(L);
    g->seed = seed;
    g->rng = asy_rng_open(asy_rng_key(seed, number), ASY_STREAM_RULE, 0);
    lua_pop(L, 1);
}

asy_rng *asy_random_borrow(lua_State *L)
{
    generator *g = push_math_generator(L);
    lua_pop(L, 1); /* the registry keeps it */
    return &g->rng;
}
