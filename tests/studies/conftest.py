"""Small studies: few chips, few epochs, trained one by one unless a test says otherwise."""

from types import SimpleNamespace

import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.studies.axes import read_axes
from crossbar_hil.studies.convergence.folder import ChipStudyFolder
from crossbar_hil.studies.convergence.sweeping import plan_sweep, run_sweep
from crossbar_hil.studies.settings import find_key, with_settings


def contents(folder):
    """Every file of a folder, byte by byte."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="session")
def small():
    """A sweep of six points; with a dead zone, chips are not trained in lock-step."""
    way = {"chip": {"dead": [[0, 0]]}, "training": {"epochs": 5, "dead_zone": 1e-9}}
    bench = load_bench("simulated", overrides=way)

    def plan(*over, chips=3, seed=7, **settings):
        given = with_settings(bench, {find_key(name): value for name, value in settings.items()})
        return plan_sweep(given, read_axes(over or ("beta=2e7,5e7,1e8", "target=0.8,0.95")), chips=chips, seed=seed)

    def run(folder, scheduler, *, sweep=None, show=lambda chips: None):
        sweep = sweep or plan()
        with ChipStudyFolder.make(folder, sweep.plan(), sweep.bench) as opened:
            return run_sweep(sweep, opened, scheduler, show)

    return SimpleNamespace(plan=plan, run=run, contents=contents)
