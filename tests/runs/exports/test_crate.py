import hashlib
import io
import json
import re
import sys
import zipfile
from datetime import datetime
from pathlib import Path

import pytest

from crossbar_hil.errors import ConfigError, MissingExtra, RunError
from crossbar_hil.runs.contents import CONTENTS
from crossbar_hil.runs.exports.crate import export_crate

LICENCE = "CC-BY-4.0"


def many(value):
    return value if isinstance(value, list) else [] if value is None else [value]


def test_the_rules_that_a_crate_must_keep_are_kept(crate):
    # RO-Crate 1.1: "Root Data Entity", "RO-Crate Metadata File Descriptor", "RO-Crate JSON-LD", "Data entities"
    named, graph = crate.named, crate.graph
    context = json.loads((crate.path / "ro-crate-metadata.json").read_text(encoding="utf-8"))["@context"]
    assert "https://w3id.org/ro/crate/1.1/context" in context
    assert len(named) == len(graph)
    descriptor, root = named["ro-crate-metadata.json"], named["./"]
    assert (descriptor["@type"], descriptor["about"]) == ("CreativeWork", {"@id": "./"})
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert root["@type"] == "Dataset"
    assert root["name"] == "Five runs"
    assert root["description"]
    assert datetime.fromisoformat(root["datePublished"]).tzinfo
    assert named[root["license"]["@id"]]["name"] == LICENCE
    for each in graph:  # flat: what is nested is a reference, and every one of them is described
        assert each["@type"]
        for key, values in each.items():
            for value in many(values):
                assert not isinstance(value, dict) or set(value) == {"@id"}, (each["@id"], key)
                assert not isinstance(value, dict) or value["@id"] in named or "://" in value["@id"], value
    reached, wanted = set(), ["./"]
    while wanted:
        key = wanted.pop()
        reached.add(key)
        wanted += [part["@id"] for part in many(named[key].get("hasPart")) if part["@id"] not in reached]
    data = {each["@id"] for each in graph if each["@type"] in {"File", "Dataset"}}
    assert data == reached
    assert not any(re.match(r"/|\.\./|[a-z]+:", key) for key in data)


def test_every_file_is_described_with_its_size_and_hash_and_none_is_missing(crate):
    path, named, runs = crate.path, crate.named, crate.runs
    held = {each.relative_to(path).as_posix(): each for each in path.rglob("*") if each.is_file()}
    del held["ro-crate-metadata.json"]
    described = {key: each for key, each in named.items() if each["@type"] == "File"}
    assert set(held) == set(described)
    for key, each in described.items():
        content = held[key].read_bytes()
        assert (each["contentSize"], each["sha256"]) == (str(len(content)), hashlib.sha256(content).hexdigest())
        assert each["description"] == CONTENTS[held[key].name].about, key
        assert each["encodingFormat"]
    for run in runs:
        for each in run.folder.iterdir():
            assert (path / run.name / each.name).read_bytes() == each.read_bytes()
        for name in ("run.csv", "run.nc", "pulses.csv", "pulses.csv-metadata.json"):
            assert f"{run.name}/{name}" in held


def test_another_reader_of_crates_loads_it(crate):
    from rocrate.rocrate import ROCrate

    named, runs = crate.named, crate.runs
    read = ROCrate(str(crate.path))
    assert read.metadata.id == "ro-crate-metadata.json"
    assert {each.id for each in read.get_entities()} == set(named)
    (action, *_) = read.mentions if hasattr(read, "mentions") else many(read.root_dataset["mentions"])
    assert action.type == "CreateAction"
    assert len(many(read.root_dataset["mentions"])) == len(runs)


def test_who_measured_with_what_where_is_told_and_nobody_is_invented(crate):
    named, runs = crate.named, crate.runs
    person, home = named["https://orcid.org/0000-0002-1825-0097"], named["https://ror.org/05gq02987"]
    assert (person["@type"], person["name"], person["affiliation"]["@id"]) == ("Person", "Josiah Carberry", home["@id"])
    assert (home["@type"], home["name"], home["url"]) == ("Organization", "Brown University", home["@id"])
    assert named["./"]["author"] == {"@id": person["@id"]}
    today, *others = runs
    told = {named[each["@id"]]["name"]: named[each["@id"]] for each in named[f"{today.name}/"]["additionalProperty"]}
    assert {name: each["value"] for name, each in told.items()} == today.conditions
    assert told["temperature_k"]["unitText"] == "K"
    for run in others:
        assert not {"author", "additionalProperty"} & set(named[f"{run.name}/"])
        assert "agent" not in named[f"#{run.name}-training"]
    (emulated,) = (run for run in runs if run.kind == "emulated")
    tools = [named[each["@id"]] for each in named[f"#{emulated.name}-training"]["instrument"]]
    assert {(each["@type"], each.get("model"), each.get("softwareVersion")) for each in tools} == {
        ("SoftwareApplication", None, "0.1.0"),
        ("IndividualProduct", "2602B", None),
        ("IndividualProduct", "707B", None),
    }
    assert all("(emulated, no instrument)" in each["name"] for each in tools if each["@type"] == "IndividualProduct")
    assert "emulated" in named["./"]["description"]


def test_a_crate_is_also_one_zip_file(old, tmp_path):
    path = export_crate([old("596f")], tmp_path / "one.zip", licence="https://example.org/licence")
    with zipfile.ZipFile(path) as held:
        graph = json.loads(held.read("ro-crate-metadata.json"))["@graph"]
        files = {each["@id"] for each in graph if each["@type"] == "File"}
        assert files | {"ro-crate-metadata.json"} == {each for each in held.namelist() if not each.endswith("/")}
    assert {each["@id"] for each in graph} >= {"https://example.org/licence"}
    assert sorted(each.name for each in tmp_path.iterdir()) == ["one.zip", "runs"]


def link(run):
    (run.folder / "notes.txt").symlink_to("/etc/hostname")


def link_to_figures(run):
    (run.folder.parent / "private").mkdir()
    (run.folder.parent / "private" / "passport.png").touch()
    (run.folder / "figures").symlink_to(run.folder.parent / "private")


def under_way(run):
    run.facts["status"] = "running"


def without_epochs(run):
    run.epochs.clear()


@pytest.mark.fault("X10")
@pytest.mark.parametrize(
    ("spoil", "licence", "told"),
    [
        (link, LICENCE, "notes.txt is no plain file"),
        (link_to_figures, LICENCE, "figures is a link"),
        (under_way, LICENCE, "has not ended"),
        (without_epochs, LICENCE, "holds no epoch"),
        (lambda run: None, "my licence", "licence 'my licence' is neither an address nor an SPDX identifier"),
        (lambda run: (run.folder / "crate").mkdir(), LICENCE, "crate exists already and is not overwritten"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_nothing_is_left(spoil, licence, told, old):
    run = old("596f")
    spoil(run)
    before = {path.name for path in run.folder.rglob("*")}
    with pytest.raises((RunError, ConfigError), match=told):
        export_crate([run], run.folder / "crate", licence=licence)
    assert {path.name for path in run.folder.rglob("*")} == before


def test_a_run_given_twice_is_named(old, tmp_path):
    run = old("596f")
    with pytest.raises(RunError, match=f"run {run.name} is given twice"):
        export_crate([run, run], tmp_path / "crate", licence=LICENCE)


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rocrate.rocrate", None)
    with pytest.raises(MissingExtra, match=r"needs rocrate .*pip install 'crossbar-hil\[crate\]'"):
        export_crate([], tmp_path / "crate", licence=LICENCE)


def test_the_command_line_takes_runs_or_a_condition_and_asks_for_the_licence(cli, old, monkeypatch):
    for which in ("596f", "stripes"):
        old(which)
    typed = ["export", "--to", "crate"]
    assert "name a RUN, or give --where" in cli(*typed).err
    assert "a crate of 2 runs needs --output" in cli(*typed, "--where", "kind=simulated", "--licence", LICENCE).err
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert "--licence CC-BY-4.0, for example" in cli(*typed, "latest").err
    monkeypatch.setattr(sys, "stdin", io.StringIO("CC0-1.0\n"))
    answered = Path(cli(*typed, "latest").out.strip()) / "ro-crate-metadata.json"
    assert "https://spdx.org/licenses/CC0-1.0" in answered.read_text(encoding="utf-8")
    assert (
        "--licence and --title go with --to crate" in cli("export", "--to", "csv", "latest", "--licence", LICENCE).err
    )
    done = cli(*typed, "--where", "label=of 0.1.0", "--licence", LICENCE, "--json", "--output", "labelled")
    path = Path(json.loads(done.out)["file"])
    assert (path.name, len(list(path.glob("2026*")))) == ("labelled", 1)
    done = cli(
        *typed, "2026-11-29T13-45-08", "2026-11-29T13-45-05", "--licence", LICENCE, "--output", "both", "--title", "X"
    )
    assert len(list(Path(done.out.strip()).glob("2026*"))) == 2
