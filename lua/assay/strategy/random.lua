-- random.lua - independent draws from the whole space.
-- SPDX-License-Identifier: Apache-2.0

local draws = require "assay.draws"

local random = {}

---@class assay.RandomStrategy: assay.Strategy
local Random = { name = "random", is_built_in = true }
Random.__index = Random

--- Takes the space and the seed from the session.
---@param session assay.Session
function Random:open(session)
    self.space = session.space
    self.last = session.wanted or self.trials
    self.draws = draws.new(session.seed, self.space.dimensions)
end

--- The next n proposals.
---@param n integer
---@return table[] list
function Random:ask(n)
    local list = {}
    while #list < n and not self:finished() do
        self.draws.open(self.next)
        self.next = self.next + 1
        list[#list + 1] = self.space:sample(self.draws)
    end
    return list
end

---@return boolean
function Random:finished()
    return self.next > self.last
end

--- What restore() needs to go on from here.
---@return table state
function Random:state()
    return { next = self.next }
end

---@param state table
function Random:restore(state)
    self.next = state.next
end

--- Makes a strategy; assay.strategy checks the options.
---@param options { trials: integer, pruner?: assay.Pruner }
---@return assay.RandomStrategy
function random.new(options)
    return setmetatable({ trials = options.trials, last = options.trials,
        pruner = options.pruner, next = 1 }, Random)
end

return random
