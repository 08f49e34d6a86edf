/* trace.c - protected calls and tracebacks without the engine's frames. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/trace.h"
#include <lauxlib.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MOST_FRAMES = 12, MOST_LEVELS = 200, TRACE_SIZE = 1536 };

/* Embedded files are named "@assay/..."; a plain luajit finds them in some
 * .../lua/assay/. */
static bool is_library(const lua_Debug *d)
{
    return strncmp(d->source, "@assay/", 7) == 0 || strstr(d->source, "lua/assay/");
}

static bool is_wanted(const lua_Debug *d, bool library)
{
    return *d->what != 'C' && (library || !is_library(d));
}

/* Appends at *used, cutting at the end of the buffer. */
static void put_frame(const lua_Debug *d, char *out, size_t size, size_t *used)
{
    char name[80] = "";
    if (*d->what == 'm')
        snprintf(name, sizeof name, "the main part");
    else if (d->name)
        snprintf(name, sizeof name, "function '%.60s'", d->name);
    else
        snprintf(name, sizeof name, "the function of line %d", d->linedefined);
    int n = snprintf(out + *used, size - *used, "\n  %s:%d: in %s", d->short_src,
                     d->currentline, name);
    if (n > 0)
        *used = *used + (size_t)n < size ? *used + (size_t)n : size - 1;
}

static size_t write_frames(lua_State *of, int level, bool library, char *out,
                           size_t size)
{
    lua_Debug d;
    size_t used = 0;
    *out = '\0';
    int shown = 0;
    for (int end = level + MOST_LEVELS; level < end && lua_getstack(of, level, &d);
         level++) {
        lua_getinfo(of, "nSl", &d);
        if (is_wanted(&d, library) && shown++ < MOST_FRAMES)
            put_frame(&d, out, size, &used);
    }
    if (shown > MOST_FRAMES && used + 8 < size)
        used += (size_t)snprintf(out + used, size - used, "\n  ...");
    return used;
}

void asy_trace_text(lua_State *of, int level, char *out, size_t size)
{
    if (write_frames(of, level, false, out, size) == 0)
        write_frames(of, level, true, out, size);
}

void asy_trace_place(lua_State *of, char *out, size_t size)
{
    lua_Debug d;
    *out = '\0';
    for (int library = 0; library < 2 && !*out; library++)
        for (int level = 0; level < MOST_LEVELS && lua_getstack(of, level, &d);
             level++) {
            lua_getinfo(of, "Sl", &d);
            if (!is_wanted(&d, library))
                continue;
            snprintf(out, size, "%s:%d: ", d.short_src, d.currentline);
            break;
        }
}

/* Error values may be anything; only text and the `message` of a table are shown. */
static void push_message(lua_State *L, int value)
{
    if (lua_type(L, value) == LUA_TTABLE) {
        lua_pushstring(L, "message");
        lua_rawget(L, value);
        if (lua_type(L, -1) == LUA_TSTRING)
            return;
        lua_pop(L, 1);
    }
    if (lua_isstring(L, value))
        lua_pushfstring(L, "%s", lua_tostring(L, value));
    else
        lua_pushfstring(L, "an error was raised that is no text but a %s value",
                        luaL_typename(L, value));
}

/* Turns the error value into text with a traceback. Level 0 is this function. A message
 * that already has a traceback (from a coroutine) gets no second one. */
static int add_trace(lua_State *L)
{
    char trace[TRACE_SIZE];
    push_message(L, 1);
    if (strstr(lua_tostring(L, -1), "\n  "))
        return 1;
    if (write_frames(L, 1, false, trace, sizeof trace)) {
        lua_pushstring(L, trace);
        lua_concat(L, 2);
    }
    return 1;
}

asy_err asy_lua_call(lua_State *L, int args, int results)
{
    int function = lua_gettop(L) - args;
    lua_pushcfunction(L, add_trace);
    lua_insert(L, function);
    int status = lua_pcall(L, args, results, function);
    lua_remove(L, function);
    if (status == 0)
        return ASY_OK;
    const char *text = lua_tostring(L, -1);
    asy_err e = status == LUA_ERRMEM
                    ? asy_fail(ASY_ENOMEM, "not enough memory")
                    : asy_fail(ASY_ESCRIPT, "%s", text ? text : "unknown error");
    lua_pop(L, 1);
    return e;
}

int asy_trace_raise(lua_State *L, const char *fmt, ...)
{
    char place[200], text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    asy_trace_place(L, place, sizeof place);
    lua_pushstring(L, place);
    lua_pushstring(L, text);
    lua_concat(L, 2);
    return lua_error(L);
}
