-- test_prepare.lua - preparation steps, as a list and recorded by a function.
-- SPDX-License-Identifier: Apache-2.0

local prepare = require "assay.prepare"
local tap = require "tap"

local test, equal, raises, ok = tap.test, tap.equal, tap.raises, tap.ok

local NAN = 0 / 0
local COLUMNS = { length = { 1, 2, NAN }, width = { 4, 5, 6 }, kind = { "a", "b", NAN } }

local function cells()
    local fetched = {}
    local c = prepare.cells({ rows = 3, columns = { { name = "length", type = "number" },
        { name = "width", type = "number" }, { name = "kind", type = "category" } } }, "kind",
        function(name)
            fetched[#fetched + 1] = name
            return COLUMNS[name]
        end)
    return c, fetched
end

test("prepare: steps are plain tables", function()
    equal(prepare.fill_missing(0), { op = "fill_missing", with = 0 })
    equal(prepare.fill_missing("median", { indicator = true, columns = { "a" } }),
        { op = "fill_missing", with = "median", indicator = true, columns = { "a" } })
    equal(prepare.scale(), { op = "scale", lo = 0, hi = 1 })
    equal(prepare.scale(-1, 1, { columns = "a" }), { op = "scale", lo = -1, hi = 1, columns = { "a" } })
    equal(prepare.standardize { label = true }, { op = "standardize", label = true })
    equal(prepare.one_hot { max_categories = 9 }, { op = "one_hot", max_categories = 9 })
    equal(prepare.drop { "a", "b" }, { op = "drop", columns = { "a", "b" } })
    equal(prepare.keep { "a" }, { op = "keep", columns = { "a" } })
    equal(prepare.log { "a" }, { op = "log", columns = { "a" } })
    equal(prepare.clip(0, 9, { "a" }), { op = "clip", lo = 0, hi = 9, columns = { "a" } })
    equal(prepare.clip(0, 9), { op = "clip", lo = 0, hi = 9 })
    equal(prepare.shuffle(), { op = "shuffle" })
    equal(prepare.balance("over"), { op = "balance", how = "over" })
    equal(prepare.split { test = 0.2, validate = 0.1, stratify = true, by = "g", seed = 4 },
        { op = "split", test = 0.2, validate = 0.1, stratify = true, by = "g", seed = 4 })
end)

test("prepare: mistakes are named", function()
    raises('prepare.fill_missing: "men" is not known; did you mean "mean"', prepare.fill_missing, "men")
    raises('"mean", "median", "mode": number expected, got nothing', prepare.fill_missing)
    raises('no key "column"; did you mean "columns"', prepare.scale, 0, 1, { column = "a" })
    raises("lower end 1 is not below upper end 1", prepare.scale, 1, 1)
    raises("prepare.one_hot: max_categories: whole number", prepare.one_hot, { max_categories = 0 })
    raises("at least one column name", prepare.drop, {})
    raises("prepare.keep: columns[1]: text expected", prepare.keep, { 5 })
    raises("leave nothing to train on", prepare.split, { test = 0.5, validate = 0.5 })
    raises("prepare.split: test: number from 0 to 1 expected, got 20", prepare.split, { test = 20 })
    raises('"none" is not known', prepare.balance, "none")
    raises("second argument: function expected", prepare.derive, "a", 5)
    raises("prepare[1]: step such as", prepare.check, { 5 })
    raises('prepare[1]: "scales" is not known; did you mean "scale"', prepare.check, { { op = "scales" } })
    raises("prepare: list expected, got 5", prepare.check, 5)
end)

test("prepare: a list without functions is known at once", function()
    local list = { prepare.scale(0, 1) }
    equal(prepare.check(list), list)
    equal(prepare.check(nil), {})
    equal(prepare.check(function() end), nil)
    equal(prepare.check { prepare.derive("a", function() return 1 end) }, nil)
end)

test("prepare: derived columns are computed row by row", function()
    local c, fetched = cells()
    local steps = prepare.steps({
        prepare.derive("area", function(row)
            return row.length and row.length * row.width
        end),
        prepare.derive("is_a", function(row) return row.kind == "a" end),
        prepare.derive("twice", function(row) return row.area and 2 * row.area end),
    }, c)
    equal(steps[1], { op = "derive", name = "area", values = { 4, 10, NAN } })
    equal(steps[2], { op = "derive", name = "is_a", values = { 1, 0, 0 } })
    equal(steps[3], { op = "derive", name = "twice", values = { 8, 20, NAN } })
    table.sort(fetched)
    equal(fetched, { "kind", "length", "width" }, "each column is fetched once")
end)

test("prepare: derive names wrong columns, values and names", function()
    local function derive(name, fn)
        return prepare.steps({ prepare.derive(name, fn) }, (cells()))
    end
    raises('row: no column "lenght"; did you mean "length"', derive, "x",
        function(row) return row.lenght end)
    raises('"x": row 1: number, true, false or nil expected, got "a"', derive, "x",
        function(row) return row.kind end)
    raises("cells cannot be changed", derive, "x", function(row) row.width = 1 end)
    raises('there is a column "width" already', derive, "width", function() return 1 end)
end)

test("prepare: the function form looks and records", function()
    local c = cells()
    local seen = {}
    local steps = prepare.steps(function(data, options)
        seen = { data:rows(), data:label(), data:columns(), data:types().kind,
            data:column("width")[3], options.top }
        for _, name in ipairs(data:columns()) do
            if data:types()[name] == "number" then
                data:fill_missing("mean", { columns = { name } })
            end
        end
        data:derive("w2", function(row) return row.width ^ 2 end)
        return data:scale(0, options.top):one_hot()
    end, c, { top = 3 })
    equal(seen, { 3, "kind", { "length", "width", "kind" }, "category", 6, 3 })
    equal(#steps, 5)
    equal(steps[1], { op = "fill_missing", with = "mean", columns = { "length" } })
    equal(steps[3].values, { 16, 25, 36 })
    equal(steps[4], { op = "scale", lo = 0, hi = 3 })
end)

test("prepare: the function form names mistakes", function()
    raises("the function must end in `return data`; it returned nothing", prepare.steps,
        function(data) data:scale() end, (cells()))
    raises('data:column: no column "hight"', prepare.steps,
        function(data) return data:column("hight") end, (cells()))
    local message = raises("prepare.scale: lower end: number", prepare.steps,
        function(data)
            data:scale("x")
            return data
        end, (cells()))
    ok(message:find("test_prepare.lua:%d+:"), message)
end)
