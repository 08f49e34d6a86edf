-- run.lua - runs the tests of the Lua library: luajit tests/lua/run.lua [NAME]
-- SPDX-License-Identifier: Apache-2.0

local here = arg[0]:match("^(.*)/tests/lua/run%.lua$") or "."
package.path = here .. "/lua/?.lua;" .. here .. "/lua/?/init.lua;" .. here .. "/tests/lua/?.lua"
package.cpath = ""
package.preload["assay.core"] = function()
    return require "fake_core"
end

-- A library file that makes a global by mistake fails at once.
setmetatable(_G, {
    __newindex = function(_, name)
        error("global variable " .. tostring(name) .. " is made", 2)
    end,
    __index = function(_, name)
        error("global variable " .. tostring(name) .. " is not there", 2)
    end,
})

local files = { "check", "space", "strategy", "net", "prepare", "rule", "host", "docs",
    "rules" }
local tap = require "tap"
for _, name in ipairs(files) do
    local chunk, message = loadfile(here .. "/tests/lua/test_" .. name .. ".lua")
    assert(chunk, message)(here)
end
os.exit(tap.run(arg[1]) and 0 or 1)
