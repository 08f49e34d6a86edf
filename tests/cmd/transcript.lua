-- transcript.lua - replays a command-line transcript and compares what the program says.
-- SPDX-License-Identifier: Apache-2.0
--
-- Run as: luajit transcript.lua ASSAY SOURCE FILE. Prints TAP. In the file
--
--     # a comment
--     $ assay --version
--     assay ...
--     ? 0
--
-- "$ " starts a command for the shell; the lines below are its expected output, of both
-- streams, in which "..." stands for any text within a line, or for any lines when alone.
-- "? N" is the expected exit status, 0 when there is none. Further lines "> text" before
-- the output go on with the command (a here-document). All commands of a file share one
-- scratch folder, so later ones see what earlier ones made.

local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
local program = require "program"

local assay, source, path = arg[1], arg[2], arg[3]
assert(path, "ASSAY, SOURCE and FILE expected")

local function read_blocks()
    local blocks, block = {}, nil
    for line in io.lines(path) do
        local mark, rest = line:match("^([$>?]) ?(.*)$")
        local is_comment = line:find("^# ")
        if mark == "$" then
            block = { command = rest, expected = {}, status = 0 }
            blocks[#blocks + 1] = block
        elseif mark == ">" and #block.expected == 0 then
            block.command = block.command .. "\n" .. rest
        elseif mark == "?" then
            block.status = tonumber(rest)
        elseif block and not is_comment then
            block.expected[#block.expected + 1] = line
        end
    end
    return blocks
end

-- Blank lines between blocks are for the reader.
local function trim(expected)
    while expected[#expected] == "" do
        expected[#expected] = nil
    end
    return expected
end

local function show(name, lines)
    print("#   " .. name .. ":")
    for _, line in ipairs(lines) do
        print("#     " .. line)
    end
end

local function check(scratch, number, block)
    local output, status = scratch:run(block.command)
    local is_good = status == block.status and program.matches(trim(block.expected), output)
    print(("%sok %d - %s"):format(is_good and "" or "not ", number,
        block.command:match("^[^\n]*")))
    if not is_good then
        show("expected status " .. block.status, block.expected)
        show("got status " .. tostring(status), program.lines(output))
    end
    return is_good
end

local blocks, faults = read_blocks(), 0
local scratch = program.open(assay, source)
print("1.." .. #blocks)
for number, block in ipairs(blocks) do
    if not check(scratch, number, block) then
        faults = faults + 1
    end
end
scratch:close()
os.exit(faults == 0 and 0 or 1)
