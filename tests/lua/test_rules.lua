-- test_rules.lua - the shipped rules, run against the double of the engine.
-- SPDX-License-Identifier: Apache-2.0

local core = require "fake_core"
local fake = require "fake_host"
local host = require "assay.host"
local tap = require "tap"

local here = ...
local test, ok, equal = tap.test, tap.ok, tap.equal

local function source(path)
    local file = assert(io.open(here .. "/" .. path))
    local text = file:read("*a")
    file:close()
    return text
end

local function all_files()
    local list = {}
    for path in io.popen('cd "' .. here .. '" && ls rules/*.lua bench/*.lua'):lines() do
        list[#list + 1] = path
    end
    return list
end

test("rules: all eight are there", function()
    local names = {}
    for _, path in ipairs(all_files()) do
        names[path:match("([^/]+)%.lua$")] = true
    end
    for _, name in ipairs { "best_design", "paper_keras", "paper_pybrain", "depth_sweep",
        "activation_sweep", "repeat_seeds", "own_objective", "regression" } do
        ok(names[name], name)
    end
end)

for _, path in ipairs(all_files()) do
    test("rules: " .. path .. " describes itself and runs", function()
        local f = fake.new(source(path), { trials = 150 })
        local about = host.handle { call = "describe" }
        ok(about.title and #about.title > 5, "title")
        if path:match("^rules/") then
            ok(about.description and #about.description > 20, "description")
            for name, option in pairs(about.options) do
                ok(option.help or option.choices, "help of option " .. name)
            end
        end
        f:run(20)
        ok(f.made > 0 and f.made <= 150, "trials: " .. f.made)
        for _, t in ipairs(f.trials) do
            ok(type(t.params) == "table" and (t.design ~= nil or about.kind == "trial"))
        end
    end)
end

test("rules: depth_sweep makes hidden layers as wide as the input", function()
    local f = fake.new(source("rules/depth_sweep.lua"), { set = { layers = "7" } }):run(3)
    equal(f.made, 7)
    equal(f.trials[7].design.hidden[1].units, 4)
    equal(f.trials[7].design.hidden[1]["repeat"], 7)
    ok(#f.notes == 1 and #f.logs == 1)
end)

test("rules: paper_keras tries each combination once", function()
    local f = fake.new(source("rules/paper_keras.lua")):run(10)
    equal(f.made, 5 * 5 * 4)
    equal(host.handle({ call = "describe" }).strategy.name, "grid")
end)

test("rules: mistakes of callers are named", function()
    tap.raises('--set: no option "epoch"; did you mean "epochs"', fake.new,
        source("rules/best_design.lua"), { set = { epoch = 5 } })
    tap.raises("option layers: number from 1 to 1000 expected, got 0", fake.new,
        source("rules/best_design.lua"), { set = { layers = 0 } })
    core.logged = {}
end)
