-- random.lua - core.random: streams, determinism, ranges.
-- SPDX-License-Identifier: Apache-2.0

local core = require "assay.core"

assert(core.hosted == false and type(core.version) == "string")

local a, b = core.random(1, "strategy", 5), core.random(1, "strategy", 5)
for _ = 1, 100 do
    assert(a:uniform() == b:uniform())
end
local first = core.random(1, "strategy", 5):uniform()
assert(first == core.random(1, "strategy", 5, 0):uniform())
assert(first ~= core.random(2, "strategy", 5):uniform())
assert(first ~= core.random(1, "strategy", 6):uniform())
assert(first ~= core.random(1, "rule", 5):uniform())
assert(first ~= core.random(1, "strategy", 5, 1):uniform())

local r = core.random(7, "rule")
local seen = {}
for _ = 1, 1000 do
    local n = r:integer(-2, 2)
    assert(n >= -2 and n <= 2 and n % 1 == 0)
    seen[n] = true
    local u = r:uniform()
    assert(u >= 0 and u < 1)
end
for n = -2, 2 do
    assert(seen[n])
end
assert(r:u32() < 2 ^ 32)
local sum = 0
for _ = 1, 10000 do
    sum = sum + r:normal()
end
assert(math.abs(sum / 10000) < 0.05)

local list = {}
for i = 1, 100 do
    list[i] = i
end
assert(r:shuffle(list) == list and #list == 100)
local total, moved = 0, 0
for i = 1, 100 do
    total = total + list[i]
    moved = moved + (list[i] ~= i and 1 or 0)
end
assert(total == 5050 and moved > 80)

local many, one = core.random(3, "rule", 1):uniforms(5), core.random(3, "rule", 1)
for i = 1, 5 do
    assert(many[i] == one:uniform())
end

assert(not pcall(core.random, 1, "nothing"))
assert(not pcall(core.random, 1.5, "rule"))
assert(not pcall(r.integer, r, 3, 2))
assert(not pcall(r.integer, r, 0 / 0, 2))
assert(not pcall(r.uniforms, r, -1))
assert(not pcall(r.uniforms, r, 1e12))
assert(getmetatable(r) == false)

-- canonical text: equal designs, equal text
local text = core.canonical { hidden = { { units = 4 }, { units = 4 } } }
assert(text == core.canonical { hidden = { { units = 4, ["repeat"] = 2, activation = "relu" } } })
assert(not pcall(core.canonical, { hidden = { { unit = 4 } } }))
assert(not pcall(core.count, { hidden = {} }, {}))
assert(not pcall(core.count, { hidden = {} }, 5))
assert(core.count({ hidden = {} }, { inputs = 2, classes = 3 }).parameters == 9)
assert(core.count({ hidden = {} }, { inputs = 2, outputs = 1 }).parameters == 3)
