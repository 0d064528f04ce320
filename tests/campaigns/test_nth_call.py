"""Fail the n-th exchange of one epoch, for every n and in every way in which a link fails.

The short profile takes one exchange for each way, on a chip of 2 x 2 cells, where an epoch has each kind of exchange.
``pytest -m campaign -s tests/campaigns/test_nth_call.py`` takes every exchange (an hour); ``CROSSBAR_HIL_CHIP=4`` those
on a chip of 4 x 4 (hours), ``CROSSBAR_HIL_STRIDE=25`` only every 25th, and
``CROSSBAR_HIL_BENCH=emulated-single`` the bench with one source.
"""

import os
from collections import Counter

import pytest

from .faulty_bench import DEADLINE_S, train_on

pytestmark = [
    pytest.mark.fault("T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9", "T10", "T11", "T12", "T18"),
    pytest.mark.fault("V1", "V2", "V3", "V6", "V13", "V15"),
]
STRIDE = int(os.environ.get("CROSSBAR_HIL_STRIDE", "1"))
"""Every so-maniest exchange; 1 is all of them."""
CHIP = int(os.environ.get("CROSSBAR_HIL_CHIP", "2"))
"""Rows and columns in the campaign."""
BENCH = os.environ.get("CROSSBAR_HIL_BENCH", "emulated")
"""Shipped bench of the campaign."""
FIRST = 1 + int(os.environ.get("CROSSBAR_HIL_FIRST", "0"))
LATE_S = 1.5 * DEADLINE_S
WAYS = {
    "late": {"seconds": LATE_S},
    "drop": {},
    "drop_command": {},
    "dup": {},
    "cut": {"n": 3},
    "garbage": {},
    "swap": {},
    "extra": {},
    "dribble": {},
    "fin": {},
    "rst": {},
    "blackhole": {"seconds": LATE_S},
}


def nemesis(verb, at):
    return {"seed": 1, "faults": [{"verb": verb, "at": at, "args": WAYS[verb]}]}


def small(folder):
    """Return the settings of a bench of a chip of 2 x 2 cells, which is asked for AND: it needs a bias to learn it."""
    patterns = folder / "and.csv"
    patterns.write_text("pattern,label,set\n00,0,train\n01,0,train\n10,0,train\n11,1,train\n", encoding="utf-8")
    return {
        "chip": {"rows": 2, "columns": 2},
        "wiring": {"rows": [1, 2], "columns": [5, 6]},
        "training": {"epochs": 2, "patterns": str(patterns), "check_labels": False},
    }


def exchanges(folder, **overrides):
    """Return the number of exchanges of a training of one epoch and its evaluation."""
    ending = train_on(folder / "run", {"seed": 1, "faults": []}, deadline_s=60.0, **overrides)
    assert ending.error is None
    assert ending.findings == []
    return ending.calls


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("count")
    return exchanges(folder, **small(folder))


def outcome_of(folder, verb, at, **overrides):
    ending = train_on(folder, nemesis(verb, at), **overrides)
    if ending.findings:
        pytest.fail(f"{verb} at exchange {at}: {ending.findings}")
    return "done" if ending.error is None else type(ending.error).__name__


@pytest.mark.parametrize("verb", WAYS)
def test_a_link_that_fails_at_some_exchange_does_no_harm(tmp_path, calls, verb):
    at = 1 + calls * list(WAYS).index(verb) // len(WAYS)
    outcome_of(tmp_path / "run", verb, at, **small(tmp_path))


@pytest.mark.campaign
@pytest.mark.parametrize("verb", WAYS)
def test_a_link_that_fails_at_any_exchange_does_no_harm(tmp_path, verb):
    settings = {"name": BENCH, **(small(tmp_path) if CHIP == 2 else {})}
    calls = exchanges(tmp_path, **settings)
    tally = Counter(outcome_of(tmp_path / str(at), verb, at, **settings) for at in range(FIRST, calls + 1, STRIDE))
    print(f"{BENCH}, {verb}: {sum(tally.values())} of {calls} exchanges failed, {dict(tally)}, 0 violations")  # noqa: T201
