-- The objects of an emulated TSP instrument as Lua tables, in the layout that clients walk through: a metatable with
-- `Getters`, `Setters`, `Objects` and `luatype`. All that is done with them is asked of Python.

local kit = ...

local error, next, pcall, rawget, select, tostring, type, unpack =
  error, next, pcall, rawget, select, tostring, type, unpack
local getmetatable, setmetatable, newproxy, collectgarbage = getmetatable, setmetatable, newproxy, collectgarbage
local find, format, math_floor, concat = string.find, string.format, math.floor, table.concat
local host, charge = kit.host, kit.charge

local objects = {} -- id -> table
local fleeting = setmetatable({}, { __mode = "v" }) -- id -> table, of objects that end when no script holds them
local ended = {} -- ids of those that have ended
local unfilled = {} -- ids of objects whose parts have not been asked for yet
local identity = setmetatable({}, { __mode = "k" }) -- table -> id

local function object(id)
  return objects[id] or fleeting[id]
end

local function numbers(value)
  local parts, n = {}, 0
  local item = rawget(value, 1)
  while item ~= nil do
    n = n + 1
    if type(item) ~= "number" then
      return nil
    end
    parts[n] = format("%.17g", item)
    item = rawget(value, n + 1)
  end
  charge(n)
  return concat(parts, " "), n
end

-- Values go to Python as pairs of a letter and a plain value.
local function tag(value)
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
    local list, n = numbers(value)
    if list and (n > 0 or next(value) == nil) then
      return "l", list
    end
  end
  return "u", kind
end

-- Return what Python answers after whether it is an answer, not an error.
local function answered(ok, done, ...)
  if not ok or type(done) ~= "boolean" then
    error("error in the instrument", 0)
  end
  if not done then
    error((...), 0)
  end
  return ...
end

local function ask(kind, target, key, ...)
  charge(100)
  if collectgarbage("count") > kit.full then
    collectgarbage("collect")
    if collectgarbage("count") > kit.full then
      error("not enough memory", 0)
    end
  end
  local n = select("#", ...)
  if n == 0 then
    return answered(pcall(host, kind, target, key))
  elseif n > 200 then
    error("too many arguments", 0)
  end
  local sent = {}
  for i = 1, n do
    sent[2 * i - 1], sent[2 * i] = tag((select(i, ...)))
  end
  return answered(pcall(host, kind, target, key, unpack(sent, 1, 2 * n)))
end

kit.ask = ask

-- Have an object's parts added before they are looked at; again from the beginning if the message ended meanwhile.
local function fill(id)
  if unfilled[id] then
    answered(pcall(host, "fill", id, ""))
    unfilled[id] = nil
  end
end

-- The values after the first, which is only named to be kept alive until they are there.
local function beside(_, ...)
  return ...
end

local function index(key)
  return type(key) == "number" and key == math_floor(key) and key > -2 ^ 31 and key < 2 ^ 31
end

-- Make an object. One that is fleeting holds a proxy, whose end tells that no script can reach the object any more.
function kit.object(id, luatype, indexed, is_fleeting)
  local Getters, Setters, Objects = {}, {}, {}
  local it, proxy = {}, nil
  local mt = { Getters = Getters, Setters = Setters, Objects = Objects, luatype = luatype }
  if is_fleeting then
    proxy = newproxy(true)
    getmetatable(proxy).__gc = function()
      ended[#ended + 1] = id
    end
  end
  function mt.__index(_, key)
    fill(id)
    local getter = Getters[key]
    if getter then
      return getter()
    end
    local found = Objects[key]
    if found == nil and indexed and index(key) then
      return beside(proxy, ask("item", id, key))
    end
    return found
  end
  function mt.__newindex(_, key, value)
    fill(id)
    local setter = Setters[key]
    if setter then
      return setter(value)
    elseif indexed and index(key) then
      return ask("put", id, key, value)
    end
    error("cannot modify field '" .. tostring(key) .. "'", 0)
  end
  identity[it] = id
  if is_fleeting then
    fleeting[id] = it
  else
    objects[id], unfilled[id] = it, true
  end
  return setmetatable(it, mt)
end

-- The ids of the fleeting objects that have ended since the last time; nil if none has.
function kit.take_ended()
  if next(ended) == nil then
    return nil
  end
  local found = ended
  ended = {}
  return found
end

local function method(id, key)
  local it = object(id)
  return function(...)
    return beside(it, ask("call", id, key, ...))
  end
end

kit.bound_method, kit.is_object, kit.object_of, kit.fill = method, identity, object, fill

-- Give an object a part: what is read, written or called; or a constant or an object, which it holds.
function kit.add(id, kind, key, value)
  local it = object(id)
  local mt = getmetatable(it)
  if kind == "get" and value then
    -- What only keeps a number, a text or a boolean is read without a detour. Its function is Python's own, so it is
    -- kept inside one of Lua's, where scripts cannot take hold of it.
    mt.Getters[key] = function()
      return beside(it, (value()))
    end
  elseif kind == "get" then
    mt.Getters[key] = function()
      return beside(it, ask("get", id, key))
    end
  elseif kind == "set" then
    mt.Setters[key] = function(new)
      return beside(it, ask("set", id, key, new))
    end
  elseif kind == "hold" then
    mt.Objects[key] = value
  else
    mt.Objects[key] = method(id, key)
  end
end
