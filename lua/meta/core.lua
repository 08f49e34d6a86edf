---@meta assay.core
-- core.lua - the primitives that the engine gives the Lua library (engine/script).
-- SPDX-License-Identifier: Apache-2.0
--
-- Two doors lead here. Inside a rule host the table is there for the library alone:
-- `require "assay.core"` works in lua/assay/*.lua and not in rules. In a plain luajit it
-- is the C module assay/core.so. `core.hosted` tells which one it is; names marked
-- "hosted" exist only inside a rule host, names marked "plain" only outside.
--
-- How the engine uses the library inside a rule host:
--
--     local host = require "assay.host"
--     host.open(chunk, name, options)      -- chunk: the rule, compiled, its environment set;
--                                          -- runs it, checks and keeps what it returned
--     reply = host.handle(call)            -- the calls of engine/lab/rule.h
--     metrics = host.trial(params, data, seed, id)   -- a rule with `trial =`
--
-- All three raise on failure; the engine adds the traceback. A rule sees its own copies
-- of the standard tables, `require` for "assay" and "assay.<name>" (not assay.core,
-- not assay.host), print (one line of the log), math.random seeded by the session, and a
-- pairs() that goes through keys in a fixed order.
--
-- Trees cross the border so: tables with keys 1..n are lists, tables with only text keys
-- are objects, anything else is an error that names the place. An empty table is a list
-- unless core.object() marked it; empty objects that come in carry the mark. A null in
-- an object is an absent key, a null in a list is NaN. Whole numbers stay whole.
-- Depth is limited to 30, a reply to 16 MiB.

---@class assay.core
---@field hosted boolean           inside a rule host
---@field version string
---@field matrix table<string, function>   the functions of assay.matrix, see lua/meta/matrix.lua
local core = {}

--- Marks a table so that it is an object even when it is empty. Returns it.
---@generic T: table
---@param t T
---@return T
function core.object(t) end

--- Asks the host and waits for the answer (hosted). Queries: see engine/lab/rule.h.
---@param query table   { column = name } | { curve = number, metric = name } | ...
---@return any answer
function core.query(query) end

--- Sends one line to the session's log (hosted). Cut after 1 MiB a call.
---@param text string
function core.log(text) end

--- Reports a value of the trial that runs (hosted, `trial =` only).
---@param id integer     as host.trial() got it
---@param epoch integer
---@param value number
---@return boolean go    false: stop, the host wants no more of this trial
function core.own_report(id, epoch, value) end

--- The traceback of a coroutine or of the caller, without engine and library frames.
---@param thread? thread
---@return string text   "" or "\n  rule.lua:12: in function 'design'\n  ..."
function core.traceback(thread) end

--- Numbers from a counter-based generator: equal arguments, equal numbers, everywhere.
---@param seed integer
---@param stream string  "rule" | "strategy" | "split" | "balance" | "init" | "shuffle" | "dropout"
---@param number? integer  which trial or dimension, 0 by default
---@param index? integer   0 by default
---@return assay.Random
function core.random(seed, stream, number, index) end

---@class assay.Random
local random = {}

---@return number x  from [0, 1), 53 bits
function random:uniform() end

---@return number x  standard normal
function random:normal() end

---@param lo integer
---@param hi integer
---@return integer x  from lo .. hi, unbiased
function random:integer(lo, hi) end

---@return integer x  32 bits
function random:u32() end

--- Puts the list in random order, in place, and returns it.
---@generic T: table
---@param list T
---@return T
function random:shuffle(list) end

--- A list of n uniform numbers at once.
---@param n integer
---@return number[]
function random:uniforms(n) end

---@class assay.Shape        what a network must fit; sessions, data and `trial` data have it
---@field inputs integer
---@field classes? integer   0 or nil: regression
---@field outputs? integer   targets of a regression, 1 by default
---@field train_rows? integer

---@class assay.Cost
---@field parameters integer     learned numbers
---@field flops integer          of a forward pass, a row
---@field flops_train integer    of training, a row and epoch
---@field memory integer         bytes to train it

--- Exact counts for a design on data of that shape. Raises when the design is wrong.
---@param design table
---@param data assay.Shape
---@return assay.Cost
function core.count(design, data) end

--- Checks a design and returns its canonical JSON text. Raises when it is wrong.
---@param design table
---@return string json
function core.canonical(design) end

---@class assay.TrainOptions
---@field seed? integer          0 by default
---@field shared_seed? integer   order of the rows; the seed by default
---@field on_epoch? fun(e: assay.Epoch): boolean?   false stops the training
---@field keep_model? boolean    result.model can predict

---@class assay.Epoch
---@field epoch integer
---@field train_loss number
---@field train_accuracy? number
---@field validate_loss? number
---@field validate_accuracy? number

---@class assay.Model
local model = {}

---@param x assay.Matrix   (rows, inputs)
---@return assay.Matrix y  (rows, outputs), after softmax or sigmoid
function model:predict(x) end

--- Writes a .safetensors file (plain).
---@param path string
---@return boolean? done
---@return string? message
function model:save(path) end

--- Trains a design with the built-in trainer. The result has the metrics by name
--- (accuracy, test_accuracy, ...), epochs, best_epoch, seconds, stop, parameters, flops,
--- curve (a list of assay.Epoch) and, if asked for, model (assay.Model).
---@param design table
---@param data assay.Data
---@param options? assay.TrainOptions
---@return table result
function core.train(design, data, options) end

---@class assay.DataPart
---@field rows integer
---@field x assay.Matrix        (rows, inputs), read-only
---@field y assay.Matrix        (rows, 1) class numbers from 1, or (rows, outputs) targets; read-only
---@field row assay.Matrix      (rows, 1) rows of the dataset, from 1; read-only

--- Prepared data: what `trial` gets, and what Table:prepare() makes.
---@class assay.Data: assay.Shape
---@field task "classify"|"regress"
---@field label string
---@field names string[]         of the inputs
---@field class_names string[]   of the classes
---@field hash string
---@field train assay.DataPart
---@field validate? assay.DataPart
---@field test? assay.DataPart

--- Reads a CSV file (plain).
---@param path string
---@param options? { separator?: string, header?: boolean }
---@return assay.Table? table
---@return string? message
---@return string? code
function core.load(path, options) end

---@class assay.Table
local table_class = {}

---@return integer
function table_class:rows() end

---@return string[] names
function table_class:columns() end

---@return table<string, "number"|"category"|"ignored">
function table_class:types() end

--- Numbers (NaN where missing) or texts (NaN where missing).
---@param name string
---@return (number|string)[]
function table_class:column(name) end

---@return table description  as asy_table_describe() in engine/data/table.h
function table_class:describe() end

--- Runs preparation steps (plain).
---@param steps table[]
---@param options? { label?: string, seed?: integer, folds?: integer, fold?: integer }
---@return assay.Data? data
---@return string? message
---@return string? code
function table_class:prepare(steps, options) end

return core
