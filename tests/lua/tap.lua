-- tap.lua - a small test harness: named tests, checks that raise, results as TAP.
-- SPDX-License-Identifier: Apache-2.0

local tap = {}

local tests = {}

local function show(value)
    if type(value) == "string" then
        return ("%q"):format(value)
    elseif type(value) ~= "table" then
        return tostring(value)
    end
    local keys, parts = {}, {}
    for key in pairs(value) do
        keys[#keys + 1] = key
    end
    table.sort(keys, function(a, b)
        return tostring(a) < tostring(b)
    end)
    for _, key in ipairs(keys) do
        parts[#parts + 1] = tostring(key) .. " = " .. show(value[key])
    end
    return "{ " .. table.concat(parts, ", ") .. " }"
end

local function same(a, b)
    if type(a) ~= "table" or type(b) ~= "table" then
        return a == b or (a ~= a and b ~= b)
    end
    for key, value in pairs(a) do
        if not same(value, rawget(b, key)) then
            return false
        end
    end
    for key in pairs(b) do
        if rawget(a, key) == nil then
            return false
        end
    end
    return true
end

--- Adds a test.
function tap.test(name, fn)
    tests[#tests + 1] = { name = name, fn = fn }
end

--- Fails unless the claim holds.
function tap.ok(claim, what)
    if not claim then
        error("not so: " .. (what or "?"), 2)
    end
end

--- Fails unless two values are equal, tables by content.
function tap.equal(got, wanted, what)
    if not same(got, wanted) then
        error(("%s: expected %s, got %s"):format(what or "value", show(wanted), show(got)), 2)
    end
end

--- Fails unless two numbers are close.
function tap.near(got, wanted, tolerance, what)
    local is_near = type(got) == "number" and math.abs(got - wanted) <= tolerance
    if not is_near then
        error(("%s: expected %.17g, got %s"):format(what or "value", wanted, show(got)), 2)
    end
end

--- Fails unless the function raises a message that contains the text. Returns the message.
function tap.raises(text, fn, ...)
    local ok, message = pcall(fn, ...)
    if ok then
        error(("no error where %q was expected"):format(text), 2)
    elseif type(message) ~= "string" or not message:find(text, 1, true) then
        error(("expected an error with %q, got %s"):format(text, show(message)), 2)
    end
    return message
end

--- Runs all tests; true when all passed.
function tap.run(only)
    local failed, count = 0, 0
    for _, t in ipairs(tests) do
        if not only or t.name:find(only, 1, true) then
            count = count + 1
            local ok, message = xpcall(t.fn, debug.traceback)
            print(("%s %d - %s"):format(ok and "ok" or "not ok", count, t.name))
            if not ok then
                failed = failed + 1
                print("# " .. tostring(message):gsub("\n", "\n# "))
            end
        end
    end
    print("1.." .. count)
    return failed == 0
end

return tap
