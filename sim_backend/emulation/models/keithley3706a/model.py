"""Emulated Keithley 3706A switch mainframe, spoken to in TSP; crosspoints are written ``1105``.

Emulated only: after the Series 3700A reference manual, tried with QCoDeS. Matrix channels of one bank, and the relays
that join their rows with the analog backplane (``1911`` to ``1916``). Multiplexer cards and scans are not there, nor is
the multimeter, which a 3706A-SNFP does not have.
"""

from ...tsp.switch.cards import CARD_3730
from ...tsp.switch.matrix import EmulatedTspMatrix


class EmulatedKeithley3706A(EmulatedTspMatrix):
    """Six slots; a 6 x 16 card 3730 in slot 1 unless told otherwise."""

    model = "3706A-SNFP"
    firmware = "01.56a"
    lettered = False
    usual_card = CARD_3730
    memory = "51.56, 92.84, 100.00, 100.00"
