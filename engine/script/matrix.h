/* matrix.h - the engine's matrices as Lua values (lua/meta/matrix.lua). */
#pragma once
#include <lua.h>
#include <lauxlib.h>
#include <stdbool.h>
#include "math/mat.h"

typedef struct asy_matrix {
    asy_mat m;
    uint64_t counted; /* bytes on the state's budget for it */
    bool is_view;     /* of another matrix, on whose account the values are */
    bool read_only;   /* prepared data: shared by all trials */
} asy_matrix;

/* Pushes the table of functions. files: with save and load. */
void asy_matrix_push_library(lua_State *L, bool files);

/* Pushes an empty matrix that the collector already owns. Fill its `m`, then call
 * asy_matrix_settle(). */
asy_matrix *asy_matrix_push(lua_State *L);

/* Counts the memory of the matrix on top; ASY_ENOMEM (and an empty matrix) when it is
 * over the limit. */
asy_err asy_matrix_settle(lua_State *L, asy_matrix *x);

/* The matrix on top keeps the value at `index` > 0 alive, whose memory it shows. */
void asy_matrix_anchor(lua_State *L, int index);

/* The matrix at `index`; raises when it is something else. */
asy_matrix *asy_matrix_check(lua_State *L, int index);
asy_matrix *asy_matrix_test(lua_State *L,
                            int index); /* NULL when it is something else */

/* One that may be written to. */
asy_matrix *asy_matrix_check_writable(lua_State *L, int index);

/* The end of a binding whose result is on top: 1 value; or raises when the caller was
 * wrong; or nil, message, code when the world was. */
int asy_matrix_answer(lua_State *L, asy_err e, const char *name);

/* The methods that compute, for matrix.c to add to its own (matrix_math.c). */
extern const luaL_Reg asy_matrix_math[];
int asy_matrix_concat(lua_State *L);

/* The metamethods for + - * / and unary minus. */
extern const luaL_Reg asy_matrix_operators[];
