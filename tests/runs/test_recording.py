"""What a training tells, foretells and asks before it begins, in which order; nothing is opened or computed here."""

from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

from crossbar_hil import recording
from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import ConfigError, DataError, Declined
from crossbar_hil.recording import prepare_training, warn_of_chips

BENCH = load_bench("emulated")
CHIPS = SimpleNamespace(as_record=lambda: ["chips"], warnings=["few chips"])
ENDS = "ends once 3 evaluations in a row meet every target (confirm)"


class Foretold:
    about, sentence = "A twin: drawn from it", "2 of 3 converge"

    def as_record(self):
        return {"chips": 3}


@pytest.fixture
def world(monkeypatch):
    """What is found out; `said` is all that is told, asked or done, in order."""
    here = SimpleNamespace(said=[], unproven="", twin="twin", another=None, error=None, chips=CHIPS)

    def done(what, found=None):
        def call(*words, **named):
            here.said.append(what)
            return found() if callable(found) else found

        return call

    def forecast(bench, *, seed, chips):
        here.said.append(("forecast", seed, chips))
        if here.error:
            raise here.error
        return Foretold()

    class Backend:
        def read_conductances(self, read_v):
            here.said.append(("read", read_v))
            return np.ones((4, 4))

    for name, call in {
        "check_chip_keys": done("keys"),
        "check_addresses": done("addresses"),
        "digests_of": done("digests", {"curve": "1"}),
        "assumptions": lambda bench: ["it is assumed"],
        "twin_of_bench": lambda bench: here.twin,
        "with_known_noise": lambda bench: bench,
        "check_labels": done("labels"),
        "of_another_bench": lambda bench, twin: here.another,
        "why_not_proven": lambda bench: here.unproven,
        "open_checked": lambda bench, *, seed: nullcontext(Backend()),
        "moved_since": lambda twin, siemens: ["cells moved"],
        "virtual_chips": lambda bench: here.chips() if callable(here.chips) else here.chips,
        "dry_bench": lambda bench: bench,
        "lines_of_chips": lambda record: record,
        "headroom": lambda bench, siemens, *, since: SimpleNamespace(lines=["pulses left 50", str(since)]),
        "pulses_since_calibration": lambda bench: "7 since",
        "forecast": forecast,
    }.items():
        monkeypatch.setattr(recording, name, call)
    return here


def bench(kind="hardware", twin=None, **training):
    changed = {
        "kind": kind,
        "training": BENCH.training.model_copy(update={"confirm": 1, **training}),
        "chip": BENCH.chip.model_copy(update={"twin": twin}),
    }
    return BENCH.model_copy(update=changed)


def prepare(world, about, answers=(), chips=None):
    answers = iter(answers)

    def ask(question):
        world.said.append(f"? {question}")
        return next(answers)

    return prepare_training(about, seed=5, chips=chips, tell=world.said.append, ask=ask)


FIRST = ["keys", "addresses", "digests", "note    it is assumed"]
PULSES = "? training sends pulses of 2 V, 50 ms to the chip on bench emulated"
READ = [("read", 0.1), "chips", "pulses left 50", "7 since", "warning cells moved"]


def test_a_real_chip_is_read_once_all_is_checked_and_told_of_before_it_may_be_pulsed(world):
    world.unproven, world.another = "it was never commissioned", "the twin is of another bench"
    prepared = prepare(world, bench(confirm=3), [True, True])
    assert world.said == [
        *FIRST,
        "labels",
        "note    the twin is of another bench",
        ("forecast", 5, None),
        "? it was never commissioned",
        *READ,
        "warning it was never commissioned",
        f"{PULSES} and {ENDS}; of A twin 2 of 3 converge",
    ]
    assert prepared.warnings == ["cells moved", "it was never commissioned"]
    assert prepared.forecast == {"chips": 3, "counts": False}
    assert (prepared.seed, prepared.chips, prepared.files) == (5, None, {"curve": "1"})


def test_one_that_is_proven_is_asked_about_once(world):
    prepared = prepare(world, bench(), [True], chips=0)
    assert world.said == [*FIRST, "labels", *READ, PULSES]
    assert (prepared.warnings, prepared.forecast) == (["cells moved"], None)
    world.twin, world.chips = None, None
    del world.said[:]
    assert prepare(world, bench(), [True], chips=0).warnings == []
    assert world.said == [*FIRST, "labels", ("read", 0.1), "pulses left 50", "7 since", PULSES]


@pytest.mark.parametrize("answer", [False, None, "y", 1])
def test_whatever_is_not_true_is_a_no_to_either_question(world, answer):
    with pytest.raises(Declined, match="the answer was no, so no pulse was sent to the chip on bench emulated"):
        prepare(world, bench(), [answer])
    world.unproven = "it was never commissioned"
    del world.said[:]
    with pytest.raises(Declined, match="the answer was no, so nothing was sent to bench emulated"):
        prepare(world, bench(), [answer])
    assert ("read", 0.1) not in world.said


def test_a_real_chip_with_nobody_to_ask_is_refused_before_anything(world):
    with pytest.raises(ConfigError, match=r"bench emulated has a real chip.*there is nobody to ask: give ask"):
        prepare_training(bench(), seed=1, chips=0, tell=print, ask=None)
    assert world.said == []
    assert prepare_training(bench("emulated"), seed=1, chips=0, tell=world.said.append, ask=None).chips is CHIPS


@pytest.mark.parametrize("v0", [0.05, -0.2])
def test_the_chip_is_read_at_the_larger_voltage_of_training_whatever_its_sign(world, v0):
    prepare(world, bench(v0=v0, v1=-0.1), [True], chips=0)
    assert ("read", max(abs(v0), 0.1)) in world.said


def test_a_virtual_chip_is_warned_of_and_nobody_is_asked(world):
    prepared = prepare(world, bench("emulated", confirm=3))
    assert world.said == [*FIRST, "warning few chips", f"note    training {ENDS}"]
    assert (prepared.warnings, prepared.forecast, prepared.chips) == ([], None, CHIPS)
    del world.said[:]
    prepare(world, bench("emulated"))
    assert world.said == [*FIRST, "warning few chips"]
    world.chips = lambda: (_ for _ in ()).throw(DataError("no curve"))
    assert warn_of_chips(bench("emulated"), world.said.append) is None  # the run refuses it


@pytest.mark.parametrize(
    ("kind", "twin", "chips", "asked"),
    [
        ("emulated", None, None, False),
        ("emulated", None, 0, False),
        ("emulated", None, 2, True),
        ("emulated", "twin.npz", None, True),
        ("emulated", "twin.npz", 0, False),
        ("hardware", None, None, True),
        ("hardware", None, 0, False),
        ("hardware", None, 2, True),
    ],
)
def test_the_outcome_is_foretold_if_asked_for_and_else_of_real_chips_and_twins(world, kind, twin, chips, asked):
    about = bench(kind, twin)
    assert (prepare(world, about, [True], chips=chips).forecast is not None) is asked
    assert (("forecast", 5, chips) in world.said) is asked
    world.error = DataError("no curve")
    if asked and chips:
        with pytest.raises(DataError):
            prepare(world, about, [True], chips=chips)
    else:
        assert prepare(world, about, [True], chips=chips).forecast is None
        assert ("note    no virtual chips can foretell the outcome: no curve" in world.said) is asked
