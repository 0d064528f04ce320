"""Parts found by entry point."""

import pytest

from crossbar_hil.errors import ConfigError
from crossbar_hil.plugins import load, names, nearest


@pytest.fixture
def third_party(tmp_path, monkeypatch):
    """Install a distribution that registers a good and a broken backend."""
    info = tmp_path / "lab_parts-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-parts\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[crossbar_hil.backends]\nlab = lab_parts:Lab\nbroken = lab_parts_missing:Lab\nabsent = lab_parts:Absent\n"
    )
    (tmp_path / "lab_parts.py").write_text("class Lab:\n    name = 'a lab'\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize(
    ("group", "name"), [("backends", "simulated"), ("rules", "manhattan"), ("cells", "ohmic"), ("cells", "sinh")]
)
def test_the_parts_of_this_package_are_found_like_any_other(group, name):
    assert name in names(group)
    assert callable(load(group, name))


def test_names_are_sorted():
    assert names("cells") == sorted(names("cells"))


def test_an_installed_part_of_somebody_else_is_found(third_party):
    assert "lab" in names("backends")
    assert load("backends", "lab").name == "a lab"


def test_a_part_that_cannot_be_imported_is_named_with_its_origin(third_party):
    with pytest.raises(ConfigError, match="backend 'broken' cannot be loaded from lab_parts_missing:Lab: No module"):
        load("backends", "broken")


def test_a_part_whose_module_lacks_it_is_named(third_party):
    with pytest.raises(ConfigError, match="backend 'absent' cannot be loaded from lab_parts:Absent"):
        load("backends", "absent")


def test_a_name_of_two_packages_is_refused_with_both(third_party, tmp_path):
    points = tmp_path / "lab_parts-1.0.dist-info" / "entry_points.txt"
    points.write_text(points.read_text() + "[crossbar_hil.cells]\ncubic = lab_parts:Lab\n")
    message = (
        r"cell model 'cubic' is installed by crossbar-hil \(crossbar_hil\.\S+:Cubic\) "
        r"and by lab-parts \(lab_parts:Lab\); one of them must be renamed"
    )
    with pytest.raises(ConfigError, match=message):
        load("cells", "cubic")
    assert callable(load("cells", "sinh"))
    assert names("cells") == sorted({"ohmic", "sinh", "cubic", "tabulated"})


@pytest.mark.parametrize(
    ("group", "name", "message"),
    [
        ("instruments", "keithley707a", "keithley707a' is not there: .*device-dependent commands.*keithley707b"),
        ("emulators", "keithley708a", "keithley708a' is not there: .*no emulator checks"),
        ("backends", "simulatd", "backend 'simulatd' is not installed; .*did you mean 'simulated'"),
        ("rules", "manhatan", "learning rule 'manhatan' is not installed; .*did you mean 'manhattan'"),
        ("cells", "ohm", "cell model 'ohm' is not installed; .*ohmic, sinh"),
    ],
)
def test_an_unknown_part_is_answered_with_the_known_ones(group, name, message):
    with pytest.raises(ConfigError, match=message):
        load(group, name)


@pytest.mark.fault("X12")
def test_a_module_in_the_working_directory_is_no_part(tmp_path, monkeypatch):
    (tmp_path / "crossbar_hil_evil.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    assert "crossbar_hil_evil" not in names("backends")


def test_nothing_near_gives_no_hint():
    assert nearest("zzz", ["rows", "columns"]) == ""
