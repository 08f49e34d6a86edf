/* trace.h - calls script code safely and says where it failed. */
#pragma once
#include <lua.h>
#include <stddef.h>
#include "base/err.h"

/* Calls the function below its `args` arguments, as lua_pcall() does. On failure
 * nothing is left of them and the message is asy_errmsg(): what was raised and a short
 * traceback of the script's own frames. ASY_ESCRIPT; ASY_ENOMEM when Lua's memory
 * ended. */
asy_err asy_lua_call(lua_State *L, int args, int results);

/* Writes "\n  rule.lua:12: in function 'design'..." for the stack of `of` from `level`
 * up: frames of scripts; those of the library only when there is nothing else. */
void asy_trace_text(lua_State *of, int level, char *out, size_t size);

/* "rule.lua:12: " for the innermost frame of a script; "" when there is none. */
void asy_trace_place(lua_State *of, char *out, size_t size);

/* Raises "rule.lua:12: message" for the innermost frame of a script; the engine's
 * functions raise through this, whoever in the library called them. Does not return. */
int asy_trace_raise(lua_State *L, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
