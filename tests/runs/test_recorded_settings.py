import dataclasses
import html
import itertools
import json
import re
import shutil
import sqlite3
import types
import typing
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import BaseModel

import crossbar_hil.studies.settings  # noqa: F401 - so that every table there is has been defined
from crossbar_hil import load_run
from crossbar_hil.bench.file import Bench, load_bench
from crossbar_hil.programming.run import ProgramRun
from crossbar_hil.programming.settings import ProgramSettings
from crossbar_hil.runs.exports.export import export_run
from crossbar_hil.runs.recorded_settings import Setting, describe_tables, dump_tables, text_of
from crossbar_hil.runs.report import make_report
from crossbar_hil.runs.training import bench_tables
from crossbar_hil.spiking.run import SpikingRun
from crossbar_hil.spiking.settings import SpikingSettings
from crossbar_hil.tables import Table

OLD = Path(__file__).parent / "written_by_0_1_0"
NUMBERS = itertools.count(1)
ASKED = ("--pull-back", "yes", "--dead-zone", "0.01", "--wire", "5", "--read-noise", "0.02", "--step-variation", "0.1")
SAID = {
    "training.pull_back": "yes",
    "training.dead_zone": "0.01",
    "chip.wire_ohm": "5",
    "chip.read_noise": "0.02",
    "chip.step_variation": "0.1",
}


def fields_of(model):
    """Name in a file, name in Python, type and default of every field."""
    hints = typing.get_type_hints(model)
    if issubclass(model, BaseModel):
        return [(field.alias or name, name, hints[name], field.default) for name, field in model.model_fields.items()]
    return [(field.name, field.name, hints[field.name], field.default) for field in dataclasses.fields(model)]


def another(hint, default, seen):
    """Return a value of a type that is not the default, and what is said of it: None where it holds tables."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return another(arguments[0], default, seen)
    if origin is typing.Literal:
        value = next(each for each in arguments if each != default)
        return value, value
    if (isinstance(hint, type) and dataclasses.is_dataclass(hint)) or (
        isinstance(hint, type) and issubclass(hint, Table)
    ):
        return filled(hint, seen), None
    if origin is dict and isinstance(arguments[1], type) and issubclass(arguments[1], Table):
        return {"one": filled(arguments[1], seen)}, None
    number = next(NUMBERS)
    found = {
        bool: lambda: (not default, "no" if default else "yes"),
        int: lambda: (1000 + number, str(1000 + number)),
        float: lambda: (number + 0.25, str(number + 0.25)),
        str: lambda: (f"word-{number}", f"word-{number}"),
        list: lambda: ([number, number + 1], f"{number} {number + 1}"),
        tuple: lambda: ((number, number + 1), f"{number} {number + 1}"),
        dict: lambda: ({f"key{number}": number}, f"key{number} {number}"),
    }
    return found[origin or hint]()


def filled(model, seen):
    """Make a model whose every field has a value of its own, without asking whether they go together."""
    values = {}
    seen[model] = {}
    for alias, name, hint, default in fields_of(model):
        values[name], seen[model][alias] = another(hint, default, seen)
    if issubclass(model, BaseModel):
        return model.model_construct(**values)
    made = object.__new__(model)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    return made


def plain(tables, table, name):
    """Return a setting as a file for other programs has it: a number or text, or JSON."""
    found = tables
    for key in (table if table in {"bench", "network"} else f"bench.{table}").split("."):
        found = found[key]
    value = found[name]
    return value if isinstance(value, str | float) or type(value) is int else json.dumps(value)


TABLE_OF = {
    "Bench": "bench", "Chip": "chip", "Spread": "chip.spread", "LimitTable": "limits", "Training": "training",
    "InstrumentTable": "instruments.one", "WiringTable": "wiring", "SchemeTable": "scheme",
    "MeasurementTable": "measurement", "EmulationTable": "emulation", "SpikingSettings": "network",
    "Conditions": "conditions",
}  # fmt: skip


NO_SETTINGS = {"crossbar_hil.twins.file", "crossbar_hil.survey.file", "crossbar_hil.spiking.tasks.small"}
"""Tables of what was found, and of tasks that ship, which a run names."""


@pytest.fixture(params=["training", "spiking"])
def strange(request, cli, tmp_path, unpictured):
    """A run whose record holds, for every field of every model, a value that is no default; and what it is."""
    seen = {}
    bench = filled(Bench, seen)
    if request.param == "training":
        # Of what a run says of its network all but the number of hidden units has one other value.
        (tmp_path / "xor.csv").write_text("pattern,label,set\n00,0,train\n01,1,train\n10,1,train\n11,0,train\n")
        network = ("--hidden", "2", "--bias", "yes", "--shortcuts", "yes", "--pairs", "rows", "--layers", "stacked")
        chip = ("--patterns", tmp_path / "xor.csv", "--rows", "16", "--columns", "2", "--epochs", "2")
        assert cli("train", "--seed", "1", *network, *chip, "--quiet", "--no-report").code == 3
        bench = bench.model_copy(update={"training": bench.training.model_copy(update={"hidden": 2})})
        seen[type(bench.training)]["hidden"] = "2"
        (folder,) = (tmp_path / "runs").iterdir()
        with closing(sqlite3.connect(folder / "run.sqlite")) as record, record:
            record.execute(
                "UPDATE setting SET value = ? WHERE name = 'tables'", (json.dumps({"bench": dump_tables(bench)}),)
            )
        return load_run(folder), seen, {"bench": dump_tables(bench)}
    network = dump_tables(filled(SpikingSettings, seen))
    (digits,) = OLD.glob("*digits*")
    folder = shutil.copytree(digits, tmp_path / "runs" / digits.name)
    record = json.loads((folder / "spiking.json").read_text(encoding="utf-8"))
    record |= {"settings": network, "tables": {"bench": dump_tables(bench)}}
    (folder / "spiking.json").write_text(json.dumps(record), encoding="utf-8")

    class WithoutFigures(SpikingRun):
        """The settings make no network, so there is nothing to draw."""

        network = SpikingSettings()

        def figures(self):
            return iter(())

    return WithoutFigures(folder), seen, {"bench": dump_tables(bench), "network": network}


def test_every_field_of_every_settings_model_is_found_in_all_views(strange, cli, tmp_path):
    run, seen, tables = strange
    # a table of which others are made stands in no file itself
    tables_of_settings = {table for table in Table.__subclasses__() if not table.__subclasses__()}
    assert {table for table in tables_of_settings if table.__module__ not in NO_SETTINGS} <= {*seen, ProgramSettings}
    shown = cli("show", run.folder).out
    assert json.loads(cli("show", run.folder, "--json").out)["tables"] == tables
    page = make_report(run, tmp_path / "page").read_text(encoding="utf-8")
    comments = export_run(run, "csv", tmp_path / "run.csv").read_text(encoding="utf-8")
    import xarray

    with xarray.open_dataset(export_run(run, "netcdf", tmp_path / "run.nc"), engine="h5netcdf") as data:
        attributes = dict(data.attrs)
    looked_at = 0
    for model, fields in seen.items():
        table = TABLE_OF[model.__name__]
        section = shown.partition(f"\n[{table}]\n")[2].partition("\n\n")[0].splitlines()
        rows = page.partition(f"<h3>[{table}]</h3>")[2].partition("</table>")[0]
        for name, value in fields.items():
            if value is None:  # a table of its own
                continue
            looked_at += 1
            found = [line.split(maxsplit=1) for line in section if line.split()[0] == name]
            assert len(found) == 1, f"show: {table}.{name}"
            assert re.match(rf"{re.escape(value)}( |$)", found[0][1]), f"show: {found}, expected {value}"
            assert re.search(rf"<th>{name}</th><td>{re.escape(html.escape(value))}( |<)", rows), (
                f"report: {table}.{name}"
            )
            assert re.search(rf"^# {table}\.{name}: {re.escape(value)}( |$)", comments, re.MULTILINE), f"{table}.{name}"
            held = attributes[f"{table}.{name}".replace(".", "_")]
            assert held == plain(tables, table, name), f"netcdf: {table}.{name}"
    assert looked_at > 60


def test_every_field_of_a_programming_is_described_as_those_of_a_training_are():
    seen = {}
    tables = {"program": dump_tables(filled(ProgramSettings, seen))}
    found = {each.name: each for each in describe_tables(tables, ProgramRun.models) if each.table == "program"}
    told = {name: value for name, value in seen[ProgramSettings].items() if value is not None}
    assert set(told) <= set(found)
    for name, value in told.items():
        assert re.match(rf"{re.escape(value)}( |$)", found[name].text), name


def test_settings_that_are_no_defaults_stand_out_in_show_and_report(cli, tmp_path, unpictured):
    assert cli("train", "--seed", "1", "--quiet", "--no-report", *ASKED).code in (0, 3)
    shown = cli("show", "latest").out
    changed = shown.partition("settings that differ from their defaults\n")[2].partition("\n\n")[0].splitlines()
    assert {line.split()[0]: line.split()[1] for line in changed} == SAID
    page = Path(cli("report", "latest").out.strip()).read_text(encoding="utf-8")
    first = page.partition("Settings that differ")[2].partition("</table>")[0]
    assert set(re.findall(r"<th>(.*?)</th>", first)) == set(SAID)
    answer = json.loads(cli("show", "latest", "--json").out)
    for key, said in SAID.items():
        table, name = key.split(".")
        assert text_of(answer["tables"]["bench"][table][name]) == said


def test_a_plain_run_has_no_setting_that_stands_out(converged_run):
    assert [each.key for each in load_run(converged_run).all_settings if each.changed] == []


def test_the_checked_bench_is_recorded_whole(converged_run):
    run = load_run(converged_run)
    assert run.tables == {"bench": load_bench("simulated").resolved.model_dump(mode="json", by_alias=True)}
    assert "beta" not in run.facts
    assert run.settings["beta"] == run.tables["bench"]["training"]["beta"]


def test_a_file_of_the_users_is_recorded_by_its_name_alone(tmp_path):
    (tmp_path / "mine.csv").write_text("pattern,label,set\n0001,01,train\n", encoding="utf-8")
    bench = load_bench("simulated", overrides={"training": {"patterns": str(tmp_path / "mine.csv")}})
    tables = bench_tables(bench)["bench"]
    assert tables["training"]["patterns"] == "mine.csv"
    assert tables["chip"]["curve"] == "figure2a"


def test_a_setting_says_its_unit_its_default_and_what_it_is():
    chip = {"wire_ohm": 5.0, "spread": {"low_siemens": 1e-8}}
    wire, low = describe_tables({"bench": {"chip": chip}}, {"bench": Bench})
    assert (wire.key, wire.text, wire.usual, wire.changed) == ("chip.wire_ohm", "5 ohm", "0 ohm", True)
    assert wire.about.startswith("Of one segment")
    assert (low.key, low.text, low.usual, low.changed) == ("chip.spread.low_siemens", "1e-08 S", "2e-08 S", True)


def test_settings_of_another_version_are_shown_by_their_names_alone():
    tables = {"bench": {"chip": {"new": 1.5}, "later": {"x": 1}}, "other": {"y": [1, 2]}}
    found = describe_tables(tables, {"bench": Bench})
    assert [(each.key, each.text) for each in found] == [
        ("chip.new", "1.5"), ("bench.later", "x 1"), ("other.y", "1 2"),
    ]  # fmt: skip
    assert not any(each.changed for each in found)


def test_text_of_a_number_is_short_but_never_rounded():
    assert text_of(5e7) == "5e+07"
    assert text_of(0.123456789) == "0.123456789"
    assert Setting("chip", "x", 0.1 + 0.2).text == "0.30000000000000004"


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ([1], "its settings are no tables"),
        ({"bench": 1}, "its settings are no tables"),
        ({"bench": {}}, "cannot be read: 'training'"),
        ({"bench": {"name": "x", "backend": "y", "training": {"target": "high"}}}, "could not convert"),
    ],
)
def test_damaged_settings_are_one_sentence(converged_run, cli, tmp_path, tables, told):
    folder = shutil.copytree(converged_run, tmp_path / "run")
    with closing(sqlite3.connect(folder / "run.sqlite")) as record, record:
        record.execute("UPDATE setting SET value = ? WHERE name = 'tables'", (json.dumps(tables),))
    done = cli("show", folder)
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert told in done.err


@pytest.mark.parametrize(
    "said",
    [
        {"curve": "mine.csv"},
        {"curve": "mine.csv", "start": "map.json", "rows": 1, "columns": 2},
        {"device_spread": "20 %"},
        {"curve": "mine.csv", "spread": {"low_siemens": 1e-7, "high_siemens": 2e-7}},
        {"scale": 20.0},
    ],
)
def test_only_what_was_set_is_told_as_other_than_its_default(said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("conductance_siemens\n4e-7\n6e-7\n", encoding="utf-8")
    (tmp_path / "map.json").write_text('{"conductance_siemens": [[5e-7, 5e-7]]}', encoding="utf-8")
    tables = bench_tables(load_bench("simulated", overrides={"chip": said}))
    changed = {each.key for each in describe_tables(tables, {"bench": Bench}) if each.changed}
    told = {key.removeprefix("chip.").partition(".")[0] for key in changed if key.startswith("chip.")}
    assert told == set(said)


def test_an_own_curve_was_measured_on_one_cell_unless_said_otherwise():
    (found,) = describe_tables({"bench": {"chip": {"curve": "mine.csv", "curve_cells": 4}}}, {"bench": Bench})[1:]
    assert (found.usual, found.changed) == ("1", True)
