-- training.lua - data and training in a script of one's own.
-- SPDX-License-Identifier: Apache-2.0

local assay = require "assay"
local net, prepare = assay.net, assay.prepare

local function fails(message, f, ...)
    local ok, why = pcall(f, ...)
    assert(not ok, "an error was expected: " .. message)
    why = tostring(why)
    assert(why:find(message, 1, true), ("%q expected, got %q"):format(message, why))
end

local iris = assert(assay.data.load(FIXTURES .. "/iris.csv"))
assert(iris:rows() == 150 and #iris:columns() == 5)
assert(iris:types().Species == "category")
assert(iris:column("Species")[1] == "setosa" and iris:column("Sepal.Length")[1] == 5.1)
assert(iris:describe().rows == 150)
fails("Specie", function() return iris:column("Specie") end)
local none, message, code = assay.data.load(FOLDER .. "/nothing.csv")
assert(none == nil and message:find("nothing.csv", 1, true) and code == "EIO")

local steps = { prepare.scale(0, 1), prepare.one_hot(), prepare.split { test = 0.2 } }
local data = assert(iris:prepare(steps, { seed = 1 }))
assert(data.inputs == 4 and data.classes == 3 and data.task == "classify")
assert(data.train.rows == 120 and data.test.rows == 30 and data.validate == nil)
assert(data.train.x:rows() == 120 and data.train.x:cols() == 4)
assert(data.train.y:min() == 1 and data.train.y:max() == 3)
assert(data.train.x:min() == 0 and data.train.x:max() == 1)
assert(data.class_names[1] == "setosa" and #data.hash == 64)
assert(data.train.row:max() <= 150)
fails("cannot be changed", function() data.classes = 2 end)
fails("cannot be changed", function() data.train.x = nil end)
fails("cannot be changed", function() data.train.x:set(1, 1, 5) end)
fails("cannot be changed", function() data.train.x:row(1):fill(5) end)
fails("cannot be changed", function() data.train.x:add(1, { out = data.train.x }) end)
assert(data.train.x:copy():fill(5):get(1, 1) == 5)
assert(iris:prepare(steps, { seed = 1 }).hash == data.hash)
assert(iris:prepare(steps, { seed = 2 }).hash ~= data.hash)

local design = net.mlp {
    hidden = net.stack(2, { units = 16 }), epochs = 30, batch = 16,
    optimizer = { "adam", rate = 0.01 },
}
assert(net.parameters(design, data) == 4 * 16 + 16 + 16 * 16 + 16 + 16 * 3 + 3)
assert(net.flops(design, data) > 0 and net.memory(design, data) > 0)
local result = assay.train(design, data, { seed = 3, keep_model = true })
assert(result.accuracy == result.test_accuracy and result.accuracy > 0.8)
assert(result.stop == "epochs" and result.epochs == 30 and #result.curve == 30)
assert(result.curve[30].train_loss < result.curve[1].train_loss)
assert(result.parameters == net.parameters(design, data))

-- Equal seeds, equal bits.
local again = assay.train(design, data, { seed = 3 })
assert(again.test_loss == result.test_loss and again.model == nil)
assert(assay.train(design, data, { seed = 4 }).test_loss ~= result.test_loss)

-- The model says what the metrics say.
local y = result.model:predict(data.test.x)
local right, guess = 0, y:argmax("rows")
for i = 1, data.test.rows do
    right = right + (guess[i] == data.test.y[i] and 1 or 0)
end
assert(math.abs(right / data.test.rows - result.test_accuracy) < 1e-9)
fails("4 columns expected, got 3", function()
    return result.model:predict(assay.matrix.new(2, 3))
end)
assert(result.model:save(FOLDER .. "/model.safetensors"))

-- Stopping from outside, and errors in the callback.
local seen = 0
local stopped = assay.train(design, data, { on_epoch = function(e)
    seen = seen + 1
    assert(e.epoch == seen and e.train_loss > 0)
    return e.epoch < 5
end })
assert(stopped.stop == "pruned" and stopped.epochs == 5 and seen == 5)
fails("from the callback", function()
    assay.train(design, data, { on_epoch = function() error("from the callback") end })
end)
fails("no key \"sed\"", function() assay.train(design, data, { sed = 3 }) end)
fails("units", function() assay.train({ hidden = { { units = 0 } } }, data) end)
fails("prepared data expected", function() assay.train(design, {}) end)
fails("loss", function() assay.train({ hidden = {}, loss = "nothing" }, data) end)

-- What inherits from data is data, as inside a trial.
local own = setmetatable({ seed = 3 }, { __index = data })
assert(assay.train(design, own, { seed = 3 }).test_loss == result.test_loss)

-- Wrong steps raise, data that cannot be prepared does not.
fails("scale", function() iris:prepare { { op = "scal" } } end)
