"""Tables of what an instrument stores for its user without any effect on anything else.

A row is a header, the kind of its value and its default; `commands` makes the commands of a table. A value lives under
its header and its suffixes in a dictionary: ``stored`` of the settings, so that ``*RST`` forgets it as it resets the
settings, or for a row that is kept ``kept`` of the instrument, which it leaves alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .kinds import Kind
from .messages import Call, Command, Stored
from .settings import Place, of_settings


@dataclass(frozen=True, slots=True)
class Row:
    """One header of a table."""

    pattern: str
    kind: Kind
    default: Any = None
    """What is answered before a value was set; the default of the kind if None."""
    kept: bool = False
    """Whether ``*RST`` leaves the value alone."""


def commands(rows: Iterable[Row], of: Place = of_settings) -> tuple[Command, ...]:
    """Return the commands of a table; what `of` finds has the values that ``*RST`` resets as ``stored``."""
    return tuple(_command(each, of) for each in rows)


def _command(row: Row, of: Place) -> Command:
    default = row.kind.default if row.default is None else row.default

    def place(instrument: Any, call: Call) -> Stored:
        found: Stored = instrument.kept if row.kept else of(instrument, call).stored
        return found

    def store(instrument: Any, call: Call, value: object) -> None:
        place(instrument, call)[row.pattern, call.suffixes] = value

    def value(instrument: Any, call: Call) -> object:
        return place(instrument, call).get((row.pattern, call.suffixes), default)

    return row.kind.command(row.pattern, store, value)
