-- bad_input.lua - wrong data, wrong rules, wrong stores: each ends with a clear message and
-- the right exit status, and never with a crash, a hang or a lost result.
-- SPDX-License-Identifier: Apache-2.0
--
-- Run as: luajit bad_input.lua ASSAY SOURCE PART, where PART is data, rule, design, store or look.
-- Prints TAP. A case is { name, command, status, text... }: every text must be in the output.
-- `csv` and `rule` are what the files data.csv and rule.lua hold.

local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
local program = require "program"

local RUN = "assay run rule.lua --data data.csv --label y --workers 1 --store s --json"

-- The good data and the good rule that every case spoils in one place ----------------------

local function rows(n, row)
    local lines = { "a,b,y" }
    for i = 1, n do
        lines[#lines + 1] = row(i)
    end
    return table.concat(lines, "\n") .. "\n"
end

local GOOD_CSV = rows(24, function(i)
    return ("%d,%g,%s"):format(i % 7, i / 3, i % 2 == 0 and "yes" or "no")
end)

local PARTS = {
    prepare = "{ prepare.fill_missing(0), prepare.scale(0, 1), prepare.one_hot() }",
    space = "{ width = space.int(2, 4) }",
    strategy = "strategy.random { trials = 2 }",
    design = "function(p) return net.mlp { hidden = { net.dense { units = p.width } }, "
        .. "epochs = 1, batch = 8 } end",
}

-- The good rule with some of its parts replaced; `false` leaves a part out.
local function rule(parts)
    local lines = {
        'local assay = require "assay"',
        "local space, strategy, net, prepare = "
            .. "assay.space, assay.strategy, assay.net, assay.prepare",
        "return assay.rule {",
    }
    local seen = {}
    for _, name in ipairs { "prepare", "space", "strategy", "design" } do
        local text = parts[name] == nil and PARTS[name] or parts[name]
        seen[name] = true
        if text then
            lines[#lines + 1] = ("    %s = %s,"):format(name, text)
        end
    end
    for name, text in pairs(parts) do
        if not seen[name] then
            lines[#lines + 1] = ("    %s = %s,"):format(name, text)
        end
    end
    lines[#lines + 1] = "}\n"
    return table.concat(lines, "\n")
end

-- A rule whose design is net.mlp with these fields.
local function mlp(fields)
    return rule { design = "function(p) return net.mlp { " .. fields .. " } end" }
end

-- A rule with one layer of these fields.
local function layer(fields)
    return mlp("hidden = { { " .. fields .. " } }, epochs = 1")
end

local cases = {}

-- Data ---------------------------------------------------------------------------------------

cases.data = {
    { "no such file", "assay run rule.lua --data none.csv", 1,
        "none.csv: No such file or directory" },
    { "a folder as data", "mkdir -p d; assay run rule.lua --data d", 1, "d: Is a directory" },
    { "an unknown hash", "assay run rule.lua --data 0123456789abcdef --store s", 1,
        "no dataset", "0123456789abcdef" },
    { "an empty file", RUN, 1, "empty", csv = "" },
    { "blank lines only", RUN, 1, "data.csv", csv = "\n\n\n" },
    { "no data at all: /dev/null", "assay run rule.lua --data /dev/null", 1, "empty" },
    { "endless zeros", "assay run rule.lua --data /dev/zero", 1, "/dev/zero" },
    { "a header without rows", RUN, 1, "no rows", csv = "a,b,y\n" },
    { "a single row", RUN, 1, "one class", csv = "a,b,y\n1,2,yes\n" },
    { "only the label", RUN, 1, "no column is left", csv = "y\n1\n2\n1\n2\n1\n2\n" },
    { "one class only", RUN, 1, "class", csv = rows(12, function(i) return i .. ",1,yes" end) },
    { "no such label", RUN:gsub("%-%-label y", "--label outcome"), 1, "outcome", "y" },
    { "nearly the label", "assay run rule.lua --data $DATA/iris.csv --label Specis", 1,
        "Specis", "did you mean", "Species" },
    { "label number too large", RUN:gsub("%-%-label y", "--label 9"), 1, "9" },
    { "a label without values", RUN, 1, "y", csv = rows(12, function(i) return i .. ",1," end) },
    { "a class for each row", RUN, 0, '"done": 2',
        csv = rows(40, function(i) return ("%d,1,id-%d"):format(i, i * 7919) end) },
    { "a row too long", RUN, 1, "line 4", csv = "a,b,y\n1,2,no\n1,2,yes\n1,2,3,no\n" },
    { "a row too short", RUN, 1, "line 3", csv = "a,b,y\n1,2,no\n1,2\n" },
    { "an open quote", RUN, 1, "quote", csv = "a,b,y\n1,2,\"no\n1,2,yes\n" },
    { "text after a quote", RUN, 1, "line 2", csv = "a,b,y\n1,2,\"no\"x\n1,2,yes\n" },
    { "not UTF-8", RUN, 1, "UTF-8", "line 3", csv = "a,b,y\n1,2,no\n1,2,\255\254\n" },
    { "UTF-16", RUN, 1, "data.csv", csv = "\255\254a\0,\0b\0\n\0001\0,\0002\0\n\0" },
    { "a NUL byte", RUN, 1, "line 2", csv = "a,b,y\n1,\0,no\n" },
    { "a program as data", "assay run rule.lua --data /bin/ls", 1, "/bin/ls" },
    { "a cell above 1 MiB", RUN, 1, "line 2", csv = "a,b,y\n1," .. ("x"):rep(2 ^ 20 + 1) .. ",no\n" },
    { "ten thousand columns", RUN .. " --trials 1", 0, '"done": 1',
        csv = (function()
            local lines = {}
            for i = 0, 8 do
                local cells = {}
                for c = 1, 10000 do
                    cells[c] = i == 0 and "c" .. c or tostring((i * c) % 11)
                end
                lines[#lines + 1] = table.concat(cells, ",") .. "," .. (i == 0 and "y"
                    or i % 2 == 0 and "yes" or "no")
            end
            return table.concat(lines, "\n") .. "\n"
        end)() },
    { "an all-missing column is left out", RUN, 0, '"done": 2',
        csv = rows(12, function(i) return ("%d,,%s"):format(i, i % 2 == 0 and "yes" or "no") end) },
    { "infinite numbers", RUN, 1, "column a, row 3: infinite",
        csv = rows(12, function(i)
            return ("%s,%d,%s"):format(i == 3 and "inf" or i, i, i % 2 == 0 and "yes" or "no")
        end) },
    { "numbers beyond double", RUN, 1, "column a, row 3: infinite",
        csv = rows(12, function(i)
            return ("%s,%d,%s"):format(i == 3 and "1e400" or i, i, i % 2 == 0 and "yes" or "no")
        end) },
    { "huge numbers", RUN, 0, '"done": 2',
        csv = rows(12, function(i) return ("%de307,%d,%s"):format(i, i, i % 2 == 0 and "yes" or "no") end) },
    { "missing in all its forms", RUN, 0, '"done": 2',
        csv = rows(12, function(i)
            local missing = { "", "NA", "NaN", "?", "null", "nan" }
            return ("%s,%d,%s"):format(missing[i] or i, i, i % 2 == 0 and "yes" or "no")
        end) },
    { "missing cells that nobody fills", RUN, 1, "missing", "a",
        csv = rows(12, function(i)
            return ("%s,%d,%s"):format(i == 5 and "" or i, i, i % 2 == 0 and "yes" or "no")
        end),
        rule = rule { prepare = "{ prepare.scale(0, 1) }" } },
    { "a category that only the test part has", RUN, 0, '"done": 2',
        csv = rows(30, function(i)
            return ("%s,%d,%s"):format(i == 7 and "rare" or i % 2 == 0 and "x" or "z", i,
                i % 3 == 0 and "yes" or "no")
        end) },
    { "a class with one row", RUN, 0, '"done": 2',
        csv = GOOD_CSV .. "1,2,maybe\n" },
    { "equal column names", RUN, 0, '"done": 2', csv = (GOOD_CSV:gsub("a,b,y", "a,a,y")) },
    { "a column without a name", RUN, 0, '"done": 2', csv = (GOOD_CSV:gsub("a,b,y", "a,,y")) },
    { "byte order mark and CRLF", RUN, 0, '"done": 2',
        csv = "\239\187\191" .. GOOD_CSV:gsub("\n", "\r\n") },
    { "semicolons", RUN, 0, '"done": 2', csv = (GOOD_CSV:gsub(",", ";")) },
    { "data from a pipe", "cat data.csv | assay run rule.lua --data /dev/stdin --label y "
        .. "--workers 1 --store s --json", 0, '"done": 2' },
    { "a constant column", RUN, 0, '"done": 2',
        csv = rows(12, function(i) return ("%d,5,%s"):format(i, i % 2 == 0 and "yes" or "no") end) },
}

-- Rules ----------------------------------------------------------------------------------------

cases.rule = {
    { "no such rule", "assay run none.lua --data data.csv", 1,
        "cannot open none.lua: No such file or directory" },
    { "a folder as rule", "mkdir -p d; assay run d --data data.csv", 1, "d: Is a directory" },
    { "an empty rule", RUN, 1, "rule.lua", "return assay.rule", rule = "" },
    { "a syntax error", RUN, 1, "rule.lua:2:", rule = "local a = 1\nlocal b = = 2\n" },
    { "an unfinished rule", RUN, 1, "rule.lua:2:", "eof", rule = "return {\n" },
    { "a rule that returns nothing", RUN, 1, "return assay.rule", rule = "local a = 1\n" },
    { "a rule that returns a number", RUN, 1, "42", rule = "return 42\n" },
    { "a plain table", RUN, 1, "assay.rule", rule = "return { space = {} }\n" },
    { "an error while loading", RUN, 1, "rule.lua:2:", "nil",
        rule = "local a\nlocal b = a.c\n" },
    { "an error with a table", RUN, 1, "table", rule = "error({})\n" },
    { "a rule that never ends loading", RUN, 1, "time limit", rule = "while true do end\n" },
    { "a design that never ends", RUN, 1, "time limit",
        rule = rule { design = "function(p) while true do end end" } },
    { "a rule that eats memory", RUN, 1, "memory|time limit",
        rule = "local t = {}\nfor i = 1, 1e9 do t[i] = ('x'):rep(2e8) .. i end\n" },
    { "one huge text", RUN, 1, "rule.lua", rule = "local s = ('x'):rep(2^31)\n" },
    { "endless recursion", RUN, 1, "stack overflow",
        rule = "local function f() return 1 + f() end\nf()\n" },
    { "bytecode", RUN, 1, "chunk", rule = "\27LJ\2\0\0\0" },
    { "binary junk", RUN, 1, "rule.lua", rule = ("\1\2\3\200"):rep(100) },
    { "a rule above 4 MiB", RUN, 1, "too large", rule = "-- " .. ("x"):rep(2 ^ 22) .. "\n" },
    { "the file system", RUN, 1, "rule.lua:1:", "io", rule = "io.open('/etc/passwd')\n" },
    { "the operating system", RUN, 1, "rule.lua:1:", rule = "os.execute('true')\n" },
    { "a foreign module", RUN, 1, "socket", "rule.lua:1:", rule = "require 'socket'\n" },
    { "an unknown key", RUN, 1, "stratgy", "did you mean", "strategy",
        rule = rule { stratgy = "1" } },
    { "no space", RUN, 1, "space", rule = rule { space = false } },
    { "no design", RUN, 1, "design", rule = rule { design = false } },
    { "design and trial", RUN, 1, "design", "trial",
        rule = rule { trial = "function() return { score = 0 } end" } },
    { "a design that is no function", RUN, 1, "design", "function", rule = rule { design = "5" } },
    { "a space that is no table", RUN, 1, "space", rule = rule { space = "'wide'" } },
    { "a parameter that is none", RUN, 1, "width", rule = rule { space = "{ width = 5 }" } },
    { "space.int of texts", RUN, 1, "rule.lua:5:", "number", "expected",
        rule = rule { space = "{ width = space.int('a', 'b') }" } },
    { "space.int backwards", RUN, 1, "rule.lua:5:",
        rule = rule { space = "{ width = space.int(5, 1) }" } },
    { "space.int of halves", RUN, 1, "rule.lua:5:", "whole",
        rule = rule { space = "{ width = space.int(1.5, 3) }" } },
    { "log from zero", RUN, 1, "rule.lua:5:", "log",
        rule = rule { space = "{ width = space.float(0, 1, { log = true }) }" } },
    { "float to infinity", RUN, 1, "rule.lua:5:",
        rule = rule { space = "{ width = space.float(0, math.huge) }" } },
    { "an empty choice", RUN, 1, "rule.lua:5:", "choice",
        rule = rule { space = "{ width = space.choice {} }" } },
    { "an unknown option of a parameter", RUN, 1, "rule.lua:5:", "lgo", "log",
        rule = rule { space = "{ width = space.int(1, 3, { lgo = true }) }" } },
    { "an unknown kind of parameter", RUN, 1, "rule.lua:5:",
        rule = rule { space = "{ width = space.integer(1, 3) }" } },
    { "conditions in a circle", RUN, 1, "circle",
        rule = rule { space = "{ width = space.int(2, 4):when(function(p) return p.b > 1 end), "
            .. "b = space.int(1, 2):when(function(p) return p.width > 1 end) }" } },
    { "a constraint nobody meets", RUN, 1, "never",
        rule = rule { constraints = "{ space.constraint(function() return false end, 'never') }" } },
    { "a strategy that is none", RUN, 1, "strategy", rule = rule { strategy = "7" } },
    { "a negative number of trials", RUN, 1, "trials",
        rule = rule { strategy = "strategy.random { trials = -1 }" } },
    { "a strategy that fails", RUN, 1, "rule.lua:6:", "no ideas",
        rule = rule { strategy = "{ ask = function() error('no ideas') end }" } },
    { "a strategy that proposes rubbish", RUN, 1, "rule.lua",
        rule = rule { strategy = "{ ask = function() return { 5 } end, "
            .. "finished = function() return false end }" } },
    { "an unknown preparation", RUN, 1, "rule.lua:4:",
        rule = rule { prepare = "{ prepare.skale(0, 1) }" } },
    { "scale backwards", RUN, 1, "scale", rule = rule { prepare = "{ prepare.scale(1, 0) }" } },
    { "a split above one", RUN, 1, "split",
        rule = rule { prepare = "{ prepare.split { test = 0.8, validate = 0.5 } }" } },
    { "dropping an unknown column", RUN, 1, "zz", rule = rule { prepare = "{ prepare.drop { 'zz' } }" } },
    { "dropping every column", RUN, 1, "column",
        rule = rule { prepare = "{ prepare.drop { 'a', 'b' } }" } },
    { "an unknown metric", RUN, 1, "accuracu", "accuracy",
        rule = rule { objective = "{ maximize = 'accuracu' }" } },
    { "no objective in it", RUN, 1, "objective", rule = rule { objective = "{}" } },
    { "no repeats", RUN, 1, "repeats", rule = rule { repeats = "0" } },
    { "half folds", RUN, 1, "folds", rule = rule { folds = "2.5" } },
    { "an unknown option", RUN .. " --set epoch=5", 1, "epoch", "epochs",
        rule = rule { options = "{ epochs = { default = 3, min = 1, max = 9 } }" } },
    { "an option out of range", RUN .. " --set epochs=50", 1, "epochs", "9",
        rule = rule { options = "{ epochs = { default = 3, min = 1, max = 9 } }" } },
    { "an option of another type", RUN .. " --set epochs=many", 1, "epochs", "number",
        rule = rule { options = "{ epochs = { default = 3, min = 1, max = 9 } }" } },
    { "an option that is no choice", RUN .. " --set act=step", 1, "act", "relu",
        rule = rule { options = "{ act = { default = 'relu', choices = { 'relu', 'tanh' } } }" } },
    { "a sweep that fails", RUN, 1, "rule.lua:5:", "oh no",
        rule = rule { space = false, strategy = false, design = false,
            sweep = "function(session) error('oh no') end" } },
    { "a sweep that scatters rubbish", RUN, 1, "rule.lua",
        rule = rule { space = false, strategy = false, design = false,
            sweep = "function(session) session:scatter { 1, 2 } end" } },
    { "a sweep that never ends", RUN, 1, "time limit",
        rule = rule { space = false, strategy = false, design = false,
            sweep = "function(session) while true do end end" } },
    { "own trials that return nothing", RUN, 0, '"failed": 2', '"best": null',
        rule = rule { design = false, trial = "function() end" } },
    { "own trials that return a text", RUN, 0, '"failed": 2',
        rule = rule { design = false, trial = "function() return { score = 'good' } end" } },
    { "own trials that fail", RUN, 0, '"failed": 2',
        rule = rule { design = false, trial = "function() error('oh no') end" } },
    { "own trials that return NaN", RUN, 0, '"failed": 2',
        rule = rule { design = false, trial = "function() return { score = 0 / 0 } end" } },
}

-- Designs --------------------------------------------------------------------------------------

cases.design = {
    { "no design", RUN, 1, "design", rule = rule { design = "function() end" } },
    { "a number as design", RUN, 1, "design", rule = rule { design = "function() return 5 end" } },
    { "an error in the design", RUN, 1, "rule.lua:7:",
        rule = rule { design = "function(p) return p.nothing.here end" } },
    { "a parameter that is not there", RUN, 1, "wdth", "width",
        rule = rule { design = "function(p) return net.mlp { hidden = { { units = p.wdth } } } end" } },
    { "an unknown key", RUN, 1, "epoch", "did you mean", "epochs", rule = mlp "hidden = {}, epoch = 3" },
    { "an unknown key of a layer", RUN, 1, "unit", "units", rule = layer "unit = 3" },
    { "an unknown activation", RUN, 1, "rely", "relu", rule = layer "units = 3, activation = 'rely'" },
    { "an unknown init", RUN, 1, "glorot", rule = layer "units = 3, init = 'glorot'" },
    { "no units", RUN, 1, "units", rule = layer "activation = 'relu'" },
    { "zero units", RUN, 1, "units", rule = layer "units = 0" },
    { "negative units", RUN, 1, "units", rule = layer "units = -3" },
    { "half a unit", RUN, 1, "units", "whole", rule = layer "units = 1.5" },
    { "a billion units", RUN, 1, "units", rule = layer "units = 1e9" },
    { "units as text", RUN, 1, "units", rule = layer "units = 'many'" },
    { "dropout of one", RUN, 1, "dropout", rule = layer "units = 3, dropout = 1" },
    { "negative l2", RUN, 1, "l2", rule = layer "units = 3, l2 = -1" },
    { "too deep", RUN, 1, "20000", rule = mlp "hidden = net.stack(20001, { units = 2 })" },
    { "half deep", RUN, 1, "whole", rule = mlp "hidden = net.stack(1.5, { units = 2 })" },
    { "no epochs", RUN, 1, "epochs", rule = mlp "hidden = {}, epochs = 0" },
    { "negative batch", RUN, 1, "batch", rule = mlp "hidden = {}, batch = -1" },
    { "an unknown optimizer", RUN, 1, "adan", "adam", rule = mlp "hidden = {}, optimizer = 'adan'" },
    { "an unknown setting of it", RUN, 1, "rte", "rate",
        rule = mlp "hidden = {}, optimizer = { 'adam', rte = 1 }" },
    { "a negative rate", RUN, 1, "rate", rule = mlp "hidden = {}, optimizer = { 'adam', rate = -1 }" },
    { "a rate that is not a number", RUN, 1, "rate",
        rule = mlp "hidden = {}, optimizer = { 'adam', rate = 0 / 0 }" },
    { "an unknown loss", RUN, 1, "crossentropy", "cross_entropy",
        rule = mlp "hidden = {}, loss = 'crossentropy'" },
    { "an unknown schedule", RUN, 1, "cosin", "cosine", rule = mlp "hidden = {}, schedule = 'cosin'" },
    { "an unknown target", RUN, 1, "acuracy", rule = mlp "hidden = {}, target = { acuracy = 1 }" },
    { "a network beyond memory", RUN, 1, "weights",
        rule = mlp "hidden = net.stack(100, { units = 65536 }), epochs = 1" },
    { "a rate that diverges", RUN, 0, '"failed": 2',
        rule = mlp("hidden = { { units = 4, activation = 'linear' } }, loss = 'mse', "
            .. "epochs = 50, optimizer = { 'sgd', rate = 1e6 }") },
}

-- Stores ------------------------------------------------------------------------------------------

cases.store = {
    { "a good session first", RUN .. " --name kept", 0, '"session": "kept"', '"done": 2' },
    { "its name a second time", RUN .. " --name kept", 1, "kept" },
    { "a file as store", "echo x > f; " .. RUN:gsub("%-%-store s", "--store f"), 1, "f" },
    { "a store that cannot be made", RUN:gsub("%-%-store s", "--store /proc/none/s"), 1, "/proc" },
    { "no store to resume in", "assay resume --store none", 1, "none" },
    { "resuming made none", "test -e none || echo clean", 0, "clean" },
    { "no such session to resume", "assay resume kep --store s", 1, "kep", "kept" },
    { "no store to replay in", "assay replay 1 --store none", 1, "none" },
    { "no such trial", "assay replay 99 --store s", 1, "no trial 99", "it has 2" },
    { "two hosts on one store",
        "(" .. RUN:gsub("%-%-store s", "--store t") .. " > out 2>&1 &) ; "
            .. "until test -s t/assay.db; do :; done; "
            .. RUN:gsub("%-%-store s", "--store t"), 1, "another",
        rule = rule { design = false, trial = "function() local x = 0 "
            .. "for i = 1, 1e9 do x = x + i % 7 end return { score = x } end" } },
    { "a store of a newer version",
        "cp -r s n; printf '\\000\\000\\000\\143' | dd of=n/assay.db bs=1 seek=60 conv=notrunc "
            .. "2>/dev/null; " .. RUN:gsub("%-%-store s", "--store n"), 1, "newer" },
    { "a store of junk", "mkdir -p j; head -c 10000 /dev/urandom > j/assay.db; "
        .. RUN:gsub("%-%-store s", "--store j"), 1, "j" },
    { "an empty database file", "mkdir -p e; : > e/assay.db; "
        .. RUN:gsub("%-%-store s", "--store e"), 0, '"done": 2' },
    { "the first session is still there", "assay replay kept/2 --store s", 0, "equal" },
}

-- Looking, exporting, predicting ---------------------------------------------------------------

cases.look = {
    { "a session to look at", RUN, 0, '"done": 2' },
    { "no store", "assay sessions --store none", 1, "none" },
    { "no store to show", "assay show --store none", 1, "none" },
    { "no such session", "assay show dta-1 --store s", 1, "dta-1", "data-1" },
    { "no such parameter", "assay show --store s --plot widht", 1, "widht", "width" },
    { "no such field", "assay trials --store s --sort acuracy", 1, "acuracy", "accuracy" },
    { "half a condition", "assay trials --store s --where 'accuracy >'", 1, "where" },
    { "a condition of rubbish", "assay trials --store s --where '((('", 1, "where" },
    { "a condition on nothing", "assay trials --store s --where 'acuracy > 1'", 1, "acuracy" },
    { "no such dataset", "assay data nothing --store s", 1, "nothing" },
    { "no such file to import", "assay import none.csv --store s", 1, "none.csv" },
    { "nothing to import", "assay import --store s", 2, "CSV file" },
    { "an unknown label", "assay import data.csv --label z --store s", 1, "z" },
    { "exporting nowhere", "assay export 1 --store s", 2, "--out" },
    { "exporting to an unknown kind", "assay export 1 --store s --out m.txt", 2, ".safetensors" },
    { "exporting into no folder", "assay export 1 --store s --out no/m.json", 1, "no/m.json" },
    { "exporting no trial", "assay export 99 --store s --out m.json", 1, "99" },
    { "a model to predict with", "assay export 1 --store s --out m.safetensors", 0, "m.safetensors" },
    { "no model", "assay predict none.safetensors --data data.csv", 1, "none.safetensors" },
    { "a table as model", "assay predict data.csv --data data.csv", 1, "data.csv" },
    { "half a model", "head -c 200 m.safetensors > h.safetensors; "
        .. "assay predict h.safetensors --data data.csv", 1, "h.safetensors" },
    { "a model with a byte changed", "cp m.safetensors c.safetensors; "
        .. "printf '\\377\\377\\377\\377' | dd of=c.safetensors bs=1 seek=4 conv=notrunc 2>/dev/null; "
        .. "assay predict c.safetensors --data data.csv", 1, "c.safetensors" },
    { "nothing to predict for", "assay predict m.safetensors", 2, "--data" },
    { "a column missing", "assay predict m.safetensors --data data.csv", 1, "b",
        csv = "a,y\n1,yes\n2,no\n" },
    { "prepared data that were changed", "for f in s/prepared/*; do printf x >> $f; done; "
        .. "assay replay 1 --store s", 1, "prepared" },
    { "prepared data that are gone", "rm s/prepared/*; assay replay 1 --store s", 1, "prepared" },
}

-- Running ------------------------------------------------------------------------------------------

local function has_crashed(output, status)
    return status >= 124 or output:find("AddressSanitizer", 1, true)
        or output:find("runtime error:", 1, true) or output:find("LeakSanitizer", 1, true)
        or output:find("Assertion", 1, true)
end

-- "a|b": either will do (on a slow machine time is over before memory is).
local function has_any(output, texts)
    for text in texts:gmatch("[^|]+") do
        if output:find(text, 1, true) then
            return true
        end
    end
end

-- What is wrong with the outcome, or nil.
local function fault_of(case, output, status)
    if has_crashed(output, status) then
        return "it crashed or hung"
    elseif status ~= case[3] then
        return ("exit status %d expected, got %d"):format(case[3], status)
    end
    for i = 4, #case do
        if not has_any(output, case[i]) then
            return ("\"%s\" expected in the output"):format(case[i])
        end
    end
end

local function check(scratch, number, case)
    scratch:write("data.csv", case.csv or GOOD_CSV)
    scratch:write("rule.lua", case.rule or rule {})
    local output, status = scratch:run(case[2])
    local fault = fault_of(case, output, status)
    print(("%sok %d - %s"):format(fault and "not " or "", number, case[1]))
    if fault then
        print("#   " .. fault .. ":")
        for _, line in ipairs(program.lines(output:sub(1, 3000))) do
            print("#     " .. line)
        end
    end
    return not fault
end

local assay, source, part = arg[1], arg[2], arg[3]
local list, faults = assert(cases[part], "PART: data, rule, design, store or look expected"), 0
local scratch = program.open(assay, source)
print("1.." .. #list)
for number, case in ipairs(list) do
    if not check(scratch, number, case) then
        faults = faults + 1
    end
end
scratch:close()
os.exit(faults == 0 and 0 or 1)
