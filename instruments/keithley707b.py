"""Keithley 707B and 708B switch matrices with 8x12 cards (7072, 7173-50, 7174A). Emulated only.

Crosspoints are written slot, row letter, two-digit column, such as ``1A05`` (Keithley 707B and 708B reference manual,
"Channel specifiers").
"""

from typing import Any, ClassVar

from pymeasure.adapters import Adapter

from .tsp.matrix import TspMatrix


class Keithley707B(TspMatrix):
    """A matrix of six slots."""

    slots: ClassVar[int] = 6
    rows: ClassVar[int] = 8
    columns: ClassVar[int] = 12
    letters: ClassVar[bool] = True

    def __init__(self, adapter: Adapter | str, name: str = "Keithley 707B switch matrix", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)


class Keithley708B(Keithley707B):
    """A matrix of one slot."""

    slots: ClassVar[int] = 1

    def __init__(self, adapter: Adapter | str, name: str = "Keithley 708B switch matrix", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)
