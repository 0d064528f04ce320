import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar_hil.backend import DeviceBackend, Limits, Pulse
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.errors import BackendError, DataError, LimitError
from crossbar_hil.spent import Spent

PULSE = Pulse(-2.0, 0.05)
fixed = settings(derandomize=True, database=None, deadline=None, max_examples=100)


class Device(DeviceBackend):
    shape = (1, 2)
    kind = "simulated"

    def __init__(self, **limits):
        self.limits = Limits(1.0, 3.0, 1.0, **limits)
        self.sent = []
        self.broken = None

    def _read_currents(self, voltages):
        return np.ones((len(voltages), 2))

    def _send_pulses(self, counts, pulse):
        self.sent.append(counts.tolist())
        if self.broken:
            raise self.broken

    def make_safe(self):
        pass


# ---------------------------------------------------------------------- totals


@fixed
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=20), st.integers(1, 12))
def test_no_sequence_of_accepted_requests_exceeds_a_budget(requests, most):
    spent, total = Spent((1, 2)), np.zeros((1, 2), dtype=int)
    for request in requests:
        wanted = np.array([request])
        fits = bool(((total + wanted <= most) | (wanted == 0)).all())
        try:
            spent.check(wanted, wanted * 0.1, most_pulses=most)
        except LimitError:
            assert not fits
            continue
        assert fits
        spent.add(wanted, wanted * 0.1)
        total += wanted
    assert np.array_equal(spent.pulses, total)
    assert total.max() <= most


def test_the_rounding_of_many_doses_costs_no_pulse_and_gives_none():
    spent = Spent((1, 1))
    for _ in range(1000):
        spent.check([[1]], [[0.1]], most_dose_vs=100.0)
        spent.add([[1]], [[0.1]])
    assert spent.dose_vs[0, 0] != 100.0  # as floats add up
    with pytest.raises(LimitError):
        spent.check([[1]], [[1e-6]], most_dose_vs=100.0)


def test_a_cell_beyond_its_budget_takes_nothing_from_its_neighbours():
    spent = Spent((1, 2), [[200, 0]], [[20.0, 0.0]])
    spent.check([[0, 5]], [[0.0, 0.5]], most_pulses=100, most_dose_vs=10.0)
    with pytest.raises(
        LimitError, match=r"cell \[0, 0\].* has had 200 pulses, so 1 more would exceed its limit of 100"
    ):
        spent.check([[1, 5]], [[0.1, 0.5]], most_pulses=100)


@pytest.mark.parametrize(
    ("pulses", "dose_vs", "words"),
    [
        ([[1]], None, r"pulses so far have shape \(1, 1\), expected \(1, 2\)"),
        ([[1, -1]], None, "pulses so far hold -1, expected none below zero"),
        ([[1, 0.5]], None, "a part of a pulse"),
        ([[1, float("nan")]], None, "pulses so far hold nan"),
        (None, [[0.1, -0.1]], "doses so far hold -0.1"),
        (None, [["a", "b"]], "doses so far must be"),
    ],
)
def test_totals_that_are_none_are_refused(pulses, dose_vs, words):
    with pytest.raises(DataError, match=words):
        Spent((1, 2), pulses, dose_vs)


def test_totals_are_not_those_of_who_handed_them_in():
    mine = np.array([[1, 2]])
    spent = Spent((1, 2), mine)
    spent.add([[1, 1]], [[0.0, 0.0]])
    assert mine.tolist() == [[1, 2]]


# ---------------------------------------------------------------------- every device


@pytest.mark.fault("C11")
@pytest.mark.parametrize("limits", [{"pulses": 3}, {"dose_vs": 0.3}])
def test_every_device_refuses_a_batch_beyond_a_budget_whole(limits):
    device = Device(**limits)
    device.send_pulses([[2, 0]], PULSE)
    with pytest.raises(LimitError, match=r"cell \[0, 0\] \(row 1, column 1\) has had"):
        device.send_pulses([[2, 1]], PULSE)
    with pytest.raises(LimitError, match=r"cell \[0, 0\] \(row 1, column 1\) has had"):
        device.check_pulses([[2, 1]], PULSE)
    assert device.sent == [[[2, 0]]]
    assert device.cause_of_doubt is None
    device.send_pulses([[1, 3]], PULSE)
    with pytest.raises(LimitError):
        device.send_pulses([[0, 1]], PULSE)


def test_without_a_budget_nothing_is_counted():
    device = Device()
    device.send_pulses([[10**9, 0]], PULSE)
    device.send_pulses([[10**9, 0]], PULSE)
    assert device.spent is None


def test_a_batch_that_failed_counts_whole():
    device = Device(pulses=3)
    device.broken = BackendError("gone")
    with pytest.raises(BackendError):
        device.send_pulses([[2, 0]], PULSE)
    assert device.spent.pulses.tolist() == [[2, 0]]


def test_checking_counts_nothing():
    device = Device(pulses=3)
    for _ in range(5):
        assert device.check_pulses([[3, 0]], PULSE).dtype == np.int64
    assert device.sent == []
    device.send_pulses([[3, 0]], PULSE)


@pytest.mark.fault("C11")
def test_what_was_spent_before_counts():
    device = Device(pulses=3)
    device.spent = Spent((1, 2), [[3, 2]])
    device.send_pulses([[0, 1]], PULSE)
    with pytest.raises(LimitError):
        device.send_pulses([[1, 0]], PULSE)


@pytest.mark.fault("C11")
def test_a_simulated_bench_keeps_its_budget_as_a_rehearsal_must():
    limits = {"read_v": 1.0, "pulse_v": 3.0, "width_s": 1.0, "pulses": 2}
    with open_backend(load_bench("simulated", overrides={"limits": limits}), seed=1) as chip:
        counts = np.zeros((4, 4), dtype=int)
        counts[1, 1] = 2
        chip.send_pulses(counts, Pulse(2.0, 0.05))
        with pytest.raises(LimitError, match=r"cell \[1, 1\] \(row 2, column 2\) has had 2 pulses, so 2 more"):
            chip.send_pulses(counts, Pulse(2.0, 0.05))
        assert np.array_equal(chip.levels, counts)


# ---------------------------------------------------------------------- numbers


@pytest.mark.fault("F4")
def test_a_limit_is_a_finite_number_above_zero():
    values = (True, "1", None, float("nan"), float("inf"), -1.0, 0, 10**400, [1.0])
    names = ("read_v", "pulse_v", "width_s")
    said = {(name, repr(value)): refusal_of_limit(name, value) for name in names for value in values}
    refused = {case for case, words in said.items() if re.search(f"limit {case[0]} .* must be finite and above", words)}
    assert {case: words for case, words in said.items() if case not in refused} == {}


def refusal_of_limit(name, value):
    try:
        Limits(**{"read_v": 1.0, "pulse_v": 1.0, "width_s": 1.0, name: value})
    except DataError as error:
        return str(error)
    return ""


@pytest.mark.fault("F4")
@pytest.mark.parametrize(
    ("name", "value"),
    [("pulses", value) for value in (0, -1, 1.5, True, "5", float("nan"))]
    + [("dose_vs", value) for value in (0.0, -1.0, True, "5", float("nan"), float("inf"))],
)
def test_a_budget_is_a_number_above_zero(name, value):
    with pytest.raises(DataError, match=f"limit {name} "):
        Limits(1.0, 1.0, 1.0, **{name: value})


@pytest.mark.fault("F4")
@pytest.mark.parametrize("value", [True, "2", None, [2.0], 10**400])
def test_a_pulse_is_made_of_numbers(value):
    with pytest.raises(DataError):
        Pulse(value, 0.05)
    with pytest.raises(DataError):
        Pulse(2.0, value)
