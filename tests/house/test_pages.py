"""The figures of the pages are those of the results files, and no table of figures stands beside them."""

import importlib
import re
from collections import Counter
from pathlib import Path

import pytest

from crossbar_hil.benchmarks import pages, results, study

ROOT = Path(__file__).resolve().parents[2]
SPECIFICATIONS = {
    "first_day.md": ("place", "cable", "model"),
    "algorithm.md": ("letter", "rule"),
    "bench.md": ("write scheme", "driver"),
    "bench_files.md": ("key",),
    "larger_chips.md": ("mainframe, card",),
    "networks.md": ("key of `[training]`, option",),
    "chip_model.md": ("what you know", "key"),
    "defaults.md": ("setting",),
    "commissioning.md": ("step",),
    "dry_runs.md": ("you type",),
    "emulation.md": ("`[emulation]`",),
    "reproduce.md": ("",),
    "safety.md": ("what happens",),
    "testing.md": ("option", "class attribute"),
    "which_chip.md": ("you have",),
}
"""Tables with numbers that were not measured but set, promised, or worked out by hand; by their first heading."""
SCRIPTS = sorted(path for folder in ("benchmarks", "docs") for path in (ROOT / folder).rglob("*.py"))
BUILD = {"conf", "formulas"}
"""What the build of the pages runs, which has more packages than the tests."""
TABLE = re.compile(r"^\|([^|]*)\|.*\n\|[-:| ]+\n((?:\|.*\n)*)", re.MULTILINE)
NO_FIGURE = re.compile(r"`[^`]*`|\]\([^)]*\)|\$[^$]*\$")
WRITTEN = {"fmea.md", "settings.md"}
"""Pages that a script writes whole."""


def holds_figures(table):
    """Whether a cell beyond the first of a row begins with a number."""
    rows = [NO_FIGURE.sub("", row).strip().strip("|").split("|")[1:] for row in table.splitlines()]
    return any(re.match(r"[~<−-]?\d", cell.strip()) for row in rows for cell in row)


def test_the_pages_are_what_the_results_say():
    behind = [page.name for page, _ in pages.stale()]
    assert behind == [], "run python benchmarks/pages.py"


def test_no_line_begins_with_a_figure():
    """CommonMark takes such a line for HTML, and the paragraph ends there."""
    assert [
        page.name for page in pages.PAGES if re.search("^ *<!-- figure", page.read_text(encoding="utf-8"), re.M)
    ] == []


def test_every_result_is_on_a_page():
    text = "".join(page.read_text(encoding="utf-8") for page in pages.PAGES)
    shown = {found[2] for found in pages.BLOCK.finditer(text)}
    shown |= {found[2].split(" / ")[0] for found in pages.FIGURE.finditer(text)}
    assert shown == set(results.names())


def test_a_table_of_figures_stands_between_markers_or_is_a_specification():
    for page in pages.PAGES:
        place = page.relative_to(ROOT).as_posix().removeprefix("docs/")
        if place in WRITTEN:
            continue
        text = pages.BLOCK.sub("", page.read_text(encoding="utf-8"))
        found = {table[1].strip() for table in TABLE.finditer(text) if holds_figures(table[2])}
        assert found == set(SPECIFICATIONS.get(place, ())), place


def test_below_every_picture_stands_the_script_that_draws_it():
    for page in pages.PAGES:
        text = page.read_text(encoding="utf-8")
        for picture, caption in re.findall(r"^!\[[^]]*\]\((.*\.png)\)\n\n(.*?)\n\n", text, re.MULTILINE | re.DOTALL):
            scripts = re.findall(r"`((?:docs|benchmarks)/[\w/]+\.py)`", caption)
            assert [path for path in scripts if (ROOT / path).exists()], f"{page.name}: {picture}"


def test_every_result_says_how_it_was_got():
    run_by_all = (ROOT / results.path_of("run_all")).read_text(encoding="utf-8")
    for name in results.names():
        found = results.read(name)
        told = [found] if found["script"] else list(found["rows"].values())
        for each in told:
            assert re.fullmatch("[0-9a-f]{40}", each["commit"]), (
                f"{name} was measured with changes that are in no commit"
            )
            assert re.fullmatch(r"\d{4}-\d\d-\d\d", each["date"]), name
        if found["script"]:
            assert (ROOT / results.path_of(found["script"])).exists(), name
            runs = {found["script"], *["run_all"] * (f'"{found["script"]}"' in run_by_all)}
            assert re.search(r"python benchmarks/(?:\w+/)*(\w+)\.py", found["command"])[1] in runs, name
            assert {"python", "crossbar-hil", "numpy"} <= set(found["versions"]), name
            assert found["machine"], name
            assert found["about"], name


@pytest.mark.parametrize("path", [path for path in SCRIPTS if path.stem not in BUILD], ids=lambda path: path.stem)
def test_every_script_behind_the_pages_can_be_imported(path, monkeypatch):
    """What the package renames must be renamed here too."""
    monkeypatch.syspath_prepend(ROOT / "docs")  # where scripts name each other barely
    dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    assert importlib.import_module(f"crossbar_hil.{dotted}" if path.parent.name != "docs" else path.stem).__doc__


def test_no_folder_of_scripts_grows_beyond_what_one_takes_in_at_a_glance():
    sizes = Counter(path.parent for path in (ROOT / "benchmarks").rglob("*.py"))
    assert len(sizes) > 3
    assert max(sizes.values()) <= 21


def test_a_command_of_before_the_script_moved_is_shown_as_it_works_today():
    recorded = results.read("realism")
    now = "python benchmarks/training/realism.py --only realism"
    for typed in (now.replace("training/", ""), now):
        assert pages.origin({**recorded, "command": typed}).startswith(f"`{now}`; made at commit ")


def test_a_command_of_a_script_that_is_gone_is_no_command():
    recorded = results.read("realism")
    with pytest.raises(ValueError, match=r"0 scripts of the name unreal\.py"):
        pages.origin({**recorded, "command": recorded["command"].replace("realism.py", "unreal.py")})


def test_a_script_of_another_checkout_than_the_installed_one_measures_nothing(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("sys.argv", [str(tmp_path / "rules.py")])
    with pytest.raises(SystemExit):
        study.read_command_line("", {})
    assert f"rules.py is not in {ROOT}, the checkout" in capsys.readouterr().err


def test_a_figure_that_was_changed_by_hand_is_noticed():
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    first = pages.FIGURE.search(page)
    changed = page.replace(first[0], f"{first[1]}12345{first[3]}")
    assert pages.filled(changed) == page


def test_a_number_that_was_not_measured_is_an_empty_cell():
    assert pages.Cells().vformat("{median:.1f}", (), {"median": None}) == ""
