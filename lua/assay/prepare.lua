-- prepare.lua - steps from a table to what a network learns from.
-- SPDX-License-Identifier: Apache-2.0
--
-- A step is a plain table, as engine/data/prepare.h describes it; the engine runs the
-- steps and fits each on the training part only. A `derive` step carries a function until
-- prepare.steps() puts the column it computes in its place.

local check = require "assay.check"

local prepare = {}

local STATISTICS = check.set { "mean", "median", "mode" }
local BALANCES = check.set { "over", "under" }
local FILL_KEYS = check.set { "indicator", "columns" }
local COLUMNS_KEYS = check.set { "columns" }
local STANDARDIZE_KEYS = check.set { "columns", "label" }
local ONE_HOT_KEYS = check.set { "max_categories", "columns" }
local SPLIT_KEYS = check.set { "test", "validate", "stratify", "by", "seed" }
local OPS = check.set { "fill_missing", "scale", "standardize", "one_hot", "drop", "keep",
    "shuffle", "log", "clip", "derive", "balance", "split" }

---@class assay.Step
---@field op string

local function columns_of(where, options, known)
    if options == nil then
        return nil
    end
    check.keys(where, options, known or COLUMNS_KEYS)
    if options.columns == nil then
        return nil
    end
    return check.texts(where .. ": columns", options.columns)
end

-- A list of names that must not be empty, as of drop and keep.
local function names_of(where, names)
    names = check.texts(where .. ": columns", names)
    if #names == 0 then
        check.fail("%s: at least one column name expected, got an empty list", where)
    end
    return names
end

--- Puts a value into missing cells: a number, or the mean, median or mode of the training
--- part. `indicator = true` adds a column that says where cells were missing.
---@param with number|"mean"|"median"|"mode"
---@param options? { indicator?: boolean, columns?: string[] }
---@return assay.Step
function prepare.fill_missing(with, options)
    local where = "prepare.fill_missing"
    if type(with) == "string" then
        check.one_of(where, with, STATISTICS)
    else
        check.number(where .. ': value, or "mean", "median", "mode"', with)
    end
    local columns = columns_of(where, options, FILL_KEYS)
    local indicator = options and options.indicator
    if indicator ~= nil then
        check.boolean(where .. ": indicator", indicator)
    end
    return { op = "fill_missing", with = with, columns = columns, indicator = indicator }
end

--- Moves numbers linearly so that the training part spans lo to hi (0 to 1 by default).
---@param lo? number
---@param hi? number
---@param options? { columns?: string[] }
---@return assay.Step
function prepare.scale(lo, hi, options)
    lo, hi = lo or 0, hi or 1
    check.number("prepare.scale: lower end", lo)
    check.number("prepare.scale: upper end", hi)
    if lo >= hi then
        check.fail("prepare.scale: lower end %.14g is not below upper end %.14g", lo, hi)
    end
    return { op = "scale", lo = lo, hi = hi, columns = columns_of("prepare.scale", options) }
end

--- Moves numbers so that the training part has mean 0 and standard deviation 1.
---@param options? { columns?: string[], label?: boolean }   label: the numeric label, too
---@return assay.Step
function prepare.standardize(options)
    local columns = columns_of("prepare.standardize", options, STANDARDIZE_KEYS)
    local label = options and options.label
    if label ~= nil then
        check.boolean("prepare.standardize: label", label)
    end
    return { op = "standardize", columns = columns, label = label }
end

--- Gives each category a column of its own, 1 where it holds.
---@param options? { max_categories?: integer, columns?: string[] }
---@return assay.Step
function prepare.one_hot(options)
    local columns = columns_of("prepare.one_hot", options, ONE_HOT_KEYS)
    local most = options and options.max_categories
    if most ~= nil then
        check.whole("prepare.one_hot: max_categories", most, 1, 1e6)
    end
    return { op = "one_hot", max_categories = most, columns = columns }
end

--- Leaves columns out.
---@param columns string[]
---@return assay.Step
function prepare.drop(columns)
    return { op = "drop", columns = names_of("prepare.drop", columns) }
end

--- Leaves all other columns out.
---@param columns string[]
---@return assay.Step
function prepare.keep(columns)
    return { op = "keep", columns = names_of("prepare.keep", columns) }
end

--- Puts the rows in random order.
---@param seed? integer   the session's by default
---@return assay.Step
function prepare.shuffle(seed)
    if seed ~= nil then
        check.whole("prepare.shuffle: seed", seed, 0)
    end
    return { op = "shuffle", seed = seed }
end

--- Replaces x by sign(x) log(1 + |x|).
---@param columns string[]
---@return assay.Step
function prepare.log(columns)
    return { op = "log", columns = names_of("prepare.log", columns) }
end

--- Limits numbers to lo .. hi.
---@param lo number
---@param hi number
---@param columns? string[]   all numbers by default
---@return assay.Step
function prepare.clip(lo, hi, columns)
    check.number("prepare.clip: lower end", lo)
    check.number("prepare.clip: upper end", hi)
    if lo >= hi then
        check.fail("prepare.clip: lower end %.14g is not below upper end %.14g", lo, hi)
    end
    return { op = "clip", lo = lo, hi = hi,
        columns = columns and names_of("prepare.clip", columns) }
end

--- Adds a numeric column computed from the other cells of each row. The row has the cells
--- as imported, and columns derived before, by name; a missing cell is nil.
---@param name string
---@param fn fun(row: table<string, number|string>): number?
---@return assay.Step
function prepare.derive(name, fn)
    check.text("prepare.derive: name", name)
    check.func("prepare.derive: second argument", fn)
    return { op = "derive", name = name, fn = fn }
end

--- Makes the classes of the training part equally frequent, by repeating rows ("over") or
--- leaving rows out ("under").
---@param how "over"|"under"
---@return assay.Step
function prepare.balance(how)
    check.one_of("prepare.balance", how, BALANCES)
    return { op = "balance", how = how }
end

---@class assay.SplitOptions
---@field test? number       share of the rows, 0.2 by default
---@field validate? number   share of the rows, 0 by default
---@field stratify? boolean  each part has the classes in equal shares, true by default
---@field by? string         column
---@field seed? integer      the session's by default

local function check_share(where, value, default)
    if value == nil then
        return default
    end
    return check.number(where, value, 0, 1)
end

--- Draws the parts. `by` names a column: cells that say "train", "validate" or "test" decide
--- where their row goes; of any other cells, equal ones stay together.
---@param options? assay.SplitOptions
---@return assay.Step
function prepare.split(options)
    options = options or {}
    check.keys("prepare.split", options, SPLIT_KEYS)
    local test = check_share("prepare.split: test", options.test, 0.2)
    local validate = check_share("prepare.split: validate", options.validate, 0)
    if test + validate >= 1 then
        check.fail("prepare.split: test %.14g and validate %.14g leave nothing to train on; "
            .. "their sum must be below 1", test, validate)
    end
    if options.stratify ~= nil then
        check.boolean("prepare.split: stratify", options.stratify)
    end
    if options.by ~= nil then
        check.text("prepare.split: by", options.by)
    end
    if options.seed ~= nil then
        check.whole("prepare.split: seed", options.seed, 0)
    end
    return { op = "split", test = options.test, validate = options.validate,
        stratify = options.stratify, by = options.by, seed = options.seed }
end

-- The function form -----------------------------------------------------------------------

---@class assay.Cells                 where column values come from
---@field rows integer
---@field label string
---@field types table<string, string>
---@field names string[]
---@field column fun(name: string): any[]

--- What a rule's `prepare = function(data)` gets: looks at the data, records steps.
---@class assay.Preparation
local Preparation = {}
Preparation.__index = Preparation

--- Names of the columns, in order.
---@return string[]
function Preparation:columns()
    local names = {}
    for i, name in ipairs(self.cells.names) do
        names[i] = name
    end
    return names
end

--- Number of rows.
---@return integer
function Preparation:rows()
    return self.cells.rows
end

--- Name of the column to predict.
---@return string
function Preparation:label()
    return self.cells.label
end

--- The type of each column: "number", "category" or "ignored".
---@return table<string, string>
function Preparation:types()
    local types = {}
    for name, kind in pairs(self.cells.types) do
        types[name] = kind
    end
    return types
end

--- The cells of a column; a missing one is NaN.
---@param name string
---@return (number|string)[]
function Preparation:column(name)
    if not self.cells.types[name] then
        check.unknown("data:column", "column", name, self.cells.names)
    end
    return self.cells.column(name)
end

-- Each step is a method, too.
for name in pairs(OPS) do
    Preparation[name] = function(self, ...)
        self.steps[#self.steps + 1] = prepare[name](...)
        return self
    end
end

-- Computing derived columns ----------------------------------------------------------------

-- A row whose cells are fetched by name, a column at a time; `at.row` moves it.
local function make_row(cells, derived, at)
    local function read(_, name)
        local column = derived[name]
        if not column then
            if not cells.types[name] then
                check.unknown("row", "column", name, cells.names)
            end
            column = cells.column(name)
            derived[name] = column
        end
        local value = column[at.row]
        if value ~= value then
            return nil
        end
        return value
    end
    return setmetatable({}, { __index = read, __newindex = function()
        check.fail("row: cells cannot be changed; return the value of the new column")
    end })
end

local function compute(step, cells, derived)
    if derived[step.name] or cells.types[step.name] then
        check.fail("prepare.derive: there is a column %s already", check.show(step.name))
    end
    local at, values = { row = 0 }, {}
    local row = make_row(cells, derived, at)
    for i = 1, cells.rows do
        at.row = i
        local value = step.fn(row)
        if type(value) == "boolean" then
            value = value and 1 or 0
        elseif value ~= nil and type(value) ~= "number" then
            check.fail("prepare.derive: %s: row %d: number, true, false or nil expected, "
                .. "got %s", check.show(step.name), i, check.show(value))
        end
        values[i] = value or 0 / 0
    end
    derived[step.name] = values
    return { op = "derive", name = step.name, values = values }
end

local function check_steps(list)
    for i = 1, check.list("prepare", list) do
        local step = list[i]
        if type(step) ~= "table" or type(step.op) ~= "string" then
            check.fail("prepare[%d]: step such as prepare.scale(0, 1) expected, got %s", i,
                check.show(step))
        end
        check.one_of("prepare[" .. i .. "]", step.op, OPS)
    end
end

--- Checks a rule's `prepare`, without looking at data. Returns its steps if they are known
--- now, or nil when they need the data (a function, or derived columns).
---@param value? table|function
---@return assay.Step[]?
function prepare.check(value)
    if value == nil then
        return {}
    elseif type(value) == "function" then
        return nil
    end
    check_steps(value)
    for _, step in ipairs(value) do
        if step.op == "derive" and not step.values then
            return nil
        end
    end
    return value
end

--- The steps of a rule's `prepare` for the data given, ready for the engine.
---@param value? table|function
---@param cells assay.Cells
---@param options? table   the rule's options
---@return assay.Step[]
function prepare.steps(value, cells, options)
    if type(value) == "function" then
        local data = setmetatable({ cells = cells, steps = {} }, Preparation)
        local answer = value(data, options)
        if answer ~= data then
            check.fail("prepare: the function must end in `return data`; it returned %s",
                check.show(answer))
        end
        value = data.steps
    end
    check_steps(value or {})
    local steps, derived = {}, {}
    for i, step in ipairs(value or {}) do
        steps[i] = step.fn and compute(step, cells, derived) or step
    end
    return steps
end

--- Cells of a table described as by asy_table_describe(); `fetch(name)` gets a column.
---@param table_description table
---@param label string
---@param fetch fun(name: string): any[]
---@return assay.Cells
function prepare.cells(table_description, label, fetch)
    local cells = { rows = table_description.rows, label = label, types = {}, names = {} }
    for i, column in ipairs(table_description.columns) do
        cells.names[i], cells.types[column.name] = column.name, column.type
    end
    local cache = {}
    function cells.column(name)
        local column = cache[name]
        if not column then
            column = fetch(name)
            cache[name] = column
        end
        return column
    end
    return cells
end

return prepare
