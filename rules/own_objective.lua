-- own_objective.lua - own Lua code on the workers instead of the built-in trainer.
-- SPDX-License-Identifier: Apache-2.0
--
--     assay run rules/own_objective.lua --data iris.csv --label Species
--
-- A rule with `trial` says itself what happens with a set of values. This one builds
-- networks whose hidden layer stays random: only the output weights are fitted, at once, by
-- least squares (an "extreme learning machine"). Everything here is matrices.

local assay = require "assay"
local matrix, space, strategy, prepare = assay.matrix, assay.space, assay.strategy, assay.prepare

-- Class numbers (rows, 1) to one column a class: 1 where the row has the class, else -1.
local function targets(y, classes)
    local t = matrix.new(y:rows(), classes, -1)
    for i = 1, y:rows() do
        t:set(i, y:get(i, 1), 1)
    end
    return t
end

-- The share of rows whose largest output is that of their class.
local function accuracy(outputs, y)
    local guesses, right = outputs:argmax("rows"), 0
    for i = 1, y:rows() do
        if guesses[i] == y:get(i, 1) then
            right = right + 1
        end
    end
    return right / y:rows()
end

return assay.rule {
    title = "Random hidden layers with output weights fitted at once",
    description = [[
One hidden layer of random weights; the outputs solve (H'H + c I) W = H'T, where H is the
hidden layer's output and T the classes as -1 and 1. Searches the number of units, the size
of the random weights, the activation, and the ridge c.]],

    prepare = {
        prepare.fill_missing("mean"),
        prepare.standardize(),
        prepare.one_hot(),
        prepare.split { test = 0.2, stratify = true },
    },

    space = {
        units = space.int(4, 200, { log = true }),
        size = space.float(0.1, 3, { log = true }):help("size of the random weights"),
        ridge = space.float(1e-4, 10, { log = true }),
        activation = space.choice { "tanh", "sigmoid", "relu" },
    },

    strategy = strategy.random { trials = 300 },

    -- Runs on a worker, once a trial. Random numbers repeat with the trial: so does `matrix.
    -- normal` without a seed. Whatever numbers it returns are kept; `score` is the objective.
    trial = function(params, data)
        if data.task ~= "classify" then
            error("this rule needs a label with classes; regression.lua predicts numbers")
        end
        local train, test = data.train, data.validate or data.test
        local weights = matrix.normal(data.inputs, params.units, { std = params.size })
        local bias = matrix.normal(1, params.units, { std = params.size })

        local function hidden(x)
            return (x:mul(weights) + bias):map(params.activation)
        end

        local h = hidden(train.x)
        local ht = h:transpose()
        local left = ht:mul(h) + matrix.eye(params.units) * params.ridge
        local output = left:solve(ht:mul(targets(train.y, data.classes)))

        return {
            score = accuracy(hidden(test.x):mul(output), test.y),
            train_accuracy = accuracy(h:mul(output), train.y),
            weight_norm = output:norm(),
        }
    end,

    objective = { maximize = "score" },
}
