import numpy as np
import pytest

from crossbar_hil.studies.axes import read_axes
from crossbar_hil.studies.convergence.counts import Counts
from crossbar_hil.studies.convergence.plotting import draw_sweep, write_figures
from crossbar_hil.studies.convergence.sweeping import ChipSweep, ChipSweepResult


def made(*over, converged):
    """The result of a sweep with made-up counts."""
    import itertools

    axes = read_axes(over)
    values = tuple(itertools.product(*(axis.values for axis in axes)))
    counts = tuple(Counts(100, ((4, good),) if good else (), 800, 8 * good, 0) for good in converged)
    return ChipSweepResult(ChipSweep(axes, 1, values, None, 100, (), True), counts)


def test_one_setting_is_drawn_as_a_curve_with_its_band():
    figure = draw_sweep(made("beta=1e6..1e8:3log", converged=[0, 50, 100]))
    upper, lower = figure.axes
    np.testing.assert_array_equal(upper.lines[0].get_xdata(), [1e6, 1e7, 1e8])
    np.testing.assert_array_equal(upper.lines[0].get_ydata(), [0, 50, 100])
    assert upper.get_xscale() == "log"
    assert lower.get_xlabel() == "beta (1/A)"
    # Wilson's interval of 50 of 100: 40.38 to 59.62 %.
    corners = upper.collections[0].get_paths()[0].vertices
    assert sorted({round(y, 2) for x, y in corners if x == 1e7}) == [40.38, 59.62]


def test_two_settings_are_drawn_as_a_heat_map_the_first_upwards():
    figure = draw_sweep(made("beta=1e6,1e7", "target=0.5,0.8,0.9", converged=[10, 20, 30, 40, 96, 100]))
    left, right, *bars = figure.axes
    assert [bar.get_ylabel() for bar in bars] == ["%, bright is good", "epochs, bright is good"]
    np.testing.assert_allclose(left.images[0].get_array(), [[10, 20, 30], [40, 96, 100]])
    assert left.get_ylabel() == "beta (1/A)"
    assert left.get_xlabel() == "target"
    np.testing.assert_array_equal(right.images[0].get_array(), np.full((2, 3), 4))
    assert [text.get_text() for text in left.texts] == ["10", "20", "30", "40", "96", "100"]


def test_the_best_is_the_brightest_whether_it_is_much_or_little():
    figure = draw_sweep(made("beta=1e6,1e7", "target=0.5,0.8", converged=[10, 20, 30, 40]))
    for axes, good, bad in ((figure.axes[0], 100.0, 0.0), (figure.axes[1], 0.0, 4.0)):
        light = [sum(axes.images[0].to_rgba(np.array([[value]]))[0, 0, :3]) for value in (good, bad)]
        assert light[0] > light[1] + 1


def test_ticks_of_a_range_have_few_letters_and_numbers_are_not_crossed_by_lines():
    left = draw_sweep(made("beta=1e7..1e8:3log", "target=0.5,0.995", converged=[10, 20, 30, 40, 96, 100])).axes[0]
    assert [label.get_text() for label in left.get_yticklabels()] == ["1e7", "3.2e7", "1e8"]
    assert [label.get_text() for label in left.get_xticklabels()] == ["0.5", "0.995"]
    assert {type(each).__name__ for each in left.collections} == set()


def test_a_map_of_more_points_than_numbers_fit_has_lines_of_equal_share():
    left = draw_sweep(made("beta=1e6..1e8:9log", "target=0.5..0.9:90", converged=list(range(90)) * 9)).axes[0]
    assert {text.get_text() for text in left.texts} == {"50 %"}
    assert left.collections


def test_a_setting_with_one_value_takes_no_direction_of_the_map():
    assert draw_sweep(made("beta=1e6", "target=0.5,0.8", converged=[10, 20])).axes[1].get_xlabel() == "target"


def test_three_settings_have_no_map(tmp_path):
    result = made("beta=1e6,1e7", "target=0.5,0.8", "K=1,2", converged=[1] * 8)
    assert draw_sweep(result) is None
    write_figures(result, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize("over", [("rule=manhattan,other",), ("curve=a,b", "beta=1e6,1e7")])
def test_settings_that_are_words_are_drawn_too(tmp_path, over):
    count = 2 ** len(over)
    write_figures(made(*over, converged=[0] * count), tmp_path)
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
