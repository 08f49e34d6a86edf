/* env.h - what scripts may see: the allow-listed environments of a rule host.
 *
 * Two tables are made from the standard libraries: one for the embedded library, one
 * for the rule. Neither has os, io, debug, package, ffi, jit, newproxy, getfenv,
 * setfenv, collectgarbage, string.dump, dofile or loadfile; `load` takes text only;
 * `require` finds embedded modules only. They share no tables, so that a rule cannot
 * break the library by accident.
 */
#pragma once
#include <lua.h>
#include <stdbool.h>
#include "base/err.h"

/* Opens the allow-listed libraries in a fresh state, replaces the globals and pushes
 * nothing. jit: the compiler is switched on. Raises when memory ends. */
void asy_env_open(lua_State *L, bool jit);

/* Pushes the environment of rules. */
void asy_env_push(lua_State *L);

/* Pushes a module of the embedded library, loading it at need. Raises when it fails. */
void asy_env_require(lua_State *L, const char *module);

/* Puts the function on top as the module `name` that `require` finds. */
void asy_env_provide(lua_State *L, const char *name);

/* Pushes the compiled chunk with the environment of rules. Text only. On failure
 * nothing is pushed: ASY_ESCRIPT with "rule.lua:3: ...". Raises when memory ends. */
asy_err asy_env_load(lua_State *L, const char *name, const char *source, size_t len);
