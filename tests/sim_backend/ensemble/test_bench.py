"""The chips of a study are those of Trainer and SimulatedBackend, side by side or one by one."""

import numpy as np
import pytest

from crossbar_hil import Trainer, open_bench
from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import DataError
from crossbar_hil.shipped import data_file
from crossbar_hil.studies.convergence.points import Point, check_point, split_into_chunks, train_chunk
from crossbar_hil.studies.settings import find_key, with_settings
from crossbar_hil.training.patterns import PatternSet

OUTCOME = ("converged", "epochs", "pulses", "saturated")


def ensemble(overrides=None, **settings):
    bench = load_bench("simulated", overrides=overrides or {})
    bench = with_settings(bench, {find_key(name): value for name, value in settings.items()})
    return Point.of(bench, {}).ensemble()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"pull_back": True, "width_s": 0.02, "target0": -0.3, "scale": 3.0},
        {"wire_ohm": 2.0, "epochs": 12},
        {"wire_ohm": 2.0, "write": "half-select", "epochs": 6, "width_s": 0.02},
    ],
)
def test_side_by_side_and_one_by_one_train_the_same_chips_to_the_same_end(monkeypatch, settings):
    same_end(monkeypatch, 12, settings)


def test_half_selected_chips_in_lanes_end_as_one_by_one(monkeypatch, interpreted):
    same_end(
        monkeypatch, 2, {"wire_ohm": 2.0, "write": "half-select", "epochs": 3, "threshold": 0.4, "unresponsive": 0}
    )


def test_chips_whose_lines_are_joined_at_both_ends_end_in_lanes_as_one_by_one(monkeypatch, interpreted):
    same_end(monkeypatch, 3, {"wire_ohm": 1e3, "drive": "both", "sense": "both", "epochs": 12, "unresponsive": 0})


def same_end(monkeypatch, chips, settings):
    quick = ensemble(**settings)
    assert quick.lockstep
    together = quick.train(5, 40, chips)
    monkeypatch.setattr(type(quick), "lockstep", property(lambda self: False))
    alone = quick.train(5, 40, chips)
    for name in OUTCOME:
        np.testing.assert_array_equal(getattr(together, name), getattr(alone, name))


@pytest.mark.parametrize(
    "settings",
    [
        {"dead_zone": 0.1},
        {"verify_siemens": 1e-8},
        {"wire_ohm": 1.0, "columns": 34},
        {"wire_ohm": 1.0, "columns": 34, "read_noise": 0.01},
        {"write": "half-select", "threshold": 0.4, "epochs": 10_000},
        {"wire_ohm": 50.0, "epochs": 10_000},
        {"wire_ohm": 50.0, "tiles": "2x1"},
        {"read_noise": 0.01, "epochs": 10_000},
    ],
)
def test_what_the_lock_step_does_not_know_is_trained_one_by_one(settings):
    halves = {"write": "half-select", "threshold": 0.4}
    assert all(ensemble(**halves, **more).lockstep for more in ({}, {"read_noise": 0.01}, {"drift": 0.01}))
    assert ensemble().lockstep
    assert not ensemble(**settings).lockstep


def test_chips_are_known_by_their_number(monkeypatch):
    chips = ensemble({"chip": {"read_noise": 0.05}, "training": {"epochs": 6, "confirm": 1, "dead_zone": 1e-9}})
    assert not chips.lockstep
    whole = chips.train(5, 0, 6)
    parts = [chips.train(5, first, 2) for first in (0, 2, 4)]
    for name in OUTCOME:
        np.testing.assert_array_equal(getattr(whole, name), np.concatenate([getattr(part, name) for part in parts]))


def test_a_chip_whose_cells_differ_by_the_rescaled_draw_touches_both_ends(monkeypatch):
    chips = ensemble(distribution="rescaled", epochs=2)
    shifts = chips._draw(3, 0, 4)
    np.testing.assert_array_equal(shifts.min(axis=(1, 2)), [2e-8] * 4)
    np.testing.assert_array_equal(shifts.max(axis=(1, 2)), [1e-7] * 4)
    np.testing.assert_array_equal(chips._draw(3, 2, 1)[0], shifts[2])


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("target", 1.2, "target 1.2 must lie between -1 and 1"),
        ("beta", 0.0, "beta 0.0 per ampere must be above zero"),
        ("width_s", 0.1, "2 V from 1 ms to 50 ms"),
        ("v1", 5.0, "read voltage 5 V exceeds the limit of 1 V"),
        ("scale", -1.0, "scale -1.0 must be finite and above zero"),
        ("columns", 3, "column count 3 is odd"),
        ("epochs", 0, "epochs 0 must be a whole number of at least 1"),
        ("high_siemens", 1e-8, "must have 0 < low < high"),
    ],
)
def test_what_trainer_or_chip_would_refuse_is_refused_before_anything_is_trained(setting, value, sentence):
    bench = with_settings(load_bench("simulated"), {find_key(setting): value})
    with pytest.raises(DataError) as caught:
        check_point(Point.of(bench, {}), 1, f"point {setting} {value}")
    assert str(caught.value).startswith(f"point {setting} {value}: ")
    assert sentence in str(caught.value)


def test_names_of_files_do_not_matter_to_a_point_but_what_is_in_them(tmp_path):
    text = data_file("figure2a").read_text(encoding="utf-8")
    for name, content in (("a.csv", text), ("b.csv", text), ("c.csv", text + "# more\n")):
        (tmp_path / name).write_text(content)
    digests = [
        Point.of(load_bench("simulated", overrides={"chip": {"curve": str(tmp_path / name)}}), {}).digest
        for name in ("a.csv", "b.csv", "c.csv")
    ]
    assert digests[0] == digests[1] != digests[2]


def test_the_share_that_converges_is_that_of_a_thousand_trainings_one_by_one():
    # With the pull back 97.5 to 99.2 % of the chips of seeds 0 to 999, trained one by one, converge (95 % interval);
    # four standard deviations of 4096 chips are one point more to either side. Without it all of them do.
    bench = with_settings(load_bench("simulated"), {find_key("pull_back"): True})
    (chunk,) = split_into_chunks(Point.of(bench, {}), seed=11, first=0, chips=4096, size=4096)
    counts = train_chunk(chunk)
    assert 0.965 < counts.converged / counts.chips < 0.998
    (chunk,) = split_into_chunks(Point.of(load_bench("simulated"), {}), seed=11, first=0, chips=4096, size=4096)
    counts = train_chunk(chunk)
    assert counts.converged / counts.chips > 0.998


def test_the_pulses_are_those_that_a_training_counts():
    chips = ensemble()
    found = chips.train(1, 0, 1)
    with open_bench("simulated", seed=0) as backend:
        backend.shifts[:] = chips._draw(1, 0, 1)[0]
        backend._update()
        task = PatternSet.from_csv(data_file("perceptron"))
        result = Trainer(backend).run(task.train, task.train_labels)
    assert (bool(found.converged[0]), int(found.epochs[0]), int(found.pulses[0])) == (
        result.converged,
        result.epochs,
        result.pulses,
    )
