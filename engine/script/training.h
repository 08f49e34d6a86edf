/* training.h - the built-in trainer for scripts. */
#pragma once
#include <lua.h>
#include <stdbool.h>

/* Pushes `train(design, data [, options])`, see lua/meta/core.lua. files: models can be
 * saved. */
void asy_training_push(lua_State *L, bool files);
