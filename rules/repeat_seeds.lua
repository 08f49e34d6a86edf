-- repeat_seeds.lua - is one design really better than another, or was it luck?
-- SPDX-License-Identifier: Apache-2.0
--
--     assay run rules/repeat_seeds.lua --data iris.csv --label Species --set seeds=50
--
-- A few designs, each trained from many random starts. The spread of a design's own trials
-- is the yardstick for differences between designs.

local assay = require "assay"
local net, prepare = assay.net, assay.prepare

-- Designs by name. Any list of designs will do; `params` is how they are told apart.
local function candidates(epochs)
    local function mlp(hidden)
        return net.mlp { hidden = hidden, optimizer = { "adam", rate = 0.005 },
            epochs = epochs, batch = 16 }
    end
    local relu, tanh = { activation = "relu" }, { activation = "tanh" }
    return {
        { params = { design = "none" }, design = mlp {} },
        { params = { design = "wide" }, design = mlp(net.widths({ 64 }, relu)) },
        { params = { design = "deep" }, design = mlp(net.widths({ 16, 16, 16, 16 }, relu)) },
        { params = { design = "funnel" }, design = mlp(net.taper(3, 64, 8, tanh)) },
    }
end

return assay.rule {
    title = "Four designs on many seeds",
    description = "Compares designs by their mean over many random starts, with intervals.",

    options = {
        seeds = { default = 20, min = 1, max = 1000, help = "random starts of each design" },
        epochs = { default = 40, min = 1, help = "epochs each network trains" },
    },

    prepare = {
        prepare.fill_missing("mean"),
        prepare.standardize(),
        prepare.one_hot(),
        prepare.split { test = 0.2, stratify = true },
    },

    sweep = function(session, options)
        -- The same design scattered again is another trial with another seed.
        local list = {}
        for _ = 1, options.seeds do
            for _, candidate in ipairs(candidates(options.epochs)) do
                list[#list + 1] = candidate
            end
        end
        local sum, count, names = {}, {}, {}
        for _, trial in ipairs(session:map(list)) do
            local name = trial.params.design
            if trial.score then
                if not sum[name] then
                    names[#names + 1], sum[name], count[name] = name, 0, 0
                end
                sum[name], count[name] = sum[name] + trial.score, count[name] + 1
            end
        end
        for _, name in ipairs(names) do
            session:log("%-8s mean %.4f over %d seeds", name, sum[name] / count[name],
                count[name])
        end
    end,
}
