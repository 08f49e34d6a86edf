-- activation_sweep.lua - which activation works at which depth?
-- SPDX-License-Identifier: Apache-2.0
--
--     assay run rules/activation_sweep.lua --data iris.csv --label Species
--
-- Eleven activations on several depths, each on several seeds: one seed proves little.

local assay = require "assay"
local space, strategy, net, prepare = assay.space, assay.strategy, assay.net, assay.prepare

return assay.rule {
    title = "Activations against depth",
    description = [[
Every activation at depths 1, 2, 4 and 8, each trained from three random starts. The value
of a design is the mean of its trials, with an interval.]],

    options = {
        epochs = { default = 30, min = 1, help = "epochs each network trains" },
        units = { default = 16, min = 1, max = 4096, help = "units of each hidden layer" },
    },

    prepare = {
        prepare.fill_missing(0),
        prepare.standardize(),
        prepare.one_hot(),
        prepare.split { test = 0.2, stratify = true },
    },

    space = {
        activation = space.choice { "linear", "relu", "leaky_relu", "elu", "gelu", "silu",
            "tanh", "sigmoid", "softplus", "softsign", "hard_sigmoid" },
        depth = space.ordered { 1, 2, 4, 8 },
    },

    strategy = strategy.grid(),
    repeats = 3,

    design = function(p, options)
        -- Layers that cut half of their input off need larger weights to begin with.
        local cuts = p.activation == "relu" or p.activation == "leaky_relu"
        return net.mlp {
            hidden = net.stack(p.depth, {
                units = options.units,
                activation = p.activation,
                init = cuts and "he_uniform" or "glorot_uniform",
            }),
            optimizer = { "adam", rate = 0.005 },
            epochs = options.epochs,
            batch = 16,
        }
    end,

    objective = { maximize = "accuracy" },
}
