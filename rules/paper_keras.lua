-- paper_keras.lua - the experiment of the 2015 paper as its Keras program ran it.
-- SPDX-License-Identifier: Apache-2.0
--
--     assay run rules/paper_keras.lua --data iris.csv --label Species
--
-- Mini-batches, softmax outputs and cross-entropy. Compare with paper_pybrain.lua, which
-- asks the same question of a very different way to train.

local assay = require "assay"
local space, strategy, net, prepare = assay.space, assay.strategy, assay.net, assay.prepare

return assay.rule {
    title = "Layers, widths and activations, trained in mini-batches",
    description = [[
Every combination of depth, width and activation, trained by stochastic gradient descent
with momentum in mini-batches, with softmax outputs.]],

    options = {
        epochs = { default = 50, min = 1, help = "epochs each network trains" },
        batch = { default = 16, min = 1, help = "rows of a mini-batch" },
        layers = { default = 5, min = 1, max = 100, help = "most hidden layers" },
    },

    prepare = {
        prepare.fill_missing(0),
        prepare.scale(0, 1),
        prepare.one_hot(),
        prepare.split { test = 0.2, stratify = true },
    },

    space = function(options)
        return {
            layers = space.int(1, options.layers),
            units = space.ordered { 4, 8, 16, 32, 64 },
            activation = space.choice { "relu", "tanh", "sigmoid", "hard_sigmoid" },
        }
    end,

    -- A grid tries each combination once: 5 depths x 5 widths x 4 activations.
    strategy = strategy.grid(),

    design = function(p, options)
        return net.mlp {
            hidden = net.stack(p.layers, { units = p.units, activation = p.activation }),
            optimizer = { "sgd", rate = 0.1, momentum = 0.9 },
            loss = "cross_entropy",
            epochs = options.epochs,
            batch = options.batch,
        }
    end,

    objective = { maximize = "accuracy" },
}
