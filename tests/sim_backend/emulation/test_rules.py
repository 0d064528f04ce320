"""Every rule trains a chip behind emulated instruments as it does the simulated one.

One of them here, all by ``pytest -m campaign tests/sim_backend/emulation/test_rules.py``.
"""

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.settings import make_trainer

pytestmark = pytest.mark.usefixtures("called_instruments")
SEED = 2
DEPRESS = {"depress_v": -2.8, "depress_s": 0.001}
RULES = {
    "stochastic": {"epochs": 2},
    "delta": {},
    "momentum": {},
    "sanger": {},
    "one-cell": {"rule_options": {"lift": 3}, **DEPRESS},
}


def trained(bench, rule):
    settings = {"rule": rule, "pull_back": True, "epochs": 4, **RULES[rule]}
    checked = load_bench(bench, overrides={"training": settings})
    with open_backend(checked, seed=SEED) as backend:
        task = PatternSet.from_csv(checked.training.pattern_file)
        return make_trainer(checked.training, backend, seed=SEED).run(task.train, task.train_labels)


@pytest.mark.parametrize(
    "rule", [each if each == "stochastic" else pytest.param(each, marks=pytest.mark.campaign) for each in RULES]
)
def test_a_rule_sends_the_same_pulses_behind_instruments(rule):
    found, expected = trained("emulated", rule), trained("simulated", rule)
    np.testing.assert_array_equal(found.counts, expected.counts)
    np.testing.assert_array_equal(found.depressing, expected.depressing)
    np.testing.assert_allclose(found.conductances, expected.conductances, rtol=1e-6)
    assert expected.pulses >= 16
