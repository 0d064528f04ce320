"""Emulated Keithley 707B and 708B switching matrices, spoken to in TSP; crosspoints are written ``1A05``.

Emulated only: after the Series 707B reference manual. Its identity, the error codes of bad crosspoints and the settling
time are assumptions (see `tsp.switch`).
"""

from ...tsp.switch.cards import CARD_7174A
from ...tsp.switch.matrix import EmulatedTspMatrix


class EmulatedKeithley707B(EmulatedTspMatrix):
    """Six slots; an 8 x 12 card 7174A in slot 1 unless told otherwise."""

    model = "707B"
    firmware = "01.00a"
    usual_card = CARD_7174A


class EmulatedKeithley708B(EmulatedTspMatrix):
    """One slot."""

    model = "708B"
    firmware = "01.00a"
    slots = 1
    usual_card = CARD_7174A
