import re
import shutil
import tomllib
import zipfile
from pathlib import Path

import pytest

from .wheels import built

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("crossbar_hil", "instruments", "drivers", "sim_backend", "data")
SHIPPED = {".py", ".csv", ".toml", ".md", ".j2", ".lua", ".typed", ".css", ".js", ".svg"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel built from a copy of the checkout."""
    copy = tmp_path_factory.mktemp("tree")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    return zipfile.ZipFile(built(copy))


def test_the_wheel_holds_what_the_tree_holds(wheel):
    in_tree = {
        "/".join((("crossbar_hil",) if folder != "crossbar_hil" else ()) + path.relative_to(ROOT).parts)
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.suffix in SHIPPED or path.name == "py.typed"
    }
    in_wheel = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert in_wheel == in_tree


def test_the_wheel_installs_one_import_root(wheel):
    assert {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" not in name} == {"crossbar_hil"}


def test_every_entry_point_can_be_loaded():
    from importlib.metadata import entry_points

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for group, points in project["entry-points"].items():
        for name, value in points.items():
            (found,) = entry_points(group=group, name=name)
            assert found.value == value
            assert found.load() is not None


def test_readme_commands_are_those_that_ci_runs():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ("train", "test"):
        assert readme.count(f"<!-- command: {name} -->") == 1


def test_the_address_of_the_repository_is_nowhere_or_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    cited = re.search(r"^repository-code: \"?([^\"\s]+)", citation, re.MULTILINE)
    assert project["urls"].get("Repository") == (cited[1] if cited else None)
    assert re.search(r"^version: (\S+)", citation, re.MULTILINE)[1] == project["version"]
