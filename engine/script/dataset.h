/* dataset.h - CSV tables for scripts outside of a rule host (assay.Table). */
#pragma once
#include <lua.h>

/* Pushes `load(path [, options])`, see lua/meta/core.lua. */
void asy_dataset_push_load(lua_State *L);
