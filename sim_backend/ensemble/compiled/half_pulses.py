"""Compiled: half-select pulses that move other cells too, each on one cell of every chip that lies side by side.

What voltages do to cells stands in `chip.exposure`, here where all of it is along one curve.
"""

from ...chip.exposure import AS_MEASURED
from .apart import Matrix, Part, Reals, Wholes, apart
from .cells import CELL, SENT, STEP
from .functions import EFFECT_LANES
from .lanes import AIMED, DOUBT

_L = EFFECT_LANES
NEAR_V = 1e-8
"""A voltage so near to one at which something else happens, in units of the pulse, is left to `Trainer`."""


@apart(Part.AIM)
def aim(turns: Wholes, state: Reals, pair: int, held: Matrix) -> None:
    """Hold the bit lines (C, L) of the pulses of a pair of cells at minus half of these, all others at 0 V."""
    turns[AIMED], outputs = 0, len(held) // 2
    for c in range(len(held)):
        for i in range(_L):
            held[c, i] = 0.0
    for side in range(2):
        cell, own = state[(2 * pair + side) * CELL : (2 * pair + side + 1) * CELL], held[2 * (pair % outputs) + side]
        for i in range(_L):
            own[i] = -0.5 * cell[SENT + i]
            turns[AIMED] += int(cell[SENT + i])


@apart(Part.EXPOSE)
def expose(
    lanes: Reals, state: Reals, pair: int, volts: Matrix, threshold: float, least: float, exact: bool
) -> None:  # fmt: skip
    """Make of the voltages across all cells (N, L), in units of the pulse, the levels by which these move."""
    pulsed = state[2 * pair * CELL : 2 * (pair + 1) * CELL]
    for q in range(len(volts)):
        cell, across = state[q * CELL : (q + 1) * CELL], volts[q]
        for i in range(_L):
            sent, seen = pulsed[SENT + i] + pulsed[CELL + SENT + i], across[i]
            step = 1.0 if abs(seen - 1.0) <= AS_MEASURED else (seen - threshold) / (1.0 - threshold)
            cell[STEP + i] = sent * step if seen > least else 0.0
            edge = (abs(abs(seen - 1.0) - AS_MEASURED) < NEAR_V) | (abs(seen - least) < NEAR_V)
            lanes[DOUBT + i] += sent if (edge & exact) | (seen < NEAR_V - least) else 0.0
