-- fake_host.lua - the engine's half of the talk with a rule, without an engine: numbers
-- proposals, "trains" them in the order asked for, and keeps what the rule said.
-- SPDX-License-Identifier: Apache-2.0

local host = require "assay.host"

local fake = {}

-- Calls a function of the host with no frame of the tests below it, as the engine does.
local function alone(fn, ...)
    local ok, answer = coroutine.resume(coroutine.create(fn), ...)
    if not ok then
        error(answer, 0)
    end
    return answer
end

local Fake = {}
Fake.__index = Fake

--- Opens a rule given as text and starts its session.
--- options: set, trials, seconds, parallel, seed, score(params, design), state(params)
function fake.new(source, options)
    options = options or {}
    local chunk = assert(loadstring(source, "=rule.lua"))
    alone(host.open, chunk, "rule.lua", options.set)
    return setmetatable({
        options = options, queue = {}, events = {}, trials = {}, logs = {}, notes = {},
        commands = {}, scatters = {}, resumes = 0, made = 0, ended = false,
        score = options.score or function() return 0.5 end,
    }, Fake)
end

local act = {}

function act.scatter(self, command)
    local numbers = { self.made + 1, #command.trials }
    if self.options.cut then
        numbers[2] = math.min(numbers[2], self.options.cut)
    end
    self.scatters[#self.scatters + 1] = command
    for i = 1, numbers[2] do
        local item = command.trials[i]
        local number = self.made + i
        self.trials[number] = { number = number, params = item.params,
            design = item.design, state = "queued", label = command.label }
        table.insert(self.queue, number)
    end
    self.made = self.made + numbers[2]
    table.insert(self.events, { scattered = { seq = #self.scatters, numbers = numbers } })
end

local function finish(self, number, state)
    local t = self.trials[number]
    if t.state ~= "queued" then
        return
    end
    t.state = state
    local score = state == "done" and self.score(t.params, t.design) or nil
    table.insert(self.events, { trial = { number = number, proposal = number, state = state,
        reason = "", score = score, metrics = { accuracy = score }, epochs = 1,
        seconds = 0.1, parameters = 1, flops = 1, worker = "w", cached = false,
        seed = number } })
end

function act.cancel(self, command)
    for _, number in ipairs(command.numbers) do
        finish(self, number, "cancelled")
    end
end

function act.prune(self, command)
    finish(self, command.number, "pruned")
end

function act.log(self, command)
    table.insert(self.logs, command.text)
end

function act.note(self, command)
    table.insert(self.notes, command.markdown)
end

act["end"] = function(self)
    self.ended = true
end

function Fake:take(reply)
    for _, command in ipairs(reply.commands) do
        table.insert(self.commands, command["do"])
        act[command["do"]](self, command)
    end
    self.waiting = reply.waiting
end

function Fake:start()
    local o = self.options
    self:take(alone(host.handle, { call = "start", session = {
        seed = o.seed or 1, options = {}, parallel = o.parallel or 2, trials = o.trials or 0,
        seconds = o.seconds, data = o.data or { inputs = 4, classes = 3, outputs = 3 },
        table = { rows = 150 } } }))
    return self
end

--- Tells the rule what there is to tell.
function Fake:resume()
    local events = self.events
    self.events, self.resumes = {}, self.resumes + 1
    self:take(alone(host.handle, { call = "resume", events = events, left = {},
        now = self.resumes }))
    return self
end

--- Ends up to n queued trials: the oldest first, or the newest with options.newest_first.
function Fake:work(n)
    for _ = 1, n or math.huge do
        local at = self.options.newest_first and #self.queue or 1
        local number = table.remove(self.queue, at)
        if not number then
            break
        end
        if self.options.reports then
            for epoch = 1, self.options.reports do
                table.insert(self.events,
                    { report = { number = number, epoch = epoch, value = epoch / 10 } })
            end
            self:resume()
        end
        finish(self, number, self.options.state and self.options.state(number) or "done")
    end
    return self
end

--- Runs the session to its end, telling about `step` results at a time.
function Fake:run(step)
    self:start()
    for _ = 1, 100000 do
        if self.ended and #self.events == 0 then
            return self
        end
        if #self.events == 0 then
            self:work(step)
        end
        if #self.events == 0 and not self.ended then
            error("the rule waits for nothing", 2)
        end
        if not self.ended then
            self:resume()
        else
            self.events = {}
        end
    end
    error("the session does not end", 2)
end

return fake
