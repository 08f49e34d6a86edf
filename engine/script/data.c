/* data.c - shows tensors to scripts: matrices on the mapped file, read-only. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/data.h"
#include <lauxlib.h>
#include "script/matrix.h"
#include "script/trace.h"
#include "script/value.h"

#define DATA "assay.Data"

static int data_gc(lua_State *L)
{
    asy_tensors **t = lua_touserdata(L, 1);
    asy_tensors_free(*t);
    *t = NULL;
    return 0;
}

static int data_index(lua_State *L)
{
    lua_getfenv(L, 1);
    lua_pushvalue(L, 2);
    lua_rawget(L, -2);
    return 1;
}

static int data_newindex(lua_State *L)
{
    return asy_trace_raise(L, "data: prepared data cannot be changed");
}

static const luaL_Reg meta[] = {{"__gc", data_gc},
                                {"__index", data_index},
                                {"__newindex", data_newindex},
                                {NULL, NULL}};

asy_tensors **asy_data_push(lua_State *L)
{
    asy_tensors **t = lua_newuserdata(L, sizeof *t);
    *t = NULL;
    if (luaL_newmetatable(L, DATA)) {
        luaL_setfuncs(L, meta, 0);
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_setmetatable(L, -2);
    return t;
}

/* A read-only face for the table on top: fields can be read, not replaced. */
static void freeze(lua_State *L)
{
    lua_newuserdata(L, 1);
    lua_createtable(L, 0, 3);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, data_newindex);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_remove(L, -2);
}

/* Pushes a matrix on the values themselves; the holder at `holder` keeps them. */
static void push_values(lua_State *L, int holder, const float *x, uint32_t rows,
                        uint32_t cols)
{
    asy_matrix *m = asy_matrix_push(L);
    asy_matrix_anchor(L, holder);
    m->read_only = true;
    m->is_view = true;
    m->m = (asy_mat){.rows = rows, .cols = cols, .stride = cols, .x = (float *)x};
}

/* Pushes whole numbers, counted from 1, as a column. */
static void push_numbers(lua_State *L, const int32_t *from, uint32_t rows)
{
    asy_matrix *m = asy_matrix_push(L);
    asy_err e = asy_mat_init(&m->m, rows, 1);
    if (!e)
        e = asy_matrix_settle(L, m);
    if (e)
        asy_trace_raise(L, "%s", asy_errmsg());
    for (uint32_t i = 0; i < rows; i++)
        m->m.x[i] = (float)from[i] + 1;
    m->read_only = true;
}

/* Sets fields `name` of the table on top to {rows, x, y, row}; nothing for an absent
 * part. */
static void set_part(lua_State *L, int holder, const asy_tensors *t, asy_part_name name)
{
    const asy_tensors_part *p = &t->part[name];
    if (p->rows == 0)
        return;
    lua_createtable(L, 0, 4);
    lua_pushnumber(L, p->rows);
    lua_setfield(L, -2, "rows");
    push_values(L, holder, p->x, p->rows, t->inputs);
    lua_setfield(L, -2, "x");
    if (p->label)
        push_numbers(L, p->label, p->rows);
    else
        push_values(L, holder, p->target, p->rows, t->outputs);
    lua_setfield(L, -2, "y");
    if (p->row) {
        push_numbers(L, p->row, p->rows);
        lua_setfield(L, -2, "row");
    }
    freeze(L);
    lua_setfield(L, -2, asy_part_names[name]);
}

static void set_number(lua_State *L, const char *name, lua_Number x)
{
    lua_pushnumber(L, x);
    lua_setfield(L, -2, name);
}

/* A field of the metadata under another name. */
static void set_meta(lua_State *L, const asy_tensors *t, const char *name,
                     const char *as)
{
    const json_t *v = json_object_get(t->meta, name);
    if (!v)
        return;
    asy_value_push_json(L, v);
    if (lua_istable(L, -1))
        freeze(L);
    lua_setfield(L, -2, as);
}

void asy_data_finish(lua_State *L)
{
    int holder = lua_gettop(L);
    const asy_tensors *t = *(asy_tensors **)lua_touserdata(L, holder);
    char hash[ASY_HASH_TEXT];
    asy_hash_text(&t->hash, hash);
    lua_newtable(L);
    set_number(L, "inputs", t->inputs);
    set_number(L, "classes", t->classes);
    set_number(L, "outputs", t->outputs);
    set_number(L, "train_rows", t->part[ASY_TRAIN].rows);
    set_meta(L, t, "task", "task");
    set_meta(L, t, "label", "label");
    set_meta(L, t, "inputs", "names");
    set_meta(L, t, "classes", "class_names");
    lua_pushstring(L, hash);
    lua_setfield(L, -2, "hash");
    for (int p = 0; p < ASY_PARTS; p++)
        set_part(L, holder, t, (asy_part_name)p);
    lua_pushvalue(L, holder);
    lua_setfield(L, -2, "handle"); /* for tables that inherit from this */
    lua_setfenv(L, holder);
}

static asy_tensors *test(lua_State *L, int index)
{
    asy_tensors **t = lua_touserdata(L, index);
    if (!t || !lua_getmetatable(L, index))
        return NULL;
    luaL_getmetatable(L, DATA);
    bool is = lua_rawequal(L, -1, -2) == 1;
    lua_pop(L, 2);
    return is ? *t : NULL;
}

const asy_tensors *asy_data_check(lua_State *L, int index)
{
    const asy_tensors *t = test(L, index);
    if (!t && lua_istable(L, index)) {
        lua_getfield(L, index, "handle");
        t = test(L, -1);
        lua_pop(L, 1);
    }
    if (!t)
        asy_trace_raise(L, "data: prepared data expected, got %s",
                        luaL_typename(L, index));
    return t;
}
