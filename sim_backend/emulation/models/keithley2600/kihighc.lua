-- KIHighC, a factory script of the 2600B, after its reference manual: leakage after a step of the voltage, measured at
-- a lower current limit than that of the step.

local function stepped(smu, levelv, limiti, sourcedelay, measurei, measuredelay)
  assert(
    smu and levelv and limiti and sourcedelay and measurei and measuredelay,
    "smu, levelv, limiti, sourcedelay, measurei, measuredelay are needed"
  )
  smu.source.limiti = limiti
  smu.source.levelv = levelv
  delay(sourcedelay)
  smu.source.limiti = measurei
  delay(measuredelay)
end

function i_leakage_measure(smu, levelv, limiti, sourcedelay, measurei, measuredelay)
  stepped(smu, levelv, limiti, sourcedelay, measurei, measuredelay)
  local found = smu.measure.i()
  smu.source.limiti = limiti
  return found
end

function i_leakage_threshold(smu, levelv, limiti, sourcedelay, measurei, measuredelay, threshold, timeout)
  assert(threshold and timeout, "threshold, timeout are needed")
  stepped(smu, levelv, limiti, sourcedelay, measurei, measuredelay)
  timer.reset()
  local below
  repeat
    below = math.abs(smu.measure.i()) < threshold
  until below or timer.measure.t() >= timeout
  smu.source.limiti = limiti
  return below
end
