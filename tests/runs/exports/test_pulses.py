import csv
import json
import re
from collections import Counter
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from crossbar_hil import load_run
from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import RunError
from crossbar_hil.guard import replay
from crossbar_hil.guard.chain import Entry
from crossbar_hil.runs.exports.export import export_run
from crossbar_hil.runs.training import train_and_record

NUMBER = r"-?\d+(\.\d+)?(e-?\d+)?"
FORMS = {
    "integer": r"\d+",
    "double": NUMBER,
    "string": r"[a-z, ]+",
    "dateTime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00",
}
"""How XML Schema writes what CSVW calls a number, a text and a time; no number of ours is infinite."""


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def sent(rows, shape):
    """Pulses of each cell, counted line by line."""
    found = np.zeros(shape, np.int64)
    for row in rows:
        if row["test_type"] != "read":
            found[int(row["word_line"]) - 1, int(row["bit_line"]) - 1] += 1
            assert int(row["pulse_count"]) == found[int(row["word_line"]) - 1, int(row["bit_line"]) - 1]
    return found


def test_every_read_and_every_pulse_of_a_training_comes_back_with_plain_csv(converged_run, tmp_path):
    run = load_run(converged_run)
    rows = rows_of(export_run(run, "pulses", tmp_path / "pulses.csv"))
    reads = [row for row in rows if row["test_type"] == "read"]
    siemens = np.array([float(row["conductance_siemens"]) for row in reads]).reshape(run.result.conductances.shape)
    assert np.array_equal(siemens, run.result.conductances)
    ohms = np.array([float(row["resistance_ohm"]) for row in reads]).reshape(siemens.shape)
    assert np.allclose(ohms * siemens, 1.0, rtol=1e-12)
    assert np.array_equal(sent(rows, siemens.shape[1:]), run.result.counts.sum(axis=0))
    assert {(row["voltage_v"], row["width_s"]) for row in reads} == {("0.1", "")}
    assert {(row["test_type"], row["voltage_v"], row["width_s"]) for row in rows if row not in reads} == {
        ("potentiation", "2.0", "0.05")
    }
    for epoch in range(1, run.result.epochs + 1):
        own = [row for row in rows if row["epoch"] == str(epoch)]
        assert len(own) == siemens[0].size + run.result.counts[epoch - 1].sum()
    assert {row["device"] for row in rows} == {"simulated"}


def test_depressing_pulses_are_told_as_what_they_are(tmp_path):
    overrides = {"training": {"depress_v": -2.8, "depress_s": 0.05, "both_ways": True, "epochs": 4}}
    folder = train_and_record(load_bench("simulated", overrides=overrides), seed=1, out=tmp_path / "runs").folder
    run = load_run(folder)
    rows = rows_of(export_run(run, "pulses"))
    down = [row for row in rows if row["test_type"] == "depression"]
    assert len(down) == run.result.depressing.sum() > 0
    assert {row["voltage_v"] for row in down} == {"-2.8"}
    assert np.array_equal(sent(rows, run.result.counts.shape[1:]), run.result.counts.sum(axis=0))


def test_behind_a_guard_each_has_the_time_at_which_the_guard_wrote_it_down(old):
    run = old("78dc")
    rows = rows_of(export_run(run, "pulses"))
    assert np.array_equal(sent(rows, (4, 4)), sum(epoch.counts for epoch in run.epochs))
    reads = [float(row["conductance_siemens"]) for row in rows if row["test_type"] == "read"]
    assert np.allclose(reads, np.ravel([epoch.conductances for epoch in run.epochs]), rtol=1e-12)
    times = [datetime.fromisoformat(row["time_utc"]) for row in rows]
    assert times == sorted(times)
    assert len(set(times)) > len(run.epochs) + 5
    assert {(row["device"], row["epoch"]) for row in rows} == {("emulated", "1")}


def entry(number, kind, **body):
    return Entry(number, kind, f"2026-01-01T00:00:0{number}+00:00", float(number), body)


def test_of_a_journal_every_outcome_counts_and_what_nobody_knows_is_told_in_doubt(monkeypatch):
    pulse = {"amplitude_v": 2.0, "width_s": 0.05, "row": 0}
    told = [
        entry(1, "read", op=1, voltages=[[0.1], [0.2]], currents=[[1e-7, 2e-7], [2e-7, 8e-7]]),
        entry(2, "intent", seq=1, op=2, column=0, count=2, **pulse),
        entry(3, "outcome", seq=1, state="done"),
        entry(4, "intent", seq=2, op=2, column=1, count=1, **pulse),
        entry(5, "outcome", seq=2, state="not_sent"),
        entry(6, "intent", seq=3, op=2, column=1, count=1, **pulse | {"amplitude_v": -2.8}),
        entry(7, "outcome", seq=3, state="in_doubt"),
        entry(8, "intent", seq=4, op=2, column=0, count=1, **pulse),
    ]
    monkeypatch.setattr(replay, "read_journal", lambda path: told)
    found = list(replay.tests_in_journal(Path("x"), (1, 2), evaluation=2))
    assert [(each.bit_line, each.test_type, each.pulse_count, each.time_utc[-8:-6]) for each in found] == [
        (1, "read", 0, "01"),
        (2, "read", 0, "01"),
        (1, "potentiation", 1, "03"),
        (1, "potentiation", 2, "03"),
        (2, "depression, in doubt", 1, "07"),
        (1, "potentiation, in doubt", 3, ""),
    ]
    # the last read in which the line was driven alone: 0.2 V, 0.2 uA and 0.8 uA
    assert [each.voltage_v for each in found[:2]] == [0.2, 0.2]
    assert [each.resistance_ohm for each in found[:2]] == pytest.approx([1e6, 0.25e6])
    assert {each.epoch for each in found} == {1}


@pytest.mark.parametrize(("which", "told", "cells"), [("stripes", ("read", "0.1"), 16), ("digits", ("state", ""), 320)])
def test_of_a_spiking_network_the_last_conductance_of_every_synapse_is_told(which, told, cells, old):
    run = old(which)
    rows = rows_of(export_run(run, "pulses"))
    assert Counter((row["test_type"], row["voltage_v"]) for row in rows) == {told: cells}
    weights = run.progress.state.weights.astype(float)
    assert np.array_equal([float(row["conductance_siemens"]) for row in rows], weights.ravel())


def test_weights_without_a_unit_have_no_resistance_and_no_file_is_left(old, monkeypatch):
    run = old("digits")
    monkeypatch.setattr(type(run), "_unit", "")
    with pytest.raises(RunError, match="weights without a unit"):
        export_run(run, "pulses")
    assert not list(run.folder.glob("pulses*"))


@pytest.mark.parametrize("which", ["78dc", "596f", "stripes", "digits"])
def test_what_the_columns_mean_stands_beside_the_table_as_csvw(which, crate):
    (path,) = crate.path.glob(f"*{which}*/pulses.csv")
    meaning = json.loads(path.with_name("pulses.csv-metadata.json").read_text(encoding="utf-8"))
    assert meaning["@context"][0] == "http://www.w3.org/ns/csvw"
    assert meaning["url"] == path.name
    columns = meaning["tableSchema"]["columns"]
    rows = rows_of(path)
    assert list(rows[0]) == [each["name"] for each in columns] == [each["titles"] for each in columns]
    for column in columns:
        for row in rows:
            value = row[column["name"]]
            assert not value or re.fullmatch(FORMS[column["datatype"]], value), (column, value)
        assert column["dc:description"]
    units = {each["name"]: each.get("schema:unitText") for each in columns if each["datatype"] == "double"}
    assert units == {"voltage_v": "V", "width_s": "s", "resistance_ohm": "ohm", "conductance_siemens": "S"}
    assert {row["device"] for row in rows} == {meaning["notes"][0]["facts"]["kind"]}


@pytest.mark.fault("X10")
@pytest.mark.parametrize("name", ["pulses.csv", "pulses.csv-metadata.json"])
def test_neither_of_the_two_files_is_overwritten(name, old):
    run = old("596f")
    (run.folder / name).write_text("mine")
    with pytest.raises(RunError, match=f"{name} exists already"):
        export_run(run, "pulses")
    assert [path.name for path in run.folder.glob("pulses*")] == [name]
    assert (run.folder / name).read_text() == "mine"
