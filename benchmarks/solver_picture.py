"""Draw docs/solver_cost.png: the cost of a cell, and of a cell and iteration, against the number of cells.

taskset -c 0 python benchmarks/solver_picture.py
"""

from matplotlib.figure import Figure
from results import ROOT
from solver_speed import SIZES, engine_of, fastest

from crossbar_hil.sim_backend.circuit.bounds import TOLERANCE


def main():
    cells, costs, shares = [], [], []
    for size in SIZES:
        engine, volts, iterations = engine_of(size)
        seconds = fastest(lambda e=engine, v=volts: e.currents(v, TOLERANCE), 20 if size > 500 else 200)
        cells.append(size * size)
        costs.append(1e9 * seconds / size**2)
        shares.append(costs[-1] / (iterations + 1))
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.loglog(cells, costs, "o-", label="all")
    axes.loglog(cells, shares, "s--", label="per iteration")
    axes.set(xlabel="Cells", ylabel="Time per cell (ns)", ylim=(1, None))
    axes.legend()
    figure.savefig(ROOT / "docs" / "solver_cost.png", dpi=120)


if __name__ == "__main__":
    main()
