"""Random faults on short trainings; a failing seed is repeated by its number.

The short profile takes a few seeds; more:
``CROSSBAR_HIL_SEEDS=1000 pytest -m campaign -s tests/campaigns/test_random_faults.py``.
"""

import os
from collections import Counter

import pytest

from crossbar_hil.sim_backend.emulation.nemesis.faults import Nemesis

from .faulty_bench import DEADLINE_S, train_on

SEEDS = int(os.environ.get("CROSSBAR_HIL_SEEDS", "1000"))
RATE = 0.0005
"""Probability of each kind of fault at each message; a training has about 1,600 messages."""

LASTING_S = 1.3 * DEADLINE_S
"""How long what lasts does: past a deadline, but not past the half of another that a source has then."""
SHORTED = 235
"""In this one a cell shorts in the middle of a batch of pulses on the bench with a divider."""


def outcome_of(folder, seed):
    """Train two evaluations on a bench on which the faults of a seed happen, and say how that ended."""
    nemesis = Nemesis.random(seed, rate=RATE, seconds=LASTING_S)
    name = ("emulated", "emulated-single")[seed % 2]
    ending = train_on(folder, nemesis.as_json(), name=name, seed=1 + seed % 5)
    if ending.findings:
        pytest.fail(f"seed {seed} on {name}, {', '.join(nemesis.chances.verbs)}: {ending.findings}")
    return "done" if ending.error is None else type(ending.error).__name__


@pytest.mark.fault("V1", "V2", "V4", "V5", "V6", "V7", "V8", "V9", "V15")
@pytest.mark.parametrize("seed", [*range(4), SHORTED])
def test_random_faults_do_no_harm(tmp_path, seed):
    outcome_of(tmp_path / "run", seed)


@pytest.mark.campaign
def test_random_faults_of_many_seeds_do_no_harm(tmp_path):
    tally, failed = Counter(), []
    for seed in range(100, 100 + SEEDS):
        try:
            tally[outcome_of(tmp_path / str(seed), seed)] += 1
        except pytest.fail.Exception as failure:
            failed.append(str(failure))
            print(failure, flush=True)  # noqa: T201 - the campaign's account
    print(f"{SEEDS} seeds: {dict(tally)}, {len(failed)} violations", flush=True)  # noqa: T201
    assert failed == []
