"""A few of the planted faults, on benches of 2 x 2 cells; `test_planted_faults.py` tries them all."""

import json
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.commissioning import commissioning
from crossbar_hil.commissioning.commissioning import with_board
from crossbar_hil.commissioning.electrical import electrical_hash
from crossbar_hil.commissioning.record import folder_of, why_not_proven
from crossbar_hil.commissioning.report import keep
from crossbar_hil.commissioning.steps import Step
from crossbar_hil.errors import ConfigError, Stopped
from crossbar_hil.instrument import Identity

from .planted import FAULTS, ONE, SMALL, TWO, Planted, board_of, channel, commissioned, in_process, relay, text_of

KNOWN = {planted.name: planted for planted in FAULTS}
GAIN = KNOWN["gain of the meter 2 % off"]


@cache
def sound(bench):
    return commissioned(Planted("nothing", "", bench=bench), tables=SMALL)


@cache
def with_gain_off():
    return commissioned(GAIN, tables=SMALL)


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.mark.parametrize("bench", [TWO, ONE])
def test_a_sound_bench_passes_every_step(bench):
    found = sound(bench)
    assert [step.name for step in found.steps if step.verdict not in ("passed", "not measured")] == []
    assert found.passed
    assert found.shares == pytest.approx(np.ones((2, 2)), rel=1e-4)


@pytest.mark.parametrize(
    "planted",
    [
        GAIN,
        KNOWN["pulse 20 % too long"],
        KNOWN["compliance at twice the current"],
        KNOWN["guard off by 10 mV"],
        Planted("ground welded on a row", "every crosspoint", relay("stuck_closed", 3, 2),
                says="between port ground and row 2 is always closed"),
    ],
    ids=lambda planted: planted.name,
)  # fmt: skip
def test_a_planted_fault_is_found_by_its_step_and_explained(planted):
    found = with_gain_off() if planted is GAIN else commissioned(planted, tables=SMALL)
    failed = [step.name for step in found.steps if step.verdict == "failed"]
    assert any(name.startswith(planted.found_by) for name in failed)
    assert planted.says in text_of(found)
    assert not found.passed


def test_a_board_that_the_file_names_is_the_one_that_is_there():
    bench, said = load_bench(TWO), np.full((4, 4), 2e6)
    assert with_board(bench, said).emulation.resistors == said.tolist()
    other = load_bench(TWO, overrides={"emulation": {"resistors": "1 MOhm"}})
    assert with_board(other, said).emulation.resistors == 1e6


@pytest.mark.parametrize(
    ("share", "step", "says"),
    [
        (1e-3, "every crosspoint", "no cell can be measured: each has less than 10 kohm instead of 1 Mohm to"),
        (10.0, "gain", "the board has 10 times the resistance that was said, 1 Mohm to"),
    ],
)
def test_a_board_that_is_nothing_like_the_one_that_was_said_is_named_first(share, step, says):
    found = commissioned(Planted("board", step), tables=SMALL, there=share * board_of((2, 2)))
    failed = next(each for each in found.steps if each.verdict == "failed")
    assert failed.name.startswith(step)
    assert failed.causes[0].startswith(says)
    assert "are the values in another unit (ohm, kohm, Mohm), or is it another board?" in failed.causes[0]


@pytest.mark.parametrize("ohm", [1.0, 9.9e3, 101e6])
def test_a_board_that_the_bench_cannot_measure_is_refused_before_anybody_is_asked(ohm):
    """0.1 V through 10 kohm are 10 uA, its range; through 100 Mohm a ten thousandth of that."""
    with pytest.raises(ConfigError, match=r"the board must have 10 kohm to 100 Mohm; are the values in kohm or Mohm\?"):
        commissioned(Planted("board", ""), tables=SMALL, ohms=np.full((2, 2), ohm))


def test_after_a_failure_that_could_harm_a_chip_no_pulse_is_sent():
    exposed = []

    def plant(emulated):
        channel("smu.b", gain=-1.0)(emulated)
        exposed.append(emulated.world.log)

    found = commissioned(Planted("sign", "sign", plant), tables=SMALL)
    assert [step.verdict for step in found.steps][-5:] == ["not done"] * 5
    assert exposed[0].of("exposure") == []


def test_a_commissioning_proves_the_bench_until_something_electrical_changes():
    bench = load_bench("emulated")
    assert "was never commissioned" in why_not_proven(bench)
    found = sound(TWO)
    page, record = keep(found)
    assert page.parent == record.parent == folder_of(found.bench)
    assert json.loads(record.read_text())["bench_sha256"] == electrical_hash(found.bench)
    assert "every crosspoint" in page.read_text()
    assert f'href="{record.name}"' in page.read_text()
    assert why_not_proven(found.bench) == ""
    training = found.bench.training.model_copy(update={"epochs": 7})
    assert why_not_proven(found.bench.model_copy(update={"training": training, "chip_id": "A7"})) == ""
    measurement = found.bench.measurement.model_copy(update={"compliance_a": 1e-3})
    changed = found.bench.model_copy(update={"measurement": measurement})
    assert "has changed since it was commissioned on" in why_not_proven(changed)
    assert "[measurement]" in why_not_proven(changed)


def test_the_board_is_put_in_on_an_emulated_bench_without_a_table_emulation():
    bare = load_bench("emulated").model_copy(update={"emulation": None})
    assert with_board(bare, np.full((4, 4), 2e6)).emulation.resistors == [[2e6] * 4] * 4


@pytest.mark.parametrize(("met", "cables"), [(("smu", "matrix"), False), (("smu",), True)])
def test_a_mistake_in_the_file_is_laid_on_cables_only_where_an_instrument_was_not_met(monkeypatch, met, cables):
    def checked(file, seen, trains):
        for name in met:
            seen(name, Identity("Maker", "Model", "1", "1"))
        return [f"{file}: something is wrong"]

    monkeypatch.setattr(commissioning, "check_bench", checked)
    step = commissioning._identity("lab", commissioning.Commissioning(load_bench("emulated"), np.ones((4, 4)), 0.01))
    assert step.verdict == "failed"
    assert ("two cables exchanged" in step.causes[0]) == cables
    assert "`crossbar-hil check`" in step.causes[0]


def test_steps_that_were_not_measured_are_not_counted_as_passed():
    steps = [Step("one", verdict="passed"), Step("two", verdict="not measured")]
    found = commissioning.Commissioning(load_bench("emulated"), np.ones((4, 4)), 0.01, steps=steps)
    assert (found.summary, found.passed) == ("1 steps passed, 1 not measured", True)


def test_a_bench_that_failed_is_not_proven():
    found = with_gain_off()
    keep(found)
    assert "failed its commissioning on" in why_not_proven(found.bench)


@pytest.mark.fault("O1")
def test_whoever_stops_a_commissioning_is_no_finding_of_it(monkeypatch):
    def pressed(*_):
        raise Stopped("stopped: Ctrl-C was pressed")

    @contextmanager
    def opener(bench):
        with in_process(bench) as session:
            session.look = pressed
            yield session

    with pytest.raises(Stopped) as caught:
        commissioned(Planted("nothing", ""), tables=SMALL, opener=opener)
    assert caught.value.__notes__ == ["the commissioning did not come to its end, so it leaves no page and no record"]
    found = commissioning.Commissioning(load_bench(TWO), np.ones((4, 4)), 0.01)
    monkeypatch.setattr(commissioning.pulses, "height", pressed)
    with pytest.raises(Stopped):
        commissioning._pulse_steps(found, found.steps.append, SimpleNamespace(bench=found.bench), None)
    assert found.steps == []
