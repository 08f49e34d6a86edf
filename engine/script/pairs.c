/* pairs.c - iterates tables in the order of their keys. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/pairs.h"
#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

/* Kinds of keys in their order. */
static int rank(lua_State *L, int index)
{
    switch (lua_type(L, index)) {
    case LUA_TNUMBER: return 0;
    case LUA_TSTRING: return 1;
    case LUA_TBOOLEAN: return 2;
    default: return 3;
    }
}

static bool is_text_less(lua_State *L, int a, int b)
{
    size_t n, m;
    const char *x = lua_tolstring(L, a, &n), *y = lua_tolstring(L, b, &m);
    int order = memcmp(x, y, n < m ? n : m);
    return order < 0 || (order == 0 && n < m);
}

/* The comparison that table.sort() gets. */
static int is_key_less(lua_State *L)
{
    int a = rank(L, 1), b = rank(L, 2);
    bool less = a < b;
    if (a == b && a == 0)
        less = lua_tonumber(L, 1) < lua_tonumber(L, 2);
    else if (a == b && a == 1)
        less = is_text_less(L, 1, 2);
    else if (a == b && a == 2)
        less = !lua_toboolean(L, 1) && lua_toboolean(L, 2);
    lua_pushboolean(L, less);
    return 1;
}

/* True when next() meets the keys 1, 2, 3, ... in the table at 1: a list. */
static bool is_list(lua_State *L)
{
    int n = 0;
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TNUMBER || lua_tonumber(L, -1) != ++n) {
            lua_pop(L, 1);
            return false;
        }
    }
    return true;
}

/* Pushes the list of the keys of the table at 1. */
static void push_keys(lua_State *L)
{
    int n = 0;
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, ++n);
    }
}

/* The iterator: upvalues are the table, its keys and how many have been visited. Keys
 * that have been removed meanwhile are left out. */
static int next_pair(lua_State *L)
{
    int i = (int)lua_tointeger(L, lua_upvalueindex(3));
    for (;;) {
        lua_settop(L, 0);
        lua_rawgeti(L, lua_upvalueindex(2), ++i);
        if (lua_isnil(L, 1))
            return 1;
        lua_pushvalue(L, 1);
        lua_rawget(L, lua_upvalueindex(1));
        if (!lua_isnil(L, 2))
            break;
    }
    lua_pushinteger(L, i);
    lua_replace(L, lua_upvalueindex(3));
    return 2;
}

/* pairs(t): Lua's own next() for lists. Upvalues: next, table.sort. */
static int pairs_sorted(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    if (is_list(L)) {
        lua_pushvalue(L, lua_upvalueindex(1));
        lua_pushvalue(L, 1);
        lua_pushnil(L);
        return 3;
    }
    push_keys(L);
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_pushvalue(L, 2);
    lua_pushcfunction(L, is_key_less);
    lua_call(L, 2, 0);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_pair, 3);
    return 1;
}

void asy_pairs_set(lua_State *L)
{
    lua_getfield(L, -1, "next");
    lua_getfield(L, -2, "table");
    lua_getfield(L, -1, "sort");
    lua_remove(L, -2);
    lua_pushcclosure(L, pairs_sorted, 2);
    lua_setfield(L, -2, "pairs");
}
