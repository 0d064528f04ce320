import json

import numpy as np
import pytest

from crossbar_hil.backend import DeviceBackend, Limits, Pulse
from crossbar_hil.errors import DataError, LimitError, RunError
from crossbar_hil.twins.calibration import calibrate
from crossbar_hil.twins.readings import Map, Sent, Spare, load_readings, new_readings

FACTS = {"rows": 1, "columns": 2, "read_v": 0.1, "amplitude_v": 2.0, "width_s": 0.05}
UP = Pulse(2.0, 0.05)


class Scripted(DeviceBackend):
    """A chip that writes down what is done to it; each pulse adds 1 uS, each read takes half a second."""

    kind = "simulated"
    limits = Limits(read_v=0.2, pulse_v=2.5, width_s=0.1, pulses=3)

    def __init__(self, shape=(1, 2)):
        self.shape = shape
        self.done = []
        self.time = 0.0
        self.siemens = np.full(shape, 1e-6)

    def _read_currents(self, voltages):
        self.done.append("read")
        self.time += 0.5
        return voltages @ self.siemens

    def _send_pulses(self, counts, pulse):
        self.done.append(counts.tolist())
        self.siemens = self.siemens + 1e-6 * counts

    def make_safe(self):
        pass

    def now(self):
        return self.time

    def wait(self, seconds):
        self.time += seconds


def run(backend, **more):
    usual = {"pulse": UP, "pulses": 2, "reads": 3, "read_v": 0.1}
    return list(calibrate(backend, **{**usual, **more}))


def test_every_cell_is_read_before_the_first_pulse_and_after_each():
    backend = Scripted()
    steps = run(backend)
    assert backend.done == ["read"] * 3 + [[[1, 1]]] + ["read"] * 3 + [[[1, 1]]] + ["read"] * 3
    assert [step.pulses for step in steps] == [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]
    assert [isinstance(step, Sent) for step in steps].count(True) == 2
    assert steps[-1].siemens == pytest.approx(np.full((1, 2), 3e-6))


def test_what_will_be_sent_is_handed_out_before_it_is_sent():
    backend = Scripted()
    for step in calibrate(backend, pulse=UP, pulses=1, reads=2, read_v=0.1):
        if isinstance(step, Sent):
            assert [[1, 1]] not in backend.done
            break


def test_a_cell_that_is_left_out_gets_no_pulse():
    backend = Scripted()
    run(backend, left_out=np.array([[True, False]]))
    assert [step for step in backend.done if step != "read"] == [[[0, 1]], [[0, 1]]]


@pytest.mark.parametrize(
    ("more", "error", "message"),
    [
        ({"pulses": 0}, DataError, "at least 1 pulse"),
        ({"reads": 1}, DataError, "2 readings"),
        ({"pulse": Pulse(-2.0, 0.05)}, DataError, "does not potentiate"),
        ({"pulse": Pulse(3.0, 0.05)}, LimitError, "exceeds the limit of 2.5 V"),
        ({"pulses": 4}, LimitError, "limit of 3 pulses"),
        ({"watch_s": 5.0}, DataError, "whose time is known"),
        ({"read_v": 0.3}, LimitError, "read voltage 0.3 V exceeds the limit of 0.2 V"),
        ({"read_v": -0.3}, LimitError, "read voltage -0.3 V exceeds the limit of 0.2 V"),
        ({"read_v": 0.0}, DataError, "must be finite and not zero"),
        ({"read_v": float("nan")}, DataError, "must be finite and not zero"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_read_or_sent(more, error, message):
    backend = Scripted()
    with pytest.raises(error, match=message):
        run(backend, **more)
    assert backend.done == []


def test_a_chip_is_watched_after_the_last_pulse_only():
    backend = Scripted()
    steps = [step for step in run(backend, clock=backend, watch_s=60.0) if isinstance(step, Map)]
    after = [step.seconds for step in steps if step.pulses == 2]
    assert [len([step for step in steps if step.pulses == number]) for number in (0, 1)] == [3, 3]
    assert after[:3] == [0.5, 1.0, 1.5]
    assert after[-1] == pytest.approx(60.0, abs=1.0)
    assert after[-2] < 60.0
    assert len(after) < 60


def write(path, steps):
    with new_readings(path, FACTS) as file:
        for step in steps:
            file.add(step)


UNIT = 2.0**-20
"""About 1 uS, and multiples of it are exact."""


def maps(pulses, *values):
    return [Map(pulses, None, UNIT * np.array([[value, 2 * value]])) for value in values]


def test_readings_come_back_as_they_were_written(tmp_path):
    path = tmp_path / "a.jsonl"
    write(path, [Spare((0, 1), 0, 1e-7), Spare((0, 1), 1, 3e-7), *maps(0, 1.0, 1.5), Sent(1), *maps(1, 2.0, 2.5, 3.0)])
    found = load_readings(path)
    assert found.pulses == 1
    assert found.shape == (1, 2)
    assert [(each / UNIT).tolist() for each in found.rounds()][1] == [[[2.0, 4.0]], [[2.5, 5.0]], [[3.0, 6.0]]]
    assert found.seconds() is None
    assert found.spare_curves()[0, 1].tolist() == [1e-7, 3e-7]


def test_every_line_is_in_the_file_before_the_next_is_taken(tmp_path):
    path = tmp_path / "a.jsonl"
    with new_readings(path, FACTS) as file:
        for number, step in enumerate(maps(0, 1.0, 2.0, 3.0), start=1):
            file.add(step)
            assert len(path.read_text().splitlines()) == number + 1


def test_a_file_that_is_there_is_not_overwritten(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("mine")
    with pytest.raises(RunError, match="exists already"), new_readings(path, FACTS):
        pass
    assert path.read_text() == "mine"


def test_a_file_of_readings_of_which_the_first_failed_is_gone_and_of_a_later_one_is_named(tmp_path):
    path = tmp_path / "a.jsonl"
    with pytest.raises(OSError, match="cable") as caught, new_readings(path, FACTS):
        raise OSError("cable")
    assert not path.exists()
    assert not hasattr(caught.value, "__notes__")
    with pytest.raises(AttributeError) as caught:
        write(path, [*maps(0, 1.0), None])
    assert len(path.read_text().splitlines()) == 2
    assert caught.value.__notes__ == [f"what was read is kept in {path}; calibrate with --from {path} fits it"]


def test_pulses_after_which_nothing_was_read_are_told(tmp_path):
    path = tmp_path / "a.jsonl"
    write(path, [*maps(0, 1.0, 1.0), Sent(1), *maps(1, 2.0, 2.0), Sent(2)])
    with pytest.raises(DataError, match="ends with pulse 2 of each cell and no reading after it"):
        load_readings(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        json.dumps({"rows": 1}),
        json.dumps({"calibration": 2, **FACTS}),
        json.dumps({"calibration": 1, "rows": 1, "columns": 2}),
        json.dumps({"calibration": 1, **FACTS}) + "\n" + json.dumps({"pulses": 0, "seconds": None, "siemens": [[1.0]]}),
    ],
)
def test_what_are_no_readings_is_told(tmp_path, text):
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    with pytest.raises(DataError, match=r"a\.jsonl"):
        load_readings(path)


@pytest.mark.parametrize(("siemens", "refused"), [([1e-6, 2e-6], False), ([1e-6, 400.0, 2e-6], False), ([1, 2], True)])
def test_readings_in_another_unit_are_refused_and_a_shorted_cell_is_not(tmp_path, siemens, refused):
    path = tmp_path / "r.jsonl"
    with new_readings(path, {**FACTS, "columns": len(siemens)}) as file:
        for _ in range(3):
            file.add(Map(0, None, np.array([siemens], dtype=np.float64)))
    if refused:
        with pytest.raises(DataError, match=r"r\.jsonl holds no readings of a calibration: its readings of 1\.5 S"):
            load_readings(path)
    else:
        assert len(load_readings(path).maps) == 3
