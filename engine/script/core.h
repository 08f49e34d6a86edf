/* core.h - the table `assay.core` that the Lua library stands on (lua/meta/core.lua).
 */
#pragma once
#include <lua.h>
#include <stdbool.h>

/* Pushes a new table with everything that works in a rule host and in a plain luajit.
 */
void asy_core_push(lua_State *L, bool hosted);
