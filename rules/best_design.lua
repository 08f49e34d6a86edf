-- best_design.lua - which layer design suits this data?
-- SPDX-License-Identifier: Apache-2.0
--
--     assay run rules/best_design.lua --data iris.csv --label Species --trials 1000
--
-- A rule has three parts: how the table becomes numbers (`prepare`), what is tried
-- (`space`), and how a set of values becomes a network (`design`). Assay does the rest.

local assay = require "assay"
local space, strategy, net, prepare = assay.space, assay.strategy, assay.net, assay.prepare

return assay.rule {
    title = "Which layer design suits this data?",
    description = [[
Tries networks of 1 to 6 hidden layers with different widths, activations, dropout and
learning rates. Missing cells become 0, numbers are scaled to 0..1, categories are one-hot,
and every fifth row is kept for the test.]],

    -- What a caller may set: `--set epochs=50`.
    options = {
        epochs = { default = 40, min = 1, max = 10000, help = "epochs each network trains" },
        layers = { default = 6, min = 1, max = 1000, help = "most hidden layers" },
    },

    -- The parts are drawn first, so `scale` knows nothing of the rows it is tested on.
    prepare = {
        prepare.fill_missing(0),
        prepare.scale(0, 1),
        prepare.one_hot(),
        prepare.split { test = 0.2, stratify = true },
    },

    -- A function, because the deepest network is an option. `log` draws 8 to 16 as often
    -- as 32 to 64: what counts in widths and rates is the order of magnitude.
    space = function(options)
        return {
            depth = space.int(1, options.layers):help("hidden layers"),
            width = space.int(4, 64, { log = true }):help("units of each hidden layer"),
            activation = space.choice { "relu", "tanh", "sigmoid", "gelu" },
            -- Dropping units of a single small layer destroys it, so then it is not tried.
            dropout = space.float(0, 0.5):when(function(p)
                return p.depth > 1 and p.width >= 16
            end),
            rate = space.float(1e-3, 3e-2, { log = true }):help("learning rate of adam"),
            batch = space.ordered { 8, 16, 32 },
        }
    end,

    strategy = strategy.random { trials = 1000 },

    design = function(p, options)
        return net.mlp {
            -- p.dropout is nil where it does not exist, which means no dropout.
            hidden = net.stack(p.depth, {
                units = p.width, activation = p.activation, dropout = p.dropout,
            }),
            optimizer = { "adam", rate = p.rate },
            epochs = options.epochs,
            batch = p.batch,
        }
    end,

    objective = { maximize = "accuracy" },
}
