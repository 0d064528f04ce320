"""A trainer made from a script takes what the bench file says, or says what it ignores."""

import numpy as np
import pytest

from crossbar_hil import Trainer, open_bench
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.errors import DataError
from crossbar_hil.training.settings import Training

DEPRESS = {"depress_v": -2.0, "depress_s": 0.05}
OTHER = {
    "epochs": {"epochs": 7},
    "beta": {"beta": 2e7},
    "target": {"target": 0.9},
    "target0": {"target0": -0.5},
    "v0": {"v0": -0.05},
    "v1": {"v1": 0.05},
    "amplitude_v": {"amplitude_v": 1.0},
    "width_s": {"width_s": 0.02},
    "pull_back": {"pull_back": True},
    "dead_zone": {"dead_zone": 0.01},
    "confirm": {"confirm": 3},
    "give_up": {"give_up": False},
    "unresponsive": {"unresponsive": 4},
    "check_labels": {"check_labels": False},
    "depress_v": DEPRESS,
    "depress_s": DEPRESS,
    "both_ways": {"both_ways": True, **DEPRESS},
    "ceiling_siemens": {"ceiling_siemens": 1e-5, **DEPRESS},
    "verify_siemens": {"verify_siemens": 1e-8},
    "tries": {"tries": 3, "verify_siemens": 1e-8},
}
NOT_THE_TRAINERS = {"patterns", "fresh_reads", "rule", "rule_options", "cells", "permute"}
"""What the program names itself, what runs do after a training, and what `test_of_a_rule` tries."""
NETWORKS = {
    "hidden": ({"hidden": 2}, (4, 8)),
    "bias": ({"bias": True}, (5, 4)),
    "shortcuts": ({"hidden": 2, "shortcuts": True}, (6, 8)),
    "pairs": ({"pairs": "rows"}, (8, 2)),
    "layers": ({"hidden": [2, 3], "layers": "stacked"}, (9, 6)),
}
"""What takes a chip of another size, so that a bare trainer refuses the task."""


def opened(**training):
    return open_bench("simulated", seed=1, overrides={"training": training})


def test_every_setting_of_the_table_is_tried():
    assert set(OTHER) | set(NETWORKS) | NOT_THE_TRAINERS == set(Training.model_fields)


@pytest.mark.parametrize("name", OTHER)
def test_a_bare_trainer_names_what_it_ignores_and_one_from_the_bench_ignores_nothing(name, recwarn):
    wanted = {"amplitude_v": "pulse is 1 V", "width_s": r"pulse is 2 V, 20 ms", "confirm": "confirm is 3"}.get(name)
    with opened(**OTHER[name]) as backend:
        task = backend.training.task
        with pytest.warns(UserWarning, match=wanted or ("update" if "depress_v" in OTHER[name] else "")) as told:
            Trainer(backend).iterate(task.train, task.train_labels)
        assert told[0].filename == __file__
        assert "Trainer.from_bench(backend) takes it" in str(told[0].message)
        Trainer.from_bench(backend).iterate(task.train, task.train_labels)
    assert not recwarn.list


@pytest.mark.parametrize("name", NETWORKS)
def test_the_network_of_a_bench_is_trained_and_a_bare_trainer_refuses_its_chip(name, recwarn):
    training, (rows, columns) = NETWORKS[name]
    with open_bench(
        "simulated", seed=1, overrides={"training": training, "chip": {"rows": rows, "columns": columns}}
    ) as backend:
        task = backend.training.task
        first = next(iter(Trainer.from_bench(backend).iterate(task.train, task.train_labels)))
        assert first.counts.shape == (rows, columns)
        with pytest.raises(DataError, match="but the chip"):
            Trainer(backend).iterate(task.train, task.train_labels)
    assert not recwarn.list


def test_what_the_program_chose_itself_is_not_called_ignored(recwarn):
    with opened(epochs=7, beta=2e7) as backend:
        task = backend.training.task
        Trainer(backend, epochs=9, beta=3e7).iterate(task.train, task.train_labels)
        Trainer.from_bench(backend).iterate(task.train, task.train_labels)
    with opened() as backend:
        Trainer(backend, beta=3e7).iterate(task.train, task.train_labels)
    assert not recwarn.list


def test_of_a_rule(monkeypatch):
    monkeypatch.setattr("crossbar_hil.training.settings.load", lambda *_: lambda v, d: -np.sign(v.T @ d))
    with (
        opened(rule="manhattan") as backend,
        pytest.warns(UserWarning, match="rule is <lambda> there"),
    ):
        Trainer(backend).iterate(backend.training.task.train, backend.training.task.train_labels)


def test_from_a_bench_the_same_chip_is_trained_as_by_the_settings_given_one_by_one():
    with opened(beta=2e7, target=0.7, confirm=2) as backend:
        from_bench = Trainer.from_bench(backend).run()
    with open_bench("simulated", seed=1) as backend:
        task = backend.training.task
        by_hand = Trainer(backend, beta=2e7, target=0.7, confirm=2).run(task.train, task.train_labels)
    assert from_bench.epochs == by_hand.epochs
    np.testing.assert_array_equal(from_bench.conductances, by_hand.conductances)


def test_without_a_bench_file_there_is_nothing_to_take():
    chip = open_backend(load_bench("simulated"), seed=1)
    with pytest.raises(DataError, match="SimulatedBackend was not opened from a bench file"):
        Trainer.from_bench(chip)
    with pytest.raises(DataError, match="nothing to learn: give run patterns and labels"):
        Trainer(chip).run()
    with pytest.raises(DataError, match="patterns go with labels"):
        Trainer(chip).run([[0, 0, 0, 1]])
