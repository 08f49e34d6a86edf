-- board.lua - what a session has handed out and not yet got back, and its talk with the host.
-- SPDX-License-Identifier: Apache-2.0
--
-- The sweep runs in one coroutine. It adds commands to the board; when it must wait, or
-- when enough has been collected for one message, it yields, and the host gets the
-- commands. The host comes back with events: a scatter got its numbers, a trial reported
-- or ended. Events go to batches before the sweep goes on.

local check = require "assay.check"
local core = require "assay.core"
local trials = require "assay.trial"

local board = {}

local CHUNK = 500 -- proposals in one scatter command, and scattered before a message goes
local WEIGHT = 20000 -- the same in entries: layers and elements of lists
local AHEAD = 20000 -- proposals under way at most, before a sweep has to wait

---@class assay.Board
---@field limit integer?   proposals that may be made
---@field made integer     proposals made
---@field open integer     proposals that have not ended
---@field locate fun(message: string): string   adds a line to messages without one
local Board = {}
Board.__index = Board

--- True when a scatter command of so many proposals and entries is full.
---@param count integer
---@param weight integer
---@return boolean
function board.is_full(count, weight)
    return count >= CHUNK or weight >= WEIGHT
end

--- Proposals to ask a strategy for at a time.
board.chunk = CHUNK

--- An empty board.
---@param limit? integer        proposals that may be made
---@param pruner? assay.Pruner  judges the reports of all trials
---@return assay.Board
function board.new(limit, pruner)
    local self = { limit = limit, pruner = pruner, made = 0, open = 0, seq = 0, unsent = 0,
        unsent_weight = 0, commands = {}, unnumbered = {}, chunk_of = {}, is_over = false }
    function self.locate(message)
        return message
    end
    return setmetatable(self, Board)
end

--- Adds a command for the host.
---@param command table
function Board:push(command)
    self.commands[#self.commands + 1] = command
end

-- Waiting ---------------------------------------------------------------------------------

--- True inside the sweep itself, where it is possible to wait.
---@return boolean
function Board:can_wait()
    return self.thread ~= nil and coroutine.running() == self.thread
end

--- Gives the commands to the host; comes back with new events if `is_waiting`, else at once.
---@param is_waiting boolean
function Board:pause(is_waiting)
    if not self:can_wait() then
        check.fail("session: only the sweep itself can wait for trials, not a callback and "
            .. "not a coroutine of its own")
    end
    self.unsent, self.unsent_weight = 0, 0
    coroutine.yield(is_waiting)
end

--- Waits until the condition holds.
---@param condition fun(): boolean
function Board:wait_until(condition)
    while not condition() do
        self:pause(true)
    end
end

-- Scatters are cut to what is left. Once nothing is, the session ends when all that is
-- under way has: the sweep does not come back from here.
local function end_at_limit(self)
    self:push { ["do"] = "log", text = ("the limit of %d trials is reached"):format(self.limit) }
    self:wait_until(function()
        return self.open == 0
    end)
    self.is_over = true
    self:pause(true)
end

--- How many of n proposals may still be made.
---@param n integer
---@return integer
function Board:allow(n)
    if not self.limit or n == 0 then
        return n
    end
    local left = math.max(0, self.limit - self.made)
    if left == 0 and self:can_wait() then
        end_at_limit(self)
    end
    return math.min(n, left)
end

-- Handing out -----------------------------------------------------------------------------

---@class assay.Chunk      the proposals of one scatter command
---@field batch assay.Batch
---@field first integer    place of the first in its batch, from 1
---@field count integer
---@field left integer     how many have not ended
---@field seq integer      of the scatter
---@field items table[]?   { params, design }; nil when nobody asks for them again
---@field number integer?  of the first; nil until the host has told

---@private
function Board:needs_items(batch)
    return batch.keeps ~= "nothing" or self.pruner ~= nil
end

--- Sends one chunk of a batch.
---@param batch assay.Batch
---@param first integer
---@param items table[]   { params, design }
---@param weight integer
---@param options { priority?: integer, label?: string }
function Board:scatter(batch, first, items, weight, options)
    self.seq = self.seq + 1
    self.made, self.open = self.made + #items, self.open + #items
    self.unsent, self.unsent_weight = self.unsent + #items, self.unsent_weight + weight
    local chunk = { batch = batch, first = first, count = #items, left = #items,
        seq = self.seq, items = self:needs_items(batch) and items or nil }
    self.unnumbered[self.seq], batch.chunks[self.seq] = chunk, chunk
    self:push { ["do"] = "scatter", trials = items, priority = options.priority,
        label = options.label }
    if not self:can_wait() then
        return
    end
    if board.is_full(self.unsent, self.unsent_weight) then
        self:pause(false)
    end
    self:wait_until(function()
        return self.open <= AHEAD
    end)
end

--- Asks the host to stop what the batch still has under way.
---@param batch assay.Batch
function Board:cancel(batch)
    local seqs = {}
    for seq in pairs(batch.chunks) do
        seqs[#seqs + 1] = seq
    end
    table.sort(seqs)
    for _, seq in ipairs(seqs) do
        local chunk = batch.chunks[seq]
        if chunk.number then
            self:cancel_chunk(chunk)
        else
            chunk.is_cancelled = true
        end
    end
end

---@private
function Board:cancel_chunk(chunk)
    local numbers = {}
    for number = chunk.number, chunk.number + chunk.count - 1 do
        if self.chunk_of[number] then
            numbers[#numbers + 1] = number
        end
    end
    if #numbers > 0 then
        self:push { ["do"] = "cancel", numbers = numbers }
    end
end

--- Asks the host to stop one trial as a poor one.
---@param number integer
function Board:prune(number)
    if self.chunk_of[number] then
        self:push { ["do"] = "prune", number = number }
    end
end

-- Events ----------------------------------------------------------------------------------

local event = {}

function event.scattered(self, fields)
    local chunk = self.unnumbered[fields.seq]
    if not chunk then
        return
    end
    self.unnumbered[fields.seq] = nil
    local first, count = fields.numbers[1], fields.numbers[2]
    if count < chunk.count then -- the host took fewer: the rest never existed
        self.open = self.open - (chunk.count - count)
        chunk.batch:shrink(chunk.count - count)
        chunk.count, chunk.left = count, count
    end
    chunk.number = first
    for number = first, first + count - 1 do
        self.chunk_of[number] = chunk
    end
    if chunk.is_cancelled then
        self:cancel_chunk(chunk)
    end
end

local function trial_of(self, chunk, number, fields)
    local item = chunk.items and chunk.items[number - chunk.number + 1] or {}
    local trial = trials.new(fields, item.params, item.design)
    trial.board = self
    return trial
end

function event.trial(self, fields)
    local chunk = self.chunk_of[fields.number]
    if not chunk then
        return
    end
    self.chunk_of[fields.number] = nil
    self.open, chunk.left = self.open - 1, chunk.left - 1
    if chunk.left == 0 then
        chunk.batch.chunks[chunk.seq] = nil
    end
    local place = fields.number - chunk.number
    if chunk.items then
        local trial = trial_of(self, chunk, fields.number, fields)
        trial.board = nil
        chunk.items[place + 1] = false
        chunk.batch:finish(chunk.first + place, trial)
    else
        chunk.batch:finish(chunk.first + place)
    end
end

local function judge(self, chunk, fields)
    local trial = trial_of(self, chunk, fields.number,
        { number = fields.number, state = "running" })
    local verdict
    if self.pruner then
        verdict = self.pruner:report(trial, fields.epoch, fields.value)
        if verdict ~= "go" and verdict ~= "stop" then
            check.fail('pruner.report: "go" or "stop" expected, got %s', check.show(verdict))
        end
    end
    if chunk.batch.on_report then
        verdict = chunk.batch.on_report(trial, fields.epoch, fields.value) or verdict
    end
    if verdict == "stop" then
        self:prune(fields.number)
    end
end

function event.report(self, fields)
    local chunk = self.chunk_of[fields.number]
    if chunk then
        judge(self, chunk, fields)
    end
end

--- Takes in what the host tells.
---@param events table[]
function Board:deliver(events)
    for i = 1, #events do
        local kind, fields = next(events[i])
        if event[kind] then
            event[kind](self, fields)
        end
    end
end

-- The coroutine ---------------------------------------------------------------------------

--- Makes a function the sweep of this board.
---@param fn function
---@param ... any   its arguments
function Board:run(fn, ...)
    local arguments, n = { ... }, select("#", ...)
    self.thread = coroutine.create(function()
        fn(unpack(arguments, 1, n))
    end)
end

-- What the sweep wanted to say before it failed is all the more wanted then.
local function raise(self, message)
    for _, command in ipairs(self.commands) do
        if command["do"] == "log" then
            core.log(command.text)
        end
    end
    if type(message) ~= "string" then
        message = "sweep: error raised with " .. check.show(message)
    end
    error(self.locate(message) .. core.traceback(self.thread), 0)
end

--- Goes on with the sweep until it yields or ends, and returns the reply for the host.
---@return { commands: table[], waiting: boolean }
function Board:step()
    local is_waiting = false
    if not self.is_over then
        local ok, answer = coroutine.resume(self.thread)
        if not ok then
            raise(self, answer)
        end
        is_waiting = answer == true
        self.is_over = self.is_over or coroutine.status(self.thread) == "dead"
        if self.is_over then
            self:push { ["do"] = "end" }
        end
    end
    local commands = self.commands
    self.commands = {}
    return { commands = commands, waiting = is_waiting and not self.is_over }
end

return board
