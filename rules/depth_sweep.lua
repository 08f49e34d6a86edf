-- depth_sweep.lua - how deep may a network get before it stops learning?
-- SPDX-License-Identifier: Apache-2.0
--
--     assay run rules/depth_sweep.lua --data iris.csv --label Species --set layers=200
--
-- Hidden layers as wide as the input, from 1 layer to `layers`. This rule has no space and
-- no strategy: its `sweep` is plain code that hands out designs and looks at the results.

local assay = require "assay"
local net, prepare = assay.net, assay.prepare

-- One design for each depth from first to last. Parameters beside a design are what
-- tables, plots and findings show of it.
local function designs(first, last, units, options)
    local list = {}
    for depth = first, last do
        list[#list + 1] = {
            params = { layers = depth },
            design = net.mlp {
                hidden = net.stack(depth, { units = units, activation = options.activation }),
                optimizer = { "sgd", rate = options.rate },
                epochs = options.epochs,
                batch = 16,
            },
        }
    end
    return list
end

return assay.rule {
    title = "Accuracy and time against the number of hidden layers",
    description = [[
Networks whose hidden layers are as wide as the input, 1 to `layers` of them. Shows from
which depth plain layers no longer pass the gradient on, and how time grows with depth.]],

    options = {
        layers = { default = 30, min = 1, max = 20000, help = "most hidden layers" },
        epochs = { default = 20, min = 1, help = "epochs each network trains" },
        rate = { default = 0.1, min = 1e-6, max = 10, help = "learning rate" },
        activation = { default = "relu", choices = { "relu", "tanh", "sigmoid" } },
    },

    prepare = {
        prepare.fill_missing(0),
        prepare.scale(0, 1),
        prepare.one_hot(),
        prepare.split { test = 0.2, stratify = true },
    },

    sweep = function(session, options)
        local units = session.data.inputs
        local batch = session:scatter(designs(1, options.layers, units, options))
        local deepest, best = 0, 0
        -- Results come as they end, not in order; each carries its parameters.
        for trial in batch:gather() do
            local accuracy = trial.accuracy or 0
            best = math.max(best, accuracy)
            if trial.state == "done" and accuracy >= 0.9 then
                deepest = math.max(deepest, trial.params.layers)
            end
        end
        session:log("best accuracy %.3f; deepest network that reached 0.9: %d layers", best,
            deepest)
        session:note(("Up to **%d** hidden layers of %d units learned to an accuracy of 0.9.")
            :format(deepest, units))
    end,
}
