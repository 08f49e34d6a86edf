-- layers.lua: fails when a file of the engine includes a layer it may not see, or an
-- outside library that another folder owns.
-- Run as: luajit tests/layers.lua engine
-- SPDX-License-Identifier: Apache-2.0

local below = {
    base = {},
    math = { "base" },
    data = { "base", "math" },
    nn = { "base", "math", "data" },
    store = { "base" },
    net = { "base" },
    lab = { "base", "math", "data", "nn", "store", "net" },
    script = { "base", "math", "data", "nn", "store", "net", "lab" },
    http = { "base", "store", "lab" },
    cmd = { "base", "math", "data", "nn", "store", "net", "lab", "script", "http" },
}

-- The first word of an outside header, and the one folder that may include it.
local owner = {
    jansson = "base", msgpack = "base", sodium = "base",
    cblas = "math", lapacke = "math", openblas_config = "math", cublas_v2 = "math",
    cuda_runtime = "math", sqlite3 = "store", nng = "net", lua = "script",
    lauxlib = "script", lualib = "script", luajit = "script", seccomp = "script",
    civetweb = "http",
}

local may_see = {}
for layer, list in pairs(below) do
    may_see[layer] = { [layer] = true }
    for _, name in ipairs(list) do
        may_see[layer][name] = true
    end
end

local faults = 0

local function fault(path, number, text)
    print(("%s:%d: %s"):format(path, number, text))
    faults = faults + 1
end

local function check_line(path, number, layer, line)
    local ours = line:match('^%s*#%s*include%s+"([^/"]+)/')
    if ours and may_see[ours] and not may_see[layer][ours] then
        fault(path, number, layer .. " may not include " .. ours)
    end
    local outside = line:match("^%s*#%s*include%s+<([%w_]+)[./]")
    if outside and owner[outside] and owner[outside] ~= layer then
        fault(path, number, "only engine/" .. owner[outside] .. " may include <" .. outside .. ">")
    end
end

local root = assert(arg[1], "which folder?")
for path in io.popen("find " .. root .. " -name '*.[ch]' | sort"):lines() do
    local layer = path:sub(#root + 2):match("^[^/]+")
    assert(may_see[layer], "unknown layer: " .. path)
    local number = 0
    for line in io.lines(path) do
        number = number + 1
        check_line(path, number, layer, line)
    end
end
os.exit(faults == 0 and 0 or 1)
