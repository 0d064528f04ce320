"""What a person may settle about a curve file, and the command that says it."""

import shlex
from dataclasses import dataclass, fields
from typing import Any

from crossbar_hil.errors import DataError

SEPARATORS = {"tab": "\t", "semicolon": ";", "comma": ",", "bar": "|", "blanks": " ", "none": ""}
"""By the word for it on the command line."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a person says of a file; None, empty or 0 leaves it to the file."""

    encoding: str | None = None
    sheet: str | None = None
    skip: int = 0
    lines: tuple[int, int] | None = None
    """First and last line of the table's numbers."""
    separator: str | None = None
    """A key of `SEPARATORS`."""
    decimal: str | None = None
    column: tuple[str, ...] = ()
    """Names or numbers, from 1."""
    unit: str | None = None
    voltage: float | None = None
    """At which the cell was read, in volts."""
    up: int | None = None
    down: int | None = None
    """Readings of one potentiation and of one depression."""
    cycles: str | None = None
    """``columns``, ``rows`` (of a matrix of MATLAB) or ``stacked``."""
    leave_out: tuple[int, ...] = ()
    """Lines."""
    zero_negative: bool = False
    amplitude: float | None = None
    width: float | None = None
    depress_amplitude: float | None = None
    depress_width: float | None = None
    """The pulses, in volts and seconds."""

    def __post_init__(self) -> None:
        for name, known in (("separator", SEPARATORS), ("decimal", ".,"), ("cycles", ("columns", "rows", "stacked"))):
            value = getattr(self, name)
            if value is not None and value not in known:
                raise DataError(f"--{name} {value!r} is not known; known are {' '.join(known)}")
        for name in ("up", "down"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise DataError(f"--{name} {value} must be at least 1")
        if self.amplitude is not None and self.amplitude <= 0:
            raise DataError(f"--amplitude {self.amplitude:g} V must be above zero; potentiation is positive")
        if self.depress_amplitude is not None and self.depress_amplitude >= 0:
            raise DataError(f"--depress-amplitude {self.depress_amplitude:g} V must be below zero")

    def words(self, **more: Any) -> list[str]:
        """Return the options as words of the command line; `more` stand for those of the same name."""
        said: list[str] = []
        for field in fields(self):
            value = more.get(field.name, getattr(self, field.name))
            if value is None or value in ((), 0, False):
                continue
            name = f"--{field.name.replace('_', '-')}"
            if value is True:
                said.append(name)
            elif field.name == "lines":
                said += [name, f"{value[0]}:{value[1]}"]
            elif isinstance(value, tuple):
                said += [word for each in value for word in (name, str(each))]
            else:
                text = f"{value:g}" if isinstance(value, float) else str(value)
                said += [f"{name}={text}"] if text.startswith("-") else [name, text]
        return said

    def command(self, file: str, **more: Any) -> str:
        """Return the command that settles more than these options."""
        words = ["crossbar-hil", "curve", file, *self.words(**more), "--to", "my_chip.csv"]
        return f"`{' '.join(shlex.quote(word) for word in words)}`"
