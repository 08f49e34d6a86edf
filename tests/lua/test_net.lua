-- test_net.lua - designs.
-- SPDX-License-Identifier: Apache-2.0

local net = require "assay.net"
local tap = require "tap"

local test, equal, raises = tap.test, tap.equal, tap.raises

test("net: equal layers stay one entry", function()
    local layer = { units = 4, activation = "relu" }
    equal(net.stack(20000, layer), { { units = 4, activation = "relu", ["repeat"] = 20000 } })
    equal(net.stack(1, layer), { { units = 4, activation = "relu" } })
    equal(net.stack(0, layer), {})
    equal(layer, { units = 4, activation = "relu" }, "the layer given is left alone")
end)

test("net: widths and tapers", function()
    equal(net.widths({ 8, 4 }, { activation = "tanh" }),
        { { units = 8, activation = "tanh" }, { units = 4, activation = "tanh" } })
    equal(net.widths({}), {})
    equal(net.taper(4, 64, 8), { { units = 64 }, { units = 32 }, { units = 16 }, { units = 8 } })
    equal(net.taper(1, 64, 8), { { units = 64 } })
    equal(net.taper(3, 5, 5), { { units = 5 }, { units = 5 }, { units = 5 } })
end)

test("net: layers may be mixed and nested", function()
    local design = net.mlp { hidden = { net.dense { units = 9 }, net.stack(3, { units = 4 }),
        { { units = 2 } } } }
    equal(design.hidden, { { units = 9 }, { units = 4, ["repeat"] = 3 }, { units = 2 } })
    equal(net.mlp { hidden = net.dense { units = 3 } }.hidden, { { units = 3 } })
    equal(net.mlp { hidden = {} }.hidden, {})
end)

test("net: every option reaches the design", function()
    equal(net.mlp {
        hidden = { { units = 4, activation = "gelu", dropout = 0.1, l2 = 1e-4, batch_norm = true,
            init = "he_normal" } },
        optimizer = { "sgd", rate = 0.1, momentum = 0.9, nesterov = true },
        schedule = { "step", every = 10, factor = 0.5 }, clip = { norm = 1 },
        epochs = 3, batch = 0, loss = "mse", output = "tanh", class_weight = "balanced",
        init = "lecun_normal", residual = 2, patience = 5, min_delta = 0.01,
        restore_best = false, target = { accuracy = 0.99 }, max_seconds = 2, shuffle = "own",
    }, {
        hidden = { { units = 4, activation = "gelu", dropout = 0.1, l2 = 1e-4, batch_norm = true,
            init = "he_normal" } },
        optimizer = { name = "sgd", rate = 0.1, momentum = 0.9, nesterov = true },
        schedule = { name = "step", every = 10, factor = 0.5 }, clip = { norm = 1 },
        epochs = 3, batch = 0, loss = "mse", output = { activation = "tanh" },
        class_weight = "balanced", init = "lecun_normal", residual = 2, patience = 5,
        min_delta = 0.01, restore_best = false, target = { accuracy = 0.99 }, max_seconds = 2,
        shuffle = "own",
    })
    equal(net.mlp { hidden = {}, optimizer = "adam", schedule = "cosine" },
        { hidden = {}, optimizer = { name = "adam" }, schedule = { name = "cosine" } })
    equal(net.mlp { hidden = {}, class_weight = { 1, 2.5 } }.class_weight, { 1, 2.5 })
end)

test("net: mistakes are named", function()
    local cases = {
        { 'net.mlp: no key "hiden"; did you mean "hidden"', { hiden = {} } },
        { "net.mlp: hidden: list of layers expected, got nothing", {} },
        { "net.mlp: hidden: layer, or list of layers, expected, got 5", { hidden = 5 } },
        { "net.mlp: hidden[2]: units: whole number from 1 to 65536 expected, got 0",
            { hidden = { { units = 1 }, { units = 0 } } } },
        { "net.mlp: hidden[1]: units: whole number from 1 to 65536 expected, got nothing",
            { hidden = { { activation = "relu" } } } },
        { 'hidden[1]: activation: "rellu" is not known; did you mean "relu"',
            { hidden = { { units = 2, activation = "rellu" } } } },
        { "hidden[1]: dropout: number >= 0 and < 1 expected, got 1",
            { hidden = { { units = 2, dropout = 1 } } } },
        { 'hidden[1]: no key "unitz"; did you mean "units"', { hidden = { { unitz = 2 } } } },
        { 'net.mlp: optimizer: "adm" is not known; did you mean "adam"',
            { hidden = {}, optimizer = "adm" } },
        { 'net.mlp: optimizer: no key "lr"; known: beta1', { hidden = {}, optimizer = { "adam", lr = 1 } } },
        { "net.mlp: optimizer: rate: number", { hidden = {}, optimizer = { "adam", rate = -1 } } },
        { "net.mlp: optimizer: a name comes first", { hidden = {}, optimizer = { rate = 1 } } },
        { "net.mlp: optimizer: a name or a table", { hidden = {}, optimizer = 5 } },
        { "net.mlp: epochs: whole number from 1", { hidden = {}, epochs = 0 } },
        { "net.mlp: batch: whole number from 0", { hidden = {}, batch = 1.5 } },
        { 'net.mlp: loss: "mes" is not known; did you mean "mse"', { hidden = {}, loss = "mes" } },
        { "net.mlp: clip: no key", { hidden = {}, clip = { max = 1 } } },
        { "net.mlp: target: one metric and its value", { hidden = {}, target = {} } },
        { "net.mlp: target: one metric and its value",
            { hidden = {}, target = { accuracy = 1, loss = 2 } } },
        { 'net.mlp: class_weight: "balanced" or a list', { hidden = {}, class_weight = 1 } },
        { "net.mlp: class_weight[2]: number", { hidden = {}, class_weight = { 1, -1 } } },
        { "prepare.split { test = 0.2, validate = 0.15 }", { hidden = {}, validate = 0.15 } },
        { "each trial gets its own seed", { hidden = {}, seed = 1 } },
        { "at most 20000 hidden layers expected, got 30000",
            { hidden = { net.stack(15000, { units = 1 }), net.stack(15000, { units = 1 }) } } },
    }
    for _, case in ipairs(cases) do
        raises(case[1], net.mlp, case[2])
    end
    raises("net.mlp: table expected, got nothing", net.mlp)
    raises("net.stack: number of layers: whole number from 0 to 20000", net.stack, -1, { units = 1 })
    raises("net.stack: layer such as { units = 16 } expected, got 16", net.stack, 3, 16)
    raises("a single layer expected", net.stack, 2, { units = 2, ["repeat"] = 3 })
    raises("net.widths: units: whole number", net.widths, { 4, 0.5 })
    raises("net.taper: last width: whole number", net.taper, 3, 8, 0)
    raises("rate: number", net.mlp, { hidden = {}, optimizer = { "adam", rate = 0 / 0 } })
end)

test("net: counts", function()
    local data = { inputs = 4, classes = 3 }
    local design = net.mlp { hidden = net.stack(2, { units = 16 }) }
    equal(net.parameters(design, data), 4 * 16 + 16 + 16 * 16 + 16 + 16 * 3 + 3)
    equal(net.flops(design, data), 2 * net.parameters(design, data))
    equal(net.memory(design, data), 16 * net.parameters(design, data))
end)

test("net: a summary tells designs apart", function()
    equal(net.summary(net.mlp { hidden = net.stack(3, { units = 8, activation = "relu" }),
        optimizer = { "sgd", rate = 0.1 }, epochs = 5 }),
        { layers = 3, units = 8, activation = "relu", optimizer = "sgd", rate = 0.1, epochs = 5 })
    equal(net.summary(net.mlp { hidden = net.widths { 8, 4 } }), { layers = 2 })
end)
