"""The list of mutants does not rot: each changes what is there, and names tests that are there."""

import importlib.util
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("listing_of_mutants", ROOT / "tests" / "mutants" / "listing.py")
listing = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = listing
_spec.loader.exec_module(listing)
MUTANTS = listing.mutants()


def test_every_mutant_changes_a_text_that_occurs_once():
    texts = {each.file: (ROOT / each.file).read_text(encoding="utf-8") for each in MUTANTS}
    for each in MUTANTS:
        text = texts[each.file]
        assert text.count(each.old) == 1, f"{each.name}: {text.count(each.old)} times in {each.file}"
        assert each.new != each.old
        assert each.why


def test_names_of_mutants_and_their_changes_are_unique_and_there_are_enough():
    assert [name for name, count in Counter(each.name for each in MUTANTS).items() if count > 1] == []
    assert len({(each.file, each.old, each.new) for each in MUTANTS}) == len(MUTANTS) >= 150


def test_every_test_that_a_mutant_names_is_there():
    for each in MUTANTS:
        assert each.tests, each.name
        for name in each.tests:
            path, _, function = name.partition("::")
            assert (ROOT / "tests" / path).exists(), name
            assert not function or f"def {function.partition('[')[0]}(" in (ROOT / "tests" / path).read_text(), name
