-- train.lua - trains one design with the built-in trainer, in scripts and own trials.
-- SPDX-License-Identifier: Apache-2.0

local check = require "assay.check"
local core = require "assay.core"

local KEYS = check.set { "seed", "shared_seed", "on_epoch", "keep_model" }

--- Trains a design on prepared data. The result has the metrics by name, epochs, seconds,
--- parameters, the curve, and with `keep_model` a model that predicts.
---@param design assay.Design
---@param data assay.Data
---@param options? assay.TrainOptions
---@return table result
local function train(design, data, options)
    local own = {}
    check.keys("assay.train: options", options or {}, KEYS)
    for key, value in pairs(options or {}) do
        own[key] = value
    end
    -- Inside a trial each training has a seed of its own that repeats with the trial.
    if own.seed == nil then
        own.seed = core.hosted and math.random(0, 2 ^ 52) or 0
    end
    check.whole("assay.train: seed", own.seed, 0)
    if own.on_epoch ~= nil then
        check.func("assay.train: on_epoch", own.on_epoch)
    end
    return core.train(design, data, own)
end

return train
