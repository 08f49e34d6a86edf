/* core.h - the table `assay.core` under the Lua library (lua/meta/core.lua). */
#pragma once
#include <lua.h>
#include <stdbool.h>

/* Pushes a new table with all that works in a rule host and in a plain luajit. */
void asy_core_push(lua_State *L, bool hosted);
