"""What the box itself says of its settings: Lua functions stored in it, made of a table of settings.

``crossbar_hil_settings`` returns them, those that shape a pulse first. ``crossbar_hil_look`` prints those of one
channel or of two, and how many errors there are.
``crossbar_hil_keep`` has the box remember what they are now as well, so that the pulse function can see by itself, in
the exchange that sends pulses, that nothing has changed since; the driver compares what is printed with what it set.
"""

from collections.abc import Iterable

from ..settings.keithley2600 import OWN_WAY
from ..settings.setting import Asked, Setting, SettingTable

SETTINGS = "crossbar_hil_settings"
SAY = "crossbar_hil_say"
LOOK = "crossbar_hil_look"
KEEP = "crossbar_hil_keep"
KEPT = "crossbar_hil_kept"
OUTPUT = "source_enabled"
"""The setting that comes first."""
MISSING = "nil"
"""What a setting reads that the firmware does not have."""


def in_order(table: SettingTable) -> list[Setting]:
    """Return what is asked for again, in the order of the answers: the output, what shapes a pulse, the rest."""
    pulse = [each for each in table.asked(Asked.PULSE) if each.name != OUTPUT]
    batch = [each for each in table.asked(Asked.BATCH) if each.asked is Asked.BATCH]
    return [table[OUTPUT], *pulse, *batch]


def expression(setting: Setting) -> str:
    """Return how Lua reads a setting of ``unit``; what the box changes by itself reads as one number."""
    path = (
        setting.command.replace("smu{n}", "unit")
        .replace("unit.source.", "source.")
        .replace("unit.measure.", "measure.")
    )
    return f"{path} == 2 and 2 or 0" if setting.name == OWN_WAY else path


def functions(table: SettingTable) -> Iterable[str]:
    """Return the lines of the functions."""
    ordered = in_order(table)
    early = [each for each in ordered if each.asked is Asked.PULSE]
    yield f"function {SETTINGS}(unit, all)"
    yield "  local source, measure = unit.source, unit.measure"
    yield "  if not all then"
    yield "    return {"
    yield from (f"      {expression(each)}," for each in early)
    yield "    }"
    yield "  end"
    yield "  return {"
    yield from (f"    {expression(each)}," for each in ordered)
    yield "  }"
    yield "end"
    yield f"function {SAY}(said, found, count)"
    yield "  for n = 1, count do"
    yield "    local value = found[n]"
    yield '    if type(value) == "number" then value = string.format("%.9e", value) end'
    yield "    table.insert(said, tostring(value))"
    yield "  end"
    yield "end"
    yield f"function {LOOK}(all, first, second)"
    yield "  local said = {}"
    yield "  for n, unit in ipairs({first, second}) do"
    yield f"    {SAY}(said, {SETTINGS}(unit, all), all and {len(ordered)} or {len(early)})"
    yield "  end"
    yield "  table.insert(said, tostring(errorqueue.count))"
    yield '  print(table.concat(said, "\\t"))'
    yield "end"
    yield f"function {KEEP}(unit)"
    yield f"  local found, said = {SETTINGS}(unit, true), {{}}"
    yield f"  {KEPT}[unit] = found"
    yield f"  {SAY}(said, found, {len(ordered)})"
    yield "  table.insert(said, tostring(errorqueue.count))"
    yield '  print(table.concat(said, "\\t"))'
    yield "  found[1] = 1"
    yield "end"
    yield f"{KEPT} = {KEPT} or {{}}"


def check_of_unit(table: SettingTable) -> Iterable[str]:
    """Return the lines inside the pulse function that end it where a setting of ``unit`` is another than was kept."""
    yield f"    local kept, found = {KEPT}[unit] or {{}}, {SETTINGS}(unit)"
    yield f"    for place = 1, {len(table.asked(Asked.PULSE))} do"
    yield "      if found[place] ~= kept[place] then"
    yield '        print("changed", n, place, tostring(found[place]))'
    yield "        return"
    yield "      end"
    yield "    end"
