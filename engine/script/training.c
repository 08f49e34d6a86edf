/* training.c - trains a design from Lua and turns the result into a table. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "script/training.h"
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "nn/model.h"
#include "nn/train.h"
#include "script/data.h"
#include "script/matrix.h"
#include "script/network.h"
#include "script/state.h"
#include "script/trace.h"
#include "script/value.h"

#define MODEL "assay.Model"
#define TRAINING "assay.Training"

/* All that one training owns. It is a userdata, so that the collector releases it
 * whenever Lua raises. */
typedef struct training {
    asy_design *design;
    json_t *json;
    asy_train_result result;
    lua_State *L;
    asy_state *state; /* NULL: no time limit */
    bool raised;      /* the script's on_epoch failed: message on top of the stack */
} training;

static int training_gc(lua_State *L)
{
    training *t = lua_touserdata(L, 1);
    asy_design_free(t->design);
    json_decref(t->json);
    asy_train_result_fini(&t->result);
    *t = (training){0};
    return 0;
}

/* ---- Models ---- */

static int model_gc(lua_State *L)
{
    asy_model **m = luaL_checkudata(L, 1, MODEL);
    asy_model_free(*m);
    *m = NULL;
    return 0;
}

/* predict(x) -> (rows, outputs). The network wants its rows without gaps. */
static int model_predict(lua_State *L)
{
    asy_model *m = *(asy_model **)luaL_checkudata(L, 1, MODEL);
    asy_matrix *x = asy_matrix_check(L, 2);
    if (x->m.cols != asy_model_inputs(m))
        return asy_trace_raise(L, "model.predict: %zu columns expected, got %zu",
                               (size_t)asy_model_inputs(m), x->m.cols);
    asy_matrix *dense = asy_matrix_push(L);
    asy_err e = asy_mat_copy(&dense->m, &x->m);
    if (!e)
        e = asy_matrix_settle(L, dense);
    asy_matrix *y = asy_matrix_push(L);
    if (!e)
        e = asy_mat_init(&y->m, x->m.rows, asy_model_outputs(m));
    if (!e)
        e = asy_matrix_settle(L, y);
    if (!e)
        e = asy_model_predict(m, dense->m.x, dense->m.rows, y->m.x);
    return asy_matrix_answer(L, e, "predict");
}

static int model_save(lua_State *L)
{
    asy_model *m = *(asy_model **)luaL_checkudata(L, 1, MODEL);
    const char *path = luaL_checkstring(L, 2);
    if (asy_model_save(m, path)) {
        lua_pushnil(L);
        lua_pushstring(L, asy_errmsg());
        return 2;
    }
    lua_pushboolean(L, 1);
    return 1;
}

static const luaL_Reg model_methods[] = {{"predict", model_predict}, {NULL, NULL}};

static void make_metatables(lua_State *L, bool files)
{
    if (luaL_newmetatable(L, TRAINING)) {
        lua_pushcfunction(L, training_gc);
        lua_setfield(L, -2, "__gc");
    }
    if (luaL_newmetatable(L, MODEL)) {
        lua_pushcfunction(L, model_gc);
        lua_setfield(L, -2, "__gc");
        lua_newtable(L);
        luaL_setfuncs(L, model_methods, 0);
        if (files) {
            lua_pushcfunction(L, model_save);
            lua_setfield(L, -2, "save");
        }
        lua_setfield(L, -2, "__index");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_pop(L, 2);
}

/* ---- Results ---- */

static void set_number(lua_State *L, const char *name, double x)
{
    if (isnan(x))
        return;
    lua_pushnumber(L, x);
    lua_setfield(L, -2, name);
}

static void push_epoch(lua_State *L, const asy_epoch *e)
{
    lua_createtable(L, 0, 5);
    set_number(L, "epoch", e->epoch);
    set_number(L, "train_loss", e->train_loss);
    set_number(L, "train_accuracy", e->train_accuracy);
    set_number(L, "validate_loss", e->validate_loss);
    set_number(L, "validate_accuracy", e->validate_accuracy);
}

/* Full names, and the bare name for the part that judges: validation, else test, else
 * train. */
static void set_metrics(lua_State *L, const asy_metrics *m)
{
    static const asy_part_name order[] = {ASY_TRAIN, ASY_TEST, ASY_VALIDATE};
    char name[64];
    for (size_t p = 0; p < ASY_PARTS; p++)
        for (int k = 0; k < ASY_METRIC_COUNT; k++) {
            double x = m->value[order[p]][k];
            snprintf(name, sizeof name, "%s_%s", asy_part_names[order[p]],
                     asy_metric_names[k]);
            set_number(L, name, x);
            set_number(L, asy_metric_names[k], x);
        }
}

static void push_result(lua_State *L, const asy_train_result *r)
{
    lua_newtable(L);
    set_metrics(L, &r->metrics);
    lua_pushstring(L, asy_stop_names[r->stop]);
    lua_setfield(L, -2, "stop");
    set_number(L, "epochs", r->epochs);
    set_number(L, "best_epoch", r->best_epoch);
    set_number(L, "seconds", r->seconds);
    set_number(L, "parameters", (double)r->params);
    set_number(L, "flops", r->flops);
    lua_createtable(L, (int)r->epochs, 0);
    for (uint32_t i = 0; i < r->epochs; i++) {
        push_epoch(L, &r->curve[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
    lua_setfield(L, -2, "curve");
}

/* Sets field `model` of the table on top. */
static asy_err set_model(lua_State *L, const training *t, const asy_tensors *data)
{
    asy_model **m = lua_newuserdata(L, sizeof *m);
    *m = NULL;
    luaL_getmetatable(L, MODEL);
    lua_setmetatable(L, -2);
    asy_err e = asy_model_new(t->design, t->json, data, t->result.model,
                              t->result.model_len, NULL, m);
    lua_setfield(L, -2, "model");
    return e;
}

/* ---- Training ---- */

/* Places on the stack of core_train(). CALLER is call_on_epoch(), made beforehand:
 * nothing that may raise happens inside the trainer. */
enum { DESIGN = 1, DATA = 2, OPTIONS = 3, ON_EPOCH = 4, CALLER = 5 };

/* (function, epoch) -> what the function says. */
static int call_on_epoch(lua_State *L)
{
    const asy_epoch *e = lua_touserdata(L, 2);
    lua_settop(L, 1);
    push_epoch(L, e);
    lua_call(L, 1, 1);
    return 1;
}

static asy_verdict on_epoch(void *ctx, const asy_epoch *e)
{
    training *t = ctx;
    lua_State *L = t->L;
    if (t->state && asy_state_is_late(t->state))
        return ASY_CANCEL; /* the next line of the script meets its end */
    if (lua_isnil(L, ON_EPOCH))
        return ASY_GO;
    lua_pushvalue(L, CALLER);
    lua_pushvalue(L, ON_EPOCH);
    lua_pushlightuserdata(L, (void *)e);
    if (lua_pcall(L, 2, 1, 0)) {
        t->raised = true;
        return ASY_CANCEL;
    }
    bool stop = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
    lua_pop(L, 1);
    return stop ? ASY_PRUNE : ASY_GO;
}

static double option_number(lua_State *L, const char *name, double fallback)
{
    lua_getfield(L, OPTIONS, name);
    if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TNUMBER)
        asy_trace_raise(L, "train: %s: number expected, got %s", name,
                        luaL_typename(L, -1));
    double x = lua_isnil(L, -1) ? fallback : lua_tonumber(L, -1);
    lua_pop(L, 1);
    return x;
}

static void check_options(lua_State *L)
{
    static const char *const known[] = {"seed", "shared_seed", "on_epoch",
                                        "keep_model"};
    lua_pushnil(L);
    while (lua_next(L, OPTIONS)) {
        size_t i = 0;
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
        while (i < 4 && strcmp(known[i], name))
            i++;
        if (i == 4)
            asy_trace_raise(L,
                            "train: unknown option '%s'; known are seed, shared_seed, "
                            "on_epoch, keep_model",
                            name);
        lua_pop(L, 1);
    }
}

/* Brings the arguments into their places. */
static void settle_arguments(lua_State *L)
{
    lua_settop(L, 3);
    luaL_checktype(L, DESIGN, LUA_TTABLE);
    if (lua_isnil(L, OPTIONS)) {
        lua_newtable(L);
        lua_replace(L, OPTIONS);
    }
    luaL_checktype(L, OPTIONS, LUA_TTABLE);
    check_options(L);
    lua_getfield(L, OPTIONS, "on_epoch");
    if (!lua_isnil(L, ON_EPOCH) && !lua_isfunction(L, ON_EPOCH))
        asy_trace_raise(L, "train: on_epoch: function expected, got %s",
                        luaL_typename(L, ON_EPOCH));
    lua_pushcfunction(L, call_on_epoch);
}

/* The seed of data that a trial was given, when the options name none. */
static double default_seed(lua_State *L)
{
    lua_getfield(L, DATA, "seed");
    double seed = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return seed;
}

static asy_train_job make_job(lua_State *L, training *t, const asy_tensors *data)
{
    double seed = option_number(L, "seed", default_seed(L));
    double shared = option_number(L, "shared_seed", seed);
    lua_getfield(L, OPTIONS, "keep_model");
    bool keep = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return (asy_train_job){.design = t->design,
                           .data = data,
                           .seed = (uint64_t)fabs(seed),
                           .shared_seed = (uint64_t)fabs(shared),
                           .keep_model = keep,
                           .on_epoch = on_epoch,
                           .ctx = t};
}

static int core_train(lua_State *L)
{
    settle_arguments(L);
    const asy_tensors *data = asy_data_check(L, DATA);
    training *t = lua_newuserdata(L, sizeof *t);
    *t = (training){.L = L, .state = asy_state_of(L)};
    luaL_getmetatable(L, TRAINING);
    lua_setmetatable(L, -2);
    asy_err e = asy_network_parse(L, DESIGN, &t->design, &t->json);
    if (e)
        return asy_trace_raise(L, "%s", asy_errmsg());
    asy_train_job job = make_job(L, t, data);
    e = asy_train(&job, &t->result);
    if (t->raised)
        return lua_error(L);
    if (e)
        return asy_trace_raise(L, "train: %s", asy_errmsg());
    push_result(L, &t->result);
    if (job.keep_model && t->result.model && set_model(L, t, data))
        return asy_trace_raise(L, "train: %s", asy_errmsg());
    return 1;
}

void asy_training_push(lua_State *L, bool files)
{
    make_metatables(L, files);
    lua_pushcfunction(L, core_train);
}
