import json
import math

import numpy as np
import pytest

from crossbar_hil.bench.read_noise import find_read_noise
from crossbar_hil.errors import DataError


def test_noise_and_interval_of_eleven_reads_of_one_cell_are_those_of_the_tables():
    # Sample variance of 1.0, 1.1, ... 2.0 is 0.11, their mean 1.5. Chi-squared of 10 degrees of freedom has its 2.5 and
    # 97.5 % points at 3.24697 and 20.4832 (any table).
    found = find_read_noise(np.arange(1.0, 2.05, 0.1)[:, None, None])
    share = math.sqrt(0.11) / 1.5
    assert found.share == pytest.approx(share)
    assert found.low == pytest.approx(share * math.sqrt(10 / 20.4832), rel=1e-5)
    assert found.high == pytest.approx(share * math.sqrt(10 / 3.24697), rel=1e-5)


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
