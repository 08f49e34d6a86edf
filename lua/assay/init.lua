-- init.lua - `require "assay"`: everything rules and scripts are written with.
-- SPDX-License-Identifier: Apache-2.0

local core = require "assay.core"
local rule = require "assay.rule"

local assay = {
    data = require "assay.data",
    matrix = require "assay.matrix",
    net = require "assay.net",
    prepare = require "assay.prepare",
    space = require "assay.space",
    strategy = require "assay.strategy",
    train = require "assay.train",
    version = core.version,
}

--- Makes the rule that a rule file returns; unknown keys are errors.
---@param keys assay.Rule
---@return assay.Rule
function assay.rule(keys)
    return rule.new(keys)
end

return assay
