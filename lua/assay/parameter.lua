-- parameter.lua - one thing that is varied: its values, and how a number becomes one.
-- SPDX-License-Identifier: Apache-2.0

local check = require "assay.check"

local parameter = {}

local floor, exp, log, max = math.floor, math.exp, math.log, math.max
local format = string.format

local MAX_WHOLE = 2 ^ 53
local RANGE_KEYS = check.set { "log", "step" }

--- Elements of the longest list, and the deepest network.
parameter.longest = 20000

---@class assay.RangeOptions
---@field log? boolean   spread evenly over the orders of magnitude
---@field step? number   only lo, lo + step, lo + 2 step, ...

---@class assay.Parameter
---@field kind "int"|"float"|"choice"|"ordered"|"constant"|"list"
---@field lo? number
---@field hi? number
---@field log? boolean
---@field step? number
---@field choices? any[]
---@field value? any
---@field length? string|integer
---@field inner? assay.Parameter
---@field condition? function|table
---@field text? string
local Parameter = { is_parameter = true }
Parameter.__index = Parameter

--- True when the value is a parameter.
---@param value any
---@return boolean
function parameter.is(value)
    return type(value) == "table" and value.is_parameter == true
end

local function copy(original)
    local twin = setmetatable({}, Parameter)
    for key, value in pairs(original) do
        twin[key] = value
    end
    return twin
end

--- The parameter exists only where the condition holds: `function(p) return p.depth > 1
--- end`, or a table of names and the values (or lists of values) they must have.
---@param condition fun(p: table): boolean?
---@return assay.Parameter
---@overload fun(self: assay.Parameter, condition: table<string, any>): assay.Parameter
function Parameter:when(condition)
    local kind = type(condition)
    if kind ~= "function" and kind ~= "table" or parameter.is(condition) then
        check.fail("space: when: function(p) or a table like { depth = 3 } expected, got %s",
            check.show(condition))
    end
    local twin = copy(self)
    twin.condition = condition
    return twin
end

--- What the parameter means, for pages and reports.
---@param text string
---@return assay.Parameter
function Parameter:help(text)
    local twin = copy(self)
    twin.text = check.text("space: help", text)
    return twin
end

-- Exact decimal steps -------------------------------------------------------------------

-- Digits behind the point that a number is written with.
local function decimals(x)
    local mantissa, exponent = format("%.14e", x):match("^-?%d%.(%d-)0*e([-+]%d+)$")
    return max(0, #mantissa - tonumber(exponent))
end

-- lo, step as whole numbers over one scale, and the number of steps up to hi.
local function decimal_steps(lo, hi, step)
    local scale = 10 ^ max(decimals(lo), decimals(hi), decimals(step))
    local first, stride = floor(lo * scale + 0.5), floor(step * scale + 0.5)
    local last = floor(hi * scale + 0.5)
    if scale > 1e15 or max(math.abs(first), math.abs(last), stride) > MAX_WHOLE then
        return lo, step, 1, floor((hi - lo) / step)
    end
    return first, stride, scale, floor((last - first) / stride)
end

-- The largest number below x.
local function below(x)
    if x == 0 then
        return -4.9406564584124654e-324
    end
    local m, e = math.frexp(x)
    return x - 2 ^ (e - (m == 0.5 and 54 or 53))
end

-- Turning a uniform number into a value -------------------------------------------------

-- Each makes the function from u in [0, 1) to a value.
local make_reader = {}

function make_reader.int(p)
    local lo, hi = p.lo, p.hi
    if p.log then
        local a, b = log(lo - 0.5), log(hi + 0.5)
        return function(u)
            local x = floor(exp(a + u * (b - a)) + 0.5)
            return x < lo and lo or x > hi and hi or x
        end
    end
    local step, last = p.step or 1, p.levels - 1
    return function(u)
        local k = floor(u * (last + 1))
        return lo + step * (k > last and last or k)
    end
end

function make_reader.float(p)
    local lo, hi = p.lo, p.hi
    if p.step then
        local first, stride, scale = decimal_steps(lo, hi, p.step)
        local last = p.levels - 1
        return function(u)
            local k = floor(u * (last + 1))
            return (first + stride * (k > last and last or k)) / scale
        end
    end
    local top = lo < hi and below(hi) or hi
    local a, b = lo, hi
    if p.log then
        a, b = log(lo), log(hi)
    end
    local is_log = p.log
    return function(u)
        local x = a + u * (b - a)
        if is_log then
            x = exp(x)
        end
        return x < lo and lo or x > top and top or x
    end
end

function make_reader.choice(p)
    local choices, n = p.choices, #p.choices
    return function(u)
        local k = floor(u * n) + 1
        return choices[k > n and n or k]
    end
end

make_reader.ordered = make_reader.choice

function make_reader.constant(p)
    local value = p.value
    return function()
        return value
    end
end

-- Making parameters ---------------------------------------------------------------------

local function finish(fields)
    fields.read = make_reader[fields.kind](fields)
    return setmetatable(fields, Parameter)
end

local function check_range(where, lo, hi, options)
    if options ~= nil then
        check.keys(where, options, RANGE_KEYS)
    end
    options = options or {}
    if lo > hi then
        check.fail("%s: lower end %.14g is above upper end %.14g", where, lo, hi)
    end
    if options.log ~= nil then
        check.boolean(where .. ": log", options.log)
    end
    if options.log and lo <= 0 then
        check.fail("%s: a log range needs a lower end above 0, got %.14g", where, lo)
    end
    if options.log and options.step ~= nil then
        check.fail("%s: log and step exclude each other; leave one out", where)
    end
    return options.log or nil, options.step
end

--- A whole number from lo to hi.
---@param lo integer
---@param hi integer
---@param options? assay.RangeOptions
---@return assay.Parameter
function parameter.int(lo, hi, options)
    check.whole("space.int: lower end", lo, -MAX_WHOLE, MAX_WHOLE)
    check.whole("space.int: upper end", hi, -MAX_WHOLE, MAX_WHOLE)
    local is_log, step = check_range("space.int", lo, hi, options)
    step = step and check.whole("space.int: step", step, 1)
    local levels = floor((hi - lo) / (step or 1)) + 1
    return finish { kind = "int", lo = lo, hi = lo + (levels - 1) * (step or 1),
        log = is_log, step = step, levels = levels }
end

--- A number from lo to hi.
---@param lo number
---@param hi number
---@param options? assay.RangeOptions
---@return assay.Parameter
function parameter.float(lo, hi, options)
    check.number("space.float: lower end", lo, -1e300, 1e300)
    check.number("space.float: upper end", hi, -1e300, 1e300)
    local is_log, step = check_range("space.float", lo, hi, options)
    local levels
    if step ~= nil then
        check.number("space.float: step", step)
        if step <= 0 then
            check.fail("space.float: step: number > 0 expected, got %s", check.show(step))
        end
        local first, stride, scale, steps = decimal_steps(lo, hi, step)
        if steps > MAX_WHOLE then
            check.fail("space.float: step: %.14g is too small for %.14g to %.14g", step, lo, hi)
        end
        levels, hi = steps + 1, (first + stride * steps) / scale
    end
    return finish { kind = "float", lo = lo, hi = hi, log = is_log, step = step,
        levels = levels }
end

local function choices_of(where, list)
    if check.list(where, list) == 0 then
        check.fail("%s: at least one value expected, got an empty list", where)
    end
    local seen, own = {}, {}
    for i, value in ipairs(list) do
        local kind = type(value)
        if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
            check.fail("%s: value %d: text, number, true or false expected, got %s; for "
                .. "tables, choose among names and look the table up in `design`", where, i,
                check.show(value))
        elseif value ~= value then
            check.fail("%s: value %d is not a number (NaN)", where, i)
        elseif seen[value] then
            check.fail("%s: value %s is there twice", where, check.show(value))
        end
        seen[value], own[i] = true, value
    end
    return own
end

--- One of some values that have no order.
---@param list (string|number|boolean)[]
---@return assay.Parameter
function parameter.choice(list)
    return finish { kind = "choice", choices = choices_of("space.choice", list) }
end

--- One of some values in order: neighbours are alike.
---@param list (string|number|boolean)[]
---@return assay.Parameter
function parameter.ordered(list)
    return finish { kind = "ordered", choices = choices_of("space.ordered", list) }
end

--- Always the same value; it shows in reports and is passed to `design`.
---@param value string|number|boolean
---@return assay.Parameter
function parameter.constant(value)
    return finish { kind = "constant", value = choices_of("space.constant", { value })[1] }
end

--- As many values as the parameter or number `length` says, each drawn by `inner`.
---@param length string|integer
---@param inner assay.Parameter
---@return assay.Parameter
function parameter.list(length, inner)
    if type(length) ~= "string" then
        check.whole("space.list: length (a number, or the name of a parameter)", length, 0,
            parameter.longest)
    end
    if not parameter.is(inner) then
        check.fail("space.list: what each element is expected, such as space.int(8, 256); "
            .. "got %s", check.show(inner))
    elseif inner.kind == "list" or inner.condition then
        check.fail("space.list: elements may be neither lists nor conditional")
    end
    return setmetatable({ kind = "list", length = length, inner = inner }, Parameter)
end

local function is_one_of(value, list)
    for _, known in ipairs(list) do
        if known == value then
            return true
        end
    end
    return false
end

--- Raises unless the value is one that the parameter can have.
---@param where string
---@param p assay.Parameter
---@param value any
function parameter.check(where, p, value)
    local kind = p.kind
    if kind == "int" then
        check.whole(where, value, p.lo, p.hi)
    elseif kind == "float" then
        check.number(where, value, p.lo, p.hi)
    elseif kind == "list" then
        for i = 1, check.list(where, value) do
            parameter.check(format("%s[%d]", where, i), p.inner, value[i])
        end
    elseif kind == "constant" and value ~= p.value then
        check.fail("%s: %s expected, got %s", where, check.show(p.value),
            check.show(value))
    elseif p.choices and not is_one_of(value, p.choices) then
        local known = {}
        for i, choice in ipairs(p.choices) do
            known[i] = check.show(choice)
        end
        check.fail("%s: one of %s expected, got %s", where, table.concat(known, ", "),
            check.show(value))
    end
end

--- A parameter as a plain table.
---@param name? string
---@param p assay.Parameter
---@return table
function parameter.describe(name, p)
    return { name = name, type = p.kind, lo = p.lo, hi = p.hi,
        log = p.log, step = p.step, choices = p.choices,
        value = p.value, help = p.text, length = p.length,
        conditional = p.condition ~= nil or nil,
        inner = p.inner and parameter.describe(nil, p.inner) or nil }
end

return parameter
