-- check.lua - looks at what a user handed in and says clearly what is wrong with it.
-- SPDX-License-Identifier: Apache-2.0
--
-- Every message has the form `where: what was expected, got what came`. check.fail raises
-- it at the user's line: the innermost frame that is not of this library.

local check = {}

local floor, huge = math.floor, math.huge
local format, concat = string.format, table.concat

-- "lua/assay/": what the position of a library frame starts with. A long path arrives
-- shortened to "...tail", so then the tail has to do.
local home
do
    local _, here = pcall(error, "", 2)
    home = tostring(here):match("^(.*)check%.lua:") or "assay/"
end

local function is_library(position)
    if home:sub(1, 3) == "..." then
        return position:find("lua/assay/", 1, true) ~= nil
    end
    return position:sub(1, #home) == home
end

-- The rule's file, for messages without a line.
local file = nil

--- Sets the file that messages name when they have no line.
---@param name string
function check.set_file(name)
    file = name
end

--- "rule.lua:12: " of the innermost frame outside the library; only the file when there is
--- none, as after `return net.mlp { ... }`: a function called so takes its caller's place.
---@return string
function check.users_line()
    for level = 2, 40 do
        local _, position = pcall(error, "", level)
        if position ~= "" and not is_library(position) then
            return position
        end
    end
    return file and file .. ": " or ""
end

--- Raises a message at the user's line.
---@param text string  a format when arguments follow
---@param ... any
function check.fail(text, ...)
    if select("#", ...) > 0 then
        text = format(text, ...)
    end
    error(check.users_line() .. text, 0)
end

--- A value as messages show it: short, on one line.
---@param value any
---@return string
function check.show(value)
    local kind = type(value)
    if kind == "string" then
        local text = #value > 40 and value:sub(1, 37) .. "..." or value
        return '"' .. text:gsub("[%c]", "?") .. '"'
    elseif kind == "number" then
        return format("%.14g", value)
    elseif kind == "nil" then
        return "nothing"
    elseif kind == "table" then
        return #value > 0 and "a list" or "a table"
    elseif kind == "boolean" then
        return tostring(value)
    end
    return "a " .. kind
end

-- Edits that turn one short text into the other: a letter more, less, other, or two swapped.
local function distance(a, b)
    local row = { [0] = {} }
    for j = 0, #b do
        row[0][j] = j
    end
    for i = 1, #a do
        row[i] = { [0] = i }
        for j = 1, #b do
            local cost = a:byte(i) == b:byte(j) and 0 or 1
            local best = math.min(row[i - 1][j] + 1, row[i][j - 1] + 1, row[i - 1][j - 1] + cost)
            if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
                best = math.min(best, row[i - 2][j - 2] + 1)
            end
            row[i][j] = best
        end
    end
    return row[#a][#b]
end

-- One begins with the other: "log" and "logarithmic".
local function is_beginning(a, b)
    local n = math.min(#a, #b)
    return n >= 3 and a:sub(1, n) == b:sub(1, n)
end

--- The name in the list that looks most like the one given, if one is close enough.
---@param name any
---@param names string[]
---@return string?
function check.nearest(name, names)
    name = tostring(name):lower():sub(1, 40)
    local best, least = nil, math.min(#name, math.max(2.5, #name / 2 + 0.5))
    for _, known in ipairs(names) do
        local lower = known:lower()
        local d = is_beginning(name, lower) and 0.5 or distance(name, lower:sub(1, 40))
        if d < least then
            best, least = known, d
        end
    end
    return best
end

--- The keys of a table as a sorted list of texts.
---@param t table
---@return string[]
function check.sorted(t)
    local names = {}
    for key in pairs(t) do
        names[#names + 1] = tostring(key)
    end
    table.sort(names)
    return names
end

-- `did you mean "x"? known: a, b, c`
local function suggestion(name, names)
    local near = check.nearest(name, names)
    local hint = near and format('did you mean "%s"? ', near) or ""
    return hint .. "known: " .. (#names > 0 and concat(names, ", ") or "none")
end

--- Raises because a name is not among the known ones.
---@param where string
---@param what string   "key", "parameter", "column"
---@param name any
---@param names string[]
function check.unknown(where, what, name, names)
    check.fail("%s: no %s %s; %s", where, what, check.show(name), suggestion(name, names))
end

--- Raises unless the value is a table whose keys are all in `known`.
---@param where string
---@param value any
---@param known table<string, any>  a set
function check.keys(where, value, known)
    if type(value) ~= "table" then
        check.fail("%s: table expected, got %s", where, check.show(value))
    end
    for key in pairs(value) do
        if known[key] == nil then
            check.unknown(where, "key", key, check.sorted(known))
        end
    end
end

--- Makes a set of the names given.
---@param names string[]
---@return table<string, boolean>
function check.set(names)
    local set = {}
    for _, name in ipairs(names) do
        set[name] = true
    end
    return set
end

local function range_text(lo, hi)
    if lo and hi then
        return format(" from %.14g to %.14g", lo, hi)
    elseif lo then
        return format(" >= %.14g", lo)
    elseif hi then
        return format(" <= %.14g", hi)
    end
    return ""
end

--- A finite number within a range.
---@param where string
---@param value any
---@param lo? number
---@param hi? number
---@return number
function check.number(where, value, lo, hi)
    if type(value) ~= "number" or value ~= value or value == huge or value == -huge
        or (lo and value < lo) or (hi and value > hi) then
        check.fail("%s: number%s expected, got %s", where, range_text(lo, hi),
            check.show(value))
    end
    return value
end

--- A whole number within a range.
---@param where string
---@param value any
---@param lo? integer
---@param hi? integer
---@return integer
function check.whole(where, value, lo, hi)
    if type(value) ~= "number" or floor(value) ~= value or value - value ~= 0
        or (lo and value < lo) or (hi and value > hi) then
        check.fail("%s: whole number%s expected, got %s", where, range_text(lo, hi),
            check.show(value))
    end
    return value
end

---@param where string
---@param value any
---@return string
function check.text(where, value)
    if type(value) ~= "string" then
        check.fail("%s: text expected, got %s", where, check.show(value))
    end
    return value
end

---@param where string
---@param value any
---@return boolean
function check.boolean(where, value)
    if type(value) ~= "boolean" then
        check.fail("%s: true or false expected, got %s", where, check.show(value))
    end
    return value
end

---@param where string
---@param value any
---@return function
function check.func(where, value)
    if type(value) ~= "function" then
        check.fail("%s: function expected, got %s", where, check.show(value))
    end
    return value
end

--- One of the names of a set.
---@param where string
---@param value any
---@param known table<string, any>
---@return string
function check.one_of(where, value, known)
    if type(value) ~= "string" or known[value] == nil then
        check.fail("%s: %s is not known; %s", where, check.show(value),
            suggestion(value, check.sorted(known)))
    end
    return value
end

--- A list without holes (maybe empty). Returns its length.
---@param where string
---@param value any
---@return integer
function check.list(where, value)
    if type(value) ~= "table" then
        check.fail("%s: list expected, got %s", where, check.show(value))
    end
    local count = 0
    for _ in pairs(value) do
        count = count + 1
    end
    if count ~= #value then
        check.fail("%s: list expected, got a table with named keys or holes", where)
    end
    return count
end

--- A list of texts; a single text is taken as a list of one.
---@param where string
---@param value any
---@return string[]
function check.texts(where, value)
    if type(value) == "string" then
        return { value }
    end
    for i = 1, check.list(where, value) do
        check.text(format("%s[%d]", where, i), value[i])
    end
    return value
end

return check
