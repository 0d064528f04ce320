"""The states in which a bench on trial is seen: those of its schemes, those of single cells, and none."""

from itertools import permutations, product

import numpy as np

from crossbar_hil.commissioning.trial import Sight, TrialPlan

from .read_schemes import Floating, ReadScheme
from .wiring import OPEN
from .write_schemes import WriteScheme


def trial_plan(read: ReadScheme, write: WriteScheme, floating: Floating, shape: tuple[int, int]) -> TrialPlan:
    """Return them all; see `TrialPlan`."""
    rows, columns = shape
    count = rows + columns
    pairs = {}
    for first, second in permutations(range(count), 2):
        pairs[first, second] = Sight(*read.pair(first, second, count, 1.0))
    one = np.eye(rows, dtype=bool)
    every = np.ones(rows, dtype=bool)
    cells = list(product(range(rows), range(columns)))
    together = len(read.groups(columns)[0])
    return TrialPlan(
        meter=read.meter,
        pairs=pairs,
        reads={
            column: Sight(
                read.assignment(every, [(column + place) % columns for place in range(together)], shape),
                read.volts_of(1.0, together),
                read.sign,
            )
            for column in range(columns)
        },
        writes={cell: Sight(write.assignment(cell, shape), write.source_volts(1.0)) for cell in cells},
        floating={
            (row, column): Sight(
                floating.assignment(one[row], (column,), shape), floating.source_volts(1.0), floating.sign
            )
            for row, column in cells
        },
        nothing=Sight((OPEN,) * count, floating.source_volts(1.0)),
    )
