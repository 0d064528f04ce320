import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import ConfigError
from crossbar_hil.studies.axes import read_axes
from crossbar_hil.studies.convergence import carrying_out
from crossbar_hil.studies.convergence.folder import ChipStudyFolder
from crossbar_hil.studies.convergence.pace import describe_pace, seconds_a_chip
from crossbar_hil.studies.convergence.points import Point
from crossbar_hil.studies.convergence.sweeping import plan_sweep
from crossbar_hil.studies.scheduling import Processes, Threads
from crossbar_hil.studies.showing import Lines, Silent


def test_a_chip_is_timed_once_what_it_needs_is_loaded():
    ticks = iter([0.0, 0.9, 10.0, 10.25])
    point = Point.of(load_bench("simulated", overrides={"training": {"dead_zone": 1e-9}}), {})
    assert seconds_a_chip(point, 1, lambda: next(ticks)) == 0.25


def test_a_chip_that_takes_long_is_timed_by_itself():
    ticks = iter([0.0, 7.0])
    point = Point.of(load_bench("simulated", overrides={"training": {"dead_zone": 1e-9}}), {})
    assert seconds_a_chip(point, 1, lambda: next(ticks)) == 7.0


def test_the_time_is_that_of_all_chips_on_all_workers():
    assert describe_pace(0.5, 7200, 1).endswith("7200 of them take about 1 h on 1 worker")
    told = describe_pace(0.5, 7200, None)
    assert told.endswith("500 ms each here: 7200 of them take about 1 h on the cluster, divided by its workers")


def test_sweep_says_first_how_long_chips_take_that_are_trained_one_by_one(cli, undrawn):
    over = ("sweep", "--over", "beta=4e7,5e7", "--chips", "3", "--seed", "1", "--scheduler", "threads")
    disturbing = cli(*over, "--set", "dead_zone=1e-9", "--set", "epochs=3")
    assert "6 of them take about" in disturbing.err
    assert "one by one" not in cli(*over, "--set", "step_spread=0.2").err


@pytest.mark.parametrize(
    ("scheduler", "loads"), [(Threads(1), 1), (Processes(1), 1), (SimpleNamespace(address="tcp://10.0.0.5:8786"), 0)]
)
def test_what_is_compiled_is_loaded_first_by_whoever_shares_this_machine(monkeypatch, tmp_path, scheduler, loads):
    loaded = []
    monkeypatch.setattr(carrying_out, "_load", lambda *_: loaded.append(1))
    monkeypatch.setattr(carrying_out, "run_sweep", lambda *_: (_ for _ in ()).throw(ConfigError("enough")))
    work = plan_sweep(load_bench("simulated"), read_axes(["beta=5e7"]), chips=1, seed=1, drifts=[])
    folder = ChipStudyFolder.make(tmp_path / "new", work.plan(), work.bench)
    with pytest.raises(ConfigError, match="enough"):
        carrying_out.carry_out(work, folder, scheduler, Silent())
    assert len(loaded) == loads


def test_who_waits_for_what_is_compiled_is_told_so(monkeypatch):
    class Impatient(carrying_out.Timer):
        def start(self):
            self.function(*self.args)
            told.append(self.interval)

    told, out = [], io.StringIO()
    monkeypatch.setattr(carrying_out, "Timer", Impatient)
    work = SimpleNamespace(bench=load_bench("simulated"), read={}, seed=1)
    carrying_out._load(work, Lines(Console(file=out, width=200)))
    assert out.getvalue() == carrying_out.COMPILES + "\n"
    assert told == [carrying_out.LOADED_S]
