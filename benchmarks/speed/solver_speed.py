"""Crossbars with wires: crossbar-hil against badcrossbar, in turn in one run, and the cost of a cell by size.

Both solve the same resistances, 1 to 20 kohm at random, with 1 ohm a wire segment for one vector of voltages; the
resistances are new at each call, so that nothing can be kept. Processor time of the fastest repeat counts. badcrossbar
need not be there; only its columns are left out then (pip install badcrossbar==1.1.0 pathvalidate).

    python benchmarks/speed/solver_speed.py
"""

import contextlib
import io
import logging
import subprocess
import sys
import time
import warnings
from functools import partial

import numpy as np

from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.sim_backend.circuit import CrossbarSolver, compile_kernels, solve_crossbar, transfer_matrix
from crossbar_hil.sim_backend.circuit.bounds import TOLERANCE
from crossbar_hil.sim_backend.circuit.cells import Cubic, Sinh, Tabulated
from crossbar_hil.sim_backend.circuit.engine import CompiledEngine

SHAPES = ((64, 64), (128, 128), (196, 50), (256, 256), (512, 512), (1024, 1024))
SIZES = (64, 128, 256, 512, 1024)
REPEATS, LARGE, LARGEST_OF_PEER = 3, 256, 512
"""From LARGE on, badcrossbar solves once: it takes seconds."""


LOADING = """
import time
from crossbar_hil.sim_backend.circuit import compile_kernels
begun = time.process_time()
compile_kernels()
print(1e3 * (time.process_time() - begun))
"""


def badcrossbar():
    """Return its compute function made silent, or None."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import badcrossbar as peer  # noqa: PLC0415 - it need not be there
    except ImportError:
        return None
    logging.disable(logging.INFO)

    def compute(volts, ohm):
        with contextlib.redirect_stdout(io.StringIO()):
            return np.asarray(peer.compute(volts, ohm, 1.0).currents.output)

    return compute


def took(action, *arguments):
    start = time.process_time_ns()
    result = action(*arguments)
    return 1e-9 * (time.process_time_ns() - start), result


def against_peer(rows, columns):
    rng, peer = np.random.default_rng(1), badcrossbar() if rows <= LARGEST_OF_PEER else None
    ours, theirs, differences = [], [], []
    for _ in range(REPEATS if rows < LARGE else 1):
        for _ in range(20 if rows < LARGE else 5):
            ohm = rng.uniform(1e3, 20e3, (rows, columns))
            volts = rng.uniform(0.1, 1, rows)
            siemens = 1 / ohm
            seconds, currents = took(solve_crossbar, siemens, volts[None], 1.0)
            ours.append(seconds)
        if peer:
            seconds, expected = took(peer, volts[:, None], ohm)
            theirs.append(seconds)
            differences.append(float(np.abs(currents / expected - 1).max()))
    solver = CrossbarSolver(siemens, 1.0)
    engine = CompiledEngine(solver._net)
    engine.currents(volts[None], TOLERANCE)
    return {
        "ours_ms": 1e3 * min(ours),
        "ns": 1e9 * min(ours) / (rows * columns * (engine.iterations + 1)),
        "peer_ms": 1e3 * min(theirs) if peer else None,
        "ratio": min(theirs) / min(ours) if peer else None,
        "difference": max(differences) if peer else None,
    }


def time_of(action, repeats, vectors=1):
    return {"fastest_ms": 1e3 * fastest(action, repeats) / vectors, "median_ms": None}


def one_step(cell):
    rng = np.random.default_rng(1)
    solver = CrossbarSolver(1 / rng.uniform(2e3, 11e3, (196, 50)), 1.0, cell)
    spikes = np.where(rng.random((200, 196)) < 0.2, 0.5, 0.0)
    steps = sorted(took(solver.currents, each[None])[0] for each in spikes)
    return {"fastest_ms": 1e3 * steps[0], "median_ms": 1e3 * steps[len(steps) // 2]}


def other_cases():
    rng = np.random.default_rng(1)
    tiny, four = rng.uniform(1e-5, 1e-4, (4, 4)), rng.uniform(0, 1, (1, 4))
    siemens, batch = 1 / rng.uniform(2e3, 11e3, (196, 50)), rng.uniform(0, 1, (2000, 196))
    small, large = CrossbarSolver(tiny, 1.0), CrossbarSolver(siemens, 1.0)
    cells = (Cubic(), Sinh(3.0), Tabulated([0.2, 0.5, 1.0], [1e-5, 4e-5, 2e-4]))
    return {
        "kernels loaded from disk": loading,
        "4 x 4, new conductances": partial(time_of, lambda: solve_crossbar(tiny, four), 2000),
        "4 x 4, conductances unchanged": partial(time_of, lambda: small.currents(four), 2000),
        "196 x 50, transfer matrix": partial(time_of, lambda: transfer_matrix(siemens), 10),
        "196 x 50, a vector of 2000, conductances unchanged": partial(
            time_of, lambda: large.currents(batch), 20, len(batch)
        ),
        **{
            f"196 x 50, {type(cell).__name__.lower()} cells, one step of spikes of 0.5 V": partial(one_step, cell)
            for cell in cells
        },
    }


def loading():
    """Load them in a fresh program."""
    said = subprocess.run([sys.executable, "-c", LOADING], check=True, capture_output=True, text=True).stdout
    return {"fastest_ms": float(said), "median_ms": None}


def fastest(action, repeats):
    compile_kernels()  # small arrays do without them as long as nothing has loaded them
    return min(took(action)[0] for _ in range(repeats))


def engine_of(size):
    """Return an engine for new conductances, voltages for it, and how often it iterated to solve them."""
    rng = np.random.default_rng(size)
    engine = CompiledEngine(CrossbarSolver(1 / rng.uniform(1e3, 20e3, (size, size)), 1.0)._net)
    volts = rng.uniform(0.1, 1, (1, size))
    engine.currents(volts, TOLERANCE)
    return engine, volts, engine.iterations


def iterations(size):
    return {"iterations": engine_of(size)[2]}


def studies():
    against = {
        "array": "{name}",
        "ours, ms": "{ours_ms:.2f}",
        "ns a cell and iteration": "{ns:.1f}",
        "badcrossbar, ms": "{peer_ms:,.0f}",
        "ratio": "{ratio:.0f}",
        "largest difference": "{difference:.0e}",
    }
    times = {"what": "{name}", "fastest, ms": "{fastest_ms:.3g}", "median, ms": "{median_ms:.3g}"}
    shapes = {f"{rows} x {columns}": partial(against_peer, rows, columns) for rows, columns in SHAPES}
    sizes = {f"{size} x {size}": partial(iterations, size) for size in SIZES}
    about = "Cells of 1 to 20 kohm, 1 ohm a segment, one vector"
    fast = f"{about}, processor time, fastest of {REPEATS} (badcrossbar once from {LARGE} x {LARGE} on)."
    return {
        "speed_solver_cases": Study("Cells of 2 to 11 kohm, processor time.", times, other_cases(), repeatable=False),
        "speed_solver": Study(fast, against, shapes, repeatable=False),
        "solver_iterations": Study(
            f"{about}.",
            {"array": "{name}", "iterations": "{iterations}"},
            sizes,
        ),
    }


if __name__ == "__main__":
    main(__doc__, studies)
