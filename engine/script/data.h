/* data.h - prepared data as a Lua value (assay.Data in lua/meta/core.lua). */
#pragma once
#include <lua.h>
#include "data/tensors.h"

/* Pushes an empty holder that the collector owns; fill *out with tensors, then call
 * asy_data_finish(). */
asy_tensors **asy_data_push(lua_State *L);

/* Makes the fields of the holder on top, which may not change any more. */
void asy_data_finish(lua_State *L);

/* The tensors of the data at `index`: what asy_data_push() made, or a table that
 * inherits from it. Raises when it is neither. Borrowed; the Lua value keeps them. */
const asy_tensors *asy_data_check(lua_State *L, int index);
