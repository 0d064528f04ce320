import json
import math

import numpy as np
import pytest

from crossbar_hil.errors import DataError
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend
from crossbar_hil.twins.read_noise import find_read_noise


def test_noise_and_interval_of_three_reads_of_five_cells_are_those_of_the_tables():
    # Each differs from the next by 0.3 about a mean of 1. Five cells with 2 * 2^2 / (3 * 3 - 4) degrees of freedom have
    # 8 of them; chi squared has its 2.5 and 97.5 % points at 2.17973 and 17.5345 then (any table).
    found = find_read_noise(np.array([[0.9], [1.2], [0.9]]) * np.ones(5))
    share = math.sqrt(0.3**2 / 2)
    assert found.share == pytest.approx(share)
    assert found.low == pytest.approx(share * math.sqrt(8 / 17.5345), rel=1e-5)
    assert found.high == pytest.approx(share * math.sqrt(8 / 2.17973), rel=1e-5)


TELEGRAPH = 0.02 * math.sqrt(0.1 * 0.9) / (1 + 0.02 * 0.1)
"""Relative standard deviation of a reading that is 2 % higher once in ten times."""


@pytest.mark.parametrize("age_s", [None, 1e3, 1e4])
@pytest.mark.parametrize(
    ("white", "telegraph", "truth"),
    [(0.01, 0.0, 0.01), (0.0, 0.02, TELEGRAPH), (0.01, 0.02, math.hypot(0.01, TELEGRAPH)), (0.001, 0.0, 0.001)],
)
def test_white_and_telegraph_noise_are_found_whether_the_chip_drifts_or_not(white, telegraph, truth, age_s):
    # 40 cells read 60 times in 10 minutes, whose drift has an exponent of 0.05.
    drift = 0.0 if age_s is None else 0.05
    rng = np.random.default_rng(3)
    noise = {"read_noise": white, "telegraph": telegraph, "telegraph_share": 0.1}
    curve = ConductanceCurve.from_csv(data_file("figure2a"))
    chip = SimulatedBackend(curve, np.full((4, 10), 1e-7), rng=rng, drift=drift, **noise)
    chip.pass_time(age_s or 0.0)
    maps = []
    for _ in range(60):
        maps.append(chip.read_conductances(0.1))
        chip.pass_time(10.0)
    found = find_read_noise(np.array(maps))
    assert found.share == pytest.approx(truth, rel=0.09)  # three standard errors of telegraph noise; its kurtosis is 8
    changes = np.std(maps, axis=0, ddof=1) / np.mean(maps, axis=0)
    if (white, age_s) == (0.001, 1e3):
        assert math.sqrt(np.square(changes).mean()) > 2 * truth, "a check of the check: the chip does drift"


def test_noise_is_pooled_over_rounds_between_which_cells_were_pulsed():
    generator = np.random.default_rng(4)
    rounds = [level * (1 + 0.02 * generator.standard_normal((20, 16))) for level in (1e-7, 3e-7, 5e-7)]
    found = find_read_noise(*rounds)
    assert found.share == pytest.approx(0.02, rel=0.1)
    assert (found.reads, found.cells) == (60, 16)


def test_the_interval_holds_the_true_noise_in_95_of_100_chips():
    generator = np.random.default_rng(2)
    means = 10 ** generator.uniform(-7, -6, (400, 1, 4, 4))
    maps = means * (1 + 0.03 * generator.standard_normal((400, 6, 4, 4)))
    holds = sum(found.low <= 0.03 <= found.high for found in map(find_read_noise, maps))
    assert abs(holds / 400 - 0.95) < 3 * math.sqrt(0.95 * 0.05 / 400)


def test_readings_that_repeat_have_no_noise_and_one_evaluation_is_enough():
    found = find_read_noise(np.full((7, 4, 4), 1e-7 / 3))
    assert (found.share, found.confirm) == (0.0, 1)
    assert "confirm = 1 is enough" in found.sentence


def test_open_cells_are_left_out_and_said_to_be():
    maps = np.random.default_rng(1).normal(1e-6, 1e-8, (20, 4, 4))
    maps[:, 0, 0] = np.random.default_rng(2).normal(0, 1e-12, 20)
    found = find_read_noise(maps)
    assert found.share == pytest.approx(0.01, rel=0.2)
    assert "of 20 reads of 15 cells, 1 that conduct next to nothing left out" in found.sentence


@pytest.mark.parametrize(
    ("maps", "words"), [(np.ones((1, 2, 2)), "at least 2"), (np.zeros((3, 2, 2)), "no cell conducts")]
)
def test_what_shows_no_noise_is_refused(maps, words):
    with pytest.raises(DataError, match=words):
        find_read_noise(maps)


def test_read_repeated_finds_the_noise_of_a_virtual_chip_and_suggests_confirmations(cli, tmp_path):
    (tmp_path / "noisy.toml").write_text('backend = "simulated"\n[chip]\nread_noise = "2 %"\n')
    done = cli("read", "noisy.toml", "--seed", "1", "--repeat", "60")
    assert "read noise " in done.out
    assert done.out.rstrip().endswith("suggested: confirm = 18")
    found = json.loads(cli("read", "noisy.toml", "--seed", "1", "--repeat", "60", "--json").out)["read_noise"]
    assert found["share_low"] < 0.02 < found["share_high"]
    assert "read noise" not in cli("read", "noisy.toml", "--seed", "1").out
