/* state.h - one Lua state with limits: memory, time, allow-listed environment.
 *
 * A process has at most one limited state at a time (LuaJIT's profiler, whose ticks
 * look at the limits, is one a process). A state belongs to one thread.
 */
#pragma once
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"

typedef struct asy_state asy_state;

typedef struct asy_state_config {
    uint64_t memory; /* bytes; 0: no cap */
    bool jit;
    /* A limit was passed: the message says which and where. Must not return. NULL:
     * limits are not watched. */
    void (*stop)(void *ctx, const char *message);
    /* Called now and then while the script runs, about every 10 ms of its processor
     * time. May be NULL. */
    void (*tick)(void *ctx);
    void *ctx;
} asy_state_config;

/* ASY_ENOMEM when the cap is too small for the libraries. */
asy_err asy_state_new(const asy_state_config *config, asy_state **out);
void asy_state_free(asy_state *s);

lua_State *asy_state_lua(asy_state *s); /* borrowed */

/* From now on the script has `ms` of processor time for `what` ("describe"); 0 ends it.
 */
void asy_state_arm(asy_state *s, const char *what, uint32_t ms);

/* Stops the clock while somebody else works, and lets it go on. */
void asy_state_pause(asy_state *s);
void asy_state_go_on(asy_state *s);

/* True when the time is over: long C functions ask. */
bool asy_state_is_late(const asy_state *s);

/* The state that lua_State belongs to, or NULL (a plain luajit). */
asy_state *asy_state_of(lua_State *L);

/* Collects garbage when more than half of the cap is used; for between calls. */
void asy_state_tidy(asy_state *s);
