"""The checked front door of every device."""

import numpy as np
import pytest

from crossbar_hil import DeviceBackend, Limits, Pulse
from crossbar_hil.errors import BackendError, ChipStateUnknown, DataError, LimitError

PULSE = Pulse(2.0, 0.05)
OHMS_LAW = object()
CONDUCTANCES = np.array([[1e-6, 2e-6, 3e-6], [4e-6, 5e-6, 6e-6]])


class Recorder(DeviceBackend):
    """Two rows, three columns; keeps what reached the device, and does as `answer` and `failure` say."""

    kind = "simulated"
    shape = (2, 3)
    limits = Limits(read_v=0.2, pulse_v=3.0, width_s=0.1)

    def __init__(self, answer=OHMS_LAW):
        self.answer = answer
        self.failure = None
        self.voltages = []
        self.pulses = []
        self.made_safe = 0

    def _read_currents(self, voltages):
        if self.failure is not None:
            raise self.failure
        self.voltages.append(voltages.copy())
        return voltages @ CONDUCTANCES if self.answer is OHMS_LAW else self.answer

    def _send_pulses(self, counts, pulse):
        if self.failure is not None:
            raise self.failure
        self.pulses.append((counts.copy(), pulse))

    def make_safe(self):
        self.made_safe += 1


@pytest.fixture
def device():
    return Recorder()


# ---------------------------------------------------------------------- Pulse and Limits


@pytest.mark.fault("F4")
@pytest.mark.parametrize("amplitude_v", [0.0, np.nan, np.inf, -np.inf])
def test_a_pulse_without_a_finite_amplitude_is_refused(amplitude_v):
    with pytest.raises(DataError, match=f"pulse amplitude {amplitude_v} V must be finite and not zero"):
        Pulse(amplitude_v, 0.05)


@pytest.mark.fault("F4")
@pytest.mark.parametrize("width_s", [0.0, -0.05, np.nan, np.inf])
def test_a_pulse_without_a_positive_width_is_refused(width_s):
    with pytest.raises(DataError, match=f"pulse width {width_s} s must be finite and above zero"):
        Pulse(2.0, width_s)


def test_a_pulse_is_written_in_volts_and_milliseconds():
    assert str(Pulse(-2.8, 0.005)) == "-2.8 V, 5 ms"


def test_pulses_of_the_same_numbers_are_equal_and_serve_as_keys():
    assert {Pulse(2.0, 0.05): 1}[Pulse(2.0, 0.05)] == 1


@pytest.mark.fault("F4")
@pytest.mark.parametrize("name", ["read_v", "pulse_v", "width_s"])
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_a_limit_that_bounds_nothing_is_refused(name, value):
    with pytest.raises(DataError, match=f"limit {name} {value} must be finite and above zero"):
        Limits(**{"read_v": 1.0, "pulse_v": 1.0, "width_s": 1.0, name: value})


# ---------------------------------------------------------------------- reading


def test_currents_of_every_pattern_come_back_in_one_call(device):
    # 0.1 V on row 1: 0.1 of its conductances; 0.1 V and -0.2 V: 0.1 g1 - 0.2 g2.
    currents = device.read_currents([[0.1, 0.0], [0.1, -0.2]])
    # Products and one sum of doubles.
    assert np.allclose(currents, [[1e-7, 2e-7, 3e-7], [-7e-7, -8e-7, -9e-7]], rtol=1e-12, atol=0)
    assert len(device.voltages) == 1


@pytest.mark.parametrize(
    "voltages", [[0.1, 0.1], [[0.1, 0.1, 0.1]], [[0.1]], np.zeros((0, 2)), [], 0.1, [[[0.1, 0.1]]], [[0.1, 0.1], [0.1]]]
)
def test_voltages_of_another_shape_are_refused_before_they_are_applied(device, voltages):
    with pytest.raises(DataError, match="row voltages"):
        device.read_currents(voltages)
    assert device.voltages == []


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_voltage_that_is_not_finite_is_named_and_not_applied(device, bad):
    with pytest.raises(DataError, match=rf"row voltages hold {bad} at \[1, 0\]"):
        device.read_currents([[0.1, 0.1], [bad, 0.1]])
    assert device.voltages == []


@pytest.mark.parametrize("beyond", [0.3, -0.3])
def test_a_voltage_beyond_the_limit_is_refused_whole(device, beyond):
    with pytest.raises(LimitError, match=rf"read voltage {beyond:g} V exceeds the limit of 0\.2 V"):
        device.read_currents([[0.1, 0.1], [0.1, beyond]])
    assert device.voltages == []


def test_a_voltage_at_the_limit_is_applied(device):
    device.read_currents([[0.2, -0.2]])
    assert device.voltages[0].tolist() == [[0.2, -0.2]]


def test_a_read_only_array_beyond_the_limit_is_refused_every_time(device):
    voltages = np.array([[0.3, 0.0]])
    voltages.flags.writeable = False
    for _ in range(3):
        with pytest.raises(LimitError):
            device.read_currents(voltages)
    assert device.voltages == []


def test_a_read_only_array_is_checked_again_when_the_limits_change(device):
    voltages = np.array([[0.2, 0.0]])
    voltages.flags.writeable = False
    device.read_currents(voltages)
    device.limits = Limits(read_v=0.1, pulse_v=3.0, width_s=0.1)
    with pytest.raises(LimitError, match=r"exceeds the limit of 0\.1 V"):
        device.read_currents(voltages)


def test_an_array_that_changes_between_two_reads_is_checked_again(device):
    voltages = np.array([[0.1, 0.0]])
    device.read_currents(voltages)
    voltages[0, 1] = 5.0
    with pytest.raises(LimitError, match="read voltage 5 V"):
        device.read_currents(voltages)
    assert len(device.voltages) == 1


def test_an_array_that_was_read_only_and_changes_is_checked_again(device):
    voltages = np.array([[0.1, 0.0]])
    voltages.flags.writeable = False
    device.read_currents(voltages)
    voltages.flags.writeable = True
    voltages[0, 1] = 5.0
    with pytest.raises(LimitError, match="read voltage 5 V"):
        device.read_currents(voltages)
    assert len(device.voltages) == 1


def test_a_read_only_view_of_an_array_that_changes_is_checked_again(device):
    voltages = np.array([[0.1, 0.0]])
    view = voltages.view()
    view.flags.writeable = False
    device.read_currents(view)
    voltages[0, 1] = 5.0
    with pytest.raises(LimitError, match="read voltage 5 V"):
        device.read_currents(view)


def test_a_read_only_array_reaches_the_device_as_floats_every_time(device):
    voltages = np.array([[0, 0]])
    voltages.flags.writeable = False
    for _ in range(2):
        device.read_currents(voltages)
    assert [array.dtype for array in device.voltages] == [np.float64, np.float64]


@pytest.mark.fault("F6", "I8")
@pytest.mark.parametrize(
    "answer",
    [
        np.zeros((2, 2)),
        np.zeros(3),
        np.zeros((1, 3, 1)),
        np.array([[np.nan, 0.0, 0.0]]),
        np.array([[0.0, np.inf, 0.0]]),
        np.array([[0.0, -np.inf, np.inf]]),
        [[0.0, 0.0, 0.0]],
        None,
        np.array([["a", "b", "c"]]),
    ],
    ids=["patterns", "axes", "extra axis", "nan", "inf", "both inf", "list", "None", "text"],
)
def test_a_device_that_returns_nonsense_is_a_backend_error(answer):
    device = Recorder(answer)
    with pytest.raises(BackendError, match=r"Recorder .*\(1, 3\)"):
        device.read_currents([[0.1, 0.1]])


def test_conductances_are_measured_one_row_at_a_time(device):
    measured = device.read_conductances(0.1)
    assert device.voltages[0].tolist() == [[0.1, 0.0], [0.0, 0.1]]
    # One product and one quotient of doubles.
    assert np.allclose(measured, CONDUCTANCES, rtol=1e-12, atol=0)


def test_conductances_are_positive_at_a_negative_read_voltage(device):
    assert np.allclose(device.read_conductances(-0.1), CONDUCTANCES, rtol=1e-12, atol=0)


@pytest.mark.parametrize("voltage_v", [0.0, -0.0, np.nan, np.inf])
def test_a_conductance_needs_a_finite_voltage_other_than_zero(device, voltage_v):
    with pytest.raises(DataError, match="voltage"):
        device.read_conductances(voltage_v)
    assert device.voltages == []


def test_a_conductance_read_respects_the_limit(device):
    with pytest.raises(LimitError, match=r"read voltage 0\.5 V exceeds the limit of 0\.2 V"):
        device.read_conductances(0.5)
    assert device.voltages == []


# ---------------------------------------------------------------------- pulsing


def test_counts_and_pulse_reach_the_device_unchanged(device):
    device.send_pulses([[0, 1, 2], [3, 0, 1]], PULSE)
    counts, pulse = device.pulses[0]
    assert counts.tolist() == [[0, 1, 2], [3, 0, 1]]
    assert pulse == PULSE


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (np.ones((3, 2), int), r"pulse counts have shape \(3, 2\), expected \(2, 3\)"),
        (1, r"pulse counts have shape \(\), expected \(2, 3\)"),
        ([[1.0, 0, 0], [0, 0, 0]], "pulse counts are of type float64, expected integers"),
        ([[True, False, False]] * 2, "pulse counts are of type bool, expected integers"),
        ([[0, 0, 0], [0, -1, 0]], "pulse counts hold -1, expected 0 to 1000000000"),
        ([[0, 0, 0], [0, 0]], "pulse counts"),
        ([["1", "0", "0"]] * 2, "pulse counts"),
    ],
)
def test_wrong_counts_are_refused_before_anything_is_sent(device, counts, message):
    with pytest.raises(DataError, match=message):
        device.send_pulses(counts, PULSE)
    assert device.pulses == []


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64])
def test_counts_of_any_integer_type_are_sent(device, dtype):
    device.send_pulses(np.ones((2, 3), dtype), PULSE)
    assert device.pulses[0][0].sum() == 6


@pytest.mark.fault("F7")
@pytest.mark.parametrize("amplitude_v", [3.5, -3.5])
def test_an_amplitude_beyond_the_limit_is_refused(device, amplitude_v):
    with pytest.raises(LimitError, match=rf"pulse amplitude {amplitude_v} V exceeds the limit of 3 V"):
        device.send_pulses(np.ones((2, 3), int), Pulse(amplitude_v, 0.05))
    assert device.pulses == []


def test_a_width_beyond_the_limit_is_refused(device):
    with pytest.raises(LimitError, match=r"pulse width 0\.2 s exceeds the limit of 0\.1 s"):
        device.send_pulses(np.ones((2, 3), int), Pulse(2.0, 0.2))
    assert device.pulses == []


def test_a_pulse_at_both_limits_is_sent(device):
    device.send_pulses(np.ones((2, 3), int), Pulse(-3.0, 0.1))
    assert len(device.pulses) == 1


# ---------------------------------------------------------------------- an unknown chip state


@pytest.fixture
def broken(device):
    device.failure = BackendError("relay 7 does not answer")
    with pytest.raises(BackendError, match="relay 7"):
        device.send_pulses(np.ones((2, 3), int), PULSE)
    device.failure = None
    return device


@pytest.mark.fault("V1", "F6")
def test_after_a_failed_pulse_no_further_pulse_is_sent(broken):
    with pytest.raises(ChipStateUnknown):
        broken.send_pulses(np.ones((2, 3), int), PULSE)
    assert broken.pulses == []


def test_the_refusal_names_the_first_cause_however_often_it_is_tried(broken):
    first = broken.cause_of_doubt
    for _ in range(3):
        with pytest.raises(ChipStateUnknown, match=r"relay 7 does not answer") as refusal:
            broken.send_pulses(np.ones((2, 3), int), PULSE)
        assert refusal.value.__cause__ is first
    assert broken.cause_of_doubt is first


def test_reading_the_conductances_ends_the_doubt(broken):
    broken.read_conductances(0.1)
    assert broken.cause_of_doubt is None
    broken.send_pulses(np.ones((2, 3), int), PULSE)
    assert len(broken.pulses) == 1


def test_reading_currents_does_not_end_the_doubt(broken):
    broken.read_currents([[0.1, 0.1]])
    with pytest.raises(ChipStateUnknown):
        broken.send_pulses(np.ones((2, 3), int), PULSE)


def test_a_conductance_read_that_fails_does_not_end_the_doubt(broken):
    broken.failure = BackendError("no answer")
    with pytest.raises(BackendError, match="no answer"):
        broken.read_conductances(0.1)
    broken.failure = None
    with pytest.raises(ChipStateUnknown, match="relay 7"):
        broken.send_pulses(np.ones((2, 3), int), PULSE)


def test_a_conductance_read_that_returns_nonsense_does_not_end_the_doubt(broken):
    broken.answer = np.full((2, 3), np.nan)
    with pytest.raises(BackendError):
        broken.read_conductances(0.1)
    assert broken.cause_of_doubt is not None


def test_an_interrupted_pulse_leaves_doubt_too(device):
    device.failure = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        device.send_pulses(np.ones((2, 3), int), PULSE)
    device.failure = None
    with pytest.raises(ChipStateUnknown):
        device.send_pulses(np.ones((2, 3), int), PULSE)


@pytest.mark.parametrize(("counts", "pulse"), [(np.ones((1, 1), int), PULSE), (np.ones((2, 3), int), Pulse(9.0, 0.05))])
def test_a_refused_request_leaves_no_doubt(device, counts, pulse):
    with pytest.raises((DataError, LimitError)):
        device.send_pulses(counts, pulse)
    assert device.cause_of_doubt is None


def test_a_failed_read_leaves_no_doubt_about_the_chip(device):
    device.failure = BackendError("no answer")
    with pytest.raises(BackendError):
        device.read_currents([[0.1, 0.1]])
    assert device.cause_of_doubt is None


def test_doubt_about_one_chip_is_not_doubt_about_another(broken):
    other = Recorder()
    other.send_pulses(np.ones((2, 3), int), PULSE)
    assert len(other.pulses) == 1


# ---------------------------------------------------------------------- the with statement and the defaults


def test_leaving_the_block_makes_the_chip_safe(device):
    with device as entered:
        assert entered is device
        assert device.made_safe == 0
    assert device.made_safe == 1


@pytest.mark.parametrize("error", [ValueError("wrong"), KeyboardInterrupt(), SystemExit(1)])
def test_an_exception_makes_the_chip_safe_and_goes_on(device, error):
    with pytest.raises(type(error)) as raised, device:
        raise error
    assert raised.value is error
    assert device.made_safe == 1


@pytest.mark.parametrize("method", ["_read_currents", "_send_pulses", "make_safe"])
def test_a_backend_without_one_of_the_three_methods_cannot_be_made(method):
    members = {"_read_currents", "_send_pulses", "make_safe"} - {method}
    incomplete = type("Incomplete", (DeviceBackend,), {name: getattr(Recorder, name) for name in members})
    with pytest.raises(TypeError, match=method):
        incomplete()


def test_a_device_says_at_least_what_it_is(device):
    assert device.identify() == {"backend": "Recorder"}


def test_a_chip_that_cannot_know_reports_no_saturated_cell(device):
    assert device.saturated_cells().shape == (2, 3)
    assert not device.saturated_cells().any()


def test_a_device_without_a_state_refuses_to_restore_one(device):
    device.restore(device.state())
    with pytest.raises(BackendError, match="Recorder cannot restore"):
        device.restore({"level": np.zeros((2, 3))})
