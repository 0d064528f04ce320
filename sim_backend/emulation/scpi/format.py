"""How readings go out: as text, or as IEEE 754 numbers in a block."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import settings, values
from .kinds import Kind
from .messages import Answer, Command
from .status import ScpiError

TEXT, SINGLE, DOUBLE = 0, 4, 8
"""Bytes of a number; 0 is text."""


@dataclass(slots=True)
class DataFormat:
    """What ``:FORM:DATA`` and ``:FORM:BORD`` have chosen."""

    width: int = TEXT
    swapped: bool = False
    definite: bool = False
    """Whether a block says how long it is; otherwise it begins with ``#0`` and ends with the message."""

    def encode(self, numbers: Sequence[float]) -> Answer:
        """Write readings in the chosen format.

        >>> DataFormat(SINGLE, definite=True).encode([1.0, 2.0]).hex(" ")  # "#", one digit, which is 8; then 8 bytes
        '23 31 38 3f 80 00 00 40 00 00 00'
        """
        if self.width == TEXT:
            return ",".join(map(values.nr3, numbers))
        body = struct.pack(
            f"{'<' if self.swapped else '>'}{len(numbers)}{'f' if self.width == SINGLE else 'd'}", *numbers
        )
        size = str(len(body))
        return (f"#{len(size)}{size}" if self.definite else "#0").encode() + body


def commands(names: Mapping[str, int], replies: Mapping[int, str]) -> tuple[Command, ...]:
    """Declare ``:FORMat[:DATA]`` and ``:FORMat:BORDer`` of an instrument whose attribute ``format`` is a `DataFormat`.

    `names` are the bytes of a number for every parameter, such as ``{"ASCii": 0, "REAL,32": 4}``, `replies` what the
    query answers for each.
    """

    def read(given: list[str], _: bool) -> int:
        for name, width in names.items():
            parts = name.split(",")
            if len(parts) == len(given) and all(map(values.matches, given, parts)):
                return width
        raise ScpiError(-224)

    order = Kind(
        lambda texts, _: values.choice(texts[0], ("NORMal", "SWAPped")) == "SWAP",
        lambda swapped: "SWAP" if swapped else "NORM",
        samples=("NORM", "SWAP"),
    )
    form = Kind(read, replies.__getitem__, most=2, samples=tuple(names))
    table = {":FORMat[:DATA]": ("width", form), ":FORMat:BORDer": ("swapped", order)}
    return settings.attributes(table, lambda self, _: self.format)
