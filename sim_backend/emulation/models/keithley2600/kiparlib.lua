-- KIParlib, a factory script of the 2600B, after its reference manual: transconductance by central differences.

local function transconductance(axis)
  return function(smu, start, stop, points)
    assert(smu and start and stop and points and points >= 2, "smu, start, stop, points >= 2 are needed")
    local source, level = smu.source, "level" .. axis
    local currents, voltages = smu.makebuffer(points), smu.makebuffer(points)
    currents.appendmode, voltages.appendmode = 1, 1
    source.func = axis == "v" and smu.OUTPUT_DCVOLTS or smu.OUTPUT_DCAMPS
    source[level] = start
    source.output = smu.OUTPUT_ON
    for i = 1, points do
      source[level] = start + (stop - start) * (i - 1) / (points - 1)
      smu.measure.iv(currents, voltages)
    end
    source.output = smu.OUTPUT_OFF
    local gm = {}
    for i = 1, points do
      local from, to = math.max(i - 1, 1), math.min(i + 1, points)
      gm[i] = (currents[to] - currents[from]) / (voltages[to] - voltages[from])
    end
    if axis == "v" then
      return gm, currents, voltages
    end
    return gm, voltages, currents
  end
end

gm_vsweep, gm_isweep = transconductance("v"), transconductance("i")
