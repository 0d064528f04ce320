"""Draw the pictures of twins: a calibration of the virtual chip of seed 7, and how well twins foretold.

python docs/draw_twins.py
"""

import json
import sys
from pathlib import Path

import numpy as np

from crossbar_hil.bench.calibrating import plan_calibration, steps_of, twin_of
from crossbar_hil.bench.file import load_bench
from crossbar_hil.figures.png import write_png
from crossbar_hil.sim_backend import SimulatedBackend
from crossbar_hil.twins.plotting import draw_reliability, draw_twin
from crossbar_hil.twins.readings import Map, Readings
from crossbar_hil.twins.tally import Bin, Tally

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "benchmarks" / "results"
HIDDEN = {"step_spread": 0.3, "step_variation": 0.3, "read_noise": 0.01}


def draw_calibration():
    """Draw what ``calibrate`` draws."""
    bench = load_bench("simulated", overrides={"chip": HIDDEN})
    chip = SimulatedBackend.from_bench(bench, np.random.default_rng(7))
    plan = plan_calibration(bench, pulses=2, reads=20, read_v=0.1)
    maps = tuple(step for step in steps_of(plan, chip, clock=None) if isinstance(step, Map))
    readings = Readings(plan.facts(chip, 7), maps)
    return draw_twin(twin_of(readings, plan.curve, draws=200), readings)


def draw_foretold():
    """Draw the reliability diagram of the recorded benchmark."""
    whole = rows_of("twins_forecast")["published rule, two calibrating pulses a cell"]
    bins = tuple(
        Bin(
            place / 5,
            place / 5 + 0.2,
            row["chips"],
            row["predicted"] / 100,
            round(row["happened"] * row["chips"] / 100),
        )
        for place, row in enumerate(rows_of("twins_bins").values())
    )
    happened = round(whole["percent"] * whole["chips"] / 100)
    return draw_reliability(
        Tally(whole["chips"], happened, whole["brier"], whole["base"], whole["correlation"], whole["pulses"], bins)
    )


def rows_of(name):
    """Return the rows of a result."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["rows"]


def main():
    """Draw both, over what is there."""
    for name, draw in (("twin.png", draw_calibration), ("twins_reliability.png", draw_foretold)):
        path = HERE / name
        write_png(draw(), path, dpi=110, replace=True)
        print(path.relative_to(HERE.parent))


if __name__ == "__main__":
    sys.exit(main())
