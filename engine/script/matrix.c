/* matrix.c - matrices as Lua objects: making, reading, writing, views. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/matrix.h"
#include <math.h>
#include <string.h>
#include "script/budget.h"
#include "script/random.h"
#include "script/trace.h"

#define MATRIX "assay.Matrix"

/* ---- The object ---- */

asy_matrix *asy_matrix_push(lua_State *L)
{
    asy_matrix *x = lua_newuserdata(L, sizeof *x);
    *x = (asy_matrix){0};
    luaL_getmetatable(L, MATRIX);
    lua_setmetatable(L, -2);
    return x;
}

asy_err asy_matrix_settle(lua_State *L, asy_matrix *x)
{
    uint64_t bytes = asy_mat_bytes(&x->m);
    asy_err e = asy_budget_take(L, bytes);
    if (e)
        asy_mat_fini(&x->m);
    else
        x->counted = bytes;
    return e;
}

void asy_matrix_anchor(lua_State *L, int index)
{
    lua_createtable(L, 1, 0);
    lua_pushvalue(L, index);
    lua_rawseti(L, -2, 1);
    lua_setfenv(L, -2);
}

asy_matrix *asy_matrix_test(lua_State *L, int index)
{
    asy_matrix *x = lua_touserdata(L, index);
    if (!x || !lua_getmetatable(L, index))
        return NULL;
    luaL_getmetatable(L, MATRIX);
    bool is = lua_rawequal(L, -1, -2) == 1;
    lua_pop(L, 2);
    return is ? x : NULL;
}

asy_matrix *asy_matrix_check(lua_State *L, int index)
{
    asy_matrix *x = asy_matrix_test(L, index);
    if (!x)
        luaL_typerror(L, index, "matrix");
    if (x->m.rows == 0)
        asy_trace_raise(L, "matrix: this matrix was freed");
    return x;
}

asy_matrix *asy_matrix_check_writable(lua_State *L, int index)
{
    asy_matrix *x = asy_matrix_check(L, index);
    if (x->read_only)
        asy_trace_raise(L, "matrix: prepared data cannot be changed; change a :copy()");
    return x;
}

int asy_matrix_answer(lua_State *L, asy_err e, const char *name)
{
    if (!e)
        return 1;
    const char *message = asy_errmsg();
    bool named = strncmp(message, "matrix.", 7) == 0;
    if (named && e == ASY_EARG)
        return asy_trace_raise(L, "%s", message);
    if (e == ASY_EARG)
        return asy_trace_raise(L, "matrix.%s: %s", name, message);
    lua_pushnil(L);
    if (named)
        lua_pushstring(L, message);
    else
        lua_pushfstring(L, "matrix.%s: %s", name, message);
    lua_pushstring(L, asy_errname(e));
    return 3;
}

/* Gives the memory back: the collector's way and the script's way. */
static int matrix_free(lua_State *L)
{
    asy_matrix *x = luaL_checkudata(L, 1, MATRIX);
    asy_mat_fini(&x->m);
    asy_budget_give(L, x->counted);
    *x = (asy_matrix){0};
    return 0;
}

/* ---- Arguments ---- */

static size_t check_side(lua_State *L, int index)
{
    lua_Number n = luaL_checknumber(L, index);
    if (!(n >= 1 && n == floor(n) && n <= 9007199254740992.0))
        asy_trace_raise(L, "matrix: side: whole number >= 1 expected, got %g", n);
    return (size_t)n;
}

/* A row or column number from 1 (from the end when negative) as an index from 0. */
static size_t check_index(lua_State *L, int index, size_t n, const char *what)
{
    lua_Number i = luaL_checknumber(L, index);
    if (i < 0)
        i += (lua_Number)n + 1;
    if (!(i >= 1 && i <= (lua_Number)n && i == floor(i)))
        asy_trace_raise(L, "matrix: %s: whole number from 1 to %zu expected, got %g",
                        what, n, lua_tonumber(L, index));
    return (size_t)i - 1;
}

/* A number in the options table at `index`. */
static double option_number(lua_State *L, int index, const char *name, double fallback)
{
    if (lua_isnoneornil(L, index))
        return fallback;
    luaL_checktype(L, index, LUA_TTABLE);
    lua_getfield(L, index, name);
    if (!lua_isnil(L, -1) && !lua_isnumber(L, -1))
        asy_trace_raise(L, "matrix: %s: number expected, got %s", name,
                        luaL_typename(L, -1));
    double x = lua_isnil(L, -1) ? fallback : lua_tonumber(L, -1);
    lua_pop(L, 1);
    return x;
}

/* Unknown keys of the options table at `index` are errors. */
static void check_options(lua_State *L, int index, const char *const *known,
                          const char *list)
{
    if (lua_isnoneornil(L, index))
        return;
    luaL_checktype(L, index, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
        const char *const *k = known;
        while (*k && strcmp(*k, name))
            k++;
        if (!*k)
            asy_trace_raise(L, "matrix: unknown option '%s'; known are %s", name, list);
        lua_pop(L, 1);
    }
}

/* ---- Making ---- */

/* A new matrix of the sides at 1 and 2; memory is counted before it is taken. */
static asy_err push_sized(lua_State *L, asy_matrix **out)
{
    size_t rows = check_side(L, 1);
    size_t cols = check_side(L, 2);
    asy_matrix *x = asy_matrix_push(L);
    double bytes = (double)rows * (double)cols * sizeof(float);
    asy_err e = asy_budget_take(L, bytes < 1e18 ? (uint64_t)bytes : (uint64_t)1e18);
    *out = x;
    if (e)
        return e;
    e = asy_mat_init(&x->m, rows, cols);
    x->counted = bytes < 1e18 ? (uint64_t)bytes : (uint64_t)1e18;
    if (e) {
        asy_budget_give(L, x->counted);
        x->counted = 0;
    }
    return e;
}

/* new(rows, cols [, value]), new(list of rows), new(list of numbers): one row. */
static int fill_from_table(lua_State *L);

static int matrix_new(lua_State *L)
{
    asy_matrix *x;
    if (lua_istable(L, 1))
        return fill_from_table(L);
    lua_Number value = luaL_optnumber(L, 3, 0);
    asy_err e = push_sized(L, &x);
    if (!e && value != 0)
        asy_mat_fill(&x->m, (float)value);
    return asy_matrix_answer(L, e, "new");
}

/* The stream of the option `seed`; without one, of the next number of math.random, so
 * that a session's matrices repeat with the session. */
static asy_rng open_rng(lua_State *L, int index)
{
    double seed = option_number(L, index, "seed", NAN);
    uint64_t key =
        isnan(seed) ? asy_rng_u64(asy_random_borrow(L)) : (uint64_t)fabs(seed);
    return asy_rng_open(asy_rng_key(key, 0), ASY_STREAM_RULE, 2);
}

static int matrix_uniform(lua_State *L)
{
    static const char *const known[] = {"lo", "hi", "seed", NULL};
    asy_matrix *x;
    check_options(L, 3, known, "lo, hi, seed");
    double lo = option_number(L, 3, "lo", 0), hi = option_number(L, 3, "hi", 1);
    asy_rng rng = open_rng(L, 3);
    asy_err e = push_sized(L, &x);
    if (!e)
        asy_mat_fill_uniform(&x->m, lo, hi, &rng);
    return asy_matrix_answer(L, e, "uniform");
}

static int matrix_normal(lua_State *L)
{
    static const char *const known[] = {"mean", "std", "seed", NULL};
    asy_matrix *x;
    check_options(L, 3, known, "mean, std, seed");
    double mean = option_number(L, 3, "mean", 0), std = option_number(L, 3, "std", 1);
    asy_rng rng = open_rng(L, 3);
    asy_err e = push_sized(L, &x);
    if (!e)
        asy_mat_fill_normal(&x->m, mean, std, &rng);
    return asy_matrix_answer(L, e, "normal");
}

static int matrix_eye(lua_State *L)
{
    asy_matrix *x;
    size_t n = check_side(L, 1);
    lua_settop(L, 1);
    lua_pushvalue(L, 1);
    asy_err e = push_sized(L, &x);
    for (size_t i = 0; i < n && !e; i++)
        x->m.x[i * x->m.stride + i] = 1;
    return asy_matrix_answer(L, e, "eye");
}

/* One row from the list on top, checked against the first row's length. */
static void read_row(lua_State *L, asy_matrix *x, size_t row)
{
    if (lua_objlen(L, -1) != x->m.cols)
        asy_trace_raise(L, "matrix.new: row %zu has %zu numbers, row 1 has %zu",
                        row + 1, lua_objlen(L, -1), x->m.cols);
    for (size_t j = 0; j < x->m.cols; j++) {
        lua_rawgeti(L, -1, (int)j + 1);
        if (lua_type(L, -1) != LUA_TNUMBER)
            asy_trace_raise(L,
                            "matrix.new: row %zu, column %zu: number expected, got %s",
                            row + 1, j + 1, luaL_typename(L, -1));
        x->m.x[row * x->m.stride + j] = (float)lua_tonumber(L, -1);
        lua_pop(L, 1);
    }
}

/* The number of columns that the list of rows at 1 speaks of. */
static size_t width_of_first(lua_State *L)
{
    lua_rawgeti(L, 1, 1);
    if (!lua_istable(L, -1))
        asy_trace_raise(
            L, "matrix.new: list of rows or of numbers expected, got a list of %s",
            luaL_typename(L, -1));
    size_t cols = lua_objlen(L, -1);
    lua_pop(L, 1);
    return cols;
}

static int fill_from_table(lua_State *L)
{
    lua_settop(L, 1);
    lua_rawgeti(L, 1, 1);
    bool flat = lua_type(L, -1) == LUA_TNUMBER;
    lua_pop(L, 1);
    size_t n = lua_objlen(L, 1);
    size_t rows = flat ? 1 : n, cols = flat ? n : width_of_first(L);
    asy_matrix *x = asy_matrix_push(L);
    asy_err e = asy_mat_init(&x->m, rows, cols);
    if (!e)
        e = asy_matrix_settle(L, x);
    for (size_t i = 0; i < rows && !e; i++) {
        if (flat)
            lua_pushvalue(L, 1);
        else
            lua_rawgeti(L, 1, (int)i + 1);
        if (!lua_istable(L, -1))
            asy_trace_raise(L, "matrix.new: row %zu: list of numbers expected, got %s",
                            i + 1, luaL_typename(L, -1));
        read_row(L, x, i);
        lua_pop(L, 1);
    }
    return asy_matrix_answer(L, e, "new");
}

/* ---- Reading and writing ---- */

static int matrix_rows(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)asy_matrix_check(L, 1)->m.rows);
    return 1;
}

static int matrix_cols(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)asy_matrix_check(L, 1)->m.cols);
    return 1;
}

static int matrix_shape(lua_State *L)
{
    asy_matrix *x = asy_matrix_check(L, 1);
    lua_pushnumber(L, (lua_Number)x->m.rows);
    lua_pushnumber(L, (lua_Number)x->m.cols);
    return 2;
}

static float *element(lua_State *L, asy_matrix *x)
{
    size_t i = check_index(L, 2, x->m.rows, "row");
    size_t j = check_index(L, 3, x->m.cols, "column");
    return &x->m.x[i * x->m.stride + j];
}

static int matrix_get(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)*element(L, asy_matrix_check(L, 1)));
    return 1;
}

static int matrix_set(lua_State *L)
{
    float *at = element(L, asy_matrix_check_writable(L, 1));
    *at = (float)luaL_checknumber(L, 4);
    lua_settop(L, 1);
    return 1;
}

static int matrix_fill(lua_State *L)
{
    asy_matrix *x = asy_matrix_check_writable(L, 1);
    asy_mat_fill(&x->m, (float)luaL_checknumber(L, 2));
    lua_settop(L, 1);
    return 1;
}

static int matrix_table(lua_State *L)
{
    asy_matrix *x = asy_matrix_check(L, 1);
    lua_createtable(L, (int)x->m.rows, 0);
    for (size_t i = 0; i < x->m.rows; i++) {
        lua_createtable(L, (int)x->m.cols, 0);
        for (size_t j = 0; j < x->m.cols; j++) {
            lua_pushnumber(L, (lua_Number)x->m.x[i * x->m.stride + j]);
            lua_rawseti(L, -2, (int)j + 1);
        }
        lua_rawseti(L, -2, (int)i + 1);
    }
    return 1;
}

static int matrix_copy(lua_State *L)
{
    asy_matrix *x = asy_matrix_check(L, 1);
    asy_matrix *y = asy_matrix_push(L);
    asy_err e = asy_mat_copy(&y->m, &x->m);
    return asy_matrix_answer(L, e ? e : asy_matrix_settle(L, y), "copy");
}

static int matrix_equal(lua_State *L)
{
    asy_matrix *a = asy_matrix_check(L, 1), *b = asy_matrix_check(L, 2);
    double tolerance = luaL_optnumber(L, 3, 0);
    lua_pushboolean(L, asy_mat_equal(&a->m, &b->m, tolerance));
    return 1;
}

static int matrix_tostring(lua_State *L)
{
    asy_matrix *x = luaL_checkudata(L, 1, MATRIX);
    if (x->m.rows == 0) {
        lua_pushliteral(L, "matrix (freed)");
        return 1;
    }
    char text[4096];
    asy_buf b = {0};
    asy_mat_print(&b, &x->m);
    strncpy(text, asy_buf_text(&b), sizeof text - 1);
    text[sizeof text - 1] = '\0';
    asy_buf_fini(&b); /* before Lua may raise */
    lua_pushstring(L, text);
    return 1;
}

/* ---- Views ---- */

/* Pushes rows r .. r+rows-1 and columns c .. c+cols-1 of the matrix at 1; they have
 * been checked. The view keeps its base alive, so the base's memory stays on the
 * budget. */
static int push_view(lua_State *L, const asy_matrix *base, size_t r, size_t c,
                     size_t rows, size_t cols)
{
    asy_matrix *v = asy_matrix_push(L);
    v->read_only = base->read_only;
    v->is_view = true;
    asy_matrix_anchor(L, 1);
    if (base->m.values)
        return asy_matrix_answer(L, asy_mat_view(&v->m, &base->m, r, c, rows, cols),
                                 "view");
    v->m = base->m; /* prepared data, which is not counted */
    v->m.rows = rows;
    v->m.cols = cols;
    v->m.x += r * base->m.stride + c;
    return 1;
}

static int matrix_row(lua_State *L)
{
    asy_matrix *x = asy_matrix_check(L, 1);
    size_t i = check_index(L, 2, x->m.rows, "row");
    return push_view(L, x, i, 0, 1, x->m.cols);
}

static int matrix_column(lua_State *L)
{
    asy_matrix *x = asy_matrix_check(L, 1);
    size_t j = check_index(L, 2, x->m.cols, "column");
    return push_view(L, x, 0, j, x->m.rows, 1);
}

/* slice(first row, last row [, first column, last column]): both ends included. */
static int matrix_slice(lua_State *L)
{
    asy_matrix *x = asy_matrix_check(L, 1);
    size_t r0 = check_index(L, 2, x->m.rows, "first row");
    size_t r1 = check_index(L, 3, x->m.rows, "last row");
    bool columns = !lua_isnoneornil(L, 4);
    size_t c0 = columns ? check_index(L, 4, x->m.cols, "first column") : 0;
    size_t c1 = columns ? check_index(L, 5, x->m.cols, "last column") : x->m.cols - 1;
    if (r1 < r0 || c1 < c0)
        return asy_trace_raise(
            L, "matrix.slice: rows %zu to %zu, columns %zu to %zu: empty", r0 + 1,
            r1 + 1, c0 + 1, c1 + 1);
    return push_view(L, x, r0, c0, r1 - r0 + 1, c1 - c0 + 1);
}

/* m[i]: row i of a matrix, element i of one row or column; m.name: a method. */
static int matrix_index(lua_State *L)
{
    if (lua_type(L, 2) != LUA_TNUMBER) {
        lua_pushvalue(L, 2);
        lua_rawget(L, lua_upvalueindex(1));
        return 1;
    }
    asy_matrix *x = asy_matrix_check(L, 1);
    if (x->m.rows > 1 && x->m.cols > 1)
        return matrix_row(L);
    bool is_row = x->m.rows == 1;
    size_t i = check_index(L, 2, is_row ? x->m.cols : x->m.rows, "element");
    lua_pushnumber(L, (lua_Number)x->m.x[is_row ? i : i * x->m.stride]);
    return 1;
}

static int matrix_newindex(lua_State *L)
{
    asy_matrix *x = asy_matrix_check_writable(L, 1);
    if (lua_type(L, 2) != LUA_TNUMBER || (x->m.rows > 1 && x->m.cols > 1))
        return asy_trace_raise(L, "matrix: only elements can be assigned: m[i][j] = x");
    bool is_row = x->m.rows == 1;
    size_t i = check_index(L, 2, is_row ? x->m.cols : x->m.rows, "element");
    x->m.x[is_row ? i : i * x->m.stride] = (float)luaL_checknumber(L, 3);
    return 0;
}

/* ---- Files (plain luajit) ---- */

static int matrix_save(lua_State *L)
{
    asy_matrix *x = asy_matrix_check(L, 1);
    const char *path = luaL_checkstring(L, 2);
    lua_pushboolean(L, 1);
    asy_err e = asy_mat_save(&x->m, path);
    return asy_matrix_answer(L, e, "save");
}

static int matrix_load(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    asy_matrix *x = asy_matrix_push(L);
    asy_err e = asy_mat_load(&x->m, path);
    if (!e)
        e = asy_matrix_settle(L, x);
    if (e == ASY_EARG) /* a file of another kind is no mistake of the script */
        e = ASY_EIO;
    return asy_matrix_answer(L, e, "load");
}

/* ---- Registration ---- */

static int matrix_is(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushboolean(L, asy_matrix_test(L, 1) != NULL);
    return 1;
}

static const luaL_Reg functions[] = {
    {"new", matrix_new},           {"zeros", matrix_new}, {"uniform", matrix_uniform},
    {"normal", matrix_normal},     {"eye", matrix_eye},   {"is", matrix_is},
    {"concat", asy_matrix_concat}, {NULL, NULL}};

static const luaL_Reg methods[] = {{"rows", matrix_rows},     {"cols", matrix_cols},
                                   {"shape", matrix_shape},   {"get", matrix_get},
                                   {"set", matrix_set},       {"fill", matrix_fill},
                                   {"table", matrix_table},   {"copy", matrix_copy},
                                   {"equal", matrix_equal},   {"row", matrix_row},
                                   {"column", matrix_column}, {"slice", matrix_slice},
                                   {"free", matrix_free},     {NULL, NULL}};

static const luaL_Reg meta[] = {
    {"__gc", matrix_free},  {"__tostring", matrix_tostring}, {"__eq", matrix_equal},
    {"__len", matrix_rows}, {"__newindex", matrix_newindex}, {NULL, NULL}};

static void make_metatable(lua_State *L, bool files)
{
    if (luaL_newmetatable(L, MATRIX)) {
        luaL_setfuncs(L, meta, 0);
        luaL_setfuncs(L, asy_matrix_operators, 0);
        lua_newtable(L);
        luaL_setfuncs(L, methods, 0);
        luaL_setfuncs(L, asy_matrix_math, 0);
        if (files) {
            lua_pushcfunction(L, matrix_save);
            lua_setfield(L, -2, "save");
        }
        lua_pushcclosure(L, matrix_index, 1);
        lua_setfield(L, -2, "__index");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_pop(L, 1);
}

void asy_matrix_push_library(lua_State *L, bool files)
{
    make_metatable(L, files);
    lua_newtable(L);
    luaL_setfuncs(L, functions, 0);
    luaL_setfuncs(L, asy_matrix_math, 0); /* matrix.mul(a, b) is a:mul(b) */
    if (files) {
        lua_pushcfunction(L, matrix_load);
        lua_setfield(L, -2, "load");
        lua_pushcfunction(L, matrix_save);
        lua_setfield(L, -2, "save");
    }
}
