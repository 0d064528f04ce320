"""Tasks that ship: what a published experiment trained, laid over a bench by its name."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Any, Self

from crossbar_hil.errors import ConfigError
from crossbar_hil.parsing import parse_toml
from crossbar_hil.plugins import nearest
from crossbar_hil.shipped import data, read_text, shipped

FOLDER = "tasks"
WHOLLY = {"rule_options", "target0", "hidden", "bias", "shortcuts", "pairs", "layers"}
"""Settings of a bench that a task replaces also where it does not name them: they are of what is learnt."""


@dataclass(frozen=True, slots=True)
class Task:
    """A pattern set, the size of its chip, and the settings with which it is learnt."""

    name: str
    title: str
    """What is learnt, in a few words."""
    source: str
    """The publication."""
    chip: Mapping[str, Any]
    """Keys of ``[chip]``: the size."""
    training: Mapping[str, Any]
    """Keys of ``[training]``; pulses are those of the bench."""

    @classmethod
    def read(cls, name: str) -> Self:
        """Read a task that ships.

        Raises
        ------
        ConfigError
            If there is none of this name.
        """
        known = task_names()
        if name not in known:
            raise ConfigError(f"task {name!r} does not exist; known are {', '.join(known)}{nearest(name, known)}")
        return cls(name=name, **parse_toml(read_text("task", data() / FOLDER / f"{name}.toml")))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of its chip."""
        return self.chip["rows"], self.chip["columns"]

    def bench_file(self, bench: str) -> Traversable | None:
        """Return its own file for a shipped bench, such as ``emulated``; None if there is none."""
        own = data() / FOLDER / bench / f"{self.name}.toml"
        return own if bench in shipped("benches") and own.is_file() else None

    def benches(self) -> list[str]:
        """Return the names of the shipped benches for which it has a file of its own."""
        return [bench for bench in shipped("benches") if self.bench_file(bench) is not None]

    def lay_over(self, tables: Mapping[str, Any], where: str) -> dict[str, Any]:
        """Return the tables of a bench with this task to be trained.

        Raises
        ------
        ConfigError
            If the bench wires a chip of another size.
        """
        laid = dict(tables)
        wired = _wired(tables.get("wiring"))
        if wired is not None and wired != self.shape:
            raise ConfigError(
                f"{where} wires {wired[0]} rows and {wired[1]} columns, and task {self.name} trains "
                f"{self.shape[0]} rows and {self.shape[1]} columns{self._instead()}"
            )
        chip, training = tables.get("chip"), tables.get("training", {})
        if isinstance(chip, dict):
            laid["chip"] = {**chip, **self.chip}
        if isinstance(training, dict):
            kept = {key: value for key, value in training.items() if key not in WHOLLY}
            laid["training"] = {**kept, **self.training}
        return laid

    def _instead(self) -> str:
        own = self.benches()
        rows, columns = self.shape
        wire = f"; wire {rows} rows and {columns} columns"
        return f"{wire}, or take --bench {own[0]}, of which the task has one of its size" if own else wire


def task_names() -> list[str]:
    """Return the names of the tasks that ship."""
    return shipped(FOLDER)


def _wired(wiring: Any) -> tuple[int, int] | None:
    """Return rows and columns that a [wiring] table has, if it is one; what is wrong with it is told elsewhere."""
    if not isinstance(wiring, dict):
        return None
    rows, columns = wiring.get("rows"), wiring.get("columns")
    return (len(rows), len(columns)) if isinstance(rows, list) and isinstance(columns, list) else None
