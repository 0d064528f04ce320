-- What scripts of an emulated TSP instrument find besides its objects: a fresh environment that holds nothing but what
-- is listed here. It is Lua 5.1 made to look like the 5.0.2 of the instruments: no debug, package, load, dofile,
-- getfenv, string.dump, string methods; files only as far as an instrument without a flash drive has them.

local kit = ...

local error, pcall, rawget, rawset, select, tostring, type, unpack, xpcall =
  error, pcall, rawget, rawset, select, tostring, type, unpack, xpcall
local getmetatable, setmetatable, loadstring, setfenv, collectgarbage, tonumber =
  getmetatable, setmetatable, loadstring, setfenv, collectgarbage, tonumber
local byte, find, format, gsub, len, rep = string.byte, string.find, string.format, string.gsub, string.len, string.rep
local gmatch, lower, upper = string.gmatch, string.lower, string.upper
local concat, insert, sort = table.concat, table.insert, table.sort
local create, resume, yield, status = coroutine.create, coroutine.resume, coroutine.yield, coroutine.status
local charge, text, after, plain, ask = kit.charge, kit.text, kit.after, kit.plain, kit.ask

local LONGEST = 2 ^ 20 -- of a string made by string.rep, in bytes
local MOST_VALUES = 7000 -- that unpack returns; Lua 5.1 breaks down where their number wraps around

local function copy(from, names)
  local to = {}
  for name in gmatch(names, "%S+") do
    to[name] = from[name]
  end
  return to
end

local env = copy(_G, "assert error ipairs next pairs rawequal rawget rawset tonumber type")
kit.env = env
env._G, env._VERSION = env, "Lua 5.0.2"
env.math = copy(
  math,
  "abs acos asin atan atan2 ceil cos deg exp floor frexp ldexp log log10 max min pi pow rad random randomseed sin sqrt tan"
)
env.math.mod = math.fmod
env.string = copy(string, "byte char len sub")
env.table = copy(table, "foreach foreachi")
env.coroutine = { yield = yield, status = status }

function env.getmetatable(value)
  if type(value) == "table" then
    kit.fill(kit.is_object[value])
    return getmetatable(value)
  end
  return nil
end

function env.setmetatable(value, mt)
  if type(value) ~= "table" or kit.is_object[value] then
    error("bad argument to 'setmetatable'", 0)
  end
  return setmetatable(value, mt)
end

-- Tables and functions are told apart by made-up addresses: the true ones are the host's own business.
local addresses, addressed = setmetatable({}, { __mode = "k" }), 0

local function show(value)
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

env.tostring = show

function env.print(...)
  local values, n = { ... }, select("#", ...)
  for i = 1, n do
    local kind = type(values[i])
    if kind ~= "number" and kind ~= "string" then
      values[i] = show(values[i])
    end
  end
  ask("print", 0, "", unpack(values, 1, n))
end

function env.pcall(...)
  return after(pcall(...))
end

function env.xpcall(f, handler)
  return after(xpcall(f, function(message)
    if kit.dying() then
      return message
    end
    return handler(plain(message))
  end))
end

env.exit = kit.exit

function kit.compile(source, name)
  if byte(source, 1) == 27 then
    return nil, "binary chunks are not accepted"
  end
  local f, message = loadstring(source, name)
  if f then
    setfenv(f, env)
  end
  return f, message
end

-- Compile what a script has put together, once Python has turned it into Lua 5.1.
function kit.compile_here(source, name)
  charge(len(source))
  local refused, translated = ask("syntax", 0, "", source)
  if refused then
    return nil, refused
  end
  return kit.compile(translated, name)
end

function env.loadstring(source, name)
  return kit.compile_here(text(source, "loadstring"), "=" .. text(name or "string", "loadstring"))
end

function env.gcinfo()
  return collectgarbage("count"), 0
end

function env.collectgarbage()
  charge(10000)
  collectgarbage("collect")
  return 0
end

---------------------------------------------------------------------------------------------------------- strings

local function converter(convert, name)
  return function(value)
    value = text(value, name)
    charge(len(value) / 10)
    return convert(value)
  end
end

env.string.lower, env.string.upper = converter(lower, "lower"), converter(upper, "upper")
function env.string.gfind(subject, pattern)
  return gmatch(kit.check_pattern(subject, pattern, "gfind"))
end
function env.string.find(subject, pattern, from, exact)
  if exact then
    subject, pattern = kit.check_search(subject, pattern)
    return find(subject, pattern, from, true)
  end
  subject, pattern = kit.check_pattern(subject, pattern, "find")
  return find(subject, pattern, from)
end
function env.string.gsub(subject, pattern, by, most)
  subject, pattern = kit.check_pattern(subject, pattern, "gsub")
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
  if len(piece) == 0 then
    return ""
  elseif not (len(piece) * n <= LONGEST) then
    error("not enough memory", 0)
  end
  charge(len(piece) * (n > 0 and n or 0) / 10)
  return rep(piece, n)
end

---------------------------------------------------------------------------------------------------------- tables

-- Tables of Lua 5.0 carry their size in `n` or have one set.
local sizes = setmetatable({}, { __mode = "k" })

local function check_table(t, name)
  if type(t) ~= "table" then
    error("bad argument to '" .. name .. "' (table expected, got " .. type(t) .. ")", 0)
  end
  return t
end

local function getn(t)
  return tonumber(rawget(t, "n")) or sizes[t] or #t
end

local function set_size(t, n)
  if rawget(t, "n") then
    rawset(t, "n", n)
  elseif sizes[t] then
    sizes[t] = n
  end
end

function env.table.getn(t)
  return getn(check_table(t, "getn"))
end
function env.table.setn(t, n)
  if rawget(check_table(t, "setn"), "n") then
    rawset(t, "n", tonumber(n))
  else
    sizes[t] = tonumber(n)
  end
end
function env.table.insert(t, ...)
  local n = getn(check_table(t, "insert")) + 1
  if select("#", ...) == 1 then
    rawset(t, n, (...))
  else
    local at, value = ...
    at = tonumber(at)
    if not at then
      error("bad argument to 'insert' (number expected)", 0)
    end
    charge((n > at and n - at or 1) / 10)
    if rawget(t, "n") or sizes[t] then
      for i = n, at + 1, -1 do
        rawset(t, i, rawget(t, i - 1))
      end
      rawset(t, at, value)
    elseif at == at then
      insert(t, at, value)
    end
  end
  set_size(t, n)
end
function env.table.remove(t, at)
  local n = getn(check_table(t, "remove"))
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
  set_size(t, n - 1)
  return removed
end
function env.table.concat(t, between, from, to)
  from, to = tonumber(from) or 1, tonumber(to) or getn(check_table(t, "concat"))
  charge((to > from and to - from or 0) / 10)
  return concat(t, between, from, to)
end
function env.table.sort(t, by)
  charge(#check_table(t, "sort") * 2)
  sort(t, by)
end
function env.unpack(t, from, to)
  from, to = tonumber(from) or 1, tonumber(to) or getn(check_table(t, "unpack"))
  if not (from > -2 ^ 31 and to < 2 ^ 31 and to - from < MOST_VALUES) then
    error("too many results to unpack", 0)
  end
  return unpack(t, from, to)
end

---------------------------------------------------------------------------------------------------------- coroutines

function env.coroutine.create(f)
  charge(1000)
  if type(f) ~= "function" then
    error("bad argument to 'create' (function expected)", 0)
  end
  return create(function(...)
    kit.watch()
    return f(...)
  end)
end
function env.coroutine.resume(co, ...)
  return after(resume(co, ...))
end

local function pass_on(ok, ...)
  if not ok then
    error((...), 0)
  end
  return ...
end

function env.coroutine.wrap(f)
  local co = env.coroutine.create(f)
  return function(...)
    return pass_on(after(resume(co, ...)))
  end
end
