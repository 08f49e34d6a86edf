-- net.lua - builds designs: one network and how it is trained, as plain tables.
-- SPDX-License-Identifier: Apache-2.0
--
-- A design is what engine/nn/design.h describes. The checks here are there to name the
-- line of the rule at once; the engine checks everything again and fills the defaults.

local check = require "assay.check"
local core = require "assay.core"

local net = {}

local floor, exp, log = math.floor, math.exp, math.log
local format = string.format

local MAX_EPOCHS = 1e6
local MAX_HIDDEN, MAX_UNITS = 20000, 65536

local ACTIVATIONS = check.set { "linear", "relu", "leaky_relu", "elu", "gelu", "silu", "tanh",
    "sigmoid", "softplus", "softsign", "hard_sigmoid" }
local INITS = check.set { "glorot_uniform", "glorot_normal", "he_uniform", "he_normal",
    "lecun_uniform", "lecun_normal", "orthogonal", "zeros" }
local LOSSES = check.set { "cross_entropy", "binary_cross_entropy", "mse", "mae", "huber" }
local OPTIMIZERS = check.set { "sgd", "rmsprop", "adagrad", "adadelta", "adam", "adamw",
    "nadam" }
local SCHEDULES = check.set { "constant", "step", "exponential", "cosine" }
local SHUFFLES = check.set { "shared", "own" }
local CLIPS = check.set { "norm", "value" }

-- What a field must be: functions of (where, value) that raise -----------------------------

local function whole(lo, hi)
    return function(where, value)
        if type(value) ~= "number" or value < lo or value > hi or floor(value) ~= value then
            check.whole(where, value, lo, hi)
        end
    end
end

local function number(lo, hi)
    return function(where, value)
        if type(value) ~= "number" or not (value >= lo and value <= hi) then
            check.number(where, value, lo, hi)
        end
    end
end

local function name_in(known)
    return function(where, value)
        if type(value) ~= "string" or known[value] == nil then
            check.one_of(where, value, known)
        end
    end
end

local function fraction_below_one(where, value)
    if type(value) ~= "number" or not (value >= 0 and value < 1) then
        check.fail("%s: number >= 0 and < 1 expected, got %s", where, check.show(value))
    end
end

local positive = number(1e-300, 1e300)
local not_negative = number(0, 1e300)

local LAYER = { units = whole(1, MAX_UNITS), activation = name_in(ACTIVATIONS),
    dropout = fraction_below_one, l2 = not_negative, batch_norm = check.boolean,
    init = name_in(INITS), ["repeat"] = whole(1, MAX_HIDDEN) }

local OUTPUT = { activation = name_in(ACTIVATIONS), init = name_in(INITS), l2 = not_negative }

local OPTIMIZER = { rate = positive, momentum = fraction_below_one, nesterov = check.boolean,
    rho = fraction_below_one, beta1 = fraction_below_one, beta2 = fraction_below_one,
    eps = positive, decay = not_negative }

local SCHEDULE = { factor = positive, every = whole(1, MAX_EPOCHS), floor = not_negative,
    warmup = whole(0, 1e9) }

-- Raises unless each key of the table is known and its value right. `first` is the key 1,
-- taken by a name as in { "adam", rate = 0.001 }.
local function check_fields(where, fields, known, first)
    for key, value in pairs(fields) do
        local test = known[key]
        if test then
            test(where .. ": " .. key, value)
        elseif not (first and key == 1) then
            check.unknown(where, "key", key, check.sorted(known))
        end
    end
end

-- Layers ----------------------------------------------------------------------------------

---@class assay.Dense
---@field units integer
---@field activation? string   "relu" by default
---@field dropout? number      share of outputs dropped in training, 0 by default
---@field l2? number           0 by default
---@field batch_norm? boolean
---@field init? string         "glorot_uniform" by default

local function check_layer(where, layer)
    if type(layer) ~= "table" then
        check.fail("%s: layer such as { units = 16 } expected, got %s", where,
            check.show(layer))
    end
    check_fields(where, layer, LAYER)
    if layer.units == nil then
        check.fail("%s: units: whole number from 1 to %d expected, got nothing", where,
            MAX_UNITS)
    end
    return layer
end

--- A dense layer.
---@param layer assay.Dense
---@return assay.Dense
function net.dense(layer)
    return check_layer("net.dense", layer)
end

local function with(layer, key, value)
    local twin = {}
    for k, v in pairs(layer) do
        twin[k] = v
    end
    twin[key] = value
    return twin
end

--- n equal layers. They stay one entry of the design, however many they are.
---@param n integer   0 or more
---@param layer assay.Dense
---@return assay.Dense[]
function net.stack(n, layer)
    check.whole("net.stack: number of layers", n, 0, MAX_HIDDEN)
    check_layer("net.stack", layer)
    if n == 0 then
        return {}
    elseif layer["repeat"] then
        check.fail("net.stack: a single layer expected, got one that is repeated already")
    end
    return { n == 1 and layer or with(layer, "repeat", n) }
end

--- Layers of the widths given, all else as in `layer`.
---@param list integer[]
---@param layer? assay.Dense   without units
---@return assay.Dense[]
function net.widths(list, layer)
    layer = layer or {}
    if type(layer) ~= "table" then
        check.fail("net.widths: layer such as { activation = \"relu\" } expected, got %s",
            check.show(layer))
    end
    check_fields("net.widths", layer, LAYER)
    local layers = {}
    for i = 1, check.list("net.widths: first argument", list) do
        local units = list[i]
        LAYER.units("net.widths: units", units)
        layers[i] = with(layer, "units", units)
    end
    return layers
end

--- n layers whose widths go geometrically from `from` to `to`.
---@param n integer
---@param from integer
---@param to integer
---@param layer? assay.Dense   without units
---@return assay.Dense[]
function net.taper(n, from, to, layer)
    check.whole("net.taper: number of layers", n, 0, MAX_HIDDEN)
    LAYER.units("net.taper: first width", from)
    LAYER.units("net.taper: last width", to)
    local widths = {}
    for i = 1, n do
        local t = n == 1 and 0 or (i - 1) / (n - 1)
        widths[i] = floor(exp(log(from) + t * (log(to) - log(from))) + 0.5)
    end
    return net.widths(widths, layer)
end

-- The design ------------------------------------------------------------------------------

-- { "adam", rate = 0.001 } or "adam" to { name = "adam", rate = 0.001 }.
local function named(where, value, names, fields)
    if type(value) == "string" then
        check.one_of(where, value, names)
        return { name = value }
    elseif type(value) ~= "table" then
        check.fail("%s: a name or a table such as { \"%s\", ... } expected, got %s", where,
            check.sorted(names)[1], check.show(value))
    end
    local result = {}
    for key, x in pairs(value) do
        if key == 1 or key == "name" then
            key = "name"
            check.one_of(where, x, names)
        elseif fields[key] then
            fields[key](where .. ": " .. key, x)
        else
            check.unknown(where, "key", key, check.sorted(fields))
        end
        result[key] = x
    end
    if not result.name then
        check.fail("%s: a name comes first, as in { \"%s\", ... }", where,
            check.sorted(names)[1])
    end
    return result
end

local function append_layers(hidden, layers, where)
    if type(layers) ~= "table" then
        check.fail("%s: layer, or list of layers, expected, got %s", where,
            check.show(layers))
    elseif layers[1] == nil and next(layers) ~= nil then
        hidden[#hidden + 1] = check_layer(where, layers)
        return
    end
    for i = 1, #layers do
        append_layers(hidden, layers[i], format("%s[%d]", where, i))
    end
end

-- How each option of net.mlp becomes a field of the design.
local build = {}

function build.hidden(where, value)
    local hidden, depth = {}, 0
    append_layers(hidden, value, where)
    for i = 1, #hidden do
        depth = depth + (hidden[i]["repeat"] or 1)
    end
    if depth > MAX_HIDDEN then
        check.fail("%s: at most %d hidden layers expected, got %d", where, MAX_HIDDEN, depth)
    end
    return hidden
end

function build.optimizer(where, value)
    return named(where, value, OPTIMIZERS, OPTIMIZER)
end

function build.schedule(where, value)
    return named(where, value, SCHEDULES, SCHEDULE)
end

function build.output(where, value)
    if type(value) == "string" then
        value = { activation = value }
    elseif type(value) ~= "table" then
        check.fail("%s: activation or table such as { activation = \"tanh\" } expected, got "
            .. "%s", where, check.show(value))
    end
    check_fields(where, value, OUTPUT)
    return core.object(value)
end

function build.clip(where, value)
    check.keys(where, value, CLIPS)
    for key, x in pairs(value) do
        positive(where .. ": " .. key, x)
    end
    return core.object(value)
end

function build.target(where, value)
    if type(value) ~= "table" or next(value) == nil or next(value, (next(value))) then
        check.fail("%s: one metric and its value expected, as in { accuracy = 0.99 }, got %s",
            where, check.show(value))
    end
    local metric, x = next(value)
    check.text(where .. ": metric", metric)
    check.number(where .. ": " .. metric, x)
    return value
end

function build.class_weight(where, value)
    if value == "balanced" then
        return value
    elseif type(value) ~= "table" then
        check.fail("%s: \"balanced\" or a list of weights, one a class, expected, got %s",
            where, check.show(value))
    end
    for i = 1, check.list(where, value) do
        not_negative(format("%s[%d]", where, i), value[i])
    end
    return value
end

local function keep(test)
    return function(where, value)
        test(where, value)
        return value
    end
end

build.epochs = keep(whole(1, MAX_EPOCHS))
build.batch = keep(whole(0, 1e9))
build.loss = keep(name_in(LOSSES))
build.init = keep(name_in(INITS))
build.residual = keep(whole(0, MAX_HIDDEN))
build.patience = keep(whole(0, MAX_EPOCHS))
build.min_delta = keep(not_negative)
build.restore_best = keep(check.boolean)
build.max_seconds = keep(not_negative)
build.shuffle = keep(name_in(SHUFFLES))

function build.validate(where)
    check.fail("%s: the validation part is drawn once for all designs; write it into "
        .. "`prepare`, as in prepare.split { test = 0.2, validate = 0.15 }", where)
end

function build.seed(where)
    check.fail("%s: each trial gets its own seed from the session; run the rule with another "
        .. "--seed, or set `repeats` to try each design on several", where)
end

---@class assay.Mlp
---@field hidden table              layers, or lists of layers
---@field optimizer? string|table   "adam", { "sgd", rate = 0.1, momentum = 0.9 }
---@field schedule? string|table    "cosine", { "step", every = 10, factor = 0.5 }
---@field clip? { norm?: number, value?: number }
---@field epochs? integer           30 by default
---@field batch? integer            32 by default; 0 is the whole training part
---@field loss? string
---@field output? string|table      activation, or { activation, init, l2 }
---@field class_weight? "balanced"|number[]
---@field init? string              for layers that name none
---@field residual? integer         adds the input of every k layers to their output
---@field patience? integer         epochs without a better validation loss before it stops
---@field min_delta? number
---@field restore_best? boolean
---@field target? table             { metric = value }: stops when reached
---@field max_seconds? number
---@field shuffle? "shared"|"own"

---@class assay.Design   a design as engine/nn/design.h describes it
---@field hidden assay.Dense[]

--- A multi-layer perceptron and how it is trained.
---@param options assay.Mlp
---@return assay.Design
function net.mlp(options)
    if type(options) ~= "table" then
        check.fail("net.mlp: table expected, got %s", check.show(options))
    end
    local design = {}
    for key, value in pairs(options) do
        local make = build[key]
        if not make then
            check.unknown("net.mlp", "key", key, check.sorted(build))
        end
        design[key] = make("net.mlp: " .. key, value)
    end
    if design.hidden == nil then
        check.fail("net.mlp: hidden: list of layers expected, got nothing; an empty list "
            .. "makes a network without hidden layers")
    end
    return design
end

--- Learned numbers of a design on data of that shape.
---@param design assay.Design
---@param data assay.Shape
---@return integer
function net.parameters(design, data)
    return core.count(design, data).parameters
end

--- Floating-point operations of a forward pass, a row.
---@param design assay.Design
---@param data assay.Shape
---@return integer
function net.flops(design, data)
    return core.count(design, data).flops
end

--- Bytes of memory that training the design takes.
---@param design assay.Design
---@param data assay.Shape
---@return integer
function net.memory(design, data)
    return core.count(design, data).memory
end

-- The one value that all layers share, or nil.
local function shared(layers, key)
    local value = layers[1] and layers[1][key]
    for i = 2, #layers do
        if layers[i][key] ~= value then
            return nil
        end
    end
    return value
end

--- What tells designs apart, as parameter values: for designs that come without any.
---@param design assay.Design
---@return table params
function net.summary(design)
    local hidden, depth = design.hidden, 0
    for i = 1, #hidden do
        depth = depth + (hidden[i]["repeat"] or 1)
    end
    local optimizer = design.optimizer or {}
    return { layers = depth, units = shared(hidden, "units"),
        activation = shared(hidden, "activation"), dropout = shared(hidden, "dropout"),
        optimizer = optimizer.name, rate = optimizer.rate, epochs = design.epochs,
        batch = design.batch }
end

return net
