-- strategy.lua - what proposes the next designs, and stops poor trials early.
-- SPDX-License-Identifier: Apache-2.0
--
-- A strategy is any table with these functions; the built-in ones are nothing more:
--
--     open(self, session)         optional: the session, with its space, seed and trials
--     ask(self, n)                a list of at most n sets of parameter values
--     tell(self, trial)           optional: a trial has ended
--     finished(self)              optional: true when nothing more will be proposed
--     state(self), restore(self, state)   optional: what it has learned, as plain values
--
-- A strategy without tell() is asked far ahead of the workers; one with it, or with
-- `adaptive = true`, only for what can run at once. `pruner` is a table with the function
-- report(self, trial, epoch, value) -> "go" or "stop".

local check = require "assay.check"
local grid = require "assay.strategy.grid"
local random = require "assay.strategy.random"
local sobol = require "assay.strategy.sobol"

local strategy = {}

local MAX_TRIALS = 1e9
local DEFAULT_TRIALS = 100
local DRAW_KEYS = check.set { "trials", "pruner" }
local GRID_KEYS = check.set { "points", "pruner" }

---@class assay.Pruner
---@field report fun(self, trial: assay.Trial, epoch: integer, value: number): "go"|"stop"

---@class assay.Strategy
---@field name? string
---@field trials? integer     how many it will propose, if it knows
---@field adaptive? boolean   proposals depend on results; true where there is a tell()
---@field pruner? assay.Pruner
---@field open? fun(self: assay.Strategy, session: assay.Session)
---@field ask fun(self: assay.Strategy, n: integer): table[]
---@field tell? fun(self: assay.Strategy, trial: assay.Trial)
---@field finished? fun(self: assay.Strategy): boolean
---@field state? fun(self: assay.Strategy): table
---@field restore? fun(self: assay.Strategy, state: table)

---@class assay.DrawOptions
---@field trials? integer   100 by default
---@field pruner? assay.Pruner

---@class assay.GridOptions
---@field points? integer|table<string, integer>  the most values a numeric parameter gets
---@field pruner? assay.Pruner

local function check_pruner(where, pruner)
    if pruner ~= nil and (type(pruner) ~= "table" or type(pruner.report) ~= "function") then
        check.fail("%s: pruner: table with a function report(self, trial, epoch, value) "
            .. "expected, got %s", where, check.show(pruner))
    end
end

local function draw_options(where, options)
    options = options or {}
    check.keys(where, options, DRAW_KEYS)
    check_pruner(where, options.pruner)
    local trials = options.trials
    if trials == nil then
        trials = DEFAULT_TRIALS
    end
    check.whole(where .. ": trials", trials, 1, MAX_TRIALS)
    return { trials = trials, pruner = options.pruner }
end

--- Independent draws from the whole space.
---@param options? assay.DrawOptions
---@return assay.Strategy
function strategy.random(options)
    return random.new(draw_options("strategy.random", options))
end

--- Sobol's sequence, scrambled: covers the space more evenly than random draws.
---@param options? assay.DrawOptions
---@return assay.Strategy
function strategy.sobol(options)
    return sobol.new(draw_options("strategy.sobol", options))
end

--- Every combination. Choices, whole numbers and stepped numbers get all their values,
--- other numbers five; `points` sets the most values a numeric parameter gets.
---@param options? assay.GridOptions
---@return assay.Strategy
function strategy.grid(options)
    options = options or {}
    check.keys("strategy.grid", options, GRID_KEYS)
    check_pruner("strategy.grid", options.pruner)
    local points = options.points
    if type(points) == "table" then
        for name, n in pairs(points) do
            check.whole("strategy.grid: points." .. tostring(name), n, 1, 1e6)
        end
    elseif points ~= nil then
        check.whole("strategy.grid: points", points, 1, 1e6)
    end
    return grid.new { points = points, pruner = options.pruner }
end

--- Checks a strategy that a rule brings.
---@param value any
---@return assay.Strategy
function strategy.check(value)
    if type(value) ~= "table" then
        check.fail("strategy: a strategy such as strategy.random { trials = 100 } expected, "
            .. "got %s", check.show(value))
    end
    if type(value.ask) ~= "function" then
        check.fail("strategy: function ask(self, n) expected, got %s", check.show(value.ask))
    end
    for _, name in ipairs { "open", "tell", "finished", "state", "restore" } do
        if value[name] ~= nil then
            check.func("strategy." .. name, value[name])
        end
    end
    if value.trials ~= nil then
        check.whole("strategy.trials", value.trials, 1, MAX_TRIALS)
    end
    check_pruner("strategy", value.pruner)
    return value
end

return strategy
