-- rule.lua - the table a rule file returns: its keys, its options, its description.
-- SPDX-License-Identifier: Apache-2.0

local check = require "assay.check"
local core = require "assay.core"
local prepare = require "assay.prepare"
local space = require "assay.space"
local strategy = require "assay.strategy"
local sweep = require "assay.sweep"

local rule = {}

local MAX_REPEATS, MAX_FOLDS = 1000, 1000

local KEYS = check.set { "title", "description", "options", "prepare", "space",
    "constraints", "strategy", "design", "trial", "sweep", "objective", "repeats", "folds",
    "limits" }
local OPTION_KEYS = check.set { "default", "min", "max", "choices", "help" }
local LIMIT_KEYS = check.set { "trials", "time", "parallel" }
local METRICS = check.set { "loss", "accuracy", "top3", "top5", "balanced_accuracy", "f1",
    "auc", "log_loss", "rmse", "mae", "r2" }
local SECONDS = { s = 1, m = 60, h = 3600, d = 86400 }

---@class assay.OptionDeclaration
---@field default number|string|boolean
---@field min? number
---@field max? number
---@field choices? any[]
---@field help? string

---@class assay.Rule
---@field title? string
---@field description? string
---@field options? table<string, assay.OptionDeclaration>  read back as values
---@field prepare? assay.Step[]|fun(data: assay.Preparation, options: table): assay.Preparation
---@field space? table<string, assay.Parameter>|fun(options: table): table
---@field constraints? assay.Constraint[]
---@field strategy? assay.Strategy|fun(options: table): assay.Strategy
---@field design? fun(params: table, options: table, data: table): assay.Design
---@field trial? fun(params: table, data: assay.Data, report: function, options: table): table
---@field sweep? fun(session: assay.Session, options: table)
---@field objective? table
---@field repeats? integer
---@field folds? integer
---@field limits? { trials?: integer, time?: number|string, parallel?: integer }

-- Options ---------------------------------------------------------------------------------

local function check_option(name, declared)
    local where = "options." .. tostring(name)
    if type(name) ~= "string" or not name:match("^[%a_][%w_]*$") then
        check.fail("options: names of letters, digits and _ expected, got %s",
            check.show(name))
    end
    check.keys(where, declared, OPTION_KEYS)
    local kind = type(declared.default)
    if kind ~= "number" and kind ~= "string" and kind ~= "boolean" then
        check.fail("%s: default: number, text, true or false expected, got %s", where,
            check.show(declared.default))
    end
    for _, key in ipairs { "min", "max" } do
        if declared[key] ~= nil then
            check.number(where .. ": " .. key, declared[key])
        end
    end
    if declared.choices ~= nil then
        check.list(where .. ": choices", declared.choices)
    end
    if declared.help ~= nil then
        check.text(where .. ": help", declared.help)
    end
end

-- A value from the command line or the page in the type of the default.
local function convert(where, declared, value)
    local kind = type(declared.default)
    if kind == "number" and type(value) == "string" and tonumber(value) then
        value = tonumber(value)
    elseif kind == "boolean" and (value == "true" or value == "false") then
        value = value == "true"
    elseif kind == "string" and type(value) == "number" then
        value = ("%.14g"):format(value)
    end
    if type(value) ~= kind then
        local names = { number = "number", string = "text", boolean = "true or false" }
        check.fail("%s: %s expected, got %s", where, names[kind], check.show(value))
    end
    return value
end

local function check_option_value(name, declared, value)
    local where = "option " .. name
    value = convert(where, declared, value)
    if type(value) == "number" then
        check.number(where, value, declared.min, declared.max)
    end
    if declared.choices then
        local known = {}
        for i, choice in ipairs(declared.choices) do
            if choice == value then
                return value
            end
            known[i] = check.show(choice)
        end
        check.fail("%s: one of %s expected, got %s", where, table.concat(known, ", "),
            check.show(value))
    end
    return value
end

-- The table of option values, where a name that was not declared is an error.
local function option_values(declared)
    local values = {}
    for name, option in pairs(declared) do
        check_option(name, option)
        values[name] = check_option_value(name, option, option.default)
    end
    return setmetatable(values, { __index = function(_, name)
        check.unknown("options", "option", name, check.sorted(declared))
    end })
end

--- Sets options to what the caller of the rule wants.
---@param r assay.Rule
---@param given? table<string, any>
function rule.set_options(r, given)
    for name, value in pairs(given or {}) do
        local declared = r.declared[name]
        if not declared then
            check.unknown("--set", "option", name, check.sorted(r.declared))
        end
        r.options[name] = check_option_value(name, declared, value)
    end
end

-- The other keys ----------------------------------------------------------------------------

local function seconds_of(value)
    if type(value) == "string" then
        local number, unit = value:match("^(%d+%.?%d*)([smhd])$")
        if not number then
            check.fail('limits.time: seconds, or text such as "90s", "10m", "2h" expected, '
                .. "got %s", check.show(value))
        end
        return tonumber(number) * SECONDS[unit]
    end
    return check.number("limits.time", value, 0)
end

local function check_limits(limits)
    if limits == nil then
        return {}
    end
    check.keys("limits", limits, LIMIT_KEYS)
    if limits.trials ~= nil then
        check.whole("limits.trials", limits.trials, 1, 4e9)
    end
    if limits.parallel ~= nil then
        check.whole("limits.parallel", limits.parallel, 1, 1e6)
    end
    return { trials = limits.trials, parallel = limits.parallel,
        time = limits.time ~= nil and seconds_of(limits.time) or nil }
end

local function check_metric(where, metric, is_own)
    check.text(where, metric)
    local bare = metric:gsub("^train_", ""):gsub("^validate_", ""):gsub("^test_", "")
    if not is_own and not METRICS[bare] then
        check.unknown(where, "metric", metric, check.sorted(METRICS))
    end
    return metric
end

local function one_objective(where, value, is_own)
    if type(value) ~= "table" then
        check.fail('%s: table such as { maximize = "accuracy" } expected, got %s', where,
            check.show(value))
    end
    check.keys(where, value, { maximize = true, minimize = true })
    if (value.maximize == nil) == (value.minimize == nil) then
        check.fail("%s: either maximize or minimize expected", where)
    end
    local maximize = value.maximize ~= nil
    return { metric = check_metric(where, value.maximize or value.minimize, is_own),
        maximize = maximize }
end

-- One objective or a list of them, as a list of { metric, maximize }; nil when none is given.
local function check_objective(value, is_own)
    if value == nil then
        return nil
    end
    local list = {}
    if type(value) == "table" and value[1] ~= nil then
        for i = 1, check.list("objective", value) do
            list[i] = one_objective(("objective[%d]"):format(i), value[i], is_own)
        end
    else
        list[1] = one_objective("objective", value, is_own)
    end
    return list
end

local function check_functions(r)
    for _, name in ipairs { "design", "trial", "sweep" } do
        if r[name] ~= nil then
            check.func("rule: " .. name, r[name])
        end
    end
    if r.design and r.trial then
        check.fail("rule: either `design` or `trial` expected, got both")
    elseif r.sweep and (r.space or r.strategy or r.constraints) then
        check.fail("rule: `sweep` replaces `space`, `constraints` and `strategy`; leave one "
            .. "side out")
    elseif not r.sweep and not r.space then
        check.fail("rule: a `space` (what to search) or a `sweep` function is needed; "
            .. "assay.rule knows: %s", table.concat(check.sorted(KEYS), ", "))
    elseif not r.sweep and not r.design and not r.trial then
        check.fail("rule: a function `design` (parameters to network) or `trial` (own code) "
            .. "is needed beside `space`")
    end
end

local function check_texts(r)
    for _, name in ipairs { "title", "description" } do
        if r[name] ~= nil then
            check.text("rule: " .. name, r[name])
        end
    end
    for name, most in pairs { repeats = MAX_REPEATS, folds = MAX_FOLDS } do
        if r[name] ~= nil then
            check.whole("rule: " .. name, r[name], 1, most)
        end
    end
end

--- A rule: what a rule file returns.
---@param keys assay.Rule
---@return assay.Rule
function rule.new(keys)
    check.keys("assay.rule", keys, KEYS)
    local r = { is_rule = true }
    for name, value in pairs(keys) do
        r[name] = value
    end
    if r.options ~= nil and type(r.options) ~= "table" then
        check.fail("options: table of declarations expected, got %s", check.show(r.options))
    end
    r.declared = r.options or {}
    r.options = option_values(r.declared)
    check_texts(r)
    check_functions(r)
    r.limits = check_limits(r.limits)
    r.objective = check_objective(r.objective, r.trial ~= nil)
    prepare.check(r.prepare)
    if type(r.space) ~= "function" and r.space ~= nil then
        space.compile(r.space, r.constraints)
    end
    if type(r.strategy) ~= "function" and r.strategy ~= nil then
        strategy.check(r.strategy)
    end
    return r
end

--- The compiled space of a rule, or nil when it brings its own sweep.
---@param r assay.Rule
---@param data? table
---@return assay.Space?
function rule.space(r, data)
    if r.space == nil then
        return nil
    end
    local entries = r.space
    if type(entries) == "function" then
        entries = entries(r.options)
    end
    return space.compile(entries, r.constraints, r.options, data)
end

--- The strategy of a rule; random search when it names none.
---@param r assay.Rule
---@return assay.Strategy
function rule.strategy(r)
    local value = r.strategy
    if type(value) == "function" then
        value = strategy.check(value(r.options))
    end
    return value or strategy.random()
end

-- Description -------------------------------------------------------------------------------

local function describe_options(r)
    local options = {}
    for name, declared in pairs(r.declared) do
        options[name] = { default = declared.default, min = declared.min, max = declared.max,
            choices = declared.choices, help = declared.help }
    end
    return core.object(options)
end

--- What the engine and the page want to know of a rule.
---@param r assay.Rule
---@return table
function rule.describe(r)
    local about = {
        title = r.title, description = r.description, options = describe_options(r),
        kind = r.trial and "trial" or "design", form = r.sweep and "sweep" or "space",
        prepare = prepare.check(r.prepare) or true, objective = r.objective,
        repeats = r.repeats or 1, folds = r.folds or 1, limits = core.object(r.limits),
        pruner = false, adaptive = true,
    }
    if not r.sweep then
        local s, compiled = rule.strategy(r), rule.space(r)
        about.space = compiled:describe()
        about.strategy = { name = s.name or "own", trials = s.trials }
        about.pruner, about.adaptive = s.pruner ~= nil, sweep.is_adaptive(s)
    end
    return about
end

return rule
