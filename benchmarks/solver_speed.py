"""Crossbars with wires: crossbar-hil against badcrossbar, in turn in one run, and the cost of a cell by size.

Both solve the same resistances, 1 to 20 kohm at random, with 1 ohm a wire segment for one vector of voltages; the
resistances are new at each call, so that nothing can be kept. The fastest of the repeats counts. badcrossbar need not
be there; only its columns are left out then (pip install badcrossbar==1.1.0 pathvalidate).

    OPENBLAS_NUM_THREADS=1 taskset -c 0 python benchmarks/solver_speed.py [--plot solver_speed.png]
"""

import argparse
import contextlib
import io
import logging
import time
import warnings

import numpy as np

from crossbar_hil.sim_backend.circuit import CrossbarSolver, compile_kernels, solve_crossbar, transfer_matrix
from crossbar_hil.sim_backend.circuit.bounds import TOLERANCE
from crossbar_hil.sim_backend.circuit.cells import Cubic, Sinh, Tabulated
from crossbar_hil.sim_backend.circuit.engine import CompiledEngine

SHAPES = ((64, 64), (128, 128), (196, 50), (256, 256), (512, 512))
SIZES = (64, 128, 256, 512, 1024)


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
    start = time.perf_counter()
    result = action(*arguments)
    return time.perf_counter() - start, result


def against_peer(rng, peer, shapes, repeats):
    head = [
        "array",
        "ours, ms",
        "ns a cell and iteration",
        *(["badcrossbar, ms", "ratio", "largest difference"] * bool(peer)),
    ]
    yield head
    for rows, columns in shapes:
        ours, theirs, differences = [], [], []
        for _ in range(repeats if rows < 512 else min(repeats, 3)):
            for _ in range(10 if rows < 512 else 20):
                ohm = rng.uniform(1e3, 20e3, (rows, columns))
                volts = rng.uniform(0.1, 1, rows)
                siemens = 1 / ohm
                seconds, currents = took(solve_crossbar, siemens, volts[None], 1.0)
                ours.append(seconds)
            if peer:
                seconds, expected = took(peer, volts[:, None], ohm)
                theirs.append(seconds)
                differences.append(np.abs(currents / expected - 1).max())
        solver = CrossbarSolver(siemens, 1.0)
        engine = CompiledEngine(solver._net)
        engine.currents(volts[None], TOLERANCE)
        line = [f"{rows} x {columns}", f"{1e3 * min(ours):.2f}"]
        line.append(f"{1e9 * min(ours) / (rows * columns * (engine.iterations + 1)):.1f}")
        if peer:
            line += [f"{1e3 * min(theirs):.0f}", f"{min(theirs) / min(ours):.0f}", f"{max(differences):.0e}"]
        yield line


def other_cases(rng):
    yield ["what", "time"]
    tiny, four = rng.uniform(1e-5, 1e-4, (4, 4)), rng.uniform(0, 1, (1, 4))
    yield ["4 x 4, new conductances", f"{1e6 * fastest(lambda: solve_crossbar(tiny, four), 2000):.0f} us"]
    solver = CrossbarSolver(tiny, 1.0)
    yield ["4 x 4, conductances unchanged", f"{1e6 * fastest(lambda: solver.currents(four), 2000):.1f} us"]
    siemens = 1 / rng.uniform(2e3, 11e3, (196, 50))
    solver = CrossbarSolver(siemens, 1.0)
    batch = rng.uniform(0, 1, (2000, 196))
    seconds = fastest(lambda: transfer_matrix(siemens), 10)
    yield ["196 x 50, transfer matrix", f"{1e3 * seconds:.0f} ms"]
    yield [
        "196 x 50, a vector of 2000, conductances unchanged",
        f"{1e6 * fastest(lambda: solver.currents(batch), 20) / 2000:.2f} us",
    ]
    measured = Tabulated([0.2, 0.5, 1.0], [1e-5, 4e-5, 2e-4])
    spikes = np.where(rng.random((200, 196)) < 0.2, 0.5, 0.0)
    for cell in (Cubic(), Sinh(3.0), measured):
        solver = CrossbarSolver(siemens, 1.0, cell)
        steps = sorted(took(solver.currents, each[None])[0] for each in spikes)
        seconds = f"{1e3 * steps[0]:.2f} ms, median {1e3 * steps[len(steps) // 2]:.2f} ms"
        yield [f"196 x 50, {type(cell).__name__.lower()} cells, one step of spikes of 0.5 V", seconds]


def fastest(action, repeats):
    return min(took(action)[0] for _ in range(repeats))


def table(lines):
    head, *rest = lines
    return "\n".join(
        ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *("| " + " | ".join(line) + " |" for line in rest)]
    )


def draw(rng, path):
    """Draw the cost of a cell, and of a cell and iteration, against the number of cells."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - only who draws needs it

    cells, costs, shares = [], [], []
    for size in SIZES:
        engine = CompiledEngine(CrossbarSolver(1 / rng.uniform(1e3, 20e3, (size, size)), 1.0)._net)
        volts = rng.uniform(0.1, 1, size)

        def solve(engine=engine, volts=volts):
            engine.currents(volts[None], TOLERANCE)

        seconds = fastest(solve, 20 if size > 500 else 200)
        cells.append(size * size)
        costs.append(1e9 * seconds / size**2)
        shares.append(costs[-1] / (engine.iterations + 1))
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.loglog(cells, costs, "o-", label="all")
    axes.loglog(cells, shares, "s--", label="per iteration")
    axes.set(xlabel="Cells", ylabel="Time per cell (ns)", ylim=(1, None))
    axes.legend()
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", help="draw the cost of a cell against the size into this file")
    parser.add_argument("--largest", type=int, default=512, help="largest array solved with badcrossbar (default: 512)")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    seconds, _ = took(compile_kernels)
    print(f"Kernels compiled, or loaded from disk, in {seconds:.1f} s.\n")
    rng = np.random.default_rng(1)
    peer = badcrossbar()
    if peer is None:
        print("badcrossbar not installed, so there is nothing to compare with.\n")
    shapes = [shape for shape in SHAPES if max(shape) <= given.largest]
    print(table(against_peer(rng, peer, shapes, given.repeats)) + "\n")
    print(table(other_cases(rng)))
    if given.plot:
        draw(rng, given.plot)


if __name__ == "__main__":
    main()
