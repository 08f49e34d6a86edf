/* pairs.h - pairs() in a fixed order.
 *
 * LuaJIT keys its tables with random numbers, so the order of pairs() changes from
 * process to process. Sessions must repeat, so rules get a pairs() that goes through
 * whole numbers first, in order, then other numbers, texts by their bytes, false and
 * true, and whatever else there is last, in no order.
 */
#pragma once
#include <lua.h>

/* Puts pairs into the table on top. */
void asy_pairs_set(lua_State *L);
