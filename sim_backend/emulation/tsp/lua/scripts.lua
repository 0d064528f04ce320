-- Running messages of an emulated TSP instrument, and the scripts it has: callable tables in `script.user.scripts` and
-- globals of their name. It has no memory that outlives its power.

local kit = ...

local error, pcall, rawset, setmetatable, tostring, type, next = error, pcall, rawset, setmetatable, tostring, type, next
local getmetatable, setrawmetatable = getmetatable, debug.setmetatable
local env, text = kit.env, kit.text

local runtime, factory = {}, {}
env.script = { user = { scripts = runtime }, factory = { scripts = factory } }

function env.script.factory.catalog()
  local name
  return function()
    name = next(factory, name)
    return name
  end
end

local function made(name, source, f)
  return setmetatable({ name = name, source = source, run = f }, {
    luatype = "script",
    __call = function()
      return f()
    end,
  })
end

local function store(name, source, f)
  local it = made(name, source, f)
  if name == "" then
    env.script.anonymous, env.script.run, env.run = it, f, f
  else
    runtime[name] = it
    rawset(env, name, it)
  end
  return it
end

function env.script.new(source, name)
  source, name = text(source, "script.new"), text(name or "", "script.new")
  local f, message = kit.compile_here(source, "=tsp")
  if not f then
    error(message, 0)
  end
  return name == "" and made(name, source, f) or store(name, source, f)
end

---------------------------------------------------------------------------------------------------------- for Python

-- Make what is below an object, or a method of it, a global.
function kit.global(name, id, is_method)
  env[name] = is_method and kit.bound_method(id, name) or kit.object_of(id)
end

-- Run one message; return "syntax" or "runtime" and what went wrong, or nothing.
local function run(f, message)
  if not f then
    return "syntax", message
  end
  kit.begin()
  kit.watch()
  local ok, failure = pcall(f)
  local ended = kit.finish()
  if ok or ended == "exit" then
    return nil
  end
  failure = ended or kit.plain(failure)
  if type(failure) ~= "string" and type(failure) ~= "number" then
    failure = "(error object is not a string)"
  end
  return "runtime", tostring(failure)
end

function kit.run(source)
  return run(kit.compile(source, "=tsp"))
end

-- Keep a script, written as it came and as it is to be compiled, and run it if it is to run at once.
function kit.store(name, source, translated, at_once)
  kit.begin()
  local f, message = kit.compile(translated, "=tsp")
  if not f then
    return "syntax", message
  end
  store(name, source, f)
  if at_once then
    return run(f)
  end
end

-- Run what comes with the instrument, and list it.
function kit.factory(name, source)
  local f = kit.compile(source, "=" .. name)
  factory[name] = made(name, source, f)
  return run(f)
end

-- Give an object what every node of a TSP-Link network has: it runs code.
function kit.node(id)
  kit.fill(id)
  local Objects = getmetatable(kit.object_of(id)).Objects
  function Objects.execute(source)
    local f, message = kit.compile_here(text(source, "execute"), "=tsp")
    if not f then
      error(message, 0)
    end
    f()
  end
end

-- What scripts keep as globals of their own: numbers, texts and booleans by name.
local own = {}

function kit.seal()
  for name in next, env do
    own[name] = true
  end
end

local before, many = {}, 0

-- Nothing if they are the same as the last time.
function kit.kept()
  local found, count, changed = {}, 0, false
  for name, value in next, env do
    local kind = type(value)
    if type(name) == "string" and not own[name] and (kind == "number" or kind == "string" or kind == "boolean") then
      found[name], count = value, count + 1
      changed = changed or before[name] ~= value
    end
  end
  if not changed and count == many then
    return nil
  end
  before, many = found, count
  return found
end

function kit.keep(name, value)
  if not own[name] then
    rawset(env, name, value)
  end
end

for name in next, _G do
  if name ~= "_G" then
    _G[name] = nil
  end
end
setrawmetatable("", nil)
