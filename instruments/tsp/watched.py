"""The settings of one SMU: written, read back, remembered by the box, and asked for again."""

from collections.abc import Sequence

from crossbar_hil.errors import InstrumentError

from ..settings.keithley2600 import MAY_LACK, OWN_WAY, settings_of
from ..settings.setting import Asked, Chosen, Setting
from .pulse import PulsingBox
from .stored import KEEP, LOOK, MISSING, OUTPUT, in_order
from .values import as_number, bounds_of, holds, number_text

Bounds = tuple[float, float]
RANGE = "current_range"
"""The setting that changes between reads and pulses."""


class WatchedSettings:
    """The settings of a channel, ``a`` or ``b``, of a box, and what they must be; named in messages."""

    def __init__(self, box: PulsingBox, letter: str, name: str) -> None:
        self._box, self._letter, self._name = box, letter, name
        self._table = settings_of(box.limits)
        self._ordered = in_order(self._table)
        self._early = len(self._table.asked(Asked.PULSE))
        self._as_set: dict[str, Bounds | None] = {}  # by name; None for what the firmware does not have
        self._kept = 0  # the upload since which the box remembers the settings

    def write(self, chosen: Chosen) -> None:
        """Write every setting, and read every one back.

        Raises
        ------
        InstrumentError
            If the box refuses one, or it reads back as something else.
        """
        self._kept = 0
        for each in self._table.values():
            value = each.written(chosen)
            if value is not None:
                self._box.command(self._line(each, as_number(each, value)))
        self._as_set = {each.name: self._read_back(each, chosen) for each in self._table.values()}

    def write_range(self, chosen: Chosen) -> None:
        """Write the measure range, and read it back, with all the others once the box remembers them."""
        setting = self._table[RANGE]
        line = self._line(setting, chosen.range_a)
        if not self.remembered():
            self._box.command(line)
            self._as_set[RANGE] = self._read_back(setting, chosen)
            return
        query = f"{line} {KEEP}(smu{self._letter})"
        values = self._parse(query, self._box.ask(query), len(self._ordered), line)
        self._as_set[RANGE] = self._agreed(setting, values[self._ordered.index(setting)], chosen)
        self._box.right.clear()
        if changed := self._differences(values):
            raise InstrumentError("; ".join(changed))

    def remembered(self) -> bool:
        """Say whether this session has had the box remember the settings."""
        return 0 < self._box.uploads == self._kept

    def remember(self) -> list[str]:
        """Have the box remember its settings, and return how they differ from what was set; nothing if not at all."""
        self._box.upload_pulses()
        query = f"{KEEP}(smu{self._letter})"
        found = self._differences(self._parse(query, self._box.ask(query), len(self._ordered)))
        if not found:
            self._kept = self._box.uploads
            self._box.right.clear()
        return found

    def changes(self, others: Sequence["WatchedSettings"], *, pulsing: bool) -> list[str]:
        """Ask for all settings, or for those that shape a pulse, and for errors; the output should be on.

        Those of other channels of the box are asked for in the same exchange, once the box remembers all of them.
        """
        channels = [self, *others]
        if not all(each.remembered() for each in channels):
            return [
                change
                for each in channels
                for change in (each.changes((), pulsing=pulsing) if each.remembered() else each.remember())
            ]
        names = ", ".join(f"smu{each._letter}" for each in channels)
        query = f"{LOOK}({'false' if pulsing else 'true'}, {names})"
        reply = self._box.ask(query)
        if reply == self._box.right.get(query):
            return []
        count = self._early if pulsing else len(self._ordered)
        values = self._parse(query, reply, count * len(channels))
        found = [
            change
            for place, each in enumerate(channels)
            for change in each._differences(values[place * count : (place + 1) * count])
        ]
        if not found:
            self._box.right[query] = reply
        return found

    def told(self, place: float, text: str, query: str) -> str:
        """Return what the box says of a setting, by its place from 1, as a person reads it."""
        if place not in range(1, len(self._ordered) + 1):
            raise self._box.garbled_reply(query, f"{place:g}", "the place of a setting")
        value = None if text == MISSING else self._box.number(text, query)
        return self._difference(self._ordered[int(place) - 1], value)

    # ------------------------------------------------------------------ inside

    def _path(self, setting: Setting) -> str:
        return setting.command.replace("{n}", self._letter)

    def _may_lack(self, setting: Setting) -> bool:
        return self._box.limits.bare and setting.command.rpartition(".")[2] in MAY_LACK

    def _line(self, setting: Setting, value: float) -> str:
        """Return what sets a value; what the firmware may lack is set where it is there."""
        path = self._path(setting)
        line = f"{path}={number_text(value)}"
        return f"if {path} ~= nil then {line} end" if self._may_lack(setting) else line

    def _read_back(self, setting: Setting, chosen: Chosen) -> Bounds | None:
        """Ask for a setting, and return the one value that it may read back as from now on."""
        query = f"print({self._path(setting)})"
        (reply,) = self._box.ask_fields(query, 1)
        missing = reply == MISSING and self._may_lack(setting)
        return self._agreed(setting, None if missing else self._box.number(reply, query), chosen)

    def _agreed(self, setting: Setting, value: float | None, chosen: Chosen) -> Bounds | None:
        """Return bounds that hold the value which was found, if it is one that was asked for."""
        if value is None:
            return None
        bounds = bounds_of(setting, chosen)
        if not holds(bounds, value):
            wanted = setting.written(chosen)
            told = "" if wanted is None else f" = {as_number(setting, wanted):g}"
            raise InstrumentError(f"{self._name} was set to {self._path(setting)}{told} but reads back {value:g}")
        return bounds if setting.name == OWN_WAY else (value, value)

    def _parse(self, query: str, reply: str, count: int, after: str = "") -> list[float | None]:
        """Return so many settings of an answer, None for one that is missing; raise errors of the queue."""
        *fields, errors = reply.split("\t")
        if len(fields) != count:
            raise self._box.garbled_reply(query, reply, f"{count} settings")
        self._box.raise_errors(self._box.number(errors, query), after)
        return [None if field == MISSING else self._box.number(field, query) for field in fields]

    def _differences(self, values: Sequence[float | None]) -> list[str]:
        return [
            f"{self._name}: {self._difference(setting, value)}"
            for setting, value in zip(self._ordered, values, strict=False)
            if not self._is_as_set(setting, value)
        ]

    def _expected(self, setting: Setting) -> Bounds | None:
        return (1.0, 1.0) if setting.name == OUTPUT else self._as_set[setting.name]

    def _is_as_set(self, setting: Setting, value: float | None) -> bool:
        bounds = self._expected(setting)
        if bounds is None or value is None:
            return bounds is None and value is None
        return holds(bounds, value)

    def _difference(self, setting: Setting, value: float | None) -> str:
        """Say what a setting is instead of what."""
        bounds = self._expected(setting)
        told, wanted = ("missing" if each is None else f"{each:g}" for each in (value, bounds and bounds[0]))
        return f"{self._path(setting)} is {told} instead of {wanted}"
