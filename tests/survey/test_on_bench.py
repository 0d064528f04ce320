"""The survey of a chip behind emulated instruments: planted faults by name, its pulses through the guard."""

import json
from pathlib import Path

import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.errors import ComplianceError, CrossbarError, LimitError, OverrangeError
from crossbar_hil.guard.journal import read_journal
from crossbar_hil.guard.opening import open_bench
from crossbar_hil.guard.replay import count_pulses
from crossbar_hil.survey.on_bench.surveying import cells_of, check_survey, healthy_of, notes_of
from crossbar_hil.survey.surveying import Probe, survey

PROBE = Probe(2, Pulse(2.0, 0.05), None)


@pytest.fixture
def laid(tmp_path):
    """Tables of a bench whose chip of 3 x 4 cells has one of each fault."""
    siemens = np.full((3, 4), 4.5e-7)
    siemens[0, 3], siemens[1, 1], siemens[2, 2] = 9e-5, 3e-7, 6.3e-7
    (tmp_path / "map.json").write_text(json.dumps({"conductance_siemens": siemens.tolist()}), encoding="utf-8")
    chip = {"rows": 3, "columns": 4, "start": str(tmp_path / "map.json"), "stuck": [[0, 3], [1, 1], [2, 2]]}
    return {"chip": {**chip, "dead": [[0, 0]], "unformed": [[2, 0]]}, "wiring": {"rows": [1, 2, 3]}}


FOUND = {(1, 1): "open", (1, 4): "shorted", (2, 2): "stuck low", (3, 1): "unformed", (3, 3): "stuck high"}


@pytest.mark.parametrize("name", ["emulated", "emulated-single"])
def test_planted_faults_are_found_by_name_behind_instruments_and_no_other_cell_is_accused(laid, name):
    bench = load_bench(name, overrides=laid)
    with open_backend(bench, seed=1) as chip:
        found = survey(chip, read_v=0.1, reads=2, healthy=healthy_of(bench), probe=PROBE)
    cells = cells_of(found, bench, chip, 1, 0.1, PROBE)
    assert {(each.row, each.column): each.verdict for each in cells.cell} == FOUND
    assert (cells.source.kind, cells.source.seed, cells.source.chip_id) == ("emulated", 1, None)
    assert cells.survey.pulses == 2
    assert "seems stuck high: --depress VOLT" in " ".join(cells.notes)


def test_the_guard_keeps_the_pulses_of_a_survey_and_refuses_those_to_cells_that_a_bench_leaves_out(
    laid, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    bench = load_bench("emulated", overrides=laid)
    with open_bench("emulated", seed=1, overrides=laid) as chip:
        found = survey(chip, read_v=0.1, reads=2, healthy=healthy_of(bench), probe=PROBE)
        journal = chip.folder / "journal.sqlite"
    assert count_pulses(read_journal(journal)).done == found.potentiating.sum() == 7 + 2 * 2
    file = tmp_path / "cells.toml"
    cells_of(found, bench, chip, 1, 0.1, PROBE).write(file)
    with open_bench("emulated", seed=1, overrides={**laid, "training": {"cells": str(file)}}) as chip:
        assert np.array_equal(chip.left_out, found.left_out)
        chip.left_out = None  # a trainer that has forgotten it
        with pytest.raises(LimitError, match=r"cell \[0, 0\] \(row 1, column 1\) is left out by the cells file"):
            chip.send_pulses(np.ones((3, 4), dtype=np.int64), Pulse(2.0, 0.05))
        chip.read_conductances(0.1)
        chip.send_pulses((~found.left_out).astype(np.int64), Pulse(2.0, 0.05))


@pytest.mark.parametrize(("short", "error"), [(3e-3, ComplianceError), (5e-4, OverrangeError)])
def test_a_short_beyond_limit_or_range_stops_the_survey_which_says_how_to_find_it(laid, short, error):
    siemens = np.full((3, 4), 4.5e-7)
    siemens[0, 3] = short
    Path(laid["chip"]["start"]).write_text(json.dumps({"conductance_siemens": siemens.tolist()}), encoding="utf-8")
    bench = load_bench("emulated", overrides=laid)
    with open_backend(bench, seed=1) as chip, pytest.raises(error) as told:
        survey(chip, read_v=0.1, reads=2, healthy=healthy_of(bench))
    assert "read at less than 100 mV, which finds it" in told.value.__notes__[0]
    with open_backend(bench, seed=1) as chip:
        assert survey(chip, read_v=0.003, reads=2, healthy=healthy_of(bench)).verdicts[0, 3] == "shorted"


def test_what_wires_hide_is_said():
    bench = load_bench("simulated", overrides={"chip": {"wire_ohm": 5000.0}})
    with open_backend(bench, seed=1) as chip:
        found = survey(chip, read_v=0.1, reads=2, healthy=healthy_of(bench))
    told = " ".join(notes_of(found, bench, None))
    # From the driver over 4 segments of its row and 4 of its column: 8 x 5 kohm.
    assert "the wires to the farthest cell have 40 kohm, so it reads 25 uS at most" in told
    assert "nothing there can be called shorted" in told


def test_a_line_that_reads_open_as_a_whole_is_told():
    bench = load_bench("simulated", overrides={"chip": {"dead": [[1, each] for each in range(4)]}})
    with open_backend(bench, seed=1) as chip:
        found = survey(chip, read_v=0.1, reads=2, healthy=healthy_of(bench))
    assert "every cell of row 2 is open: rather its line than its cells, `check --wiring` tells" in " ".join(
        notes_of(found, bench, None)
    )


@pytest.mark.parametrize("name", ["simulated", "emulated"])
@pytest.mark.parametrize(
    ("reads", "down", "said"),
    [
        (1, None, "reads 1 must be at least 2"),
        (10_001, None, "reads 10001 must be at most 10,000"),
        (
            20,
            Pulse(-3.1, 0.05),
            r"exceeds pulse_v = 3 V in \[limits\] of bench .*: give --depress of at most 3 V, or raise",
        ),
        (20, Pulse(-1.0, 0.05), r"--depress=-2\.8 takes that of them"),
        (10_000, Pulse(-2.8, 0.05), ""),
    ],
)
def test_what_a_survey_cannot_do_is_said_with_a_way_out_before_anything_is_opened(name, reads, down, said):
    bench, probe = load_bench(name), Probe(2, Pulse(2.0, 0.05), down)
    if not said:
        check_survey(bench, reads, probe)
        return
    with pytest.raises(CrossbarError, match=said):
        check_survey(bench, reads, probe)
