"""Keithley 707B and 708B switch matrices with 8x12 cards (7072, 7173-50, 7174A). Emulated only.

Crosspoints are written slot, row letter, two-digit column, such as ``1A05`` (Keithley 707B and 708B reference manual,
"Channel specifiers").
"""

import re
from typing import ClassVar

from .tsp.matrix import TspMatrix


class Keithley707B(TspMatrix):
    """A matrix of six slots."""

    model_name = "Keithley 707B switch matrix"
    slots: ClassVar[range] = range(1, 7)
    rows = range(1, 9)
    columns = range(1, 13)
    letters = True
    form = re.compile("([0-9])([A-Z])([0-9]{2})")
    example = "1A05"


class Keithley708B(Keithley707B):
    """A matrix of one slot."""

    model_name = "Keithley 708B switch matrix"
    slots: ClassVar[range] = range(1, 2)
