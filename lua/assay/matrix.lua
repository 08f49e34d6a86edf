-- matrix.lua - dense matrices of float: the engine's own, as lua/meta/matrix.lua describes.
-- SPDX-License-Identifier: Apache-2.0

local core = require "assay.core"

---@type assay.MatrixLibrary
return core.matrix
