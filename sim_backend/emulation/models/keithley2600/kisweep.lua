-- KISweep, a factory script of the 2600B, after its reference manual. Where a parameter is missing, at which an
-- instrument would ask at the front panel, a function ends with an error before it does anything.

-- Source the levels one after the other, with a measurement at each, into nvbuffer1; then the output is off and the
-- source is as it was.
local function swept(smu, axis, levels, stime)
  local source, other = smu.source, axis == "v" and "i" or "v"
  local level, range, auto = "level" .. axis, "range" .. axis, "autorange" .. axis
  local before = { source.func, source[level], source[range], source[auto] }
  local highest, buffer = 0, smu.nvbuffer1
  for i = 1, table.getn(levels) do
    highest = math.max(highest, math.abs(levels[i]))
  end
  source.output = smu.OUTPUT_OFF
  source.func = axis == "v" and smu.OUTPUT_DCVOLTS or smu.OUTPUT_DCAMPS
  source[level] = 0
  source[range] = highest
  buffer.clear()
  buffer.appendmode = 1
  buffer.collecttimestamps = 1
  buffer.collectsourcevalues = 1
  source[level] = levels[1]
  source.output = smu.OUTPUT_ON
  for i = 1, table.getn(levels) do
    source[level] = levels[i]
    delay(stime)
    smu.measure[other](buffer)
  end
  source.output = smu.OUTPUT_OFF
  source[level] = before[2]
  source[range] = before[3]
  source[auto] = before[4]
  source.func = before[1]
end

local function linear(start, stop, step, steps)
  return start + (stop - start) * step / steps
end

local function logarithmic(start, stop, step, steps)
  return start * (stop / start) ^ (step / steps)
end

local function sweep(axis, level)
  return function(smu, start, stop, stime, points)
    assert(smu and start and stop and stime and points and points >= 2, "smu, start, stop, stime, points >= 2 are needed")
    local levels = {}
    for i = 1, points do
      levels[i] = level(start, stop, i - 1, points - 1)
    end
    swept(smu, axis, levels, stime)
  end
end

local function list_sweep(axis)
  return function(smu, list, stime, points)
    assert(smu and list and stime and points and points >= 2, "smu, list, stime, points >= 2 are needed")
    local levels = {}
    for i = 1, points do
      levels[i] = list[i]
    end
    swept(smu, axis, levels, stime)
  end
end

SweepVLinMeasureI, SweepILinMeasureV = sweep("v", linear), sweep("i", linear)
SweepVLogMeasureI, SweepILogMeasureV = sweep("v", logarithmic), sweep("i", logarithmic)
SweepVListMeasureI, SweepIListMeasureV = list_sweep("v"), list_sweep("i")
