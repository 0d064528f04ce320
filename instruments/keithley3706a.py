"""Keithley 3706A switch system with 6x16 matrix cards (3730). Emulated only.

Crosspoints are written slot, row, two-digit column, such as ``1105`` (Keithley 3700A reference manual, "Channel
specifiers"). The closed channels of this box are listed with ``;`` in the manual's examples and with ``,`` in its text;
both are read.
"""

import re

from .tsp.matrix import TspMatrix


class Keithley3706A(TspMatrix):
    """A switch system of six slots."""

    model_name = "Keithley 3706A switch system"
    slots = range(1, 7)
    rows = range(1, 7)
    columns = range(1, 17)
    letters = False
    form = re.compile("([0-9])([0-9])([0-9]{2})")
    example = "1105"
