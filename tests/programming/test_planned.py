from types import SimpleNamespace

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import ConfigError, DataError, Declined, RunError
from crossbar_hil.programming.foreknowledge import curve_of, depressing_pulse
from crossbar_hil.programming.planned import Planned, plan_program, plan_reset
from crossbar_hil.programming.settings import ProgramSettings
from crossbar_hil.programming.work import Task

from ..survey.test_file import surveyed
from .conftest import CURVE, DOWN, UP

REAL = load_bench("emulated").model_copy(update={"kind": "hardware", "chip_id": "A1"})
TARGETS = np.full((4, 4), 1.5e-6)
SETTINGS = ProgramSettings(range_siemens=2e-6, depress_v=-2.8, depress_s=0.05)


def test_a_real_chip_is_asked_about_with_the_budget_and_only_true_is_a_yes(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    planned, asked = Planned(Task(REAL, SETTINGS, TARGETS), {}), []
    with pytest.raises(ConfigError, match="there is nobody to ask"):
        planned.agree(None)
    with pytest.raises(Declined, match="so nothing was sent to bench emulated"):
        planned.agree(asked.append)
    assert "never commissioned" in asked.pop()
    with pytest.raises(Declined, match="so nothing was sent"):
        planned.agree(lambda question: asked.append(question) or "never commissioned" in question or "yes")
    # 60 pulses of 2.8 V for 50 ms
    assert "at most 60 pulses (8.4 V s) a cell, 960 in all; they change the chip for good" in asked[-1]
    planned.agree(lambda _: True)


def test_nobody_is_asked_about_a_virtual_chip():
    Planned(Task(load_bench("simulated"), SETTINGS, TARGETS), {}).agree(None)


def test_of_a_real_chip_without_a_curve_the_range_must_be_given_and_steps_are_learnt():
    bench = REAL.model_copy(update={"chip": None})
    assert curve_of(bench) is None
    with pytest.raises(ConfigError, match=r"names no curve.*--range LOW HIGH"):
        plan_program(bench, TARGETS, source="a test")
    with pytest.raises(ConfigError, match="nothing says where the cells of bench emulated started"):
        plan_reset(bench, out=None)
    told = " ".join(Planned(Task(bench, SETTINGS, TARGETS), {}).notes)
    assert "names no curve, so the step of every pulse is learnt" in told


def test_reads_go_with_the_noise_and_what_is_given_goes_before():
    noisy = load_bench("simulated", overrides={"chip": {"read_noise": 0.01}})
    assert plan_program(noisy, TARGETS, source="").task.settings.reads == 9  # a third of 1 %, squared
    plain, few = plan_program(noisy, TARGETS, source=""), plan_program(noisy, TARGETS, source="", reads=1)
    assert few.task.settings.reads == 1
    assert "may be off" not in " ".join(plain.notes)
    loud = load_bench("simulated", overrides={"chip": {"read_noise": 0.1}})
    told = " ".join(plan_program(loud, TARGETS, source="").notes)
    assert "20 readings of a cell together still vary by 2.2 % of its conductance, more than the tolerance" in told


def test_the_depressing_pulse_is_the_mildest_of_the_curve_as_long_as_the_other():
    assert depressing_pulse(CURVE, UP) == DOWN


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"limits": {"read_v": 0.05}}, "read voltage 0.1 V exceeds the limit of 0.05 V"),
        ({"chip": {"rows": 5}}, "the targets are for 4 rows and 4 columns, the chip has 5 rows and 4 columns"),
    ],
)
def test_what_a_bench_cannot_do_is_said_before_it_is_opened(overrides, said):
    name = "emulated" if "limits" in overrides else "simulated"
    with pytest.raises((ConfigError, DataError), match=said):
        plan_program(load_bench(name, overrides=overrides), TARGETS, source="")


def test_bad_cells_of_another_chip_are_refused_before_anything_is_opened(tmp_path):
    surveyed(tmp_path / "cells.toml")
    cells = {"training": {"cells": str(tmp_path / "cells.toml")}}
    planned = plan_program(load_bench("simulated", overrides=cells), TARGETS, source="")
    assert np.argwhere(np.isnan(planned.task.targets)).tolist() == [[0, 1], [2, 3]]
    with pytest.raises(ConfigError, match="seed 1, this one is drawn with seed 2: give --seed 1"):
        planned.run(seed=2, out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
    real = load_bench("emulated", overrides=cells).model_copy(update={"kind": "hardware", "chip_id": "A1"})
    with pytest.raises(ConfigError, match=r"is of the simulated chip .* has chip A1: survey that one"):
        plan_program(real, TARGETS, source="")


def test_weights_on_bad_cells_are_told_and_carried_by_the_good_cells_of_their_pairs(tmp_path):
    found = surveyed(tmp_path / "cells.toml").conductances
    bench = load_bench("simulated", overrides={"training": {"cells": str(tmp_path / "cells.toml")}})
    weights = np.array([[1.0, 0.5], [0.0, 0.0], [0.0, -1.0], [0.0, 0.0]])  # open: G- of the first, G- of the last
    planned = plan_program(bench, weights=weights, source="", ends=(1e-6, 3e-6))
    assert planned.task.targets[0, 0] == pytest.approx(2e-6)
    assert planned.task.targets[2, 2] == min(1e-6, found[2, 2])
    assert "1 of 8 weights cannot be met: row 3, output 2 becomes " in planned.task.warnings[0]
    assert planned.task.warnings[0] in planned.notes


def left(kind, state=None, chip_id=None):
    """Return what is asked of a run whose chip is to be taken up."""
    bench = SimpleNamespace(backend="chip" if kind == "hardware" else kind, chip_id=chip_id)
    return SimpleNamespace(name="r", kind=kind, bench=bench, facts={"seed": 7}, chip=lambda _: state or {})


def test_a_virtual_chip_is_taken_up_also_where_a_bench_does_not_say_its_kind():
    bench = load_bench("simulated").model_copy(update={"kind": None})
    planned = plan_program(bench, TARGETS, source="", after=left("simulated", {"levels": TARGETS}))
    assert planned.task.state["levels"] is TARGETS
    assert planned.chip_seed == 7


@pytest.mark.parametrize(
    ("bench", "after", "said"),
    [
        (load_bench("simulated"), left("simulated"), "run r keeps no chip to be taken up: resume it to its end"),
        (
            load_bench("emulated"),
            left("simulated", {"levels": TARGETS}),
            "run r is of a chip of kind simulated, bench ",
        ),
        (REAL, left("simulated", {"levels": TARGETS}), "run r is of a chip of kind simulated, bench "),
        (REAL, left("hardware", chip_id="B7"), "run r is of chip B7, bench emulated has chip A1"),
    ],
)
def test_no_chip_is_programmed_or_reset_by_a_run_of_another_one(bench, after, said):
    with pytest.raises((ConfigError, RunError), match=said):
        plan_program(bench, TARGETS, source="", after=after, ends=(0, 2e-6))
    same = plan_program(REAL, TARGETS, source="", after=left("hardware", chip_id="a1"), ends=(0, 2e-6))
    assert (same.chip_seed, same.task.left) == (None, None)


def test_cells_start_at_their_own_low_end_by_map_or_curve(tmp_path):
    (tmp_path / "start.csv").write_text("1e-6 2e-6\n3e-6 4e-6\n", encoding="utf-8")
    chip = {"rows": 2, "columns": 2, "start": str(tmp_path / "start.csv")}
    task = plan_reset(load_bench("simulated", overrides={"chip": chip}), out=tmp_path).task
    assert task.targets.tolist() == [[1e-6, 2e-6], [3e-6, 4e-6]]
    spread = load_bench("simulated", overrides={"chip": {"device_spread": 0.1, "scale": 1.0}})
    np.testing.assert_allclose(plan_reset(spread, out=tmp_path).task.targets, CURVE.levels_siemens[0])
