"""Fifty chips behind emulated instruments: calibrated, foretold by draws of their twins, and then trained.

``CROSSBAR_HIL_SEED`` draws the chips, ``CROSSBAR_HIL_TWINS`` is their number (50).
"""

import os

import numpy as np
import pytest

from crossbar_hil.bench.calibrating import plan_calibration, steps_of, twin_of
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import make_emulated, open_backend
from crossbar_hil.studies.convergence.forecast import forecast
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.settings import make_trainer
from crossbar_hil.twins.readings import Map, Readings
from crossbar_hil.twins.tally import Foretold, tally

CHIPS, SEED = int(os.environ.get("CROSSBAR_HIL_TWINS", "50")), int(os.environ.get("CROSSBAR_HIL_SEED", "0"))
HIDDEN = {"step_spread": 0.3, "step_variation": 0.3, "read_noise": 0.01}
PUBLISHED = {"pull_back": True, "confirm": 1, "give_up": False, "unresponsive": 0}


def foretold(seed, folder):
    """Calibrate, foretell and train one emulated chip."""
    bench = load_bench("emulated", overrides={"chip": HIDDEN, "training": PUBLISHED})
    task = PatternSet.from_csv(bench.training.pattern_file)
    plan = plan_calibration(bench, pulses=2, reads=20, read_v=0.1)
    with (
        make_emulated(bench, seed) as emulated,
        open_backend(bench, seed=seed, resources=emulated.resources) as backend,
    ):
        steps = list(steps_of(plan, backend, clock=None))
        readings = Readings(plan.facts(backend, seed), tuple(step for step in steps if isinstance(step, Map)))
        result = make_trainer(bench.training, backend).run(task.train, task.train_labels)
    twin = twin_of(readings, plan.curve, draws=200)
    twin.write(folder / f"{seed}.toml")
    of_twin = load_bench("simulated", overrides={"chip": {"twin": str(folder / f"{seed}.toml")}, "training": PUBLISHED})
    told = forecast(of_twin, seed=seed)
    return Foretold(
        told.share, result.converged, told.epochs_mean, result.epochs, told.pulses_mean, int(result.counts.sum())
    )


@pytest.mark.campaign
def test_twins_of_emulated_chips_foretell_what_happens(tmp_path):
    found = tally([foretold(1000 * SEED + number, tmp_path) for number in range(CHIPS)])
    assert found.brier <= 0.135, found.lines()
    assert found.brier < found.brier_of_base_rate / 2, found.lines()
    assert found.epochs_correlation >= 0.7
    assert abs(np.log(found.pulses_ratio)) < 0.1
    assert all(each.holds for each in found.bins)
