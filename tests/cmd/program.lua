-- program.lua - runs the assay program in a scratch folder and says what came out.
-- SPDX-License-Identifier: Apache-2.0

local program = {}

local function quote(text)
    return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function first_line(command)
    local pipe = assert(io.popen(command))
    local line = pipe:read("*l")
    pipe:close()
    return line
end

--- A scratch folder with a shell environment in which `assay` is the program under test,
--- $DATA holds the fixtures and $RULES the shipped rules.
---@param assay string   path of the program
---@param source string  path of the source folder
function program.open(assay, source)
    local folder = assert(first_line("mktemp -d /tmp/assay-cmd-XXXXXX"))
    local bin = folder .. "/bin"
    assert(os.execute("mkdir " .. quote(bin) .. " " .. quote(folder .. "/work")) == 0)
    assert(os.execute("ln -s " .. quote(assay) .. " " .. quote(bin .. "/assay")) == 0)
    local prelude = table.concat({
        "cd " .. quote(folder .. "/work"),
        "export PATH=" .. quote(bin) .. ":$PATH LC_ALL=C COLUMNS=100",
        "export DATA=" .. quote(source .. "/tests/fixtures"),
        "export RULES=" .. quote(source .. "/rules"),
        "unset NO_COLOR ASSAY_ISA ASSAY_TOKEN",
    }, "\n")
    return setmetatable({ folder = folder, prelude = prelude }, { __index = program })
end

--- Writes a file in the scratch folder.
function program:write(name, text)
    local file = assert(io.open(self.folder .. "/work/" .. name, "wb"))
    file:write(text)
    file:close()
end

--- Runs a shell command; its output (both streams) and its exit status.
---@return string output
---@return integer status
function program:run(command)
    local path = self.folder .. "/command.sh"
    local file = assert(io.open(path, "wb"))
    file:write(self.prelude, "\n", command, "\n")
    file:close()
    local pipe = assert(io.popen("timeout 100 sh " .. quote(path) .. " 2>&1; echo \"status $?\""))
    local text = pipe:read("*a")
    pipe:close()
    local output, status = text:match("^(.-)status (%d+)\n$")
    return output, tonumber(status)
end

function program:close()
    os.execute("rm -rf " .. quote(self.folder))
end

-- Comparing --------------------------------------------------------------------------------

-- "..." inside a line stands for any text.
local function line_pattern(line)
    local parts, at = {}, 1
    while true do
        local from, to = line:find("...", at, true)
        parts[#parts + 1] = line:sub(at, (from or 0) - 1):gsub("%p", "%%%0")
        if not from then
            return "^" .. table.concat(parts, ".*") .. "$"
        end
        at = to + 1
    end
end

local function match_from(expected, e, got, g)
    if e > #expected then
        return g > #got
    end
    if expected[e] == "..." then -- any number of lines
        for skip = g, #got + 1 do
            if match_from(expected, e + 1, got, skip) then
                return true
            end
        end
        return false
    end
    return got[g] ~= nil and got[g]:find(line_pattern(expected[e])) ~= nil
        and match_from(expected, e + 1, got, g + 1)
end

--- The lines of a text; a last newline ends the last line.
function program.lines(text)
    local list = {}
    for line in (text:gsub("\n$", "") .. "\n"):gmatch("(.-)\n") do
        list[#list + 1] = line
    end
    if #list == 1 and list[1] == "" then
        return {}
    end
    return list
end

--- True when the output is what was expected, "..." standing for anything.
function program.matches(expected, output)
    return match_from(expected, 1, program.lines(output), 1)
end

return program
