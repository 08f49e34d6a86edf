-- session.lua - the session as a sweep and a strategy see it, and its batches of trials.
-- SPDX-License-Identifier: Apache-2.0

local boards = require "assay.board"
local check = require "assay.check"
local core = require "assay.core"
local net = require "assay.net"
local query = require "assay.query"
local trials = require "assay.trial"

local session = {}

local SCATTER_KEYS = check.set { "priority", "label" }
local ITEM_KEYS = check.set { "params", "design" }
local FILTER_KEYS = check.set { "state", "label", "first", "last" }

-- Batches ---------------------------------------------------------------------------------

---@class assay.Batch
---@field size integer      its trials
---@field ended integer     those that have ended
---@field keeps "all"|"ready"|"nothing"   trials until forever, until taken, or only a count
local Batch = {}
Batch.__index = Batch

local function new_batch(board, keeps)
    return setmetatable({ board = board, chunks = {}, size = 0, ended = 0, results = {},
        ready = {}, taken = 0, keeps = keeps }, Batch)
end

---@private
function Batch:finish(place, trial)
    self.ended = self.ended + 1
    if self.keeps ~= "nothing" then
        self.ready[#self.ready + 1] = trial
    end
    if self.keeps == "all" then
        self.results[place] = trial
    end
end

---@private
function Batch:shrink(n)
    self.size = self.size - n
end

local function wait_for_one(batch)
    batch.board:wait_until(function()
        return batch.taken < #batch.ready or batch.ended >= batch.size
    end)
end

local function take(batch)
    if batch.taken == #batch.ready then
        return nil
    end
    batch.taken = batch.taken + 1
    local trial = batch.ready[batch.taken]
    batch.ready[batch.taken] = false
    return trial
end

--- Yields each trial as it ends; each once, whoever asks.
---@return fun(): assay.Trial?
function Batch:gather()
    return function()
        wait_for_one(self)
        return take(self)
    end
end

--- Waits for all trials and lists them in the order they were scattered in.
---@return assay.Trial[]
function Batch:all()
    self.board:wait_until(function()
        return self.ended >= self.size
    end)
    local list = {}
    for place = 1, self.size do
        list[#list + 1] = self.results[place]
    end
    return list
end

--- Waits until n more trials have ended, or all, and lists those in the order they ended.
---@param n? integer  1 by default
---@return assay.Trial[]
function Batch:any(n)
    n = n or 1
    check.whole("batch:any", n, 1)
    local list = {}
    while #list < n do
        wait_for_one(self)
        local trial = take(self)
        if not trial then
            break
        end
        list[#list + 1] = trial
    end
    return list
end

--- Stops what has not ended. Those trials still come out of gather(), as "cancelled".
function Batch:cancel()
    self.board:cancel(self)
end

--- Has fn(trial, epoch, value) called when a running trial has reported; several times a
--- second, with the latest value. When it returns "stop" the trial is pruned.
---@param fn fun(trial: assay.Trial, epoch: integer, value: number): string?
function Batch:on_metric(fn)
    self.on_report = check.func("batch:on_metric", fn)
end

-- Proposals -------------------------------------------------------------------------------

local function is_design(value)
    return type(value) == "table" and type(value.hidden) == "table"
end

-- What a worker needs for a set of parameter values.
local function from_params(self, params)
    local rule = self.rule
    if rule.trial then
        return { params = params }
    end
    self.designing = params
    local design = rule.design(params, rule.options, self.data)
    if not is_design(design) then
        check.fail("design: net.mlp { ... } expected, got %s; does the function end in "
            .. "`return`?", check.show(design))
    end
    self.designing = nil
    return { params = params, design = design }
end

-- Gives a message about the `design` function a line, if it has none: `return net.mlp {...}`
-- leaves no trace of its caller. The function is called once more with parameters that
-- note where they are read; the last place is near the mistake.
local function locate(self, message)
    local params, lead = self.designing, self.rule.file .. ": "
    if params == nil or message:sub(1, #lead) ~= lead then
        return message
    end
    local near = lead
    local watched = setmetatable({}, { __index = function(_, name)
        near = check.users_line()
        return params[name]
    end })
    pcall(self.rule.design, watched, self.rule.options, self.data)
    return near .. message:sub(#lead + 1)
end

-- An empty table is a list for the engine unless it is marked.
local function object(t)
    return next(t) == nil and core.object(t) or t
end

-- What a worker needs for anything a sweep may scatter.
local function from_any(self, value, place)
    if type(value) ~= "table" then
        check.fail("session:scatter: item %d: design or table of parameters expected, got %s",
            place, check.show(value))
    elseif self.rule.trial then
        return { params = object(value) }
    elseif is_design(value) then
        return { params = object(net.summary(value)), design = value }
    elseif is_design(value.design) then
        local where = ("session:scatter: item %d"):format(place)
        check.keys(where, value, ITEM_KEYS)
        if value.params ~= nil and type(value.params) ~= "table" then
            check.fail("%s: params: table of names and values expected, got %s", where,
                check.show(value.params))
        end
        return { params = object(value.params or net.summary(value.design)),
            design = value.design }
    elseif self.rule.design then
        return from_params(self, object(value))
    end
    check.fail("session:scatter: item %d: design such as net.mlp { ... } expected, got a "
        .. "table without `hidden`; parameters need a `design` function in the rule", place)
end

-- The session -----------------------------------------------------------------------------

---@class assay.Session
---@field seed integer
---@field options table
---@field data table         the prepared data's shape: inputs, classes, ...; and `table`
---@field space? assay.Space
---@field limit? integer     proposals that may be made
---@field wanted? integer    proposals that the caller asked for: wins over the strategy's
---@field parallel integer   trials that run at a time
local Session = {}
Session.__index = Session

---@class assay.ScatterOptions
---@field priority? integer   higher goes first
---@field label? string       shown with the trials

local function check_scatter(list, options)
    check.list("session:scatter: list of designs or parameters", list)
    if list.hidden or #list == 0 and next(list) ~= nil then
        check.fail("session:scatter: a list expected, got a table; for one design write "
            .. "{ design }")
    end
    check.keys("session:scatter: options", options, SCATTER_KEYS)
    if options.priority ~= nil then
        check.whole("session:scatter: priority", options.priority, -1e6, 1e6)
    end
    if options.label ~= nil then
        check.text("session:scatter: label", options.label)
    end
end

-- Entries of a proposal, a measure of what it weighs in a message.
local function weigh(item)
    local weight = 1 + (item.design and #item.design.hidden or 0)
    for _, value in pairs(item.params) do
        if type(value) == "table" then
            weight = weight + #value
        end
    end
    return weight
end

local function scatter(self, batch, list, make, options)
    local count, before = self.board:allow(#list), batch.size
    local items, first, weight = {}, 1, 0
    batch.size = before + count
    for place = 1, count do
        local item = make(self, list[place], place)
        items[#items + 1], weight = item, weight + weigh(item)
        if place == count or boards.is_full(#items, weight) then
            self.board:scatter(batch, before + first, items, weight, options)
            items, first, weight = {}, place + 1, 0
        end
    end
    return batch
end

--- Hands out designs, or parameters for the rule's `design` or `trial`, and returns at once.
--- An item may also be { params = {...}, design = net.mlp {...} }.
---@param list table[]
---@param options? assay.ScatterOptions
---@return assay.Batch
function Session:scatter(list, options)
    options = options or {}
    if type(list) == "table" and is_design(list) then
        check.fail("session:scatter: a list expected, got one design; write { design }")
    end
    check_scatter(list, options)
    return scatter(self, new_batch(self.board, "all"), list, from_any, options)
end

--- An empty batch to propose into.
---@param keeps "ready"|"nothing"
---@return assay.Batch
function Session:batch(keeps)
    return new_batch(self.board, keeps)
end

--- Hands out parameters as a strategy proposes them, as more trials of a batch.
---@param batch assay.Batch
---@param list table[]
function Session:propose(batch, list)
    scatter(self, batch, list, from_params, {})
end

--- Scatters and waits for all: results in the order of the list.
---@param list table[]
---@param options? assay.ScatterOptions
---@return assay.Trial[]
function Session:map(list, options)
    return self:scatter(list, options):all()
end

--- Writes a line to the session's log.
---@param text string  a format when arguments follow
---@param ... any
function Session:log(text, ...)
    check.text("session:log", text)
    if select("#", ...) > 0 then
        local fine, line = pcall(string.format, text, ...)
        if not fine then
            check.fail("session:log: %s", line)
        end
        text = line
    end
    self.board:push { ["do"] = "log", text = text }
end

--- Adds a note to the session's report.
---@param markdown string
function Session:note(markdown)
    self.board:push { ["do"] = "note", markdown = check.text("session:note", markdown) }
end

--- The best trials so far, the best first.
---@param n? integer  1 by default
---@return assay.Trial[]
function Session:best(n)
    n = check.whole("session:best", n or 1, 1)
    return trials.list(query.ask("session:best", { best = n }))
end

--- Trials of this session that have ended, by filter.
---@param filter? { state?: string, label?: string, first?: integer, last?: integer }
---@return assay.Trial[]
function Session:trials(filter)
    filter = filter or {}
    check.keys("session:trials: filter", filter, FILTER_KEYS)
    return trials.list(query.ask("session:trials", { trials = core.object(filter) }))
end

--- Trials of an earlier session, by its name or number, to start from what they showed.
---@param earlier string|integer
---@return assay.Trial[]
function Session:from(earlier)
    if type(earlier) ~= "string" then
        check.whole("session:from: name or number of a session", earlier, 1)
    end
    return trials.list(query.ask("session:from", { trials = { session = earlier } }))
end

--- What is left: trials and seconds (math.huge where there is no limit).
---@return number trials
---@return number seconds
function Session:left()
    local board = self.board
    local count = board.limit and math.max(0, board.limit - board.made) or math.huge
    return count, self.seconds_left or math.huge
end

--- The session's clock in seconds: the same when the session is taken up again.
---@return number
function Session:now()
    return self.time or 0
end

--- Takes in what a call of the host says about time.
---@param call table
function Session:set_time(call)
    self.time = call.now or self.time
    local left = call.left and call.left.seconds
    self.seconds_left = left
end

--- Makes the session of a rule.
---@param rule assay.Rule
---@param start table   as the host's "start" call describes it
---@param limit? integer
---@param pruner? assay.Pruner
---@return assay.Session
function session.new(rule, start, limit, pruner)
    local data = start.data or {}
    data.table = start.table
    data.train_rows = data.train_rows or data.rows and data.rows.train
    local self = setmetatable({
        rule = rule, options = rule.options, data = data, seed = start.seed, limit = limit,
        parallel = rule.limits.parallel or math.max(1, start.parallel or 1),
        seconds_left = start.seconds,
        board = boards.new(limit, pruner),
    }, Session)
    function self.board.locate(message)
        return locate(self, message)
    end
    return self
end

return session
