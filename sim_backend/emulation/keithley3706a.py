"""Emulated Keithley 3706A switch mainframe, spoken to in TSP; crosspoints are written ``1105``.

Emulated only: after the Series 3700A reference manual. Matrix channels of one bank only: analog backplane relays,
multiplexer cards and the multimeter are not there.
"""

from .tsp_cards import CARD_3730
from .tsp_matrix import TspMatrix


class Keithley3706A(TspMatrix):
    """Six slots; a 6 x 16 card 3730 in slot 1 unless told otherwise."""

    model = "3706A-SNFP"
    firmware = "01.56a"
    lettered = False
    usual_card = CARD_3730
    memory = "51.56, 92.84, 100.00, 100.00"
