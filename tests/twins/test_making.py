import re

import numpy as np
import pytest

from crossbar_hil.errors import DataError
from crossbar_hil.twins.file import read_twin
from crossbar_hil.twins.making import make_twin
from crossbar_hil.twins.plotting import draw_twin
from crossbar_hil.twins.readings import Map, Readings, Spare
from crossbar_hil.twins.relaxation import fit_relaxation

from .conftest import RISES, HiddenChip

FACTS = {"rows": 4, "columns": 4, "read_v": 0.1, "amplitude_v": 2.0, "width_s": 0.05}
SOURCE = {"bench": "b", "bench_sha256": "0", "kind": "hardware", "made_utc": "now", "version": "1", "curve": "mine.csv"}
CURVE = 4.5e-7 + RISES


def readings_of(rounds, spares=()):
    maps = [Map(number, None, line.reshape(4, 4)) for number, each in enumerate(rounds) for line in each]
    return Readings(FACTS, tuple(maps), tuple(spares))


@pytest.fixture(scope="module")
def made():
    chip = HiddenChip(np.random.default_rng(2))
    readings = readings_of(chip.rounds(reads=10))
    return chip, readings, make_twin(readings, CURVE, source=SOURCE, draws=50)


def test_a_twin_file_is_read_back_as_it_was_written(made, tmp_path):
    twin = made[2]
    path = tmp_path / "twin.toml"
    twin.write(path)
    found = read_twin(path)
    assert found.source == twin.source
    assert found.numbers == twin.numbers
    assert found.chip(7).step_factors == pytest.approx(twin.chip(7).step_factors, rel=1e-5)
    assert np.array(found.cells.now_siemens) == pytest.approx(np.array(twin.cells.now_siemens), rel=1e-5)


def test_the_same_readings_give_the_same_twin(made):
    _, readings, twin = made
    assert make_twin(readings, CURVE, source=SOURCE, draws=50) == twin


def test_a_twin_says_what_was_calibrated_and_spent(made):
    source = made[2].source
    assert (source.pulses, source.amplitude_v, source.width_s, source.reads) == (2, 2.0, 0.05, 30)
    assert source.kind == "hardware"
    assert made[2].numbers.read_noise.low <= 0.01 <= made[2].numbers.read_noise.high
    assert "480 repeated readings of 16 cells" in made[2].numbers.read_noise.source


def test_the_map_of_a_twin_is_that_after_the_calibration(made):
    chip, _, twin = made
    assert np.array(twin.cells.now_siemens).ravel() == pytest.approx(chip.siemens, rel=0.02)
    error = np.array(twin.cells.now_error_siemens).ravel() / chip.siemens
    assert error == pytest.approx(np.full(16, 0.01 / np.sqrt(10)), rel=0.1)


def test_a_spare_cell_gives_the_curve_and_stands_at_its_end():
    chip = HiddenChip(np.random.default_rng(1))
    rounds = chip.rounds(reads=5)
    spares = [Spare((1, 2), number, value) for number, value in enumerate(2e-7 + 1.5 * RISES)]
    twin = make_twin(readings_of(rounds, spares), None, source=SOURCE, draws=20)
    assert twin.scale == 1
    assert np.diff(twin.curve_siemens) == pytest.approx(1.5 * np.diff(RISES))
    assert twin.chip(3).levels[1, 2] == len(RISES) - 1
    assert twin.chip(3).step_factors[1, 2] == pytest.approx(1.0)
    assert twin.numbers.mean_factor.value < 0.85  # the other cells rise less than the one that gave the curve
    assert twin.source.spare == ((1, 2),)


def test_the_curve_of_a_spare_cell_is_the_mean_of_its_readings_and_its_noise_is_allowed_for():
    rises = 60e-6 * (1 - np.exp(-np.arange(32) / 10))
    chip = HiddenChip(np.random.default_rng(1), spread=0.0, variation=0.0, noise=0.02, rises=rises)
    chip.starts = np.full(16, 1e-4)
    noise = 1 + 0.02 * np.random.default_rng(2).standard_normal((32, 20))
    spares = [Spare((1, 2), number, (1e-4 + rises[number]) * each) for number in range(32) for each in noise[number]]
    twin = make_twin(readings_of(chip.rounds(), spares), None, source=SOURCE, draws=20)
    assert twin.curve_siemens == pytest.approx((1e-4 + rises) * noise.mean(axis=1))
    assert twin.numbers.step_variation.low == twin.numbers.step_spread.low == 0


def test_without_any_curve_nothing_is_fitted(made):
    with pytest.raises(DataError, match="neither a spare cell nor the curve of a sister chip"):
        make_twin(made[1], None, source=SOURCE)


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        ("rows = 4", "rows = 3", "cells.start_siemens"),
        ("format = 1", "format = 2", "format"),
        ("[draws]", "[draws]\nmore = 1", "draws.more"),
        ("levels = [", "levels = [[-1.0],", "draws.levels"),
        ("[draws]", "[draws", "is not valid TOML"),
        ("curve_siemens = [", "curve_siemens = [1e-5, ", "curve_siemens falls 9.55e-06 S .* at row 3, column 3"),
    ],
)
def test_a_twin_file_that_is_wrong_is_told_by_key_and_how_it_is_made_anew(made, tmp_path, before, after, key):
    path = tmp_path / "twin.toml"
    path.write_text(made[2].as_toml().replace(before, after))
    with pytest.raises(DataError, match=rf"twin file .*({key}).* calibrate BENCH --from READINGS"):
        read_twin(path)


def test_a_number_of_a_twin_that_was_changed_beside_its_draws_is_refused(made, tmp_path):
    path = tmp_path / "twin.toml"
    text = made[2].as_toml()
    path.write_text(re.sub(r"(?m)(step_spread\]\nvalue = ).*", r"\g<1>5.0", text))
    with pytest.raises(DataError, match=r"was changed since it was made, as its sha256 shows; .*--from READINGS"):
        read_twin(path)
    path.write_text(text.replace("\n", "\r\n").replace(" = ", "="))  # as an editor or git may lay it out
    assert read_twin(path).numbers == made[2].numbers


def relaxing(share, seconds, rng, cells=16, noise=0.005):
    """Readings of cells that lose a share of two rises, by the formula of docs/chip_model.md."""
    start = np.full(cells, 5e-7)
    rises = 1e-6 * np.exp(0.3 * rng.standard_normal((2, cells)))
    times = [np.arange(1.0, 11.0), np.arange(1.0, 11.0), np.geomspace(1.0, 300.0, 40)]
    rounds = []
    for number, each in enumerate(times):
        since = [each + sum(10.0 for _ in range(number - pulse)) for pulse in range(1, number + 1)]
        true = start + sum(
            (1 - share * (1 - np.exp(-when / seconds)))[:, None] * rise
            for when, rise in zip(since, rises[:number], strict=True)
        )
        rounds.append(np.broadcast_to(true, (len(each), cells)) * (1 + noise * rng.standard_normal((len(each), cells))))
    return rounds, times, start, rises


@pytest.mark.parametrize(("share", "seconds"), [(0.05, 20.0), (0.3, 100.0)])
def test_relaxation_is_found_with_its_share_and_its_time(share, seconds):
    rounds, times, start, rises = relaxing(share, seconds, np.random.default_rng(3))
    found = fit_relaxation(rounds, times, 0.005)
    assert found.share.low <= share <= found.share.high
    assert found.share.high - found.share.low < 0.6 * share
    assert found.seconds.low <= seconds <= found.seconds.high
    assert (np.abs(found.means[2] - start - rises.sum(axis=0)) / found.errors[2]).max() < 5


@pytest.mark.parametrize("chips", [2, pytest.param(5, marks=pytest.mark.campaign)])
def test_no_relaxation_is_found_where_there_is_none(chips):
    for seed in range(chips):
        rounds, times, _, _ = relaxing(0.0, 10.0, np.random.default_rng([4, seed]))
        assert fit_relaxation(rounds, times, 0.005) is None


def test_the_figure_has_a_panel_for_readings_factors_map_and_curves(made):
    figure = draw_twin(made[2], made[1])
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[0] == "Readings of every cell"
    assert titles[2] == "After the calibration"
    assert len(figure.axes[0].lines) == 17
    assert figure.axes[0].lines[0].get_ydata()[0] == pytest.approx(1e6 * made[1].rounds()[0][:, 0, 0].mean())
