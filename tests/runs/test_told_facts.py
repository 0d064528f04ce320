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


def test_what_the_instruments_did_is_told_with_drift_of_kept_zeros_and_closings():
    done = {"readings": 264, "meters": 2, "batches_by_cell": 3, "zero_every": 4, "zeros_taken_again": 8}
    done |= {"zero_drift_rms_a": 4e-12, "zero_drift_largest_a": 9e-12}
    done |= {"relay_closings": 173, "most_closed": "1A01", "its_closings": 20}
    assert told_facts({"bench_work": done}) == [
        (
            "What the instruments did",
            "264 readings, 2 columns at a time, batches by cell: 3, "
            "8 zero readings taken again, off by 4 pA (rms), 9 pA at most, "
            "relays closed 173 times, most often 1A01, 20 times",
        )
    ]


ODD = ["", "x", 0, 1.5, True, [], [1, "a"], {}, {"acts": 1}, {"a": {"b": None}}, {"versions": []}]


def test_what_another_version_recorded_is_told_as_it_is():
    for value in ODD:
        for facts in (*({key: value} for key in FACTS), *({"device": {part: value}} for part in PARTS)):
            assert all(isinstance(each, str) for line in told_facts(facts) for each in line), facts


def test_lines_and_bad_cells_are_told_by_their_places_on_the_chip():
    bad = [{"row": 3, "column": 4, "verdict": "stuck low"}, {"row": 1, "column": 2, "verdict": "open"}]
    assert told_facts({"lines": {"rows": [3, 1], "columns": [2, 5]}, "bad_cells": bad}) == [
        ("Lines of the chip", "the network is on rows 3, 1 and columns 2, 5 of the chip, in this order"),
        ("Bad cells, left out", "row 3 column 4 (stuck low), row 1 column 2 (open)"),
    ]
