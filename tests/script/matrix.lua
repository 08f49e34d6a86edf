-- matrix.lua - assay.matrix through its public face.
-- SPDX-License-Identifier: Apache-2.0

local matrix = require("assay").matrix

local function fails(message, f, ...)
    local ok, why = pcall(f, ...)
    assert(not ok, "an error was expected: " .. message)
    why = tostring(why)
    assert(why:find(message, 1, true), ("%q expected, got %q"):format(message, why))
end

local function is(m, rows)
    local want = matrix.new(rows)
    assert(m:equal(want, 1e-5), tostring(m) .. " is not " .. tostring(want))
end

-- Making, reading, writing
local a = matrix.new { { 1, 2, 3 }, { 4, 5, 6 } }
assert(a:rows() == 2 and a:cols() == 3 and #a == 2)
local rows, cols = a:shape()
assert(rows == 2 and cols == 3)
assert(a:get(2, 3) == 6 and a:get(-1, -1) == 6 and a[2][3] == 6)
assert(matrix.new({ 1, 2 }):rows() == 1)
assert(matrix.new(2, 2, 7):get(1, 2) == 7 and matrix.zeros(1, 1)[1] == 0)
is(matrix.eye(2), { { 1, 0 }, { 0, 1 } })
local b = a:copy():set(1, 1, 9)
assert(b:get(1, 1) == 9 and a:get(1, 1) == 1)
b[2][1] = 8
assert(b:get(2, 1) == 8)
assert(b:fill(3):sum() == 18)
assert(a:table()[2][1] == 4)
assert(matrix.is(a) and not matrix.is({}) and not matrix.is(3))
assert(tostring(a):find("^2x3 matrix"))

fails("side: whole number >= 1 expected, got 0", matrix.new, 0, 1)
fails("side: whole number >= 1 expected, got 1.5", matrix.new, 1.5, 1)
fails("row: whole number from 1 to 2 expected, got 3", a.get, a, 3, 1)
fails("column: whole number from 1 to 3 expected, got 0", a.get, a, 1, 0)
fails("row 2 has 1 numbers, row 1 has 2", matrix.new, { { 1, 2 }, { 3 } })
fails("row 1, column 2: number expected, got string", matrix.new, { { 1, "x" } })
fails("list of rows or of numbers expected", matrix.new, { "x" })
fails("row 2: list of numbers expected, got number", matrix.new, { { 1 }, 2 })
fails("only elements can be assigned", function() a[1] = 3 end)
local none, message, code = matrix.new(2 ^ 40, 2 ^ 40)
assert(none == nil and message:find("1099511627776x1099511627776", 1, true) and code == "ENOMEM")

-- Views
local v = a:row(1)
v[2] = 20
assert(a:get(1, 2) == 20)
v[2] = 2
is(a:column(2), { { 2 }, { 5 } })
is(a:slice(1, 2, 2, 3), { { 2, 3 }, { 5, 6 } })
is(a:slice(-1, -1), { { 4, 5, 6 } })
fails("empty", a.slice, a, 2, 1)
do -- a view keeps its values when the base goes
    local w = matrix.new({ { 1, 2 }, { 3, 4 } }):row(2)
    collectgarbage()
    collectgarbage()
    is(w, { { 3, 4 } })
end

-- Linear algebra
is(a:mul(a:transpose()), { { 14, 32 }, { 32, 77 } })
is(matrix.new({ { 2, 0 }, { 0, 4 } }):solve(matrix.new { { 2 }, { 4 } }), { { 1 }, { 1 } })
assert(math.abs(matrix.new({ 3, 4 }):norm() - 5) < 1e-6)
fails("matrix.mul: 3x4 by 5x2: inner sides 4 and 5 differ", function()
    return matrix.new(3, 4):mul(matrix.new(5, 2))
end)
fails("singular", function()
    return matrix.new(2, 2):solve(matrix.new(2, 1))
end)

-- Element by element
is(a + 1, { { 2, 3, 4 }, { 5, 6, 7 } })
is(10 - a, { { 9, 8, 7 }, { 6, 5, 4 } })
is(a * a, { { 1, 4, 9 }, { 16, 25, 36 } })
is(a / matrix.new { { 1 }, { 2 } }, { { 1, 2, 3 }, { 2, 2.5, 3 } })
is(-a, { { -1, -2, -3 }, { -4, -5, -6 } })
is(a:maximum(4), { { 4, 4, 4 }, { 4, 5, 6 } })
is(a:minimum(matrix.new { 2, 2, 2 }), { { 1, 2, 2 }, { 2, 2, 2 } })
is(matrix.add(a, a), { { 2, 4, 6 }, { 8, 10, 12 } })
is(a:map("square"), { { 1, 4, 9 }, { 16, 25, 36 } })
is(a:map(function(x) return x * 2 end), { { 2, 4, 6 }, { 8, 10, 12 } })
local y = matrix.new(2, 3)
assert(rawequal(a:add(1, { out = y }), y))
is(y, { { 2, 3, 4 }, { 5, 6, 7 } })
a:map(function(x) return x + 1 end, { out = y })
is(y, { { 2, 3, 4 }, { 5, 6, 7 } })
fails("3x2", function() return a:add(1, { out = matrix.new(3, 2) }) end)
fails("matrix expected", function() return a:mul(3) end)
fails("exp", function() return a:map("expp") end)
fails("must return a number", function() return a:map(function() return "x" end) end)
fails("bad user", function() return a:map(function() error("bad user") end) end)
do -- a function that frees what it maps
    local f = matrix.new(50, 50)
    f:map(function(x) f:free() return x end)
end

-- Summing up
assert(a:sum() == 21 and a:mean() == 3.5 and a:min() == 1 and a:max() == 6)
assert(math.abs(a:std() - math.sqrt(35 / 12)) < 1e-6)
is(a:sum("rows"), { { 6 }, { 15 } })
is(a:mean("columns"), { { 2.5, 3.5, 4.5 } })
local i, j = a:argmax()
assert(i == 2 and j == 3)
local best = matrix.new({ { 1, 5, 2 }, { 7, 0, 1 } }):argmax("rows")
assert(best[1] == 2 and best[2] == 1 and #best == 2)
fails("invalid option", function() return a:sum("row") end)

-- Putting together, comparing
is(matrix.concat { a, a:row(1) }, { { 1, 2, 3 }, { 4, 5, 6 }, { 1, 2, 3 } })
is(matrix.concat({ a, a:column(1) }, "columns"), { { 1, 2, 3, 1 }, { 4, 5, 6, 4 } })
fails("element 2: matrix expected, got number", matrix.concat, { a, 3 })
fails("got an empty one", matrix.concat, {})
assert(a == a:copy() and a ~= a + 1 and a:equal(a + 0.5, 0.6))

-- Random
local u = matrix.uniform(50, 50, { lo = -1, hi = 1, seed = 3 })
assert(u:min() >= -1 and u:max() < 1 and math.abs(u:mean()) < 0.1)
assert(u == matrix.uniform(50, 50, { lo = -1, hi = 1, seed = 3 }))
assert(u ~= matrix.uniform(50, 50, { lo = -1, hi = 1, seed = 4 }))
assert(matrix.uniform(3, 3) ~= matrix.uniform(3, 3))
local n = matrix.normal(100, 100, { mean = 2, std = 3, seed = 1 })
assert(math.abs(n:mean() - 2) < 0.1 and math.abs(n:std() - 3) < 0.1)
fails("unknown option 'sd'; known are mean, std, seed", matrix.normal, 2, 2, { sd = 1 })
fails("lo: number expected, got table", matrix.uniform, 2, 2, { lo = {} })

-- Files
local path = FOLDER .. "/a.npy"
assert(a:save(path))
assert(matrix.load(path) == a)
local m, why, kind = matrix.load(FOLDER .. "/nothing.npy")
assert(m == nil and why and kind == "EIO")

-- Freeing
local gone = matrix.new(2, 2)
gone:free()
gone:free()
fails("was freed", function() return gone:sum() end)
fails("was freed", function() return a + gone end)
assert(tostring(gone) == "matrix (freed)")
assert(getmetatable(a) == false and a.__gc == nil)

-- The collector keeps up with memory that it does not see: 1 GB in all.
for _ = 1, 1000 do
    matrix.new(500, 500)
end
