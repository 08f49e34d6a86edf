/* value.h - Lua values to and from MessagePack and JSON trees.
 *
 * A table with keys 1..n is a list; one with only text keys is an object; anything else
 * is an error that names the place. An empty table is a list unless asy_value_mark()
 * marked it as an object; empty objects that come in are marked. A null in an object is
 * an absent key, a null in a list is NaN. Whole numbers stay whole.
 */
#pragma once
#include <lua.h>
#include "base/json.h"
#include "base/pack.h"

enum { ASY_VALUE_DEPTH = 30, ASY_VALUE_BYTES = 16 << 20 };

/* Before anything else here: makes the mark of objects. */
void asy_value_prepare(lua_State *L);

/* Appends the value at `index`. Runs no script code; raises only when there is no
 * memory for a larger Lua stack, and then before anything was appended. ASY_ESCRIPT
 * with a message like "reply.trials[3].params: function cannot be sent" starting with
 * `what`. */
asy_err asy_value_pack(lua_State *L, int index, const char *what, asy_buf *out);

/* Pushes one value. Raises when Lua's memory ends; ASY_EIO (and nothing pushed) when
 * the bytes are no value. */
asy_err asy_value_push(lua_State *L, asy_unpack *u);

/* The same for trees. *out is owned by the caller. */
asy_err asy_value_json(lua_State *L, int index, const char *what, json_t **out);
void asy_value_push_json(lua_State *L, const json_t *v);

/* Marks the table at `index` as an object even when it is empty. */
void asy_value_mark(lua_State *L, int index);
