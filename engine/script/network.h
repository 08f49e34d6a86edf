/* network.h - designs for scripts: exact counts and the canonical form. */
#pragma once
#include <lua.h>
#include "nn/design.h"

/* Pushes `count(design, data)` and `canonical(design)`, see lua/meta/core.lua. */
void asy_network_push_count(lua_State *L);
void asy_network_push_canonical(lua_State *L);

/* The design in the table at `index`: the parsed one and its JSON, both owned by the
 * caller. json may be NULL. */
asy_err asy_network_parse(lua_State *L, int index, asy_design **design, json_t **json);
