-- test_rule.lua - the rule table, its options and its description.
-- SPDX-License-Identifier: Apache-2.0

local assay = require "assay"
local rules = require "assay.rule"
local tap = require "tap"

local space, strategy, net = assay.space, assay.strategy, assay.net
local test, equal, raises, ok = tap.test, tap.equal, tap.raises, tap.ok

-- A rule that is right, with some keys changed.
local function rule(changes)
    local keys = { space = { a = space.int(1, 2) }, design = function()
        return net.mlp { hidden = {} }
    end }
    for key, value in pairs(changes or {}) do
        if value == false then
            value = nil
        end
        keys[key] = value
    end
    return assay.rule(keys)
end

test("rule: mistakes are named", function()
    local cases = {
        { 'assay.rule: no key "stratgy"; did you mean "strategy"', { stratgy = 1 } },
        { "rule: a `space` (what to search) or a `sweep` function is needed", { space = false } },
        { "rule: a function `design` (parameters to network) or `trial`", { design = false } },
        { "rule: either `design` or `trial` expected, got both", { trial = print } },
        { "rule: `sweep` replaces `space`, `constraints` and `strategy`", { sweep = print } },
        { "rule: design: function expected, got 5", { design = 5 } },
        { "rule: title: text expected, got 5", { title = 5 } },
        { "rule: repeats: whole number from 1 to 1000 expected, got 0", { repeats = 0 } },
        { "rule: folds: whole number", { folds = "a" } },
        { "space.a: parameter expected", { space = { a = 5 } } },
        { "strategy: function ask(self, n) expected", { strategy = {} } },
        { "constraints[1]: space.constraint", { constraints = { print } } },
        { 'objective: table such as { maximize = "accuracy" }', { objective = "accuracy" } },
        { 'objective: no metric "acuracy"; did you mean "accuracy"',
            { objective = { maximize = "acuracy" } } },
        { "objective: either maximize or minimize expected", { objective = {} } },
        { 'objective: no key "maximise"; did you mean "maximize"', { objective = { maximise = "f1" } } },
        { "limits.trials: whole number", { limits = { trials = 0 } } },
        { 'limits.time: seconds, or text such as "90s"', { limits = { time = "soon" } } },
        { "options.a: default: number, text, true or false expected, got nothing",
            { options = { a = {} } } },
        { "options.a: table expected, got 5", { options = { a = 5 } } },
        { 'options.a: no key "mininum"; did you mean', { options = { a = { default = 1, mininum = 2 } } } },
        { "option a: number from 2 to 5 expected, got 1",
            { options = { a = { default = 1, min = 2, max = 5 } } } },
        { "prepare[1]: step such as", { prepare = { 5 } } },
    }
    for _, case in ipairs(cases) do
        raises(case[1], rule, case[2])
    end
    raises("assay.rule: table expected, got nothing", assay.rule)
end)

test("rule: options take the caller's values in the default's type", function()
    local r = rule { options = { epochs = { default = 30, min = 1 }, name = { default = "x" },
        fast = { default = false }, act = { default = "relu", choices = { "relu", "tanh" } } } }
    equal(r.options.epochs, 30)
    rules.set_options(r, { epochs = "50", name = 7, fast = "true", act = "tanh" })
    equal({ r.options.epochs, r.options.name, r.options.fast, r.options.act },
        { 50, "7", true, "tanh" })
    raises("option epochs: number expected, got \"many\"", rules.set_options, r, { epochs = "many" })
    raises("option epochs: number >= 1 expected, got 0", rules.set_options, r, { epochs = 0 })
    raises('option act: one of "relu", "tanh" expected, got "elu"', rules.set_options, r, { act = "elu" })
    raises('--set: no option "epoch"; did you mean "epochs"? known: act, epochs, fast, name',
        rules.set_options, r, { epoch = 5 })
    raises('options: no option "epoch"; did you mean "epochs"', function()
        return r.options.epoch
    end)
end)

test("rule: describes itself", function()
    local r = rule { title = "T", description = "D", repeats = 2, folds = 3,
        prepare = { assay.prepare.scale(0, 1) }, objective = { minimize = "test_loss" },
        limits = { trials = 5, time = "2m", parallel = 4 },
        options = { epochs = { default = 3, help = "h" } }, strategy = strategy.random { trials = 7 } }
    equal(rules.describe(r), {
        title = "T", description = "D", kind = "design", form = "space", repeats = 2, folds = 3,
        options = { epochs = { default = 3, help = "h" } },
        prepare = { { op = "scale", lo = 0, hi = 1 } },
        objective = { { metric = "test_loss", maximize = false } },
        limits = { trials = 5, time = 120, parallel = 4 },
        space = { { name = "a", type = "int", lo = 1, hi = 2 } },
        strategy = { name = "random", trials = 7 }, pruner = false, adaptive = false,
    })
end)

test("rule: describes sweeps, own trials, own strategies", function()
    local s = rules.describe(rule { space = false, design = false, sweep = print })
    equal({ s.kind, s.form, s.adaptive, s.prepare }, { "design", "sweep", true, {} })
    local t = rules.describe(rule { design = false, trial = print,
        objective = { { maximize = "score" }, { minimize = "bytes" } } })
    equal({ t.kind, t.form }, { "trial", "space" })
    equal(t.objective, { { metric = "score", maximize = true }, { metric = "bytes", maximize = false } })
    local own = { ask = print, tell = print, pruner = { report = print } }
    local o = rules.describe(rule { strategy = own, prepare = print })
    equal({ o.adaptive, o.pruner, o.prepare }, { true, true, true })
    equal(o.strategy, { name = "own" })
end)

test("rule: space and strategy may depend on options", function()
    local r = rule { options = { top = { default = 3 } },
        space = function(options) return { a = space.int(1, options.top) } end,
        strategy = function(options) return strategy.random { trials = options.top } end }
    rules.set_options(r, { top = 9 })
    local about = rules.describe(r)
    equal(about.space[1].hi, 9)
    equal(about.strategy.trials, 9)
end)

test("rule: mistakes name the line of the rule", function()
    local message = raises("no key", function()
        local r = assay.rule { wrong = 1 }
        return r
    end)
    ok(message:find("test_rule%.lua:%d+: assay%.rule"), message)
end)
