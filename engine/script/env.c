/* env.c - builds the environments of the library and of rules. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/env.h"
#include <lauxlib.h>
#include <luajit.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>
#include "script/embed.h"
#include "script/pairs.h"

/* Registry: the rule's environment, the library's, and what require() has loaded. */
#define RULE_ENV "assay.env.rule"
#define LIBRARY_ENV "assay.env.library"
#define LOADED "assay.loaded"

/* What is allowed; getmetatable, load, require and print are our own. */
static const char *const base_names[] = {
    "assert", "error",    "ipairs",       "next",     "pairs",  "pcall",    "xpcall",
    "select", "tonumber", "tostring",     "type",     "unpack", "rawequal", "rawget",
    "rawset", "rawlen",   "setmetatable", "_VERSION", NULL};
static const char *const string_names[] = {
    "byte",  "char",  "find", "format",  "gmatch", "gsub",  "len",
    "lower", "match", "rep",  "reverse", "sub",    "upper", NULL};
static const char *const table_names[] = {"concat", "insert", "maxn", "move",
                                          "remove", "sort",   NULL};
static const char *const coroutine_names[] = {
    "create", "isyieldable", "resume", "running", "status", "wrap", "yield", NULL};
static const char *const math_names[] = {
    "abs",   "acos", "asin",  "atan", "atan2", "ceil", "cos",   "cosh", "deg", "exp",
    "floor", "fmod", "frexp", "huge", "ldexp", "log",  "log10", "max",  "min", "modf",
    "pi",    "pow",  "rad",   "sin",  "sinh",  "sqrt", "tan",   "tanh", NULL};
static const char *const bit_names[] = {"arshift", "band",   "bnot", "bor", "bswap",
                                        "bxor",    "lshift", "rol",  "ror", "rshift",
                                        "tobit",   "tohex",  NULL};

typedef struct library {
    const char *name; /* in the globals */
    lua_CFunction open;
    const char *const *allowed;
} library;

static const library libraries[] = {{"string", luaopen_string, string_names},
                                    {"table", luaopen_table, table_names},
                                    {"math", luaopen_math, math_names},
                                    {"bit", luaopen_bit, bit_names}};
enum { LIBRARIES = sizeof libraries / sizeof *libraries };

/* Copies the allowed fields of the table at `from` to the table on top. */
static void copy_fields(lua_State *L, int from, const char *const *allowed)
{
    for (; *allowed; allowed++) {
        lua_getfield(L, from, *allowed);
        lua_setfield(L, -2, *allowed);
    }
}

/* Pushes a new table with the allowed fields of global `name`. */
static void push_copy(lua_State *L, const char *name, const char *const *allowed)
{
    lua_newtable(L);
    lua_getglobal(L, name);
    lua_insert(L, -2);
    copy_fields(L, lua_gettop(L) - 1, allowed);
    lua_remove(L, -2);
}

/* ---- Our own functions ---- */

/* Metatables of tables only: the others belong to the engine. */
static int env_getmetatable(lua_State *L)
{
    luaL_checkany(L, 1);
    if (lua_type(L, 1) != LUA_TTABLE || !lua_getmetatable(L, 1))
        lua_pushnil(L);
    else if (luaL_getmetafield(L, 1, "__metatable"))
        lua_replace(L, -2);
    return 1;
}

/* Gathers the pieces that the function at index 1 returns until nil or "". */
static void gather_pieces(lua_State *L)
{
    luaL_Buffer b;
    size_t len;
    luaL_buffinit(L, &b);
    for (;;) {
        lua_pushvalue(L, 1);
        lua_call(L, 0, 1);
        if (lua_isnil(L, -1))
            break;
        if (!lua_isstring(L, -1))
            luaL_error(L, "load: the function must return text, not %s",
                       luaL_typename(L, -1));
        lua_tolstring(L, -1, &len);
        if (len == 0)
            break;
        luaL_addvalue(&b);
    }
    lua_pop(L, 1);
    luaL_pushresult(&b);
}

/* load(text | function [, name [, mode [, env]]]): text only, in the rule's environment
 * (the upvalue) unless one is given. */
static int env_load(lua_State *L)
{
    size_t len;
    const char *name = luaL_optstring(L, 2, "=(load)");
    bool own_env = !lua_isnoneornil(L, 4);
    if (lua_type(L, 1) == LUA_TFUNCTION) {
        lua_settop(L, 4);
        gather_pieces(L);
        lua_replace(L, 1);
    }
    const char *text = luaL_checklstring(L, 1, &len);
    if (luaL_loadbufferx(L, text, len, name, "t")) {
        lua_pushnil(L);
        lua_insert(L, -2);
        return 2;
    }
    lua_pushvalue(L, own_env ? 4 : lua_upvalueindex(1));
    if (!lua_istable(L, -1))
        return luaL_error(L, "load: environment: table expected, got %s",
                          luaL_typename(L, -1));
    lua_setfenv(L, -2);
    return 1;
}

/* Runs an embedded file with the library's environment; pushes what it returns. */
static void run_embedded(lua_State *L, const asy_embedded *f)
{
    char name[160];
    snprintf(name, sizeof name, "@%s",
             strncmp(f->name, "lua/", 4) ? f->name : f->name + 4);
    if (luaL_loadbufferx(L, f->text, f->len, name, "t"))
        lua_error(L);
    lua_getfield(L, LUA_REGISTRYINDEX, LIBRARY_ENV);
    lua_setfenv(L, -2);
    lua_call(L, 0, 1);
    if (lua_isnil(L, -1))
        luaL_error(L, "%s returns nothing", f->name);
}

void asy_env_require(lua_State *L, const char *module)
{
    lua_getfield(L, LUA_REGISTRYINDEX, LOADED);
    lua_getfield(L, -1, module);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        const asy_embedded *f = asy_embedded_module(module);
        if (!f)
            luaL_error(L,
                       "require: there is no '%s' here; only assay and its parts are",
                       module);
        run_embedded(L, f);
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, module);
    }
    lua_remove(L, -2);
}

static int library_require(lua_State *L)
{
    asy_env_require(L, luaL_checkstring(L, 1));
    return 1;
}

/* The engine's own door and the host's half are not for rules. */
static int rule_require(lua_State *L)
{
    const char *module = luaL_checkstring(L, 1);
    if (strcmp(module, "assay.core") == 0 || strcmp(module, "assay.host") == 0)
        return luaL_error(L, "require: '%s' is not for rules", module);
    asy_env_require(L, module);
    return 1;
}

/* ---- The environments ---- */

/* Adds the allowed globals to the table on top. */
static void fill(lua_State *L, lua_CFunction require)
{
    copy_fields(L, LUA_GLOBALSINDEX, base_names);
    for (int i = 0; i < LIBRARIES; i++) {
        push_copy(L, libraries[i].name, libraries[i].allowed);
        lua_setfield(L, -2, libraries[i].name);
    }
    push_copy(L, "coroutine", coroutine_names);
    lua_setfield(L, -2, "coroutine");
    lua_pushcfunction(L, env_getmetatable);
    lua_setfield(L, -2, "getmetatable");
    lua_pushcfunction(L, require);
    lua_setfield(L, -2, "require");
    lua_pushvalue(L, -1);
    lua_pushcclosure(L, env_load, 1);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "loadstring");
    lua_setfield(L, -2, "load");
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "_G");
}

static void make_environments(lua_State *L)
{
    lua_newtable(L);
    fill(L, library_require);
    lua_setfield(L, LUA_REGISTRYINDEX, LIBRARY_ENV);
    lua_newtable(L);
    fill(L, rule_require);
    asy_pairs_set(L);
    lua_setfield(L, LUA_REGISTRYINDEX, RULE_ENV);
}

/* ("x"):upper() uses a copy that nobody else holds, and the metatable is sealed. */
static void seal_strings(lua_State *L)
{
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    push_copy(L, "string", string_names);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}

static void open_library(lua_State *L, const char *name, lua_CFunction open)
{
    lua_pushcfunction(L, open);
    lua_pushstring(L, name);
    lua_call(L, 1, 0);
}

void asy_env_open(lua_State *L, bool jit)
{
    open_library(L, "", luaopen_base);
    for (int i = 0; i < LIBRARIES; i++)
        open_library(L, libraries[i].name, libraries[i].open);
    if (jit) /* without it the compiler's parameters stay zero and it never starts */
        open_library(L, "jit", luaopen_jit);
    luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | (jit ? LUAJIT_MODE_ON : LUAJIT_MODE_OFF));
    lua_newtable(L);
    lua_setfield(L, LUA_REGISTRYINDEX, LOADED);
    make_environments(L);
    seal_strings(L);
    lua_newtable(L); /* LuaJIT's own list of libraries: what a literal 1LL may load */
    lua_setfield(L, LUA_REGISTRYINDEX, "_LOADED");
    lua_getfield(L, LUA_REGISTRYINDEX, LIBRARY_ENV);
    lua_replace(L, LUA_GLOBALSINDEX);
}

void asy_env_push(lua_State *L) { lua_getfield(L, LUA_REGISTRYINDEX, RULE_ENV); }

void asy_env_provide(lua_State *L, const char *name)
{
    lua_getfield(L, LUA_REGISTRYINDEX, LOADED);
    lua_insert(L, -2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

asy_err asy_env_load(lua_State *L, const char *name, const char *source, size_t len)
{
    char chunk[200];
    snprintf(chunk, sizeof chunk, "@%.180s", name);
    if (len > 0 && *source == '#') /* a first line for the shell */
        while (len > 0 && *source != '\n')
            source++, len--;
    if (luaL_loadbufferx(L, source, len, chunk, "t")) {
        asy_err e = asy_fail(ASY_ESCRIPT, "%s", lua_tostring(L, -1));
        lua_pop(L, 1);
        return e;
    }
    asy_env_push(L);
    lua_setfenv(L, -2);
    return ASY_OK;
}
