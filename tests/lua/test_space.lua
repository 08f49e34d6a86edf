-- test_space.lua - parameters, conditions, lists, constraints.
-- SPDX-License-Identifier: Apache-2.0

local draws = require "assay.draws"
local space = require "assay.space"
local tap = require "tap"

local test, equal, raises, ok, near = tap.test, tap.equal, tap.raises, tap.ok, tap.near

-- n draws from a space of these parameters.
local function sample(entries, n, constraints)
    local s = space.compile(entries, constraints)
    local d, list = draws.new(7, s.dimensions), {}
    for i = 1, n do
        d.open(i)
        list[i] = s:sample(d)
    end
    return list, s
end

local function values_of(parameter, n)
    local list = {}
    for k = 0, n do
        list[#list + 1] = parameter.read(k == n and 1 - 2 ^ -53 or k / n)
    end
    return list
end

test("space: whole numbers have equal shares from end to end", function()
    local p = space.int(3, 6)
    equal(values_of(p, 4), { 3, 4, 5, 6, 6 })
    equal(values_of(space.int(-5, 5, { step = 5 }), 3), { -5, 0, 5, 5 })
    equal(space.int(0, 10, { step = 4 }).hi, 8)
    equal(values_of(space.int(2, 2), 2), { 2, 2, 2 })
end)

test("space: log whole numbers reach from lo - 1/2 to hi + 1/2 on the log axis", function()
    local p = space.int(1, 8, { log = true })
    equal(p.read(0), 1)
    equal(p.read(1 - 2 ^ -53), 8)
    -- 1 gets the share log(1.5 / 0.5) / log(8.5 / 0.5)
    local edge = math.log(3) / math.log(17)
    equal(p.read(edge - 1e-9), 1)
    equal(p.read(edge + 1e-9), 2)
end)

test("space: numbers stay below their upper end", function()
    local p = space.float(0, 1)
    ok(p.read(1 - 2 ^ -53) < 1)
    ok(space.float(1, 1 + 2 ^ -52).read(1 - 2 ^ -53) < 1 + 2 ^ -52, "half-open after rounding")
    equal(space.float(2, 2).read(0.5), 2)
    local log = space.float(1e-4, 1e-1, { log = true })
    near(log.read(0.5), 10 ^ -2.5, 1e-12)
    ok(log.read(0) >= 1e-4 and log.read(1 - 2 ^ -53) < 1e-1)
    ok(space.float(-1, 0).read(1 - 2 ^ -53) < 0, "upper end 0")
    ok(space.float(-2, -1).read(1 - 2 ^ -53) < -1, "upper end -1")
end)

test("space: decimal steps are exact", function()
    local p = space.float(0, 0.3, { step = 0.1 })
    equal(values_of(p, 4), { 0, 0.1, 0.2, 0.3, 0.3 })
    equal(space.float(0, 0.35, { step = 0.1 }).hi, 0.3)
    equal(values_of(space.float(-0.2, 0.4, { step = 0.2 }), 4), { -0.2, 0, 0.2, 0.4, 0.4 })
    equal(space.float(1e-3, 5e-3, { step = 1e-3 }).levels, 5)
    equal(space.float(0, 1e6, { step = 0.25 }).levels, 4000001)
end)

test("space: choices, ordered values, constants", function()
    equal(values_of(space.choice { "a", "b", "c" }, 3), { "a", "b", "c", "c" })
    equal(values_of(space.ordered { 8, 16 }, 2), { 8, 16, 16 })
    equal(space.choice({ false }).read(0.3), false)
    equal(space.constant(8).read(0.9), 8)
end)

test("space: a draw is a pure function of seed and number", function()
    local entries = { a = space.int(1, 100), b = space.float(0, 1),
        c = space.choice { "x", "y" } }
    local list = sample(entries, 20)
    local s = space.compile(entries)
    local d = draws.new(7, s.dimensions)
    for i = 20, 1, -1 do
        d.open(i)
        equal(s:sample(d), list[i], "proposal " .. i)
    end
end)

test("space: golden draws", function()
    -- Made with a Philox of its own in another language; seed 7, proposals 1 to 4.
    local golden = { { 3, "tanh", 0.021813304323756534 }, { 6, "relu", 0.00014504032845374023 },
        { 4, "tanh", 0.0003300762451975772 }, { 6, "tanh", 0.0044807039262832783 } }
    local list = sample({ depth = space.int(1, 8), rate = space.float(1e-4, 1e-1, { log = true }),
        act = space.choice { "relu", "tanh" } }, 4)
    for i, p in ipairs(list) do
        equal({ p.depth, p.act }, { golden[i][1], golden[i][2] })
        near(p.rate, golden[i][3], 1e-15)
    end
end)

test("space: conditions decide what exists", function()
    local list = sample({
        depth = space.int(1, 3),
        dropout = space.float(0, 1):when(function(p) return p.depth > 1 end),
        extra = space.int(1, 9):when { depth = 3 },
        either = space.int(1, 9):when { depth = { 1, 3 } },
    }, 200)
    local seen = {}
    for _, p in ipairs(list) do
        seen[p.depth] = true
        equal(p.dropout ~= nil, p.depth > 1)
        equal(p.extra ~= nil, p.depth == 3)
        equal(p.either ~= nil, p.depth ~= 2)
    end
    equal(seen, { true, true, true })
end)

test("space: conditions may chain in any order of names", function()
    local list = sample({
        a = space.int(1, 2):when(function(p) return p.b == 2 end),
        b = space.int(1, 2):when(function(p) return p.c == 2 end),
        c = space.int(1, 2),
    }, 100)
    for _, p in ipairs(list) do
        equal(p.b ~= nil, p.c == 2)
        equal(p.a ~= nil, p.c == 2 and p.b == 2)
    end
end)

test("space: conditions do not move the other values", function()
    local plain = sample({ a = space.int(1, 1000), z = space.int(1, 1000) }, 50)
    local conditional = sample({ a = space.int(1, 1000), z = space.int(1, 1000),
        m = space.int(1, 5):when(function(p) return p.z > 500 end) }, 50)
    for i = 1, 50 do
        equal(conditional[i].a, plain[i].a)
    end
end)

test("space: a circle of conditions is an error", function()
    local message = raises("depend on each other in a circle", sample, {
        a = space.int(1, 2):when(function(p) return p.b == 1 end),
        b = space.int(1, 2):when(function(p) return p.a == 1 end),
    }, 1)
    ok(message:find("a, b", 1, true), message)
    raises("it depends on itself", space.compile, { a = space.int(1, 2):when { a = 1 } })
    raises('no parameter "dept"; did you mean "depth"', space.compile,
        { depth = space.int(1, 2), a = space.int(1, 2):when { dept = 1 } })
    raises('no parameter "dept"; did you mean "depth"', sample,
        { depth = space.int(1, 2), a = space.int(1, 2):when(function(p) return p.dept end) }, 1)
end)

test("space: lists have as many elements as their length says", function()
    local list = sample({ depth = space.int(0, 4), other = space.list(2, space.float(0, 1)),
        widths = space.list("depth", space.int(8, 256, { log = true })) }, 200)
    for _, p in ipairs(list) do
        equal(#p.widths, p.depth)
        equal(#p.other, 2)
        for _, w in ipairs(p.widths) do
            ok(w >= 8 and w <= 256)
        end
    end
end)

test("space: a longer list begins like the shorter one", function()
    local short = sample({ w = space.list(2, space.int(1, 1000)) }, 20)
    local long = sample({ w = space.list(5, space.int(1, 1000)) }, 20)
    for i = 1, 20 do
        equal({ long[i].w[1], long[i].w[2] }, short[i].w)
    end
end)

test("space: lists follow parameters that may be absent", function()
    local list = sample({ kind = space.choice { "a", "b" },
        depth = space.int(1, 3):when { kind = "a" },
        widths = space.list("depth", space.int(1, 9)) }, 100)
    for _, p in ipairs(list) do
        equal(p.widths ~= nil, p.kind == "a")
    end
end)

test("space: constraints are kept, and hopeless ones reported", function()
    local small = space.constraint(function(p) return p.a + p.b <= 10 end, "a + b <= 10")
    for _, p in ipairs((sample({ a = space.int(1, 9), b = space.int(1, 9) }, 200, { small }))) do
        ok(p.a + p.b <= 10)
    end
    raises('1000 draws in a row were refused, the last because "never" does not hold', sample,
        { a = space.int(1, 9) }, 1, { space.constraint(function() return false end, "never") })
end)

test("space: reading an unknown parameter names the known ones", function()
    local list = sample({ depth = space.int(1, 8), width = space.int(1, 8) }, 1)
    raises('no parameter "widht"; did you mean "width"? known: depth, width', function()
        return list[1].widht
    end)
end)

test("space: wrong ranges are refused", function()
    raises("space.int: lower end: whole number", space.int, 1.5, 2)
    raises("space.int: lower end 8 is above upper end 1", space.int, 8, 1)
    raises("a log range needs a lower end above 0", space.float, 0, 1, { log = true })
    raises("log and step exclude each other", space.int, 1, 8, { log = true, step = 2 })
    raises('no key "logarithmic"; did you mean', space.int, 1, 8, { logarithmic = true })
    raises("space.float: step: number > 0", space.float, 0, 1, { step = 0 })
    raises("space.float: step: 1e-300 is too small for 0 to 1", space.float, 0, 1, { step = 1e-300 })
    raises("space.float: upper end: number", space.float, 0, math.huge)
    raises("at least one value expected", space.choice, {})
    raises("is there twice", space.choice, { "a", "a" })
    raises("value 1: text, number, true or false expected, got a list", space.choice, { { 1 } })
    raises("neither lists nor conditional", space.list, 2, space.list(2, space.int(1, 2)))
    raises("elements may be neither", space.list, 2, space.int(1, 2):when { a = 1 })
    raises("what each element is", space.list, 2, 5)
    raises("space: when: function(p) or a table", space.int(1, 2).when, space.int(1, 2), 5)
end)

test("space: wrong entries are refused", function()
    raises("space.depth: parameter expected", space.compile, { depth = 8 })
    raises("space: names of letters", space.compile, { space.int(1, 2) })
    raises("space: table of parameters expected", space.compile, 5)
    raises('space.w: length: no parameter "dept"; did you mean "depth"', space.compile,
        { depth = space.int(1, 2), w = space.list("dept", space.int(1, 2)) })
    raises('"depth" must be a whole number', space.compile,
        { depth = space.float(1, 2), w = space.list("depth", space.int(1, 2)) })
    raises("from 0 to 20000 expected, got 30000", space.compile,
        { depth = space.int(1, 30000), w = space.list("depth", space.int(1, 2)) })
    raises("constraints[1]: space.constraint", space.compile, {}, { function() end })
end)

test("space: proposals of others are checked", function()
    local s = space.compile { depth = space.int(1, 8), rate = space.float(0, 1):when { depth = 1 },
        act = space.choice { "relu", "tanh" } }
    equal(s:adopt("p", { depth = 3, act = "relu" }), { depth = 3, act = "relu" })
    raises("p.depth: whole number from 1 to 8 expected, got 9", s.adopt, s, "p",
        { depth = 9, act = "relu" })
    raises('p.act: one of "relu", "tanh" expected, got "rlu"', s.adopt, s, "p",
        { depth = 1, act = "rlu" })
    raises("p: no value for parameter act", s.adopt, s, "p", { depth = 1 })
    raises('p: no parameter "dept"; did you mean', s.adopt, s, "p", { dept = 1 })
    raises("p: table of parameter values expected, got 5", s.adopt, s, "p", 5)
end)

test("space: parameters describe themselves", function()
    local _, s = sample({ depth = space.int(1, 8):help("layers"),
        w = space.list("depth", space.float(0, 1)):when { depth = 2 } }, 0)
    equal(s:describe(), {
        { name = "depth", type = "int", lo = 1, hi = 8, help = "layers" },
        { name = "w", type = "list", length = "depth", conditional = true,
            inner = { type = "float", lo = 0, hi = 1 } },
    })
end)

test("space: a declared parameter can be used twice", function()
    local width = space.int(1, 9)
    local late = width:when { depth = 2 }
    equal(width.condition, nil)
    equal(late.condition, { depth = 2 })
end)
