/* network.c - parses designs that scripts hand over and counts what they cost. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/network.h"
#include <lauxlib.h>
#include "script/trace.h"
#include "script/value.h"

asy_err asy_network_parse(lua_State *L, int index, asy_design **design, json_t **json)
{
    json_t *tree;
    *design = NULL;
    asy_err e = asy_value_json(L, index, "design", &tree);
    if (!e)
        e = asy_design_parse(tree, design);
    if (json)
        *json = e ? NULL : json_incref(tree);
    json_decref(tree);
    return e;
}

/* A whole number in the table (or object) at `index`; absent: the fallback. */
static uint32_t field(lua_State *L, int index, const char *name, lua_Number fallback)
{
    lua_getfield(L, index, name);
    lua_Number x = lua_isnil(L, -1) ? fallback : lua_tonumber(L, -1);
    lua_pop(L, 1);
    if (!(x >= 0 && x <= 4294967295.0))
        asy_trace_raise(L, "data: %s: whole number expected, got %g", name, x);
    return (uint32_t)x;
}

static void set_number(lua_State *L, const char *name, uint64_t x)
{
    lua_pushnumber(L, (lua_Number)x);
    lua_setfield(L, -2, name);
}

/* count(design, data): data is anything with inputs, classes, outputs, train_rows. */
static int network_count(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    if (!lua_istable(L, 2) && !lua_isuserdata(L, 2))
        return asy_trace_raise(L,
                               "data: table with inputs and classes expected, got %s",
                               luaL_typename(L, 2));
    uint32_t inputs = field(L, 2, "inputs", 0), classes = field(L, 2, "classes", 0);
    uint32_t outputs = field(L, 2, "outputs", 1), rows = field(L, 2, "train_rows", 1);
    if (inputs == 0)
        return asy_trace_raise(L,
                               "data: inputs: whole number >= 1 expected, got nothing");
    asy_design *design;
    asy_design_cost cost = {0};
    asy_err e = asy_network_parse(L, 1, &design, NULL);
    if (!e)
        e = asy_design_count(design, inputs, classes, outputs, rows, &cost);
    asy_design_free(design);
    if (e)
        return asy_trace_raise(L, "%s", asy_errmsg());
    lua_createtable(L, 0, 4);
    set_number(L, "parameters", cost.params);
    set_number(L, "flops", cost.flops_forward);
    set_number(L, "flops_train", cost.flops_train);
    set_number(L, "memory", cost.bytes);
    return 1;
}

/* Appends the canonical text of the design at 1. */
static asy_err write_canonical(lua_State *L, asy_buf *text)
{
    json_t *tree;
    asy_err e = asy_value_json(L, 1, "design", &tree);
    if (!e)
        e = asy_design_canonical(tree, text);
    json_decref(tree);
    return e;
}

/* Finishes in a protected call of its own, so that the text is released either way. */
static int push_text(lua_State *L)
{
    const asy_buf *text = lua_touserdata(L, 1);
    lua_pushlstring(L, asy_buf_text(text), text->len);
    return 1;
}

static int network_canonical(lua_State *L)
{
    asy_buf text = {0};
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_pushcfunction(L, push_text);
    lua_pushlightuserdata(L, &text);
    asy_err e = write_canonical(L, &text);
    int status = e ? 0 : lua_pcall(L, 1, 1, 0);
    asy_buf_fini(&text);
    if (e)
        return asy_trace_raise(L, "%s", asy_errmsg());
    return status ? lua_error(L) : 1;
}

void asy_network_push_count(lua_State *L) { lua_pushcfunction(L, network_count); }
void asy_network_push_canonical(lua_State *L)
{
    lua_pushcfunction(L, network_canonical);
}
