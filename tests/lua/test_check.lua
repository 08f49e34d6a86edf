-- test_check.lua - messages about wrong values.
-- SPDX-License-Identifier: Apache-2.0

local check = require "assay.check"
local tap = require "tap"

local test, equal, raises = tap.test, tap.equal, tap.raises

test("check: messages say where, what was expected and what came", function()
    raises("batch: whole number >= 1 expected, got 0", check.whole, "batch", 0, 1)
    raises("batch: whole number expected, got 1.5", check.whole, "batch", 1.5)
    raises("batch: whole number from 1 to 9 expected, got \"a\"", check.whole, "batch", "a", 1, 9)
    raises("batch: whole number expected, got inf", check.whole, "batch", math.huge)
    raises("rate: number <= 1 expected, got 2", check.number, "rate", 2, nil, 1)
    raises("rate: number expected, got nan", check.number, "rate", 0 / 0)
    raises("rate: number expected, got nothing", check.number, "rate", nil)
    raises("name: text expected, got a table", check.text, "name", {})
    raises("fn: function expected, got a list", check.func, "fn", { 1 })
end)

test("check: unknown names get the nearest and all known ones", function()
    raises('x: no key "actvation"; did you mean "activation"? known: activation, units',
        check.keys, "x", { actvation = 1 }, check.set { "units", "activation" })
    raises('x: no key "zzzzzz"; known: units', check.keys, "x", { zzzzzz = 1 },
        check.set { "units" })
    raises('did you mean "relu"', check.one_of, "act", "rellu",
        check.set { "relu", "tanh", "sigmoid" })
    raises("no key 1;", check.keys, "x", { 5 }, check.set { "units" })
end)

test("check: texts of strangers are shortened and kept on one line", function()
    equal(check.show(("x"):rep(100)), '"' .. ("x"):rep(37) .. '..."')
    equal(check.show("a\nb\0c"), '"a?b?c"')
    equal(check.show(nil), "nothing")
    equal(check.show(print), "a function")
end)

test("check: lists have no holes and no names", function()
    equal(check.list("l", {}), 0)
    equal(check.list("l", { 1, 2 }), 2)
    raises("l: list expected, got a table with named keys or holes", check.list, "l", { a = 1 })
    raises("l: list expected, got 5", check.list, "l", 5)
    equal(check.texts("c", "one"), { "one" })
    raises("c[2]: text expected, got 3", check.texts, "c", { "a", 3 })
end)

test("check: errors name the user's line", function()
    local net = require "assay.net"
    local message = raises("units", function()
        net.dense { units = 0 }
    end)
    tap.ok(message:find("test_check%.lua:%d+: net%.dense"), message)
end)
