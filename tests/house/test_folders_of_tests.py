"""`tests/` mirrors the folders of the source, checks that walk a tree see it whole, and named paths are there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
OWN = {
    "house": "what holds for all of the source: layers, packages, pages, security",
    "campaigns": "long tries, run by name",
    "mutants": "wrong changes to the source, which the other tests must see",
    "checker": "the judge of what happened on a bench, which imports nothing of the package, and its tests",
    "seam": "the modules on top of crossbar_hil",
}
TOP = ("crossbar_hil", "instruments", "drivers", "sim_backend", "data")
CODE = [path for folder in (*TOP, "tests", "benchmarks", "docs") for path in (ROOT / folder).rglob("*.py")]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"), ROOT / ".ci" / "run"]


def test_every_folder_of_tests_mirrors_one_of_the_source_or_is_one_of_five():
    folders = {path.parent.relative_to(TESTS) for path in TESTS.rglob("*.py")} - {Path()}
    assert len(folders) > 30
    for folder in folders:
        first = folder.parts[0]
        if first not in OWN:
            mirrored = ROOT / folder if first in TOP else ROOT / "crossbar_hil" / folder
            assert list(mirrored.glob("*.py")), f"tests/{folder} mirrors no folder of the source"
    assert {folder.parts[0] for folder in folders} >= set(OWN)


def test_no_check_looks_at_the_modules_of_one_folder_only():
    flat = re.compile(r"""\.glob\(\s*["']\*\.py["']""")
    found = [path for path in CODE if path != Path(__file__) and flat.search(path.read_text(encoding="utf-8"))]
    assert found == [], "a folder inside the folder is not seen: rglob"


def test_every_path_of_the_repository_that_is_named_is_there():
    named = {}
    for path in [*PAGES, *CODE]:
        for found in re.findall(r"(?<![\w/.-])(?:tests|benchmarks)/[\w/.]*\w", path.read_text(encoding="utf-8")):
            named.setdefault(found, []).append(path.relative_to(ROOT).as_posix())
    examples = {"tests/test_chip.py", "tests/test_it.py"}  # of packages that somebody else writes
    assert len(named) > 10
    assert {
        found: where for found, where in named.items() if not (ROOT / found).exists() and found not in examples
    } == {}


def test_a_walk_over_the_source_sees_the_folders_inside_its_folders():
    seen = {folder: list((ROOT / folder).rglob("*.py")) for folder in TOP}
    assert {folder for folder, paths in seen.items() if len(paths) < 15} == {"data"}
    assert max(len(path.relative_to(ROOT).parts) for paths in seen.values() for path in paths) == 5
