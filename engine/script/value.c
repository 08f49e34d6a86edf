/* value.c - walks Lua tables into MessagePack and back, within limits. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/value.h"
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"

#define OBJECT "assay.object"

enum { STACK_A_LEVEL = 8 };

/* ---- Lua to MessagePack ---- */

/* One step from a table to a value in it, kept for messages. */
typedef struct step {
    const struct step *up;
    const char *key; /* NULL: the list's element `n` */
    size_t n;
} step;

typedef struct packer {
    lua_State *L;
    asy_buf *out;
    size_t limit; /* of out->len */
    const char *what;
} packer;

static asy_err pack_any(packer *p, int index, int depth, const step *at);

static void put_place(asy_buf *b, const step *at)
{
    if (!at)
        return;
    put_place(b, at->up);
    if (at->key)
        asy_buf_printf(b, ".%.60s", at->key);
    else
        asy_buf_printf(b, "[%zu]", at->n);
}

static asy_err refuse(packer *p, const step *at, const char *why)
{
    asy_buf place = {0};
    put_place(&place, at);
    asy_err e = asy_fail(ASY_ESCRIPT, "%s%s: %s", p->what, asy_buf_text(&place), why);
    asy_buf_fini(&place);
    return e;
}

static void pack_number(asy_buf *out, double x)
{
    const double exact = 9007199254740992.0; /* 2^53: beyond it doubles skip integers */
    if (x >= -exact && x <= exact && x == floor(x))
        asy_pack_int(out, (int64_t)x);
    else
        asy_pack_real(out, x);
}

static asy_err pack_text(packer *p, int index, const step *at)
{
    size_t len, bad, n = 0;
    const char *text = lua_tolstring(p->L, index, &len);
    char head[5];
    if (!asy_text_is_utf8(text, len, &bad))
        return refuse(p, at, "text that is not UTF-8 cannot be sent");
    if (len < 32) {
        head[n++] = (char)(0xa0 | len);
    } else {
        head[n++] = (char)0xdb;
        for (int shift = 24; shift >= 0; shift -= 8)
            head[n++] = (char)(len >> shift);
    }
    asy_buf_add(p->out, head, n);
    asy_buf_add(p->out, text, len);
    return ASY_OK;
}

/* Elements 1..n in order; the table is on top of the stack. */
static asy_err pack_list(packer *p, size_t n, int depth, const step *up)
{
    int table = lua_gettop(p->L);
    step at = {.up = up};
    asy_pack_array(p->out, (uint32_t)n);
    for (at.n = 1; at.n <= n; at.n++) {
        lua_rawgeti(p->L, table, (int)at.n);
        asy_err e = lua_isnil(p->L, -1) ? refuse(p, &at, "list with a hole")
                                        : pack_any(p, table + 1, depth, &at);
        lua_settop(p->L, table);
        if (e)
            return e;
    }
    return ASY_OK;
}

/* Counts the entries of the table on top, and those whose key is text. */
static void count_keys(lua_State *L, size_t *keys, size_t *texts)
{
    int table = lua_gettop(L);
    *keys = *texts = 0;
    lua_pushnil(L);
    while (lua_next(L, table)) {
        ++*keys;
        *texts += lua_type(L, -2) == LUA_TSTRING;
        lua_pop(L, 1);
    }
}

static asy_err pack_object(packer *p, size_t n, int depth, const step *up)
{
    int table = lua_gettop(p->L);
    asy_pack_map(p->out, (uint32_t)n);
    lua_pushnil(p->L);
    while (lua_next(p->L, table)) {
        step at = {.up = up, .key = lua_tostring(p->L, table + 1)};
        asy_err e = pack_text(p, table + 1, up);
        if (!e)
            e = pack_any(p, table + 2, depth, &at);
        lua_settop(p->L, table + 1);
        if (e) {
            lua_settop(p->L, table);
            return e;
        }
    }
    return ASY_OK;
}

static bool is_marked(lua_State *L, int index)
{
    if (!lua_getmetatable(L, index))
        return false;
    luaL_getmetatable(L, OBJECT);
    bool marked = lua_rawequal(L, -1, -2) == 1;
    lua_pop(L, 2);
    return marked;
}

static asy_err pack_table(packer *p, int depth, const step *at)
{
    size_t keys, texts;
    if (depth == ASY_VALUE_DEPTH)
        return refuse(p, at, "nested too deep (a table inside itself?)");
    count_keys(p->L, &keys, &texts);
    if (keys == 0 && !is_marked(p->L, -1)) {
        asy_pack_array(p->out, 0);
        return ASY_OK;
    }
    if (keys == texts)
        return pack_object(p, keys, depth + 1, at);
    if (texts == 0 && keys == lua_objlen(p->L, -1))
        return pack_list(p, keys, depth + 1, at);
    return refuse(p, at,
                  texts ? "table with text keys and other keys cannot be sent"
                        : "list with a hole or with odd keys cannot be sent");
}

/* The value at `index`, which is the top of the stack or below; leaves the stack. */
static asy_err pack_any(packer *p, int index, int depth, const step *at)
{
    lua_State *L = p->L;
    char why[64];
    if (p->out->len > p->limit)
        return refuse(p, at, "the whole is larger than 16 MiB");
    switch (lua_type(L, index)) {
    case LUA_TNIL: asy_pack_nil(p->out); return ASY_OK;
    case LUA_TBOOLEAN: asy_pack_bool(p->out, lua_toboolean(L, index)); return ASY_OK;
    case LUA_TNUMBER: pack_number(p->out, lua_tonumber(L, index)); return ASY_OK;
    case LUA_TSTRING: return pack_text(p, index, at);
    case LUA_TTABLE: {
        lua_pushvalue(L, index);
        asy_err e = pack_table(p, depth, at);
        lua_pop(L, 1);
        return e;
    }
    default:
        snprintf(why, sizeof why, "%s cannot be sent", luaL_typename(L, index));
        return refuse(p, at, why);
    }
}

asy_err asy_value_pack(lua_State *L, int index, const char *what, asy_buf *out)
{
    size_t start = out->len;
    packer p = {.L = L, .out = out, .limit = start + ASY_VALUE_BYTES, .what = what};
    if (index < 0 && index > LUA_REGISTRYINDEX)
        index += lua_gettop(L) + 1;
    if (!lua_checkstack(L, (ASY_VALUE_DEPTH + 1) * STACK_A_LEVEL))
        return refuse(&p, NULL, "the call is nested too deep");
    asy_err e = pack_any(&p, index, 0, NULL);
    if (!e && out->len > p.limit)
        e = refuse(&p, NULL, "the whole is larger than 16 MiB");
    if (e && out->data) {
        out->len = start;
        out->data[start] = '\0';
    }
    return e;
}

/* ---- MessagePack to Lua ---- */

static asy_err push_any(lua_State *L, asy_unpack *u, bool in_list, int depth);

/* Whole numbers that int64 cannot hold come as doubles, like all numbers of Lua. */
static asy_err push_number(lua_State *L, asy_unpack *u)
{
    double x;
    asy_err e = asy_unpack_real(u, &x);
    if (!e)
        lua_pushnumber(L, x);
    return e;
}

static asy_err push_bool(lua_State *L, asy_unpack *u)
{
    bool x;
    asy_err e = asy_unpack_bool(u, &x);
    if (!e)
        lua_pushboolean(L, x);
    return e;
}

static asy_err push_nil(lua_State *L, asy_unpack *u, bool in_list)
{
    asy_err e = asy_unpack_skip(u);
    if (e)
        return e;
    if (in_list)
        lua_pushnumber(L, (lua_Number)NAN);
    else
        lua_pushnil(L);
    return ASY_OK;
}

static asy_err push_text(lua_State *L, asy_unpack *u)
{
    const char *text;
    size_t len;
    asy_err e = asy_unpack_text(u, &text, &len);
    if (!e)
        lua_pushlstring(L, text, len);
    return e;
}

static asy_err push_bin(lua_State *L, asy_unpack *u)
{
    const void *bytes;
    size_t len;
    asy_err e = asy_unpack_bin(u, &bytes, &len);
    if (!e)
        lua_pushlstring(L, bytes, len);
    return e;
}

static asy_err push_list(lua_State *L, asy_unpack *u, int depth)
{
    uint32_t n;
    asy_err e = asy_unpack_array(u, &n);
    if (e)
        return e;
    int table = lua_gettop(L) + 1;
    lua_createtable(L, n < 65536 ? (int)n : 65536, 0);
    for (uint32_t i = 1; i <= n && !e; i++) {
        e = push_any(L, u, true, depth);
        if (!e)
            lua_rawseti(L, table, (int)i);
    }
    if (e)
        lua_settop(L, table - 1);
    return e;
}

static asy_err push_object(lua_State *L, asy_unpack *u, int depth)
{
    uint32_t n;
    asy_err e = asy_unpack_map(u, &n);
    if (e)
        return e;
    int table = lua_gettop(L) + 1;
    lua_createtable(L, 0, n < 1024 ? (int)n : 1024);
    if (n == 0)
        asy_value_mark(L, table);
    for (uint32_t i = 0; i < n && !e; i++) {
        e = push_text(L, u);
        if (!e)
            e = push_any(L, u, false, depth);
        if (!e)
            lua_rawset(L, table);
    }
    if (e)
        lua_settop(L, table - 1);
    return e;
}

static asy_err push_any(lua_State *L, asy_unpack *u, bool in_list, int depth)
{
    if (depth > ASY_VALUE_DEPTH + 2 || !lua_checkstack(L, 8))
        return asy_fail(ASY_EIO, "value nested too deep");
    switch (asy_unpack_peek(u)) {
    case ASY_UNPACK_NIL: return push_nil(L, u, in_list);
    case ASY_UNPACK_BOOL: return push_bool(L, u);
    case ASY_UNPACK_INT:
    case ASY_UNPACK_REAL: return push_number(L, u);
    case ASY_UNPACK_TEXT: return push_text(L, u);
    case ASY_UNPACK_BIN: return push_bin(L, u);
    case ASY_UNPACK_ARRAY: return push_list(L, u, depth + 1);
    case ASY_UNPACK_MAP: return push_object(L, u, depth + 1);
    case ASY_UNPACK_OTHER: break;
    }
    return asy_fail(ASY_EIO, "value cut off or of an unknown kind");
}

asy_err asy_value_push(lua_State *L, asy_unpack *u) { return push_any(L, u, false, 0); }

/* ---- Trees ---- */

asy_err asy_value_json(lua_State *L, int index, const char *what, json_t **out)
{
    asy_buf bytes = {0};
    *out = NULL;
    asy_err e = asy_value_pack(L, index, what, &bytes);
    if (!e)
        e = asy_unpack_value(bytes.data, bytes.len, out);
    asy_buf_fini(&bytes);
    return e;
}

static void push_json_object(lua_State *L, const json_t *v)
{
    const char *key;
    json_t *item;
    lua_createtable(L, 0, (int)json_object_size(v));
    if (json_object_size(v) == 0)
        asy_value_mark(L, -1);
    json_object_foreach ((json_t *)v, key, item) {
        asy_value_push_json(L, item);
        lua_setfield(L, -2, key);
    }
}

static void push_json_list(lua_State *L, const json_t *v)
{
    lua_createtable(L, (int)json_array_size(v), 0);
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *item = json_array_get(v, i);
        if (json_is_null(item))
            lua_pushnumber(L, (lua_Number)NAN);
        else
            asy_value_push_json(L, item);
        lua_rawseti(L, -2, (int)i + 1);
    }
}

void asy_value_push_json(lua_State *L, const json_t *v)
{
    luaL_checkstack(L, 4, "value nested too deep");
    switch (json_typeof(v)) {
    case JSON_OBJECT: push_json_object(L, v); break;
    case JSON_ARRAY: push_json_list(L, v); break;
    case JSON_STRING:
        lua_pushlstring(L, json_string_value(v), json_string_length(v));
        break;
    case JSON_INTEGER: lua_pushnumber(L, (lua_Number)json_integer_value(v)); break;
    case JSON_REAL: lua_pushnumber(L, json_real_value(v)); break;
    case JSON_TRUE:
    case JSON_FALSE: lua_pushboolean(L, json_is_true(v)); break;
    case JSON_NULL: lua_pushnil(L); break;
    }
}

void asy_value_prepare(lua_State *L)
{
    luaL_newmetatable(L, OBJECT);
    lua_pop(L, 1);
}

void asy_value_mark(lua_State *L, int index)
{
    lua_pushvalue(L, index);
    luaL_getmetatable(L, OBJECT);
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}
