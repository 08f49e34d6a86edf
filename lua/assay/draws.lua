-- draws.lua - the uniform numbers of one proposal, by dimension.
-- SPDX-License-Identifier: Apache-2.0
--
-- Proposal i is a pure function of (session seed, i): its numbers come from a stream of its
-- own, so neither the order of questions nor the order of results changes it.

local core = require "assay.core"

local draws = {}

---@class assay.Draws
---@field open fun(number: integer)              go to the proposal with this number
---@field uniform fun(dimension: integer): number   from [0, 1)
---@field again fun()                             other numbers, for the same proposal
---@field pick fun(parameter: assay.Parameter, dimension: integer): any

--- Numbers of proposals for a session's seed.
---@param seed integer
---@param ahead integer   dimensions that every proposal needs; more come on demand
---@return assay.Draws
function draws.new(seed, ahead)
    local generator, numbers, count
    local self = {}

    function self.again()
        numbers, count = generator:uniforms(ahead), ahead
    end

    function self.open(number)
        generator = core.random(seed, "strategy", number)
        self.again()
    end

    function self.uniform(dimension)
        while count < dimension do
            count = count + 1
            numbers[count] = generator:uniform()
        end
        return numbers[dimension]
    end

    function self.pick(parameter, dimension)
        return parameter.read(self.uniform(dimension))
    end

    return self
end

return draws
