-- sweep.lua - the declarative form of a rule: a sweep that asks a strategy.
-- SPDX-License-Identifier: Apache-2.0
--
-- There is one way to run a rule, and this is the sweep of those that bring none.

local boards = require "assay.board"
local check = require "assay.check"

local sweep = {}

local AHEAD = 4000 -- proposals that a strategy which does not adapt is ahead of the workers

local function is_finished(strategy)
    return strategy.finished ~= nil and strategy:finished() == true
end

-- How many proposals may still be made.
local function left(session, strategy)
    local most = session:left()
    if strategy.trials and not session.wanted then
        most = math.min(most, strategy.trials - session.board.made)
    end
    return most
end

-- What a strategy proposes, checked unless it is one of ours.
local function ask(session, strategy, n)
    local list = strategy:ask(n)
    local count = check.list("strategy.ask: list of parameters", list)
    if count > n then
        check.fail("strategy.ask: at most %d sets of parameters expected, got %d", n, count)
    end
    if strategy.is_built_in then
        return list
    end
    local own = {}
    for i = 1, count do
        own[i] = session.space:adopt("strategy.ask: item " .. i, list[i])
    end
    return own
end

-- Proposals do not depend on results: chunks of fixed size, far ahead of the workers, and
-- nothing is kept of the trials.
local function run_ahead(session, strategy)
    local board, batch = session.board, session:batch("nothing")
    while not is_finished(strategy) do
        local n = math.min(boards.chunk, left(session, strategy))
        local list = n > 0 and ask(session, strategy, n) or {}
        if #list == 0 then
            break
        end
        session:propose(batch, list)
        board:wait_until(function()
            return board.open <= AHEAD
        end)
    end
    board:wait_until(function()
        return board.open == 0
    end)
end

-- Proposals depend on results: as many trials under way as can run, and a question for each
-- that ends. What is asked depends on the order of results alone, not on how many of them
-- arrive together.
local function run_adaptive(session, strategy)
    local batch, told = session:batch("ready"), 0

    local function fill()
        local n = math.min(session.parallel - (batch.size - told), left(session, strategy))
        if n < 1 or is_finished(strategy) then
            return
        end
        local list = ask(session, strategy, n)
        session:propose(batch, list)
        if batch.size == told then
            check.fail("strategy.ask: nothing was proposed although no trial is under way; "
                .. "let finished() return true when there is no more")
        end
    end

    fill()
    for trial in batch:gather() do
        told = told + 1
        if strategy.tell then
            strategy:tell(trial)
        end
        fill()
    end
end

--- True when what a strategy proposes depends on the results it is told.
---@param strategy assay.Strategy
---@return boolean
function sweep.is_adaptive(strategy)
    return strategy.tell ~= nil or strategy.adaptive == true
end

--- Runs a strategy to its end.
---@param session assay.Session
---@param strategy assay.Strategy
function sweep.run(session, strategy)
    if strategy.open then
        strategy:open(session)
    end
    if sweep.is_adaptive(strategy) then
        run_adaptive(session, strategy)
    else
        run_ahead(session, strategy)
    end
end

return sweep
