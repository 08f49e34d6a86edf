/* dataset.c - imports tables, shows their columns, prepares data from them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/dataset.h"
#include <lauxlib.h>
#include <math.h>
#include "data/csv.h"
#include "data/prepare.h"
#include "script/data.h"
#include "script/trace.h"
#include "script/value.h"

#define TABLE "assay.Table"

static int push_fail(lua_State *L, asy_err e)
{
    lua_pushnil(L);
    lua_pushstring(L, asy_errmsg());
    lua_pushstring(L, asy_errname(e));
    return 3;
}

static asy_table *check_table(lua_State *L)
{
    asy_table *t = *(asy_table **)luaL_checkudata(L, 1, TABLE);
    if (!t)
        luaL_argerror(L, 1, "this table was freed");
    return t;
}

static int dataset_free(lua_State *L)
{
    asy_table **t = luaL_checkudata(L, 1, TABLE);
    asy_table_free(*t);
    *t = NULL;
    return 0;
}

/* ---- Reading ---- */

/* {separator = ";", header = true}: both guessed when absent. */
static asy_csv_options read_options(lua_State *L, int index)
{
    asy_csv_options o = {.header = -1};
    if (lua_isnoneornil(L, index))
        return o;
    luaL_checktype(L, index, LUA_TTABLE);
    lua_getfield(L, index, "separator");
    if (!lua_isnil(L, -1)) {
        const char *text = lua_tostring(L, -1);
        if (!text || !text[0] || text[1])
            asy_trace_raise(L, "load: separator: one character expected");
        o.separator = text[0];
    }
    lua_getfield(L, index, "header");
    if (!lua_isnil(L, -1))
        o.header = lua_toboolean(L, -1);
    lua_pop(L, 2);
    return o;
}

/* load(path [, options]) -> table; nil, message, code when the file is wrong. */
static int core_load(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    asy_csv_options o = read_options(L, 2);
    asy_table **t = lua_newuserdata(L, sizeof *t);
    *t = NULL;
    luaL_getmetatable(L, TABLE);
    lua_setmetatable(L, -2);
    asy_err e = asy_csv_load(path, &o, t);
    return e ? push_fail(L, e) : 1;
}

/* ---- Looking ---- */

static int dataset_rows(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)check_table(L)->rows);
    return 1;
}

static int dataset_columns(lua_State *L)
{
    const asy_table *t = check_table(L);
    lua_createtable(L, (int)t->columns, 0);
    for (uint32_t i = 0; i < t->columns; i++) {
        lua_pushstring(L, t->column[i].name);
        lua_rawseti(L, -2, (int)i + 1);
    }
    return 1;
}

static int dataset_types(lua_State *L)
{
    static const char *const names[] = {"number", "category", "ignored"};
    const asy_table *t = check_table(L);
    lua_createtable(L, 0, (int)t->columns);
    for (uint32_t i = 0; i < t->columns; i++) {
        lua_pushstring(L, names[t->column[i].type]);
        lua_setfield(L, -2, t->column[i].name);
    }
    return 1;
}

static void push_cell(lua_State *L, const asy_column *c, uint64_t row)
{
    if (c->number)
        lua_pushnumber(L, c->number[row]);
    else if (c->code && c->code[row] >= 0)
        lua_pushstring(L, c->names[c->code[row]]);
    else
        lua_pushnumber(L, (lua_Number)NAN);
}

/* column(name) -> list of cells; NaN where missing. */
static int dataset_column(lua_State *L)
{
    uint32_t column;
    const asy_table *t = check_table(L);
    if (asy_table_find(t, luaL_checkstring(L, 2), &column))
        return asy_trace_raise(L, "%s", asy_errmsg());
    lua_createtable(L, (int)t->rows, 0);
    for (uint64_t i = 0; i < t->rows; i++) {
        push_cell(L, &t->column[column], i);
        lua_rawseti(L, -2, (int)i + 1);
    }
    return 1;
}

/* Runs inside a protected call, so that the tree is released whatever happens. */
static int push_tree(lua_State *L)
{
    asy_value_push_json(L, lua_touserdata(L, 1));
    return 1;
}

static int dataset_describe(lua_State *L)
{
    const asy_table *t = check_table(L);
    lua_pushcfunction(L, push_tree);
    json_t *tree = asy_table_describe(t);
    lua_pushlightuserdata(L, tree);
    int status = lua_pcall(L, 1, 1, 0);
    json_decref(tree);
    return status ? lua_error(L) : 1;
}

/* ---- Preparing ---- */

static uint64_t option_whole(lua_State *L, const char *name, uint64_t fallback)
{
    lua_getfield(L, 3, name);
    lua_Number x = lua_isnil(L, -1) ? (lua_Number)fallback : lua_tonumber(L, -1);
    if (!(x >= 0 && x == floor(x) && x <= 9007199254740992.0))
        asy_trace_raise(L, "prepare: %s: whole number expected, got %s", name,
                        lua_isnumber(L, -1) ? "another number" : luaL_typename(L, -1));
    lua_pop(L, 1);
    return (uint64_t)x;
}

/* Without a label in the options, the last column. */
static uint32_t find_label(lua_State *L, const asy_table *t)
{
    uint32_t label;
    lua_getfield(L, 3, "label");
    const char *name = lua_isnil(L, -1) ? "-1" : lua_tostring(L, -1);
    if (!name)
        asy_trace_raise(L, "prepare: label: name of a column expected, got %s",
                        luaL_typename(L, -1));
    if (asy_table_find(t, name, &label))
        asy_trace_raise(L, "prepare: label: %s", asy_errmsg());
    lua_pop(L, 1);
    return label;
}

/* prepare(steps [, options]) -> data; wrong steps raise, data that cannot be prepared
 * is nil, message, code. */
static int dataset_prepare(lua_State *L)
{
    asy_prepare_job job = {.table = check_table(L)};
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 3);
    if (lua_isnil(L, 3)) {
        lua_newtable(L);
        lua_replace(L, 3);
    }
    luaL_checktype(L, 3, LUA_TTABLE);
    job.label = find_label(L, job.table);
    job.seed = option_whole(L, "seed", 0);
    job.folds = (uint32_t)option_whole(L, "folds", 1);
    job.fold = (uint32_t)option_whole(L, "fold", 0);
    json_t *steps;
    asy_tensors **data = asy_data_push(L);
    if (asy_value_json(L, 2, "steps", &steps))
        return asy_trace_raise(L, "prepare: %s", asy_errmsg());
    job.steps = steps;
    asy_err wrong = asy_prepare_check(steps);
    asy_err e = wrong ? wrong : asy_prepare_run(&job, data);
    json_decref(steps);
    if (wrong)
        return asy_trace_raise(L, "prepare: %s", asy_errmsg());
    if (e)
        return push_fail(L, e);
    asy_data_finish(L);
    return 1;
}

static const luaL_Reg methods[] = {
    {"rows", dataset_rows},         {"columns", dataset_columns},
    {"types", dataset_types},       {"column", dataset_column},
    {"describe", dataset_describe}, {"prepare", dataset_prepare},
    {"free", dataset_free},         {NULL, NULL}};

void asy_dataset_push_load(lua_State *L)
{
    if (luaL_newmetatable(L, TABLE)) {
        lua_pushcfunction(L, dataset_free);
        lua_setfield(L, -2, "__gc");
        lua_newtable(L);
        luaL_setfuncs(L, methods, 0);
        lua_setfield(L, -2, "__index");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_pop(L, 1);
    lua_pushcfunction(L, core_load);
}
