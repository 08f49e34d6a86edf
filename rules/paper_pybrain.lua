-- paper_pybrain.lua - the experiment of the 2015 paper as its PyBrain program ran it.
-- SPDX-License-Identifier: Apache-2.0
--
--     assay run rules/paper_pybrain.lua --data iris.csv --label Species
--
-- Online gradient descent (one row a step) on the squared error of tanh outputs, until the
-- error on the validation part no longer falls.

local assay = require "assay"
local space, strategy, net, prepare = assay.space, assay.strategy, assay.net, assay.prepare

return assay.rule {
    title = "Layers, widths and activations, trained row by row until convergence",
    description = [[
Stochastic gradient descent on single rows, mean squared error, tanh outputs. 15 % of the
rows decide when to stop; the best weights on them are the ones that are judged.]],

    options = {
        epochs = { default = 200, min = 1, help = "epochs at most" },
        patience = { default = 10, min = 1, help = "epochs without progress before it stops" },
        layers = { default = 4, min = 1, max = 100, help = "most hidden layers" },
    },

    prepare = {
        prepare.fill_missing(0),
        prepare.scale(0, 1),
        prepare.one_hot(),
        prepare.split { test = 0.2, validate = 0.15, stratify = true },
    },

    space = function(options)
        return {
            layers = space.int(1, options.layers),
            units = space.ordered { 4, 8, 16, 32 },
            activation = space.choice { "sigmoid", "tanh" },
            rate = space.ordered { 0.01, 0.03, 0.1 },
        }
    end,

    strategy = strategy.grid(),

    design = function(p, options)
        return net.mlp {
            hidden = net.stack(p.layers, { units = p.units, activation = p.activation }),
            optimizer = { "sgd", rate = p.rate },
            batch = 1,
            loss = "mse",
            output = { activation = "tanh" },
            epochs = options.epochs,
            patience = options.patience,
            restore_best = true,
        }
    end,

    -- The validation part has chosen when to stop, so the test part has to judge.
    objective = { maximize = "test_accuracy" },
}
