/* module.c - assay/core.so: the engine for scripts that run in a plain luajit.
 *
 * It lies on package.cpath beside the Lua library on package.path, so that
 * `require "assay"` gives such scripts matrices, data and training.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <lauxlib.h>
#include "math/isa.h"
#include "script/budget.h"
#include "script/core.h"
#include "script/trace.h"

int luaopen_assay_core(lua_State *L);

#define BUDGET "assay.budget" /* registry: keeps the counters alive */

static void add_budget(lua_State *L)
{
    asy_budget *b = lua_newuserdata(L, sizeof *b);
    *b = (asy_budget){0};
    lua_setfield(L, LUA_REGISTRYINDEX, BUDGET);
    asy_budget_set(L, b);
}

/* Old OpenBLAS builds compute wrong on new processors. The program starts again with
 * safer kernels then; a module can only say so. */
int luaopen_assay_core(lua_State *L)
{
    if (asy_blas_check())
        return asy_trace_raise(L,
                               "%s; start luajit with OPENBLAS_CORETYPE=Haswell in "
                               "the environment",
                               asy_errmsg());
    add_budget(L);
    asy_core_push(L, false);
    return 1;
}
