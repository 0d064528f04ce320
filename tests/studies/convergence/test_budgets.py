"""What a cell may ever get, held against what trainings of virtual chips sent to one, counted here by a chip itself."""

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.sim_backend import SimulatedBackend
from crossbar_hil.studies.convergence.budgets import CHIPS, find_short_budgets

EPOCHS = 12


def bench(name="emulated", **limits):
    tables = {"limits": limits, "training": {"pull_back": True, "epochs": EPOCHS}}
    return load_bench(name, overrides=tables)


@pytest.fixture
def sent(monkeypatch):
    """Most pulses that a cell of each chip got, as the chips were sent them."""
    real, totals = SimulatedBackend._send_pulses, {}

    def send(chip, counts, pulse):
        totals[id(chip)] = totals.get(id(chip), (np.zeros_like(counts), chip))[0] + counts, chip
        return real(chip, counts, pulse)

    monkeypatch.setattr(SimulatedBackend, "_send_pulses", send)
    return lambda: sorted(int(total.max()) for total, _ in totals.values())


@pytest.mark.fault("C11")
def test_a_budget_that_most_virtual_chips_exceed_is_named_with_what_they_need(sent):
    (told,) = find_short_budgets(bench(pulses=2))
    most = sent()
    over = sum(each > 2 for each in most)
    assert over > CHIPS / 2
    assert told == (
        f"limits.pulses of 2 does not hold the training: a cell of {over} of 20 virtual chips needs more, up to "
        f"{most[-1]}; allow that, or fewer epochs"
    )


@pytest.mark.fault("C11")
def test_a_dose_is_volts_times_seconds(sent):
    (told,) = find_short_budgets(bench(dose_vs="0.2 V s"))  # two pulses of 2 V and 50 ms
    assert told.startswith("limits.dose_vs of 0.2 V s does not hold the training")
    assert f"up to {0.1 * sent()[-1]:g} V s" in told


@pytest.mark.fault("C11")
def test_what_is_gone_already_counts(sent):
    (told,) = find_short_budgets(bench(pulses=1000), (998, 0.0))
    assert told.startswith("limits.pulses of 1000, of which 998 are gone, does not hold the training")


@pytest.mark.parametrize("limits", [{"pulses": EPOCHS - 1, "dose_vs": "1.1 V s"}, {"pulses": 10_000}])
def test_where_all_epochs_fit_no_chip_is_trained(sent, limits):
    """No pulse follows the last evaluation, so a cell gets one fewer than there are epochs."""
    assert find_short_budgets(bench(**limits)) == []
    assert sent() == []


@pytest.mark.fault("C11")
def test_a_budget_that_one_chip_exceeds_and_most_keep_is_not_named(sent):
    find_short_budgets(bench(pulses=2))
    most = sent()
    assert most[CHIPS // 2] < most[-1]
    assert find_short_budgets(bench(pulses=most[-1] - 1)) == []


def test_check_names_it(cli, tmp_path):
    text = bench(pulses=2).as_toml()
    (tmp_path / "lab.toml").write_text(text, encoding="utf-8")
    done = cli("check", "lab.toml")
    assert done.code == 1
    assert done.out.startswith("bench emulated: limits.pulses of 2 does not hold the training")
