-- size.lua: reports functions over 40 lines and files over 600; a reading list, no verdict.
-- Run as: luajit tests/size.lua engine
-- SPDX-License-Identifier: Apache-2.0

local function report(path)
    local number, opened, name = 0, nil, nil
    for line in io.lines(path) do
        number = number + 1
        if line:match("^%a") and line:match("%(") then
            name = line:match("([%w_]+)%s*%(")
        end
        if line == "{" then
            opened = number
        elseif line == "}" and opened then
            if number - opened - 1 > 40 then
                print(("%s:%d: %s has %d lines"):format(path, opened, name or "?",
                    number - opened - 1))
            end
            opened = nil
        end
    end
    if number > 600 then
        print(("%s: %d lines"):format(path, number))
    end
end

local root = assert(arg[1], "which folder?")
for path in io.popen("find " .. root .. " -name '*.[ch]' | sort"):lines() do
    report(path)
end
