import dataclasses

import numpy as np
import pytest
from matplotlib.figure import Figure

from crossbar_hil import load_run
from crossbar_hil.runs.plotting import (
    MINUS,
    PLUS,
    engineering,
    plot_activations,
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


def test_each_panel_shows_the_conductance_of_its_cell(result):
    panels = plot_conductances(result).get_axes()
    assert len(panels) == 16
    (line,) = lines(panels[4 * 2 + 3])
    assert np.allclose(line.get_ydata(), 1e6 * result.conductances[:, 2, 3], rtol=1e-12)
    assert line.get_xdata()[0] == 1
    assert line.get_color() == MINUS
    assert lines(panels[0])[0].get_color() == PLUS


def test_saturated_cells_are_marked(stalled_run):
    result = load_run(stalled_run).result
    marked = [
        any(text.get_text() == "saturated" for text in panel.texts) for panel in plot_conductances(result).get_axes()
    ]
    assert np.array_equal(np.reshape(marked, (4, 4)), result.saturated)


def test_weights_are_drawn_by_output_and_row(result):
    figure = plot_weights(result)
    factor, unit = engineering(result.weights, "S")
    first, second = figure.get_axes()
    assert unit in first.get_ylabel()
    assert np.allclose(lines(second)[3].get_ydata(), factor * result.weights[:, 3, 1])


def test_activations_have_a_panel_for_each_pattern_and_output(result):
    figure = plot_activations(result)
    shown = [panel for panel in figure.get_axes() if panel.get_visible()]
    assert len(shown) == 12
    assert {panel.get_title() for panel in shown if panel.get_title()} == {
        "0001 → 01", "0010 → 10", "0110 → 10", "1001 → 01", "1101 → 01", "1110 → 10",
    }  # fmt: skip
    panel = next(panel for panel in shown if panel.get_title() == "1001 → 01")
    assert np.array_equal(lines(panel)[0].get_ydata(), result.activations[:, 3, 0])
    assert lines(panel)[0].get_color() == MINUS


def test_error_is_drawn_on_the_axes_given_and_says_how_it_ended(result):
    axes = Figure().subplots()
    assert plot_error(result, axes) is axes
    assert np.array_equal(lines(axes)[0].get_ydata(), result.errors)
    assert ("every target met" in axes.get_title()) == result.converged


def test_a_training_that_was_not_confirmed_is_not_drawn_as_one_that_missed_its_targets(converged_run):
    trained = load_run(converged_run).result
    axes = plot_error(dataclasses.replace(trained, converged=False, confirm=18))
    assert axes.get_title() == "slow: targets met in the last 1 evaluation(s), 18 asked for"


def test_titles_of_many_columns_are_short_enough_for_their_panels(converged_run):
    trained = load_run(converged_run).result
    twice = np.concatenate([trained.conductances] * 2, axis=2)
    cells = dict.fromkeys(("saturated", "unresponsive"), np.zeros((4, 8), bool))
    titles = [panel.get_title() for panel in plot_conductances(trained).get_axes()]
    assert titles[:2] == ["output 1, plus", "output 1, minus"]
    wide = dataclasses.replace(trained, conductances=twice, **cells)
    titles = [panel.get_title() for panel in plot_conductances(wide).get_axes()]
    assert titles[:8] == ["1+", "1−", "2+", "2−", "3+", "3−", "4+", "4−"]


def test_final_bars_are_one_a_cell(result):
    (axes,) = plot_final_conductances(result).get_axes()
    assert axes.get_zlabel() == "Conductance (µS)"
    assert len(axes.collections[0].get_facecolor()) in (16, 16 * 6)


def test_figures_go_onto_the_figure_given(result):
    for plot in (plot_conductances, plot_weights, plot_activations, plot_final_conductances):
        figure = Figure()
        assert plot(result, figure) is figure


def test_all_zero_values_have_a_plain_unit():
    assert engineering(np.zeros(3), "S") == (1.0, "S")
