-- test_host.lua - sessions as the engine sees them: commands out, events in.
-- SPDX-License-Identifier: Apache-2.0

local core = require "fake_core"
local fake = require "fake_host"
local host = require "assay.host"
local tap = require "tap"

local test, equal, raises, ok = tap.test, tap.equal, tap.raises, tap.ok

local HEAD = [[
local assay = require "assay"
local space, strategy, net, prepare = assay.space, assay.strategy, assay.net, assay.prepare
local function design(n) return net.mlp { hidden = net.stack(n, { units = 4 }) } end
local function designs(n) local list = {} for i = 1, n do list[i] = design(i) end return list end
]]

local function sweep(body, options)
    return fake.new(HEAD .. "return assay.rule { sweep = function(session, options) " .. body
        .. " end }", options)
end

local function declared(keys, options)
    return fake.new(HEAD .. [[
return assay.rule {
    space = { depth = space.int(1, 9), rate = space.float(0, 1) },
    design = function(p) return design(p.depth) end,
    ]] .. keys .. "}", options)
end

-- The declarative form --------------------------------------------------------------------

test("host: a declared rule is scattered in chunks, far ahead", function()
    local f = declared("strategy = strategy.random { trials = 1200 }"):run(100)
    equal(f.made, 1200)
    equal({ #f.scatters[1].trials, #f.scatters[2].trials, #f.scatters[3].trials }, { 500, 500, 200 })
    local t = f.trials[1]
    equal(#f.scatters, 3)
    equal(t.design.hidden[1].units, 4)
    equal(t.design.hidden[1]["repeat"] or 1, t.params.depth)
end)

test("host: proposals are the same however results arrive", function()
    local keys = "strategy = strategy.sobol { trials = 5000 }"
    local a = declared(keys):run(7000)
    local b = declared(keys, { newest_first = true }):run(501)
    equal(a.made, 5000)
    for n = 1, 5000 do
        equal(b.trials[n].params, a.trials[n].params)
    end
    equal(#a.scatters, #b.scatters)
end)

test("host: at most some thousand proposals are ahead of the workers", function()
    local f = declared("strategy = strategy.random { trials = 50000 }"):start()
    for _ = 1, 40 do
        f:resume()
    end
    ok(f.made >= 4000 and f.made <= 4500, f.made)
    ok(f.waiting)
end)

test("host: the caller's trials win over the rule's", function()
    local keys = "limits = { trials = 40 }, strategy = strategy.random { trials = 30 }"
    equal(declared(keys):run(10).made, 30)
    equal(declared("limits = { trials = 25 }, strategy = strategy.random { trials = 30 }")
        :run(10).made, 25)
    equal(declared(keys, { trials = 35 }):run(10).made, 35)
    equal(declared(keys, { trials = 20 }):run(10).made, 20)
    equal(declared("repeats = 3, folds = 2", { trials = 60 }):run(10).made, 10)
    equal(declared("repeats = 3"):run(10).made, 100)
end)

test("host: an own strategy is asked as results are told", function()
    local keys = [[
    strategy = {
        best = 0, told = 0, n = 0,
        ask = function(self, n)
            local list = {}
            for i = 1, n do
                self.n = self.n + 1
                list[i] = { depth = 1 + (self.n + self.told) % 9, rate = self.best }
            end
            return list
        end,
        tell = function(self, trial)
            self.told = self.told + 1
            self.best = math.max(self.best, trial.score)
        end,
        finished = function(self) return self.n >= 30 end,
    },]]
    local function score(params)
        return params.depth / 10
    end
    local one = declared(keys, { parallel = 4, score = score }):run(1)
    local all = declared(keys, { parallel = 4, score = score }):run(4)
    equal(one.made, 30)
    equal(#one.scatters[1].trials, 4)
    equal(#one.scatters[2].trials, 1)
    for n = 1, 30 do
        equal(all.trials[n].params, one.trials[n].params, "proposal " .. n)
    end
    equal(one.trials[30].params.rate, 0.9)
    local six = declared(keys .. "limits = { parallel = 6 }", { parallel = 2, score = score })
    equal(#six:run(1).scatters[1].trials, 6)
end)

test("host: mistakes of an own strategy are named", function()
    local function run(ask, more)
        return declared("strategy = { tell = function() end, ask = function(self, n) " .. ask
            .. " end, " .. (more or "") .. "}"):run(1)
    end
    raises("nothing was proposed although no trial is under way", run, "return {}")
    raises("strategy.ask: list of parameters: list expected, got nothing", run, "")
    raises('strategy.ask: item 1: no parameter "dept"; did you mean "depth"', run,
        "return { { dept = 1 } }")
    raises("strategy.ask: item 1.depth: whole number from 1 to 9 expected, got 99", run,
        "return { { depth = 99, rate = 0 } }")
    raises("at most 2 sets of parameters expected, got 5", run, "return { {}, {}, {}, {}, {} }")
end)

test("host: a pruner judges every report", function()
    local keys = [[strategy = strategy.random { trials = 6, pruner = { report =
        function(self, trial, epoch, value)
            return trial.params.depth > 5 and epoch >= 2 and "stop" or "go"
        end } }]]
    local f = declared(keys, { reports = 3 }):run(1)
    local stopped = 0
    for n = 1, 6 do
        local t = f.trials[n]
        equal(t.state, t.params.depth > 5 and "pruned" or "done")
        stopped = stopped + (t.state == "pruned" and 1 or 0)
    end
    ok(stopped > 0 and stopped < 6)
    raises('pruner.report: "go" or "stop" expected, got nothing', function()
        declared("strategy = strategy.random { trials = 2, pruner = { report = function() end } }",
            { reports = 1 }):run(1)
    end)
end)

test("host: design mistakes are named", function()
    local function run(body)
        return fake.new(HEAD .. "return assay.rule { space = { depth = space.int(1, 9) }, "
            .. "design = function(p) " .. body .. " end }"):run(1)
    end
    raises("design: net.mlp { ... } expected, got nothing; does the function end in `return`",
        run, "")
    local message = raises('no parameter "width"; known: depth', run, "return p.width")
    ok(message:find("^rule%.lua:5:"), message)
    message = raises("units: whole number", run, "return net.mlp { hidden = { { units = -1 } } }")
    ok(message:find("^rule%.lua: net%.mlp"), message)
    raises("rule.lua:5: attempt to index", run, "return p.depth.x.y")
    message = raises("net.mlp: epochs: whole number", run,
        "\nreturn net.mlp {\nhidden = net.stack(\np.depth, { units = 1 }), epochs = 0 }")
    ok(message:find("^rule%.lua:8:"), message)
end)

test("host: nothing is kept of trials that have ended", function()
    local f = declared("strategy = strategy.random { trials = 30000 }")
    local reply = host.handle { call = "start", session = { seed = 1, trials = 0, table = {},
        data = { inputs = 4 } } }
    local made, ended, seq, early = 0, 0, 0, nil
    repeat
        local events = {}
        for _, command in ipairs(reply.commands) do
            if command["do"] == "scatter" then
                seq = seq + 1
                events[1] = { scattered = { seq = seq, numbers = { made + 1, #command.trials } } }
                made = made + #command.trials
            end
        end
        for number = ended + 1, #events == 0 and made or ended do
            ended = number
            events[#events + 1] = { trial = { number = number, state = "done", score = 1 } }
        end
        reply = host.handle { call = "resume", events = events, left = {}, now = 1 }
        if made >= 10000 and not early then
            collectgarbage()
            early = collectgarbage("count")
        end
    until #reply.commands > 0 and reply.commands[#reply.commands]["do"] == "end"
    collectgarbage()
    equal({ made, ended, f.made }, { 30000, 30000, 0 })
    ok(collectgarbage("count") < early + 100, "KB after 10,000 trials: " .. early)
end)

test("host: a session that is taken up again makes the same scatters", function()
    local keys = [[strategy = { n = 0, ask = function(self, n)
        local list = {}
        for i = 1, n do
            self.n = self.n + 1
            list[i] = { depth = 1 + self.n % 9, rate = self.last or 0 }
        end
        return list
    end, tell = function(self, trial) self.last = trial.score end,
    finished = function(self) return self.n >= 20 end }]]
    local function score(params)
        return params.depth / 10
    end
    local before = declared(keys, { score = score }):run(1)
    -- All results are there at once: events come in the same order, in larger groups.
    local again = declared(keys, { score = score }):run(3)
    equal(#again.scatters, #before.scatters)
    for i, scatter in ipairs(before.scatters) do
        equal(again.scatters[i].trials, scatter.trials, "scatter " .. i)
    end
end)

-- Sweeps ----------------------------------------------------------------------------------

test("host: gather yields each trial as it ends, with its parameters", function()
    local f = sweep([[
        local order = {}
        for trial in session:scatter(designs(5)):gather() do
            order[#order + 1] = trial.number .. ":" .. trial.params.layers .. ":" .. trial.accuracy
        end
        session:log("%s", table.concat(order, " "))]],
        { newest_first = true, score = function(p) return p.layers / 10 end }):run(2)
    equal(f.logs, { "5:5:0.5 4:4:0.4 3:3:0.3 2:2:0.2 1:1:0.1" })
end)

test("host: all lists trials in the order of the scatter", function()
    local f = sweep([[
        local list = session:scatter(designs(5)):all()
        local again = session:map(designs(3))
        session:log("%d %d %d %d", #list, list[1].params.layers, list[5].number, again[3].number)]],
        { newest_first = true }):run(1)
    equal(f.logs, { "5 1 5 8" })
end)

test("host: any waits for some", function()
    local f = sweep([[
        local batch = session:scatter(designs(5))
        local first = batch:any(2)
        local rest = 0
        for _ in batch:gather() do rest = rest + 1 end
        session:log("%d %d %d %d", #first, first[1].number, rest, #batch:any(3))]],
        { newest_first = true }):run(1)
    equal(f.logs, { "2 5 3 0" })
end)

test("host: several scatters are under way at a time", function()
    local f = sweep([[
        local a, b = session:scatter(designs(3), { label = "a" }), session:scatter(designs(4))
        local in_b = #b:all()
        session:log("%d %d %d", in_b, a.ended, #a:all())]]):run(1)
    equal(f.logs, { "4 3 3" })
    equal(f.trials[1].label, "a")
end)

test("host: scatter takes designs, parameters and both", function()
    local f = fake.new(HEAD .. [[return assay.rule {
        design = function(p, options, data) return design(p.n + data.inputs) end,
        sweep = function(session)
            session:map { { n = 2 }, design(7), { params = { name = "x" }, design = design(8) } }
        end }]]):run(1)
    equal(f.trials[1].params, { n = 2 })
    equal(f.trials[1].design.hidden[1]["repeat"], 6)
    equal(f.trials[2].params, { layers = 7, units = 4 })
    equal(f.trials[3].params, { name = "x" })
    equal(f.trials[3].design.hidden[1]["repeat"], 8)
end)

test("host: a large scatter goes out in chunks and stays one batch", function()
    local f = sweep([[
        local list = {}
        for i = 1, 1234 do list[i] = { params = { i = i }, design = design(1) } end
        local batch = session:scatter(list)
        local sum = 0
        for trial in batch:gather() do sum = sum + trial.params.i end
        session:log("%d %d", sum, batch:all()[1234].params.i)]]):run(300)
    equal(#f.scatters, 3)
    equal(f.logs, { "761995 1234" })
end)

test("host: heavy designs go out in smaller chunks", function()
    local f = sweep([[
        local list, widths = {}, {}
        for i = 1, 1000 do widths[i] = i end
        for i = 1, 50 do list[i] = { params = { w = widths }, design = net.mlp { hidden = net.widths(widths) } } end
        session:log("%d", #session:map(list))]]):run(30)
    equal(f.logs, { "50" })
    equal(#f.scatters[1].trials, 10)
    equal(#f.scatters, 5)
end)

test("host: cancel stops what has not ended", function()
    local f = sweep([[
        local batch = session:scatter(designs(6))
        local states = {}
        for trial in batch:gather() do
            states[#states + 1] = trial.state
            if #states == 2 then batch:cancel() end
        end
        session:log(table.concat(states, " "))]]):run(1)
    equal(f.logs, { "done done cancelled cancelled cancelled cancelled" })
end)

test("host: cancel before the trials have numbers", function()
    local f = sweep([[
        local batch = session:scatter(designs(3))
        batch:cancel()
        session:log("%d %s", #batch:all(), batch:all()[1].state)]]):run(1)
    equal(f.logs, { "3 cancelled" })
end)

test("host: on_metric hears reports and may stop trials", function()
    local f = sweep([[
        local heard = 0
        local batch = session:scatter(designs(4))
        batch:on_metric(function(trial, epoch, value)
            heard = heard + value
            if trial.params.layers == 2 then return "stop" end
            if trial.params.layers == 3 then trial:prune() end
        end)
        local states = {}
        for _, trial in ipairs(batch:all()) do states[#states + 1] = trial.state end
        session:log("%s %.1f", table.concat(states, " "), heard)]], { reports = 2 }):run(1)
    equal(f.logs, { "done pruned pruned done 1.2" })
end)

test("host: a callback cannot wait", function()
    raises("only the sweep itself can wait", function()
        sweep([[
            local batch = session:scatter(designs(1))
            batch:on_metric(function() session:map(designs(1)) end)
            batch:all()]], { reports = 1 }):run(1)
    end)
    raises("only the sweep itself can wait", function()
        sweep([[local co = coroutine.wrap(function() session:map(designs(1)) end) co()]]):run(1)
    end)
end)

test("host: the limit of trials ends the session when all has ended", function()
    local f = sweep([[
        while true do session:map(designs(4)) end]], { trials = 10 }):run(1)
    equal(f.made, 10)
    equal(f.ended, true)
    equal(f.logs, { "the limit of 10 trials is reached" })
    local g = sweep([[
        session:map(designs(4))
        local trials, seconds = session:left()
        session:log("%d %g", trials, seconds)]], { trials = 10 }):run(1)
    equal(g.logs, { "6 inf" })
end)

test("host: a host that takes fewer trials is understood", function()
    local f = sweep([[
        local batch = session:scatter(designs(5))
        session:log("%d", #batch:all())]], { cut = 3 }):run(1)
    equal(f.logs, { "3" })
end)

test("host: notes, time, queries", function()
    core.answers = {
        best = function(n) return { { number = n, score = 0.9, metrics = { accuracy = 0.9 },
            params = { a = 1 } } } end,
        trials = function(filter) return { { number = 1, label = filter.label,
            params = { from = filter.session } } } end,
        curve = function(number, query) return { number, #query.metric } end,
    }
    local f = sweep([[
        local before = session:now()
        local list = session:map(designs(1))
        session:note("**n**")
        session:log("%s %s %s %s %d %s", session:now() > before, session:best(3)[1].accuracy,
            session:trials({ label = "q" })[1].label, session:from("old")[1].params.from,
            #list[1].curve("loss") + list[1]:curve("loss")[2] - 2, session.data.inputs)]]):run(1)
    core.answers = {}
    equal(f.notes, { "**n**" })
    equal(f.logs, { "true 0.9 q old 4 4" })
end)

test("host: failed trials come out of gather, too", function()
    local f = sweep([[
        local failed = 0
        for trial in session:scatter(designs(4)):gather() do
            if trial.state == "failed" then failed = failed + (trial.score and 100 or 1) end
        end
        session:log("%d", failed)]],
        { state = function(n) return n % 2 == 0 and "failed" or "done" end }):run(2)
    equal(f.logs, { "2" })
end)

test("host: mistakes in a sweep name the line, and logs before it are kept", function()
    core.logged = {}
    local message = raises("attempt to index", function()
        sweep("session:log('so far')\nlocal x = nil\nreturn x.y"):run(1)
    end)
    ok(message:find("^rule%.lua:7:"), message)
    equal(core.logged, { "so far" })
    raises("session:scatter: list of designs or parameters: list expected, got 5", function()
        sweep("session:scatter(5)"):run(1)
    end)
    raises("session:scatter: a list expected, got one design; write { design }", function()
        sweep("session:scatter(design(1))"):run(1)
    end)
    raises("session:scatter: item 2: design such as net.mlp", function()
        sweep("session:scatter { design(1), { x = 1 } }"):run(1)
    end)
    raises('session:scatter: item 1: no key "param"; did you mean "params"', function()
        sweep("session:scatter { { param = { a = 1 }, design = design(1) } }"):run(1)
    end)
    raises("session:scatter: item 1: params: table of names and values expected, got 5", function()
        sweep("session:scatter { { params = 5, design = design(1) } }"):run(1)
    end)
    raises('session:scatter: options: no key "prio"; did you mean "priority"', function()
        sweep("session:scatter({}, { prio = 1 })"):run(1)
    end)
    raises("session:log: bad argument #2", function()
        sweep([[session:log("%d", "x")]]):run(1)
    end)
    raises("error raised with a table", function()
        sweep("error({})"):run(1)
    end)
end)

test("host: a metric without its part is that of the part that judges", function()
    local trials = require "assay.trial"
    local t = trials.new { number = 1, score = 0.8, metrics = { train_accuracy = 0.9,
        test_accuracy = 0.7, validate_accuracy = 0.8, train_loss = 0.1, test_loss = 0.3, size = 5 } }
    equal({ t.accuracy, t.loss, t.size, t.test_accuracy }, { 0.8, 0.3, 5, 0.7 })
    equal(t.metrics.accuracy, nil)
end)

test("host: an empty scatter has ended", function()
    local f = sweep("session:log('%d', #session:map {})"):run(1)
    equal(f.logs, { "0" })
end)

-- Opening and own trials ------------------------------------------------------------------

test("host: a file must return a rule", function()
    raises("must end in `return assay.rule { ... }`; it returned nothing", fake.new, "local x = 1")
    raises("it returned a table", fake.new, "return {}")
    local message = raises('assay.rule: no key "spaces"; did you mean "space"', fake.new,
        HEAD .. "return assay.rule { spaces = {} }")
    ok(message:find("^rule%.lua: "), message)
    raises('--set: no option "x"; known: none', fake.new,
        HEAD .. "return assay.rule { sweep = function() end }", { set = { x = 1 } })
end)

test("host: unknown and early calls are refused", function()
    fake.new(HEAD .. "return assay.rule { sweep = function() end }")
    raises('host: no call "describes"; did you mean "describe"', host.handle, { call = "describes" })
    raises("resume: the session has not started", host.handle, { call = "resume" })
end)

test("host: prepare asks for the columns it needs", function()
    core.answers = { column = function(name) return { name = name, values = { 1, 2, #name } } end }
    fake.new(HEAD .. [[return assay.rule { sweep = function() end, prepare = {
        prepare.scale(0, 1), prepare.derive("twice", function(row) return 2 * row.width end) } }]])
    local reply = host.handle { call = "prepare", table = { rows = 3, label = "y",
        columns = { { name = "width", type = "number" }, { name = "y", type = "category" } } } }
    core.answers = {}
    equal(reply.steps[2], { op = "derive", name = "twice", values = { 2, 4, 10 } })
end)

test("host: what the host cannot answer is an error at the rule's line", function()
    core.answers = { trials = function() return { error = "no session 'old'" } end }
    raises("rule.lua:5: session:from: no session 'old'", function()
        sweep("local _ = session:from('old')"):run(1)
    end)
    core.answers = {}
end)

local function own(body, params)
    fake.new(HEAD .. "return assay.rule { space = { a = space.int(1, 2) }, "
        .. "options = { k = { default = 3 } }, "
        .. "trial = function(params, data, report, options) " .. body .. " end }")
    return host.trial(params or { a = 2 }, { inputs = 4 }, 99, 7)
end

test("host: own trials return numbers", function()
    equal(own "return { score = params.a + data.inputs + options.k }", { score = 9 })
    raises("trial: table of numbers such as { score = 0.9 } expected, got nothing", own, "")
    raises("trial: score: number expected, got nothing", own, "return { loss = 1 }")
    raises("trial: note: number expected, got \"x\"", own, "return { score = 1, note = 'x' }")
end)

test("host: own trials report and hear when to stop", function()
    core.reported = {}
    equal(own [[
        local epochs = 0
        for epoch = 1, 9 do
            epochs = epoch
            if not report(epoch, epoch / 10) then break end
        end
        return { score = epochs }]], { score = 3 })
    equal(core.reported, { { 7, 1, 0.1 }, { 7, 2, 0.2 }, { 7, 3, 0.3 } })
    raises("report: value: number expected, got nothing", own, "report(1)")
end)

test("host: a free sweep over an own trial scatters parameters", function()
    local f = fake.new(HEAD .. [[return assay.rule { trial = function() return { score = 0 } end,
        sweep = function(session) session:map { { a = 1 }, {} } end }]]):run(1)
    equal(f.trials[1].params, { a = 1 })
    equal(f.trials[1].design, nil)
    ok(core.is_object(f.trials[2].params), "empty parameters stay an object")
end)
