/* random.h - random numbers for scripts: counter-based generators and math.random. */
#pragma once
#include <lua.h>
#include "base/rng.h"

/* Pushes `random(seed, stream [, number [, index]])`, see lua/meta/core.lua. */
void asy_random_push(lua_State *L);

/* Puts random and randomseed into the table on top. They draw from one generator that
 * asy_random_seed() sets; script code cannot choose it otherwise. */
void asy_random_math(lua_State *L);

/* From now on math.random gives the numbers of (seed, number), stream RULE. */
void asy_random_seed(lua_State *L, uint64_t seed, uint64_t number);

/* The generator behind math.random. Borrowed for the state's life. */
asy_rng *asy_random_borrow(lua_State *L);
