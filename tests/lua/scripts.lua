-- scripts.lua - the library in a plain luajit: the scripts of docs/scripts.md, matrices,
-- tables, training, and the annotations of what is written in C.
-- SPDX-License-Identifier: Apache-2.0
--
--     luajit tests/lua/scripts.lua BUILD/lua/assay/core.so [NAME]

local here = arg[0]:match("^(.*)/tests/lua/scripts%.lua$") or "."
local modules = assert(arg[1]:match("^(.*)/assay/core%.so$"), "where is core.so?")
package.path = here .. "/lua/?.lua;" .. here .. "/lua/?/init.lua;" .. here .. "/tests/lua/?.lua"
package.cpath = modules .. "/?.so"

local assay = require "assay"
local core = require "assay.core"
local tap = require "tap"

local test, equal, ok, raises, near = tap.test, tap.equal, tap.ok, tap.raises, tap.near
local matrix, net, prepare, space = assay.matrix, assay.net, assay.prepare, assay.space

local function text_of(path)
    local file = assert(io.open(here .. "/" .. path))
    local text = file:read("*a")
    file:close()
    return text
end

-- The engine's numbers ----------------------------------------------------------------------

test("scripts: proposals are those of the tests' double", function()
    local draws = require "assay.draws"
    local s = space.compile { depth = space.int(1, 8), act = space.choice { "relu", "tanh" },
        rate = space.float(1e-4, 1e-1, { log = true }) }
    local d = draws.new(7, s.dimensions)
    local golden = { { 3, "tanh", 0.021813304323756534 }, { 6, "relu", 0.00014504032845374023 },
        { 4, "tanh", 0.0003300762451975772 }, { 6, "tanh", 0.0044807039262832783 } }
    for i, wanted in ipairs(golden) do
        d.open(i)
        local p = s:sample(d)
        equal({ p.depth, p.act }, { wanted[1], wanted[2] })
        near(p.rate, wanted[3], 1e-15)
    end
end)

test("scripts: numbers on demand continue the ones drawn ahead", function()
    local all = core.random(5, "strategy", 3):uniforms(6)
    local some = core.random(5, "strategy", 3)
    equal(some:uniforms(2), { all[1], all[2] })
    equal(some:uniform(), all[3])
end)

test("scripts: the library knows the names that the engine knows", function()
    local kinds = {
        { "activation", { "linear", "relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid",
            "softplus", "softsign", "hard_sigmoid" }, function(name)
            return { hidden = { { units = 2, activation = name } } } end },
        { "init", { "glorot_uniform", "glorot_normal", "he_uniform", "he_normal",
            "lecun_uniform", "lecun_normal", "orthogonal", "zeros" }, function(name)
            return { hidden = {}, init = name } end },
        { "optimizer", { "sgd", "rmsprop", "adagrad", "adadelta", "adam", "adamw", "nadam" },
            function(name) return { hidden = {}, optimizer = name } end },
        { "loss", { "cross_entropy", "mse", "mae", "huber" },
            function(name) return { hidden = {}, loss = name } end },
        { "schedule", { "constant", "step", "exponential", "cosine" },
            function(name) return { hidden = {}, schedule = { name } } end },
    }
    for _, kind in ipairs(kinds) do
        for _, name in ipairs(kind[2]) do
            ok(core.canonical(net.mlp(kind[3](name))):find(name, 1, true), kind[1] .. " " .. name)
        end
    end
end)

test("scripts: every option of net.mlp passes the engine's own check", function()
    local design = net.mlp {
        hidden = { { units = 4, activation = "gelu", dropout = 0.1, l2 = 1e-4, batch_norm = true,
            init = "he_normal" } },
        optimizer = { "sgd", rate = 0.1, momentum = 0.9, nesterov = true, decay = 0.1 },
        schedule = { "cosine", floor = 0.01, warmup = 5 }, clip = { norm = 1, value = 2 },
        epochs = 3, batch = 0, loss = "mse", output = { activation = "tanh", l2 = 0.1 },
        class_weight = { 1, 2, 3 }, init = "lecun_normal", residual = 1, patience = 5,
        min_delta = 0.01, restore_best = false, target = { accuracy = 0.99 }, max_seconds = 2,
        shuffle = "own",
    }
    local text = core.canonical(design)
    for _, name in ipairs { "nesterov", "warmup", "class_weight", "min_delta", "target", "own" } do
        ok(text:find(name, 1, true), name .. " in " .. text)
    end
    equal(net.parameters(net.mlp { hidden = net.stack(20000, { units = 4 }) },
        { inputs = 4, classes = 3 }), 20000 * 20 + 15)
end)

-- Documents -----------------------------------------------------------------------------------

test("scripts: those in docs/scripts.md run", function()
    local count = 0
    for block in text_of("docs/scripts.md"):gmatch("```lua\n(.-)\n```") do
        count = count + 1
        block = block:gsub("tests/fixtures", here .. "/tests/fixtures")
        local printed = {}
        local chunk = assert(loadstring(block, "=docs/scripts.md"))
        setfenv(chunk, setmetatable({ print = function(...)
            printed[#printed + 1] = table.concat({ ... }, " ")
        end }, { __index = _G }))
        chunk()
        ok(#printed > 0, "it prints something")
    end
    equal(count, 2)
end)

test("scripts: what is written in C is described for editors", function()
    local text = text_of("lua/meta/matrix.lua")
    for name in pairs(matrix) do
        ok(text:find("function matrix." .. name .. "(", 1, true)
            or text:find("function Matrix:" .. name .. "(", 1, true), "matrix." .. name)
    end
    text = text_of("lua/meta/core.lua")
    for name, value in pairs(core) do
        ok(type(value) ~= "function" or text:find("function core." .. name .. "(", 1, true),
            "core." .. name)
    end
end)

-- Tables and training ---------------------------------------------------------------------------

local function iris()
    return assert(assay.data.load(here .. "/tests/fixtures/iris.csv"))
end

test("scripts: tables tell about themselves", function()
    local t = iris()
    equal(t:rows(), 150)
    equal(#t:columns(), 5)
    equal(t:types().Species, "category")
    equal(t:column("Species")[1], "setosa")
    near(t:column("Sepal.Length")[1], 5.1, 1e-12)
    equal(t:describe().rows, 150)
end)

test("scripts: what the world refuses comes back, wrong use raises", function()
    local t, message, code = assay.data.load(here .. "/tests/fixtures/none.csv")
    equal(t, nil)
    ok(message:find("none.csv", 1, true), message)
    equal(code, "EIO")
    raises('data.load: options: no key "seperator"; did you mean "separator"', assay.data.load,
        "x", { seperator = ";" })
    raises('no key "labels"; did you mean "label"', iris().prepare, iris(), {}, { labels = "x" })
    raises('did you mean "Species"', iris().prepare, iris(), {}, { label = "Specie" })
    raises('assay.train: options: no key "sed"; did you mean "seed"', assay.train, {}, {},
        { sed = 1 })
end)

test("scripts: derived columns, and the same seed gives the same training", function()
    local steps = {
        prepare.derive("area", function(row) return row["Petal.Length"] * row["Petal.Width"] end),
        prepare.standardize(),
    }
    local design = net.mlp { hidden = net.stack(1, { units = 8 }), epochs = 5, batch = 16 }
    local results = {}
    for run = 1, 2 do
        local data = assert(iris():prepare(steps, { label = "Species", seed = 3 }))
        equal({ data.inputs, data.classes, data.train.rows, data.test.rows }, { 5, 3, 120, 30 })
        results[run] = assay.train(design, data, { seed = 9 })
    end
    equal(results[1].train_loss, results[2].train_loss)
    equal(#results[1].curve, 5)
end)

test("scripts: on_epoch can stop a training", function()
    local data = assert(iris():prepare({}, { label = "Species" }))
    local result = assay.train(net.mlp { hidden = {}, epochs = 50 }, data, {
        on_epoch = function(e) return e.epoch < 3 end })
    equal(result.epochs, 3)
end)

-- Matrices ----------------------------------------------------------------------------------------

test("scripts: matrices compute", function()
    local a, b = matrix.new { { 1, 2 }, { 3, 4 } }, matrix.new { { 5, 6 }, { 7, 8 } }
    equal(a:mul(b):table(), { { 19, 22 }, { 43, 50 } })
    equal((a * b):table(), { { 5, 12 }, { 21, 32 } })
    equal((a + matrix.new { { 10, 20 } }):table(), { { 11, 22 }, { 13, 24 } })
    equal((1 - a):table(), { { 0, -1 }, { -2, -3 } })
    equal(a:sum("columns"):table(), { { 4, 6 } })
    equal(b:argmax("rows"), { 2, 2 })
    equal({ a:shape() }, { 2, 2 })
    a[1][2] = 9
    equal(a:get(1, 2), 9)
    raises("inner sides 2 and 3 differ", a.mul, a, matrix.zeros(3, 1))
end)

local passed = tap.run(arg[2])
os.exit(passed and 0 or 1)
