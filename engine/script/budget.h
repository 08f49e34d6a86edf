/* budget.h - counts the memory of a Lua state: Lua's own heap and what its values hold
 * outside of it (matrices).
 *
 * Inside a rule host the sum is capped; in a plain luajit outside memory is only
 * counted, to make the collector run in time.
 */
#pragma once
#include <lua.h>
#include <stdint.h>
#include "base/err.h"

typedef struct asy_budget {
    uint64_t used; /* bytes now: Lua's heap (when counted) and outside memory */
    uint64_t cap;  /* 0: none */
    uint64_t debt; /* outside bytes taken since the collector last ran a step */
} asy_budget;

/* Makes `b` the state's budget; borrowed for the state's life. */
void asy_budget_set(lua_State *L, asy_budget *b);

/* Before taking outside memory: collects garbage when it would not fit. ASY_ENOMEM with
 * a message when it does not fit even so. May run finalizers, never script code. */
asy_err asy_budget_take(lua_State *L, uint64_t bytes);
void asy_budget_give(lua_State *L, uint64_t bytes);
