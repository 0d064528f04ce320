"""Every field of a record of a guarded training altered, one by one: `verify` names it, or docs/runs.md says why."""

import json
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.guard.journal import read_journal
from crossbar_hil.guard.replay import count_pulses
from crossbar_hil.runs.audit import differences, verification
from crossbar_hil.runs.audit.retelling import retell
from crossbar_hil.runs.audit.verification import verify_run
from crossbar_hil.runs.store import load_run
from crossbar_hil.runs.training import train_and_record

SEED = 1
NOT_OF_THE_JOURNAL = {"finished_utc"}
"""Facts that only the trainer knows; docs/runs.md names them. Their bound is tested below."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Folder of a converged training behind a guard, with a fresh read."""
    out = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(out / "state"))
        (out / "two.csv").write_text("pattern,label,set\n10,1,train\n01,0,train\n11,1,test\n", encoding="utf-8")
        tables = {
            "wiring": {"rows": [1, 2], "columns": [5, 6]},
            "chip": {"rows": 2, "columns": 2},
            "training": {"fresh_reads": 1, "patterns": str(out / "two.csv")},
        }
        bench = load_bench("emulated", overrides=tables)
        return train_and_record(bench, seed=SEED, out=out / "runs", label="mine").folder


@pytest.fixture(scope="module")
def check(finished):
    """Return what compares a record with the journal of `finished`: check(folder) -> problems."""
    return lambda folder: verify_run(load_run(folder)).problems


@pytest.fixture
def copy(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "copy")


def alter(folder, command, *values):
    with closing(sqlite3.connect(folder / "run.sqlite")) as record, record:
        assert record.execute(command, values).rowcount != 0, command


def columns_of(folder):
    with closing(sqlite3.connect(folder / "run.sqlite")) as record:
        tables = [name for (name,) in record.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return [(table, each[1], each[2]) for table in tables for each in record.execute(f"PRAGMA table_info({table})")]


@pytest.mark.fault("X24")
def test_every_column_of_every_table_is_held_against_the_journal(finished, copy, check):
    assert check(finished) == ()
    columns = columns_of(finished)
    assert len(columns) >= 30
    for table, column, kind in columns:
        if table == "setting":
            continue
        shutil.copyfile(finished / "run.sqlite", copy / "run.sqlite")
        new = f"'x' || {column}" if kind == "TEXT" else f"{column} + 1e-9" if kind == "REAL" else f"{column} + 7"
        if column == "utc":
            new = "'2026-01-01T00:00:00.000+00:00'"
        alter(copy, f"UPDATE {table} SET {column} = {new} WHERE rowid = (SELECT max(rowid) FROM {table})")
        said = check(copy)
        assert said, (table, column)
        assert all(each.startswith(table) for each in said), said
        keys = {"epoch", "pattern", "part", "row", "column", "output", "read", "moment", "quantity"}
        if column not in keys or (table, column) == ("epoch", "epoch"):
            assert any(f"{column} " in each for each in said), said


@pytest.mark.fault("X24")
def test_every_fact_is_held_against_the_journal(finished, copy, check):
    with closing(sqlite3.connect(finished / "run.sqlite")) as record:
        facts = dict(record.execute("SELECT name, value FROM setting"))
    assert len(facts) >= 20
    other = {"status": "interrupted", "kind": "hardware", "shape": [4, 6], "tables": {"bench": {"name": "b"}}}
    silent = set()
    for name, text in facts.items():
        value = json.loads(text)
        new = other.get(name, (not value) if isinstance(value, bool) else None)
        if new is None:
            new = value + 1 if isinstance(value, int | float) else "2126-01-01T00:00:00+00:00" if "utc" in name else "x"
        shutil.copyfile(finished / "run.sqlite", copy / "run.sqlite")
        alter(copy, "UPDATE setting SET value = ? WHERE name = ?", json.dumps(new), name)
        said = check(copy)
        if not said:
            silent.add(name)
        assert all(each.startswith(f"setting {name} ") for each in said), said
    assert silent == NOT_OF_THE_JOURNAL


@pytest.mark.fault("X24")
@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("DELETE FROM cell WHERE epoch = 2 AND row = 1 AND column = 1", "cell, epoch 2, row 1, column 1 is missing"),
        ("INSERT INTO cell SELECT * FROM cell WHERE epoch = 1 AND row = 0 AND column = 0", "column 0 is there twice"),
        ("DELETE FROM epoch WHERE epoch = 2", "epoch, epoch 2 is missing"),
        ("INSERT INTO epoch VALUES (99, 0.0, 8, 0, '')", "epoch, epoch 99 is not in the journal"),
        ("DELETE FROM fresh_current", "fresh_current, read 1, pattern 0, column 0 is missing"),
        ("DELETE FROM setting WHERE name = 'verdict'", "setting verdict is missing"),
        ("DELETE FROM setting WHERE name = 'label'", "setting label is missing"),
        ("DELETE FROM setting WHERE name = 'finished_utc'", "setting finished_utc is missing"),
        ("INSERT INTO setting VALUES ('better', '1')", "setting better is not in the journal"),
        ("UPDATE setting SET value = '\"2001-01-01T00:00:00+00:00\"' WHERE name = 'finished_utc'", "finished_utc is"),
        ("UPDATE setting SET value = '\"running\"' WHERE name = 'status'", "status is running, but the run has ended"),
        ("UPDATE setting SET value = '\"failed\"' WHERE name = 'status'", "setting status is failed"),
        ("UPDATE setting SET value = '\"lost\"' WHERE name = 'status'", 'setting status is "lost", which no run has'),
        ("INSERT INTO setting VALUES ('resumed_utc', '\"2126-01-01T00:00:00+00:00\"')", "the run was never resumed"),
        ("UPDATE setting SET value = '1' WHERE name = 'converged'", "setting converged is 1, by the journal true"),
        ("ALTER TABLE current DROP COLUMN current_a", "current has columns epoch, pattern, column, a record epoch"),
        ("ALTER TABLE epoch RENAME COLUMN utc TO at", "epoch has columns epoch, error, patterns_met, pulses, at, a"),
        ("ALTER TABLE cell ADD COLUMN note", "cell has columns"),
        ("ALTER TABLE setting ADD COLUMN note", "setting has columns name, value, note, a record name, value"),
        ("CREATE TABLE better (value)", "the record holds table better, which no record has"),
        ("CREATE TRIGGER t AFTER INSERT ON cell BEGIN DELETE FROM cell; END", "the record holds trigger t, which no"),
    ],
)
def test_what_is_missing_twice_or_too_much_is_named(copy, check, command, says):
    alter(copy, command)
    assert any(says in each for each in check(copy)), check(copy)


@pytest.mark.fault("X24")
def test_a_training_that_is_told_again_by_other_settings_does_not_fit_its_journal(finished, monkeypatch):
    run, entries = load_run(finished), read_journal(finished / "journal.sqlite")

    def told(**training):
        bench = run.bench.model_copy(update={"training": run.bench.training.model_copy(update=training)})
        return retell(bench, run.task, (2, 2), entries, run.facts["epochs"], run.facts["seed"])

    whole = told()
    assert (whole.problem, whole.is_complete) == ("", True)
    assert "reads at other voltages than the training asks for after epoch 0" in told(v1=0.09).problem
    assert "sends other pulses than the training asks for after epoch 0" in told(width_s=0.04).problem
    assert re.match(r"the journal holds \d+ operations more than the training asks for", told(epochs=1).problem)

    cut = next(place for place, entry in enumerate(entries) if entry.kind == "ended")
    under_way = retell(run.bench, run.task, (2, 2), entries[:cut], 1, run.facts["seed"])
    assert (under_way.epochs, under_way.is_complete, under_way.problem) == ([], False, "")

    with run.open_record() as record:
        recorded = differences.Recorded.of(record)
    begun = replace(whole, is_complete=False)
    said = [*differences._of_ending(recorded, begun, entries, may_lack=False)]
    assert "setting status is done, but by the journal the training has not ended" in said
    later = [*entries[:-1], entries[-1]._replace(utc="2126-01-01T00:00:00+00:00")]
    assert any(each.startswith("setting finished_utc is") for each in differences._of_times(recorded, whole, later))
    assert not [*differences._of_times(recorded, whole, entries)]

    monkeypatch.setattr(verification, "count_pulses", lambda entries: count_pulses(entries)._replace(open=(7,)))
    assert f"run {run.name} is done, but pulse 7 has no outcome" in verify_run(run).problems


@pytest.mark.fault("X24")
@pytest.mark.parametrize("name", ["bench.toml", "curve.csv", "patterns.csv"])
def test_a_file_of_the_run_that_was_changed_is_named(copy, check, name):
    file = copy / name
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("11,1,test", "11,0,test") if name == "patterns.csv" else f"{text}\n# mine\n", "utf-8")
    assert file.read_text(encoding="utf-8") != text
    assert [name in each for each in check(copy)] == [True]


@pytest.mark.fault("X24")
def test_a_record_and_its_bench_file_that_agree_on_a_lie_are_named(copy, check, cli):
    """Another rule of ending, in both: the journal knows what was done."""
    file = copy / "bench.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("target = 0.95", "target = 0.5"), encoding="utf-8")
    alter(
        copy, "UPDATE setting SET value = replace(value, '\"target\": 0.95', '\"target\": 0.5') WHERE name = 'tables'"
    )
    said = check(copy)
    assert "bench.toml is not the file with which the run began" in said
    assert any(each.startswith("setting tables is") for each in said)
    told = cli("verify", copy)
    assert told.code == 1
    assert told.out.splitlines() == list(said)
