-- program.lua - shipped and broken rules through the real program.
-- SPDX-License-Identifier: Apache-2.0
--
--     luajit tests/lua/program.lua PROGRAM [NAME]

local here = arg[0]:match("^(.*)/tests/lua/program%.lua$") or "."
package.path = here .. "/tests/lua/?.lua"
local tap = require "tap"

local test, equal, ok = tap.test, tap.equal, tap.ok
local program = assert(arg[1], "which program?")

-- Files -----------------------------------------------------------------------------------

local function read(command)
    local pipe = assert(io.popen(command))
    local text = pipe:read("*a")
    pipe:close()
    return text
end

local folder = read("mktemp -d"):match("%S+")

local function write(name, text)
    local file = assert(io.open(folder .. "/" .. name, "w"))
    file:write(text)
    file:close()
    return folder .. "/" .. name
end

local function fixture(name)
    return here .. "/tests/fixtures/" .. name .. ".csv"
end

-- Runs the program; returns its output, what it said on stderr, and its exit status.
local function run(arguments, store)
    local command = ("'%s' %s %s >%s/out 2>%s/err; echo $?"):format(program, arguments,
        store and "--store " .. folder .. "/" .. store or "", folder, folder)
    local status = tonumber(read(command))
    return read("cat " .. folder .. "/out"), read("cat " .. folder .. "/err"), status
end

local function session(rule, data, label, more, store)
    local out, err, status = run(("run %s --data %s --label %s --json --workers 2 --seed 3 %s")
        :format(rule, data, label, more), store or "store")
    ok(status == 0, ("%s: exit %d\n%s%s"):format(rule, status, out, err))
    return {
        done = tonumber(out:match('"done":%s*(%d+)')),
        failed = tonumber(out:match('"failed":%s*(%d+)')),
        digest = out:match('"digest":%s*"(%x+)"'),
        objective = tonumber(out:match('"objective":%s*([%d%.e+-]+)')),
        text = out, said = err,
    }
end

-- Shipped rules ---------------------------------------------------------------------------

local shipped = {
    { "best_design", "iris", "Species", "--trials 6" },
    { "best_design", "ionosphere", "Class", "--trials 3 --set epochs=5" },
    { "best_design", "digits", "label", "--trials 3 --set epochs=2" },
    { "best_design", "letter", "lettr", "--trials 2 --set epochs=1 --set layers=1" },
    { "paper_keras", "iris", "Species", "--trials 6 --set epochs=5" },
    { "paper_pybrain", "iris", "Species", "--trials 6 --set epochs=5" },
    { "depth_sweep", "iris", "Species", "--set layers=6 --set epochs=3" },
    { "activation_sweep", "iris", "Species", "--trials 6 --set epochs=3" },
    { "repeat_seeds", "iris", "Species", "--set seeds=2 --set epochs=3", 8 },
    { "own_objective", "iris", "Species", "--trials 6" },
    { "regression", "iris", "Petal.Width", "--trials 6 --set epochs=5" },
}

for _, case in ipairs(shipped) do
    local name, data, label, more, wanted = unpack(case)
    test(("program: %s on %s"):format(name, data), function()
        local rule = here .. "/rules/" .. name .. ".lua"
        local set = more:gsub("%-%-trials %d+", "")
        local out, err, status = run(("check %s --data %s --label %s %s"):format(rule,
            fixture(data), label, set))
        ok(status == 0, out .. err)
        local result = session(rule, fixture(data), label, more)
        equal(result.failed, 0, "failed trials")
        equal(result.done, wanted or tonumber(more:match("%-%-trials (%d+)")) or 6, "trials")
        ok(result.objective, "a best trial\n" .. result.text)
    end)
end

test("program: equal seeds give equal digests with any number of workers", function()
    local rule = here .. "/rules/best_design.lua"
    local more = "--trials 20 --set epochs=3"
    local two = session(rule, fixture "iris", "Species", more, "a").digest
    local one = session(rule, fixture "iris", "Species", more .. " --workers 1", "b").digest
    ok(two and #two >= 32)
    equal(one, two)
end)

-- Own strategies, sweeps and pruners --------------------------------------------------------

local HEAD = [[
local assay = require "assay"
local space, strategy, net, prepare = assay.space, assay.strategy, assay.net, assay.prepare
local function design(n)
    return net.mlp { hidden = net.stack(n, { units = 4 }), epochs = 2, batch = 50 }
end
]]

local function own(name, body, more)
    return session(write(name .. ".lua", HEAD .. "return assay.rule {" .. body .. "}"),
        fixture "iris", "Species", more or "", name)
end

test("program: a strategy of the user's", function()
    local result = own("strategy", [[
        space = { n = space.int(1, 50) },
        design = function(p) return design(p.n) end,
        strategy = {
            n = 0, told = 0,
            ask = function(self, n)
                local list = {}
                for i = 1, n do self.n = self.n + 1 list[i] = { n = self.n } end
                return list
            end,
            tell = function(self, trial)
                assert(trial.state == "done" and trial.accuracy and trial.params.n)
                self.told = self.told + 1
            end,
            finished = function(self) return self.told >= 12 or self.n >= 12 end,
        },]])
    equal(result.done, 12)
end)

test("program: a sweep with several scatters, best, trials, cancel", function()
    local result = own("sweep", [[
        sweep = function(session)
            local first = session:map { design(1), design(2) }
            assert(#first == 2 and first[2].params.layers == 2 and first[1].accuracy)
            assert(session.data.inputs == 4 and session.data.classes == 3)
            local best = session:best(1)[1]
            assert(best.score == math.max(first[1].score, first[2].score))
            assert(#session:trials { state = "done" } == 2)
            assert(net.parameters(design(1), session.data) == 4 * 4 + 4 + 4 * 3 + 3)
            local curve = first[1]:curve("train_loss")
            assert(#curve == 2, "curve of " .. #curve)
            local a, b = session:scatter { design(3) }, session:scatter { design(4), design(5) }
            assert(#b:all() == 2 and #a:any() == 1)
            session:log("finished %d", 5)
            session:note("**five**")
        end]])
    equal(result.done, 5)
    ok(result.said:find("finished 5", 1, true), result.said)
end)

test("program: a prepare function with derived columns", function()
    local result = own("prepare", [[
        prepare = function(data)
            assert(data:rows() == 150 and data:label() == "Species")
            return data:derive("area", function(row)
                return row["Petal.Length"] * row["Petal.Width"]
            end):standardize()
        end,
        sweep = function(session)
            assert(session.data.inputs == 5, "inputs: " .. session.data.inputs)
            session:map { design(1) }
        end]])
    equal(result.done, 1)
end)

test("program: repeats and folds are trials of one design", function()
    local result = own("repeats", [[ repeats = 2, folds = 3,
        sweep = function(session)
            local list = session:map { design(1), design(2) }
            assert(#list == 2 and #list[1].scores == 6)
        end]])
    equal(result.done, 12)
end)

test("program: own trials use matrices, training and random numbers", function()
    local body = [[
        space = { k = space.int(1, 3) },
        strategy = strategy.grid(),
        trial = function(params, data, report)
            local m = assay.matrix.normal(3, 3)
            local r = assay.train(net.mlp { hidden = { { units = 4 } }, epochs = params.k }, data)
            assert(r.accuracy and r.epochs == params.k)
            report(1, 0.5)
            return { score = r.accuracy, sum = m:sum(), draw = math.random() }
        end,]]
    equal(own("matrix", body).digest, own("matrix2", body, "--workers 1").digest)
end)

test("program: pruners and on_metric stop trials that run", function()
    local long = [[
        local function long(n)
            return net.mlp { hidden = { { units = 32 + n } }, epochs = 1e6, batch = 4 }
        end
        ]]
    local path = write("pruner.lua", HEAD .. long .. [[return assay.rule {
        space = { n = space.int(1, 8) }, design = function(p) return long(p.n) end,
        strategy = strategy.random { trials = 3, pruner = { report = function(_, trial, epoch)
            return trial.params.n and epoch > 5 and "stop" or "go"
        end } } }]])
    local result = session(path, fixture "iris", "Species", "--time 40s", "pruner")
    equal({ result.done, tonumber(result.text:match('"pruned":%s*(%d+)')) }, { 0, 3 })
    path = write("metric.lua", HEAD .. long .. [[return assay.rule { sweep = function(session)
        local batch = session:scatter { long(1), long(2) }
        batch:on_metric(function(trial) return trial.params.units == 33 and "stop" or nil end)
        for trial in batch:gather() do
            session:log("%s %d", trial.state, trial.params.units)
            batch:cancel()
        end
    end }]])
    result = session(path, fixture "iris", "Species", "--time 40s", "metric")
    ok(result.said:find("pruned 33", 1, true), result.said)
    ok(result.said:find("cancelled 34", 1, true), result.said)
end)

test("program: a sweep may begin with what an earlier session found", function()
    local first = own("from", "sweep = function(session) session:map { design(1), design(2) } end")
    local name = first.text:match('"session":%s*"([^"]+)"')
    local path = write("later.lua", HEAD .. ([[return assay.rule { sweep = function(session)
        local before = session:from("%s")
        assert(#before == 2 and before[1].accuracy and before[1].params.layers)
        session:map({ design(3) }, { label = "third" })
        assert(#session:trials { label = "third" } == 1)
        assert(#session:trials { label = "none" } == 0)
    end }]]):format(name))
    equal(session(path, fixture "iris", "Species", "", "from").done, 1)
end)

-- Broken rules ------------------------------------------------------------------------------

local SPACE = "space = { n = space.int(1, 3) }, "

local broken = {
    { "syntax", "return assay.rule { space = ", "syntax.lua:7:" },
    { "nothing", "local x = 1", "must end in `return assay.rule { ... }`; it returned nothing" },
    { "key", "return assay.rule { stratgy = 1 }", 'no key "stratgy"; did you mean "strategy"' },
    { "parameter", "return assay.rule { " .. SPACE
        .. "design = function(p) return design(p.m) end }", 'no parameter "m"; known: n' },
    { "returns", "return assay.rule { " .. SPACE .. "design = function() end }",
        "does the function end in `return`?" },
    { "activation", "return assay.rule { " .. SPACE .. "design = function(p)\nreturn net.mlp {\n"
        .. "hidden = { { units = p.n, activation = 'rellu' } } } end }",
        'activation.lua:8: net.mlp: hidden[1]: activation: "rellu" is not known; did you mean "relu"' },
    { "index", "local t = nil\nlocal x = t.y", "index.lua:7: attempt to index" },
    { "range", "local p = space.int(8, 1)", "range.lua:6: space.int: lower end 8 is above" },
    { "column", "return assay.rule { prepare = { prepare.drop { 'Petals' } }, " .. SPACE
        .. "design = function(p) return design(1) end }", "Petals" },
}

for _, case in ipairs(broken) do
    local name, body, wanted = unpack(case)
    test("program: a broken rule: " .. name, function()
        local path = write(name .. ".lua", HEAD .. body .. "\n")
        local out, err, status = run(("check %s --data %s --label Species"):format(path,
            fixture "iris"))
        ok(status == 1, "check: exit " .. status .. "\n" .. out .. err)
        ok((out .. err):find(wanted, 1, true), out .. err)
        out, err, status = run(("run %s --data %s --label Species --trials 2"):format(path,
            fixture "iris"), "broken")
        ok(status == 1, "run: exit " .. status .. "\n" .. out .. err)
        ok((out .. err):find(wanted, 1, true), out .. err)
    end)
end

local passed = tap.run(arg[2])
os.execute("rm -rf '" .. folder .. "'")
os.exit(passed and 0 or 1)
