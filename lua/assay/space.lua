-- space.lua - what is searched: parameters, when they exist, and drawing values for them.
-- SPDX-License-Identifier: Apache-2.0
--
-- Lua tables keep no order, so names in sorted order are the order everywhere. A value
-- comes from a uniform number of its own dimension: scalars take dimensions 1 .. n by
-- name; lists share those behind, element by element, so that short lists need few.

local check = require "assay.check"
local core = require "assay.core"

local space = {}

local floor, exp, log, max = math.floor, math.exp, math.log, math.max
local format = string.format

local MAX_WHOLE = 2 ^ 53
local MAX_LENGTH = 20000
local MAX_REFUSED = 1000
local RANGE_KEYS = check.set { "log", "step" }

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

local function is_parameter(value)
    return type(value) == "table" and value.is_parameter == true
end

local function copy(parameter)
    local twin = setmetatable({}, Parameter)
    for key, value in pairs(parameter) do
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
    if kind ~= "function" and kind ~= "table" or is_parameter(condition) then
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
    if max(math.abs(first), math.abs(last), stride) > MAX_WHOLE then
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

-- Each returns two functions: u in [0, 1) to a value, and level k of n to a value.
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
function space.int(lo, hi, options)
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
function space.float(lo, hi, options)
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
function space.choice(list)
    return finish { kind = "choice", choices = choices_of("space.choice", list) }
end

--- One of some values in order: neighbours are alike.
---@param list (string|number|boolean)[]
---@return assay.Parameter
function space.ordered(list)
    return finish { kind = "ordered", choices = choices_of("space.ordered", list) }
end

--- Always the same value; it shows in reports and is passed to `design`.
---@param value string|number|boolean
---@return assay.Parameter
function space.constant(value)
    return finish { kind = "constant", value = choices_of("space.constant", { value })[1] }
end

--- As many values as the parameter or number `length` says, each drawn by `inner`.
---@param length string|integer
---@param inner assay.Parameter
---@return assay.Parameter
function space.list(length, inner)
    if type(length) ~= "string" then
        check.whole("space.list: length (a number, or the name of a parameter)", length, 0,
            MAX_LENGTH)
    end
    if not is_parameter(inner) then
        check.fail("space.list: what each element is expected, such as space.int(8, 256); "
            .. "got %s", check.show(inner))
    elseif inner.kind == "list" or inner.condition then
        check.fail("space.list: elements may be neither lists nor conditional")
    end
    return setmetatable({ kind = "list", length = length, inner = inner }, Parameter)
end

---@class assay.Constraint
---@field fn fun(params: table, options: table, data: table): boolean?
---@field why string

--- Designs for which the function returns false or nil are never tried.
---@param fn fun(params: table, options: table, data: table): boolean?
---@param why string   what must hold, for messages
---@return assay.Constraint
function space.constraint(fn, why)
    check.func("space.constraint: first argument", fn)
    check.text("space.constraint: second argument (what must hold)", why)
    return { fn = fn, why = why, is_constraint = true }
end

-- The space as a whole ------------------------------------------------------------------

---@class assay.Space
---@field names string[]                            sorted
---@field parameters table<string, assay.Parameter>
---@field dimensions integer                        of scalars
---@field lists integer                             number of list parameters
---@field longest integer                           elements of the longest list
local Space = {}
Space.__index = Space

local function check_condition(name, parameter, parameters, names)
    if type(parameter.condition) ~= "table" then
        return
    end
    for other in pairs(parameter.condition) do
        if parameters[other] == nil then
            check.unknown("space." .. name .. ": when", "parameter", other, names)
        elseif other == name then
            check.fail("space.%s: when: it depends on itself", name)
        end
    end
end

-- The most elements a list can have.
local function longest_list(name, parameter, parameters, names)
    local length = parameter.length
    if type(length) == "number" then
        return length
    end
    local source = parameters[length]
    local where = "space." .. name .. ": length"
    if source == nil then
        check.unknown(where, "parameter", length, names)
    end
    local values = source.kind == "int" and { source.lo, source.hi }
        or source.kind == "constant" and { source.value } or source.choices
    if not values then
        check.fail('%s: "%s" must be a whole number (space.int), it is a %s', where, length,
            source.kind)
    end
    local most = 0
    for _, value in ipairs(values) do
        most = max(most, check.whole(where .. ' by "' .. length .. '"', value, 0, MAX_LENGTH))
    end
    return most
end

local function check_entries(entries)
    if type(entries) ~= "table" then
        check.fail("space: table of parameters expected, got %s", check.show(entries))
    end
    for name, parameter in pairs(entries) do
        if type(name) ~= "string" or not name:match("^[%a_][%w_]*$") then
            check.fail("space: names of letters, digits and _ expected, got %s",
                check.show(name))
        elseif not is_parameter(parameter) then
            check.fail("space.%s: parameter expected, such as space.int(1, 8) or "
                .. "space.constant(8); got %s", name, check.show(parameter))
        end
    end
end

local function check_constraints(constraints)
    for i = 1, check.list("constraints", constraints) do
        local c = constraints[i]
        if type(c) ~= "table" or not c.is_constraint then
            check.fail('constraints[%d]: space.constraint(fn, "why") expected, got %s', i,
                check.show(c))
        end
    end
end

-- Answers reads of names that have no value: decides what is not yet decided, gives nil
-- for a parameter that does not exist in this proposal, and refuses unknown names.
local function reader_of(self)
    return {
        __index = function(params, name)
            if self.parameters[name] == nil then
                check.unknown("params", "parameter", name, self.names)
            end
            if self.open == params then
                self:decide(params, name)
                return rawget(params, name)
            end
            return nil
        end,
    }
end

local function sort_entries(self)
    for _, name in ipairs(self.names) do
        local parameter = self.parameters[name]
        check_condition(name, parameter, self.parameters, self.names)
        if parameter.kind == "list" then
            self.lists = self.lists + 1
            self.dimension[name] = self.lists
            self.longest = max(self.longest,
                longest_list(name, parameter, self.parameters, self.names))
        else
            self.dimensions = self.dimensions + 1
            self.dimension[name] = self.dimensions
        end
        local is_plain = parameter.kind ~= "list" and not parameter.condition
        local group = is_plain and self.plain or self.rest
        group[#group + 1] = name
    end
end

--- Checks a rule's `space` and `constraints` and makes them ready to draw from.
---@param entries table<string, assay.Parameter>
---@param constraints? assay.Constraint[]
---@param options? table   the rule's options, passed to conditions and constraints
---@param data? table      the session's data, passed to constraints
---@return assay.Space
function space.compile(entries, constraints, options, data)
    check_entries(entries)
    check_constraints(constraints or {})
    local self = setmetatable({
        names = check.sorted(entries), parameters = entries, dimension = {},
        constraints = constraints or {}, options = options or {}, data = data,
        dimensions = 0, lists = 0, longest = 0,
        plain = {}, rest = {}, state = {}, run = 0,
    }, Space)
    sort_entries(self)
    self.reader = reader_of(self)
    return self
end

local function holds(self, name, params)
    local condition = self.parameters[name].condition
    if type(condition) == "function" then
        return condition(params, self.options)
    end
    for other, wanted in pairs(condition) do
        local value = params[other]
        if type(wanted) ~= "table" then
            wanted = { wanted }
        end
        local found = false
        for _, w in ipairs(wanted) do
            found = found or w == value
        end
        if not found then
            return false
        end
    end
    return true
end

local function cycle(self, name)
    local names = {}
    for _, other in ipairs(self.rest) do
        if self.state[other] == -self.run then
            names[#names + 1] = other
        end
    end
    check.fail("space.%s: conditions depend on each other in a circle, through %s", name,
        table.concat(names, ", "))
end

-- Gives a conditional parameter or a list its value, or leaves it out. `state` is -run
-- while that goes on and run when it is done.
---@private
function Space:decide(params, name)
    local state, run = self.state, self.run
    if state[name] == run then
        return
    elseif state[name] == -run then
        cycle(self, name)
    end
    state[name] = -run
    local parameter = self.parameters[name]
    if not parameter.condition or holds(self, name, params) then
        if parameter.kind == "list" then
            local length = parameter.length
            if type(length) == "string" then
                length = params[length]
            end
            if length then
                params[name] = self:fill(parameter, self.dimension[name], length)
            end
        else
            params[name] = self.pick(parameter, self.dimension[name])
        end
    end
    state[name] = run
end

---@private
function Space:fill(parameter, which, length)
    local list = {}
    for e = 1, length do
        local dimension = self.dimensions + (e - 1) * self.lists + which
        list[e] = self.pick(parameter.inner, dimension)
    end
    return list
end

--- Makes one set of parameter values; `pick` chooses each value that exists, in an order
--- that depends on the earlier choices alone.
---@param pick fun(parameter: assay.Parameter, dimension: integer): any
---@return table params
function Space:resolve(pick)
    local params = {}
    self.run, self.pick = self.run + 1, pick
    local plain, rest, parameters = self.plain, self.rest, self.parameters
    for i = 1, #plain do
        params[plain[i]] = pick(parameters[plain[i]], self.dimension[plain[i]])
    end
    if #self.names == 0 then
        return core.object(params)
    end
    setmetatable(params, self.reader)
    self.open = params
    for i = 1, #rest do
        self:decide(params, rest[i])
    end
    self.open = nil
    return params
end

--- The constraint that the values break, if any.
---@param params table
---@return assay.Constraint?
function Space:broken(params)
    for _, constraint in ipairs(self.constraints) do
        if not constraint.fn(params, self.options, self.data) then
            return constraint
        end
    end
    return nil
end

--- Draws values that keep all constraints.
---@param draws assay.Draws   uniform numbers by dimension
---@return table params
function Space:sample(draws)
    local broken
    for _ = 1, MAX_REFUSED do
        local params = self:resolve(draws.pick)
        broken = self:broken(params)
        if not broken then
            return params
        end
        draws.again()
    end
    check.fail('constraints: %d draws in a row were refused, the last because "%s" does not '
        .. "hold; widen the space or the constraint", MAX_REFUSED, broken.why)
end

local function is_one_of(value, list)
    for _, known in ipairs(list) do
        if known == value then
            return true
        end
    end
    return false
end

local function check_value(where, parameter, value)
    local kind = parameter.kind
    if kind == "int" then
        check.whole(where, value, parameter.lo, parameter.hi)
    elseif kind == "float" then
        check.number(where, value, parameter.lo, parameter.hi)
    elseif kind == "list" then
        for i = 1, check.list(where, value) do
            check_value(format("%s[%d]", where, i), parameter.inner, value[i])
        end
    elseif kind == "constant" and value ~= parameter.value then
        check.fail("%s: %s expected, got %s", where, check.show(parameter.value),
            check.show(value))
    elseif parameter.choices and not is_one_of(value, parameter.choices) then
        local known = {}
        for i, choice in ipairs(parameter.choices) do
            known[i] = check.show(choice)
        end
        check.fail("%s: one of %s expected, got %s", where, table.concat(known, ", "),
            check.show(value))
    end
end

--- Checks values that a strategy proposes. Parameters without a value do not exist.
---@param where string
---@param params any
---@return table params  a copy whose unknown names are errors
function Space:adopt(where, params)
    if type(params) ~= "table" then
        check.fail("%s: table of parameter values expected, got %s", where,
            check.show(params))
    end
    local own = {}
    for name, value in pairs(params) do
        local parameter = self.parameters[name]
        if parameter == nil then
            check.unknown(where, "parameter", name, self.names)
        end
        check_value(where .. "." .. name, parameter, value)
        own[name] = value
    end
    for _, name in ipairs(self.plain) do
        if own[name] == nil then
            check.fail("%s: no value for parameter %s", where, name)
        end
    end
    if next(own) == nil then
        return core.object(own)
    end
    return setmetatable(own, self.reader)
end

local function describe(name, parameter)
    return { name = name, type = parameter.kind, lo = parameter.lo, hi = parameter.hi,
        log = parameter.log, step = parameter.step, choices = parameter.choices,
        value = parameter.value, help = parameter.text, length = parameter.length,
        conditional = parameter.condition ~= nil or nil,
        inner = parameter.inner and describe(nil, parameter.inner) or nil }
end

--- The parameters as plain tables, by name.
---@return table[]
function Space:describe()
    local list = {}
    for i, name in ipairs(self.names) do
        list[i] = describe(name, self.parameters[name])
    end
    return list
end

return space
