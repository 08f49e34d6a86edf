-- w1.lua - workload W1 as a session: one small network, trained again and again with
-- another seed and learning rate.
-- SPDX-License-Identifier: Apache-2.0

local assay = require "assay"
local space, strategy, net, prepare = assay.space, assay.strategy, assay.net, assay.prepare

return assay.rule {
    title = "W1: 16-16 relu, adam, batches of 16, 50 epochs",
    prepare = {
        prepare.scale(0, 1),
        prepare.split { test = 0.2, stratify = true },
    },
    space = { rate = space.float(1e-3, 1e-2, { log = true }) },
    strategy = strategy.random { trials = 20000 },
    design = function(p)
        return net.mlp {
            hidden = net.stack(2, { units = 16, activation = "relu" }),
            optimizer = { "adam", rate = p.rate },
            epochs = 50,
            batch = 16,
        }
    end,
}
