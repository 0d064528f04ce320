r"""Pulses of a 2600 series box, timed by its trigger model: one Lua function, stored in the box once per session.

Timer 1 starts each pulse on every channel taking part, timer 2 ends it, timers 3 and 4 start the reading so that it is
over just before the end (Keithley 2600B reference manual, "Trigger model" and "Using trigger events to start actions";
the same arrangement as its example of a pulse train on two SMUs). The width is the time between two events of one
clock, so neither the network nor the interpreter has a part in it.

A single pulse gets a timer 1 that passes nothing through: with a period it would fire once more after the pulse, and
might cut the next one short.
"""

from contextlib import suppress
from functools import cache
from typing import Any, ClassVar

from pymeasure.adapters import Adapter

from crossbar_hil.errors import TransportError

from ..settings.keithley2600 import settings_of
from ..settings.limits2600 import Limits
from ..settings.setting import SettingTable
from .instrument import TspInstrument
from .stored import check_of_unit, functions

FUNCTION = "crossbar_hil_pulse"
MEMORY = "crossbar_hil_pulses"
"""Beginning of the names under which the box remembers run and number of the last pulses that it began and ended."""
LEAST_WIDTH_S = 0.5e-3
"""The manual's own shortest example; below, readings no longer settle inside the pulse."""
GAP_S = 5e-3
"""Time at 0 V between two pulses of a train, in seconds."""
MOST_PULSES = 1000
"""Pulses in one call, so that the answer stays short."""

_PULSE_FUNCTION = f"""\
function {FUNCTION}(run, number, count, width, gap, first, first_level, second, second_level)
  local units, levels, before = {{first, second}}, {{first_level, second_level}}, {{}}
  for n, unit in ipairs(units) do
%s
  end
  if run ~= {MEMORY}_run then
    {MEMORY}_run, {MEMORY}_begun, {MEMORY}_done = run, 0, 0
  end
  if number > 0 then
    if number <= {MEMORY}_begun then
      print("repeated")
      return
    end
    {MEMORY}_begun = number
  end
  local start = trigger.timer[1]
  start.clear()
  start.stimulus = first.trigger.ARMED_EVENT_ID
  start.passthrough = count > 1
  start.delay = 10e-6
  start.count = 1
  if count > 1 then
    start.delay = width + gap
    start.count = count - 1
  end
  local stop = trigger.timer[2]
  stop.clear()
  stop.stimulus = start.EVENT_ID
  stop.passthrough = false
  stop.delay = width
  stop.count = 1
  for n, unit in ipairs(units) do
    before[n] = {{unit.measure.nplc, unit.measure.delay}}
    local most = 0.5 * width * localnode.linefreq
    if unit.measure.nplc > most then
      unit.measure.nplc = most
      unit.measure.autozero = unit.AUTOZERO_ONCE
    end
    unit.measure.delay = 0
    local look = trigger.timer[2 + n]
    look.clear()
    look.stimulus = start.EVENT_ID
    look.passthrough = false
    look.delay = width - unit.measure.nplc / localnode.linefreq - 60e-6
    look.count = 1
    unit.nvbuffer1.clear()
    unit.nvbuffer1.appendmode = 1
    unit.trigger.source.listv({{levels[n]}})
    unit.trigger.source.limiti = unit.LIMIT_AUTO
    unit.trigger.source.action = unit.ENABLE
    unit.trigger.source.stimulus = start.EVENT_ID
    unit.trigger.measure.i(unit.nvbuffer1)
    unit.trigger.measure.action = unit.ENABLE
    unit.trigger.measure.stimulus = look.EVENT_ID
    unit.trigger.endpulse.action = unit.SOURCE_IDLE
    unit.trigger.endpulse.stimulus = stop.EVENT_ID
    unit.trigger.endsweep.action = unit.SOURCE_IDLE
    unit.trigger.arm.stimulus = 0
    unit.trigger.arm.count = 1
    unit.trigger.count = count
  end
  if second then
    second.trigger.initiate()
  end
  first.trigger.initiate()
  waitcomplete()
  local reply = {{string.format("%%d", errorqueue.count)}}
  for n, unit in ipairs(units) do
    table.insert(reply, string.format("%%d", unit.nvbuffer1.n))
    unit.trigger.source.action = unit.DISABLE
    unit.trigger.measure.action = unit.DISABLE
    if unit.measure.nplc ~= before[n][1] then
      unit.measure.nplc = before[n][1]
      unit.measure.autozero = unit.AUTOZERO_ONCE
    end
    unit.measure.delay = before[n][2]
    for i = 1, unit.nvbuffer1.n do
      table.insert(reply, string.format("%%.9e", unit.nvbuffer1.readings[i]))
      table.insert(reply, string.format("%%d", unit.nvbuffer1.statuses[i]))
    end
  end
  if number > 0 then
    {MEMORY}_done = number
  end
  print(table.concat(reply, "\\t"))
end
{FUNCTION}_is_whole = true"""
"""Its answer: ``changed`` with place of the channel, place of the setting and what it is now, ``repeated`` if pulses of
this number were begun before, or errors in the queue, then per channel the number of readings and each reading with its
status, all separated by TAB."""


def pulse_script(table: SettingTable) -> str:
    """Return what is stored in a box whose channels have these settings; see `stored` for the first functions."""
    check = "\n".join(check_of_unit(table))
    return "\n".join(["loadandrunscript crossbar_hil", *functions(table), _PULSE_FUNCTION % check, "endscript"])


WHOLE_QUERY = (
    f'do local text, sum = crossbar_hil.source, 0 local last = string.find(text, "{FUNCTION}_is_whole", 1, true) '
    'for place = string.find(text, "function", 1, true), last do local byte = string.byte(text, place) '
    "if byte > 32 then sum = 31 * sum + byte sum = sum - 65521 * math.floor(sum / 65521) end end "
    'print(string.format("%d", sum)) end'
)
"""Has the box add up what it has stored, but for white space (same manual, scriptVar.source): a line that got lost on
the way may leave a function that runs and pulses otherwise."""


@cache
def _script_of(limits: Limits) -> str:
    return pulse_script(settings_of(limits))


@cache
def _sum_of(script: str) -> int:
    """Return what `WHOLE_QUERY` must print."""
    body = script[script.index("function") : script.index(f"{FUNCTION}_is_whole") + 1]
    total = 0
    for byte in body.encode("ascii"):
        if byte > ord(" "):
            total = (31 * total + byte) % 65521
    return total


COMPLIANCE_BIT = 0x40
"""Bit of a status that says that the source was at its limit (same manual, bufferVar.statuses)."""


class PulsingBox(TspInstrument):
    """A box that stores the pulse function."""

    limits: ClassVar[Limits]
    """Those of the model."""
    uploads = 0
    """How often the function was stored; 0 if this session has not done so."""
    _made = 0
    _run = ""

    def __init__(self, adapter: Adapter | str | int, name: str = "", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)
        self.right: dict[str, str] = {}
        """Answers in which all settings of some channels were as they were set, by question."""

    @property
    def script(self) -> str:
        """Get what is stored in the box (str)."""
        return _script_of(self.limits)

    def begin_run(self, run: str) -> None:
        """Have the box remember the run from before its first pulse, unless this session has done so.

        Then a box that does not know the run was switched off meanwhile, and one that does has begun no more than it
        says.

        Raises
        ------
        InstrumentError
            If the box does not accept it.
        """
        if not run or run == self._run:
            return
        self.command(f'if {MEMORY}_run ~= "{run}" then {MEMORY}_run, {MEMORY}_begun, {MEMORY}_done = "{run}", 0, 0 end')
        self._run = run

    def upload_pulses(self) -> None:
        """Store the pulse function in the box, unless this session has done so.

        Raises
        ------
        InstrumentError
            If the box does not accept it.
        GarbledReply
            If it has stored something else.
        """
        if self.uploads:
            return
        try:
            for line in self.script.splitlines():
                self.write(line)
        except BaseException:
            # Whatever came next, an "off" too, would be taken for a line of the script.
            self.end_upload()
            raise
        self.check_errors(FUNCTION)
        stored, wanted = self.ask(WHOLE_QUERY), str(_sum_of(self.script))
        if stored.strip() != wanted:
            raise self.garbled_reply(WHOLE_QUERY, stored, wanted)
        self._made += 1
        self.uploads = self._made

    def end_upload(self) -> None:
        """Have what comes next carried out and not stored, by writing only; a failure that led here counts more."""
        with suppress(TransportError):
            self.blind("abort", "endscript")

    def resync(self) -> None:
        """Open the session again; the box may have been switched off meanwhile, so the function is sent again."""
        self.uploads, self._run = 0, ""
        super().resync()
