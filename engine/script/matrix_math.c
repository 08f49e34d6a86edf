/* matrix_math.c - what matrices compute, for scripts. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "script/matrix.h"
#include "script/trace.h"

/* Pushes where the result goes: the matrix `out` of the options table at `index`, or a
 * new one. The latter is counted by finish(). */
static asy_matrix *push_result(lua_State *L, int index)
{
    if (lua_isnoneornil(L, index))
        return asy_matrix_push(L);
    luaL_checktype(L, index, LUA_TTABLE);
    lua_getfield(L, index, "out");
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return asy_matrix_push(L);
    }
    return asy_matrix_check_writable(L, lua_gettop(L));
}

static int finish(lua_State *L, asy_err e, asy_matrix *y, const char *name)
{
    if (!e && y->counted == 0 && !y->is_view)
        e = asy_matrix_settle(L, y);
    return asy_matrix_answer(L, e, name);
}

/* ---- Linear algebra ---- */

static int matrix_mul(lua_State *L)
{
    asy_matrix *a = asy_matrix_check(L, 1), *b = asy_matrix_check(L, 2);
    asy_matrix *y = push_result(L, 3);
    return finish(L, asy_mat_mul(&y->m, &a->m, &b->m), y, "mul");
}

static int matrix_transpose(lua_State *L)
{
    asy_matrix *a = asy_matrix_check(L, 1);
    asy_matrix *y = push_result(L, 2);
    return finish(L, asy_mat_transpose(&y->m, &a->m), y, "transpose");
}

static int matrix_solve(lua_State *L)
{
    asy_matrix *a = asy_matrix_check(L, 1), *b = asy_matrix_check(L, 2);
    asy_matrix *y = push_result(L, 3);
    return finish(L, asy_mat_solve(&y->m, &a->m, &b->m), y, "solve");
}

static int matrix_norm(lua_State *L)
{
    lua_pushnumber(L, asy_mat_norm(&asy_matrix_check(L, 1)->m));
    return 1;
}

/* ---- Element by element ---- */

/* Either operand may be a number. */
static int apply(lua_State *L, asy_mat_op op, int options, const char *name)
{
    asy_err e;
    bool left = lua_type(L, 1) == LUA_TNUMBER, right = lua_type(L, 2) == LUA_TNUMBER;
    asy_matrix *a = left ? NULL : asy_matrix_check(L, 1);
    asy_matrix *b = right ? NULL : asy_matrix_check(L, 2);
    if (left && right)
        return luaL_typerror(L, 1, "matrix");
    asy_matrix *y = push_result(L, options);
    if (left)
        e = asy_mat_apply_number(&y->m, op, &b->m, (float)lua_tonumber(L, 1), true);
    else if (right)
        e = asy_mat_apply_number(&y->m, op, &a->m, (float)lua_tonumber(L, 2), false);
    else
        e = asy_mat_apply(&y->m, op, &a->m, &b->m);
    return finish(L, e, y, name);
}

static int matrix_add(lua_State *L) { return apply(L, ASY_MAT_ADD, 3, "add"); }
static int matrix_sub(lua_State *L) { return apply(L, ASY_MAT_SUB, 3, "sub"); }
static int matrix_times(lua_State *L) { return apply(L, ASY_MAT_MUL, 3, "times"); }
static int matrix_div(lua_State *L) { return apply(L, ASY_MAT_DIV, 3, "div"); }
static int matrix_minimum(lua_State *L) { return apply(L, ASY_MAT_MIN, 3, "minimum"); }
static int matrix_maximum(lua_State *L) { return apply(L, ASY_MAT_MAX, 3, "maximum"); }

/* An operator has no second result to explain a nil, so all its failures raise. */
static int operate(lua_State *L, asy_mat_op op, const char *name)
{
    lua_settop(L, 2);
    if (apply(L, op, 3, name) == 1)
        return 1;
    return asy_trace_raise(L, "%s", lua_tostring(L, -2));
}

static int operator_add(lua_State *L) { return operate(L, ASY_MAT_ADD, "+"); }
static int operator_sub(lua_State *L) { return operate(L, ASY_MAT_SUB, "-"); }
static int operator_mul(lua_State *L) { return operate(L, ASY_MAT_MUL, "*"); }
static int operator_div(lua_State *L) { return operate(L, ASY_MAT_DIV, "/"); }

static int operator_neg(lua_State *L)
{
    asy_matrix *a = asy_matrix_check(L, 1);
    asy_matrix *y = asy_matrix_push(L);
    if (finish(L, asy_mat_map(&y->m, ASY_MAT_NEG, &a->m), y, "-") == 1)
        return 1;
    return asy_trace_raise(L, "%s", lua_tostring(L, -2));
}

/* y[i,j] = f(a[i,j]) with a function of the script. */
static int map_with_function(lua_State *L)
{
    asy_matrix *a = asy_matrix_check(L, 1);
    asy_matrix *y = push_result(L, 3);
    asy_err e = ASY_OK;
    if (!y->m.values) {
        e = asy_mat_copy(&y->m, &a->m);
        if (!e)
            e = asy_matrix_settle(L, y);
    } else if (y->m.rows != a->m.rows || y->m.cols != a->m.cols) {
        e = asy_fail(ASY_EARG, "out is %zux%zu, the result %zux%zu", y->m.rows,
                     y->m.cols, a->m.rows, a->m.cols);
    }
    /* The function may free either matrix, so look again each time. */
    for (size_t i = 0; !e && i < a->m.rows; i++)
        for (size_t j = 0; i < a->m.rows && j < a->m.cols; j++) {
            lua_pushvalue(L, 2);
            lua_pushnumber(L, (lua_Number)a->m.x[i * a->m.stride + j]);
            lua_call(L, 1, 1);
            if (lua_type(L, -1) != LUA_TNUMBER)
                return asy_trace_raise(L,
                                       "matrix.map: the function must return a number");
            if (i < y->m.rows && j < y->m.cols)
                y->m.x[i * y->m.stride + j] = (float)lua_tonumber(L, -1);
            lua_pop(L, 1);
        }
    return asy_matrix_answer(L, e, "map");
}

static int matrix_map(lua_State *L)
{
    asy_mat_map_kind kind = ASY_MAT_EXP;
    if (lua_isfunction(L, 2))
        return map_with_function(L);
    asy_matrix *a = asy_matrix_check(L, 1);
    asy_err e = asy_mat_map_parse(luaL_checkstring(L, 2), &kind);
    asy_matrix *y = push_result(L, 3);
    if (!e)
        e = asy_mat_map(&y->m, kind, &a->m);
    return finish(L, e, y, "map");
}

/* ---- Summing up ---- */

/* What "rows" and "columns" mean: one number for each. */
static asy_mat_over check_over(lua_State *L, int index)
{
    static const char *const names[] = {"all", "rows", "columns", NULL};
    return (asy_mat_over)luaL_checkoption(L, index, "all", names);
}

static int reduce(lua_State *L, asy_mat_reduction kind, const char *name)
{
    asy_matrix *a = asy_matrix_check(L, 1);
    asy_mat_over over = check_over(L, 2);
    if (over == ASY_MAT_ALL) {
        lua_pushnumber(L, asy_mat_number(kind, &a->m));
        return 1;
    }
    asy_matrix *y = push_result(L, 3);
    return finish(L, asy_mat_reduce(&y->m, kind, over, &a->m), y, name);
}

static int matrix_sum(lua_State *L) { return reduce(L, ASY_MAT_SUM, "sum"); }
static int matrix_mean(lua_State *L) { return reduce(L, ASY_MAT_MEAN, "mean"); }
static int matrix_std(lua_State *L) { return reduce(L, ASY_MAT_STD, "std"); }
static int matrix_min(lua_State *L) { return reduce(L, ASY_MAT_MIN_OF, "min"); }
static int matrix_max(lua_State *L) { return reduce(L, ASY_MAT_MAX_OF, "max"); }

/* argmax() -> row, column; argmax("rows" | "columns") -> list of numbers from 1. */
static int matrix_argmax(lua_State *L)
{
    asy_matrix *a = asy_matrix_check(L, 1);
    asy_mat_over over = check_over(L, 2);
    size_t n = over == ASY_MAT_EACH_ROW ? a->m.rows : a->m.cols;
    if (over == ASY_MAT_ALL)
        n = 1;
    size_t *index = lua_newuserdata(L, n * sizeof *index);
    asy_mat_argmax(&a->m, over, index);
    if (over == ASY_MAT_ALL) {
        lua_pushnumber(L, (lua_Number)(*index / a->m.cols + 1));
        lua_pushnumber(L, (lua_Number)(*index % a->m.cols + 1));
        return 2;
    }
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        lua_pushnumber(L, (lua_Number)index[i] + 1);
        lua_rawseti(L, -2, (int)i + 1);
    }
    return 1;
}

/* ---- Putting together ---- */

/* concat(list [, "rows" | "columns"]): below one another, or side by side. */
int asy_matrix_concat(lua_State *L)
{
    static const char *const names[] = {"rows", "columns", NULL};
    luaL_checktype(L, 1, LUA_TTABLE);
    bool side_by_side = luaL_checkoption(L, 2, "rows", names) == 1;
    size_t n = lua_objlen(L, 1);
    if (n == 0)
        return asy_trace_raise(
            L, "matrix.concat: list of matrices expected, got an empty one");
    lua_settop(L, 3);
    const asy_mat **part = lua_newuserdata(L, n * sizeof *part);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, 1, (int)i + 1);
        asy_matrix *x = asy_matrix_test(L, -1);
        if (!x || x->m.rows == 0)
            return asy_trace_raise(
                L, "matrix.concat: element %zu: matrix expected, got %s", i + 1,
                luaL_typename(L, -1));
        part[i] = &x->m;
        lua_pop(L, 1); /* the list keeps it alive */
    }
    asy_matrix *y = push_result(L, 3);
    return finish(L, asy_mat_stack(&y->m, part, n, side_by_side), y, "concat");
}

const luaL_Reg asy_matrix_math[] = {
    {"mul", matrix_mul},         {"transpose", matrix_transpose},
    {"solve", matrix_solve},     {"norm", matrix_norm},
    {"add", matrix_add},         {"sub", matrix_sub},
    {"times", matrix_times},     {"div", matrix_div},
    {"minimum", matrix_minimum}, {"maximum", matrix_maximum},
    {"map", matrix_map},         {"sum", matrix_sum},
    {"mean", matrix_mean},       {"std", matrix_std},
    {"min", matrix_min},         {"max", matrix_max},
    {"argmax", matrix_argmax},   {NULL, NULL}};

const luaL_Reg asy_matrix_operators[] = {
    {"__add", operator_add}, {"__sub", operator_sub}, {"__mul", operator_mul},
    {"__div", operator_div}, {"__unm", operator_neg}, {NULL, NULL}};
