-- host.lua - a rule's side of its talk with the engine: the calls of engine/lab/rule.h.
-- SPDX-License-Identifier: Apache-2.0

local check = require "assay.check"
local core = require "assay.core"
local prepare = require "assay.prepare"
local query = require "assay.query"
local rules = require "assay.rule"
local sessions = require "assay.session"
local sweep = require "assay.sweep"

local host = {}

-- The one rule of this process, and its session once it has started.
local the = {}

--- Runs a rule's chunk and keeps the rule it returns.
---@param chunk function
---@param name string               of the file, for messages
---@param options? table<string, any>  what the caller sets
function host.open(chunk, name, options)
    check.set_file(name)
    local rule = chunk(name)
    if type(rule) ~= "table" or not rule.is_rule then
        check.fail("the file must end in `return assay.rule { ... }`; it returned %s",
            check.show(rule))
    end
    rule.file = name
    rules.set_options(rule, options)
    the = { rule = rule }
end

-- Calls -----------------------------------------------------------------------------------

local calls = {}

function calls.describe()
    return rules.describe(the.rule)
end

function calls.prepare(call)
    local cells = prepare.cells(call.table, call.table.label, function(name)
        return query.ask("prepare", { column = name }).values
    end)
    return { steps = prepare.steps(the.rule.prepare, cells, the.rule.options) }
end

-- How many proposals may be made, and how many the caller asked for, if he did. The engine
-- names the limit that holds: the caller's, else the rule's. A proposal is tried
-- repeats x folds times.
local function proposal_limits(rule, trials)
    if not trials or trials <= 0 then
        trials = rule.limits.trials
    end
    if not trials then
        return nil, nil
    end
    local each = (rule.repeats or 1) * (rule.folds or 1)
    local limit = math.max(1, math.floor(trials / each))
    return limit, trials ~= rule.limits.trials and limit or nil
end

function calls.start(call)
    local rule, start = the.rule, call.session
    local limit, wanted = proposal_limits(rule, start.trials)
    local strategy = not rule.sweep and rules.strategy(rule) or nil
    local session = sessions.new(rule, start, limit, strategy and strategy.pruner)
    the.session, session.wanted = session, wanted
    session:set_time(call)
    if rule.sweep then
        session.board:run(rule.sweep, session, rule.options)
    else
        session.space = rules.space(rule, session.data)
        session.board:run(sweep.run, session, strategy)
    end
    return session.board:step()
end

function calls.resume(call)
    local session = the.session
    if not session then
        error("resume: the session has not started")
    end
    session:set_time(call)
    session.board:deliver(call.events or {})
    return session.board:step()
end

--- Answers a call of the engine.
---@param call table
---@return table reply
function host.handle(call)
    local answer = calls[call.call]
    if not answer then
        check.unknown("host", "call", call.call, check.sorted(calls))
    elseif not the.rule then
        error("host: no rule is open")
    end
    return answer(call)
end

-- Own trials --------------------------------------------------------------------------------

local function check_metrics(metrics)
    if type(metrics) ~= "table" then
        check.fail("trial: table of numbers such as { score = 0.9 } expected, got %s; does "
            .. "the function end in `return`?", check.show(metrics))
    elseif type(metrics.score) ~= "number" then
        check.fail("trial: score: number expected, got %s", check.show(metrics.score))
    end
    for name, value in pairs(metrics) do
        if type(name) ~= "string" or type(value) ~= "number" then
            check.fail("trial: %s: number expected, got %s", tostring(name),
                check.show(value))
        end
    end
    return metrics
end

--- Runs a rule's own `trial` function on a worker.
---@param params table
---@param data assay.Data
---@param _seed integer   of the trial; the engine has seeded math.random with it
---@param id integer
---@return table<string, number> metrics
function host.trial(params, data, _seed, id)
    local rule = the.rule
    if not rule or not rule.trial then
        error("host: a rule with `trial` expected")
    end
    local function report(epoch, value)
        check.whole("report: epoch", epoch, 0)
        check.number("report: value", value)
        return core.own_report(id, epoch, value)
    end
    return check_metrics(rule.trial(params, data, report, rule.options))
end

return host
