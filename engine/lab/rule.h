/* rule.h - a rule as the lab sees it: something that answers calls with plain trees.
 * `lab` knows no Lua; `script` fills this in with a sandboxed child process.
 *
 * Calls (asynchronous; each gets exactly one reply, in order):
 *   {"call":"describe"} ->
 * {"title","description","options":{name:{default,min,max,choices,
 *       help}},"kind":"design"|"trial","form":"space"|"sweep",
 *       "prepare":[steps]|true (a function: call
 * prepare),"objective":[{"metric","maximize"}],
 *       "repeats","folds","limits":{"trials","time","parallel"},"space":[{"name","type",...}],
 *       "strategy":{"name","trials",...},"pruner":bool,"adaptive":bool}
 *   {"call":"prepare","table":<asy_table_describe + "label">} -> {"steps":[...]}
 *   {"call":"start","session":{"seed","options","parallel","trials","seconds","data":{...},
 *       "table"}} -> commands
 *   {"call":"resume","events":[...],"left":{"trials","seconds"},"now"} -> commands
 * Events, in order of their `told` number:
 *   {"trial":{"number","state","reason","score","metrics":{},"epochs","seconds",
 *             "parameters","flops","worker","cached","proposal","seed"}}
 *   {"report":{"number","epoch","value"}}
 *   {"scattered":{"seq","numbers":[first,n]}}
 * Commands: {"commands":[...],"waiting":bool} with
 *   {"do":"scatter","trials":[{"params","design"}...],"priority","label"}
 *   {"do":"cancel","numbers":[...]}  {"do":"prune","number":n}
 *   {"do":"log","text"}  {"do":"note","markdown"}  {"do":"end"}
 * A repeats/folds expansion is the host's: the rule scatters proposals, the host makes
 * repeats x folds trials of each; the rule gets one "trial" event a proposal once all
 * its trials ended and are durable, with the mean score and metrics of those that are
 * done
 * ("scores":[...] beside it). Every "number" a rule sees or says is a proposal's
 * number; with one trial a proposal that is the trial's number too. "scattered" comes
 * before any event of its proposals; its n is smaller than what was asked when the
 * limit of trials is reached. "waiting": false with commands means: call again, there
 * is more to come. Time ("now") stands at the last result that the rule was told, so
 * that a replay sees the same times. While a call runs the rule may ask the host
 * ("query": {"column":name} | {"curve":number, "metric"} | {"trials":{...filter}} |
 * {"best":n} | {"count": design}); asked through on_query and answered with `answer`.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/json.h"

typedef struct asy_rule asy_rule;

typedef struct asy_rule_sink {
    void *ctx;
    /* On the rule's I/O thread: enqueue and return. Trees are owned by the callee. A
     * failed call has reply = NULL and message = what went wrong with file, line and
     * traceback (owned by the callee, asy_free). fatal: the rule cannot go on. */
    void (*on_reply)(void *ctx, asy_rule *r, json_t *reply, char *message, bool fatal);
    void (*on_query)(void *ctx, asy_rule *r, json_t *query);
    void (*on_log)(void *ctx, asy_rule *r, char *line);
} asy_rule_sink;

typedef struct asy_rule_limits {
    uint32_t soft_ms; /* processor time of a call before a traceback; 2,000 */
    uint32_t
        hard_ms;     /* before SIGKILL, four times that by the wall clock; soft + 500 */
    uint64_t memory; /* bytes of Lua; 128 MiB (512 for trusted files) */
    bool jit;        /* trusted files only */
} asy_rule_limits;

typedef struct asy_rule_ops {
    /* Starts the child and loads the source. A syntax error comes as the reply of the
     * first call. options: JSON object of --set values. */
    asy_err (*open)(const char *name, const char *source, size_t len,
                    const json_t *options, const asy_rule_limits *limits,
                    const asy_rule_sink *sink, asy_rule **out);
    asy_err (*call)(asy_rule *r, const json_t *call);     /* any thread */
    asy_err (*answer)(asy_rule *r, const json_t *answer); /* any thread */
    void (*close)(asy_rule *r); /* kills the child; no callbacks afterwards */
} asy_rule_ops;

/* `trial =` functions on a worker: the same sandbox, fed with trials. */
typedef struct asy_own_trial {
    int64_t id;
    uint64_t seed;
    const char *params; /* JSON text or msgpack; borrowed */
    size_t params_len;
} asy_own_trial;

typedef struct asy_own asy_own;

typedef struct asy_own_result {
    int64_t id;
    json_t *metrics;     /* {"score":..., ...}; owned by the callee; NULL when failed */
    const char *message; /* of a failure, borrowed */
    double seconds;
} asy_own_result;

typedef struct asy_own_sink {
    void *ctx;
    /* Both on the thread that called run(). */
    void (*on_result)(void *ctx, const asy_own_result *r);
    bool (*on_report)(void *ctx, int64_t id, uint32_t epoch,
                      double value); /* false: stop */
} asy_own_sink;

typedef struct asy_own_ops {
    /* data_path: the prepared data's file, opened before the lock-down. */
    asy_err (*open)(const char *name, const char *source, size_t len,
                    const json_t *options, const char *data_path, uint64_t session_seed,
                    const asy_rule_limits *limits, asy_own **out);
    /* Runs trials in order, pipelined; returns when all have a result. A child that
     * dies fails the trial it was in and is started again for the rest. */
    asy_err (*run)(asy_own *o, const asy_own_trial *trial, size_t n,
                   const asy_own_sink *sink);
    void (*close)(asy_own *o);
} asy_own_ops;
