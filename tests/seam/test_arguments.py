"""What a script calls refuses every value of a wrong type in one sentence, before anything is opened or sent."""

from pathlib import Path

import numpy as np
import pytest

from crossbar_hil import CrossbarError, Limits, Pulse, Trainer, load_run, open_bench, record
from crossbar_hil.bench.characterisation import characterise
from crossbar_hil.errors import ConfigError
from crossbar_hil.runs.store import list_runs
from crossbar_hil.training.updates import Update

PULSE = Pulse(2.0, 0.05)
ZEROS = np.zeros((4, 4), dtype=np.int64)
JUNK = {
    "none": None,
    "flag": True,
    "numpy flag": np.bool_(True),
    "fraction": 1.5,
    "negative": -1,
    "beyond all": 10**400,
    "nan": float("nan"),
    "complex": 1j,
    "text": "1",
    "nul": "a\0b",
    "bytes": b"x",
    "list": [1],
    "pair": (0, 0),
    "table": {},
    "table of a number": {"training": 5},
    "table of pairs": {"training": [("epochs", 3)]},
    "table with a number for a name": {1: {2: 3}},
    "table of an object": {"training": {"epochs": object()}},
    "set": {1},
    "array": np.ones(3),
    "path": Path("nowhere"),
    "object": object(),
    "function": lambda *_: None,
}
PLAIN = {"function": {"function"}, "flag": {"flag", "numpy flag"}, "pulse": set(), "path": {"path", "text"}}
NONE = {"none"}
# What is taken of these, argument by argument; every other one is refused.
RECORD = {
    "bench": set(),
    "seed": NONE | {"beyond all"},
    "task": NONE,
    "preset": NONE,
    "overrides": NONE | {"table"},
    "out": PLAIN["path"],
    "label": {"text", "nul"},
    "chips": NONE,
    "ask": NONE | PLAIN["function"],
    "tell": PLAIN["function"],
    "show": PLAIN["function"],
}
OPEN_BENCH = {"name_or_file": set(), **{name: RECORD[name] for name in ("seed", "task", "preset", "overrides")}}
TRAINER = {
    "backend": set(),
    "pulse": NONE,
    "beta": {"fraction"},
    "target": set(),
    "target0": NONE,
    "epochs": {"beyond all"},
    "v0": {"fraction", "negative"},
    "v1": {"fraction", "negative"},
    "rule": PLAIN["function"],
    "pull_back": PLAIN["flag"],
    "dead_zone": {"fraction"},
    "update": NONE,
    "confirm": NONE,
    "give_up": NONE | PLAIN["flag"],
    "unresponsive": NONE | {"beyond all"},
    "check_labels": PLAIN["flag"],
}
UPDATE = {
    "pulse": set(),
    "depress": NONE,
    "both_ways": set(),
    "ceiling_siemens": NONE,
    "verify_siemens": NONE | {"fraction"},
    "tries": set(),
}
LIMITS = {
    **{name: {"fraction"} for name in ("read_v", "pulse_v", "width_s", "jump")},
    "pulses": NONE,
    "dose_vs": NONE | {"fraction"},
}
CHARACTERISE = {
    **{name: set() for name in ("pulses", "up", "reads", "rest")},
    "cell": {"pair"},
    "read_v": {"negative"},
    "down": NONE,
}
TASK = {"patterns": [[1, 0, 0, 0]], "labels": [[1, 0]]}


@pytest.fixture(scope="module")
def backend():
    with open_bench("simulated", seed=1) as opened:
        yield opened


@pytest.fixture
def calls(backend, tmp_path):
    """Return what a script calls, by name: the call, what it is given otherwise, and what is taken of the junk."""
    short = {"seed": 1, "overrides": {"training": {"epochs": 1}}, "out": tmp_path / "runs", "tell": lambda line: None}
    measured = {"cell": (0, 0), "pulses": 1, "read_v": 0.1, "up": PULSE, "down": Pulse(-2.8, 0.05)}
    limits = {"read_v": 0.2, "pulse_v": 3.0, "width_s": 0.1}
    one = Trainer(backend, epochs=1)
    return {
        "record": (record, short, RECORD),
        "open_bench": (lambda **given: open_bench(**given).make_safe(), {"seed": 1}, OPEN_BENCH),
        "load_run": (load_run, {}, {"folder": set()}),
        "Trainer": (lambda **given: Trainer(**{"backend": backend, **given}), {}, TRAINER),
        "from_bench": (Trainer.from_bench, {}, {"backend": set()}),
        "run": (one.run, TASK, {"patterns": set(), "labels": set()}),
        "Update": (Update, {"pulse": PULSE}, UPDATE),
        "Pulse": (
            Pulse,
            {"amplitude_v": 2.0, "width_s": 0.05},
            {"amplitude_v": {"fraction", "negative"}, "width_s": {"fraction"}},
        ),
        "Limits": (Limits, limits, LIMITS),
        "read_currents": (backend.read_currents, {}, {"voltages": set()}),
        "read_conductances": (backend.read_conductances, {}, {"voltage_v": {"negative"}}),
        "send_pulses": (backend.send_pulses, {"counts": ZEROS, "pulse": PULSE}, {"counts": set(), "pulse": set()}),
        "characterise": (lambda **given: list(characterise(backend, **given)), measured, CHARACTERISE),
    }


def refusal_of(call, given):
    """Return in which words something is refused, None if it is not; any other exception is a fault."""
    try:
        call(**given)
    except CrossbarError as error:
        return str(error)
    return None


NAMES = (
    *("record", "open_bench", "load_run", "Trainer", "from_bench", "run", "Update", "Pulse", "Limits"),
    *("read_currents", "read_conductances", "send_pulses", "characterise"),
)


@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_script_hands_over_is_taken_or_refused_in_a_sentence(calls, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call, usual, arguments = calls[name]
    for argument, fitting in arguments.items():
        taken = set()
        for kind, value in JUNK.items():
            if name == "record" and kind in fitting:
                continue  # each would be a whole run
            said = refusal_of(call, {**usual, argument: value})
            assert said is None or (said and "\n" not in said), (argument, kind)
            taken |= {kind} if said is None else set()
        assert taken == (set() if name == "record" else fitting), argument
    assert list_runs(tmp_path / "runs") == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"seed": "1"}, "seed must be a whole number of at least 0, or None, not '1'"),
        ({"seed": True}, "seed must be a whole number of at least 0, or None, not True"),
        ({"chips": 2.5}, "chips must be a whole number of at least 0, or None, not 2.5"),
        ({"label": object()}, "label must be text, not of type object"),
        ({"overrides": [1]}, "overrides must be a Mapping, or None, not of type list"),
        (
            {"chips": 10**9},
            "a forecast by more than 100000 virtual chips tells hardly more than by so many",
        ),
    ],
)
def test_a_wrong_type_is_named_with_what_is_expected(given, said, tmp_path):
    with pytest.raises(CrossbarError) as refusal:
        record("simulated", out=tmp_path, tell=lambda line: None, **given)
    assert str(refusal.value) == said


def test_a_bench_may_be_a_path_and_a_seed_a_number_of_numpy(tmp_path):
    with pytest.raises(ConfigError, match=r"lab\.toml"):
        open_bench(tmp_path / "lab.toml", seed=np.int64(1))
    run = record("simulated", seed=np.int64(1), chips=np.int64(0), out=tmp_path, tell=lambda line: None)
    assert run.facts["seed"] == 1
