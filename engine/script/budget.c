/* budget.c - outside memory of a Lua state. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/budget.h"
#include "base/text.h"

enum { STEP_DEBT = 1 << 20 };

static const char key; /* its address names the budget in the registry */

void asy_budget_set(lua_State *L, asy_budget *b)
{
    lua_pushlightuserdata(L, (void *)&key);
    lua_pushlightuserdata(L, b);
    lua_rawset(L, LUA_REGISTRYINDEX);
}

static asy_budget *find(lua_State *L)
{
    lua_pushlightuserdata(L, (void *)&key);
    lua_rawget(L, LUA_REGISTRYINDEX);
    asy_budget *b = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return b;
}

static asy_err refuse(const asy_budget *b, uint64_t bytes)
{
    asy_buf text = {0};
    asy_text_put_bytes(&text, (double)bytes);
    asy_buf_puts(&text, " more is over the memory limit of ");
    asy_text_put_bytes(&text, (double)b->cap);
    asy_err e = asy_fail(ASY_ENOMEM, "%s", asy_buf_text(&text));
    asy_buf_fini(&text);
    return e;
}

/* The collector sees only the small userdata, not what they hold: let it work as much
 * as it would have for the same bytes of Lua. */
static void step(lua_State *L, asy_budget *b, uint64_t bytes)
{
    b->debt += bytes;
    if (b->debt < STEP_DEBT)
        return;
    lua_gc(L, LUA_GCSTEP, (int)(b->debt >> 10 > 1 << 20 ? 1 << 20 : b->debt >> 10));
    b->debt = 0;
}

asy_err asy_budget_take(lua_State *L, uint64_t bytes)
{
    asy_budget *b = find(L);
    if (!b)
        return ASY_OK;
    step(L, b, bytes);
    if (b->cap && (bytes > b->cap || b->used + bytes > b->cap)) {
        lua_gc(L, LUA_GCCOLLECT, 0);
        if (bytes > b->cap || b->used + bytes > b->cap)
            return refuse(b, bytes);
    }
    b->used += bytes;
    return ASY_OK;
}

void asy_budget_give(lua_State *L, uint64_t bytes)
{
    asy_budget *b = find(L);
    if (b)
        b->used -= bytes < b->used ? bytes : b->used;
}
