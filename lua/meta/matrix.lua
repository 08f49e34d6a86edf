---@meta assay.matrix
-- matrix.lua - dense matrices of 32-bit floats, as scripts see them (engine/script).
-- SPDX-License-Identifier: Apache-2.0
--
-- Rows and columns count from 1; negative ones from the end. Storage is row by row. Views
-- share memory with their matrix; operators make new ones, `out` writes into one that is
-- there. Wrong shapes raise and name both; what the world refuses (memory, files) comes back
-- as nil, message, code, except from operators, which raise.

---@class assay.Matrix
---@operator add(assay.Matrix|number): assay.Matrix
---@operator sub(assay.Matrix|number): assay.Matrix
---@operator mul(assay.Matrix|number): assay.Matrix   element by element; see Matrix:mul
---@operator div(assay.Matrix|number): assay.Matrix
---@operator unm: assay.Matrix
---@operator len: integer
---@field [integer] assay.Matrix|number   a row; of a single row or column, an element
local Matrix = {}

---@class assay.MatrixOut
---@field out? assay.Matrix   where the result goes, of the right shape

---@alias assay.Over "all"|"rows"|"columns"   one number for each

---@class assay.MatrixLibrary
local matrix = {}

--- A matrix of that shape filled with a value (0 by default); or of the numbers in a list of
--- rows, or in a list that is one row.
---@param rows integer|number[]|number[][]
---@param cols? integer
---@param value? number
---@return assay.Matrix? m
---@return string? message
---@return string? code
function matrix.new(rows, cols, value) end

--- A matrix of zeros.
---@param rows integer
---@param cols integer
---@return assay.Matrix? m
---@return string? message
---@return string? code
function matrix.zeros(rows, cols) end

--- The n by n matrix with ones from corner to corner.
---@param n integer
---@return assay.Matrix? m
---@return string? message
---@return string? code
function matrix.eye(n) end

--- Values drawn evenly from [lo, hi). Without a seed they follow math.random.
---@param rows integer
---@param cols integer
---@param options? { lo?: number, hi?: number, seed?: integer }
---@return assay.Matrix? m
---@return string? message
---@return string? code
function matrix.uniform(rows, cols, options) end

--- Normally distributed values. Without a seed they follow math.random.
---@param rows integer
---@param cols integer
---@param options? { mean?: number, std?: number, seed?: integer }
---@return assay.Matrix? m
---@return string? message
---@return string? code
function matrix.normal(rows, cols, options) end

--- Matrices below one another ("rows") or side by side ("columns").
---@param list assay.Matrix[]
---@param direction? "rows"|"columns"
---@param options? assay.MatrixOut
---@return assay.Matrix
function matrix.concat(list, direction, options) end

--- True when the value is a matrix.
---@param value any
---@return boolean
function matrix.is(value) end

--- Reads what save() wrote (not in rules).
---@param path string
---@return assay.Matrix? m
---@return string? message
---@return string? code
function matrix.load(path) end

---@return integer
function Matrix:rows() end

---@return integer
function Matrix:cols() end

---@return integer rows
---@return integer cols
function Matrix:shape() end

---@param row integer
---@param column integer
---@return number
function Matrix:get(row, column) end

--- Sets an element; returns the matrix.
---@param row integer
---@param column integer
---@param value number
---@return assay.Matrix
function Matrix:set(row, column, value) end

--- Sets all elements; returns the matrix.
---@param value number
---@return assay.Matrix
function Matrix:fill(value) end

--- The elements as a list of rows.
---@return number[][]
function Matrix:table() end

--- A copy that shares nothing.
---@return assay.Matrix
function Matrix:copy() end

--- True when shapes are equal and no element differs by more than the tolerance.
---@param other assay.Matrix
---@param tolerance? number   0 by default
---@return boolean
function Matrix:equal(other, tolerance) end

--- A view of one row.
---@param row integer
---@return assay.Matrix
function Matrix:row(row) end

--- A view of one column.
---@param column integer
---@return assay.Matrix
function Matrix:column(column) end

--- A view of a part; both ends are included.
---@param first_row integer
---@param last_row integer
---@param first_column? integer
---@param last_column? integer
---@return assay.Matrix
function Matrix:slice(first_row, last_row, first_column, last_column) end

--- Gives the memory back now instead of when it is collected.
function Matrix:free() end

--- Writes it to a file (not in rules).
---@param path string
---@return boolean? done
---@return string? message
---@return string? code
function Matrix:save(path) end

--- The matrix product.
---@param other assay.Matrix
---@param options? assay.MatrixOut
---@return assay.Matrix
function Matrix:mul(other, options) end

---@param options? assay.MatrixOut
---@return assay.Matrix
function Matrix:transpose(options) end

--- X with self * X = right.
---@param right assay.Matrix
---@param options? assay.MatrixOut
---@return assay.Matrix? x
---@return string? message
---@return string? code
function Matrix:solve(right, options) end

--- The square root of the sum of squares.
---@return number
function Matrix:norm() end

--- Sum, element by element; a single row, column or number counts for all.
---@param other assay.Matrix|number
---@param options? assay.MatrixOut
---@return assay.Matrix
function Matrix:add(other, options) end

---@param other assay.Matrix|number
---@param options? assay.MatrixOut
---@return assay.Matrix
function Matrix:sub(other, options) end

--- Product, element by element.
---@param other assay.Matrix|number
---@param options? assay.MatrixOut
---@return assay.Matrix
function Matrix:times(other, options) end

---@param other assay.Matrix|number
---@param options? assay.MatrixOut
---@return assay.Matrix
function Matrix:div(other, options) end

--- The smaller of two, element by element.
---@param other assay.Matrix|number
---@param options? assay.MatrixOut
---@return assay.Matrix
function Matrix:minimum(other, options) end

--- The larger of two, element by element.
---@param other assay.Matrix|number
---@param options? assay.MatrixOut
---@return assay.Matrix
function Matrix:maximum(other, options) end

--- A function of each element: by name ("exp", "log", "tanh", "relu", "sigmoid", "sqrt",
--- "abs", ...), or one of your own.
---@param f string|fun(x: number): number
---@param options? assay.MatrixOut
---@return assay.Matrix
function Matrix:map(f, options) end

--- Of all elements a number; of "rows" or "columns" a matrix with one number for each.
---@param over? assay.Over
---@param options? assay.MatrixOut
---@return number|assay.Matrix
function Matrix:sum(over, options) end

---@param over? assay.Over
---@param options? assay.MatrixOut
---@return number|assay.Matrix
function Matrix:mean(over, options) end

---@param over? assay.Over
---@param options? assay.MatrixOut
---@return number|assay.Matrix
function Matrix:std(over, options) end

---@param over? assay.Over
---@param options? assay.MatrixOut
---@return number|assay.Matrix
function Matrix:min(over, options) end

---@param over? assay.Over
---@param options? assay.MatrixOut
---@return number|assay.Matrix
function Matrix:max(over, options) end

--- Row and column of the largest element; of "rows" or "columns", a list of places.
---@param over? assay.Over
---@return integer|integer[]
---@return integer?
function Matrix:argmax(over) end

return matrix
