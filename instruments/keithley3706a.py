"""Keithley 3706A switch system with 6x16 matrix cards (3730). Emulated only.

Crosspoints are written slot, row, two-digit column, such as ``1105`` (Keithley 3700A reference manual, "Channel
specifiers"). The closed channels of this box are listed with ``;`` in the manual's examples and with ``,`` in its text;
both are read.
"""

from typing import Any, ClassVar

from pymeasure.adapters import Adapter

from .tsp.matrix import TspMatrix


class Keithley3706A(TspMatrix):
    """A switch system of six slots."""

    slots: ClassVar[int] = 6
    rows: ClassVar[int] = 6
    columns: ClassVar[int] = 16
    letters: ClassVar[bool] = False

    def __init__(self, adapter: Adapter | str, name: str = "Keithley 3706A switch system", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)
