-- regression.lua - predicting a number instead of a class.
-- SPDX-License-Identifier: Apache-2.0
--
--     assay run rules/regression.lua --data iris.csv --label Petal.Width
--
-- With a numeric label the output is linear, the loss is the squared error, and results are
-- judged by the root of the mean squared error (rmse): smaller is better.

local assay = require "assay"
local space, strategy, net, prepare = assay.space, assay.strategy, assay.net, assay.prepare

return assay.rule {
    title = "Which design predicts this number best?",
    description = [[
Sobol's sequence spreads the trials evenly over widths, depths, losses and rates; each layer
has a width of its own. Training stops when the validation part no longer improves.]],

    options = {
        epochs = { default = 100, min = 1, help = "epochs at most" },
    },

    prepare = {
        prepare.fill_missing("median"),
        prepare.standardize(),
        prepare.one_hot(),
        prepare.split { test = 0.2, validate = 0.15 },
    },

    space = {
        depth = space.int(1, 3),
        -- As many widths as there are layers: widths[1], widths[2], ...
        widths = space.list("depth", space.int(8, 64, { log = true })),
        activation = space.choice { "relu", "tanh", "silu" },
        loss = space.choice { "mse", "mae", "huber" },
        rate = space.float(1e-3, 3e-2, { log = true }),
    },

    strategy = strategy.sobol { trials = 200 },

    design = function(p, options)
        return net.mlp {
            hidden = net.widths(p.widths, { activation = p.activation }),
            loss = p.loss,
            optimizer = { "adam", rate = p.rate },
            schedule = "cosine",
            epochs = options.epochs,
            batch = 16,
            patience = 15,
        }
    end,

    objective = { minimize = "rmse" },
}
