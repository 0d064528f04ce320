"""Draw the map of the page on dry runs: gain against target, 10,000 simulated chips a cell, starts that spread by 20 %.

python docs/draw_dry_runs.py
"""

import tempfile
from pathlib import Path

from draw import save

from crossbar_hil.bench.file import load_bench
from crossbar_hil.studies.axes import read_axes
from crossbar_hil.studies.convergence.folder import ChipStudyFolder
from crossbar_hil.studies.convergence.plotting import draw_sweep
from crossbar_hil.studies.convergence.sweeping import plan_sweep, run_sweep
from crossbar_hil.studies.scheduling import make_scheduler
from crossbar_hil.studies.settings import set_values

WIDE = set_values(load_bench("simulated"), ["median_siemens=454 nS", "sigma=0.2"])
OVER = ("beta=1e7..1.6e8:9log", "target=0.5,0.7,0.8,0.9,0.95,0.98,0.99,0.995,0.999")


def gain_and_target():
    sweep = plan_sweep(WIDE, read_axes(OVER), chips=10_000, seed=1)
    with (
        tempfile.TemporaryDirectory() as folder,
        ChipStudyFolder.make(Path(folder) / "map", sweep.plan(), sweep.bench) as kept,
    ):
        figure = draw_sweep(run_sweep(sweep, kept, make_scheduler("threads")))
    save(figure, "sweep_map.png", dpi=80)


if __name__ == "__main__":
    gain_and_target()
