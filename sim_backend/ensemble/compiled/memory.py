"""What `kernel.train_in_lanes` works in, made by the caller: to make it there takes long to compile."""

import math
from typing import Any, NamedTuple

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray

from ...circuit.compiled import aligned
from .cells import CELL
from .functions import EFFECT_LANES as L
from .lanes import LANES, OUTPUT, TURNS
from .reactions import JUDGED


class Memory(NamedTuple):
    """Arrays in the order in which the kernel takes them."""

    turns: IntArray
    state: FloatArray
    lanes: FloatArray
    outs: FloatArray
    deltas: FloatArray
    fuzzy: FloatArray
    weights: FloatArray
    squares: FloatArray
    conducts: FloatArray
    added: FloatArray
    passed_s: FloatArray
    new: BoolArray
    none: Any
    seen: FloatArray
    currents: FloatArray
    found: FloatArray
    """What columns see of cells: with ideal wires, `seen`."""
    across: FloatArray
    """What cells see of a half-select pulse."""
    left: FloatArray
    slow: FloatArray
    kept: FloatArray
    drifted: FloatArray
    extra: FloatArray
    sums: FloatArray
    spreads: FloatArray
    edges: FloatArray
    drawn: Any
    chips: Any
    ages: Any
    ticks: Any
    seens: Any
    places: Any
    judged: FloatArray
    sizes: FloatArray
    of_lane: IntArray


def memory_for(
    patterns: int, outputs: int, rows: int, *, terms: int, flickers: int, wired: bool, halves: bool
) -> Memory:
    """Return memory for P patterns of R bits and N labels, T terms of relaxation and F processes of 1/f noise."""
    cells, columns, given = 2 * rows * outputs, 2 * outputs, patterns * outputs
    most_drawn = (max(max(flickers, 1) * cells, given) + 3) // 4 * 4

    def reals(*shape: int) -> FloatArray:
        memory = aligned(math.prod(shape) * L).reshape(*shape, L)
        memory[:] = 0.0
        return memory

    def whole() -> Any:
        return reals().view(np.uint64)

    seen = reals(cells)
    return Memory(
        turns=np.zeros(TURNS, dtype=np.int64),
        state=reals(cells * CELL // L).reshape(-1),
        lanes=reals(LANES // L).reshape(-1),
        outs=reals(outputs * OUTPUT // L).reshape(-1),
        deltas=reals(given),
        fuzzy=reals(given),
        weights=reals(outputs * rows),
        squares=reals(outputs * rows),
        conducts=reals(outputs),
        added=reals(columns),
        passed_s=reals(),
        new=np.zeros(L, dtype=np.bool_),
        none=whole(),
        seen=seen,
        currents=reals(columns),
        found=reals(cells) if wired else seen,
        across=reals(cells if halves else 1),
        left=reals(terms, cells),
        slow=reals(flickers, cells),
        kept=reals(terms + 1 + flickers),
        drifted=reals(),
        extra=reals(rows + columns),
        sums=reals(),
        spreads=reals(),
        edges=reals(),
        drawn=reals(most_drawn // 2).reshape(-1).view(np.float32),
        chips=whole(),
        ages=whole(),
        ticks=whole(),
        seens=whole(),
        places=whole(),
        judged=reals(JUDGED),
        sizes=np.zeros(cells),
        of_lane=np.full(L, -1),
    )
