-- data.lua - tables from CSV files, and what networks learn from, in scripts of your own.
-- SPDX-License-Identifier: Apache-2.0

local check = require "assay.check"
local core = require "assay.core"
local prepare = require "assay.prepare"

local data = {}

local LOAD_KEYS = check.set { "separator", "header" }
local PREPARE_KEYS = check.set { "label", "seed", "folds", "fold" }

--- A table as imported: typed columns.
---@class assay.Dataset
local Dataset = {}
Dataset.__index = Dataset

---@class assay.LoadOptions
---@field separator? string   "," ";" or a tab; guessed by default
---@field header? boolean     whether the first line has the names; guessed by default

--- Reads a CSV file. Rules cannot: theirs comes from the session.
---@param path string
---@param options? assay.LoadOptions
---@return assay.Dataset? dataset
---@return string? message
---@return string? code
function data.load(path, options)
    if not core.load then
        check.fail("data.load: a rule cannot read files; its data is given with --data")
    end
    check.text("data.load: path", path)
    check.keys("data.load: options", options or {}, LOAD_KEYS)
    local t, message, code = core.load(path, options)
    if not t then
        return nil, message, code
    end
    return setmetatable({ handle = t }, Dataset)
end

--- Number of rows.
---@return integer
function Dataset:rows()
    return self.handle:rows()
end

--- Names of the columns, in order.
---@return string[]
function Dataset:columns()
    return self.handle:columns()
end

--- The type of each column: "number", "category" or "ignored".
---@return table<string, string>
function Dataset:types()
    return self.handle:types()
end

--- The cells of a column; a missing one is NaN.
---@param name string
---@return (number|string)[]
function Dataset:column(name)
    return self.handle:column(name)
end

--- Columns with their ranges, means and missing cells.
---@return table
function Dataset:describe()
    return self.handle:describe()
end

---@class assay.PrepareOptions
---@field label? string    the last column by default
---@field seed? integer    0 by default
---@field folds? integer
---@field fold? integer

--- Runs preparation steps, as a rule's `prepare` has them: a list or a function.
---@param steps table|function
---@param options? assay.PrepareOptions
---@return assay.Data? data
---@return string? message
---@return string? code
function Dataset:prepare(steps, options)
    options = options or {}
    check.keys("dataset:prepare: options", options, PREPARE_KEYS)
    local names = self:columns()
    local label = options.label or names[#names]
    local cells = prepare.cells(self:describe(), label, function(name)
        return self:column(name)
    end)
    return self.handle:prepare(prepare.steps(steps, cells, {}), {
        label = label, seed = options.seed or 0, folds = options.folds, fold = options.fold,
    })
end

return data
