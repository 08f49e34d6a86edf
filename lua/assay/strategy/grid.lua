-- grid.lua - every combination of some values of each parameter, each once.
-- SPDX-License-Identifier: Apache-2.0
--
-- The space decides which parameters exist as their values are chosen. So the grid walks
-- that tree of choices: it keeps the path of the last combination, and the next one is the
-- same path with its last choice moved on.

local grid = {}

local floor, exp, log = math.floor, math.exp, math.log

local DEFAULT_POINTS = 5
local MAX_COUNTED = 1e9

---@class assay.GridStrategy: assay.Strategy
local Grid = { name = "grid", is_built_in = true }
Grid.__index = Grid

local function every_level(parameter)
    local list, n = {}, parameter.levels
    for k = 1, n do
        list[k] = parameter.read((k - 0.5) / n)
    end
    return list
end

-- The place t in [0, 1] of a numeric parameter's range, on its axis.
local function place(parameter, t)
    local lo, hi = parameter.lo, parameter.hi
    if t == 0 then
        return lo
    elseif t == 1 then
        return hi
    elseif parameter.log then
        return exp(log(lo) + t * (log(hi) - log(lo)))
    end
    return lo + t * (hi - lo)
end

-- The value the parameter can have that is nearest to x.
local function snap(parameter, x)
    if parameter.kind == "int" and parameter.log then
        return floor(x + 0.5)
    elseif parameter.levels then
        local index = floor((x - parameter.lo) / (parameter.step or 1) + 0.5)
        return parameter.read((index + 0.5) / parameter.levels)
    end
    return x
end

-- `points` values from end to end, even on the parameter's axis, equal ones once.
local function spread(parameter, points)
    local list = {}
    for k = 1, points do
        local t = points == 1 and 0.5 or (k - 1) / (points - 1)
        local x = snap(parameter, place(parameter, t))
        if x ~= list[#list] then
            list[#list + 1] = x
        end
    end
    return list
end

local function values_of(parameter, points)
    if parameter.choices then
        return parameter.choices
    elseif parameter.kind == "constant" then
        return { parameter.value }
    elseif parameter.levels and not parameter.log
        and (not points or points >= parameter.levels) then
        return every_level(parameter)
    end
    return spread(parameter, points or DEFAULT_POINTS)
end

-- The number of combinations, when no condition and no constraint thins them out.
local function count(self)
    local total = 1
    for _, name in ipairs(self.space.names) do
        local parameter = self.space.parameters[name]
        if parameter.kind == "list" or parameter.condition then
            return nil
        end
        total = total * #self.values[parameter]
    end
    return #self.space.constraints == 0 and total <= MAX_COUNTED and total or nil
end

--- Takes the space from the session.
---@param session assay.Session
function Grid:open(session)
    local points = self.points
    self.space, self.last, self.values = session.space, session.limit, {}
    for _, name in ipairs(self.space.names) do
        local parameter = self.space.parameters[name]
        local own = points
        if type(points) == "table" then
            own = points[name]
        end
        local source = parameter.inner or parameter
        self.values[source] = values_of(source, own)
    end
    self.trials = count(self)
end

-- Moves the last choice of the path on; a used-up choice goes back to the one before.
local function advance(path)
    while #path > 0 do
        local last = path[#path]
        if last.at < #last.values then
            last.at = last.at + 1
            return true
        end
        path[#path] = nil
    end
    return false
end

-- The combination at the path, which grows to its full length on the way.
local function combination(self)
    local path, step = self.path, 0
    return self.space:resolve(function(parameter)
        step = step + 1
        if path[step] == nil then
            path[step] = { values = self.values[parameter], at = 1 }
        end
        return path[step].values[path[step].at]
    end)
end

--- The next n combinations.
---@param n integer
---@return table[] list
function Grid:ask(n)
    local list = {}
    while #list < n and not self:finished() do
        local params = combination(self)
        if not self.space:broken(params) then
            list[#list + 1] = params
            self.made = self.made + 1
        end
        self.is_done = not advance(self.path)
    end
    return list
end

---@return boolean
function Grid:finished()
    return self.is_done or (self.last ~= nil and self.made >= self.last)
end

--- What restore() needs to go on from here.
---@return table state
function Grid:state()
    return { made = self.made, is_done = self.is_done }
end

---@param state table
function Grid:restore(state)
    self.path, self.made, self.is_done = {}, 0, false
    while self.made < state.made do
        self:ask(state.made - self.made)
    end
    self.is_done = state.is_done
end

--- Makes a strategy; assay.strategy checks the options.
---@param options { points?: integer|table<string, integer>, pruner?: assay.Pruner }
---@return assay.GridStrategy
function grid.new(options)
    return setmetatable({ points = options.points, pruner = options.pruner, path = {},
        made = 0, is_done = false }, Grid)
end

return grid
