-- fake_core.lua - assay.core for tests of the pure Lua parts: the same random numbers as
-- the engine, answers to queries from a table, everything else written down.
-- SPDX-License-Identifier: Apache-2.0

local bit = require "bit"

local core = { hosted = true, version = "test", logged = {}, reported = {}, answers = {} }

local bxor, shr = bit.bxor, bit.rshift
local WORD = 0xffffffffULL

local function mix(x)
    x = x + 0x9E3779B97F4A7C15ULL
    x = bxor(x, shr(x, 30)) * 0xBF58476D1CE4E5B9ULL
    x = bxor(x, shr(x, 27)) * 0x94D049BB133111EBULL
    return bxor(x, shr(x, 31))
end

local function whole(x)
    return x < 0 and 0ULL - (-x + 0ULL) or x + 0ULL
end

local function philox(key, c)
    local k0, k1 = bit.band(key, WORD), shr(key, 32)
    local c0, c1, c2, c3 = c[1], c[2], c[3], c[4]
    for _ = 1, 10 do
        local a, b = 0xD2511F53ULL * c0, 0xCD9E8D57ULL * c2
        c0, c1 = bxor(shr(b, 32), c1, k0), bit.band(b, WORD)
        c2, c3 = bxor(shr(a, 32), c3, k1), bit.band(a, WORD)
        k0 = bit.band(k0 + 0x9E3779B9ULL, WORD)
        k1 = bit.band(k1 + 0xBB67AE85ULL, WORD)
    end
    return { c0, c1, c2, c3 }
end

local STREAMS = { init = 1, shuffle = 2, dropout = 3, split = 4, balance = 5, rule = 6,
    strategy = 7 }

local Random = {}
Random.__index = Random

function Random:u32()
    if self.left == 0 then
        self.have = philox(self.key, { self.block, self.index, self.stream, 0ULL })
        self.block, self.left = self.block + 1, 4
    end
    self.left = self.left - 1
    return self.have[4 - self.left]
end

function Random:uniform()
    local low = self:u32()
    local word = bit.bor(bit.lshift(self:u32(), 32), low)
    return tonumber(shr(word, 11)) * 2 ^ -53
end

function Random:uniforms(n)
    local list = {}
    for i = 1, n do
        list[i] = self:uniform()
    end
    return list
end

function core.random(seed, stream, number, index)
    local key = mix(bxor(mix(whole(seed)), whole(number or 0)))
    return setmetatable({ key = key, stream = STREAMS[stream] + 0ULL,
        index = (index or 0) + 0ULL, block = 0ULL, left = 0 }, Random)
end

local marked = setmetatable({}, { __mode = "k" })

function core.object(t)
    marked[t] = true
    return t
end

--- Tells whether core.object() marked the table.
function core.is_object(t)
    return marked[t] == true
end

function core.query(query)
    for kind, value in pairs(query) do
        if core.answers[kind] then
            return core.answers[kind](value, query)
        end
    end
    error("fake_core: no answer to this query")
end

function core.log(text)
    core.logged[#core.logged + 1] = text
end

function core.own_report(id, epoch, value)
    core.reported[#core.reported + 1] = { id, epoch, value }
    return epoch < 3
end

function core.traceback()
    return ""
end

function core.count(design, data)
    local inputs, parameters = data.inputs, 0
    for _, layer in ipairs(design.hidden) do
        for _ = 1, layer["repeat"] or 1 do
            parameters = parameters + inputs * layer.units + layer.units
            inputs = layer.units
        end
    end
    parameters = parameters + inputs * data.classes + data.classes
    return { parameters = parameters, flops = 2 * parameters, memory = 16 * parameters }
end

core.matrix = {}

return core
