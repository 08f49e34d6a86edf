-- query.lua - asks the host of a session something and waits for the answer.
-- SPDX-License-Identifier: Apache-2.0

local check = require "assay.check"
local core = require "assay.core"

local query = {}

--- Asks; raises when the host cannot answer.
---@param where string   for the message
---@param question table  as engine/lab/rule.h describes queries
---@return any answer
function query.ask(where, question)
    local answer = core.query(question)
    if type(answer) == "table" and answer.error ~= nil then
        check.fail("%s: %s", where, tostring(answer.error))
    end
    return answer
end

return query
