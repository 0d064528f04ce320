-- What one message may take in an emulated TSP instrument: instructions, time, and work that no hook can stop.
--
-- Called first, once per Lua state, with two Python functions, kept in upvalues that no script can reach: `host`
-- carries out what a script asks of the instrument, `expired` says whether its time is up. Returns the kit that the
-- other parts and Python share; scripts never see it.

local host, expired, budget, step, memory = ...

local error, type, tostring = error, type, tostring
local find, gsub, len = string.find, string.gsub, string.len
local sethook = debug.sethook

local LONGEST_PATTERN = 200 -- the matcher of Lua 5.1 recurses in C without a bound, once per item
local MOST_STEPS = 3e8 -- of the matcher, in the worst case
local STOPPED = "script stopped: it ran for too long"
local EXIT = {}

local kit = { host = host, full = 0.75 * memory / 1024 }
local spent, next_look, dying = 0, 0, nil

local function late()
  next_look = spent + step
  return expired()
end

-- Count work; every number that is not one of the script's doing counts as too much.
local function charge(cost)
  spent = spent + cost
  if not dying and (not (spent <= budget) or (spent >= next_look and late())) then
    dying = STOPPED
  end
  if dying then
    error(dying, 0)
  end
end

local function tick()
  charge(step)
end

kit.charge = charge

-- Have the running thread counted; a coroutine does not inherit the hook of its script.
function kit.watch()
  sethook(tick, "", step)
end

function kit.begin()
  spent, next_look, dying = 0, 0, nil
end

-- End the count; return "exit" or a text if the message had to end.
function kit.finish()
  sethook()
  local ended = dying
  spent, next_look, dying = 0, 0, nil
  return ended == EXIT and "exit" or ended
end

function kit.exit()
  dying = EXIT
  error(EXIT, 0)
end

function kit.dying()
  return dying
end

-- An error value that came from Python must never be handed to a script.
local function plain(message)
  if type(message) == "userdata" or type(message) == "thread" then
    return "error in the instrument"
  end
  return message
end

kit.plain = plain

-- What follows a protected call: a script that has to end does end, whatever it caught.
function kit.after(ok, ...)
  if dying then
    error(dying, 0)
  end
  if ok then
    return true, ...
  end
  return false, plain((...))
end

local function text(value, name)
  if type(value) == "number" then
    return tostring(value)
  elseif type(value) ~= "string" then
    error("bad argument to '" .. name .. "' (string expected, got " .. type(value) .. ")", 0)
  end
  return value
end

kit.text = text

-- Refuse a pattern that could keep the matcher, which no hook can stop, busy for more than a second or so.
function kit.check_pattern(subject, pattern, name)
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

-- The same for a search without a pattern.
function kit.check_search(subject, piece)
  subject, piece = text(subject, "find"), text(piece, "find")
  if len(subject) * len(piece) > MOST_STEPS then
    error("string too long", 0)
  end
  charge(len(subject))
  return subject, piece
end

return kit
