-- faults.lua - a rule whose results can be checked, for tests that kill things.
-- SPDX-License-Identifier: Apache-2.0

local assay = require "assay"

local WAVES = 4

-- Whole numbers below 2^53 all the way: every machine comes to the same result.
local function work(x, steps)
    local s = 0
    for i = 1, steps do
        s = (s + x * i) % 1000003
    end
    return s
end

return assay.rule {
    title = "Results that can be checked",
    options = {
        n = { default = 400, help = "trials" },
        steps = { default = 20000, help = "work of one" },
    },

    trial = function(params)
        return { score = work(params.x, params.steps) }
    end,

    -- Fails when a result is wrong or comes twice, or when one is missing.
    sweep = function(session, options)
        local seen, count = {}, 0
        for wave = 1, WAVES do
            local list = {}
            for i = 1, options.n / WAVES do
                list[i] = { x = wave * 100000 + i, steps = options.steps }
            end
            for trial in session:scatter(list):gather() do
                assert(trial.state == "done", "trial " .. trial.number .. " " .. trial.state)
                assert(not seen[trial.number], "gathered twice: " .. trial.number)
                assert(trial.score == work(trial.params.x, options.steps), "wrong score")
                seen[trial.number] = true
                count = count + 1
            end
        end
        assert(count == options.n, "gathered " .. count)
    end,
}
