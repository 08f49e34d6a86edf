-- space.lua - what is searched: parameters, when they exist, and drawing values for them.
-- SPDX-License-Identifier: Apache-2.0
--
-- Lua tables keep no order, so names in sorted order are the order everywhere. A value
-- comes from a uniform number of its own dimension: scalars take dimensions 1 .. n by
-- name; lists share those behind, element by element, so that short lists need few.

local check = require "assay.check"
local core = require "assay.core"
local kinds = require "assay.parameter"

local space = {
    int = kinds.int,
    float = kinds.float,
    choice = kinds.choice,
    ordered = kinds.ordered,
    constant = kinds.constant,
    list = kinds.list,
}

local max = math.max

local MAX_REFUSED = 1000

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
        check.whole(where .. ' by "' .. length .. '"', value, 0, kinds.longest)
        most = max(most, value)
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
        elseif not kinds.is(parameter) then
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
        kinds.check(where .. "." .. name, parameter, value)
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

--- The parameters as plain tables, by name.
---@return table[]
function Space:describe()
    local list = {}
    for i, name in ipairs(self.names) do
        list[i] = kinds.describe(name, self.parameters[name])
    end
    return list
end

return space
