"""The list of mutants: one wrong change each to guard, owners, drivers or transport, and the tests that must see it.

A table is an area; in it a mutant stands under the file that it changes: ``name``, ``old`` (text that occurs there
exactly once), ``new``, ``tests`` (paths below `tests`, or single tests), ``why`` it matters.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Mutant:
    """One wrong change."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    why: str

    def applied_to(self, text: str) -> str:
        """Return the text of its file with the change in it."""
        assert text.count(self.old) == 1, f"{self.name}: old text occurs {text.count(self.old)} times in {self.file}"
        return text.replace(self.old, self.new)

    @property
    def words(self) -> list[str]:
        """What pytest is told."""
        return [f"tests/{each}" for each in self.tests]


def mutants() -> list[Mutant]:
    """Return all of them, in the order of the tables."""
    return [
        Mutant(file=file, **{**told, "tests": tuple(told["tests"])})
        for table in sorted(HERE.glob("*.toml"))
        for file, those in tomllib.loads(table.read_text(encoding="utf-8")).items()
        for told in those
    ]
