-- test_docs.lua - every public function of the library is annotated for editors.
-- SPDX-License-Identifier: Apache-2.0

local tap = require "tap"

local here = ...
local test, ok = tap.test, tap.ok

local function library_files()
    local list = {}
    for path in io.popen('find "' .. here .. '/lua/assay" -name "*.lua" | sort'):lines() do
        list[#list + 1] = path
    end
    return list
end

local function lines_of(path)
    local list = {}
    for line in io.lines(path) do
        list[#list + 1] = line
    end
    return list
end

-- The lines of --- right above line n.
local function comment_above(lines, n)
    local comment = {}
    while n > 1 and lines[n - 1]:match("^%-%-%-") do
        n = n - 1
        table.insert(comment, 1, lines[n])
    end
    return comment
end

local function has(comment, pattern)
    for _, line in ipairs(comment) do
        if line:find(pattern) then
            return true
        end
    end
    return false
end

-- True when the function that starts at line n returns a value.
local function returns_value(lines, n)
    for k = n + 1, #lines do
        if lines[k] == "end" then
            return false
        elseif lines[k]:match("^    return [^n]") or lines[k]:match("^        return [%w_]+$") then
            return true
        end
    end
    return false
end

-- What is missing in the annotations of the public functions of a file.
local function faults_of(path)
    local faults, lines = {}, lines_of(path)
    for n, line in ipairs(lines) do
        local module, name, parameters = line:match("^function ([%w_]+)[.:]([%w_]+)%((.-)%)")
        if module and module ~= "build" and module ~= "make_reader" and module ~= "calls"
            and module ~= "event" then
            local comment = comment_above(lines, n)
            local function fault(what)
                faults[#faults + 1] = ("%s:%d: %s.%s: %s"):format(path, n, module, name, what)
            end
            if #comment == 0 then
                fault("no annotation")
            elseif not has(comment, "^%-%-%-@private") then
                for parameter in parameters:gmatch("[%w_%.]+") do
                    local wanted = parameter == "..." and "%.%.%." or parameter
                    if not has(comment, "^%-%-%-@param " .. wanted .. "%??%s")
                        and parameter ~= "_" then
                        fault("no ---@param " .. parameter)
                    end
                end
                if returns_value(lines, n) and not has(comment, "^%-%-%-@return") then
                    fault("no ---@return")
                end
            end
        end
    end
    return faults
end

test("docs: every public function is annotated", function()
    for _, path in ipairs(library_files()) do
        local faults = faults_of(path)
        ok(#faults == 0, table.concat(faults, "\n"))
    end
end)

test("docs: what the modules export is written where the annotations are looked for", function()
    local assay = require "assay"
    local names = {}
    for _, path in ipairs(library_files()) do
        for _, line in ipairs(lines_of(path)) do
            local name = line:match("^function [%w_]+[.:]([%w_]+)%(")
            if name then
                names[name] = true
            end
        end
    end
    for _, module in ipairs { "space", "net", "prepare", "strategy", "data" } do
        for name, value in pairs(assay[module]) do
            ok(type(value) ~= "function" or names[name], module .. "." .. name .. " not found")
        end
    end
end)

test("docs: each file begins with what it is for and its licence", function()
    for _, path in ipairs(library_files()) do
        local lines = lines_of(path)
        local name = path:match("[^/]+$")
        ok(lines[1]:sub(1, #name + 6) == "-- " .. name .. " - ", path .. ": " .. lines[1])
        ok(lines[2]:match("^%-%- SPDX%-License%-Identifier: Apache%-2%.0"), path)
    end
end)

-- The texts between ```lua and ``` in a document.
local function code_blocks(path)
    local blocks, block = {}, nil
    for line in io.lines(path) do
        if block and line:match("^```") then
            blocks[#blocks + 1] = table.concat(block, "\n")
            block = nil
        elseif block then
            block[#block + 1] = line
        elseif line:match("^```lua") then
            block = {}
        end
    end
    return blocks
end

test("docs: the Lua in docs/rules.md can be compiled, and its rules are right", function()
    local fake = require "fake_host"
    local rules = 0
    for i, block in ipairs(code_blocks(here .. "/docs/rules.md")) do
        if not block:find("return assay.rule", 1, true) then
            local chunk = loadstring(block) or loadstring("return {" .. block .. "}")
            ok(chunk, ("block %d cannot be compiled: %s"):format(i, block))
        else
            rules = rules + 1
            fake.new(block)
            require("assay.host").handle { call = "describe" }
        end
    end
    ok(rules >= 3, "rules in the document: " .. rules)
end)
