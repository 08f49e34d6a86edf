-- trial.lua - a trial as rules see it.
-- SPDX-License-Identifier: Apache-2.0

local check = require "assay.check"
local query = require "assay.query"

local trial = {}

---@class assay.Trial
---@field id integer
---@field number integer       in its session, from 1
---@field params table
---@field design? assay.Design
---@field seed integer
---@field state "running"|"done"|"failed"|"pruned"|"cancelled"
---@field reason? string       why it failed
---@field score? number        the objective; nil unless it is done
---@field scores? number[]     of its repeats and folds
---@field metrics table<string, number>
---@field accuracy? number     and the other metrics by name
---@field epochs integer
---@field seconds number
---@field parameters integer
---@field flops number
---@field worker string
---@field cached boolean
local Trial = {}

--- A metric after each epoch, such as "validate_accuracy".
---@param metric string
---@return number[]
function Trial:curve(metric)
    check.text("trial:curve", metric)
    return query.ask("trial:curve", { curve = self.number, metric = metric })
end

--- Stops it, if it still runs; it ends as "pruned".
function Trial:prune()
    if self.board then
        self.board:prune(self.number)
    end
end

-- "accuracy" is that of the validation part if there is one, else of the test part, else of
-- the training part.
local function add_bare_names(self, metrics)
    for _, part in ipairs { "validate_", "test_", "train_" } do
        for name, value in pairs(metrics) do
            local bare = name:sub(1, #part) == part and name:sub(#part + 1)
            if bare and self[bare] == nil then
                self[bare] = value
            end
        end
    end
end

-- trial:curve(name) and trial.curve(name) are the same.
local meta = {
    __index = function(self, name)
        if name == "curve" then
            return function(first, second)
                return Trial.curve(self, second or first)
            end
        end
        return Trial[name]
    end,
}

--- Makes the trial of an event or an answer of the host; metrics become fields.
---@param fields table
---@param params? table
---@param design? assay.Design
---@return assay.Trial
function trial.new(fields, params, design)
    local self = setmetatable({}, meta)
    local metrics = fields.metrics or {}
    for name, value in pairs(metrics) do
        self[name] = value
    end
    for name, value in pairs(fields) do
        self[name] = value
    end
    add_bare_names(self, metrics)
    self.metrics = metrics
    self.id = fields.id or fields.number
    self.params = params or fields.params
    self.design = design or fields.design
    return self
end

--- The trials of an answer to a query.
---@param answer table
---@return assay.Trial[]
function trial.list(answer)
    local list = {}
    for i, fields in ipairs(answer) do
        list[i] = trial.new(fields)
    end
    return list
end

return trial
