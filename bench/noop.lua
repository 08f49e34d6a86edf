-- noop.lua - trials that do nothing: measures how fast trials are made, handed out,
-- gathered and stored.
-- SPDX-License-Identifier: Apache-2.0

local assay = require "assay"
local space, strategy = assay.space, assay.strategy

return assay.rule {
    title = "Trials that do nothing",
    space = {
        a = space.float(0, 1),
        b = space.float(0, 1),
    },
    strategy = strategy.random { trials = 20000 },
    trial = function()
        return { score = 0 }
    end,
}
