-- test_strategy.lua - random, grid and Sobol proposals.
-- SPDX-License-Identifier: Apache-2.0

local bit = require "bit"
local sobol = require "assay.strategy.sobol"
local space = require "assay.space"
local strategy = require "assay.strategy"
local tap = require "tap"

local test, equal, raises, ok = tap.test, tap.equal, tap.raises, tap.ok

local function open(s, entries, options)
    options = options or {}
    s:open { space = space.compile(entries, options.constraints), seed = options.seed or 1,
        limit = options.limit, wanted = options.limit }
    return s
end

local function all(s, n)
    local list = {}
    repeat
        local more = s:ask(n or 7)
        for _, p in ipairs(more) do
            list[#list + 1] = p
        end
    until #more == 0
    ok(s:finished(), "finished")
    return list
end

local WIDE = { depth = space.int(1, 8), rate = space.float(1e-4, 1e-1, { log = true }),
    act = space.choice { "relu", "tanh", "sigmoid" } }

-- Random ----------------------------------------------------------------------------------

test("random: proposals do not depend on how they are asked for", function()
    local one = all(open(strategy.random { trials = 50 }, WIDE), 1)
    local many = all(open(strategy.random { trials = 50 }, WIDE), 50)
    equal(#one, 50)
    equal(many, one)
    local other = all(open(strategy.random { trials = 50 }, WIDE, { seed = 2 }), 50)
    ok(other[1].rate ~= one[1].rate, "another seed, other proposals")
end)

test("random: the number the caller wants wins", function()
    equal(#all(open(strategy.random { trials = 50 }, WIDE, { limit = 80 })), 80)
    equal(#all(open(strategy.random(), WIDE)), 100)
end)

test("random: goes on from its state", function()
    local whole = all(open(strategy.random { trials = 20 }, WIDE))
    local first = open(strategy.random { trials = 20 }, WIDE)
    first:ask(12)
    local second = open(strategy.random { trials = 20 }, WIDE)
    second:restore(first:state())
    equal(second:ask(1)[1], whole[13])
end)

test("random: large seeds count in full", function()
    local a = open(strategy.random { trials = 1 }, WIDE, { seed = 2 ^ 52 }):ask(1)[1]
    local b = open(strategy.random { trials = 1 }, WIDE, { seed = 2 ^ 52 + 1 }):ask(1)[1]
    ok(a.rate ~= b.rate)
end)

-- Grid ------------------------------------------------------------------------------------

test("grid: golden order, last name fastest", function()
    equal(all(open(strategy.grid(), { a = space.int(1, 2), b = space.choice { "x", "y", "z" } })), {
        { a = 1, b = "x" }, { a = 1, b = "y" }, { a = 1, b = "z" },
        { a = 2, b = "x" }, { a = 2, b = "y" }, { a = 2, b = "z" },
    })
end)

test("grid: numbers get five values from end to end, on their axis", function()
    equal(all(open(strategy.grid(), { a = space.float(0, 1) })),
        { { a = 0 }, { a = 0.25 }, { a = 0.5 }, { a = 0.75 }, { a = 1 } })
    local log = all(open(strategy.grid { points = 3 },
        { a = space.float(1e-4, 1e-2, { log = true }) }))
    equal(#log, 3)
    tap.near(log[2].a, 1e-3, 1e-15)
    equal(all(open(strategy.grid { points = 3 }, { a = space.int(1, 9) })),
        { { a = 1 }, { a = 5 }, { a = 9 } })
    equal(all(open(strategy.grid { points = { a = 4 } },
        { a = space.int(1, 64, { log = true }) })), { { a = 1 }, { a = 4 }, { a = 16 }, { a = 64 } })
    equal(all(open(strategy.grid(), { a = space.float(0, 0.3, { step = 0.1 }) })),
        { { a = 0 }, { a = 0.1 }, { a = 0.2 }, { a = 0.3 } })
    equal(all(open(strategy.grid { points = 1 }, { a = space.float(0, 1) })), { { a = 0.5 } })
end)

test("grid: few whole numbers on a log axis come once", function()
    equal(all(open(strategy.grid { points = 9 }, { a = space.int(1, 3, { log = true }) })),
        { { a = 1 }, { a = 2 }, { a = 3 } })
end)

test("grid: conditions leave no duplicates", function()
    local list = all(open(strategy.grid(), { depth = space.int(1, 3),
        extra = space.choice({ "p", "q" }):when { depth = 2 } }))
    equal(list, { { depth = 1 }, { depth = 2, extra = "p" }, { depth = 2, extra = "q" },
        { depth = 3 } })
end)

test("grid: lists are walked element by element", function()
    local list = all(open(strategy.grid(), { n = space.int(0, 2),
        w = space.list("n", space.choice { 4, 8 }) }))
    equal(list, { { n = 0, w = {} }, { n = 1, w = { 4 } }, { n = 1, w = { 8 } },
        { n = 2, w = { 4, 4 } }, { n = 2, w = { 4, 8 } }, { n = 2, w = { 8, 4 } },
        { n = 2, w = { 8, 8 } } })
end)

test("grid: constraints and limits", function()
    local odd = space.constraint(function(p) return p.a % 2 == 1 end, "a is odd")
    equal(all(open(strategy.grid(), { a = space.int(1, 6) }, { constraints = { odd } })),
        { { a = 1 }, { a = 3 }, { a = 5 } })
    equal(#all(open(strategy.grid(), { a = space.int(1, 100) }, { limit = 10 })), 10)
end)

test("grid: knows its size where nothing thins it out", function()
    equal(open(strategy.grid(), WIDE).trials, 8 * 5 * 3)
    equal(open(strategy.grid(), { a = space.int(1, 2):when { b = 1 }, b = space.int(1, 2) }).trials,
        nil)
end)

test("grid: an empty space has one point", function()
    equal(all(open(strategy.grid(), {})), { {} })
end)

test("grid: goes on from its state", function()
    local first = open(strategy.grid(), WIDE)
    first:ask(17)
    local second = open(strategy.grid(), WIDE)
    second:restore(first:state())
    equal(second:ask(3), first:ask(3))
end)

-- Sobol -----------------------------------------------------------------------------------

test("sobol: golden first points, not scrambled", function()
    local golden = { { 0, 0, 0, 0 }, { .5, .5, .5, .5 }, { .75, .25, .25, .25 },
        { .25, .75, .75, .75 }, { .375, .375, .625, .875 }, { .875, .875, .125, .375 },
        { .625, .125, .875, .625 }, { .125, .625, .375, .125 } }
    local sequence = sobol.sequence(4)
    for n, point in ipairs(golden) do
        sequence:seek(n - 1)
        for d = 1, 4 do
            equal(sequence:at(d), point[d], ("point %d, dimension %d"):format(n - 1, d))
        end
    end
end)

test("sobol: seeking equals stepping", function()
    local stepping, seeking = sobol.sequence(40), sobol.sequence(40)
    for n = 0, 300 do
        stepping:seek(n)
    end
    seeking:seek(300)
    for d = 1, 40 do
        equal(seeking:at(d), stepping:at(d))
    end
end)

test("sobol: each dimension is a permutation of the dyadic fractions", function()
    local sequence, seen = sobol.sequence(40), {}
    for n = 0, 255 do
        sequence:seek(n)
        for d = 1, 40 do
            local cell = d * 1000 + math.floor(sequence:at(d, 12345 + d) * 256)
            ok(not seen[cell], "stratified after scrambling")
            seen[cell] = true
        end
    end
end)

test("sobol: scrambling keeps the net of the first two dimensions", function()
    local sequence, seen = sobol.sequence(2), {}
    for n = 0, 255 do
        sequence:seek(n)
        local cell = math.floor(sequence:at(1, 77) * 16) * 16 + math.floor(sequence:at(2, 99) * 16)
        ok(not seen[cell], "one point in each cell of 16 x 16")
        seen[cell] = true
    end
end)

test("sobol: golden Owen hash and splitmix64", function()
    equal(bit.tohex(sobol.owen(0x80000000, 1)), "5336f076")
    equal(bit.tohex(sobol.owen(0, 1)), "a66de0ec")
    local high, low = sobol.splitmix(0, 0)
    equal(bit.tohex(high) .. bit.tohex(low), "e220a8397b1dcdaf")
end)

test("sobol: proposals are even, repeatable and differ by seed", function()
    local one = all(open(strategy.sobol { trials = 64 }, WIDE), 1)
    equal(all(open(strategy.sobol { trials = 64 }, WIDE), 64), one)
    local count = {}
    for _, p in ipairs(one) do
        count[p.depth] = (count[p.depth] or 0) + 1
    end
    equal(count, { 8, 8, 8, 8, 8, 8, 8, 8 })
    ok(all(open(strategy.sobol { trials = 64 }, WIDE, { seed = 2 }))[1].rate ~= one[1].rate)
end)

test("sobol: golden proposals", function()
    -- Made by another program, in integers.
    local entries = { a = space.int(0, 999), b = space.int(0, 999) }
    equal(open(strategy.sobol { trials = 4 }, entries):ask(4), { { a = 913, b = 615 },
        { a = 169, b = 390 }, { a = 465, b = 822 }, { a = 535, b = 42 } })
end)

test("sobol: refused points are left out, all the others come", function()
    local even = space.constraint(function(p) return p.depth % 2 == 0 end, "depth is even")
    local some = all(open(strategy.sobol { trials = 32 }, WIDE, { constraints = { even } }))
    local every = all(open(strategy.sobol { trials = 64 }, WIDE))
    local at = 1
    for _, p in ipairs(every) do
        if p.depth % 2 == 0 and at <= 32 then
            equal(p, some[at])
            at = at + 1
        end
    end
    equal(at, 33)
end)

test("sobol: dimensions beyond the sequence come from random numbers", function()
    local entries = { w = space.list(60, space.float(0, 1)) }
    local one = all(open(strategy.sobol { trials = 8 }, entries), 1)
    equal(all(open(strategy.sobol { trials = 8 }, entries), 8), one)
    ok(one[1].w[60] ~= one[2].w[60])
end)

test("sobol: goes on from its state", function()
    local first = open(strategy.sobol { trials = 50 }, WIDE)
    first:ask(17)
    local second = open(strategy.sobol { trials = 50 }, WIDE)
    second:restore(first:state())
    equal(second:ask(3), first:ask(3))
end)

-- Options ---------------------------------------------------------------------------------

test("strategy: wrong options are refused", function()
    raises("strategy.random: trials: whole number from 1 to 1000000000 expected, got 0",
        strategy.random, { trials = 0 })
    raises('no key "trails"; did you mean "trials"', strategy.random, { trails = 5 })
    raises("strategy.grid: points: whole number", strategy.grid, { points = 0 })
    raises("strategy.sobol: pruner: table with a function report", strategy.sobol, { pruner = {} })
    raises("strategy: function ask(self, n) expected", strategy.check, {})
    raises("strategy: a strategy such as", strategy.check, 5)
    raises("strategy.tell: function expected", strategy.check, { ask = print, tell = 5 })
end)
