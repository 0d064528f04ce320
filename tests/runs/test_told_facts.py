from pathlib import Path

import pytest

from crossbar_hil import load_run
from crossbar_hil.runs.told_facts import FACTS, PARTS, told_facts

OLD = sorted(each for each in (Path(__file__).parent / "written_by_0_1_0").iterdir() if each.is_dir())


@pytest.mark.parametrize("place", range(5))
def test_no_fact_is_told_as_the_record_spells_it(place, converged_run):
    facts = load_run([converged_run, *OLD][place]).facts
    told = dict(told_facts(facts))
    assert not any("_" in each or each.islower() for each in told)
    assert not any(mark in text for text in told.values() for mark in ("options (", "none"))
    assert told["Seed"] == str(facts["seed"])
    assert told["Started"] == facts["started_utc"].replace("T", " ").replace("+00:00", " UTC")


def test_a_learning_rule_is_told_in_a_sentence(converged_run):
    told = dict(told_facts(load_run(converged_run).facts))
    assert told["Learning rule"] == (
        "acts once all patterns have been read; at most 1 pulse a cell each time; "
        "its answer depends on the readings alone"
    )


def test_the_work_of_the_instruments_is_told_in_a_line():
    work = {
        "readings": 96, "batches_by_cell": 1, "batches_by_pattern": 3, "zeros_taken_again": 2,
        "zero_drift_rms_a": 1.5e-10, "zero_drift_largest_a": None,
        "relay_closings": 157, "most_closed": "1A02", "its_closings": 16,
    }  # fmt: skip
    assert told_facts({"bench_work": work}) == [
        (
            "Work of the instruments",
            "96 readings, 3 batches by pattern, 1 batch by cell, 2 zeros taken again, their drift 150 pA, "
            "relays closed 157 times, 16 of them of 1A02",
        )
    ]


ODD = ["", "x", 0, 1.5, True, [], [1, "a"], {}, {"acts": 1}, {"a": {"b": None}}, {"versions": []}]


def test_what_another_version_recorded_is_told_as_it_is():
    for value in ODD:
        for facts in (*({key: value} for key in FACTS), *({"device": {part: value}} for part in PARTS)):
            assert all(isinstance(each, str) for line in told_facts(facts) for each in line), facts
