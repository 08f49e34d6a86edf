-- sobol.lua - Sobol's sequence, scrambled: fills the space more evenly than random draws.
-- SPDX-License-Identifier: Apache-2.0
--
-- Point n of dimension d is the XOR of the direction numbers v_j over the set bits of n's
-- Gray code. Scrambling is Owen's nested uniform one, by the hash of Laine and Karras
-- (B. Burley, Practical Hash-based Owen Scrambling, JCGT 9(4), 2020).

local directions = require "assay.strategy.joe_kuo"
local draws = require "assay.draws"

local sobol = {}

local band, bxor, lshift, rshift = bit.band, bit.bxor, bit.lshift, bit.rshift
local tobit, bor = bit.tobit, bit.bor
local floor = math.floor

local TWO32 = 2 ^ 32

--- Dimensions that the sequence has; further ones get independent random numbers.
sobol.dimensions = 40

-- 64-bit arithmetic on (high, low) pairs of unsigned 32-bit halves ------------------------

local function multiply(ah, al, bh, bl)
    local a1, a0, b1, b0 = floor(al / 65536), al % 65536, floor(bl / 65536), bl % 65536
    local middle = a1 * b0 + a0 * b1
    local low = a0 * b0 + middle % 65536 * 65536
    local high = a1 * b1 + floor(middle / 65536) + floor(low / TWO32)
    high = high + (ah * b0 + ah * b1 % 65536 * 65536) + (bh * a0 + bh * a1 % 65536 * 65536)
    return high % TWO32, low % TWO32
end

local function add(ah, al, bh, bl)
    local low = al + bl
    return (ah + bh + floor(low / TWO32)) % TWO32, low % TWO32
end

-- x xor (x >> n), 0 < n < 32
local function shift_mix(h, l, n)
    local mixed_low = bxor(l, bor(rshift(l, n), lshift(h, 32 - n)))
    return bxor(h, rshift(h, n)) % TWO32, mixed_low % TWO32
end

--- One step of splitmix64 for a state given as two 32-bit halves.
---@param high integer
---@param low integer
---@return integer high
---@return integer low
function sobol.splitmix(high, low)
    local h, l = add(high, low, 0x9E3779B9, 0x7F4A7C15)
    h, l = shift_mix(h, l, 30)
    h, l = multiply(h, l, 0xBF58476D, 0x1CE4E5B9)
    h, l = shift_mix(h, l, 27)
    h, l = multiply(h, l, 0x94D049BB, 0x133111EB)
    return shift_mix(h, l, 31)
end

-- The scrambling seed of dimension d: low half of splitmix64(seed * 1000003 + d).
local function dimension_seed(seed, d)
    local h, l = multiply(floor(seed / TWO32) % TWO32, seed % TWO32, 0, 1000003)
    h, l = add(h, l, 0, d)
    local _, low = sobol.splitmix(h, l)
    return tobit(low)
end

-- Scrambling ------------------------------------------------------------------------------

-- a * b modulo 2^32; both are taken as unsigned.
local function multiply32(a, b)
    a = a % TWO32
    return tobit(a * band(b, 0xffff) + a * rshift(b, 16) % 65536 * 65536)
end

local function reverse(x)
    x = bor(lshift(band(x, 0x55555555), 1), band(rshift(x, 1), 0x55555555))
    x = bor(lshift(band(x, 0x33333333), 2), band(rshift(x, 2), 0x33333333))
    x = bor(lshift(band(x, 0x0f0f0f0f), 4), band(rshift(x, 4), 0x0f0f0f0f))
    return bit.bswap(x)
end

--- Owen's scrambling of a 32-bit fraction: a random permutation of each binary digit that
--- depends on the digits before it.
---@param x integer
---@param seed integer
---@return integer
function sobol.owen(x, seed)
    x = tobit(reverse(x) + seed)
    x = bxor(x, multiply32(x, 0x6c50b47c))
    x = bxor(x, multiply32(x, 0xb82f1e52))
    x = bxor(x, multiply32(x, 0xc7afe638))
    x = bxor(x, multiply32(x, 0x8d22f6e6))
    return reverse(x)
end

-- The sequence ----------------------------------------------------------------------------

-- The direction numbers v_1 .. v_32 of a dimension.
local function direction_numbers(d)
    local v = {}
    if d == 1 then
        for i = 1, 32 do
            v[i] = lshift(1, 32 - i)
        end
        return v
    end
    local row = directions[d]
    local a, degree = row[1], #row - 1
    for i = 1, 32 do
        if i <= degree then
            v[i] = lshift(row[i + 1], 32 - i)
        else
            local x = bxor(v[i - degree], rshift(v[i - degree], degree))
            for k = 1, degree - 1 do
                if band(rshift(a, degree - 1 - k), 1) == 1 then
                    x = bxor(x, v[i - k])
                end
            end
            v[i] = x
        end
    end
    return v
end

---@class assay.SobolSequence
local Sequence = {}
Sequence.__index = Sequence

--- A sequence of so many dimensions, at its first point.
---@param dimensions integer  at most sobol.dimensions
---@return assay.SobolSequence
function sobol.sequence(dimensions)
    local self = setmetatable({ n = 0, x = {}, v = {} }, Sequence)
    for d = 1, dimensions do
        self.v[d], self.x[d] = direction_numbers(d), 0
    end
    return self
end

--- Goes to point n (from 0).
---@param n integer
function Sequence:seek(n)
    if n == self.n + 1 then
        local c = 1
        while band(rshift(self.n, c - 1), 1) == 1 do
            c = c + 1
        end
        for d = 1, #self.x do
            self.x[d] = bxor(self.x[d], self.v[d][c])
        end
    elseif n ~= self.n then
        local gray = bxor(n, rshift(n, 1))
        for d = 1, #self.x do
            local x = 0
            for j = 1, 32 do
                if band(rshift(gray, j - 1), 1) == 1 then
                    x = bxor(x, self.v[d][j])
                end
            end
            self.x[d] = x
        end
    end
    self.n = n
end

--- Coordinate d of the point, in [0, 1); with a seed, scrambled.
---@param d integer
---@param seed? integer
---@return number
function Sequence:at(d, seed)
    local x = self.x[d]
    if seed then
        x = sobol.owen(x, seed)
    end
    return x % TWO32 / TWO32
end

-- The strategy ----------------------------------------------------------------------------

---@class assay.SobolStrategy: assay.Strategy
local Sobol = { name = "sobol", is_built_in = true }
Sobol.__index = Sobol

-- The numbers of point n: the sequence for the first dimensions, random ones behind.
local function mixed_draws(seed, dimensions)
    local sequence = sobol.sequence(dimensions)
    local tail, seeds = draws.new(seed, 0), {}
    local self = { point = 0, has_tail = false }
    for d = 1, dimensions do
        seeds[d] = dimension_seed(seed, d)
    end

    function self.uniform(dimension)
        if dimension <= dimensions then
            return sequence:at(dimension, seeds[dimension])
        elseif not self.has_tail then
            tail.open(self.point + 1)
            self.has_tail = true
        end
        return tail.uniform(dimension - dimensions)
    end

    function self.pick(parameter, dimension)
        return parameter.read(self.uniform(dimension))
    end

    -- A refused point is left out: the next one of the sequence takes its place.
    function self.again()
        self.open(self.point + 1)
    end

    function self.open(point)
        sequence:seek(point)
        self.point, self.has_tail = point, false
    end

    return self
end

--- Takes the space and the seed from the session.
---@param session assay.Session
function Sobol:open(session)
    local needed = session.space.dimensions + session.space.lists * session.space.longest
    self.space = session.space
    self.last = session.wanted or self.trials
    self.draws = mixed_draws(session.seed, math.min(needed, sobol.dimensions))
end

--- The next n points.
---@param n integer
---@return table[] list
function Sobol:ask(n)
    local list = {}
    while #list < n and not self:finished() do
        self.draws.open(self.next)
        list[#list + 1] = self.space:sample(self.draws)
        self.next, self.made = self.draws.point + 1, self.made + 1
    end
    return list
end

---@return boolean
function Sobol:finished()
    return self.made >= self.last
end

--- What restore() needs to go on from here.
---@return table state
function Sobol:state()
    return { next = self.next, made = self.made }
end

---@param state table
function Sobol:restore(state)
    self.next, self.made = state.next, state.made
end

--- Makes a strategy; assay.strategy checks the options.
---@param options { trials: integer, pruner?: assay.Pruner }
---@return assay.SobolStrategy
function sobol.new(options)
    return setmetatable({ trials = options.trials, last = options.trials,
        pruner = options.pruner, next = 0, made = 0 }, Sobol)
end

return sobol
