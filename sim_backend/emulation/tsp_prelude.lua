-- The Lua side of an emulated TSP instrument: a sandbox for scripts, and the tables that stand for its objects.
--
-- Called once per Lua state with two Python functions, kept in upvalues that no script can reach: `host` carries out
-- what a script asks of the instrument, `expired` says whether its time is up. What returns is for Python only.
-- Scripts run in a fresh environment that holds nothing but what is listed here. It is Lua 5.1 made to look like the
-- 5.0.2 of the instruments: no os, io, debug, package, load, dofile, getfenv, string.dump, string methods.

local host, expired, budget, step, memory = ...

local error, next, pcall, rawequal, rawget, rawset, select = error, next, pcall, rawequal, rawget, rawset, select
local setfenv, setmetatable, tostring, type, unpack, xpcall = setfenv, setmetatable, tostring, type, unpack, xpcall
local getmetatable, loadstring, collectgarbage, tonumber = getmetatable, loadstring, collectgarbage, tonumber
local byte, find, format, gsub, len, rep = string.byte, string.find, string.format, string.gsub, string.len, string.rep
local gmatch, math_floor = string.gmatch, math.floor
local concat, insert, remove, sort = table.concat, table.insert, table.remove, table.sort
local create, resume, yield, status = coroutine.create, coroutine.resume, coroutine.yield, coroutine.status
local foreach, foreachi = table.foreach, table.foreachi
local sethook, setrawmetatable = debug.sethook, debug.setmetatable

---------------------------------------------------------------------------------------------------------- bounds

local LONGEST = 2 ^ 20 -- of a string made by string.rep, in bytes
local LONGEST_PATTERN = 200 -- the matcher of Lua 5.1 recurses in C without a bound, once per item
local MOST_STEPS = 3e8 -- of the matcher, in the worst case
local FULL = 0.75 * memory / 1024 -- kilobytes in use above which nothing is asked of Python, which needs room to answer
local STOPPED = "script stopped: it ran for too long"
local EXIT = {}

local spent, dying = 0, nil

local function charge(cost)
  spent = spent + cost
  if not dying and (spent > budget or expired()) then
    dying = STOPPED
  end
  if dying then
    error(dying, 0)
  end
end

local function tick()
  charge(step)
end

-- An error value that came from Python must never be handed to a script.
local function plain(message)
  if type(message) == "userdata" or type(message) == "thread" then
    return "error in the instrument"
  end
  return message
end

-- What follows a protected call: a script that has to end does end, whatever it caught.
local function after(ok, ...)
  if dying then
    error(dying, 0)
  end
  if ok then
    return true, ...
  end
  return false, plain((...))
end

local function passed(ok, ...)
  if not ok then
    error((...), 0)
  end
  return ...
end

local function text(value, name)
  if type(value) == "number" then
    return tostring(value)
  elseif type(value) ~= "string" then
    error("bad argument to '" .. name .. "' (string expected, got " .. type(value) .. ")", 0)
  end
  return value
end

-- Refuse a pattern that could keep the matcher, which no hook can stop, busy for more than a second or so.
local function bounded(subject, pattern, name)
  subject, pattern = text(subject, name), text(pattern, name)
  if len(pattern) > LONGEST_PATTERN then
    error("pattern too long", 0)
  end
  local bare = gsub(gsub(pattern, "%%[b%d]", "*"), "%%.", "x")
  local _, many = gsub(bare, "[%*%+%-]", "")
  local _, maybe = gsub(bare, "%?", "")
  local steps = (len(subject) + 1) ^ (many + 1) * 2 ^ maybe * (find(bare, "[", 1, true) and len(bare) / 4 or 1)
  if steps > MOST_STEPS then
    error("pattern too complex for a string of this length", 0)
  end
  charge(len(subject))
  return subject, pattern
end

---------------------------------------------------------------------------------------------------------- objects

local objects = {} -- id -> table
local identity = setmetatable({}, { __mode = "k" }) -- table -> id

-- Values go to Python as pairs of a letter and a plain value.
local function tagged(value)
  local kind = type(value)
  if kind == "number" then
    return "n", value
  elseif kind == "string" then
    return "s", value
  elseif kind == "boolean" then
    return "b", value
  elseif kind == "nil" then
    return "z", false
  elseif kind == "table" and identity[value] then
    return "o", identity[value]
  elseif kind == "table" then
    local parts, n = {}, 0
    local item = rawget(value, 1)
    while item ~= nil do
      n = n + 1
      if type(item) ~= "number" then
        return "u", "table"
      end
      parts[n] = format("%.17g", item)
      item = rawget(value, n + 1)
    end
    charge(n)
    return "l", concat(parts, " ")
  end
  return "u", kind
end

local function asked(kind, target, key, ...)
  charge(100)
  if collectgarbage("count") > FULL then
    collectgarbage("collect")
    if collectgarbage("count") > FULL then
      error("not enough memory", 0)
    end
  end
  local sent, n = {}, select("#", ...)
  if n > 200 then
    error("too many arguments", 0)
  end
  for i = 1, n do
    sent[2 * i - 1], sent[2 * i] = tagged((select(i, ...)))
  end
  local ok, answer = pcall(host, kind, target, key, unpack(sent, 1, 2 * n))
  if not ok or type(answer) ~= "table" then
    error("error in the instrument", 0)
  end
  if answer[1] ~= 0 then
    error(answer[3], 0)
  end
  return unpack(answer, 3, 2 + answer[2])
end

local function index(key)
  return type(key) == "number" and key == math_floor(key) and key > -2 ^ 31 and key < 2 ^ 31
end

local api = {}

function api.object(id, luatype, indexed)
  local Getters, Setters, Objects = {}, {}, {}
  local it = {}
  local mt = { Getters = Getters, Setters = Setters, Objects = Objects, luatype = luatype }
  function mt.__index(_, key)
    local getter = Getters[key]
    if getter then
      return getter()
    end
    local found = Objects[key]
    if found == nil and indexed and index(key) then
      return asked("item", id, key)
    end
    return found
  end
  function mt.__newindex(_, key, value)
    local setter = Setters[key]
    if setter then
      return setter(value)
    elseif indexed and index(key) then
      return asked("put", id, key, value)
    end
    error("cannot modify field '" .. tostring(key) .. "'", 0)
  end
  objects[id], identity[it] = it, id
  return setmetatable(it, mt)
end

function api.getter(id, key)
  getmetatable(objects[id]).Getters[key] = function()
    return asked("get", id, key)
  end
end

function api.setter(id, key)
  getmetatable(objects[id]).Setters[key] = function(value)
    return asked("set", id, key, value)
  end
end

local function method(id, key)
  return function(...)
    return asked("call", id, key, ...)
  end
end

-- A method whose values are handed out one at a time, for a generic for.
local function iterator(id, key)
  return function(...)
    local values, n = { asked("call", id, key, ...) }, 0
    return function()
      n = n + 1
      return values[n]
    end
  end
end

function api.method(id, key, iterates)
  getmetatable(objects[id]).Objects[key] = (iterates and iterator or method)(id, key)
end

function api.constant(id, key, value)
  getmetatable(objects[id]).Objects[key] = value
end

function api.child(id, key, child)
  getmetatable(objects[id]).Objects[key] = objects[child]
end

---------------------------------------------------------------------------------------------------------- environment

local env = {}

local function copy(from, names)
  local to = {}
  for name in gmatch(names, "%S+") do
    to[name] = from[name]
  end
  return to
end

for name in gmatch("assert error ipairs next pairs rawequal rawget rawset tonumber type unpack", "%S+") do
  env[name] = _G[name]
end
env._G, env._VERSION = env, "Lua 5.0.2"
env.math = copy(
  math,
  "abs acos asin atan atan2 ceil cos deg exp floor frexp ldexp log log10 max min mod pi pow rad random randomseed sin sqrt tan"
)
env.math.mod = math.fmod
env.string = copy(string, "byte char len lower sub upper")
env.table, env.coroutine = {}, {}

function env.getmetatable(value)
  if type(value) == "table" then
    return getmetatable(value)
  end
  return nil
end

function env.setmetatable(value, mt)
  if type(value) ~= "table" or identity[value] then
    error("bad argument to 'setmetatable'", 0)
  end
  return setmetatable(value, mt)
end

-- Tables and functions are told apart by made-up addresses: the true ones are the host's own business.
local addresses, addressed = setmetatable({}, { __mode = "k" }), 0

local function shown(value)
  local kind, mt = type(value), getmetatable(value)
  if kind ~= "table" and kind ~= "function" and kind ~= "thread" then
    return tostring(plain(value))
  elseif kind == "table" and mt and rawget(mt, "__tostring") then
    return text(mt.__tostring(value), "tostring")
  end
  if not addresses[value] then
    addressed = addressed + 1
    addresses[value] = format("%s: %08x", kind, 0x2000 + 16 * addressed)
  end
  return addresses[value]
end

env.tostring = shown

function env.pcall(...)
  return after(pcall(...))
end

function env.xpcall(f, handler)
  return after(xpcall(f, function(message)
    if dying then
      return message
    end
    return handler(plain(message))
  end))
end

local function compiled(source, name)
  if byte(source, 1) == 27 then
    return nil, "binary chunks are not accepted"
  end
  local f, message = loadstring(source, name)
  if f then
    setfenv(f, env)
  end
  return f, message
end

function env.loadstring(source, name)
  source = text(source, "loadstring")
  charge(len(source))
  local refused = asked("syntax", 0, "", source)
  if refused then
    return nil, refused
  end
  return compiled(source, "=" .. text(name or "string", "loadstring"))
end

function env.gcinfo()
  return collectgarbage("count"), 0
end

function env.collectgarbage()
  charge(10000)
  collectgarbage("collect")
  return 0
end

local function patterns(name, original)
  return function(subject, pattern, ...)
    subject, pattern = bounded(subject, pattern, name)
    return original(subject, pattern, ...)
  end
end

env.string.gfind = patterns("gfind", gmatch)
function env.string.find(subject, pattern, from, exact)
  if exact then
    subject, pattern = text(subject, "find"), text(pattern, "find")
    if len(subject) * len(pattern) > MOST_STEPS then
      error("string too long", 0)
    end
    return find(subject, pattern, from, true)
  end
  subject, pattern = bounded(subject, pattern, "find")
  return find(subject, pattern, from)
end
function env.string.gsub(subject, pattern, by, most)
  subject, pattern = bounded(subject, pattern, "gsub")
  if type(by) == "table" then
    error("bad argument to 'gsub' (string or function expected)", 0)
  elseif type(by) == "string" and len(by) * len(subject) > 2 ^ 24 then
    error("not enough memory", 0)
  end
  return gsub(subject, pattern, by, most)
end
function env.string.format(pattern, ...)
  charge(len(text(pattern, "format")))
  return format(pattern, ...)
end
function env.string.rep(piece, n)
  piece, n = text(piece, "rep"), tonumber(n) or 0
  if not (len(piece) * n <= LONGEST) then
    error("not enough memory", 0)
  end
  charge(len(piece) * (n > 0 and n or 0) / 10)
  return rep(piece, n)
end

-- Tables of Lua 5.0 carry their size in `n` or have one set.
local sizes = setmetatable({}, { __mode = "k" })

local function getn(t)
  return tonumber(rawget(t, "n")) or sizes[t] or #t
end

local function sized(t, n)
  if rawget(t, "n") then
    rawset(t, "n", n)
  elseif sizes[t] then
    sizes[t] = n
  end
end

local function checked(t, name)
  if type(t) ~= "table" then
    error("bad argument to '" .. name .. "' (table expected, got " .. type(t) .. ")", 0)
  end
  return t
end

function env.table.getn(t)
  return getn(checked(t, "getn"))
end
function env.table.setn(t, n)
  if rawget(checked(t, "setn"), "n") then
    rawset(t, "n", tonumber(n))
  else
    sizes[t] = tonumber(n)
  end
end
function env.table.insert(t, ...)
  local n = getn(checked(t, "insert")) + 1
  if select("#", ...) == 1 then
    rawset(t, n, (...))
  else
    local at, value = ...
    charge(n / 10)
    if rawget(t, "n") or sizes[t] then
      for i = n, at + 1, -1 do
        rawset(t, i, rawget(t, i - 1))
      end
      rawset(t, at, value)
    else
      insert(t, at, value)
    end
  end
  sized(t, n)
end
function env.table.remove(t, at)
  local n = getn(checked(t, "remove"))
  if n <= 0 then
    return nil
  end
  charge(n / 10)
  at = tonumber(at) or n
  local removed = rawget(t, at)
  for i = at, n - 1 do
    rawset(t, i, rawget(t, i + 1))
  end
  rawset(t, n, nil)
  sized(t, n - 1)
  return removed
end
function env.table.concat(t, between, from, to)
  from, to = tonumber(from) or 1, tonumber(to) or getn(checked(t, "concat"))
  charge((to > from and to - from or 0) / 10)
  return concat(t, between, from, to)
end
function env.table.sort(t, by)
  charge(#checked(t, "sort") * 2)
  sort(t, by)
end
env.table.foreach, env.table.foreachi = foreach, foreachi

-- A coroutine does not inherit the hook that bounds its script, so it sets its own.
function env.coroutine.create(f)
  charge(1000)
  if type(f) ~= "function" then
    error("bad argument to 'create' (function expected)", 0)
  end
  return create(function(...)
    sethook(tick, "", step)
    return f(...)
  end)
end
function env.coroutine.resume(co, ...)
  return after(resume(co, ...))
end
function env.coroutine.wrap(f)
  local co = env.coroutine.create(f)
  return function(...)
    return passed(after(resume(co, ...)))
  end
end
env.coroutine.yield, env.coroutine.status = yield, status

---------------------------------------------------------------------------------------------------------- TSP

function env.print(...)
  local values, n = { ... }, select("#", ...)
  for i = 1, n do
    local kind = type(values[i])
    if kind ~= "number" and kind ~= "string" then
      values[i] = shown(values[i])
    end
  end
  asked("print", 0, "", unpack(values, 1, n))
end

function env.exit()
  dying = EXIT
  error(EXIT, 0)
end

function env.makegetter(t, name)
  return function()
    return t[name]
  end
end

function env.makesetter(t, name)
  return function(value)
    t[name] = value
  end
end

-- Scripts: callable tables in script.user.scripts, and globals of their name.
local scripts = {}
env.script = { user = { scripts = scripts } }

local function scripted(name, source)
  local f, message = compiled(source, "=tsp")
  if not f then
    return nil, message
  end
  local it = { name = name, source = source, run = f }
  setmetatable(it, {
    luatype = "script",
    __call = function()
      return f()
    end,
  })
  if name == "" then
    env.script.anonymous, env.script.run, env.run = it, f, f
  else
    scripts[name] = it
    rawset(env, name, it)
  end
  return it
end

function env.script.new(source, name)
  source, name = text(source, "script.new"), text(name or "", "script.new")
  local refused = asked("syntax", 0, "", source)
  if refused then
    error(refused, 0)
  end
  local it, message = scripted(name, source)
  if not it then
    error(message, 0)
  end
  return it
end
function env.script.delete(name)
  scripts[name] = nil
end

---------------------------------------------------------------------------------------------------------- for Python

function api.global(key, id, name)
  if name then
    env[key] = method(id, name)
  else
    env[key] = objects[id]
  end
end

-- Compile and run one message; return "syntax" or "runtime" and a message, or nothing.
local function run(f, message)
  if not f then
    return "syntax", message
  end
  spent, dying = 0, nil
  sethook(tick, "", step)
  local ok, failure = pcall(f)
  sethook()
  local ended = dying
  spent, dying = 0, nil
  if ok or (ended and rawequal(ended, EXIT)) then
    return nil
  end
  failure = ended or plain(failure)
  if type(failure) ~= "string" and type(failure) ~= "number" then
    failure = "(error object is not a string)"
  end
  return "runtime", tostring(failure)
end

function api.run(source)
  return run(compiled(source, "=tsp"))
end

function api.store(name, source, at_once)
  spent, dying = 0, nil
  local it, message = scripted(name, source)
  if not it then
    return "syntax", message
  end
  if at_once then
    return run(it.run)
  end
end

for name in pairs(_G) do
  if name ~= "_G" then
    _G[name] = nil
  end
end
setrawmetatable("", nil)
return api
