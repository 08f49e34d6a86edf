/* core.c - puts the table assay.core together. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/core.h"
#include <lauxlib.h>
#include "script/dataset.h"
#include "script/matrix.h"
#include "script/network.h"
#include "script/random.h"
#include "script/trace.h"
#include "script/training.h"
#include "script/value.h"

static int core_object(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    asy_value_mark(L, 1);
    return 1;
}

/* traceback([thread]): of the caller, or of a coroutine from where it stopped. */
static int core_traceback(lua_State *L)
{
    char text[1536];
    lua_State *of = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
    asy_trace_text(of, of == L ? 1 : 0, text, sizeof text);
    lua_pushstring(L, text);
    return 1;
}

static const luaL_Reg functions[] = {
    {"object", core_object}, {"traceback", core_traceback}, {NULL, NULL}};

void asy_core_push(lua_State *L, bool hosted)
{
    asy_value_prepare(L);
    lua_newtable(L);
    luaL_setfuncs(L, functions, 0);
    lua_pushboolean(L, hosted);
    lua_setfield(L, -2, "hosted");
    lua_pushliteral(L, ASY_VERSION);
    lua_setfield(L, -2, "version");
    asy_random_push(L);
    lua_setfield(L, -2, "random");
    asy_matrix_push_library(L, !hosted);
    lua_setfield(L, -2, "matrix");
    asy_network_push_count(L);
    lua_setfield(L, -2, "count");
    asy_network_push_canonical(L);
    lua_setfield(L, -2, "canonical");
    asy_training_push(L, !hosted);
    lua_setfield(L, -2, "train");
    if (!hosted) {
        asy_dataset_push_load(L);
        lua_setfield(L, -2, "load");
    }
}
