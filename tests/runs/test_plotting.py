import dataclasses
import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from crossbar_hil import load_run
from crossbar_hil.errors import DataError
from crossbar_hil.figures.panes import MINUS, PLUS, engineering
from crossbar_hil.runs.plotting import (
    plot_activations,
    plot_answers,
    plot_chip,
    plot_chip_change,
    plot_conductances,
    plot_error,
    plot_final_conductances,
    plot_weights,
)


@pytest.fixture(params=["converged", "stalled"])
def result(request, converged_run, stalled_run):
    return load_run(converged_run if request.param == "converged" else stalled_run).result


def lines(axes):
    return [line for line in axes.get_lines() if len(line.get_xdata()) > 2]


def words(axes):
    return [text.get_text() for text in axes.texts]


def heights(axes):
    """Return what a height on the axes stands for, found from the ticks of the lowest box alone: (base, per unit)."""
    places = axes.get_yticks()
    values = [float(label.get_text().replace("−", "-")) for label in axes.get_yticklabels()]
    found = sorted(zip(places, values, strict=True))[:2]
    slope = (found[1][1] - found[0][1]) / (found[1][0] - found[0][0])
    return lambda ys, row_from_below: found[0][1] + slope * (np.asarray(ys) - row_from_below - found[0][0])


def test_each_box_shows_the_conductance_of_its_cell_as_steps_laid_out_like_the_chip(result):
    axes = plot_conductances(result)
    drawn, value = lines(axes), heights(axes)
    assert len(drawn) == 16
    for (row, column), line in zip(np.ndindex(4, 4), drawn, strict=True):
        assert np.allclose(value(line.get_ydata(), 3 - row), 1e6 * result.conductances[:, row, column], atol=1e-9)
        assert column < line.get_xdata()[0] < line.get_xdata()[-1] < column + 1
        assert line.get_color() == (MINUS if column % 2 else PLUS)
        assert line.get_drawstyle() == "steps-mid"


def test_saturated_cells_are_marked(stalled_run):
    result = load_run(stalled_run).result
    marked = np.zeros((4, 4), bool)
    for text in plot_conductances(result).texts:
        if text.get_text() == "saturated":
            x, y = text.get_position()
            marked[3 - math.floor(y), math.floor(x)] = True
    assert np.array_equal(marked, result.saturated)


def test_weights_are_drawn_by_output_and_row(result):
    axes = plot_weights(result)
    factor, unit = engineering(result.weights, "S")
    assert unit in axes.get_ylabel()
    second = [line for line in lines(axes) if line.get_xdata()[0] > 1]
    assert np.allclose(heights(axes)(second[3].get_ydata(), 0), factor * result.weights[:, 3, 1], atol=1e-9)
    assert [each.get_text() for each in axes.get_legend().get_texts()] == ["row 1", "row 2", "row 3", "row 4"]


def test_activations_have_a_box_for_each_pattern_and_output(result):
    axes = plot_activations(result)
    drawn, value = lines(axes), heights(axes)
    assert len(drawn) == 12
    assert {"0001 → 01", "0010 → 10", "0110 → 10", "1001 → 01", "1101 → 01", "1110 → 10"} < set(words(axes))
    line = next(line for line in drawn if 3 < line.get_xdata()[0] < 4 and line.get_ydata()[0] > 1)
    assert np.allclose(value(line.get_ydata(), 1), result.activations[:, 3, 0], atol=1e-9)
    assert line.get_color() == MINUS


def test_error_says_how_it_ended_and_marks_from_where_every_target_is_met(result):
    axes = plot_error(result)
    assert np.array_equal(lines(axes)[0].get_ydata(), result.errors)
    assert ("every target met" in axes.get_title()) == result.converged
    marked = [line.get_xdata()[0] for line in axes.get_lines() if line.get_linestyle() == "--"]
    assert marked == ([result.epochs] if result.converged else [])


def test_a_small_error_stands_well_above_zero(converged_run):
    trained = load_run(converged_run).result
    errors = np.array([7.5, 0.0053, 0.0])
    several = {name: np.repeat(getattr(trained, name)[-1:], 3, axis=0) for name in ("conductances", "activations")}
    axes = plot_error(dataclasses.replace(trained, errors=errors, epochs=3, **several))
    _, small, none = axes.transData.transform(np.column_stack([[1, 2, 3], errors]))[:, 1] / axes.bbox.height
    assert small - none > 0.05
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0", "0.001", "0.01", "0.1", "1", "10"]


def test_a_training_that_was_not_confirmed_is_not_drawn_as_one_that_missed_its_targets(converged_run):
    trained = load_run(converged_run).result
    axes = plot_error(dataclasses.replace(trained, converged=False, confirm=18))
    assert axes.get_title() == "slow: targets met in the last 1 evaluation(s), 18 asked for"


def test_titles_of_many_columns_are_short_enough_for_their_boxes(converged_run):
    trained = load_run(converged_run).result
    twice = np.concatenate([trained.conductances] * 2, axis=2)
    cells = dict.fromkeys(("saturated", "unresponsive"), np.zeros((4, 8), bool))
    assert words(plot_conductances(trained))[:2] == ["output 1, plus", "output 1, minus"]
    wide = dataclasses.replace(trained, conductances=twice, **cells)
    assert words(plot_conductances(wide))[:8] == ["1+", "1−", "2+", "2−", "3+", "3−", "4+", "4−"]


def test_the_chip_is_mapped_with_its_numbers_before_and_after(result):
    first, last = result.conductances[[0, -1]]
    for axes, siemens in ((plot_chip(result, epoch=1), first), (plot_chip(result), last),
                          (plot_chip_change(result), last - first)):  # fmt: skip
        assert axes.yaxis_inverted()  # row 1 on top
        written = {text.get_position(): float(text.get_text()) for text in axes.texts}
        assert len(written) == 16
        for (column, row), value in written.items():
            assert value == pytest.approx(1e6 * siemens[row, column], abs=0.00501)
    assert plot_chip(result, epoch=1).get_title() == "Before training"
    with pytest.raises(DataError, match="epoch 99 was not recorded"):
        plot_chip(result, epoch=99)


def test_numbers_are_left_out_where_they_do_not_fit(result):
    axes = Figure(figsize=(1, 1)).subplots()
    assert not plot_chip(result, axes).texts
    assert axes.images


def test_answers_show_every_output_before_and_after(result):
    axes = plot_answers(result)
    before, after = (np.asarray(points.get_offsets()) for points in axes.collections if len(points.get_offsets()) == 6
                     and points.get_offsets()[0][1] < 1)  # fmt: skip  # the lower box
    value = heights(axes)
    assert np.allclose(value(before[:, 1], 0), result.activations[0, :, 1])
    assert np.allclose(value(after[:, 1], 0), result.activations[-1, :, 1])


def test_final_bars_are_one_a_cell(result):
    axes = plot_final_conductances(result)
    assert axes.get_zlabel() == "Conductance (µS)"
    assert len(axes.collections[0].get_facecolor()) in (16, 16 * 6)
    with pytest.raises(DataError, match='projection="3d"'):
        plot_final_conductances(result, Figure().subplots())
