import numpy as np
import pytest

from crossbar_hil.errors import DataError
from crossbar_hil.twins.plotting import draw_reliability
from crossbar_hil.twins.tally import Foretold, tally


def told(probability, happened, epochs=(10.0, 10.0), pulses=(50.0, 50.0)):
    return Foretold(probability, happened, *epochs, *pulses)


def test_brier_scores_are_those_of_a_sum_by_hand():
    found = tally([told(0.8, True), told(0.4, False), told(1.0, True), told(0.0, True)])
    assert found.brier == pytest.approx((0.04 + 0.16 + 0 + 1) / 4)
    assert found.brier_of_base_rate == pytest.approx(0.75 * 0.25)
    assert (found.count, found.happened) == (4, 3)


def test_bins_hold_what_was_predicted_between_their_ends_and_certainty_is_in_the_last():
    found = tally([told(0.0, False), told(0.19, True), told(0.2, True), told(1.0, True)])
    assert [(each.low, each.count, each.happened) for each in found.bins] == [(0.0, 2, 1), (0.2, 1, 1), (0.8, 1, 1)]
    assert found.bins[0].predicted == pytest.approx(0.095)


def test_a_bin_holds_if_its_mean_lies_in_wilsons_interval():
    # 8 of 10: 49.0 to 94.3 %, doi:10.1080/01621459.1927.10502953
    inside = tally([told(0.85, number < 8) for number in range(10)]).bins[0]
    outside = tally([told(0.96, number < 8) for number in range(10)]).bins[0]
    assert inside.interval == pytest.approx((0.490, 0.943), abs=5e-4)
    assert inside.holds
    assert not outside.holds
    assert "beyond it" in tally([told(0.96, number < 8) for number in range(10)]).lines()[-1]


def test_epochs_are_correlated_and_pulses_added_up():
    epochs = [(1.0, 2.0), (2.0, 4.0), (3.0, 5.0)]
    found = tally([told(0.5, True, each, (30.0, 40.0)) for each in epochs])
    assert found.epochs_correlation == pytest.approx(np.corrcoef(*np.array(epochs).T)[0, 1])
    assert found.pulses_ratio == pytest.approx(0.75)
    assert tally([told(0.5, True), told(0.5, True)]).epochs_correlation is None


def test_the_text_puts_a_prediction_where_it_belongs():
    line = tally([told(0.5, number % 2 == 0) for number in range(100)]).lines()[-1]
    drawn = line[line.index("|") + 1 : line.rindex("|")]
    assert drawn.index("o") == 20
    assert drawn.count("=") == 8  # 40.4 to 59.6 % of 40 columns, less the prediction


def test_nothing_cannot_be_tallied():
    with pytest.raises(DataError, match="no prediction"):
        tally([])


def test_the_diagram_shows_predictions_and_intervals():
    figure = draw_reliability(tally([told(0.85, number < 8) for number in range(10)]))
    axes = figure.axes[0]
    assert axes.get_xlabel() == "Predicted probability of convergence"
    points = axes.containers[0].lines[0]
    assert points.get_xdata()[0] == pytest.approx(0.85)
    assert points.get_ydata()[0] == pytest.approx(0.8)
