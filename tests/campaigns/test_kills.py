"""The kill matrix: ``CROSSBAR_HIL_KILLS=1000 pytest -m campaign -s tests/campaigns/test_kills.py``.

Several at a time need a ``CROSSBAR_HIL_SEED`` each; ``CROSSBAR_HIL_RULE=stochastic`` trains by another rule.
"""

import os

import numpy as np
import pytest

from .judge import findings
from .kills import Tally, chain, uninterrupted

KILLS = int(os.environ.get("CROSSBAR_HIL_KILLS", "1000"))
SEED = int(os.environ.get("CROSSBAR_HIL_SEED", "20261122"))
RULE = os.environ.get("CROSSBAR_HIL_RULE", "manhattan")
SEEDS = (1, 3, 4)


@pytest.mark.fault("H1", "H2", "H3", "H4", "O1", "O2", "V1", "V2", "V6", "V10")
@pytest.mark.campaign
def test_trainings_that_are_killed_again_and_again_end_as_if_nothing_had_happened(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    rng = np.random.default_rng(SEED)
    expected = {seed: uninterrupted("emulated", seed, RULE) for seed in SEEDS}
    tally = Tally()
    told = 0
    while sum(tally.kills.values()) < KILLS:
        seed = SEEDS[tally.chains % len(SEEDS)]
        chain(
            tmp_path / f"{tally.chains}",
            "emulated",
            seed,
            rng,
            int(rng.integers(1, 7)),
            expected[seed],
            findings,
            tally,
            rule=RULE,
        )
        print(tally, *tally.violations[told:], sep="\n", flush=True)  # noqa: T201 - the campaign's account
        told = len(tally.violations)
    assert tally.violations == [], str(tally)
